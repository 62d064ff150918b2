//! SMS and calls over whichever carrier works: the preferred one first, and the next one at once when it
//! refuses or cannot.
//!
//! Nothing goes on to another carrier while nobody knows whether this one has done it: the attempt comes back,
//! and is looked up first. A carrier that has named a time is not asked about this attempt before it; the others
//! are. Start with `Carrying::send`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};

use super::{Looked, Seen, Taken, Trouble, sms, voice};
use crate::{
    backoff::RETRY_AFTER_MAX,
    carrier::{
        Carrier, CarrierError, Class,
        carriers::{Carriers, Line},
        choose::{Choice, Remembered},
        error_codes,
    },
    clock::Clock,
    model::{
        Instant,
        id::CarrierId,
        person::{Address, Channel},
        phone::Phone,
    },
    notify::said::Said,
    store::{
        attempts::{Attempt, AttemptState},
        outbox::{self, Outcome},
    },
    telemetry::metric,
};

/// More are not asked within one lease.
const CARRIERS_MAX: usize = 3;
/// Whoever could take over need not wait as long as one who is the only one.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(1);

/// A carrier that did not take it, or was not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub carrier: CarrierId,
    pub code: Option<String>,
    /// Ends the sentence "since CARRIER …".
    pub why: String,
    /// It does not reach this number.
    pub is_number: bool,
    /// It wants to be left alone until then.
    pub not_before: Option<Instant>,
}

/// What came of asking one carrier after the other.
pub(super) struct Carried {
    pub(super) outcome: Result<Taken, Trouble>,
    pub(super) carrier: Option<CarrierId>,
    pub(super) tried: Vec<Tried>,
    /// Another one can take it, if this one turns out not to have it.
    pub(super) elsewhere: bool,
}

/// The carriers, and what their webhooks are told.
#[derive(Clone)]
pub(super) struct Carrying {
    pub(super) carriers: Carriers,
    pub(super) public_url: Arc<str>,
    pub(super) clock: Clock,
}

impl Carrying {
    pub(super) async fn send(&self, attempt: &Attempt, to: &Phone, known: &Remembered) -> Carried {
        let (channel, now) = (attempt.address.channel(), self.clock.now());
        let before = attempt.carrier.as_ref().filter(|_| attempt.tries > 1);
        let order = self.carriers.order(channel, to, known, before, now);
        let mut left_alone = left_alone(attempt, now);
        left_alone.retain(|id, _| order.iter().any(|(_, choice)| choice.carrier == *id));
        let mut tried = passed(&order, &left_alone);
        let open = |(_, choice): &&(&Line, Choice)| !left_alone.contains_key(&choice.carrier);
        let asked: Vec<(&Line, CarrierId)> = order
            .iter()
            .filter(open)
            .take(CARRIERS_MAX)
            .map(|(line, choice)| (*line, choice.carrier.clone()))
            .collect();
        let mut failures = Vec::new();
        for (line, id) in asked {
            tried.retain(|passed| passed.carrier != id);
            let error = match self.ask(line, attempt, to).await {
                Ok(taken) => {
                    count(&tried, channel);
                    return Carried { outcome: Ok(taken), carrier: Some(id), tried, elsewhere: false };
                }
                Err(error) => error,
            };
            let goes_on = goes_on(&error);
            if error.class != Class::Paced {
                let refusal = refusal(&id, &error, self.clock.now());
                left_alone.extend(refusal.not_before.map(|until| (id.clone(), until)));
                tried.push(refusal);
            }
            failures.push((id, error));
            if !goes_on {
                break;
            }
        }
        if failures.is_empty() {
            let trouble = self.nobody_was_asked(&left_alone, channel, to);
            return Carried { outcome: Err(trouble), carrier: None, tried, elsewhere: false };
        }
        let (carrier, trouble) = self.not_carried(failures, &left_alone);
        let is_open = |id: &CarrierId| *id != carrier && !left_alone.contains_key(id);
        let elsewhere = order.iter().any(|(_, choice)| is_open(&choice.carrier));
        Carried { outcome: Err(trouble), carrier: Some(carrier), tried, elsewhere }
    }

    async fn ask(&self, line: &Line, attempt: &Attempt, to: &Phone) -> Result<Taken, CarrierError> {
        let carrier = line.carrier.as_ref();
        let begun = self.carriers.begin(carrier.id(), attempt.address.channel(), self.clock.now());
        let result = if attempt.address.channel() == Channel::Voice {
            self.place_call(carrier, attempt, to).await
        } else {
            let said = Said::from_json(&attempt.text).unwrap_or_default();
            self.send_sms(carrier, attempt, to, &said).await
        };
        self.carriers.end(begun, result.as_ref().err(), self.clock.now());
        result
    }

