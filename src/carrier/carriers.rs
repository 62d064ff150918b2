//! The carriers of this installation, in order of preference, and how each of them stands.
//!
//! Owns the list and what this process has seen of each carrier; who is asked in which order is decided in
//! `choose`, who is well in `health`. Start with `Carriers::order`, then `begin` and `end` around a request.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    Carrier, CarrierError,
    choose::{self, Candidate, Choice, Remembered, Serves},
    health::{Health, Standing, Turn, verdict},
    signature,
};
use crate::{
    model::{Instant, id::CarrierId, person::Channel, phone::Phone},
    telemetry::metric,
};

/// Cheap to clone: every face and worker holds one.
#[derive(Clone, Default, Debug)]
pub struct Carriers(Arc<Inside>);

#[derive(Default, Debug)]
struct Inside {
    lines: Vec<Line>,
    board: Mutex<Board>,
}

#[derive(Default, Debug)]
struct Board {
    health: BTreeMap<(CarrierId, Channel), Health>,
    news: Vec<News>,
}

/// One carrier, what it is used for, and what its webhooks are checked with.
pub struct Line {
    pub carrier: Arc<dyn Carrier>,
    pub serves: Serves,
    pub signer: signature::Signer,
    pub account_sid: String,
}

/// A carrier was left, or is back: the MSP should hear of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub carrier: CarrierId,
    pub channel: Channel,
    pub turn: Turn,
}

/// A request that has been begun.
#[must_use = "what came of it says how the carrier is"]
pub struct Begun {
    carrier: CarrierId,
    channel: Channel,
    at: Instant,
}

impl Carriers {
    /// The first is the preferred one.
    pub fn new(lines: Vec<Line>) -> Self {
        for line in &lines {
            for channel in [Channel::Sms, Channel::Voice].into_iter().filter(|channel| line.serves.carries(*channel)) {
                gauge(line.carrier.id(), channel).set(1.0);
            }
        }
        Self(Arc::new(Inside { lines, board: Mutex::default() }))
    }

    pub fn get(&self, id: &CarrierId) -> Option<&Line> {
        self.iter().find(|line| line.carrier.id() == id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Line> {
        self.0.lines.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.lines.is_empty()
    }

    /// Whether one can take over from another.
    pub fn are_several(&self) -> bool {
        self.0.lines.len() > 1
    }

    /// Those that serve this number by this channel, as they are to be asked. `tried`: where an earlier try went
    /// of which nobody knows the end.
    pub fn order(
        &self,
        channel: Channel,
        to: &Phone,
        remembered: &Remembered,
        tried: Option<&CarrierId>,
        now: Instant,
    ) -> Vec<(&Line, Choice)> {
        let board = self.board();
        let lines: Vec<&Line> = self.iter().filter(|line| line.serves.covers(channel, to)).collect();
        let candidate = |line: &&Line| {
            let carrier = line.carrier.id().clone();
            let health = board.health.get(&(carrier.clone(), channel));
            let standing = health.map_or(Standing::Well, |health| health.standing(now));
            Candidate { was_tried: tried == Some(&carrier), carrier, standing }
        };
        let candidates: Vec<Candidate> = lines.iter().map(candidate).collect();
        let choices = choose::order(&candidates, remembered);
        choices.into_iter().filter_map(|choice| Some((self.get(&choice.carrier)?, choice))).collect()
    }

    /// Whether others are to be asked before it.
    pub fn is_out(&self, carrier: &CarrierId, channel: Channel, now: Instant) -> bool {
        let board = self.board();
        let health = board.health.get(&(carrier.clone(), channel));
        health.is_some_and(|health| matches!(health.standing(now), Standing::Out { .. }))
    }

    /// A request to that carrier begins.
    pub fn begin(&self, carrier: &CarrierId, channel: Channel, now: Instant) -> Begun {
        self.board().health.entry((carrier.clone(), channel)).or_default().begin(now);
        Begun { carrier: carrier.clone(), channel, at: now }
    }

    /// What came of it; `None`: a success.
    pub fn end(&self, begun: Begun, error: Option<&CarrierError>, now: Instant) {
        let Begun { carrier, channel, at } = begun;
        let words = error.map(|error| Phone::masked_in(&error.to_string())).unwrap_or_default();
        let mut board = self.board();
        let health = board.health.entry((carrier.clone(), channel)).or_default();
        let Some(turn) = health.end(at, now, verdict(error), &words) else { return };
        match &turn {
            Turn::Out { .. } => {
                gauge(&carrier, channel).set(0.0);
                tracing::error!(%carrier, channel = channel.as_str(), why = words, "a carrier is out");
            }
            Turn::Back => {
                gauge(&carrier, channel).set(1.0);
                tracing::info!(%carrier, channel = channel.as_str(), "a carrier works again");
            }
            Turn::Works => {}
        }
        if self.are_several() {
            board.news.push(News { carrier, channel, turn });
        }
    }

    /// What nobody has been told yet. Whoever cannot tell it gives it back.
    pub fn take_news(&self) -> Vec<News> {
        std::mem::take(&mut self.board().news)
    }

    pub fn give_back(&self, news: News) {
        self.board().news.insert(0, news);
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An operator sees every carrier from the start, not only those that have failed.
fn gauge(carrier: &CarrierId, channel: Channel) -> metrics::Gauge {
    metrics::gauge!(metric::CARRIER_WELL, "provider" => carrier.to_string(), "channel" => channel.as_str())
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Line").field(self.carrier.id()).finish()
    }
}
