//! An alert of low urgency that comes outside the hours of its contract waits until they begin: nobody is told before,
//! unless it becomes more urgent, somebody asks for the next level, or a call about it rings people.
//!
//! Part of the escalation's unit of work: its timer is what ends the wait. Whoever declares other hours sets it anew.

use chrono_tz::Tz;
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    Acting,
    escalate::{opened, progress},
    record::entry,
};
use crate::{
    declare::of_alert::{self, hours},
    escalation::{Hours, Progress, Stage},
    model::{Instant, priority::Urgency},
    store::{
        StoreError,
        alerts::{self, AlertRow},
        raise::ESCALATE,
        standing,
        timeline::{self, Entry},
        timers,
    },
    telemetry::metric,
};

/// What the hours of the contract mean for an escalation that is about to decide.
pub(super) enum Opening {
    /// It goes on; `why` it waits no longer, or did not, for the timeline.
    Goes {
        why: Option<String>,
    },
    Waits {
        until: Instant,
        zone: Tz,
    },
}

pub(super) fn look(acting: &Acting, row: &AlertRow, progress: &Progress) -> Opening {
    let waited = matches!(progress.hours, Hours::Until(_));
    let goes = |why: &str| Opening::Goes { why: waited.then(|| format!("It waits no longer: {why}.")) };
    if progress.stage != Stage::New || progress.hours == Hours::Over {
        return Opening::Goes { why: None };
    }
    if progress.escalate_now || progress.floor.is_some() {
        return goes("somebody wants it told");
    }
    match hours(&acting.directory, &row.alert, acting.now) {
        of_alert::Hours::From(until, zone) => Opening::Waits { until, zone },
        of_alert::Hours::Never => {
            let why = "The hours of its contract do not begin any more, so it is told at once.";
            Opening::Goes { why: Some(why.to_owned()) }
        }
        of_alert::Hours::Begin if row.alert.urgency() == Urgency::High => {
            goes(&format!("it is {}, of high urgency", row.alert.priority))
        }
        of_alert::Hours::Begin => goes("the hours of its contract are open, or do not matter"),
    }
}

/// Nobody is told, and the timer comes when the hours begin. `true`: it begins to wait.
pub(super) async fn wait(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &AlertRow,
    progress: &Progress,
    (until, zone): (Instant, Tz),
) -> Result<bool, StoreError> {
    let alert = &row.alert;
    let mut entries: Vec<Entry> = Vec::new();
    if row.progress.is_none() {
        entries.extend(opened(acting, row));
    }
    let hours = Hours::Until(until);
    if progress.hours != hours {
        let text = format!(
            "It waits until {}, when the hours of contract {} begin: {} is of low urgency.",
            shown(until, zone),
            alert.contract.as_ref().map_or("?", |contract| contract.as_str()),
            alert.priority,
        );
        let detail = json!({ "until": until, "why": "outside the contract's hours" });
        entries.push(entry(acting, &alert.id, "held-back", text, detail));
    }
    timeline::write_all(db, acting.org(), &entries).await?;
    let memory = Progress { hours, ..progress.clone() }.to_json();
    let memory = alerts::Progress { level: alert.level, round: row.round, memory };
    if !alerts::advance(db, acting.org(), &alert.id, row.rev, &memory).await? {
        return Err(StoreError::Stale("the alert changed while its escalation was decided"));
    }
    timers::set(db, acting.org(), ESCALATE, alert.id.as_str(), until, "").await?;
    Ok(progress.hours == Hours::Unasked)
}

/// Once it is committed.
pub(super) fn count() {
    metrics::counter!(metric::WAITS_FOR_HOURS).increment(1);
}

/// `Mon 2026-03-02 08:00 (Europe/Berlin)`
fn shown(at: Instant, zone: Tz) -> String {
    format!("{} ({zone})", at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M"))
}

/// Other hours are declared: what waits is asked anew where that makes a difference.
pub(super) async fn follow(db: &mut AnyConnection, acting: &Acting) -> Result<(), StoreError> {
    for row in standing::before_first_level(db, acting.org()).await? {
        let progress = match progress(&row) {
            // One that cannot be read is the escalation's to tell of, and keeps the others from nothing.
            Err(StoreError::Corrupt { .. }) => continue,
            progress => progress?,
        };
        let Hours::Until(until) = progress.hours else { continue };
        let at = match hours(&acting.directory, &row.alert, acting.now) {
            of_alert::Hours::From(at, _) => at,
            of_alert::Hours::Begin | of_alert::Hours::Never => acting.now,
        };
        if at.timestamp_millis() != until.timestamp_millis() {
            timers::set(db, acting.org(), ESCALATE, row.alert.id.as_str(), acting.now, "").await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
