//! Slack: a message with buttons by `chat.postMessage`, changed in place by `chat.update` once somebody
//! has taken it. Slack answers 200 also for refusals; the word in `error` says what they are.

use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    Provider, Taken, Trouble,
    chat::{Button, Earlier, OPEN, escaped, pressed},
    http::{self, TIMEOUT},
    pace::Pace,
};
use crate::{
    carrier::Class,
    clock::Clock,
    model::{id::AlertId, person::Address, secret::Secret},
    notify::{links::Action, said::Said},
    store::attempts::Attempt,
};

pub const BASE_URL: &str = "https://slack.com/api";
/// A section takes 3,000 characters.
const TEXT_MAX: usize = 2_900;
/// A button's label takes 75.
const LABEL_MAX: usize = 75;

/// Slack takes one message a second and channel.
const EVERY: TimeDelta = TimeDelta::seconds(1);

/// A bot in a workspace.
pub struct Slack {
    token: Secret,
    base_url: String,
    http: reqwest::Client,
    clock: Clock,
    pace: Pace,
}

impl Slack {
    /// `base_url` without a slash at its end; `http` is `carrier::http_client`.
    pub fn new(token: Secret, base_url: String, http: reqwest::Client, clock: Clock) -> Self {
        Self { token, base_url, http, clock, pace: Pace::default() }
    }

    async fn post(&self, channel: &str, under: Option<&str>, message: Value) -> Result<String, Trouble> {
        let mut body = message;
        body["channel"] = json!(channel);
        // The answer leads to the message; nobody needs previews of our own links.
        body["unfurl_links"] = json!(false);
        if let Some(ts) = under {
            body["thread_ts"] = json!(ts);
        }
        let answer = self.call("chat.postMessage", &body).await?;
        let named = |name: &str| answer[name].as_str().map(str::to_owned);
        // A message to a person stands in a channel of its own, and is changed there.
        let channel = named("channel").unwrap_or_else(|| channel.to_owned());
        Ok(named("ts").map(|ts| message_id(&channel, &ts)).unwrap_or_default())
    }

    async fn call(&self, method: &str, body: &Value) -> Result<Value, Trouble> {
        let request = self
            .http
            .post(format!("{}/{method}", self.base_url))
            .bearer_auth(self.token.expose())
            .header(reqwest::header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(body.to_string());
        let patience = super::socket_limit(&self.clock, TIMEOUT);
        let answered = http::exchange(request, "Slack", patience, self.clock.now()).await?;
        if let Some(trouble) = answered.trouble("Slack", |_| Class::Bug) {
            return Err(trouble);
        }
        // It has taken something, and nobody knows what.
        let unclear = |_| Trouble::of(Class::Unsure, "Slack answered what is no JSON");
        let answer: Value = serde_json::from_slice(&answered.body).map_err(unclear)?;
        match answer["ok"].as_bool() {
            Some(true) => Ok(answer),
            _ => Err(refused(answer["error"].as_str().unwrap_or("no reason"), answered.retry_after)),
        }
    }
}

impl Provider for Slack {
    fn send<'a>(&'a self, attempt: &'a Attempt, said: &'a Said) -> BoxFuture<'a, Result<Taken, Trouble>> {
        Box::pin(async move {
            let Address::Slack(to) = &attempt.address else { return Err(super::misdirected()) };
            let chat = said
                .earlier
                .as_ref()
                .and_then(|earlier| earlier.message.split_once(':'))
                .map_or(to.as_str(), |(chat, _)| chat);
            self.pace.take(chat, EVERY, self.clock.now())?;
            let message = message(said, attempt.alert.as_ref());
            let Some(Earlier { message: earlier, how }) = &said.earlier else {
                return self.post(to, None, message).await.map(|id| Taken::for_good(Some(id)));
            };
            let (channel, ts) = earlier.split_once(':').unwrap_or((to, ""));
            if how.changes() {
                let mut body = message.clone();
                (body["channel"], body["ts"]) = (json!(channel), json!(ts));
                match self.call("chat.update", &body).await {
                    // It is gone or may not be changed any more: nobody can press its buttons either.
                    Err(trouble) if trouble.class == Class::State => {}
                    Err(trouble) => return Err(trouble),
                    Ok(_) => {}
                }
            }
            if how.replies() {
                self.post(channel, Some(ts).filter(|ts| !ts.is_empty()), message).await?;
            }
            Ok(Taken::for_good(Some(earlier.clone())))
        })
    }

    fn name(&self) -> &'static str {
        "slack"
    }
}

/// How an attempt keeps where its message stands.
pub fn message_id(channel: &str, ts: &str) -> String {
    format!("{channel}:{ts}")
}

fn message(said: &Said, alert: Option<&AlertId>) -> Value {
    let whole = if said.title.is_empty() { said.text.clone() } else { format!("{}\n{}", said.title, said.text) };
    let text = escaped(&whole, TEXT_MAX);
    let mut blocks = vec![json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })];
    if let Some(alert) = alert.filter(|_| !said.buttons.is_empty()) {
        let buttons: Vec<Value> = said.buttons.iter().map(|button| element(button, alert)).collect();
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    json!({ "text": text, "blocks": blocks })
}

fn element(button: &Button, alert: &AlertId) -> Value {
    let label: String = button.label.chars().take(LABEL_MAX).collect();
    let mut element = json!({
        "type": "button", "action_id": button.action, "value": pressed(&button.action, alert),
        "text": { "type": "plain_text", "text": label },
    });
    if button.action == OPEN {
        element["url"] = json!(button.url);
    }
    if button.action == Action::Acknowledge.as_str() {
        element["style"] = json!("primary");
    }
    element
}

fn refused(error: &str, retry_after: Option<Duration>) -> Trouble {
    let word: String = error.chars().filter(|sign| sign.is_ascii_alphanumeric() || *sign == '_').take(60).collect();
    let message = format!("Slack answered {word}");
    Trouble { class: class_of(error), code: Some(word), message, retry_after }
}

/// Slack's words, from its pages on `chat.postMessage` and `chat.update`.
fn class_of(error: &str) -> Class {
    match error {
        "ratelimited" | "rate_limited" | "service_unavailable" | "team_added_to_org" | "request_timeout" => {
            Class::Retry
        }
        "message_limit_exceeded" => Class::RetryLater,
        // "Some aspect of the operation may have succeeded before the error."
        "internal_error" | "fatal_error" => Class::Unsure,
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "missing_scope"
        | "no_permission"
        | "not_allowed_token_type"
        | "org_login_required"
        | "access_denied"
        | "ekm_access_denied"
        | "team_access_not_granted"
        | "deprecated_endpoint" => Class::Account,
        "channel_not_found"
        | "not_in_channel"
        | "is_archived"
        | "user_not_found"
        | "user_disabled"
        | "users_not_found"
        | "cannot_dm_bot"
        | "messages_tab_disabled"
        | "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel" => Class::Destination,
        "message_not_found" | "cant_update_message" | "edit_window_closed" | "thread_not_found" => Class::State,
        "msg_too_long" | "no_text" | "invalid_blocks" | "invalid_blocks_format" | "msg_blocks_too_long" => {
            Class::Content
        }
        _ => Class::Bug,
    }
}

#[cfg(test)]
mod tests;
