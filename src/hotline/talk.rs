//! When a technician and a caller talk. The carrier asks for the whisper before it connects them, and says
//! only afterwards whether it did: until then nobody has taken the call, so that a technician who is gone
//! in between loses no caller.
//!
//! Start with `begins`, then `confirm`. A talk is confirmed once it has lasted, or by the carrier's word.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::AnyConnection;

use super::{connect::release, effects::CONNECT, effects::note, leg_end::leg_ended, rings::detail, rings::wake};
use crate::{
    escalation::connect::LegResult,
    hotline::leg_end::Ended,
    hotline::waiting::Waiting,
    model::{
        Instant,
        alert::Actor,
        call::LegState,
        id::{CallId, PersonId},
    },
    notify::plan,
    store::{
        StoreError, alerts, attempts,
        calls::{self, CallRow},
        legs::{self, LegRow},
        timeline, timers,
    },
    work::{Acting, act},
};

/// The whisper, and some words: a line that is dead before that was no talk.
const LASTS: TimeDelta = TimeDelta::seconds(4);

/// The word of the timeline for a technician who is told the caller's number.
const NUMBER: &str = "number";

/// Whether this leg's person has talked with the caller.
pub fn is_one(leg: &LegRow, now: Instant) -> bool {
    leg.bridged_at.is_some_and(|at| leg.ended_at.unwrap_or(now) - at >= LASTS)
}

/// When it will be one; `None`: this leg is not being connected.
pub fn lasts_at(leg: &LegRow) -> Option<Instant> {
    leg.bridged_at.filter(|_| leg.state == LegState::Bridged).map(|at| at + LASTS)
}

/// The caller is taken out of the queue for this leg.
pub async fn begins(db: &mut AnyConnection, acting: &Acting, leg: &LegRow) -> Result<(), StoreError> {
    if legs::bridge(db, acting.org(), &leg.id, acting.now).await? {
        timers::set(db, acting.org(), CONNECT, leg.call.as_str(), acting.now + LASTS, "").await?;
    }
    Ok(())
}

/// They talk: the alert is in this person's hands. A second time it does nothing.
pub async fn confirm(db: &mut AnyConnection, acting: &Acting, call: &CallRow, leg: &LegRow) -> Result<(), StoreError> {
    let org = acting.org();
    let waiting = call.connect.as_deref().map(Waiting::from_json).transpose()?;
    if waiting.as_ref().is_some_and(|waiting| !waiting.is_of(leg)) {
        // They have talked before: the caller was handed over, and waits for somebody else.
        return Ok(());
    }
    let since = waiting.as_ref().map_or(call.started_at, |waiting| waiting.connect.plan.started_at);
    let waited = (leg.bridged_at.unwrap_or(acting.now) - since).num_milliseconds().max(0);
    if !calls::bridge(db, org, &call.id, &leg.person, waited).await? {
        return Ok(());
    }
    let text = format!("{} talks with the caller, who waited {} seconds.", leg.person, waited / 1_000);
    note(db, acting, call, "bridged", text, detail(leg)).await?;
    acknowledge(db, acting, call, &Actor::Person(leg.person.clone())).await?;
    release(db, acting, call).await?;
    tell_number(db, acting, call, &leg.person).await?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of some minutes")]
    metrics::histogram!(crate::telemetry::metric::CALL_WAIT_SECONDS).record(waited as f64 / 1_000.0);
    wake(db, acting, &call.id).await
}

/// Their phone shows the hotline's number: to whom they talk they learn in writing, to ring back. Once, however
/// often they come into the call.
pub async fn tell_number(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    person: &PersonId,
) -> Result<(), StoreError> {
    let org = acting.org();
    let (Some(caller), Some(person)) = (&call.from, acting.directory.people.get(person)) else { return Ok(()) };
    let told = timeline::of_call(db, org, &call.id).await?;
    if told.iter().any(|entry| entry.kind == NUMBER && entry.detail["person"] == person.id.as_str()) {
        return Ok(());
    }
    let alert = match &call.alert {
        Some(id) => alerts::by_id(db, org, id).await?,
        None => None,
    };
    let line = plan::Line { caller: caller.as_str(), home: acting.links.home(), now: acting.now };
    let customer = alert.as_ref().and_then(|row| acting.customer_of(row));
    let about = alert.as_ref().map(|row| (&row.alert, customer));
    let Some(attempt) = plan::line(about, person, line, &acting.ids) else { return Ok(()) };
    attempts::insert(db, org, &attempt).await?;
    let text = format!("{} is told the caller's number by {}.", person.id, attempt.address.channel());
    note(db, acting, call, NUMBER, text, json!({ "person": person.id.as_str() })).await
}

/// Whoever takes a call takes its alert, when the flow wants that.
pub async fn acknowledge(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    by: &Actor,
) -> Result<(), StoreError> {
    let waiting = call.connect.as_deref().map(Waiting::from_json).transpose()?;
    if let (Some(alert), true) = (&call.alert, waiting.is_some_and(|waiting| waiting.acknowledge)) {
        act::acknowledge(db, acting, alert, by, "by taking the caller").await?;
    }
    Ok(())
}

/// The line of whoever accepted broke before they talked: the caller waits again, and the next is rung.
pub async fn broke(db: &mut AnyConnection, acting: &Acting, id: &CallId) -> Result<(), StoreError> {
    let org = acting.org();
    for leg in legs::of_call(db, org, id).await? {
        if matches!(leg.state, LegState::Accepted | LegState::Bridged) {
            leg_ended(db, acting, &leg, &Ended::of(LegResult::HungUp, None)).await?;
        }
        if leg.bridged_at.is_some() && !is_one(&leg, acting.now) {
            legs::unbridge(db, org, &leg.id).await?;
        }
    }
    wake(db, acting, id).await
}
