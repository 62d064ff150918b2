//! Rows that failed again and again and were set aside, so that they block nobody. Nobody will see them
//! again by themselves: people are told, and told of being told, since a crash may come in between.

use serde_json::json;

use super::{Context, failure, msp, record};
use crate::{
    model::{
        Instant,
        alert::Source,
        id::{AlertId, OrgId},
    },
    store::{
        StoreError, alerts, aside,
        attempts::Attempt,
        raise::ESCALATE,
        timers::{self, DueTimer},
    },
    telemetry::metric,
};

/// A timer has just been set aside.
pub(super) async fn timer(context: &Context, timer: &DueTimer) {
    metrics::counter!(metric::SET_ASIDE, "table" => "timers").increment(1);
    tracing::error!(timer.kind, timer.subject, "a timer failed too often and was set aside");
    noted(tell_of_timer(context, timer).await);
}

/// An attempt that brought down whoever sent it has just been set aside.
pub(super) async fn attempt(context: &Context, attempt: &Attempt) {
    metrics::counter!(metric::SET_ASIDE, "table" => "attempts").increment(1);
    tracing::error!(attempt.id = %attempt.id, "an attempt was begun too often and was set aside");
    noted(tell_of_attempt(context, attempt).await);
}

/// What was set aside before this instant, by whoever crashed before they told.
pub(super) async fn tell_of_untold(context: &Context, before: Instant) -> Result<(), StoreError> {
    let (timers, attempts) = {
        let mut db = context.store.read().await?;
        (aside::untold_timers(&mut db, before).await?, aside::untold_attempts(&mut db, before).await?)
    };
    // One of which nobody can be told keeps the others from nothing.
    for timer in &timers {
        noted(tell_of_timer(context, timer).await);
    }
    for attempt in &attempts {
        noted(tell_of_attempt(context, attempt).await);
    }
    Ok(())
}

/// The watch tells again what could not be told.
fn noted(told: Result<(), StoreError>) {
    if let Err(error) = told {
        tracing::error!(error = &error as &dyn std::error::Error, "nobody could be told of it yet");
    }
}

async fn tell_of_timer(context: &Context, timer: &DueTimer) -> Result<(), StoreError> {
    let text = format!("The work on {} failed {} times and was set aside.", describe(timer), timers::TRIES_MAX);
    let alert = timer.subject.parse::<AlertId>().ok().filter(|_| timer.kind == ESCALATE);
    if let Some(alert) = alert {
        let (acting, entry) = (context.acting(), text.clone());
        let written = async move |db: &mut sqlx::AnyConnection| {
            record(db, &acting, &alert, "set-aside", entry.clone(), json!({})).await
        };
        context.store.write(written).await?;
    }
    let matter = format!("set-aside:{}:{}", timer.kind, timer.subject);
    let title = format!("Pikett could not work on {}", describe(timer));
    msp::report(context, &matter, &title, &text, None).await?;
    let told = timer.clone();
    context.store.write(async move |db| aside::timer_told(db, &told).await).await
}

async fn tell_of_attempt(context: &Context, attempt: &Attempt) -> Result<(), StoreError> {
    let (acting, failed) = (context.acting(), attempt.clone());
    let next = async move |db: &mut sqlx::AnyConnection| {
        let why = "it was begun too often without an end and was set aside";
        failure::failed(db, &acting, &failed, why, None).await
    };
    let follows = context.change(next).await;
    let about_us = is_about_us(context, &attempt.org, attempt.alert.as_ref()).await?;
    let matter = if about_us { "set-aside:own-attempts".to_owned() } else { format!("set-aside:{}", attempt.id) };
    let text = format!("The sending of {} was begun {} times and never ended.", attempt.id, attempt.tries);
    // The MSP hears of it even when the alert itself cannot be worked on.
    msp::report(context, &matter, "Pikett could not send a message", &text, None).await?;
    match follows {
        Err(error) if error.is_unavailable() || matches!(error, StoreError::Stale(_)) => return Err(error),
        // It would fail again each time, and the MSP be told each time.
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, attempt.id = %attempt.id, "nothing follows it");
        }
        Ok(()) => {}
    }
    let told = attempt.clone();
    context.store.write(async move |db| aside::attempt_told(db, &told).await).await
}

/// Whether the alert is one for the MSP itself: its own trouble must not raise more of the kind.
pub(super) async fn is_about_us(context: &Context, org: &OrgId, alert: Option<&AlertId>) -> Result<bool, StoreError> {
    let Some(alert) = alert else { return Ok(false) };
    let row = match alerts::by_id(&mut *context.store.read().await?, org, alert).await {
        // Whatever it is about: whoever asks has something to tell.
        Err(StoreError::Corrupt { .. }) => return Ok(false),
        row => row?,
    };
    Ok(row.is_some_and(|row| row.alert.source == Source::Pikett))
}

fn describe(timer: &DueTimer) -> String {
    format!("timer {} of {}", timer.kind, timer.subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::testing::{at, on_both, org},
        work::{deliver::Deliver, pulse::Pulses, testing::Night},
    };

    on_both! {
        async fn a_message_about_an_alert_that_cannot_be_read_is_told_to_the_msp_once(store: Store) {
            let night = Night::quiet(&store).await;
            let id = night.raise("Disk full").await;
            night.escalates().await;
            let broken = id.clone();
            store.write(async move |db| {
                sqlx::query("UPDATE alerts SET priority = 'P9' WHERE id = $1").bind(broken.as_str()).execute(db).await?;
                Ok(())
            }).await.unwrap();
            let deliver = Deliver::new(night.context.clone(), night.channels.clone(), &Pulses::from(at(0)));
            for _ in 0..6 {
                deliver.claim(10).await.unwrap();
                night.context.clock.advance(chrono::TimeDelta::seconds(30));
            }
            for _ in 0..4 {
                night.context.clock.advance(chrono::TimeDelta::seconds(10));
                tell_of_untold(&night.context, night.context.clock.now()).await.unwrap();
            }
            let counted = async {
                let mut db = store.read().await.unwrap();
                let rows = sqlx::query("SELECT count AS told FROM alerts WHERE source = 'pikett' AND title LIKE '%send a message'").fetch_all(&mut *db).await.unwrap();
                rows.iter().map(|row| sqlx::Row::get::<i64, _>(row, "told")).collect::<Vec<_>>()
            };
            let told = counted.await;
            assert!(!told.is_empty() && told.iter().all(|told| *told == 1), "{told:?}");
        }

        async fn an_escalation_that_a_broken_alert_stops_is_told_once_and_not_every_few_seconds(store: Store) {
            let night = Night::on(&store).await;
            let id = night.raise("Disk full").await;
            let broken = id.clone();
            store.write(async move |db| {
                sqlx::query("UPDATE alerts SET progress = 'no document' WHERE id = $1").bind(broken.as_str()).execute(&mut *db).await?;
                timers::set(db, &org(), ESCALATE, broken.as_str(), at(1), "").await
            }).await.unwrap();
            night.pass(600).await;
            let own: Vec<_> = night.open().await.into_iter().filter(|row| row.alert.source == Source::Pikett).collect();
            assert!(!own.is_empty() && own.iter().all(|row| row.alert.count == 1), "{own:?}");
            night.end().await;
        }
    }
}
