//! Telephony: what Pikett says to a carrier and what a carrier says to Pikett.
//!
//! Owns the carriers' languages (TwiML, request signatures, REST, status words, error codes).
//! Never decides whom to call or what to say: that comes in as values. Start with `Carrier`.

pub mod carriers; // the carriers of this installation, in order of preference
pub mod choose; // which of them is asked first: pure
pub mod error_codes; // the carrier's codes, sorted by what to do
pub mod guard; // no requests into the house
pub mod health; // whether one works just now: pure
mod http; // how carriers are connected to
pub mod signature; // who sent this webhook: pure
pub mod sipgate; // messages, and a small language of its own for calls that come in
#[cfg(test)]
#[path = "../../tests/support/carrier.rs"]
pub mod stand; // a carrier's web server for tests
pub mod status; // the carrier's status words, with ranks
pub mod telnyx; // another language for messages, much the same for calls
pub mod twilio; // the REST client, and that of all who speak the same
pub mod twiml; // the document that answers a webhook: typed, pure
pub mod voices; // which voice speaks a language: pure

use std::{fmt, time::Duration};

use futures::future::BoxFuture;
use thiserror::Error;

pub use self::http::{http_client, http_client_with};
use crate::model::{Instant, id::CarrierId, phone::Phone};
use status::{CallStatus, MessageStatus};

/// The carrier's own id of a call, message or recording. Opaque: only Twilio's begin with `CA`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid(String);

impl Sid {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How much a carrier is asked for in a second at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    pub calls_per_second: f64,
    pub messages_per_second: f64,
}

/// A call to be placed. When it is answered the carrier asks `url` what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCall {
    pub to: Phone,
    /// The carrier's own number when left out.
    pub from: Option<Phone>,
    pub url: String,
    pub status_callback: String,
    pub ring_s: u32,
}

/// A message to be sent. It has no `Debug`: texts are never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSms {
    pub to: Phone,
    pub from: Option<Phone>,
    pub body: String,
    pub status_callback: Option<String>,
    /// Not delivered after so long, it is dropped: a page ten hours late wakes the wrong person.
    pub validity_s: u32,
}

/// A call as the carrier knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSeen {
    pub sid: Sid,
    pub status: CallStatus,
    pub created_at: Option<Instant>,
    pub duration_s: Option<u32>,
}

/// A message as the carrier knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSeen {
    pub sid: Sid,
    pub status: MessageStatus,
    pub created_at: Option<Instant>,
    pub error_code: Option<u32>,
}

pub type Answer<'a, T> = BoxFuture<'a, Result<T, CarrierError>>;

/// A telephony provider. Every method is one request; whoever calls decides about a next try.
pub trait Carrier: Send + Sync {
    fn id(&self) -> &CarrierId;
    fn from(&self) -> &Phone;
    /// What is under way at once is measured by these.
    fn rates(&self) -> Rates;

