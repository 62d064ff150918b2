//! ntfy: one JSON message to a topic, with buttons that POST our signed links. It loads nothing and
//! changes nothing later: the news that somebody has taken an alert is a message of its own.

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    Provider, Taken, Trouble,
    chat::within,
    http::{self, TIMEOUT},
};
use crate::{
    carrier::Class,
    clock::Clock,
    model::{person::Address, secret::Secret},
    notify::said::Said,
    store::attempts::{Attempt, AttemptKind},
};

pub const URL: &str = "https://ntfy.sh";
/// What is longer becomes an attachment, which nobody opens at night.
const MESSAGE_MAX: usize = 4_000;
const TITLE_MAX: usize = 250;
/// More are refused.
const ACTIONS_MAX: usize = 3;

/// A server, with what it asks of whoever publishes.
pub struct Ntfy {
    url: String,
    token: Option<Secret>,
    http: reqwest::Client,
    clock: Clock,
}

impl Ntfy {
    /// `url` without a slash at its end; `http` is `carrier::http_client`.
    pub fn new(url: String, token: Option<Secret>, http: reqwest::Client, clock: Clock) -> Self {
        Self { url, token, http, clock }
    }
}

impl Provider for Ntfy {
    fn send<'a>(&'a self, attempt: &'a Attempt, said: &'a Said) -> BoxFuture<'a, Result<Taken, Trouble>> {
        Box::pin(async move {
            let Address::Ntfy(topic) = &attempt.address else { return Err(super::misdirected()) };
            let mut request = self.http.post(&self.url).json(&message(topic, attempt.kind, said));
            if let Some(token) = &self.token {
                request = request.bearer_auth(token.expose());
            }
            let patience = super::socket_limit(&self.clock, TIMEOUT);
            let answered = http::exchange(request, "ntfy", patience, self.clock.now()).await?;
            let answer: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
            let code = answer["code"].as_i64();
            if let Some(trouble) = answered.trouble("ntfy", |status| class_of(status.as_u16())) {
                let class = if code == Some(QUOTA) { Class::RetryLater } else { trouble.class };
                return Err(Trouble { class, code: code.map(|code| code.to_string()).or(trouble.code), ..trouble });
            }
            Ok(Taken::for_good(answer["id"].as_str().map(|id| id.chars().take(40).collect())))
        })
    }

    fn name(&self) -> &'static str {
        "ntfy"
    }
}

/// The day's messages are used up.
const QUOTA: i64 = 42_908;

fn message(topic: &Secret, kind: AttemptKind, said: &Said) -> Value {
    let action = |button: &super::Button| json!({ "action": "http", "label": button.label, "url": button.url, "method": "POST", "clear": true });
    let actions: Vec<Value> = said.buttons.iter().take(ACTIONS_MAX).map(action).collect();
    let is_page = kind == AttemptKind::Page;
    let mut message = json!({
        "topic": topic.expose(),
        "title": within(&said.title, TITLE_MAX),
        "message": within(&said.text, MESSAGE_MAX),
        "priority": if is_page { 5 } else { 3 },
        "tags": if is_page { ["rotating_light"] } else { ["information_source"] },
        "actions": actions,
    });
    if let Some(first) = said.buttons.first() {
        // Opening it asks and changes nothing.
        message["click"] = json!(first.url);
    }
    message
}

fn class_of(status: u16) -> Class {
    match status {
        401 | 403 => Class::Account,
        413 => Class::Content,
        404 => Class::Destination,
        _ => Class::Bug,
    }
}

#[cfg(test)]
mod tests;
