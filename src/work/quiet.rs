//! Quiet hours: what is of low urgency waits until its reader's quiet hours end. Pages are planned so; here is kept what
//! comes into such hours all the same: a retry, the rule after a failure, what was late, hours declared meanwhile.
//!
//! Part of the unit of work that claims. High urgency is never held back, and an acknowledgement drops what waits.

use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, failure::describe, record};
use crate::{
    model::{
        Instant,
        alert::Alert,
        person::{Channel, Person},
        priority::Urgency,
    },
    notify::Said,
    store::{
        StoreError, alerts,
        attempts::{Attempt, AttemptKind},
        outbox,
    },
    telemetry::metric,
};

/// Takes out what waits; the rest stays. Answers the channels of what was held back, for the metrics.
pub(super) async fn sieve(
    db: &mut AnyConnection,
    acting: &Acting,
    due: &mut Vec<Attempt>,
) -> Result<Vec<Channel>, StoreError> {
    let (mut kept, mut held) = (Vec::with_capacity(due.len()), Vec::new());
    for attempt in due.drain(..) {
        if waits(db, acting, &attempt).await? {
            held.push(attempt.address.channel());
        } else {
            kept.push(attempt);
        }
    }
    *due = kept;
    Ok(held)
}

/// Once it is committed.
pub(super) fn count(held: &[Channel]) {
    for channel in held {
        metrics::counter!(metric::HELD_BACK, "channel" => channel.as_str(), "what" => "quiet").increment(1);
    }
}

async fn waits(db: &mut AnyConnection, acting: &Acting, attempt: &Attempt) -> Result<bool, StoreError> {
    let person = attempt.person.as_ref().and_then(|id| acting.directory.people.get(id));
    let Some((person, until)) = person.and_then(|person| Some((person, person.quiet_until(acting.now)?))) else {
        return Ok(false);
    };
    // It may be at its provider already.
    let Some(alert) = attempt.alert.as_ref().filter(|_| !attempt.unsure && disturbs(attempt)) else { return Ok(false) };
    let row = match alerts::by_id(db, acting.org(), alert).await {
        // Whatever it is about, it is told, by whoever finds what is wrong with it.
        Ok(None) | Err(StoreError::Corrupt { .. }) => return Ok(false),
        row => row?,
    };
    let is_low = row.is_some_and(|row| row.alert.urgency() == Urgency::Low);
    if !is_low || !outbox::put_off(db, attempt, until).await? {
        return Ok(false);
    }
    let text = format!("{} waits until {}: quiet hours.", describe(acting, attempt), time(person, until));
    let detail = json!({ "attempt": attempt.id.as_str(), "until": until, "why": "quiet hours" });
    record(db, acting, alert, "held-back", text, detail).await?;
    Ok(true)
}

/// A message that is changed in place makes no sound, and must not show what is done as yet to do.
fn disturbs(attempt: &Attempt) -> bool {
    match attempt.kind {
        AttemptKind::Page => true,
        AttemptKind::Notice => !Said::from_json(&attempt.text).is_ok_and(|said| said.earlier.is_some()),
        AttemptKind::Reply | AttemptKind::Check => false,
    }
}

/// When something about this alert may disturb the person who is told now.
pub(super) fn allowed_at(person: &Person, alert: &Alert, now: Instant) -> Instant {
    match alert.urgency() {
        Urgency::High => now,
        Urgency::Low => person.quiet_until(now).unwrap_or(now),
    }
}

/// `2026-03-02 07:00 (Europe/Berlin)`
pub(super) fn time(person: &Person, at: Instant) -> String {
    format!("{} ({})", at.with_timezone(&person.zone).format("%Y-%m-%d %H:%M"), person.zone)
}

#[cfg(test)]
mod tests;
