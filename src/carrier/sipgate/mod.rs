//! sipgate: messages through its REST API, in JSON; calls that come in through its push API.
//!
//! One method is one request; nothing is repeated here. Requests and answers are those of api.sipgate.com/v2/doc, errors
//! those that its example sipgateio-sendsms-python lists. A call that sipgate places joins two phones and speaks no
//! document of ours, so it carries no pages by voice and rings no technicians. Its documents know neither speech nor
//! recording nor a queue, and tell nothing more once keys were asked for: it runs no flows, and hands calls on. Start with
//! `Sipgate`.

pub mod document; // what answers a call: pure
pub mod words; // its words → ours: pure

#[cfg(test)]
pub mod tests;

use std::{fmt, time::Duration};

use chrono::SecondsFormat;
use futures::future;
use reqwest::Method;
use serde_json::json;

use super::{
    Answer, Answers, CallSeen, Carrier, CarrierError, Class, HandsOn, MessageSeen, Moved, NewCall, NewSms, Rates, Sid,
    error_codes,
    status::CallStatus,
    twilio::{
        pace::Pace,
        wire::{Ask, Body, Credentials, Effect, Wire, in_path},
    },
};
use crate::{
    clock::{Clock, Ids},
    model::{Instant, id::CarrierId, phone::Phone, secret::Secret},
};

pub const BASE_URL: &str = "https://api.sipgate.com/v2";

/// Of one number since a few minutes ago.
const HISTORY_MAX: &str = "50";

#[derive(Debug, Clone)]
pub struct Settings {
    pub id: CarrierId,
    /// Of a personal access token.
    pub token_id: String,
    pub token: Secret,
    /// The Web SMS extension that sends, as `s0`.
    pub sms_id: String,
    /// What that extension shows as its sender, as set at sipgate.
    pub from: Phone,
    pub hands_on: HandsOn,
    /// Without a slash at the end.
    pub base_url: String,
    pub calls_per_second: f64,
    pub messages_per_second: f64,
    /// How long an answer is waited for.
    pub patience: Duration,
}

pub struct Sipgate {
    from: Phone,
    sms_id: String,
    hands_on: HandsOn,
    rates: Rates,
    patience: Duration,
    wire: Wire,
    messages: Pace,
}

impl Sipgate {
    /// `http` is `carrier::http_client()`, which follows no redirects.
    pub fn new(settings: Settings, http: reqwest::Client, clock: Clock) -> Self {
        Self {
            rates: Rates {
                calls_per_second: settings.calls_per_second,
                messages_per_second: settings.messages_per_second,
            },
            messages: Pace::new(settings.messages_per_second, clock.clone(), Ids::random()),
            from: settings.from,
            sms_id: settings.sms_id,
            hands_on: settings.hands_on,
            patience: settings.patience,
            wire: Wire {
                id: settings.id,
                root: settings.base_url.clone(),
                credentials: Credentials::Basic { user: settings.token_id, password: settings.token },
                base_url: settings.base_url,
                class_of,
                http,
                clock,
            },
        }
    }

    fn get(&self, what: &'static str, about: impl fmt::Display, rest: &str) -> Ask {
        Ask::get(what, about, self.wire.url(rest), self.patience)
    }
}

/// sipgate has no codes of its own. A 403 says that the token or the extension may not do it, a 402 that the account
/// has no credit, a 404 that the address is wrong.
fn class_of(_: Option<u32>, status: Option<u16>) -> Class {
    match status {
        Some(404) => Class::Account,
        status => error_codes::class_of(None, status),
    }
}

/// A number in its answers is none that timelines know.
fn without_code(error: CarrierError) -> CarrierError {
    CarrierError { code: None, ..error }
}

/// Nothing was asked.
fn cannot<T: Send + 'static>(what: &'static str) -> Answer<'static, T> {
    Box::pin(future::ready(Err(CarrierError::of(Class::Account, what))))
}

impl Carrier for Sipgate {
    fn id(&self) -> &CarrierId {
        &self.wire.id
    }

    fn from(&self) -> &Phone {
        &self.from
    }

    fn rates(&self) -> Rates {
        self.rates
    }