    /// What may still work says more than what cannot, but for STOP; of equals the preferred carrier's word counts.
    /// It comes again as soon as one of them may be asked.
    fn not_carried(
        &self,
        mut failures: Vec<(CarrierId, CarrierError)>,
        left_alone: &BTreeMap<CarrierId, Instant>,
    ) -> (CarrierId, Trouble) {
        let first =
            |is: &dyn Fn(&CarrierId, &CarrierError) -> bool| failures.iter().position(|(id, error)| is(id, error));
        let stopped = first(&|_, error| error.code == Some(error_codes::OPTED_OUT));
        let unsure = first(&|_, error| error.class == Class::Unsure);
        let soon = first(&|id, error| error.class.may_be_repeated() && !left_alone.contains_key(id));
        let later = first(&|_, error| error.class.may_be_repeated());
        let each: Vec<String> = failures.iter().map(|(carrier, error)| format!("{carrier}: {error}")).collect();
        let (carrier, error) = failures.swap_remove(stopped.or(unsure).or(soon).or(later).unwrap_or(0));
        let mut trouble = Trouble::from(error);
        if each.len() > 1 {
            trouble.message = each.join("; ");
        }
        if stopped.is_some() {
            return (carrier, trouble);
        }
        match left_alone.values().min() {
            Some(until) if soon.is_none() => {
                trouble.retry_after = Some(self.until(*until));
                if !trouble.class.may_be_repeated() {
                    trouble.class = Class::Retry;
                }
            }
            Some(_) | None if trouble.class == Class::Paced => {}
            Some(_) | None => trouble.retry_after = None,
        }
        (carrier, trouble)
    }

    /// Either all want to be left alone, which is no try, or there is none.
    fn nobody_was_asked(&self, left_alone: &BTreeMap<CarrierId, Instant>, channel: Channel, to: &Phone) -> Trouble {
        match left_alone.values().min() {
            Some(until) => Trouble {
                retry_after: Some(self.until(*until)),
                ..Trouble::of(Class::Paced, "every carrier has asked for patience")
            },
            None => {
                let words = format!("no carrier is configured for {channel} to +{}", to.country_code());
                Trouble::of(Class::Account, words)
            }
        }
    }

    fn until(&self, until: Instant) -> Duration {
        (until - self.clock.now()).to_std().unwrap_or_default()
    }

    /// What one carrier knows counts for more than that another cannot say. Whoever wants to be left alone is not
    /// asked.
    pub(super) async fn look(&self, attempt: &Attempt, to: &Phone) -> Vec<Looked> {
        let lines = self.may_have(attempt, to);
        if lines.is_empty() {
            return vec![Looked::Unclear];
        }
        let mut candidates = Vec::new();
        let is_named = attempt.provider_id.is_some();
        let left_alone = if is_named { BTreeMap::new() } else { left_alone(attempt, self.clock.now()) };
        for line in lines {
            let carrier = line.carrier.as_ref();
            if !left_alone.contains_key(carrier.id()) {
                candidates.extend(self.look_at(carrier, attempt, to).await);
            } else if attempt.carrier.as_ref() == Some(carrier.id()) {
                candidates.push(Looked::Unclear);
            }
        }
        if attempt.carrier.as_ref().is_some_and(|id| self.carriers.get(id).is_none()) {
            // Taken out of the configuration meanwhile.
            candidates.push(Looked::Unclear);
        }
        candidates.sort_by_key(|looked| *looked == Looked::Unclear);
        candidates
    }

    /// Who may have it: the carrier that was asked last, or, when that is not known for sure (a crash), whoever
    /// might have been asked.
    fn may_have<'a>(&'a self, attempt: &Attempt, to: &Phone) -> Vec<&'a Line> {
        let named = attempt.carrier.as_ref().and_then(|id| self.carriers.get(id));
        if attempt.provider_id.is_some() {
            return named.into_iter().collect();
        }
        let channel = attempt.address.channel();
        let order = self.carriers.order(channel, to, &Remembered::default(), None, self.clock.now());
        let others = order.into_iter().map(|(line, _)| line);
        let others = others.filter(|line| attempt.carrier.as_ref() != Some(line.carrier.id()));
        named.into_iter().chain(others).take(CARRIERS_MAX).collect()
    }

    /// What one carrier knows of it; nothing is `Ok` and empty.
    async fn look_at(&self, carrier: &dyn Carrier, attempt: &Attempt, to: &Phone) -> Vec<Looked> {
        let seen = if attempt.address.channel() == Channel::Voice {
            voice::look(carrier, attempt, to).await
        } else {
            sms::look(carrier, attempt, to).await
        };
        let found = |seen: Seen| Looked::Found {
            rank: seen.rank,
            state: seen.state,
            answer: outbox::Answer {
                carrier: Some(carrier.id().clone()),
                provider_id: Some(seen.provider_id),
                code: seen.code,
                message: Some(seen.message),
                ..outbox::Answer::default()
            },
        };
        match seen {
            Ok(seen) => seen.into_iter().map(found).collect(),
            Err(error) if error.class == Class::State => Vec::new(),
            Err(_) => vec![Looked::Unclear],
        }
    }

    /// Sooner than where there is nobody else.
    pub(super) fn sooner(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Again { at, unsure: true } => {
                Outcome::Again { at: at.min(self.clock.now() + LOOK_AGAIN), unsure: true }
            }
            other => other,
        }
    }
}

