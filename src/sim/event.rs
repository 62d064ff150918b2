//! Everything that happens, in order: the events and the journal that keeps them.
//!
//! A reader has its own place in the journal, so none misses anything, however slow it is.

use std::{
    fmt::Display,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{SecondsFormat, TimeDelta};
use futures::Stream;
use serde::{Serialize, Serializer};
use tokio::sync::watch;

use super::{Sid, Sim};
use crate::{clock::Clock, model::Instant};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Rises by one; the first is 1.
    pub seq: u64,
    #[serde(serialize_with = "instant")]
    pub at: Instant,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "snake_case", tag = "kind")]
pub enum What {
    CallStarted {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        from: String,
        to: String,
        direction: Direction,
        #[serde(serialize_with = "shown_or_null")]
        parent: Option<Sid>,
    },
    Ringing {
        #[serde(serialize_with = "shown")]
        leg: Sid,
    },
    Answered {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        by: AnsweredBy,
    },
    /// The person at this leg's phone hears something.
    Heard {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        text: String,
        language: Option<String>,
        voice: Option<String>,
        source: Source,
    },
    /// A document listens for keys or words.
    Listening {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        num_digits: Option<u32>,
        speech: bool,
    },
    Keys {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        keys: String,
    },
    Spoke {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        text: String,
    },
    Waiting {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        queue: String,
        position: usize,
    },
    Bridged {
        #[serde(serialize_with = "shown")]
        a: Sid,
        #[serde(serialize_with = "shown")]
        b: Sid,
    },
    Parted {
        #[serde(serialize_with = "shown")]
        a: Sid,
        #[serde(serialize_with = "shown")]
        b: Sid,
    },
    /// This leg is in a conference, with so many others.
    Joined {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        conference: String,
        others: usize,
    },
    Left {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        conference: String,
    },
    /// The beep has sounded; from here on it is recorded.
    Recording {
        #[serde(serialize_with = "shown")]
        leg: Sid,
    },
    Recorded {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        #[serde(serialize_with = "shown")]
        recording: Sid,
        duration_s: u32,
        /// What was spoken to it.
        text: String,
    },
    Ended {
        #[serde(serialize_with = "shown")]
        leg: Sid,
        /// The carrier's word: `completed`, `busy`, …
        status: String,
        duration_s: u32,
    },
    /// A message to somebody's phone has got that far.
    Sms {
        #[serde(serialize_with = "shown")]
        sid: Sid,
        from: String,
        to: String,
        body: String,
        status: String,
        code: Option<u32>,
    },
    /// A message from somebody's phone to one of our numbers.
    SmsToUs {
        #[serde(serialize_with = "shown")]
        sid: Sid,
        from: String,
        to: String,
        body: String,
    },
    /// A request to the service, after its answer. `about` is the call, message or recording.
    Webhook {
        #[serde(serialize_with = "shown")]
        about: Sid,
        call: Purpose,
        url: String,
        /// The answer's status, when there was an answer.
        status: Option<u16>,
        /// The carrier's error code, when it is no answer to go on with.
        error: Option<u32>,
    },
    /// A request at the REST API, and its answer; no status when the connection was cut.
    Rest { method: String, path: String, status: Option<u16> },
    /// What a carrier would note in its debugger.
    Warning {
        #[serde(serialize_with = "shown")]
        about: Sid,
        code: u32,
        text: String,
    },
    Mail {
        from: String,
        to: Vec<String>,
        subject: String,
        text: String,
        html: Option<String>,
        headers: Vec<(String, String)>,
    },
    /// A Web Push message, decrypted; or why it could not be taken.
    Push { subscription: String, json: serde_json::Value, status: u16, refused: Option<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Inbound,
    OutboundApi,
    OutboundDial,
}

impl Direction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::OutboundApi => "outbound-api",
            Self::OutboundDial => "outbound-dial",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnsweredBy {
    /// A call to one of our numbers is answered by the carrier.
    Carrier,
    Person,
    Mailbox,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Say,
    /// A file; the text is its URL.
    Play,
    Beep,
    Music,
    /// The carrier's own sentence when a document cannot be had.
    Error,
    /// Whoever is at the other end.
    Person,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    Document,
    CallStatus,
    RecordingStatus,
    Transcription,
    MachineDetection,
    Sms,
    SmsStatus,
}

pub(super) fn shown<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(super) fn shown_or_null<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

pub(super) fn instant<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

pub(super) fn instant_or_null<S: Serializer>(at: &Option<Instant>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, serializer),
        None => serializer.serialize_none(),
    }
}

