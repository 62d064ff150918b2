//! How long to wait before trying again. The only home of the crate `backoff`, which is no longer
//! maintained (RUSTSEC-2025-0012): replacing it by `backon` is a change of this file.
//!
//! Decides only: the worker that waits asks the clock, and chance comes in as an argument.

use std::time::Duration;

use ::backoff::{SystemClock, backoff::Backoff as _, exponential::ExponentialBackoff};

/// Nobody is asked again before the time that they named (`Retry-After`); more than this is taken for a mistake.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Waits that grow by a factor up to a longest one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waits {
    pub first: Duration,
    pub factor: f64,
    pub longest: Duration,
    /// The part of each wait that chance decides, from 0 to 1: many who failed together must not
    /// come back together.
    pub jitter: f64,
    /// How much of a server's `Retry-After` is believed.
    pub retry_after_max: Duration,
}

impl Waits {
    /// The wait before retry `n`, from 1. `chance` is from 0 up to 1 (`Ids::fraction`). What the
    /// server asked for is a lower bound, as far as it is believed.
    pub fn before(&self, n: u32, chance: f64, retry_after: Option<Duration>) -> Duration {
        let whole = self.grown(n);
        let jitter = self.jitter.clamp(0.0, 1.0);
        let wait = whole.mul_f64(1.0 - jitter + jitter * chance.clamp(0.0, 1.0));
        wait.max(retry_after.unwrap_or_default().min(self.retry_after_max))
    }

    fn grown(&self, n: u32) -> Duration {
        // The crate's own chance and time limit are switched off: both are ours to decide.
        let mut waits = ExponentialBackoff::<SystemClock> {
            current_interval: self.first,
            initial_interval: self.first,
            randomization_factor: 0.0,
            multiplier: self.factor.max(1.0),
            max_interval: self.longest,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        let mut wait = self.first;
        // Any wait has reached the longest one long before.
        for _ in 0..n.clamp(1, 64) {
            wait = waits.next_backoff().unwrap_or(self.longest);
        }
        wait.min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITS: Waits = Waits {
        first: Duration::from_secs(5),
        factor: 5.0,
        longest: Duration::from_secs(120),
        jitter: 0.2,
        retry_after_max: Duration::from_secs(60),
    };

    fn near(wait: Duration, seconds: f64) -> bool {
        (wait.as_secs_f64() - seconds).abs() < 0.01
    }

    #[test]
    fn waits_grow_up_to_the_longest() {
        for (n, whole) in [(0, 5.0), (1, 5.0), (2, 25.0), (3, 120.0), (4, 120.0), (1_000_000, 120.0)] {
            assert!(near(WAITS.before(n, 1.0, None), whole), "{n}: {:?}", WAITS.before(n, 1.0, None));
        }
    }

    #[test]
    fn chance_shortens_a_wait_by_the_jitter_at_most() {
        assert!(near(WAITS.before(1, 0.0, None), 4.0));
        assert!(near(WAITS.before(1, 0.5, None), 4.5));
    }

    #[test]
    fn the_server_is_believed_within_bounds() {
        let asked = |seconds| WAITS.before(1, 0.0, Some(Duration::from_secs(seconds)));
        assert!(near(asked(1), 4.0));
        assert!(near(asked(30), 30.0));
        assert!(near(asked(86_400), 60.0));
    }
}