    /// What is answered to calls that come in through it.
    fn answers(&self) -> Answers<'_> {
        Answers::Documents
    }

    /// Places a call. After `Class::Unsure` look with `find_calls` before placing it again.
    fn place_call<'a>(&'a self, call: &'a NewCall) -> Answer<'a, Sid>;
    /// Ends a call in whatever state. A call that is over already is a success.
    fn end_call<'a>(&'a self, sid: &'a Sid) -> Answer<'a, ()>;
    /// Goes on with another document at once. `Moved::Gone` when the call is over.
    fn redirect_call<'a>(&'a self, sid: &'a Sid, url: &'a str) -> Answer<'a, Moved>;
    fn call_status<'a>(&'a self, sid: &'a Sid) -> Answer<'a, CallSeen>;
    /// Calls to that number since then, newest first: whether a placed call whose answer got lost
    /// exists. The carrier does not list our callback URLs, so the caller of this leaves out the
    /// calls that it knows to be others.
    fn find_calls<'a>(&'a self, to: &'a Phone, since: Instant) -> Answer<'a, Vec<CallSeen>>;

    /// Whether the answer to a message's webhook may hold a message back, as at Twilio.
    fn answers_by_document(&self) -> bool {
        true
    }
    /// Sends a message. After `Class::Unsure` look with `find_sms` before sending it again. `None`: it was taken, and
    /// the carrier will neither name it nor report what becomes of it.
    fn send_sms<'a>(&'a self, sms: &'a NewSms) -> Answer<'a, Option<Sid>>;
    fn sms_status<'a>(&'a self, sid: &'a Sid) -> Answer<'a, MessageSeen>;
    /// Messages to that number with that text since then, newest first.
    fn find_sms<'a>(&'a self, to: &'a Phone, body: &'a str, since: Instant) -> Answer<'a, Vec<MessageSeen>>;

    /// The recording, as WAV or MP3. `Class::Retry` while it is not ready.
    fn fetch_recording<'a>(&'a self, sid: &'a Sid) -> Answer<'a, Vec<u8>>;
    /// A recording that is gone already is a success.
    fn delete_recording<'a>(&'a self, sid: &'a Sid) -> Answer<'a, ()>;

    /// Whether the carrier can be reached with these credentials.
    fn check(&self) -> Answer<'_, ()>;
}

/// What is answered to calls that come in through a carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers<'a> {
    /// The documents of hotlines.
    Documents,
    /// It runs no flow, and has all its events come to one path.
    HandsOn(&'a HandsOn),
}

/// Where calls go that no flow answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandsOn {
    /// Ours, at that carrier.
    pub numbers: Vec<Phone>,
    /// `None`: their own way, as is set at the carrier.
    pub to: Option<Phone>,
}

/// What became of a live call that was to go on elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    Moved,
    /// The call is over: the caller has gone, which is no failure.
    Gone,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Temporary: again with backoff and jitter.
    Retry,
    /// May work in minutes: another channel for the time being.
    RetryLater,
    /// Nothing was sent: our own pace lies in between. Come again after `retry_after`; it is no
    /// failure and counts as no try.
    Paced,
    /// Nobody knows whether it was done: look, repeat once, then another channel.
    Unsure,
    /// Never with this number and channel: the next contact method, and the method is marked.
    Destination,
    /// Nobody is reached this way until an operator changes the account: tell the operator by
    /// another way.
    Account,
    /// This text does not pass: other words or another channel.
    Content,
    /// The thing has moved on (call over, resource gone): not a failure of the carrier.
    State,
    /// Our request is wrong: log it as an error, never repeat it unchanged.
    Bug,
}

impl Class {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::RetryLater => "retry-later",
            Self::Paced => "paced",
            Self::Unsure => "unsure",
            Self::Destination => "destination",
            Self::Account => "account",
            Self::Content => "content",
            Self::State => "state",
            Self::Bug => "bug",
        }
    }

    /// Whether the same request may work when it is made again.
    pub fn may_be_repeated(self) -> bool {
        match self {
            Self::Retry | Self::RetryLater | Self::Paced | Self::Unsure => true,
            Self::Destination | Self::Account | Self::Content | Self::State | Self::Bug => false,
        }
    }
}

/// Why a carrier did not do what it was asked. `message` is the carrier's, without secrets, and
/// may name a number: it goes into the timeline, not into the log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.words())]
pub struct CarrierError {
    pub class: Class,
    pub code: Option<u32>,
    pub status: Option<u16>,
    pub message: String,
    pub retry_after: Option<Duration>,
}

impl CarrierError {
    pub fn of(class: Class, message: impl Into<String>) -> Self {
        Self { class, code: None, status: None, message: message.into(), retry_after: None }
    }

    fn words(&self) -> String {
        match (self.code, self.status) {
            (Some(code), _) => format!("the carrier answered error {code}: {}", self.message),
            (None, Some(status)) => format!("the carrier answered status {status}: {}", self.message),
            (None, None) => self.message.clone(),
        }
    }
}
