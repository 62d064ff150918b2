//! What people (and tools, and the hotline for them) do to an alert: acknowledge, resolve, escalate,
//! note. Each is part of a unit of work and leaves state, timers, attempts and timeline as one.
//!
//! Every face calls these: SMS, voice keys, email links, command line, API, console, hotline, tools.

use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::Acting;
use crate::{
    escalation::Progress,
    model::{
        alert::{Actor, AlertState},
        id::AlertId,
    },
    store::{
        StoreError,
        alerts::{self, AlertRow},
        attempts, notifications,
        raise::ESCALATE,
        timeline, timers,
    },
};

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Acted {
    Done(AlertRow),
    /// Somebody was faster, or there is nothing to do any more: how it stands.
    Already(AlertRow),
    Missing,
}

/// Nobody is paged any more, and whoever was paged learns who has taken it. `how` ends a sentence:
/// `by SMS`, `by key on the phone`.
pub async fn acknowledge(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    by: &Actor,
    how: &str,
) -> Result<Acted, StoreError> {
    let Some(row) = alerts::acknowledge(db, acting.org(), id, by, acting.now).await? else {
        return already(db, acting, id).await;
    };
    quiet(db, acting, id, &format!("acknowledged by {}", by.name())).await?;
    let text = format!("{} acknowledged it {how}.", by.name());
    record(db, acting, id, "acknowledged", text, json!({ "by": by.to_string(), "how": how })).await?;
    Ok(Acted::Done(row))
}

/// Also what nobody has acknowledged.
pub async fn resolve(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    by: &Actor,
    how: &str,
) -> Result<Acted, StoreError> {
    let Some(row) = alerts::resolve(db, acting.org(), id, by, acting.now).await? else {
        return already(db, acting, id).await;
    };
    quiet(db, acting, id, &format!("resolved by {}", by.name())).await?;
    let text = format!("{} resolved it {how}.", by.name());
    record(db, acting, id, "resolved", text, json!({ "by": by.to_string(), "how": how })).await?;
    Ok(Acted::Done(row))
}

/// The next level is told at once, also after an acknowledgement.
pub async fn escalate(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    by: &Actor,
    how: &str,
) -> Result<Acted, StoreError> {
    let Some(row) = alerts::reopen(db, acting.org(), id).await? else {
        return already(db, acting, id).await;
    };
    remember(db, acting, &row, |progress| progress.escalate_now = true).await?;
    let text = format!("{} asked for the next level {how}.", by.name());
    record(db, acting, id, "escalated", text, json!({ "by": by.to_string(), "how": how })).await?;
    Ok(Acted::Done(row))
}

/// A hotline call rings this level of the alert's policy (from 0): its people are told at once.
pub async fn follow_call(db: &mut AnyConnection, acting: &Acting, id: &AlertId, level: u32) -> Result<(), StoreError> {
    let Some(row) = alerts::by_id(db, acting.org(), id).await? else { return Ok(()) };
    if row.alert.state != AlertState::Triggered {
        return Ok(());
    }
    remember(db, acting, &row, |progress| progress.floor = progress.floor.max(Some(level))).await
}

pub async fn note(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    by: &Actor,
    text: &str,
) -> Result<Acted, StoreError> {
    let Some(row) = alerts::by_id(db, acting.org(), id).await? else { return Ok(Acted::Missing) };
    let detail = json!({ "by": by.to_string(), "note": text });
    record(db, acting, id, "noted", format!("{} noted: {text}", by.name()), detail).await?;
    Ok(Acted::Done(row))
}

/// Changes the escalation's memory and lets it decide now.
async fn remember(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &AlertRow,
    change: impl Fn(&mut Progress),
) -> Result<(), StoreError> {
    let mut progress = match row.progress.as_deref() {
        Some(text) => Progress::from_json(text).map_err(|_| StoreError::corrupt("alerts.progress", text))?,
        None => Progress::default(),
    };
    change(&mut progress);
    let next = alerts::Progress { level: row.alert.level, round: row.round, memory: progress.to_json() };
    if !alerts::advance(db, acting.org(), &row.alert.id, row.rev, &next).await? {
        return Err(StoreError::Stale("the alert changed meanwhile"));
    }
    timers::set(db, acting.org(), ESCALATE, row.alert.id.as_str(), acting.now, "").await
}

async fn already(db: &mut AnyConnection, acting: &Acting, id: &AlertId) -> Result<Acted, StoreError> {
    Ok(alerts::by_id(db, acting.org(), id).await?.map_or(Acted::Missing, Acted::Already))
}

/// Takes everything out of the outbox that would still ask for somebody.
async fn quiet(db: &mut AnyConnection, acting: &Acting, id: &AlertId, why: &str) -> Result<(), StoreError> {
    timers::clear(db, acting.org(), ESCALATE, id.as_str()).await?;
    attempts::drop_pages(db, acting.org(), id, why, acting.now).await?;
    notifications::close_all(db, acting.org(), id).await
}

async fn record(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    kind: &str,
    text: String,
    detail: Value,
) -> Result<(), StoreError> {
    let entry = timeline::Entry {
        id: acting.ids.id(acting.now),
        alert: Some(id.clone()),
        call: None,
        at: acting.now,
        kind: kind.to_owned(),
        text,
        detail,
    };
    timeline::write(db, acting.org(), &entry).await
}
