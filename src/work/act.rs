//! What people (and tools, and the hotline for them) do to an alert: acknowledge, resolve, escalate,
//! note. Each is part of a unit of work and leaves state, timers, attempts and timeline as one.
//!
//! Every face calls these: SMS, voice keys, email links, command line, API, console, hotline, tools.

use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, bundles, callbacks, escalate::progress, marks, record};
use crate::{
    escalation::Progress,
    model::{
        alert::{Actor, AlertState, Source},
        id::{AlertId, PersonId},
    },
    notify::{
        plan::{self, News},
        texts::Done,
    },
    store::{
        self, StoreError,
        alerts::{self, AlertRow},
        attempts::{self, Attempt},
        notifications,
        raise::ESCALATE,
        timers,
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
/// `by SMS`, `by key on the phone`. A bundle takes its alerts along.
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
    let mut paged = acknowledged(db, acting, &row, by, how).await?;
    let members = members(db, acting, &row).await?;
    for member in &members {
        if let Some(member) = alerts::acknowledge(db, acting.org(), member, by, acting.now).await? {
            paged.extend(acknowledged(db, acting, &member, by, &with(how, &row)).await?);
        }
    }
    notices(db, acting, &row, Done::Acknowledged, by, &paged).await?;
    bundles::follow(db, acting, id, &members).await?;
    Ok(Acted::Done(row))
}

/// What follows for one alert. Answers its attempts.
async fn acknowledged(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &AlertRow,
    by: &Actor,
    how: &str,
) -> Result<Vec<Attempt>, StoreError> {
    let (id, name) = (&row.alert.id, acting.name_of(by));
    quiet(db, acting, id, &format!("acknowledged by {name}")).await?;
    let text = format!("{name} acknowledged it {how}.");
    record(db, acting, id, "acknowledged", text, json!({ "by": by.to_string(), "how": how })).await?;
    if let (Source::Call(_), Actor::Person(person)) = (&row.alert.source, by) {
        callbacks::taken(db, acting, id, person).await?;
    }
    attempts::of_alert(db, acting.org(), id).await
}

/// Also what nobody has acknowledged: then everybody who was paged learns that it is over. After an
/// acknowledgement that concerns whoever has taken it. A bundle takes its alerts along.
pub async fn resolve(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    by: &Actor,
    how: &str,
) -> Result<Acted, StoreError> {
    let Some((row, mut paged)) = resolved(db, acting, id, by, how).await? else {
        return already(db, acting, id).await;
    };
    let members = members(db, acting, &row).await?;
    for member in &members {
        if let Some((_, more)) = resolved(db, acting, member, by, &with(how, &row)).await? {
            paged.extend(more);
        }
    }
    notices(db, acting, &row, Done::Resolved, by, &paged).await?;
    bundles::follow(db, acting, id, &members).await?;
    Ok(Acted::Done(row))
}

/// One alert, with the attempts of those who are to learn of it. `None`: it is resolved already.
async fn resolved(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    by: &Actor,
    how: &str,
) -> Result<Option<(AlertRow, Vec<Attempt>)>, StoreError> {
    let before = alerts::by_id(db, acting.org(), id).await?;
    let Some(row) = alerts::resolve(db, acting.org(), id, by, acting.now).await? else { return Ok(None) };
    let name = acting.name_of(by);
    quiet(db, acting, id, &format!("resolved by {name}")).await?;
    let text = format!("{name} resolved it {how}.");
    record(db, acting, id, "resolved", text, json!({ "by": by.to_string(), "how": how })).await?;
    let mut paged = attempts::of_alert(db, acting.org(), id).await?;
    if let Some(owner) = before.as_ref().and_then(acknowledger) {
        paged.retain(|attempt| attempt.person.as_ref() == owner);
    }
    if let Source::Call(_) = &row.alert.source {
        callbacks::resolved(db, acting, id, by).await?;
    }
    Ok(Some((row, paged)))
}

/// The next level is told at once, also after an acknowledgement. Of a bundle, that of each of its alerts.
pub async fn escalate(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    by: &Actor,
    how: &str,
) -> Result<Acted, StoreError> {
    let before = alerts::by_id(db, acting.org(), id).await?;
    let Some(bundle) = before.filter(|row| row.alert.source == Source::Bundle) else {
        return escalate_one(db, acting, id, by, how).await;
    };
    if !bundle.alert.is_open() {
        return Ok(Acted::Already(bundle));
    }
    for member in members(db, acting, &bundle).await? {
        escalate_one(db, acting, &member, by, &with(how, &bundle)).await?;
    }
    let text = format!("{} asked for the next level of all its alerts {how}.", acting.name_of(by));
    record(db, acting, id, "escalated", text, json!({ "by": by.to_string(), "how": how })).await?;
    Ok(Acted::Done(bundle))
}

async fn escalate_one(
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
    let text = format!("{} asked for the next level {how}.", acting.name_of(by));
    record(db, acting, id, "escalated", text, json!({ "by": by.to_string(), "how": how })).await?;
    Ok(Acted::Done(row))
}

/// All that a bundle stood for is in somebody's hands, or over: so is the bundle.
pub(super) async fn close_bundle(
    db: &mut AnyConnection,
    acting: &Acting,
    bundle: &AlertId,
    is_over: bool,
) -> Result<(), StoreError> {
    let (by, org) = (Actor::System, acting.org());
    let closed = match is_over {
        true => alerts::resolve(db, org, bundle, &by, acting.now).await?,
        false => alerts::acknowledge(db, org, bundle, &by, acting.now).await?,
    };
    if closed.is_some() {
        quiet(db, acting, bundle, "all its alerts are looked after").await?;
        let text = if is_over { "All its alerts are resolved." } else { "All its alerts are taken." };
        record(db, acting, bundle, if is_over { "resolved" } else { "acknowledged" }, text, json!({})).await?;
    }
    Ok(())
}

/// The alerts that it stands for; an ordinary one stands for none.
async fn members(db: &mut AnyConnection, acting: &Acting, row: &AlertRow) -> Result<Vec<AlertId>, StoreError> {
    if row.alert.source != Source::Bundle {
        return Ok(Vec::new());
    }
    store::bundles::members(db, acting.org(), &row.alert.id).await
}

/// `by SMS, with bundle 812`.
fn with(how: &str, bundle: &AlertRow) -> String {
    format!("{how}, with bundle {}", bundle.alert.number)
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
    record(db, acting, id, "noted", format!("{} noted: {text}", acting.name_of(by)), detail).await?;
    Ok(Acted::Done(row))
}

/// Changes the escalation's memory and lets it decide now.
async fn remember(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &AlertRow,
    change: impl Fn(&mut Progress),
) -> Result<(), StoreError> {
    let mut progress = progress(row)?;
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
pub(super) async fn quiet(db: &mut AnyConnection, acting: &Acting, id: &AlertId, why: &str) -> Result<(), StoreError> {
    timers::clear(db, acting.org(), ESCALATE, id.as_str()).await?;
    attempts::drop_pages(db, acting.org(), id, why, acting.now).await?;
    notifications::close_all(db, acting.org(), id).await
}

/// Whoever had taken it: `None` before an acknowledgement, `Some(None)` when that was no person.
fn acknowledger(before: &AlertRow) -> Option<Option<&PersonId>> {
    match &before.alert.state {
        AlertState::Acknowledged { by: Actor::Person(person), .. } => Some(Some(person)),
        AlertState::Acknowledged { .. } => Some(None),
        AlertState::Triggered | AlertState::Resolved { .. } => None,
    }
}

/// Those who were paged learn what has happened, except whoever did it.
pub(super) async fn notices(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &AlertRow,
    what: Done,
    by: &Actor,
    paged: &[Attempt],
) -> Result<(), StoreError> {
    let news = news(acting, row, what, by);
    let marked = marks::people(db, acting).await?;
    let person = |id: &PersonId| marked.get(id).or_else(|| acting.directory.people.get(id));
    for notice in plan::notices(&news, paged, person, &acting.ids) {
        attempts::insert(db, acting.org(), &notice).await?;
    }
    Ok(())
}

/// Somebody who was not paged learns it, too.
pub(super) async fn notice(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &AlertRow,
    what: Done,
    by: &Actor,
    to: &PersonId,
) -> Result<(), StoreError> {
    let Some(person) = marks::usable(db, acting, to).await? else { return Ok(()) };
    match plan::notice_to(&news(acting, row, what, by), &person, &acting.ids) {
        Some(notice) => attempts::insert(db, acting.org(), &notice).await,
        None => Ok(()),
    }
}

fn news<'a>(acting: &'a Acting, row: &'a AlertRow, what: Done, by: &'a Actor) -> News<'a> {
    let except = match by {
        Actor::Person(person) => Some(person),
        Actor::Integration(_) | Actor::Operator(_) | Actor::System => None,
    };
    News {
        alert: &row.alert,
        customer: acting.customer_of(row),
        what,
        by: acting.name_of(by),
        except,
        links: &acting.links,
        now: acting.now,
    }
}
