//! Twilio's REST client, and that of every carrier that speaks the same language.
//!
//! One method is one request (a list is a few); nothing is repeated here. Parameters are those of
//! Twilio's pages on calls, messages and recordings. Start with `Twilio`.

pub(super) mod pace;
mod refusal;
pub(super) mod resource;
pub(super) mod wire;

#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use reqwest::Method;
use serde_json::Value;

use super::{
    Answer, CallSeen, Carrier, CarrierError, Class, MessageSeen, Moved, NewCall, NewSms, Rates, Sid,
    error_codes::{self, NOT_FOUND, NOT_IN_PROGRESS},
};
use crate::{
    clock::{Clock, Ids},
    model::{Instant, id::CarrierId, phone::Phone, secret::Secret},
};
use pace::Pace;
use wire::{Ask, Body, Credentials, Effect, Wire, in_path};

/// Twilio's limits for `Timeout` and `ValidityPeriod`.
const RING_S_MAX: u32 = 600;
const VALIDITY_S_MAX: u32 = 36_000;

/// A whole request; well below a worker's lease, together with the wait for a slot.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Where another carrier can take over: whoever does not answer is asked twice, and the page is out within ten
/// seconds all the same.
pub const PATIENCE_OF_SEVERAL: Duration = Duration::from_secs(4);
/// A recorded talk may be long; whoever has less time asks for less.
pub(super) const FILE_PATIENCE: Duration = Duration::from_secs(300);

const PAGE_SIZE: usize = 100;
const PAGES_MAX: usize = 5;

#[derive(Debug, Clone)]
pub struct Settings {
    pub id: CarrierId,
    pub account_sid: String,
    pub auth_token: Secret,
    pub from: Phone,
    /// Without a slash at the end.
    pub base_url: String,
    pub calls_per_second: f64,
    pub messages_per_second: f64,
    /// How long an answer is waited for.
    pub patience: Duration,
}

pub struct Twilio {
    from: Phone,
    rates: Rates,
    patience: Duration,
    wire: Wire,
    calls: Pace,
    messages: Pace,
}

impl Twilio {
    /// `http` is `carrier::http_client()`, which follows no redirects.
    pub fn new(settings: Settings, http: reqwest::Client, clock: Clock) -> Self {
        let ids = Ids::random();
        let base_url = settings.base_url.trim_end_matches('/').to_owned();
        Self {
            rates: Rates {
                calls_per_second: settings.calls_per_second,
                messages_per_second: settings.messages_per_second,
            },
            calls: Pace::new(settings.calls_per_second, clock.clone(), ids.clone()),
            messages: Pace::new(settings.messages_per_second, clock.clone(), ids),
            from: settings.from,
            patience: settings.patience,
            wire: Wire {
                id: settings.id,
                root: format!("{base_url}/2010-04-01/Accounts/{}", settings.account_sid),
                credentials: Credentials::Basic { user: settings.account_sid, password: settings.auth_token },
                base_url,
                class_of: error_codes::class_of,
                http,
                clock,
            },
        }
    }

    fn get(&self, what: &'static str, about: impl fmt::Display, url: String) -> Ask {
        Ask::get(what, about, url, self.patience)
    }

