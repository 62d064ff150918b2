//! One try at a provider, and what it means for the attempt. Never reads or writes the database:
//! whoever claimed the attempt records what comes back.
//!
//! A failure is sorted by class (`carrier::Class`), for every provider alike; whether and when the same
//! is tried again is decided in `retry`. Start with `Channels::send`.

mod carried; // SMS and calls, over whichever carrier works
mod chat; // what chats share: fitting texts, buttons' values
pub mod email; // SMTP
mod http; // one exchange with a provider, and what its status means
pub mod ntfy;
mod pace; // so much per chat
pub mod push; // Web Push
mod retry; // class → outcome
pub mod slack;
pub mod sms;
#[cfg(test)]
pub mod stand; // a provider's web server for tests
pub mod teams;
pub mod telegram;
pub mod voice;
pub mod webhook; // Standard Webhooks

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::TimeDelta;
use futures::future::BoxFuture;
use thiserror::Error;

use super::said::Said;
use crate::{
    carrier::{CarrierError, Class, carriers::Carriers, choose::Remembered},
    clock::{Clock, Ids},
    model::{
        Instant,
        id::CarrierId,
        person::{Address, Channel},
    },
    store::{
        attempts::{Attempt, AttemptState},
        outbox::{self, Outcome},
    },
    telemetry::metric,
};
use carried::{Carried, Carrying};
pub use carried::{Tried, because, reached};
pub use chat::{Button, Earlier, How, OPEN, read_pressed};
pub use email::Mailer;
pub use push::Pusher;

/// Carries the messages of one channel.
pub trait Provider: Send + Sync {
    /// One try. Whether a failed one is made again is not decided here.
    fn send<'a>(&'a self, attempt: &'a Attempt, said: &'a Said) -> BoxFuture<'a, Result<Taken, Trouble>>;

    /// What an earlier try may have become at the provider, the likeliest first.
    fn look<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Vec<Looked>> {
        let _ = attempt;
        Box::pin(async { vec![Looked::Unclear] })
    }

    /// How the metrics call it.
    fn name(&self) -> &'static str;
}

/// Everything that can carry a message. Cheap to clone.
#[derive(Clone)]
pub struct Channels {
    carrying: Carrying,
    providers: BTreeMap<Channel, Arc<dyn Provider>>,
    pusher: Pusher,
    clock: Clock,
    ids: Ids,
}

/// What came of one try: `outcome` and `answer` are for `outbox::record`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub outcome: Outcome,
    pub answer: outbox::Answer,
    /// What kind of failure it was; `None`: the provider has it.
    pub class: Option<Class>,
    /// The carriers that did not take it, in the order in which they were asked.
    pub tried: Vec<Tried>,
}

/// What a provider knows about an attempt whose end is unknown.
#[derive(Debug, Clone, PartialEq)]
pub enum Looked {
    /// `rank`, `state` and `answer` are for `outbox::report`.
    Found { rank: i64, state: AttemptState, answer: outbox::Answer },
    /// It never got there.
    Missing,
    /// The provider cannot say (just now, or ever).
    Unclear,
}

/// A failed try, in the words that all providers share.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Trouble {
    pub class: Class,
    pub code: Option<String>,
    /// Goes into the timeline, not into the log.
    pub message: String,
    pub retry_after: Option<Duration>,
}

/// How a message or call stands with its carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    rank: i64,
    state: AttemptState,
    provider_id: String,
    code: Option<String>,
    message: String,
}

/// What a provider took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    provider_id: Option<String>,
    /// It will report nothing more.
    ended: bool,
    deadline_at: Option<Instant>,
}

impl Channels {
    /// `public_url` without a slash at its end.
    pub fn new(
        carriers: Carriers,
        mailer: Option<Mailer>,
        pusher: Pusher,
        public_url: String,
        clock: Clock,
        ids: Ids,
    ) -> Self {
        let carrying = Carrying { carriers, public_url: public_url.into(), clock: clock.clone() };
        let push: Arc<dyn Provider> = Arc::new(push::Push { pusher: pusher.clone(), clock: clock.clone() });
        let providers = BTreeMap::from([(Channel::Push, push)]);
        let channels = Self { carrying, providers, pusher, clock: clock.clone(), ids };
        match mailer {
            Some(mailer) => channels.with(Channel::Email, Arc::new(email::Email { mailer, clock })),
            None => channels,
        }
    }

