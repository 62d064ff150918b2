//! What follows from a failed try: again, later, or never. Waits are data; chance is an argument.

use std::time::Duration;

use chrono::TimeDelta;

use super::Trouble;
use crate::{
    backoff::{RETRY_AFTER_MAX, Waits},
    carrier::Class,
    model::{Instant, person::Channel},
    store::{attempts::Attempt, outbox::Outcome, timers::TRIES_MAX},
};

/// Up to 10 s, 30 s, 90 s, 4 m: a short outage of a carrier is bridged, and the person's next rule or the
/// next level comes beside it in any case. All of each wait is chance, so that pages which failed together
/// come back spread over the whole of it.
const FAST: Waits = Waits {
    first: Duration::from_secs(10),
    factor: 3.0,
    longest: Duration::from_secs(240),
    jitter: 1.0,
    retry_after_max: RETRY_AFTER_MAX,
};

/// Up to 30 s, 2 m, 8 m, 15 m: mail servers ask for patience (greylisting).
const SLOW: Waits = Waits {
    first: Duration::from_secs(30),
    factor: 4.0,
    longest: Duration::from_secs(900),
    jitter: 1.0,
    retry_after_max: RETRY_AFTER_MAX,
};

/// Whoever has just failed is not asked again at once, whatever chance says.
const SOON: Duration = Duration::from_secs(1);
/// "May work in minutes."
const LATER: Duration = Duration::from_secs(60);
/// Our own pace says when; without a word from it, soon.
const PACE: Duration = Duration::from_secs(1);
/// A pause that we give ourselves is never longer.
const PACE_MAX: Duration = Duration::from_secs(300);

pub fn waits(channel: Channel) -> Waits {
    match channel {
        Channel::Sms
        | Channel::Voice
        | Channel::Push
        | Channel::Slack
        | Channel::Teams
        | Channel::Telegram
        | Channel::Ntfy
        | Channel::Webhook => FAST,
        Channel::Email => SLOW,
    }
}

/// `tries` counts this one too. `chance` is from 0 up to 1.
pub fn after(channel: Channel, tries: i64, trouble: &Trouble, now: Instant, chance: f64) -> Outcome {
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
    if tries >= TRIES_MAX {
        return if unsure { Outcome::Unknown } else { Outcome::Failed };
    }
    let asked = match trouble.class {
        Class::RetryLater => Some(trouble.retry_after.unwrap_or_default().max(LATER)),
        _ => Some(trouble.retry_after.unwrap_or_default().max(SOON)),
    };
    let wait = waits(channel).before(u32::try_from(tries).unwrap_or(1), chance, asked);
    Outcome::Again { at: later(now, wait), unsure }
}

/// Since when an earlier try may have got there: since the one that ended last began. One whose sender crashed
/// began when it was due.
pub fn since(attempt: &Attempt) -> Instant {
    // A request's own time-out, and clocks that differ.
    let slack = TimeDelta::seconds(45);
    let began = attempt.tried_at.unwrap_or(attempt.due_at).min(attempt.due_at);
    (began - slack).max(attempt.created_at - slack)
}

