//! The JSON shape of a message that a caller left. What `wire` says of shapes holds here too.

use serde::Serialize;

use crate::{
    model::{Instant, call::Question},
    store::voicemails::VoicemailRow,
};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Voicemail {
    pub id: String,
    pub call: String,
    pub alert: Option<String>,
    /// message, answer, talk
    pub kind: &'static str,
    /// What is answered: who, what, where, when, why.
    pub question: Option<&'static str>,
    pub seconds: u32,
    pub language: Option<String>,
    /// Where the recording is.
    pub state: &'static str,
    pub transcript: Option<String>,
    pub created_at: Instant,
    /// When the recording is removed.
    pub remove_at: Option<Instant>,
    /// Null while, or when, it is not here.
    pub recording: Option<Recording>,
}

/// What a caller said to one of the five questions, as it stands in their alert. Links expire: `/voicemails/{id}`
/// gives one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntakeAnswer {
    pub question: &'static str,
    pub voicemail: String,
    pub seconds: u32,
    /// Where the recording is.
    pub state: &'static str,
    pub transcript: Option<String>,
}

impl IntakeAnswer {
    /// `None`: it answers nothing.
    pub fn new(row: &VoicemailRow) -> Option<Self> {
        Some(Self {
            question: row.said.question()?.as_str(),
            voicemail: row.id.to_string(),
            seconds: row.seconds,
            state: row.place.as_str(),
            transcript: row.transcript.clone(),
        })
    }
}

/// Where it can be heard, and until when.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recording {
    pub url: String,
    pub expires_at: Instant,
}

impl Voicemail {
    pub fn new(row: &VoicemailRow, link: Option<String>, expires_at: Instant) -> Self {
        Self {
            id: row.id.to_string(),
            call: row.call.to_string(),
            alert: row.alert.as_ref().map(ToString::to_string),
            kind: row.said.as_str(),
            question: row.said.question().map(Question::as_str),
            seconds: row.seconds,
            language: row.language.as_ref().map(ToString::to_string),
            state: row.place.as_str(),
            transcript: row.transcript.clone(),
            created_at: row.created_at,
            remove_at: row.remove_at,
            recording: link.map(|url| Recording { url, expires_at }),
        }
    }
}
