//! What was refused, counted and said: in a metric each, in the log once a second and reason. Whoever floods us
//! with nonsense must not flood the log as well, and nobody has to look for a sender's mistake in vain.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use crate::{clock::Stopwatch, telemetry::metric};

/// Between two lines about the same.
const LINE_EVERY_S: f64 = 1.0;

/// Counts a refusal. Both words come from closed sets of our own.
pub fn refused(face: &'static str, reason: &'static str) {
    static RUNNING: OnceLock<Stopwatch> = OnceLock::new();
    static SAID: Mutex<BTreeMap<(&str, &str), Sparse>> = Mutex::new(BTreeMap::new());
    metrics::counter!(metric::REFUSED, "face" => face, "reason" => reason).increment(1);
    let now_s = RUNNING.get_or_init(Stopwatch::start).seconds();
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let count = said.entry((face, reason)).or_default().count(now_s);
    drop(said);
    if let Some(count) = count {
        tracing::warn!(face, reason, count, "requests were refused");
    }
}

/// How often something was, since a line last said so.
#[derive(Debug, Default)]
struct Sparse {
    said_at_s: Option<f64>,
    since: u64,
}

impl Sparse {
    /// One more. Answers how many there are to tell of, if it is time.
    fn count(&mut self, now_s: f64) -> Option<u64> {
        self.since += 1;
        if self.said_at_s.is_some_and(|said| now_s < said + LINE_EVERY_S) {
            return None;
        }
        self.said_at_s = Some(now_s);
        Some(std::mem::take(&mut self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_at_once_and_a_flood_once_a_second() {
        let mut sparse = Sparse::default();
        let said: Vec<(u32, u64)> =
            (0..=30_u32).filter_map(|tenth| Some((tenth, sparse.count(f64::from(tenth) / 10.0)?))).collect();
        assert_eq!(said, [(0, 1), (10, 10), (20, 10), (30, 10)]);
        assert_eq!(sparse.count(60.0), Some(1));
    }
}