    fn answers(&self) -> Answers<'_> {
        Answers::HandsOn(&self.hands_on)
    }

    fn place_call<'a>(&'a self, _: &'a NewCall) -> Answer<'a, Sid> {
        cannot("sipgate places no calls in which Pikett could speak")
    }

    fn end_call<'a>(&'a self, sid: &'a Sid) -> Answer<'a, ()> {
        let ask = self.get("end a call", sid, &format!("/calls/{}", in_path(sid)));
        let ask = Ask { method: Method::DELETE, effect: Effect::Change, ..ask };
        Box::pin(async move {
            match self.wire.ask(&ask).await {
                Err(error) if error.status != Some(404) => Err(without_code(error)),
                Ok(_) | Err(_) => Ok(()),
            }
        })
    }

    fn redirect_call<'a>(&'a self, _: &'a Sid, _: &'a str) -> Answer<'a, Moved> {
        cannot("sipgate leads no call to another document")
    }

    /// Only calls in which somebody talks are listed. Whoever asks does so minutes after the last event: what is not
    /// listed then rings no more.
    fn call_status<'a>(&'a self, sid: &'a Sid) -> Answer<'a, CallSeen> {
        let ask = self.get("list calls", sid, "/calls");
        Box::pin(async move {
            let calls = self.wire.json(&ask).await.map_err(without_code)?;
            match words::is_among(&calls, sid) {
                Some(true) => {
                    let (sid, status) = (sid.clone(), CallStatus::InProgress);
                    Ok(CallSeen { sid, status, created_at: None, duration_s: None })
                }
                Some(false) => Err(CarrierError::of(Class::State, "sipgate does not list this call")),
                None => Err(ask.effect.lost("the carrier's answer holds no list")),
            }
        })
    }

    fn find_calls<'a>(&'a self, _: &'a Phone, _: Instant) -> Answer<'a, Vec<CallSeen>> {
        // It has placed none.
        Box::pin(future::ready(Ok(Vec::new())))
    }

    /// sipgate reports nothing of messages, and none that come in.
    fn answers_by_document(&self) -> bool {
        false
    }

    /// It answers 204, without a name for the message.
    fn send_sms<'a>(&'a self, sms: &'a NewSms) -> Answer<'a, Option<Sid>> {
        let body = json!({ "smsId": self.sms_id, "recipient": sms.to.as_str(), "message": sms.body });
        let ask = self.get("send a message", sms.to.masked(), "/sessions/sms");
        let ask = Ask { method: Method::POST, body: Body::Json(body), effect: Effect::Change, ..ask };
        Box::pin(async move {
            self.messages.slot().await.inspect_err(|_| self.wire.count_paced())?;
            self.wire.ask(&ask).await.map(|_| None).map_err(without_code)
        })
    }

    fn sms_status<'a>(&'a self, sid: &'a Sid) -> Answer<'a, MessageSeen> {
        let ask = self.get("tell about a message", sid, &format!("/history/{}", in_path(sid)));
        Box::pin(async move {
            let entry = self.wire.json(&ask).await.map_err(without_code)?;
            words::message(&entry).ok_or_else(|| ask.effect.lost("the carrier's answer lacks what was asked for"))
        })
    }

    /// The history proves that a message was sent. That it is not there proves nothing: nobody says how soon it would
    /// be.
    fn find_sms<'a>(&'a self, to: &'a Phone, body: &'a str, since: Instant) -> Answer<'a, Vec<MessageSeen>> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("types", "SMS")
            .append_pair("directions", "OUTGOING")
            .append_pair("connectionIds", &self.sms_id)
            .append_pair("phonenumber", to.as_str())
            .append_pair("from", &since.to_rfc3339_opts(SecondsFormat::Secs, true))
            .append_pair("limit", HISTORY_MAX)
            .finish();
        let ask = self.get("list messages", to.masked(), &format!("/history?{query}"));
        Box::pin(async move {
            let page = self.wire.json(&ask).await.map_err(without_code)?;
            let found = words::messages(&page, to, body, since)
                .ok_or_else(|| ask.effect.lost("the carrier's answer holds no list"))?;
            if found.is_empty() {
                return Err(CarrierError::of(Class::Retry, "the message is not in sipgate's history, perhaps not yet"));
            }
            Ok(found)
        })
    }

    fn fetch_recording<'a>(&'a self, _: &'a Sid) -> Answer<'a, Vec<u8>> {
        cannot("sipgate records nothing for Pikett")
    }

    fn delete_recording<'a>(&'a self, _: &'a Sid) -> Answer<'a, ()> {
        Box::pin(future::ready(Ok(())))
    }

    /// Whose token it is, and, if it may know, whether there is such an extension.
    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let ask = self.get("tell whose token it is", "the account", "/authorization/userinfo");
            let user = self.wire.json(&ask).await.map_err(without_code)?;
            let user = user["sub"].as_str().filter(|user| !user.is_empty()).map(Sid::new);
            let user = user.ok_or_else(|| ask.effect.lost("the carrier's answer names no user"))?;
            let ask = self.get("list SMS extensions", "the account", &format!("/{}/sms", in_path(&user)));
            let extensions = match self.wire.json(&ask).await {
                // The token may send and look no further.
                Err(error) if error.status == Some(403) => return Ok(()),
                extensions => extensions.map_err(without_code)?,
            };
            let Some(items) = extensions["items"].as_array() else { return Ok(()) };
            if items.iter().any(|item| item["id"].as_str() == Some(&self.sms_id)) {
                return Ok(());
            }
            let known: Vec<&str> = items.iter().filter_map(|item| item["id"].as_str()).collect();
            let words = format!("the account has no SMS extension `{}` (it has: {})", self.sms_id, known.join(", "));
            Err(CarrierError::of(Class::Account, words))
        })
    }
}
