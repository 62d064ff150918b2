//! Promises to call back: what settles one, what has somebody rung for it, and what happens when its time is
//! over.
//!
//! Handles the timer `callback-due` of a callback: it reads the promise and its alert, lets the alert go to
//! the next level, tells the MSP, and sets itself again. The ringing itself is the hotline's, by the timer
//! `callback-ring`.

use chrono::TimeDelta;
use futures::future::BoxFuture;
use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, Context, Handler, WorkError, act, msp, record};
use crate::{
    model::{
        Instant,
        alert::{Actor, AlertState},
        call::LegState,
        callback::{Callback, CallbackState},
        id::{AlertId, CallbackId, PersonId},
    },
    store::{
        StoreError, alerts, callbacks,
        legs::{self, LegRow},
        raise::Raised,
        timers::{self, DueTimer},
    },
};

/// The time that was promised is over.
pub const DUE: &str = "callback-due";
/// Somebody is to be rung, whom the payload names.
pub const RING: &str = "callback-ring";

/// A promise that is not kept is told again after as long as it was given, within these.
const AGAIN_MIN: TimeDelta = TimeDelta::minutes(10);
const AGAIN_MAX: TimeDelta = TimeDelta::hours(24);
/// While somebody calls the customer, nothing is overdue yet.
const TALKS: TimeDelta = TimeDelta::minutes(1);
/// Whoever took it by phone still listens to that call.
const HANGS_UP_WITHIN: TimeDelta = TimeDelta::seconds(8);

/// What came of acting on a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    Done(Callback),
    /// Settled before.
    Already(Callback),
    Missing,
}

/// Its due instant, with the first row of the promise.
pub async fn watch(db: &mut AnyConnection, acting: &Acting, callback: &Callback) -> Result<(), StoreError> {
    timers::set(db, acting.org(), DUE, callback.id.as_str(), callback.due_at, "").await
}

