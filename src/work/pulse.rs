//! Who of the workers still goes round. One that stands still holds no row and raises no error: only its
//! silence shows.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::TimeDelta;

use crate::model::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worker {
    /// Timers that callers wait for.
    Callers,
    /// All other timers.
    Timers,
    Outbox,
}

impl Worker {
    const ALL: [Self; 3] = [Self::Callers, Self::Timers, Self::Outbox];

    /// What it does, for people.
    pub fn work(self) -> &'static str {
        match self {
            Self::Callers => "what callers wait for",
            Self::Timers => "escalations and other timers",
            Self::Outbox => "pages and notices",
        }
    }

    fn place(self) -> usize {
        match self {
            Self::Callers => 0,
            Self::Timers => 1,
            Self::Outbox => 2,
        }
    }
}

/// Epoch milliseconds of each worker's last round. Clones are the same ones.
#[derive(Clone)]
pub(super) struct Pulses(Arc<[AtomicI64; 3]>);

impl Pulses {
    /// Whoever has not begun yet is given time from now on.
    pub fn from(now: Instant) -> Self {
        Self(Arc::new(Worker::ALL.map(|_| AtomicI64::new(now.timestamp_millis()))))
    }

    pub fn beat(&self, worker: Worker, now: Instant) {
        self.0[worker.place()].store(now.timestamp_millis(), Ordering::Relaxed);
    }

    /// Who has not gone round for longer than that.
    pub fn silent_for(&self, limit: TimeDelta, now: Instant) -> Vec<Worker> {
        let since = (now - limit).timestamp_millis();
        Worker::ALL.into_iter().filter(|worker| self.0[worker.place()].load(Ordering::Relaxed) < since).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::at;

    #[test]
    fn whoever_goes_round_is_not_silent() {
        let pulses = Pulses::from(at(0));
        pulses.beat(Worker::Timers, at(50));
        let silent = |now| pulses.silent_for(TimeDelta::seconds(60), at(now));
        assert_eq!(silent(60), []);
        assert_eq!(silent(61), [Worker::Callers, Worker::Outbox]);
        assert_eq!(silent(111), Worker::ALL);
    }
}