/// Whether the next carrier is asked at once. What may have been done is looked up first; our own pace is no
/// reason to leave; and whoever has sent STOP has sent it to us, not to a carrier.
fn goes_on(error: &CarrierError) -> bool {
    match error.class {
        Class::Unsure | Class::Paced => false,
        Class::Destination => error.code != Some(error_codes::OPTED_OUT),
        Class::Retry | Class::RetryLater | Class::Account | Class::Content | Class::State | Class::Bug => true,
    }
}

/// Who wants to be left alone, by what they have answered to this attempt.
pub(super) fn left_alone(attempt: &Attempt, now: Instant) -> BTreeMap<CarrierId, Instant> {
    let mut left_alone = BTreeMap::new();
    for entry in entries(attempt) {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let until = text("not_before").and_then(|until| until.parse::<Instant>().ok()).filter(|until| *until > now);
        if let (Some(carrier), Some(until)) = (text("carrier").and_then(|id| id.parse().ok()), until) {
            left_alone.insert(carrier, until);
        }
    }
    left_alone
}

/// Those that are not asked, or not before others, and why.
fn passed(order: &[(&Line, Choice)], left_alone: &BTreeMap<CarrierId, Instant>) -> Vec<Tried> {
    let open = order.iter().position(|(_, choice)| !left_alone.contains_key(&choice.carrier)).unwrap_or(0);
    let why = |(at, (_, choice)): (usize, &(&Line, Choice))| {
        let why = if at < open { Some("has asked for patience".to_owned()) } else { choice.passed.clone() };
        Some(Tried { carrier: choice.carrier.clone(), code: None, why: why?, is_number: false, not_before: None })
    };
    order.iter().enumerate().filter_map(why).collect()
}

fn refusal(carrier: &CarrierId, error: &CarrierError, now: Instant) -> Tried {
    let what = match (error.code.or(error.status.map(u32::from)), error.class) {
        (_, Class::Unsure) => "gave no sure answer",
        (Some(_), _) => "refused it",
        (None, _) => "could not be asked",
    };
    Tried {
        carrier: carrier.clone(),
        code: error.code.or(error.status.map(u32::from)).map(|code| code.to_string()),
        why: format!("{what} ({error})"),
        is_number: error.class == Class::Destination,
        not_before: not_before(error, now),
    }
}

fn not_before(error: &CarrierError, now: Instant) -> Option<Instant> {
    let wait = error.retry_after.filter(|_| error.class.may_be_repeated())?;
    Some(now + TimeDelta::from_std(wait.min(RETRY_AFTER_MAX)).ok()?)
}

/// `since a is out: …; b refused it (…)`.
pub fn because(tried: &[Tried]) -> Option<String> {
    let each: Vec<String> = tried.iter().map(|tried| format!("{} {}", tried.carrier, tried.why)).collect();
    (!each.is_empty()).then(|| format!("since {}", each.join("; ")))
}

/// For the attempt's row: with those of its earlier tries.
pub(super) fn to_json(attempt: &Attempt, tried: &[Tried]) -> Option<String> {
    if tried.is_empty() {
        return None;
    }
    let entry = |tried: &Tried| {
        let not_before = tried.not_before.map(|until| until.to_rfc3339_opts(SecondsFormat::Millis, true));
        json!({
            "carrier": tried.carrier.as_str(), "code": tried.code, "why": tried.why, "try": attempt.tries,
            "not_before": not_before,
        })
    };
    let all: Vec<Value> = entries(attempt).into_iter().chain(tried.iter().map(entry)).collect();
    Some(Value::Array(all).to_string())
}

fn entries(attempt: &Attempt) -> Vec<Value> {
    attempt.tried.as_deref().and_then(|earlier| serde_json::from_str(earlier).ok()).unwrap_or_default()
}

fn count(tried: &[Tried], channel: Channel) {
    for passed in tried {
        let provider = passed.carrier.to_string();
        metrics::counter!(metric::FAILOVERS, "provider" => provider, "channel" => channel.as_str()).increment(1);
    }
}

/// What a report says about the way: `None` when it says nothing.
pub fn reached(address: &Address, state: AttemptState, code: Option<&str>) -> Option<bool> {
    match (address, state) {
        (Address::Sms(_) | Address::Voice(_), AttemptState::Delivered) => Some(true),
        // Nobody knows who picked up, but the phone rang.
        (Address::Voice(_), AttemptState::Unknown) => Some(true),
        (Address::Sms(_), AttemptState::Failed) => Some(false),
        // A phone that is busy or not answered was reached.
        (Address::Voice(_), AttemptState::Failed) => {
            let code = code.and_then(|code| code.parse().ok());
            let is_number = code.is_some_and(|code| error_codes::class_of(Some(code), None) == Class::Destination);
            is_number.then_some(false)
        }
        _ => None,
    }
}
