//! Our own pace per chat: a storm must not bring the provider to shut us out. A short burst is let through, then
//! so many seconds lie between two messages; whoever has to wait is told for how long, and holds nothing meanwhile.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use chrono::TimeDelta;

use super::Trouble;
use crate::{carrier::Class, model::Instant};

/// So many at once disturb no provider.
const BURST: i32 = 5;
/// A clock that is set back must not hold pages for an hour.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

#[derive(Default)]
pub struct Pace {
    /// When each chat would have rested from everything that went there. Chats that rest are forgotten.
    rested_at: Mutex<BTreeMap<String, Instant>>,
}

impl Pace {
    /// One message to this chat, where one may go `every` so often.
    pub fn take(&self, chat: &str, every: TimeDelta, now: Instant) -> Result<(), Trouble> {
        let mut rested_at = self.rested_at.lock().unwrap_or_else(PoisonError::into_inner);
        rested_at.retain(|_, at| *at > now && *at < now + AHEAD_MAX + every * BURST);
        let at = rested_at.get(chat).copied().unwrap_or(now);
        let wait = at - now - every * (BURST - 1);
        if wait > TimeDelta::zero() {
            let trouble = Trouble::of(Class::Paced, "nothing was sent: our own pace lies in between");
            return Err(Trouble { retry_after: wait.to_std().ok(), ..trouble });
        }
        rested_at.insert(chat.to_owned(), at + every);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: TimeDelta = TimeDelta::seconds(1);

    fn at(millis: i64) -> Instant {
        Instant::from_timestamp_millis(1_772_330_400_000 + millis).unwrap()
    }

    fn wait(pace: &Pace, chat: &str, millis: i64) -> Option<u128> {
        pace.take(chat, EVERY, at(millis)).err().map(|trouble| trouble.retry_after.unwrap().as_millis())
    }

    #[test]
    fn after_a_burst_there_is_one_a_second_and_never_more() {
        let pace = Pace::default();
        for _ in 0..BURST {
            assert_eq!(wait(&pace, "C1", 0), None);
        }
        assert_eq!(wait(&pace, "C1", 0), Some(1_000));
        assert_eq!(wait(&pace, "C1", 400), Some(600), "whoever asks too early waits no longer for it");
        assert_eq!(wait(&pace, "C2", 400), None, "another chat rests");
        let mut sent = 0;
        for millis in (1_000..=60_000).step_by(10) {
            sent += i32::from(wait(&pace, "C1", millis).is_none());
        }
        assert_eq!(sent, 60);
    }

    #[test]
    fn a_rested_chat_takes_a_burst_again_and_a_clock_that_is_set_back_stops_nothing() {
        let pace = Pace::default();
        for second in [0, 5, -3_600] {
            for _ in 0..BURST {
                assert_eq!(wait(&pace, "C1", second * 1_000), None, "{second}");
            }
        }
        assert_eq!(pace.rested_at.lock().unwrap().len(), 1);
    }
}