    fn post(&self, what: &'static str, about: impl fmt::Display, rest: &str, form: Vec<(&'static str, String)>) -> Ask {
        let body = Body::Form(form);
        Ask { method: Method::POST, body, effect: Effect::Change, ..self.get(what, about, self.wire.url(rest)) }
    }

    async fn create(&self, ask: Ask) -> Result<Sid, CarrierError> {
        let answer = self.wire.json(&ask).await.map_err(unknown_account)?;
        resource::sid(&answer).ok_or_else(|| ask.effect.lost("the carrier's answer names no SID"))
    }

    async fn one<T>(&self, ask: Ask, read: fn(&Value) -> Option<T>) -> Result<T, CarrierError> {
        let answer = self.wire.json(&ask).await?;
        read(&answer).ok_or_else(|| ask.effect.lost("the carrier's answer lacks what was asked for"))
    }

    /// What we asked for by REST to that number since then, newest first, as far as it is kept.
    ///
    /// The lists can be filtered by the time when a call began or a message left, which neither has
    /// while it is queued: so they are read from the newest on until they are older than asked.
    async fn since<T>(
        &self,
        list: (&'static str, &str),
        (to, since): (&Phone, Instant),
        keep: impl Fn(&Value) -> Option<T> + Send,
        created_at: fn(&T) -> Option<Instant>,
    ) -> Result<Vec<T>, CarrierError> {
        let (what, collection) = list;
        // The carrier's dates have no fractions of a second.
        let since = since.timestamp();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("To", to.as_str())
            .append_pair("PageSize", &PAGE_SIZE.to_string())
            .finish();
        let mut next = Some(self.wire.url(&format!("/{collection}.json?{query}")));
        let mut found = Vec::new();
        let until = self.wire.clock.now() + self.patience;
        for _ in 0..PAGES_MAX {
            let Some(url) = next.take().filter(|_| self.wire.clock.now() <= until) else { break };
            let ask = self.get(what, to.masked(), url);
            let mut page = self.wire.json(&ask).await.map_err(unknown_account)?;
            next = self.wire.next_page(&page);
            let key = collection.to_ascii_lowercase();
            let Value::Array(items) = page[key.as_str()].take() else {
                return Err(ask.effect.lost("the carrier's answer holds no list"));
            };
            for item in items.iter().filter(|item| resource::is_ours(item)).filter_map(&keep) {
                match created_at(&item) {
                    Some(at) if at.timestamp() >= since => found.push(item),
                    Some(_) => next = None,
                    None => {}
                }
            }
        }
        found.sort_by_key(|item| std::cmp::Reverse(created_at(item)));
        Ok(found)
    }
}

