//! Works off the timers: claims what is due for a lease, gives each to the handler of its kind, and
//! makes it come again when that fails. Those that callers wait for have a worker of their own.
//!
//! Reads and writes `timers`; is woken by `Topic::Timers` or `Topic::Callers`. Decides nothing: that is the handlers' part.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::TimeDelta;
use futures::FutureExt;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Context, Handler, WorkError, aside,
    pulse::{Pulses, Worker},
};
use crate::{
    backoff::Waits,
    store::{
        StoreError, Topic,
        timers::{self, Crowd, DueTimer, Failed},
    },
};

/// How long a claim lasts; a crashed worker's timers come back after it.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(30);
/// A handler that takes longer has failed: soon somebody else may take its timer.
const HANDLER_MAX: Duration = Duration::from_secs(25);
/// How often to look without having been woken.
pub(super) const POLL: TimeDelta = TimeDelta::seconds(30);
/// While the database is away.
pub(super) const PAUSE: TimeDelta = TimeDelta::seconds(1);
/// Most that wait, wait for a carrier: even when one hangs, there must be room for escalations.
const AT_ONCE: usize = 512;
/// When all places are taken, as in a storm, so many are waited for, but not long: claims of one row each
/// would cost as much as the work.
const PLACES: u32 = 16;
const PLACES_WITHIN: Duration = Duration::from_millis(50);

const WAITS: Waits = Waits {
    first: Duration::from_secs(1),
    factor: 3.0,
    longest: Duration::from_secs(60),
    jitter: 0.3,
    retry_after_max: Duration::from_secs(60),
};

/// One worker's view of the timers.
#[derive(Clone)]
pub(super) struct Timers {
    context: Context,
    crowd: Crowd,
    handlers: Arc<BTreeMap<&'static str, Arc<dyn Handler>>>,
    places: Arc<Semaphore>,
    pulses: Pulses,
}

impl Timers {
    pub fn new(context: Context, crowd: Crowd, handlers: &[Arc<dyn Handler>], pulses: &Pulses) -> Self {
        let by_kind = handlers
            .iter()
            .flat_map(|handler| handler.kinds().iter().map(|kind| (*kind, Arc::clone(handler))))
            .collect();
        Self {
            context,
            crowd,
            handlers: Arc::new(by_kind),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            pulses: pulses.clone(),
        }
    }

    /// Until it is stopped; what it has begun it finishes.
    pub async fn run(self, stop: CancellationToken) {
        let begun = TaskTracker::new();
        // Begun before looking, so that nothing set in between is missed.
        let mut woken = self.context.store.wake().watch(match self.crowd {
            Crowd::Callers => Topic::Callers,
            Crowd::Others => Topic::Timers,
        });
        let worker = match self.crowd {
            Crowd::Callers => Worker::Callers,
            Crowd::Others => Worker::Timers,
        };
        while !stop.is_cancelled() {
            self.pulses.beat(worker, self.context.clock.now());
            let wait_until = match self.turn(&begun).await {
                Ok(Some(at)) => at,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the timers could not be read");
                    self.context.clock.now() + PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = woken.notified() => {}
                () = self.context.clock.sleep_until(wait_until) => {}
            }
        }
        begun.close();
        begun.wait().await;
    }

    /// Begins what is due. `None`: there may be more; otherwise when to look again.
    async fn turn(&self, begun: &TaskTracker) -> Result<Option<chrono::DateTime<chrono::Utc>>, StoreError> {
        let now = self.context.clock.now();
        let next = timers::next_due(&mut *self.context.store.read().await?, self.crowd).await?;
        if next.is_none_or(|next| next > now) {
            return Ok(Some(next.into_iter().chain([now + POLL]).min().unwrap_or(now)));
        }
        // A claimed timer is begun at once, so no more are claimed than there are places.
        let some = Arc::clone(&self.places).acquire_many_owned(PLACES);
        drop(tokio::time::timeout(PLACES_WITHIN, some).await);
        let Ok(first) = Arc::clone(&self.places).acquire_owned().await else { return Ok(Some(now + POLL)) };
        let mut places = vec![first];
        while let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            places.push(place);
        }
        let limit = i64::try_from(places.len()).unwrap_or(1);
        let (lease, now, crowd) = (self.context.ids.nonce(), self.context.clock.now(), self.crowd);
        let claim =
            async move |db: &mut sqlx::AnyConnection| timers::claim(db, crowd, now, now + LEASE, &lease, limit).await;
        let claimed = self.context.store.write(claim).await?;
        for timer in claimed.set_aside {
            let context = self.context.clone();
            begun.spawn(async move { aside::timer(&context, &timer).await });
        }
        for (timer, place) in claimed.due.into_iter().zip(places) {
            let this = self.clone();
            begun.spawn(async move {
                this.work(&timer).await;
                drop(place);
            });
        }
        Ok(None)
    }

    async fn work(&self, timer: &DueTimer) {
        let Err(error) = self.handle(timer).await else { return };
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            timer.kind,
            timer.subject,
            timer.tries,
            "a timer failed"
        );
        let wait = WAITS.before(u32::try_from(timer.tries).unwrap_or(1), self.context.ids.fraction(), None);
        let again_at = self.context.clock.now() + wait;
        let failed = timer.clone();
        let failed = self.context.store.write(async move |db| timers::fail(db, &failed, again_at).await).await;
        match failed {
            Ok(Failed::SetAside) => aside::timer(&self.context, timer).await,
            Ok(Failed::Again | Failed::Stale) => {}
            // Then the lease runs out, and the timer comes back by itself.
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a failed timer could not be put back");
            }
        }
    }

    async fn handle(&self, timer: &DueTimer) -> Result<(), WorkError> {
        let what = || format!("timer {} of {}", timer.kind, timer.subject);
        let broken = |why: &str| WorkError::Broken { what: what(), why: why.to_owned() };
        let handler = self.handlers.get(timer.kind.as_str()).ok_or_else(|| broken("nobody handles its kind"))?;
        let handled = AssertUnwindSafe(handler.handle(timer)).catch_unwind();
        match tokio::time::timeout(HANDLER_MAX, handled).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(broken("its handler panicked")),
            Err(_) => Err(broken("its handler took too long")),
        }
    }
}
