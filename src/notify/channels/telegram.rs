//! Telegram's Bot API: a message with an inline keyboard by `sendMessage`, changed by `editMessageText`
//! once somebody has taken it. Also what a bot is asked by: `updates`, `answer`. The token stands in
//! every address, so no address is ever said.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

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
    notify::said::Said,
    store::attempts::Attempt,
};

pub const BASE_URL: &str = "https://api.telegram.org";
/// A message takes 4,096 UTF-16 units, after the entities are read.
const TEXT_MAX: usize = 3_900;
const TITLE_MAX: usize = 100;
/// A toast takes 200.
const TOAST_MAX: usize = 200;
/// How long Telegram keeps a question for updates open: a real time.
const POLL: Duration = Duration::from_secs(25);

/// Telegram takes one message a second and chat, and twenty a minute and group.
const EVERY: TimeDelta = TimeDelta::seconds(1);
const EVERY_OF_GROUP: TimeDelta = TimeDelta::seconds(3);

/// A bot.
pub struct Telegram {
    token: Secret,
    base_url: String,
    http: reqwest::Client,
    clock: Clock,
    pace: Pace,
    /// Groups that have become supergroups since this process began. Telegram says so each time the old id
    /// is used, so nothing is lost with it.
    moved: Mutex<BTreeMap<i64, i64>>,
}

/// What a method said, or why not.
enum Refusal {
    Moved(i64),
    Trouble(Trouble),
}

impl Telegram {
    /// `base_url` without a slash at its end; `http` is `carrier::http_client`.
    pub fn new(token: Secret, base_url: String, http: reqwest::Client, clock: Clock) -> Self {
        Self { token, base_url, http, clock, pace: Pace::default(), moved: Mutex::default() }
    }

    /// Pressed buttons since then; waits for them for a while. `offset` confirms all before it.
    pub async fn updates(&self, offset: i64) -> Result<Vec<Value>, Trouble> {
        let body = json!({ "offset": offset, "timeout": POLL.as_secs(), "allowed_updates": ["callback_query"] });
        let answer = self.call("getUpdates", &body, POLL + TIMEOUT).await?;
        Ok(answer.as_array().cloned().unwrap_or_default())
    }

    /// Updates come to this address, with this word in a header, instead of being asked for.
    pub async fn deliver_to(&self, url: &str, secret: &Secret) -> Result<(), Trouble> {
        let body = json!({ "url": url, "secret_token": secret.expose(), "allowed_updates": ["callback_query"] });
        self.call("setWebhook", &body, TIMEOUT).await.map(|_| ())
    }

    /// Updates may be asked for: while they are delivered, they may not.
    pub async fn deliver_nowhere(&self) -> Result<(), Trouble> {
        self.call("deleteWebhook", &json!({}), TIMEOUT).await.map(|_| ())
    }

    /// Ends the waiting of whoever pressed a button, with words.
    pub async fn answer(&self, pressed: &str, words: &str) -> Result<(), Trouble> {
        self.call("answerCallbackQuery", &toast(pressed, words), TIMEOUT).await.map(|_| ())
    }

    async fn call(&self, method: &str, body: &Value, patience: Duration) -> Result<Value, Trouble> {
        self.try_call(method, body, patience).await.map_err(|refusal| match refusal {
            Refusal::Moved(_) => Trouble::of(Class::Destination, "Telegram answered that the group has moved"),
            Refusal::Trouble(trouble) => trouble,
        })
    }

    async fn try_call(&self, method: &str, body: &Value, patience: Duration) -> Result<Value, Refusal> {
        let request = self.http.post(format!("{}/bot{}/{method}", self.base_url, self.token.expose())).json(body);
        let patience = super::socket_limit(&self.clock, patience);
        let answered =
            http::exchange(request, "Telegram", patience, self.clock.now()).await.map_err(Refusal::Trouble)?;
        let answer: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
        match answer["ok"].as_bool() {
            Some(true) => Ok(answer["result"].clone()),
            Some(false) => Err(refused(&answer)),
            None => Err(Refusal::Trouble(
                answered
                    .trouble("Telegram", |_| Class::Bug)
                    .unwrap_or_else(|| Trouble::of(Class::Unsure, "Telegram answered what is no JSON")),
            )),
        }
    }

    /// To the chat, or to where it has moved.
    async fn to_chat(&self, method: &str, chat: i64, mut body: Value) -> Result<(i64, Value), Trouble> {
        let known = self.moved.lock().unwrap_or_else(PoisonError::into_inner).get(&chat).copied();
        let chat_now = known.unwrap_or(chat);
        body["chat_id"] = json!(chat_now);
        match self.try_call(method, &body, TIMEOUT).await {
            Ok(result) => Ok((chat_now, result)),
            Err(Refusal::Trouble(trouble)) => Err(trouble),
            Err(Refusal::Moved(to)) => {
                tracing::warn!("a Telegram group has a new id, {to}: write it as `to` of the contact");
                self.moved.lock().unwrap_or_else(PoisonError::into_inner).insert(chat, to);
                body["chat_id"] = json!(to);
                self.call(method, &body, TIMEOUT).await.map(|result| (to, result))
            }
        }
    }
}

