//! What follows from a failed try: again, later, or never. Waits are data; chance is an argument.

use std::time::Duration;

use chrono::TimeDelta;

use super::Trouble;
use crate::{
    backoff::Waits,
    carrier::Class,
    model::{Instant, person::Channel},
    store::{attempts::Attempt, outbox::Outcome, timers::TRIES_MAX},
};

/// 5 s, 15 s, 45 s, 2 m: a short outage of a carrier is bridged, and the person's next rule or the next
/// level comes beside it in any case. Half of each wait is chance, so that an outage that has eaten one
/// try lasts no longer than its successors.
const FAST: Waits = Waits {
    first: Duration::from_secs(5),
    factor: 3.0,
    longest: Duration::from_secs(120),
    jitter: 0.5,
    retry_after_max: Duration::from_secs(120),
};

/// 15 s, 1 m, 4 m, 10 m: mail servers ask for patience (greylisting).
const SLOW: Waits = Waits {
    first: Duration::from_secs(15),
    factor: 4.0,
    longest: Duration::from_secs(600),
    jitter: 0.5,
    retry_after_max: Duration::from_secs(900),
};

/// "May work in minutes."
const LATER: Duration = Duration::from_secs(60);
/// Our own pace says when; without a word from it, soon.
const PACE: Duration = Duration::from_secs(1);
/// A pause that we give ourselves is never longer.
const PACE_MAX: Duration = Duration::from_secs(300);

pub fn waits(channel: Channel) -> Waits {
    match channel {
        Channel::Sms | Channel::Voice | Channel::Push => FAST,
        Channel::Email => SLOW,
    }
}

/// `attempt.tries` counts this one too. `chance` is from 0 up to 1.
pub fn after(attempt: &Attempt, trouble: &Trouble, now: Instant, chance: f64) -> Outcome {
    let unsure = match trouble.class {
        Class::Paced => {
            let pause = trouble.retry_after.unwrap_or(PACE).min(PACE_MAX);
            return Outcome::Postponed { at: later(now, pause) };
        }
        Class::Retry | Class::RetryLater => false,
        Class::Unsure => true,
        Class::Destination | Class::Account | Class::Content | Class::State | Class::Bug => return Outcome::Failed,
    };
    // The store sets aside what is claimed more often: an end must be said before that.
    if attempt.tries >= TRIES_MAX {
        return if unsure { Outcome::Unknown } else { Outcome::Failed };
    }
    let tries = u32::try_from(attempt.tries.max(1)).unwrap_or(u32::MAX);
    let asked = match trouble.class {
        Class::RetryLater => Some(trouble.retry_after.unwrap_or_default().max(LATER)),
        _ => trouble.retry_after,
    };
    let wait = waits(attempt.address.channel()).before(tries, chance, asked);
    Outcome::Again { at: later(now, wait), unsure }
}

/// Since when an earlier try may have got there: the last one began before its wait.
pub fn since(attempt: &Attempt) -> Instant {
    let waits = waits(attempt.address.channel());
    let earlier = u32::try_from(attempt.tries.saturating_sub(1).max(1)).unwrap_or(u32::MAX);
    // A request's own time-out and clocks that differ.
    let slack = TimeDelta::seconds(45);
    let wait = TimeDelta::from_std(waits.before(earlier, 1.0, None)).unwrap_or(TimeDelta::zero());
    (attempt.due_at - wait - slack).max(attempt.created_at - slack)
}

fn later(now: Instant, wait: Duration) -> Instant {
    now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::zero())
}
