//! The only reader of time and the only source of ids and chance.
//!
//! Everything else is given an `Instant`. `Clock::scaled` lets a night pass in seconds across
//! several processes; `Clock::manual` stands still until a test moves it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use tokio::sync::watch;

use crate::model::{
    Instant,
    id::{Id, Kind},
};

/// Sleeps never last longer than this at a stretch: a suspended machine's sleeps do not count, so
/// every sleeper looks at the wall clock again.
const TICK: Duration = Duration::from_millis(500);

#[derive(Clone)]
pub struct Clock(Arc<Source>);

enum Source {
    System,
    Scaled { origin: Instant, start: Instant, speed: f64 },
    Manual(Manual),
}

/// Stands still until it is moved, and knows who sleeps until when.
struct Manual {
    now: watch::Sender<Instant>,
    /// With a number that tells sleepers of one instant apart.
    sleepers: Mutex<BTreeSet<(Instant, u64)>>,
    /// How much faster than its own time the sockets' passes.
    haste: f64,
}

impl Manual {
    fn sleepers(&self) -> MutexGuard<'_, BTreeSet<(Instant, u64)>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who sleeps on a manual clock; gone from its list when the sleep ends, in whatever way.
struct Asleep<'a> {
    clock: &'a Manual,
    until: (Instant, u64),
}

impl<'a> Asleep<'a> {
    fn until(clock: &'a Manual, due: Instant) -> Self {
        let mut sleepers = clock.sleepers();
        let until = (0..).map(|number| (due, number)).find(|until| !sleepers.contains(until));
        let until = until.expect("there are fewer sleepers than numbers");
        sleepers.insert(until);
        Self { clock, until }
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.clock.sleepers().remove(&self.until);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's time")]
fn system_now() -> Instant {
    let now = Utc::now();
    // Rows keep milliseconds; an instant that was stored must compare equal to itself.
    Instant::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
}

/// How long work takes, finer than instants are and never backwards: for metrics. Always real time.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's time")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

impl Clock {
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// Time that began at `start` when the system's clock showed `origin`, and runs `speed` times as fast.
    pub fn scaled(origin: Instant, start: Instant, speed: f64) -> Self {
        assert!(speed > 0.0, "time runs forward");
        Self(Arc::new(Source::Scaled { origin, start, speed }))
    }

    /// `scaled` from this moment on.
    pub fn faster(start: Instant, speed: f64) -> Self {
        Self::scaled(system_now(), start, speed)
    }

    pub fn manual(start: Instant) -> Self {
        Self::manual_in_haste(start, 1.0)
    }

    /// The same, where sockets are waited for so many times shorter than they say: for tests in which
    /// somebody never answers.
    pub fn manual_in_haste(start: Instant, haste: f64) -> Self {
        assert!(haste > 0.0, "time runs forward");
        let manual = Manual { now: watch::Sender::new(start), sleepers: Mutex::default(), haste };
        Self(Arc::new(Source::Manual(manual)))
    }

    /// `ORIGIN_MS,START_MS,SPEED`: how a scaled clock is handed to a child process.
    pub fn to_argument(&self) -> Option<String> {
        match &*self.0 {
            Source::Scaled { origin, start, speed } => {
                Some(format!("{},{},{speed}", origin.timestamp_millis(), start.timestamp_millis()))
            }
            Source::System | Source::Manual(_) => None,
        }
    }

    pub fn from_argument(argument: &str) -> Option<Self> {
        let mut parts = argument.split(',');
        let mut instant = || Instant::from_timestamp_millis(parts.next()?.parse().ok()?);
        let (origin, start) = (instant()?, instant()?);
        let speed: f64 = parts.next()?.parse().ok()?;
        (speed > 0.0).then(|| Self::scaled(origin, start, speed))
    }

    pub fn now(&self) -> Instant {
        match &*self.0 {
            Source::System => system_now(),
            Source::Scaled { origin, start, speed } => {
                let elapsed = (system_now() - *origin).num_milliseconds();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    reason = "milliseconds of some hours"
                )]
                let scaled = (elapsed as f64 * speed) as i64;
                *start + TimeDelta::milliseconds(scaled)
            }
            Source::Manual(manual) => *manual.now.borrow(),
        }
    }

    /// Moves a manual clock; everyone whose instant has come wakes.
    pub fn advance(&self, by: TimeDelta) {
        match &*self.0 {
            Source::Manual(manual) => manual.now.send_modify(|now| *now += by),
            Source::System | Source::Scaled { .. } => panic!("only a manual clock can be moved"),
        }
    }