pub(super) struct Journal {
    clock: Clock,
    events: Mutex<Vec<Event>>,
    length: watch::Sender<usize>,
}

impl Journal {
    pub fn new(clock: Clock) -> Self {
        Self { clock, events: Mutex::default(), length: watch::Sender::new(0) }
    }

    pub fn note(&self, what: What) {
        let length = {
            let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            let seq = events.len() as u64 + 1;
            events.push(Event { seq, at: self.clock.now(), what });
            events.len()
        };
        self.length.send_if_modified(|known| {
            let grew = length > *known;
            *known = length.max(*known);
            grew
        });
    }

    pub fn since(&self, seq: u64) -> Vec<Event> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let from = usize::try_from(seq).unwrap_or(usize::MAX).min(events.len());
        events[from..].to_vec()
    }

    pub fn last(&self) -> u64 {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    fn at(&self, index: usize) -> Option<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }

    /// The event after that one, when it has come.
    pub async fn after(&self, seq: u64) -> Event {
        let index = usize::try_from(seq).expect("the journal is held in memory");
        let mut length = self.length.subscribe();
        loop {
            if let Some(event) = self.at(index) {
                return event;
            }
            // The sender lives in this journal, so the wait cannot fail.
            let _ = length.changed().await;
        }
    }
}

/// Time passes for the machine too: nobody waits shorter than this for what real HTTP must bring.
const PATIENCE_MIN: Duration = Duration::from_secs(2);

/// So long nothing happens before a manual clock is moved on: requests are on their way meanwhile.
const QUIET: Duration = Duration::from_millis(15);

/// A reader of the journal with its own place in it.
#[derive(Clone)]
pub struct Watch {
    pub(super) sim: Sim,
    pub(super) seq: u64,
}

impl Watch {
    /// The next event that matches; the place moves behind it. `None` when `within` (of the clock,
    /// but at least two real seconds) has passed; the place stays then.
    pub async fn next(&mut self, matches: impl Fn(&What) -> bool, within: TimeDelta) -> Option<Event> {
        let patience = self.sim.0.clock.real(within.to_std().unwrap_or_default()).max(PATIENCE_MIN);
        let search = async {
            let mut seq = self.seq;
            loop {
                let event = self.sim.0.journal.after(seq).await;
                seq = event.seq;
                if matches(&event.what) {
                    return event;
                }
            }
        };
        let event = tokio::time::timeout(patience, search).await.ok()?;
        self.seq = event.seq;
        Some(event)
    }

    /// For a manual clock: moves it second by second until an event matches, at most by `limit`. Time
    /// stands still again when this returns, so nobody runs out of it between two steps of a story.
    pub async fn seek(&mut self, matches: impl Fn(&What) -> bool, limit: TimeDelta) -> Option<Event> {
        let mut passed = TimeDelta::zero();
        loop {
            let search = async {
                loop {
                    let event = self.sim.0.journal.after(self.seq).await;
                    self.seq = event.seq;
                    if matches(&event.what) {
                        return event;
                    }
                }
            };
            if let Ok(event) = tokio::time::timeout(QUIET, search).await {
                return Some(event);
            }
            if passed >= limit {
                return None;
            }
            passed += TimeDelta::seconds(1);
            self.sim.0.clock.advance(TimeDelta::seconds(1));
        }
    }

    /// Every event from this place on, as they come.
    pub fn stream(self) -> impl Stream<Item = Event> + Send {
        futures::stream::unfold(self, |mut watch| async move {
            let event = watch.sim.0.journal.after(watch.seq).await;
            watch.seq = event.seq;
            Some((event, watch))
        })
    }
}
