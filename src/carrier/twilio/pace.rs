//! How fast we ask: so many calls and so many messages a second, in the order in which they came.
//!
//! Owns the wait for a slot, never the request. Start with `Pace::slot`.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use governor::{
    Quota, RateLimiter,
    clock::Clock as GovernorClock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};

use super::super::{CarrierError, Class};
use crate::{
    clock::{Clock, Ids},
    model::Instant,
};

/// Longer than this nobody stands in line: a worker's lease must outlast the wait and the request.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// The part of a wait that chance adds: several nodes share one account's pace.
const JITTER: f64 = 0.1;

type Limiter = RateLimiter<NotKeyed, InMemoryState, Forward, NoOpMiddleware<Duration>>;

pub(in crate::carrier) struct Pace {
    limiter: Limiter,
    clock: Clock,
    ids: Ids,
    /// From one slot to the next.
    period: Duration,
    in_line: AtomicU32,
    /// Held by whoever waits for the next slot; tokio's locks are fair, so nobody is overtaken.
    head: tokio::sync::Mutex<()>,
}

impl Pace {
    pub(in crate::carrier) fn new(per_second: f64, clock: Clock, ids: Ids) -> Self {
        let period = Duration::from_secs_f64(1.0 / per_second.clamp(0.001, 100_000.0));
        // One at a time: a burst would be twice the pace in its first second.
        let quota = Quota::with_period(period).expect("the period is at least some microseconds");
        let limiter = RateLimiter::direct_with_clock(quota, Forward::new(clock.clone()));
        Self { limiter, clock, ids, period, in_line: AtomicU32::new(0), head: tokio::sync::Mutex::new(()) }
    }

    /// Returns when a request may be made; `Class::Paced` when that would take too long.
    pub(in crate::carrier) async fn slot(&self) -> Result<(), CarrierError> {
        let place = Place::take(&self.in_line);
        if place.ahead > 0 {
            let expected = self.period.saturating_mul(place.ahead.saturating_add(1));
            self.bearable(expected)?;
        }
        let _head = self.head.lock().await;
        // Estimated once: whoever has begun to wait is not sent away again.
        let mut is_first_look = true;
        while let Err(not_until) = self.limiter.check() {
            let wait = not_until.wait_time_from(self.limiter.clock().now());
            if is_first_look && place.ahead == 0 {
                self.bearable(wait)?;
            }
            is_first_look = false;
            let jittered = wait.mul_f64(1.0 + JITTER * self.ids.fraction()) + Duration::from_millis(1);
            self.clock.sleep(TimeDelta::from_std(jittered).unwrap_or(TimeDelta::MAX)).await;
            let due = not_until.earliest_possible();
            if self.limiter.clock().as_of(due, self.period, || self.limiter.check().is_ok()) {
                break;
            }
        }
        Ok(())
    }

    fn bearable(&self, expected: Duration) -> Result<(), CarrierError> {
        if expected <= WAIT_MAX {
            return Ok(());
        }
        // Those who are sent away together must not come back together.
        let retry_after = expected.mul_f64(1.0 + self.ids.fraction());
        let error = CarrierError::of(Class::Paced, "nothing was sent: our own pace lies in between");
        Err(CarrierError { retry_after: Some(retry_after), ..error })
    }
}

/// A place in the line, given up also when the one who waits is dropped.
struct Place<'a> {
    in_line: &'a AtomicU32,
    ahead: u32,
}