    /// The instant that somebody on a manual clock sleeps until, the soonest: nothing happens before it
    /// by itself. `None`: nobody sleeps.
    pub fn next_wake(&self) -> Option<Instant> {
        match &*self.0 {
            Source::Manual(manual) => manual.sleepers().first().map(|(due, _)| *due),
            Source::System | Source::Scaled { .. } => None,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    pub async fn sleep_until(&self, due: Instant) {
        match &*self.0 {
            Source::Manual(manual) => {
                let mut changes = manual.now.subscribe();
                let _asleep = Asleep::until(manual, due);
                // The sender lives in this clock, so the wait cannot fail.
                let _ = changes.wait_for(|now| *now >= due).await;
            }
            Source::System | Source::Scaled { .. } => loop {
                let wait = (due - self.now()).to_std().unwrap_or(Duration::ZERO);
                if wait.is_zero() {
                    return;
                }
                tokio::time::sleep(self.real(wait).max(Duration::from_millis(1)).min(TICK)).await;
            },
        }
    }

    pub async fn sleep(&self, wait: TimeDelta) {
        self.sleep_until(self.now() + wait).await;
    }

    /// How long a stretch of this clock's time lasts on the wall, for what only knows real time
    /// (sockets). A manual clock's stretches count as real, unless it is one in haste.
    pub fn real(&self, stretch: Duration) -> Duration {
        match &*self.0 {
            Source::System => stretch,
            Source::Manual(manual) => stretch.div_f64(manual.haste),
            Source::Scaled { speed, .. } => stretch.div_f64(*speed),
        }
    }
}

/// Makes ids and random numbers. Seeded, it makes the same ones again.
#[derive(Clone)]
pub struct Ids(Arc<Mutex<Generator>>);

struct Generator {
    rng: rand::rngs::StdRng,
    last: ulid::Ulid,
}

impl Ids {
    #[expect(clippy::disallowed_methods, reason = "this is the one source of chance")]
    pub fn random() -> Self {
        // Keys and tokens come from here too: all of the generator's state is random, not a seed alone.
        Self::from_generator(rand::SeedableRng::from_seed(rand::random()))
    }

    pub fn seeded(seed: u64) -> Self {
        Self::from_generator(rand::SeedableRng::seed_from_u64(seed))
    }

    fn from_generator(rng: rand::rngs::StdRng) -> Self {
        Self(Arc::new(Mutex::new(Generator { rng, last: ulid::Ulid::nil() })))
    }

    /// Ids of one process rise, also within a millisecond.
    pub fn id<K: Kind>(&self, now: Instant) -> Id<K> {
        let mut generator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let fresh = ulid::Ulid::from_parts(millis, rand::Rng::random(&mut generator.rng));
        let ulid = match generator.last.increment() {
            Some(next)
                if generator.last.timestamp_ms() >= millis && next.timestamp_ms() == generator.last.timestamp_ms() =>
            {
                next
            }
            _ => fresh,
        };
        generator.last = ulid;
        Id::from_ulid(ulid)
    }

    /// From 0 up to, not with, 1: for jitter.
    pub fn fraction(&self) -> f64 {
        rand::Rng::random(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).rng)
    }

    /// 128 random bits in hex, for leases and secrets that need no order.
    pub fn nonce(&self) -> String {
        let bits: u128 = rand::Rng::random(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).rng);
        format!("{bits:032x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::AlertId;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn ids_rise_within_a_millisecond() {
        let ids = Ids::seeded(1);
        let now = at("2026-03-01T02:30:00Z");
        let made: Vec<AlertId> = (0..1_000).map(|_| ids.id(now)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_whoever_is_due() {
        let clock = Clock::manual(at("2026-03-01T02:30:00Z"));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(TimeDelta::minutes(5)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(TimeDelta::minutes(4));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        assert_eq!(clock.next_wake(), Some(at("2026-03-01T02:35:00Z")));
        clock.advance(TimeDelta::minutes(1));
        sleeper.await.unwrap();
        assert_eq!(clock.next_wake(), None);
    }

    #[test]
    fn a_scaled_clock_survives_its_argument() {
        let clock = Clock::faster(at("2026-03-01T02:30:00Z"), 60.0);
        let copy = Clock::from_argument(&clock.to_argument().unwrap()).unwrap();
        assert!((copy.now() - clock.now()).num_milliseconds().abs() < 6_000);
        assert!(Clock::from_argument("1,2,0").is_none());
    }
}