impl Provider for Telegram {
    fn send<'a>(&'a self, attempt: &'a Attempt, said: &'a Said) -> BoxFuture<'a, Result<Taken, Trouble>> {
        Box::pin(async move {
            let Address::Telegram(to) = attempt.address else { return Err(super::misdirected()) };
            let every = if to < 0 { EVERY_OF_GROUP } else { EVERY };
            self.pace.take(&to.to_string(), every, self.clock.now())?;
            let message = message(said, attempt.alert.as_ref());
            let Some(Earlier { message: earlier, how }) = &said.earlier else {
                let (chat, sent) = self.to_chat("sendMessage", to, message).await?;
                let id = sent["message_id"].as_i64();
                return Ok(Taken::for_good(id.map(|id| message_id(chat, id))));
            };
            let (chat, id) = read_message_id(earlier).unwrap_or((to, 0));
            if how.changes() {
                let mut body = message.clone();
                body["message_id"] = json!(id);
                match self.to_chat("editMessageText", chat, body).await {
                    // It is gone, too old, or says so already, since an earlier try got there.
                    Err(trouble) if trouble.class == Class::State => {}
                    Err(trouble) => return Err(trouble),
                    Ok(_) => {}
                }
            }
            if how.replies() {
                let mut body = message;
                body["reply_parameters"] = json!({ "message_id": id, "allow_sending_without_reply": true });
                self.to_chat("sendMessage", chat, body).await?;
            }
            Ok(Taken::for_good(Some(earlier.clone())))
        })
    }

    fn name(&self) -> &'static str {
        "telegram"
    }
}

/// How an attempt keeps where its message stands.
pub fn message_id(chat: i64, message: i64) -> String {
    format!("{chat}:{message}")
}

fn read_message_id(text: &str) -> Option<(i64, i64)> {
    let (chat, message) = text.split_once(':')?;
    Some((chat.parse().ok()?, message.parse().ok()?))
}

/// `answerCallbackQuery`, without its name.
pub fn toast(pressed: &str, words: &str) -> Value {
    let words: String = words.chars().take(TOAST_MAX).collect();
    json!({ "callback_query_id": pressed, "text": words, "show_alert": true })
}

fn message(said: &Said, alert: Option<&AlertId>) -> Value {
    let (title, text) = (escaped(&said.title, TITLE_MAX), escaped(&said.text, TEXT_MAX - TITLE_MAX));
    let buttons =
        alert.map_or_else(Vec::new, |alert| said.buttons.iter().filter_map(|button| key(button, alert)).collect());
    json!({
        "text": if title.is_empty() { text } else { format!("<b>{title}</b>\n{text}") },
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
        // An empty keyboard takes the old one away.
        "reply_markup": { "inline_keyboard": buttons },
    })
}

/// A row of the keyboard. Telegram takes no message whose links lead where nobody else gets.
fn key(button: &Button, alert: &AlertId) -> Option<Value> {
    if button.action != OPEN {
        return Some(json!([{ "text": button.label, "callback_data": pressed(&button.action, alert) }]));
    }
    button.url.starts_with("https://").then(|| json!([{ "text": button.label, "url": button.url }]))
}

fn refused(answer: &Value) -> Refusal {
    let parameters = &answer["parameters"];
    if let Some(to) = parameters["migrate_to_chat_id"].as_i64() {
        return Refusal::Moved(to);
    }
    let code = answer["error_code"].as_i64().unwrap_or_default();
    let words: String = answer["description"].as_str().unwrap_or("no reason").chars().take(200).collect();
    Refusal::Trouble(Trouble {
        class: class_of(code, &words),
        code: Some(code.to_string()),
        message: format!("Telegram answered: {words}"),
        retry_after: parameters["retry_after"].as_u64().map(Duration::from_secs),
    })
}

/// Telegram promises no words; what they are beyond these leads to the next contact method.
fn class_of(code: i64, words: &str) -> Class {
    let says = |part: &str| words.to_ascii_lowercase().contains(part);
    match code {
        // A token that is none answers "Not Found".
        401 | 404 => Class::Account,
        403 => Class::Destination,
        429 => Class::Retry,
        // Somebody else asks for updates.
        409 => Class::RetryLater,
        500.. => Class::Retry,
        400 if says("message to edit not found")
            || says("message can't be edited")
            || says("message is not modified")
            || says("query is too old") =>
        {
            Class::State
        }
        400 if says("can't parse entities") || says("too long") || says("button_data_invalid") => Class::Content,
        _ => Class::Destination,
    }
}

#[cfg(test)]
mod tests;
