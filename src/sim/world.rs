//! What the carrier knows: numbers, phones, legs, messages, recordings, queues. Plain data behind one
//! lock that is never held across a wait.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use super::{
    Hooks, Sid,
    event::{Direction, instant, instant_or_null, shown, shown_or_null},
    phone::Behaviour,
    signal::{Signal, Teller},
};
use crate::{
    carrier::{
        status::{CallStatus, MessageStatus},
        twiml::{CallEvent, Method},
    },
    model::{Instant, phone::Phone, secret::Secret},
};

#[derive(Default)]
pub(super) struct World {
    pub numbers: BTreeMap<Phone, Hooks>,
    pub phones: BTreeMap<Phone, Behaviour>,
    /// How long audio plays, by the end of its URL, in seconds.
    pub audio: BTreeMap<String, f64>,
    /// Audio that cannot be fetched, by the end of its URL.
    pub missing: BTreeSet<String>,
    pub legs: BTreeMap<Sid, Held>,
    pub messages: Vec<Message>,
    pub recordings: BTreeMap<Sid, Recording>,
    pub queues: BTreeMap<String, Queue>,
    /// Who is in each conference.
    pub conferences: BTreeMap<String, Vec<Sid>>,
    /// Who has sent STOP to which of our numbers.
    pub opted_out: BTreeSet<(String, String)>,
    /// The header and the key that webhooks are signed with, where they are not Twilio's.
    pub signature: Option<(String, Secret)>,
    /// When each account may dial next.
    pub slots: BTreeMap<String, Instant>,
}

/// A leg as people see it.
#[derive(Debug, Clone, Serialize)]
pub struct Leg {
    #[serde(serialize_with = "shown")]
    pub sid: Sid,
    pub account: String,
    pub from: String,
    pub to: String,
    pub direction: Direction,
    #[serde(serialize_with = "shown_or_null")]
    pub parent: Option<Sid>,
    #[serde(serialize_with = "status")]
    pub status: CallStatus,
    #[serde(serialize_with = "instant")]
    pub created_at: Instant,
    #[serde(serialize_with = "instant_or_null")]
    pub answered_at: Option<Instant>,
    #[serde(serialize_with = "instant_or_null")]
    pub ended_at: Option<Instant>,
    /// How long it waited for its turn to be dialled.
    pub queue_ms: i64,
    /// The verdict of the answering machine detection, when it ran.
    pub machine: Option<&'static str>,
}

fn status<S: serde::Serializer>(status: &CallStatus, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.as_str())
}

fn message_status<S: serde::Serializer>(status: &MessageStatus, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.as_str())
}

impl Leg {
    pub fn duration_s(&self) -> u32 {
        match (self.answered_at, self.ended_at) {
            (Some(from), Some(until)) => u32::try_from((until - from).num_seconds()).unwrap_or(0),
            (Some(_) | None, _) => 0,
        }
    }
}

/// A leg with what only the simulator needs.
pub(super) struct Held {
    pub leg: Leg,
    /// The order in which legs were made.
    pub number: usize,
    /// Where the journal stood: nothing before it is about this leg.
    pub since: u64,
    pub teller: Teller,
    pub subscription: Option<Subscription>,
    pub fallback: Option<Target>,
    pub verstat: Option<String>,
    /// Counts the status callbacks.
    pub sequence: u32,
    pub error: Option<u32>,
    pub past: Vec<(Instant, CallStatus)>,
    pub cookies: BTreeMap<String, String>,
    /// Removed from the log by REST.
    pub hidden: bool,
}

/// A URL of the service, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub url: String,
    pub method: Method,
}

impl Target {
    pub fn post(url: impl Into<String>) -> Self {
        Self { url: url.into(), method: Method::Post }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub target: Target,
    pub events: Vec<CallEvent>,
}

/// An SMS, in either direction.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    #[serde(serialize_with = "shown")]
    pub sid: Sid,
    pub account: String,
    pub from: String,
    pub to: String,
    pub body: String,
    pub inbound: bool,
    #[serde(serialize_with = "message_status")]
    pub status: MessageStatus,
    pub code: Option<u32>,
    #[serde(serialize_with = "instant")]
    pub created_at: Instant,
    #[serde(serialize_with = "instant_or_null")]
    pub sent_at: Option<Instant>,
}

#[derive(Debug, Clone)]
pub(super) struct Recording {
    pub account: String,
    pub call: Sid,
    pub duration_s: u32,
    pub created_at: Instant,
    /// The file cannot be fetched before; `None`: there never is one.
    pub ready_at: Option<Instant>,
    pub source: &'static str,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub sid: Option<Sid>,
    pub waiting: VecDeque<Waiting>,
    /// Technicians' legs that wait for somebody to come, first come, first served.
    pub agents: VecDeque<Sid>,
    pub max_size: usize,
    pub taken: u32,
    pub waited_s: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub leg: Sid,
    pub since: Instant,
}

impl World {
    pub fn leg(&self, sid: &Sid) -> Option<&Leg> {
        self.legs.get(sid).map(|held| &held.leg)
    }

    /// A signal to a leg; false when the leg is over or unknown.
    pub fn signal(&self, sid: &Sid, signal: Signal) -> bool {
        self.legs.get(sid).is_some_and(|held| held.leg.ended_at.is_none() && held.teller.tell(signal))
    }

    /// From where in the journal to read about a leg.
    pub fn since(&self, sid: &Sid) -> u64 {
        self.legs.get(sid).map_or(0, |held| held.since)
    }

    pub fn behaviour(&self, number: &str) -> Behaviour {
        number.parse().ok().and_then(|number: Phone| self.phones.get(&number).cloned()).unwrap_or_default()
    }

    pub fn hooks(&self, number: &str) -> Option<&Hooks> {
        number.parse().ok().and_then(|number: Phone| self.numbers.get(&number))
    }

    pub fn legs_in_order(&self) -> Vec<Leg> {
        let mut legs: Vec<&Held> = self.legs.values().collect();
        legs.sort_by_key(|held| held.number);
        legs.into_iter().map(|held| held.leg.clone()).collect()
    }
}

impl Queue {
    pub fn position(&self, leg: &Sid) -> Option<usize> {
        self.waiting.iter().position(|waiting| waiting.leg == *leg)
    }

    /// Whether the leg was still waiting.
    pub fn leave(&mut self, leg: &Sid) -> bool {
        let position = self.position(leg);
        position.and_then(|at| self.waiting.remove(at)).is_some()
    }
}
