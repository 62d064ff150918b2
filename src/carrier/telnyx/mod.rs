//! Telnyx: calls through TeXML, which answers to TwiML and to requests much like Twilio's; messages through its own
//! API, in JSON.
//!
//! One method is one request; nothing is repeated here. Parameters are those of Telnyx's pages on TeXML REST
//! commands and on messages. Start with `Telnyx`.

pub mod errors; // its codes, sorted by what to do: pure
pub mod words; // its words → ours: pure

#[cfg(test)]
pub mod tests;

use std::{fmt, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Answer, CallSeen, Carrier, CarrierError, Class, MessageSeen, Moved, NewCall, NewSms, Rates, Sid,
    twilio::{
        FILE_PATIENCE,
        pace::Pace,
        resource,
        wire::{Ask, Body, Credentials, Effect, Wire, in_path},
    },
};
use crate::{
    clock::{Clock, Ids},
    model::{Instant, id::CarrierId, phone::Phone, secret::Secret},
};

pub const BASE_URL: &str = "https://api.telnyx.com/v2";

/// Telnyx's limits for `Timeout`.
const RING_S_MIN: u32 = 5;
const RING_S_MAX: u32 = 120;
const PAGE_SIZE: &str = "100";

#[derive(Debug, Clone)]
pub struct Settings {
    pub id: CarrierId,
    /// Of the account (organization).
    pub account_sid: String,
    /// The TeXML application, which outbound calls belong to.
    pub application_sid: String,
    pub api_key: Secret,
    pub from: Phone,
    /// Without a slash at the end.
    pub base_url: String,
    pub calls_per_second: f64,
    pub messages_per_second: f64,
    /// How long an answer is waited for.
    pub patience: Duration,
}

pub struct Telnyx {
    from: Phone,
    application_sid: String,
    rates: Rates,
    patience: Duration,
    wire: Wire,
    calls: Pace,
    messages: Pace,
}

impl Telnyx {
    /// `http` is `carrier::http_client()`, which follows no redirects.
    pub fn new(settings: Settings, http: reqwest::Client, clock: Clock) -> Self {
        let ids = Ids::random();
        Self {
            rates: Rates {
                calls_per_second: settings.calls_per_second,
                messages_per_second: settings.messages_per_second,
            },
            calls: Pace::new(settings.calls_per_second, clock.clone(), ids.clone()),
            messages: Pace::new(settings.messages_per_second, clock.clone(), ids),
            from: settings.from,
            application_sid: settings.application_sid,
            patience: settings.patience,
            wire: Wire {
                id: settings.id,
                root: format!("{}/texml/Accounts/{}", settings.base_url, settings.account_sid),
                credentials: Credentials::Bearer(settings.api_key),
                base_url: settings.base_url,
                class_of: errors::class_of,
                http,
                clock,
            },
        }
    }

    fn get(&self, what: &'static str, about: impl fmt::Display, url: String) -> Ask {
        Ask::get(what, about, url, self.patience)
    }

    fn post(&self, what: &'static str, about: impl fmt::Display, url: String, body: Body) -> Ask {
        Ask { method: Method::POST, body, effect: Effect::Change, ..self.get(what, about, url) }
    }

    fn call(&self, sid: &Sid) -> String {
        self.wire.url(&format!("/Calls/{}", in_path(sid)))
    }

    fn recording(&self, sid: &Sid) -> String {
        self.wire.url(&format!("/Recordings/{}.json", in_path(sid)))
    }

    async fn file_of(&self, sid: &Sid) -> Result<String, CarrierError> {
        let described = self.wire.json(&self.get("tell about a recording", sid, self.recording(sid))).await;
        // It answers 404 while it still works on the file.
        let described = described.map_err(|error| {
            if error.class == Class::State { CarrierError { class: Class::Retry, ..error } } else { error }
        })?;
        let url = described["media_url"].as_str().filter(|url| !url.is_empty());
        url.map(str::to_owned).ok_or_else(|| CarrierError::of(Class::Retry, "the recording is not ready"))
    }
}