    /// The same with a provider for this channel.
    #[must_use]
    pub fn with(mut self, channel: Channel, provider: Arc<dyn Provider>) -> Self {
        self.providers.insert(channel, provider);
        self
    }

    /// The public half of the key that browsers subscribe with.
    pub fn vapid_public_key(&self) -> &str {
        self.pusher.vapid_public_key()
    }

    /// How many messages or calls a second the channel's providers take, the slowest of them. `None`: as many as
    /// there are.
    pub fn per_second(&self, channel: Channel) -> Option<f64> {
        let lines = self.carriers().iter().filter(|line| line.serves.carries(channel));
        let rates = lines.map(|line| line.carrier.rates());
        match channel {
            Channel::Sms => rates.map(|rates| rates.messages_per_second).min_by(f64::total_cmp),
            Channel::Voice => rates.map(|rates| rates.calls_per_second).min_by(f64::total_cmp),
            Channel::Email
            | Channel::Push
            | Channel::Slack
            | Channel::Teams
            | Channel::Telegram
            | Channel::Ntfy
            | Channel::Webhook => None,
        }
    }

    /// What messages and calls go over.
    pub fn carriers(&self) -> &Carriers {
        &self.carrying.carriers
    }

    /// Asks about an earlier try first, if there may have been one.
    pub async fn send(&self, attempt: &Attempt) -> Sent {
        let earlier = if attempt.unsure { self.look(attempt).await } else { Looked::Missing };
        self.send_after(attempt, earlier, &Remembered::default()).await
    }

    /// `earlier`: what became of a try before this one. `known`: through whom the number was reached.
    pub async fn send_after(&self, attempt: &Attempt, earlier: Looked, known: &Remembered) -> Sent {
        let Ok(said) = Said::from_json(&attempt.text) else {
            return self.failed(attempt, None, Trouble::of(Class::Bug, "what was to be said cannot be read"), 0);
        };
        match earlier {
            Looked::Found { state, answer, .. } => return self.found(attempt, state, answer),
            Looked::Missing => {}
            Looked::Unclear => metrics::counter!(metric::DUPLICATES).increment(1),
        }
        let begun = self.clock.now();
        let latency_ms = || (self.clock.now() - begun).num_milliseconds();
        if let Address::Sms(to) | Address::Voice(to) = &attempt.address {
            let carried = self.carrying.send(attempt, to, known).await;
            return self.carried(attempt, carried, latency_ms());
        }
        let channel = attempt.address.channel();
        let Some(provider) = self.providers.get(&channel) else {
            let trouble = Trouble::of(Class::Account, not_configured(channel));
            return self.failed(attempt, None, trouble, latency_ms());
        };
        let tried = provider.send(attempt, &said).await;
        count(provider.name(), &tried, latency_ms());
        match tried {
            Ok(taken) => taken_by(None, taken, latency_ms()),
            Err(trouble) => self.failed(attempt, None, trouble, latency_ms()),
        }
    }

    fn carried(&self, attempt: &Attempt, carried: Carried, latency_ms: i64) -> Sent {
        let Carried { outcome, carrier, tried, elsewhere } = carried;
        let mut sent = match outcome {
            Ok(taken) => taken_by(carrier, taken, latency_ms),
            Err(trouble) => self.failed(attempt, carrier, trouble, latency_ms),
        };
        if elsewhere {
            sent.outcome = self.carrying.sooner(sent.outcome);
        }
        sent.answer.tried = carried::to_json(attempt, &tried);
        Sent { tried, ..sent }
    }

    /// Asks the provider about an attempt whose end is unknown, or whose reports stay away.
    pub async fn look(&self, attempt: &Attempt) -> Looked {
        self.candidates(attempt).await.into_iter().next().unwrap_or(Looked::Missing)
    }

    /// All that this attempt may have become at the provider, the likeliest first. What the provider has
    /// not named yet is found by number and text, and may as well be another attempt's. What one carrier knows
    /// counts for more than that another cannot say. Whoever wants to be left alone is not asked.
    pub async fn candidates(&self, attempt: &Attempt) -> Vec<Looked> {
        if let Address::Sms(to) | Address::Voice(to) = &attempt.address {
            return self.carrying.look(attempt, to).await;
        }
        match self.providers.get(&attempt.address.channel()) {
            Some(provider) => provider.look(attempt).await,
            None => vec![Looked::Unclear],
        }
    }

