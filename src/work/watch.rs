//! Looks for what should have happened and did not, and mends it: every few seconds, and at start.
//!
//! Reads open alerts and what is due; sets timers anew. It should find nothing: whatever it finds is
//! logged as a warning.

use chrono::TimeDelta;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Context, aside, cost, deadline::DEADLINE, record, timers::PAUSE, wellness::Watchman};
use crate::{
    model::id::AlertId,
    store::{StoreError, alerts, attempts, carried, outbox, overdue, raise::ESCALATE, seen, spent, timers},
    telemetry::metric,
};

const EVERY: TimeDelta = TimeDelta::seconds(10);
/// What is due for longer than a lease lasts is not being worked on.
const LATE: TimeDelta = TimeDelta::seconds(30);
/// Longer than any caller waits: then the call's own timer should have let go of the alert.
const HELD_MAX: TimeDelta = TimeDelta::hours(1);
/// An escalation that was set aside is tried again after so long: its alert still waits.
const ASIDE: TimeDelta = TimeDelta::minutes(15);

/// Nobody repeats a request, or uses a signed link, after that long.
const REMEMBERED: TimeDelta = TimeDelta::days(8);
/// Numbers move from network to network: through whom one was reached is not known for good.
const CARRIED: TimeDelta = TimeDelta::days(30);
const FORGET_EVERY: TimeDelta = TimeDelta::hours(1);

pub(super) async fn run(context: Context, mut watchman: Watchman, stop: CancellationToken) {
    let mut forget_at = context.clock.now();
    while !stop.is_cancelled() {
        if context.clock.now() >= forget_at {
            forget_at = context.clock.now() + FORGET_EVERY;
            forget(&context).await;
        }
        let looked = match look(&context).await {
            Ok(()) => watchman.look(&context).await,
            Err(error) => Err(error),
        };
        let wait = match looked {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the watcher could not look");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = context.clock.sleep(wait) => {}
        }
    }
}

async fn forget(context: &Context) {
    let (org, before) = (context.directory().org.clone(), context.clock.now() - REMEMBERED);
    let now = context.clock.now();
    let forget = async move |db: &mut sqlx::AnyConnection| {
        seen::forget(db, &org, before).await?;
        carried::forget(db, &org, now - CARRIED).await?;
        spent::forget(db, &org, now).await
    };
    if let Err(error) = context.store.write(forget).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "old requests could not be forgotten");
    }
}

/// One look at everything.
pub(super) async fn look(context: &Context) -> Result<(), StoreError> {
    measure(context).await?;
    mend_escalations(context).await?;
    mend_attempts(context).await?;
    cost::look(context).await?;
    aside::tell_of_untold(context, context.clock.now() - LATE).await
}

async fn measure(context: &Context) -> Result<(), StoreError> {
    let (now, directory) = (context.clock.now(), context.directory());
    let mut db = context.store.read().await?;
    let (triggered, acknowledged) = alerts::count_open(&mut db, &directory.org).await?;
    for (state, count) in [("triggered", triggered), ("acknowledged", acknowledged)] {
        gauge(metric::ALERTS_OPEN, "state", state, count);
    }
    gauge(metric::DUE, "table", "timers", timers::count_due(&mut db, now).await?);
    gauge(metric::DUE, "table", "attempts", outbox::count_due(&mut db, now).await?);
    let late = (timers::count_due(&mut db, now - LATE).await?, outbox::count_due(&mut db, now - LATE).await?);
    if late != (0, 0) {
        tracing::warn!(timers = late.0, attempts = late.1, "rows are due for long and nobody works on them");
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a count for a graph")]
fn gauge(name: &'static str, label: &'static str, value: &'static str, count: i64) {
    metrics::gauge!(name, label => value).set(count as f64);
}

/// The promise: while an alert waits for somebody, a timer says when somebody is told.
async fn mend_escalations(context: &Context) -> Result<(), StoreError> {
    let acting = context.acting();
    let now = acting.now;
    let mut db = context.store.read().await?;
    let lost = overdue::without_timer(&mut db, acting.org(), now - LATE, now - HELD_MAX, now - ASIDE).await?;
    drop(db);
    for alert in lost {
        tracing::warn!(alert.id = %alert, "an alert waited without a timer; it escalates again");
        let acting = acting.clone();
        context.store.write(async move |db| rearm(db, &acting, &alert).await).await?;
    }
    Ok(())
}

async fn rearm(db: &mut sqlx::AnyConnection, acting: &super::Acting, alert: &AlertId) -> Result<(), StoreError> {
    timers::set(db, acting.org(), ESCALATE, alert.as_str(), acting.now, "").await?;
    let text = "The escalation had come to a stop and goes on.";
    record(db, acting, alert, "mended", text, json!({})).await
}

async fn mend_attempts(context: &Context) -> Result<(), StoreError> {
    let acting = context.acting();
    let mut db = context.store.read().await?;
    let unreported = overdue::unreported(&mut db, acting.org(), acting.now - LATE).await?;
    let held = overdue::held_for_nothing(&mut db, acting.org()).await?;
    drop(db);
    if !unreported.is_empty() {
        tracing::warn!(attempts = unreported.len(), "providers were not asked for missing reports; they are now");
        let org = acting.org().clone();
        let set = async move |db: &mut sqlx::AnyConnection| {
            for (attempt, deadline_at) in &unreported {
                timers::set(db, &org, DEADLINE, attempt.as_str(), *deadline_at, "").await?;
            }
            Ok(())
        };
        context.store.write(set).await?;
    }
    for alert in held {
        tracing::warn!(alert.id = %alert, "calls waited for a conversation that is over; they are placed");
        let (org, now) = (acting.org().clone(), acting.now);
        context.store.write(async move |db| attempts::release_held(db, &org, &alert, now).await).await?;
    }
    Ok(())
}