/// A person has taken the alert of a promise: their phone is rung, and then the customer's.
pub async fn taken(
    db: &mut AnyConnection,
    acting: &Acting,
    alert: &AlertId,
    person: &PersonId,
) -> Result<bool, StoreError> {
    match callbacks::of_alert(db, acting.org(), alert).await? {
        Some(callback) if callback.is_open() => {
            ring(db, acting, &callback, person, acting.now + HANGS_UP_WITHIN).await?;
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

/// Rings this person at that instant, anew.
pub async fn ring(
    db: &mut AnyConnection,
    acting: &Acting,
    callback: &Callback,
    person: &PersonId,
    at: Instant,
) -> Result<(), StoreError> {
    callbacks::set_tries(db, acting.org(), &callback.id, 0).await?;
    timers::set(db, acting.org(), RING, callback.id.as_str(), at, person.as_str()).await
}

/// They talked: the promise is kept, and its alert is over.
pub async fn kept(db: &mut AnyConnection, acting: &Acting, id: &CallbackId, by: &Actor) -> Result<(), StoreError> {
    let state = CallbackState::Kept { by: by.clone(), at: acting.now };
    let Some(callback) = callbacks::settle(db, acting.org(), id, &state).await? else { return Ok(()) };
    let text = format!("{} has called back: the promise is kept.", acting.name_of(by));
    after(db, acting, &callback, by, "callback-kept", text, "by calling back").await
}

/// Somebody says that it is done. `how` ends a sentence.
pub async fn done(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &CallbackId,
    by: &Actor,
    how: &str,
) -> Result<Settled, StoreError> {
    let state = CallbackState::Done { by: by.clone(), at: acting.now };
    if let Some(callback) = callbacks::settle(db, acting.org(), id, &state).await? {
        let text = format!("{} marked the callback as done {how}.", acting.name_of(by));
        after(db, acting, &callback, by, "callback-done", text, how).await?;
        return Ok(Settled::Done(callback));
    }
    Ok(callbacks::by_id(db, acting.org(), id).await?.map_or(Settled::Missing, Settled::Already))
}

async fn after(
    db: &mut AnyConnection,
    acting: &Acting,
    callback: &Callback,
    by: &Actor,
    kind: &str,
    text: String,
    how: &str,
) -> Result<(), StoreError> {
    forget(db, acting, &callback.id).await?;
    record(db, acting, &callback.alert, kind, text, json!({ "callback": callback.id.as_str() })).await?;
    act::resolve(db, acting, &callback.alert, by, how).await.map(|_| ())
}

/// Whoever resolves the alert of a promise says that it is done.
pub async fn resolved(db: &mut AnyConnection, acting: &Acting, alert: &AlertId, by: &Actor) -> Result<(), StoreError> {
    let Some(callback) = callbacks::of_alert(db, acting.org(), alert).await? else { return Ok(()) };
    let state = CallbackState::Done { by: by.clone(), at: acting.now };
    if callbacks::settle(db, acting.org(), &callback.id, &state).await?.is_some() {
        forget(db, acting, &callback.id).await?;
    }
    Ok(())
}

/// The leg of whoever calls the customer at this moment.
pub async fn in_hand(db: &mut AnyConnection, acting: &Acting, id: &CallbackId) -> Result<Option<LegRow>, StoreError> {
    let legs = legs::of_callback(db, acting.org(), id).await?;
    Ok(legs.into_iter().find(|leg| matches!(leg.state, LegState::Accepted | LegState::Bridged)))
}

async fn forget(db: &mut AnyConnection, acting: &Acting, id: &CallbackId) -> Result<(), StoreError> {
    timers::clear(db, acting.org(), DUE, id.as_str()).await?;
    timers::clear(db, acting.org(), RING, id.as_str()).await.map(|_| ())
}

pub(super) struct CallbackDue {
    pub context: Context,
}

impl Handler for CallbackDue {
    fn kinds(&self) -> &[&'static str] {
        &[DUE]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(
            async move { self.tell(timer).await.map_err(WorkError::on(format!("the callback {}", timer.subject))) },
        )
    }
}

impl CallbackDue {
    async fn tell(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let number = self.context.store.alert_number(&timer.org).await?;
        let (acting, due) = (self.context.acting(), timer.clone());
        let told = self.context.change(async move |db| over(db, &acting, &due, number).await).await?;
        match &told {
            Some(raised) => msp::settle(&self.context, number, raised),
            None => self.context.store.return_alert_number(&timer.org, number),
        }
        Ok(())
    }
}

/// One unit of work: what is not kept is escalated, and looked at again later.
async fn over(
    db: &mut AnyConnection,
    acting: &Acting,
    timer: &DueTimer,
    number: i64,
) -> Result<Option<Raised>, StoreError> {
    if !timers::complete(db, timer).await? {
        return Ok(None);
    }
    let id: CallbackId = timer.subject.parse().map_err(|_| StoreError::corrupt("timers.subject", &timer.subject))?;
    let Some(callback) = callbacks::by_id(db, acting.org(), &id).await?.filter(Callback::is_open) else {
        return Ok(None);
    };
    if in_hand(db, acting, &id).await?.is_some() {
        timers::set(db, acting.org(), DUE, id.as_str(), acting.now + TALKS, "").await?;
        return Ok(None);
    }
    let Some(row) = alerts::by_id(db, acting.org(), &callback.alert).await? else {
        return Err(StoreError::corrupt("callbacks.alert_id", callback.alert.as_str()));
    };
    let taken = match &row.alert.state {
        AlertState::Acknowledged { by, .. } => format!("{} has taken it, but did not reach them", acting.name_of(by)),
        AlertState::Triggered | AlertState::Resolved { .. } => "nobody has taken it".to_owned(),
    };
    let text = format!(
        "The callback to {} was promised by {} and is not made: {taken}.",
        callback.number.masked(),
        callback.due_at.format("%H:%M UTC")
    );
    callbacks::is_overdue(db, acting.org(), &id).await?;
    record(db, acting, &row.alert.id, "callback-overdue", text.as_str(), json!({ "callback": id.as_str() })).await?;
    act::escalate(db, acting, &row.alert.id, &Actor::System, "because a promised callback is overdue").await?;
    let again = (callback.due_at - callback.created_at).clamp(AGAIN_MIN, AGAIN_MAX);
    timers::set(db, acting.org(), DUE, id.as_str(), acting.now + again, "").await?;
    let title = format!("A promised callback was not made: {}", row.alert.title);
    let matter = format!("callback:{id}");
    msp::tell(db, acting, number, &matter, &title, &text, row.alert.policy.as_ref()).await.map(Some)
}
