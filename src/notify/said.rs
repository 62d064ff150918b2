//! What an attempt says, as its row keeps it: rendered when it is planned, in its reader's language.

use serde::{Deserialize, Serialize};

use super::channels::{Button, Earlier};
use crate::{
    clock::Ids,
    model::{Instant, person::Address, phone::Phone},
    store::attempts::{AttemptKind, NewAttempt},
};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Said {
    /// The subject of an email, the title of a push.
    #[serde(default)]
    pub title: String,
    /// The whole text, plain.
    pub text: String,
    /// The reader's language, for what the channel adds.
    #[serde(default)]
    pub language: String,
    /// The same for readers of HTML (email).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub html: String,
    /// What a browser is handed (push): JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub payload: String,
    /// What its reader may press (chats, ntfy, webhooks).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// The message of the same alert that it changes or answers (Slack, Telegram).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Earlier>,
}

impl Said {
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings can be written")
    }

    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}

/// An SMS that answers one, or tells a caller something: it belongs to no alert.
pub fn reply(ids: &Ids, now: Instant, to: Phone, text: impl Into<String>) -> NewAttempt {
    NewAttempt {
        id: ids.id(now),
        notification: None,
        alert: None,
        person: None,
        method: None,
        address: Address::Sms(to),
        kind: AttemptKind::Reply,
        text: Said::plain(text).to_json(),
        held: false,
        due_at: now,
        created_at: now,
    }
}