    fn failed(&self, attempt: &Attempt, carrier: Option<CarrierId>, trouble: Trouble, latency_ms: i64) -> Sent {
        let channel = attempt.address.channel();
        let outcome = retry::after(channel, attempt.tries, &trouble, self.clock.now(), self.ids.fraction());
        let answer = outbox::Answer {
            carrier,
            provider_id: None,
            code: trouble.code,
            message: Some(trouble.message),
            latency_ms: Some(latency_ms),
            tried: None,
        };
        Sent { outcome, answer, class: Some(trouble.class), tried: Vec::new() }
    }

    /// An earlier try had got there after all.
    fn found(&self, attempt: &Attempt, state: AttemptState, answer: outbox::Answer) -> Sent {
        let outcome = match state {
            AttemptState::Failed => Outcome::Failed,
            AttemptState::Delivered => Outcome::Sent { ended: true, deadline_at: None },
            _ => Outcome::Sent { ended: false, deadline_at: deadline(&self.clock, &attempt.address) },
        };
        Sent { outcome, answer, class: None, tried: Vec::new() }
    }
}

/// A stretch of the clock's time as a time limit for sockets, which need a moment however fast it runs.
fn socket_limit(clock: &Clock, stretch: Duration) -> Duration {
    const LEAST: Duration = Duration::from_millis(500);
    clock.real(stretch).max(LEAST)
}

/// When the provider's reports are missed: somebody should look then.
fn deadline(clock: &Clock, address: &Address) -> Option<Instant> {
    patience(address).map(|patience| clock.now() + patience)
}

fn not_configured(channel: Channel) -> String {
    match channel {
        Channel::Sms | Channel::Voice => "no carrier is configured".to_owned(),
        Channel::Email => "no mail server is configured".to_owned(),
        Channel::Push | Channel::Slack | Channel::Teams | Channel::Telegram | Channel::Ntfy | Channel::Webhook => {
            format!("the configuration has no [{channel}]")
        }
    }
}

/// An attempt that came to another channel's provider: our own mistake.
fn misdirected() -> Trouble {
    Trouble::of(Class::Bug, "this address belongs to another channel")
}

/// How long a provider's reports are waited for; `None`: it makes none.
pub fn patience(address: &Address) -> Option<TimeDelta> {
    match address {
        Address::Sms(_) => Some(TimeDelta::seconds(sms::PATIENCE_S)),
        Address::Voice(_) => Some(TimeDelta::seconds(voice::PATIENCE_S)),
        Address::Email(_)
        | Address::Push(_)
        | Address::Slack(_)
        | Address::Teams(_)
        | Address::Telegram(_)
        | Address::Ntfy(_)
        | Address::Webhook(_) => None,
    }
}

fn taken_by(carrier: Option<CarrierId>, taken: Taken, latency_ms: i64) -> Sent {
    let answer = outbox::Answer {
        carrier,
        provider_id: taken.provider_id,
        latency_ms: Some(latency_ms),
        ..outbox::Answer::default()
    };
    let outcome = Outcome::Sent { ended: taken.ended, deadline_at: taken.deadline_at };
    Sent { outcome, answer, class: None, tried: Vec::new() }
}

fn count(provider: &'static str, tried: &Result<Taken, Trouble>, latency_ms: i64) {
    let class = tried.as_ref().map_or_else(|trouble| trouble.class.as_str(), |_| "ok");
    metrics::counter!(metric::REQUESTS, "provider" => provider, "class" => class).increment(1);
    let seconds = TimeDelta::milliseconds(latency_ms).as_seconds_f64();
    metrics::histogram!(metric::REQUEST_SECONDS, "provider" => provider, "class" => class).record(seconds);
}

/// Since when an earlier try of this attempt may have got to its provider.
fn since(attempt: &Attempt) -> Instant {
    retry::since(attempt)
}

impl Trouble {
    pub fn of(class: Class, message: impl Into<String>) -> Self {
        Self { class, code: None, message: message.into(), retry_after: None }
    }
}

impl Taken {
    /// The provider has it and will report nothing more.
    fn for_good(provider_id: Option<String>) -> Self {
        Self { provider_id, ended: true, deadline_at: None }
    }
}

impl From<CarrierError> for Trouble {
    fn from(error: CarrierError) -> Self {
        Self {
            class: error.class,
            code: error.code.or(error.status.map(u32::from)).map(|code| code.to_string()),
            message: error.to_string(),
            retry_after: error.retry_after,
        }
    }
}

#[cfg(test)]
mod tests;