impl Carrier for Telnyx {
    fn id(&self) -> &CarrierId {
        &self.wire.id
    }

    fn from(&self) -> &Phone {
        &self.from
    }

    fn rates(&self) -> Rates {
        self.rates
    }

    fn place_call<'a>(&'a self, call: &'a NewCall) -> Answer<'a, Sid> {
        let form = vec![
            ("ApplicationSid", self.application_sid.clone()),
            ("To", call.to.to_string()),
            ("From", call.from.as_ref().unwrap_or(&self.from).to_string()),
            ("Url", call.url.clone()),
            ("UrlMethod", "POST".to_owned()),
            ("StatusCallback", call.status_callback.clone()),
            ("StatusCallbackMethod", "POST".to_owned()),
            ("StatusCallbackEvent", "initiated ringing answered completed".to_owned()),
            ("Timeout", call.ring_s.clamp(RING_S_MIN, RING_S_MAX).to_string()),
        ];
        let ask = self.post("place a call", call.to.masked(), self.wire.url("/Calls"), Body::Form(form));
        Box::pin(async move {
            self.calls.slot().await.inspect_err(|_| self.wire.count_paced())?;
            let answer = self.wire.json(&ask).await.map_err(unknown_account)?;
            let sid = answer["call_sid"].as_str().or_else(|| answer["sid"].as_str()).filter(|sid| !sid.is_empty());
            sid.map(Sid::new).ok_or_else(|| ask.effect.lost("the carrier's answer names no SID"))
        })
    }

    fn end_call<'a>(&'a self, sid: &'a Sid) -> Answer<'a, ()> {
        let form = Body::Form(vec![("Status", "completed".to_owned())]);
        let ask = self.post("end a call", sid, self.call(sid), form);
        Box::pin(async move { self.wire.ask(&ask).await.map(drop).or_else(|error| unless_gone(error, ())) })
    }