impl<'a> Place<'a> {
    fn take(in_line: &'a AtomicU32) -> Self {
        Self { in_line, ahead: in_line.fetch_add(1, Ordering::SeqCst) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.in_line.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Our clock as governor sees it. It never goes back: a wall clock that is set back by an hour must
/// not hold pages for an hour.
struct Forward {
    clock: Clock,
    seen: Mutex<Seen>,
}

struct Seen {
    last: Instant,
    passed: Duration,
    as_of: Option<Duration>,
}

impl Forward {
    fn new(clock: Clock) -> Self {
        let seen = Mutex::new(Seen { last: clock.now(), passed: Duration::ZERO, as_of: None });
        Self { clock, seen }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the limiter as if it were still `due`: whoever was woken a little late must not make all who come
    /// after them later. A delay of more than `most` is not made up for.
    fn as_of<T>(&self, due: Duration, most: Duration, look: impl FnOnce() -> T) -> T {
        let now = self.now();
        self.seen().as_of = Some(due.max(now.saturating_sub(most)).min(now));
        let seen = look();
        self.seen().as_of = None;
        seen
    }
}

impl GovernorClock for Forward {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let mut seen = self.seen();
        let now = self.clock.now();
        let step = (now - seen.last).to_std().unwrap_or_default();
        seen.passed += step;
        seen.last = now;
        seen.as_of.unwrap_or(seen.passed)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, task::Poll};

    use super::*;

    fn pace(per_second: f64) -> (Arc<Pace>, Clock) {
        let clock = Clock::manual("2026-03-01T02:30:00Z".parse().unwrap());
        (Arc::new(Pace::new(per_second, clock.clone(), Ids::seeded(1))), clock)
    }

    fn wait_for_slot(pace: &Arc<Pace>) -> tokio::task::JoinHandle<Result<(), CarrierError>> {
        let pace = pace.clone();
        tokio::spawn(async move { pace.slot().await })
    }

    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_a_second_means_a_second_in_between() {
        let (pace, clock) = pace(1.0);
        pace.slot().await.unwrap();
        let second = wait_for_slot(&pace);
        let third = wait_for_slot(&pace);
        settle().await;
        clock.advance(TimeDelta::milliseconds(900));
        settle().await;
        assert!(!second.is_finished() && !third.is_finished());
        clock.advance(TimeDelta::milliseconds(300));
        settle().await;
        assert!(second.is_finished() && !third.is_finished());
        clock.advance(TimeDelta::milliseconds(1_200));
        settle().await;
        third.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn whoever_is_woken_late_makes_nobody_else_late() {
        let (pace, clock) = pace(50.0);
        let start = clock.now();
        pace.slot().await.unwrap();
        for slot in 1..=40 {
            let waiting = wait_for_slot(&pace);
            settle().await;
            // Each is woken some milliseconds after its time.
            let at = start + TimeDelta::milliseconds(slot * 20 + 6);
            clock.advance(at - clock.now());
            settle().await;
            assert!(waiting.is_finished(), "slot {slot}");
        }
    }

    #[tokio::test]
    async fn whoever_would_wait_too_long_is_told_when_to_come_again() {
        let (pace, clock) = pace(1.0);
        pace.slot().await.unwrap();
        let waiting = [wait_for_slot(&pace), wait_for_slot(&pace)];
        settle().await;
        let error = pace.slot().await.unwrap_err();
        assert_eq!(error.class, Class::Paced);
        let retry_after = error.retry_after.unwrap();
        assert!((3.0..6.0).contains(&retry_after.as_secs_f64()), "{retry_after:?}");
        for waiting in waiting {
            clock.advance(TimeDelta::milliseconds(1_200));
            settle().await;
            waiting.await.unwrap().unwrap();
        }
        clock.advance(TimeDelta::seconds(2));
        pace.slot().await.unwrap();
    }

    #[tokio::test]
    async fn a_slow_pace_lets_nobody_wait() {
        let (pace, clock) = pace(0.1);
        pace.slot().await.unwrap();
        let error = pace.slot().await.unwrap_err();
        assert!(error.retry_after.unwrap() >= Duration::from_secs(10));
        clock.advance(TimeDelta::seconds(10));
        pace.slot().await.unwrap();
    }

    #[tokio::test]
    async fn whoever_leaves_the_line_holds_nobody_up() {
        let (pace, clock) = pace(1.0);
        pace.slot().await.unwrap();
        let mut leaving = Box::pin(pace.slot());
        assert_eq!(futures::poll!(leaving.as_mut()), Poll::Pending);
        drop(leaving);
        let waiting = wait_for_slot(&pace);
        settle().await;
        clock.advance(TimeDelta::milliseconds(1_200));
        waiting.await.unwrap().unwrap();
        assert_eq!(pace.in_line.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_stops_nothing() {
        let (pace, clock) = pace(1.0);
        pace.slot().await.unwrap();
        clock.advance(TimeDelta::hours(-1));
        let waiting = wait_for_slot(&pace);
        settle().await;
        clock.advance(TimeDelta::milliseconds(1_200));
        waiting.await.unwrap().unwrap();
    }
}