impl Carrier for Twilio {
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
        let mut form = vec![
            ("To", call.to.to_string()),
            ("From", call.from.as_ref().unwrap_or(&self.from).to_string()),
            ("Url", call.url.clone()),
            ("Method", "POST".to_owned()),
            ("StatusCallback", call.status_callback.clone()),
            ("StatusCallbackMethod", "POST".to_owned()),
            ("Timeout", call.ring_s.clamp(1, RING_S_MAX).to_string()),
        ];
        let events = ["initiated", "ringing", "answered", "completed"];
        form.extend(events.map(|event| ("StatusCallbackEvent", event.to_owned())));
        let ask = self.post("place a call", call.to.masked(), "/Calls.json", form);
        Box::pin(async move {
            self.calls.slot().await.inspect_err(|_| self.wire.count_paced())?;
            self.create(ask).await
        })
    }

    fn end_call<'a>(&'a self, sid: &'a Sid) -> Answer<'a, ()> {
        // `canceled` would leave an answered call alone.
        let form = vec![("Status", "completed".to_owned())];
        let ask = self.post("end a call", sid, &format!("/Calls/{}.json", in_path(sid)), form);
        Box::pin(async move { self.wire.ask(&ask).await.map(drop).or_else(|error| unless_gone(error, ())) })
    }

    fn redirect_call<'a>(&'a self, sid: &'a Sid, url: &'a str) -> Answer<'a, Moved> {
        let form = vec![("Url", url.to_owned()), ("Method", "POST".to_owned())];
        let ask = self.post("redirect a call", sid, &format!("/Calls/{}.json", in_path(sid)), form);
        Box::pin(async move {
            self.wire.ask(&ask).await.map(|_| Moved::Moved).or_else(|error| unless_gone(error, Moved::Gone))
        })
    }

    fn call_status<'a>(&'a self, sid: &'a Sid) -> Answer<'a, CallSeen> {
        let url = self.wire.url(&format!("/Calls/{}.json", in_path(sid)));
        Box::pin(self.one(self.get("tell about a call", sid, url), resource::call))
    }

    fn find_calls<'a>(&'a self, to: &'a Phone, since: Instant) -> Answer<'a, Vec<CallSeen>> {
        Box::pin(self.since(("list calls", "Calls"), (to, since), resource::call, |call| call.created_at))
    }

    fn send_sms<'a>(&'a self, sms: &'a NewSms) -> Answer<'a, Option<Sid>> {
        let mut form = vec![
            ("To", sms.to.to_string()),
            ("From", sms.from.as_ref().unwrap_or(&self.from).to_string()),
            ("Body", sms.body.clone()),
            ("ValidityPeriod", sms.validity_s.clamp(1, VALIDITY_S_MAX).to_string()),
        ];
        form.extend(sms.status_callback.clone().map(|url| ("StatusCallback", url)));
        let ask = self.post("send a message", sms.to.masked(), "/Messages.json", form);
        Box::pin(async move {
            self.messages.slot().await.inspect_err(|_| self.wire.count_paced())?;
            self.create(ask).await.map(Some)
        })
    }

    fn sms_status<'a>(&'a self, sid: &'a Sid) -> Answer<'a, MessageSeen> {
        let url = self.wire.url(&format!("/Messages/{}.json", in_path(sid)));
        Box::pin(self.one(self.get("tell about a message", sid, url), resource::message))
    }

    fn find_sms<'a>(&'a self, to: &'a Phone, body: &'a str, since: Instant) -> Answer<'a, Vec<MessageSeen>> {
        let keep = move |item: &Value| resource::message(item).map(|seen| (seen, resource::has_text(item, body)));
        Box::pin(async move {
            // Other texts count for where the list may end.
            let all = self.since(("list messages", "Messages"), (to, since), keep, |(seen, _)| seen.created_at).await?;
            Ok(all.into_iter().filter(|(_, has_text)| *has_text).map(|(seen, _)| seen).collect())
        })
    }

    fn fetch_recording<'a>(&'a self, sid: &'a Sid) -> Answer<'a, Vec<u8>> {
        let url = self.wire.url(&format!("/Recordings/{}.wav", in_path(sid)));
        let ask = Ask { is_file: true, patience: FILE_PATIENCE, ..self.get("give a recording", sid, url) };
        Box::pin(async move {
            match self.wire.ask(&ask).await {
                Ok(file) if file.is_empty() => Err(CarrierError::of(Class::Retry, "the recording is still empty")),
                // Twilio answers 404 while it still works on the file.
                Err(error) if error.class == Class::State => Err(CarrierError { class: Class::Retry, ..error }),
                outcome => outcome,
            }
        })
    }

    fn delete_recording<'a>(&'a self, sid: &'a Sid) -> Answer<'a, ()> {
        let url = self.wire.url(&format!("/Recordings/{}.json", in_path(sid)));
        // It may be repeated without harm, so a lost answer is nothing to look for.
        let ask = Ask { method: Method::DELETE, ..self.get("delete a recording", sid, url) };
        Box::pin(async move { self.wire.ask(&ask).await.map(drop).or_else(|error| unless_gone(error, ())) })
    }

    fn check(&self) -> Answer<'_, ()> {
        let ask = self.get("tell about the account", "the account", self.wire.url(".json"));
        Box::pin(async move {
            let account = self.wire.json(&ask).await.map_err(unknown_account)?;
            match account["status"].as_str() {
                None | Some("active") => Ok(()),
                Some(status) => {
                    let status: String = status.chars().take(40).collect();
                    Err(CarrierError::of(Class::Account, format!("the carrier says that the account is {status}")))
                }
            }
        })
    }
}

/// The call or file is no more: what was to be changed has ended by itself.
fn unless_gone<T>(error: CarrierError, gone: T) -> Result<T, CarrierError> {
    let is_gone = matches!(error.code, Some(NOT_IN_PROGRESS | NOT_FOUND)) || error.class == Class::State;
    if is_gone { Ok(gone) } else { Err(error) }
}

/// Where a collection is not found it is the account or the address that is wrong.
fn unknown_account(error: CarrierError) -> CarrierError {
    if error.class == Class::State { CarrierError { class: Class::Account, ..error } } else { error }
}