fn later(now: Instant, wait: Duration) -> Instant {
    now + TimeDelta::from_std(wait).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::person::Address,
        notify::{
            Said,
            testing::{claimed, recorded},
        },
        store::{
            outbox::Answer,
            testing::{at, on_both},
        },
    };

    fn trouble(class: Class) -> Trouble {
        Trouble::of(class, "no")
    }

    fn asked(class: Class, seconds: u64) -> Trouble {
        Trouble { retry_after: Some(Duration::from_secs(seconds)), ..trouble(class) }
    }

    fn again(tries: i64, trouble: &Trouble, chance: f64) -> i64 {
        match after(Channel::Sms, tries, trouble, at(0), chance) {
            Outcome::Again { at: when, .. } => (when - at(0)).num_seconds(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_temporary_failure_is_tried_again_after_growing_waits() {
        let waits: Vec<i64> = (1..5).map(|tries| again(tries, &trouble(Class::Retry), 1.0)).collect();
        assert_eq!(waits, [10, 30, 90, 240]);
        assert_eq!(again(1, &trouble(Class::Retry), 0.5), 5, "all of it is chance");
        assert_eq!(again(4, &trouble(Class::Retry), 0.0), 1, "but for a breath");
        assert_eq!(again(1, &trouble(Class::RetryLater), 1.0), 60);
    }

    #[test]
    fn nobody_is_asked_before_the_time_that_they_named() {
        assert_eq!(again(1, &asked(Class::Retry, 30), 1.0), 30);
        assert_eq!(again(1, &asked(Class::Retry, 900), 1.0), 900);
        assert_eq!(again(1, &asked(Class::RetryLater, 3_600), 0.0), 3_600);
        assert_eq!(again(1, &asked(Class::Retry, 86_400), 1.0), 3_600, "a day is absurd");
        assert_eq!(again(1, &asked(Class::Retry, 1), 1.0), 10);
    }

    #[test]
    fn what_cannot_work_fails_at_once() {
        for class in [Class::Destination, Class::Account, Class::Content, Class::State, Class::Bug] {
            assert_eq!(after(Channel::Sms, 1, &trouble(class), at(0), 0.5), Outcome::Failed, "{class:?}");
        }
    }

    #[test]
    fn our_own_pace_counts_as_no_try() {
        let outcome = after(Channel::Voice, TRIES_MAX, &asked(Class::Paced, 3), at(0), 0.5);
        assert_eq!(outcome, Outcome::Postponed { at: at(3) });
        assert_eq!(after(Channel::Voice, 1, &trouble(Class::Paced), at(0), 0.5), Outcome::Postponed { at: at(1) });
    }

    #[test]
    fn the_last_try_says_whether_anybody_knows() {
        let last = |class| after(Channel::Sms, TRIES_MAX, &trouble(class), at(0), 0.5);
        assert_eq!((last(Class::Retry), last(Class::Unsure)), (Outcome::Failed, Outcome::Unknown));
        let first = after(Channel::Sms, 1, &trouble(Class::Unsure), at(0), 1.0);
        assert_eq!(first, Outcome::Again { at: at(10), unsure: true });
    }

    on_both! {
        async fn a_look_goes_back_to_the_earlier_try_and_not_to_the_rule_before(store: Store) {
            let to = Address::Voice("+4915110000001".parse().unwrap());
            let mut attempt = claimed(&store, to, &Said::default()).await;
            // Rules after one and three minutes, planned together: the second call crashed once.
            attempt.due_at = at(180);
            assert_eq!(since(&attempt), at(135));
            // Its provider could not tell what became of it, and wants to be left alone for ten minutes.
            let again = Outcome::Again { at: at(601), unsure: true };
            let attempt = recorded(&store, &attempt, &again, &Answer::default()).await;
            assert_eq!((attempt.due_at, attempt.tried_at), (at(601), Some(at(1))));
            assert_eq!(since(&attempt), at(-44));
        }
    }

    proptest! {
        #[test]
        fn every_wait_has_an_end(
            tries in 0_i64..10, chance in 0.0_f64..1.0, seconds in proptest::option::of(0_u64..u64::MAX),
        ) {
            for class in [Class::Retry, Class::RetryLater, Class::Unsure, Class::Paced] {
                for channel in Channel::ALL {
                    let trouble = Trouble { retry_after: seconds.map(Duration::from_secs), ..trouble(class) };
                    match after(channel, tries, &trouble, at(0), chance) {
                        Outcome::Again { at: when, .. } | Outcome::Postponed { at: when } => {
                            prop_assert!(when >= at(0) && when <= at(3_600));
                        }
                        Outcome::Failed | Outcome::Unknown => prop_assert!(tries >= TRIES_MAX),
                        other => prop_assert!(false, "{other:?}"),
                    }
                }
            }
        }
    }
}
