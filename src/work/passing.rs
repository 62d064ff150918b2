//! An alert goes from hand to hand: somebody takes it over, passes it on, or has it come back later.
//!
//! Handles the timer `snoozed` of an alert: unless somebody else has it by then, or it is resolved, it is told anew
//! from the first level on.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    Acting, Context, Handler, WorkError,
    act::{self, Acted, quiet},
    callbacks, record,
    tell::tell,
};
use crate::{
    escalation::{Hours, Progress},
    model::{
        Instant,
        alert::{Actor, AlertState, Source},
        id::{AlertId, PersonId},
        person::{Channel, Person},
    },
    notify::texts::Done,
    store::{
        StoreError,
        alerts::{self, AlertRow},
        attempts,
        notifications::Notification,
        raise::ESCALATE,
        taking, timeline,
        timers::{self, DueTimer},
    },
};

/// It is quiet until then.
const SNOOZED: &str = "snoozed";
/// When nothing else is said.
pub const SNOOZE: TimeDelta = TimeDelta::minutes(30);
/// Longer than a shift, and it would be forgotten.
pub const SNOOZE_MAX: TimeDelta = TimeDelta::hours(24);
/// How long whoever it was passed on to has where no policy says it.
const ACK_WITHIN: TimeDelta = TimeDelta::minutes(5);

/// Whoever asks has it, and is told anew when the time is over and it is not resolved.
pub async fn snooze(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    by: &Actor,
    until: Instant,
    how: &str,
) -> Result<Acted, StoreError> {
    let Some(row) = alerts::by_id(db, acting.org(), id).await? else { return Ok(Acted::Missing) };
    match &row.alert.state {
        AlertState::Resolved { .. } => return Ok(Acted::Already(row)),
        AlertState::Acknowledged { by: other, .. } if other != by => return Ok(Acted::Already(row)),
        AlertState::Acknowledged { by: own, .. } => hand(db, acting, id, own, by).await?,
        AlertState::Triggered => match act::acknowledge(db, acting, id, by, how).await? {
            Acted::Done(_) => {}
            other @ (Acted::Already(_) | Acted::Missing) => return Ok(other),
        },
    }
    timers::set(db, acting.org(), SNOOZED, id.as_str(), until, &stamp(by, acting.now)).await?;
    let at = until.format("%Y-%m-%d %H:%M UTC");
    let text = format!("{} wants it to come back at {at} {how}.", acting.name_of(by));
    record(db, acting, id, "snoozed", text, json!({ "by": by.to_string(), "until": until, "how": how })).await?;
    done(db, acting, id).await
}

/// It is theirs, whoever had it.
pub async fn take_over(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    by: &Actor,
    how: &str,
) -> Result<Acted, StoreError> {
    let Some(row) = alerts::by_id(db, acting.org(), id).await? else { return Ok(Acted::Missing) };
    let from = match &row.alert.state {
        AlertState::Triggered => return act::acknowledge(db, acting, id, by, how).await,
        AlertState::Acknowledged { by: other, .. } if other != by => other.clone(),
        AlertState::Acknowledged { .. } | AlertState::Resolved { .. } => return Ok(Acted::Already(row)),
    };
    hand(db, acting, id, &from, by).await?;
    let text = format!("{} took it over from {} {how}.", acting.name_of(by), acting.name_of(&from));
    let detail = json!({ "by": by.to_string(), "from": from.to_string(), "how": how });
    record(db, acting, id, "taken-over", text, detail).await?;
    let paged = attempts::of_alert(db, acting.org(), id).await?;
    act::notices(db, acting, &row, Done::Acknowledged, by, &paged).await?;
    // Whoever had it may have answered without having been paged.
    if let Actor::Person(owner) = &from
        && paged.iter().all(|attempt| attempt.person.as_ref() != Some(owner))
    {
        act::notice(db, acting, &row, Done::Acknowledged, by, owner).await?;
    }
    if let (Source::Call(_), Actor::Person(person)) = (&row.alert.source, by) {
        callbacks::taken(db, acting, id, person).await?;
    }
    done(db, acting, id).await
}