    fn redirect_call<'a>(&'a self, sid: &'a Sid, url: &'a str) -> Answer<'a, Moved> {
        let form = Body::Form(vec![("Url", url.to_owned()), ("Method", "POST".to_owned())]);
        let ask = self.post("redirect a call", sid, self.call(sid), form);
        Box::pin(async move {
            self.wire.ask(&ask).await.map(|_| Moved::Moved).or_else(|error| unless_gone(error, Moved::Gone))
        })
    }

    fn call_status<'a>(&'a self, sid: &'a Sid) -> Answer<'a, CallSeen> {
        let ask = self.get("tell about a call", sid, self.call(sid));
        Box::pin(async move {
            let answer = self.wire.json(&ask).await?;
            resource::call(&answer).ok_or_else(|| ask.effect.lost("the carrier's answer lacks what was asked for"))
        })
    }

    fn find_calls<'a>(&'a self, to: &'a Phone, since: Instant) -> Answer<'a, Vec<CallSeen>> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("To", to.as_str())
            .append_pair("PageSize", PAGE_SIZE)
            // Whole days: what is older is left out below.
            .append_pair("StartTime_gt", &(since - chrono::TimeDelta::days(1)).format("%Y-%m-%d").to_string())
            .finish();
        let ask = self.get("list calls", to.masked(), self.wire.url(&format!("/Calls?{query}")));
        Box::pin(async move {
            let mut page = self.wire.json(&ask).await.map_err(unknown_account)?;
            let Value::Array(items) = page["calls"].take() else {
                return Err(ask.effect.lost("the carrier's answer holds no list"));
            };
            let ours = items.iter().filter(|item| resource::is_ours(item)).filter_map(resource::call);
            let since = since.timestamp();
            let mut found: Vec<CallSeen> =
                ours.filter(|call| call.created_at.is_some_and(|at| at.timestamp() >= since)).collect();
            found.sort_by_key(|call| std::cmp::Reverse(call.created_at));
            Ok(found)
        })
    }

    /// Telnyx reads no answer to what it reports of messages.
    fn answers_by_document(&self) -> bool {
        false
    }

    fn send_sms<'a>(&'a self, sms: &'a NewSms) -> Answer<'a, Option<Sid>> {
        let mut body = json!({
            "to": sms.to.as_str(),
            "from": sms.from.as_ref().unwrap_or(&self.from).as_str(),
            "text": sms.body,
        });
        if let Some(url) = &sms.status_callback {
            body["webhook_url"] = Value::from(url.as_str());
            body["use_profile_webhooks"] = Value::from(false);
        }
        let url = format!("{}/messages", self.wire.base_url);
        let ask = self.post("send a message", sms.to.masked(), url, Body::Json(body));
        Box::pin(async move {
            self.messages.slot().await.inspect_err(|_| self.wire.count_paced())?;
            let answer = self
                .wire
                .json(&ask)
                .await
                .map_err(unknown_account)
                .map_err(|error| CarrierError { code: error.code.map(errors::in_our_codes), ..error })?;
            let sid = words::sid(&answer["data"]);
            sid.map(Some).ok_or_else(|| ask.effect.lost("the carrier's answer names no id"))
        })
    }

    fn sms_status<'a>(&'a self, sid: &'a Sid) -> Answer<'a, MessageSeen> {
        let url = format!("{}/messages/{}", self.wire.base_url, in_path(sid));
        let ask = self.get("tell about a message", sid, url);
        Box::pin(async move {
            let answer = self.wire.json(&ask).await?;
            words::message(&answer).ok_or_else(|| ask.effect.lost("the carrier's answer lacks what was asked for"))
        })
    }

    /// Telnyx's API lists no messages by number and text, so nobody can say whether it has one.
    fn find_sms<'a>(&'a self, _: &'a Phone, _: &'a str, _: Instant) -> Answer<'a, Vec<MessageSeen>> {
        let unknown = CarrierError::of(Class::Retry, "this carrier cannot be asked which messages it has");
        Box::pin(async move { Err(unknown) })
    }

    fn fetch_recording<'a>(&'a self, sid: &'a Sid) -> Answer<'a, Vec<u8>> {
        Box::pin(async move {
            let url = self.file_of(sid).await?;
            let ask = Ask { is_file: true, patience: FILE_PATIENCE, ..self.get("give a recording", sid, url) };
            match self.wire.ask(&ask).await {
                Ok(file) if file.is_empty() => Err(CarrierError::of(Class::Retry, "the recording is still empty")),
                outcome => outcome,
            }
        })
    }

    fn delete_recording<'a>(&'a self, sid: &'a Sid) -> Answer<'a, ()> {
        let ask = Ask { method: Method::DELETE, ..self.get("delete a recording", sid, self.recording(sid)) };
        Box::pin(async move { self.wire.ask(&ask).await.map(drop).or_else(|error| unless_gone(error, ())) })
    }

    fn check(&self) -> Answer<'_, ()> {
        let url = format!("{}/texml_applications/{}", self.wire.base_url, self.application_sid);
        let ask = self.get("tell about the TeXML application", "the application", url);
        Box::pin(async move {
            let application = self.wire.json(&ask).await.map_err(unknown_account)?;
            if application["data"]["active"] == Value::Bool(false) {
                return Err(CarrierError::of(Class::Account, "the TeXML application is not active"));
            }
            Ok(())
        })
    }
}

/// The call or file is no more: what was to be changed has ended by itself.
fn unless_gone<T>(error: CarrierError, gone: T) -> Result<T, CarrierError> {
    if error.class == Class::State { Ok(gone) } else { Err(error) }
}

/// Where a collection is not found it is the account or the address that is wrong.
fn unknown_account(error: CarrierError) -> CarrierError {
    if error.class == Class::State { CarrierError { class: Class::Account, ..error } } else { error }
}