/// This person is told at once, and nobody else until their time is over. They must be declared.
pub async fn pass_on(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    to: &PersonId,
    by: &Actor,
    how: &str,
) -> Result<Acted, StoreError> {
    let Some(row) = alerts::reopen(db, acting.org(), id).await? else {
        let row = alerts::by_id(db, acting.org(), id).await?;
        return Ok(row.map_or(Acted::Missing, Acted::Already));
    };
    let (name, person) = (acting.name_of(by), Actor::Person(to.clone()));
    let reason = format!("passed on by {name}");
    quiet(db, acting, id, &reason).await?;
    let text = format!("{name} passed it on to {} {how}.", acting.name_of(&person));
    record(db, acting, id, "passed-on", text, json!({ "by": by.to_string(), "to": to.as_str(), "how": how })).await?;
    let notification = Notification {
        id: acting.ids.id(acting.now),
        alert: id.clone(),
        person: to.clone(),
        level: row.alert.level.unwrap_or(0),
        round: row.round,
        urgency: row.alert.urgency(),
        reason,
        started_at: acting.now,
        done: false,
    };
    let mut entries = Vec::new();
    let told = tell(db, acting, &row, &notification, &[], &mut entries).await?;
    timeline::write_all(db, acting.org(), &entries).await?;
    let again_at = match told {
        // In quiet hours their time begins when those end.
        Some(from) => from + ack_within(&row)?,
        // Whoever cannot be told is not waited for.
        None => acting.now,
    };
    timers::set(db, acting.org(), ESCALATE, id.as_str(), again_at, "").await?;
    Ok(Acted::Done(row))
}

/// To whom somebody may want to pass it on by phone: those whose phone can ring, whoever is on call first, then in the
/// order of their names.
pub fn others<'a>(acting: &'a Acting, own: Option<&PersonId>) -> Vec<&'a Person> {
    let now_on_call = |id| acting.directory.on_call(id, acting.now).people;
    let on_call: BTreeSet<PersonId> =
        acting.directory.schedules.keys().flat_map(now_on_call).map(|duty| duty.person).collect();
    let rings = |person: &&Person| person.methods.iter().any(|method| method.address.channel() == Channel::Voice);
    let mut people: Vec<&Person> = acting.directory.people.values().filter(rings).collect();
    people.retain(|person| Some(&person.id) != own);
    people.sort_by_key(|person| (!on_call.contains(&person.id), &person.name));
    people
}

/// What the policy gives the level that was told last.
fn ack_within(row: &AlertRow) -> Result<TimeDelta, StoreError> {
    let policy = row.policy()?;
    let level = row.alert.level.and_then(|level| usize::try_from(level).ok()).unwrap_or(0);
    let within = policy.as_ref().and_then(|policy| policy.levels.get(level)).map(|level| level.ack_within);
    Ok(within.unwrap_or(ACK_WITHIN))
}

async fn hand(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AlertId,
    from: &Actor,
    by: &Actor,
) -> Result<(), StoreError> {
    if taking::hand_over(db, acting.org(), id, from, by, acting.now).await? {
        return Ok(());
    }
    Err(StoreError::Stale("somebody else took it meanwhile"))
}

async fn done(db: &mut AnyConnection, acting: &Acting, id: &AlertId) -> Result<Acted, StoreError> {
    Ok(alerts::by_id(db, acting.org(), id).await?.map_or(Acted::Missing, Acted::Done))
}

/// Which acknowledgement the quiet belongs to; two people may acknowledge within a millisecond.
fn stamp(by: &Actor, acknowledged_at: Instant) -> String {
    format!("{by} {}", acknowledged_at.timestamp_millis())
}

pub(super) struct SnoozeOver {
    pub context: Context,
}

impl Handler for SnoozeOver {
    fn kinds(&self) -> &[&'static str] {
        &[SNOOZED]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move {
            let what = format!("the quiet of {}", timer.subject);
            let id: AlertId = timer
                .subject
                .parse()
                .map_err(|_| WorkError::Broken { what: what.clone(), why: "this is no alert's id".to_owned() })?;
            let (acting, timer) = (self.context.acting(), timer.clone());
            let wake = async move |db: &mut AnyConnection| wake(db, &acting, &timer, &id).await;
            self.context.change(wake).await.map_err(WorkError::on(what))
        })
    }
}

async fn wake(db: &mut AnyConnection, acting: &Acting, timer: &DueTimer, id: &AlertId) -> Result<(), StoreError> {
    if !timers::complete(db, timer).await? {
        return Ok(());
    }
    let row = alerts::by_id(db, acting.org(), id).await?;
    // Whatever has happened to it since is somebody's later will.
    let is_quiet = row.is_some_and(|row| match &row.alert.state {
        AlertState::Acknowledged { by, at } => stamp(by, *at) == timer.payload,
        AlertState::Triggered | AlertState::Resolved { .. } => false,
    });
    if !is_quiet {
        return Ok(());
    }
    let Some(row) = alerts::reopen(db, acting.org(), id).await? else { return Ok(()) };
    // Somebody wanted it at this hour.
    let memory = Progress { hours: Hours::Over, ..Progress::default() }.to_json();
    let anew = alerts::Progress { level: None, round: 0, memory };
    if !alerts::advance(db, acting.org(), id, row.rev, &anew).await? {
        return Err(StoreError::Stale("the alert changed meanwhile"));
    }
    timers::set(db, acting.org(), ESCALATE, id.as_str(), acting.now, "").await?;
    let text = "Its quiet time is over and nobody has resolved it: it is told anew.";
    record(db, acting, id, "woken", text, json!({})).await
}

#[cfg(test)]
mod tests;
