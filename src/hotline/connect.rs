//! The timer `connect`: whom to ring for a waiting caller, whose ringing to end, when to give up.
//!
//! Reads the call, its legs, the directory; writes legs with their `ring` and `hangup` timers, the
//! plan's progress, and the next `connect` timer, as one unit of work.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    State, aside,
    effects::{Applying, CONNECT, note},
    numbers::Used,
    rings::{HANGUP, LEAVE, RING},
    spare::Desk,
    talk,
    waiting::Waiting,
};
use crate::{
    declare::of_call::candidates,
    escalation::{
        Target,
        connect::{Decision, End, LegResult, Ring, decide},
    },
    model::{
        call::LegState,
        id::{CallId, PersonId},
    },
    store::{
        StoreError, alerts, attempts,
        calls::{self, CallRow, Phase},
        legs::{self, LegRow, NewLeg},
        spent::Spending,
        timers::{self, DueTimer},
        waiting as queue,
    },
    work::{
        Acting, Handler, WorkError, act, marks,
        money::{self, Purse},
        record,
    },
};

/// What may have to be told to the MSP in one go: nobody on call, and a cap that is reached.
const MATTERS_MAX: usize = 8;

pub struct Connecting(pub State);

impl Handler for Connecting {
    fn kinds(&self) -> &[&'static str] {
        &[CONNECT]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move { self.drive(timer).await.map_err(WorkError::on(format!("call {}", timer.subject))) })
    }
}

impl Connecting {
    async fn drive(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let context = self.0.context();
        let numbers = context.store.alert_numbers(&timer.org, MATTERS_MAX).await?;
        let (acting, due, given) = (context.acting(), timer.clone(), numbers.clone());
        let desk = self.0.desk().clone();
        let used = context.change(async move |db| step(db, &acting, &due, given.clone(), &desk).await).await?;
        self.0.settle_numbers(&numbers, &used);
        Ok(())
    }
}

async fn step(
    db: &mut AnyConnection,
    acting: &Acting,
    timer: &DueTimer,
    numbers: Vec<i64>,
    desk: &Desk,
) -> Result<Used, StoreError> {
    if !timers::complete(db, timer).await? {
        return Ok(Vec::new());
    }
    let id: CallId = timer.subject.parse().map_err(|_| StoreError::corrupt("timers.subject", &timer.subject))?;
    let Some(mut call) = calls::by_id(db, acting.org(), &id).await? else { return Ok(Vec::new()) };
    let (Phase::Waiting | Phase::Accepted | Phase::Bridged, Some(before)) = (call.phase, call.connect.clone()) else {
        return Ok(Vec::new());
    };
    if desk.has_answered(&call.carrier, &call.carrier_call) && goes_elsewhere(db, acting, &call).await? {
        return Ok(Vec::new());
    }
    let mut waiting = Waiting::from_json(&before)?;
    if call.phase == Phase::Bridged && waiting.aside.is_some() {
        return aside::drive(db, acting, &call, waiting, numbers).await;
    }
    if call.phase == Phase::Bridged {
        // Whatever has become of the legs: this caller has talked with somebody.
        waiting.connect.progress.end.get_or_insert(End::Connected);
    }
    // A flow may connect twice: legs of the time before may still live.
    let (legs, earlier): (Vec<_>, Vec<_>) =
        legs::of_call(db, acting.org(), &id).await?.into_iter().partition(|leg| waiting.is_of(leg));
    if call.phase == Phase::Accepted
        && let Some((leg, lasts_at)) = legs.iter().find_map(|leg| Some((leg, talk::lasts_at(leg)?)))
    {
        if lasts_at > acting.now {
            timers::set(db, acting.org(), CONNECT, id.as_str(), lasts_at, "").await?;
            return Ok(Vec::new());
        }
        talk::confirm(db, acting, &call, leg).await?;
        call.phase = Phase::Bridged;
    }
    let mut busy = legs::busy_elsewhere(db, acting.org(), &id).await?;
    if call.phase == Phase::Waiting {
        busy.extend(wanted_ahead(db, acting, &id).await?);
    }
    busy.extend(earlier.into_iter().filter(|leg| leg.state != LegState::Ended).map(|leg| leg.person));
    let views: Vec<_> = legs.iter().map(LegRow::view).collect();
    let directory = marks::directory(db, acting).await?;
    let ask = |target: &Target| candidates(&directory, target, &busy, call.language.as_ref(), acting.now);
    let decision = decide(&waiting.connect.plan, &waiting.connect.progress, &views, &ask, acting.now);
    let reached = waiting.connect.progress.level.map(|level| level + waiting.connect.plan.first_level);
    waiting.connect.progress = decision.next.clone();
    if !calls::advance_connect(db, acting.org(), &id, call.phase, &before, &waiting.to_json()).await? {
        return Err(StoreError::Stale("the call went on meanwhile"));
    }
    let mut applying = Applying::new(acting, &call, numbers);
    let mut ask_again_at = decision.ask_again_at;
    for ring in &decision.ring {
        if !place(db, &mut applying, ring).await? {
            ask_again_at = Some(acting.now);
        }
    }
    end_rings(db, acting, &legs, &decision).await?;
    tell(db, &mut applying, &decision, reached).await?;
    if decision.gave_up.is_some() {
        give_up(db, acting, &call, &waiting).await?;
    }
    if let Some(again) = ask_again_at {
        timers::set(db, acting.org(), CONNECT, id.as_str(), again, "").await?;
    }
    Ok(applying.used)
}

/// A waiting caller was answered by the spare document, which leads back to no flow: nobody rings for them, and
/// others are served before. `false`: they do not wait.
pub async fn goes_elsewhere(db: &mut AnyConnection, acting: &Acting, call: &CallRow) -> Result<bool, StoreError> {
    if !calls::go(db, acting.org(), &call.id, Phase::Waiting, Phase::Away).await? {
        return Ok(false);
    }
    stop(db, acting, call).await?;
    let text = "The caller waits no longer: the spare document has answered them.";
    note(db, acting, call, "spare", text.to_owned(), json!({})).await?;
    Ok(true)
}

/// Whom callers before this one would ring at this very moment: whoever becomes free is theirs first.
async fn wanted_ahead(db: &mut AnyConnection, acting: &Acting, id: &CallId) -> Result<BTreeSet<PersonId>, StoreError> {
    let mut wanted = BTreeSet::new();
    let directory = marks::directory(db, acting).await?;
    for other in queue::ahead(db, acting.org(), id).await? {
        let Some(call) = calls::by_id(db, acting.org(), &other).await? else { continue };
        let Some(theirs) = call.connect.as_deref().map(Waiting::from_json).transpose()? else { continue };
        let mut busy = legs::busy_elsewhere(db, acting.org(), &other).await?;
        busy.extend(wanted.iter().cloned());
        let (legs, earlier): (Vec<_>, Vec<_>) =
            legs::of_call(db, acting.org(), &other).await?.into_iter().partition(|leg| theirs.is_of(leg));
        busy.extend(earlier.into_iter().filter(|leg| leg.state != LegState::Ended).map(|leg| leg.person));
        let views: Vec<_> = legs.iter().map(LegRow::view).collect();
        let ask = |target: &Target| candidates(&directory, target, &busy, call.language.as_ref(), acting.now);
        let decision = decide(&theirs.connect.plan, &theirs.connect.progress, &views, &ask, acting.now);
        wanted.extend(decision.ring.into_iter().map(|ring| ring.person));
    }
    Ok(wanted)
}

/// A row first: the carrier is asked by its worker.
/// `false`: it costs more than is allowed.
pub async fn place(db: &mut AnyConnection, applying: &mut Applying<'_>, ring: &Ring) -> Result<bool, StoreError> {
    let (acting, call) = (applying.acting, applying.call);
    let (org, now) = (acting.org(), acting.now);
    let directory = marks::directory(db, acting).await?;
    let method = directory.people.get(&ring.person).and_then(|person| person.voice());
    let Some((method, _)) = method else { return Ok(false) };
    let leg = NewLeg {
        id: acting.ids.id(now),
        call: call.id.clone(),
        callback: None,
        person: ring.person.clone(),
        method: method.clone(),
        number: ring.phone.clone(),
        carrier: call.carrier.clone(),
        level: ring.level,
        reason: ring.why.clone(),
        created_at: now,
    };
    if !legs::insert(db, org, &leg).await? {
        return Err(StoreError::Stale("the technician is in another call"));
    }
    if let Some(full) = money::spend(db, acting, Spending::Call, Purse::Callers(&call.hotline), &ring.phone).await? {
        legs::end(db, org, &leg.id, Some(LegResult::Failed), None, now).await?;
        let text = format!("Callers have reached {full}: {} was not rung for one of them.", ring.person);
        let detail = json!({ "person": ring.person.as_str(), "limit": full.key() });
        note(db, acting, call, "not-rung", text.clone(), detail).await?;
        applying.tell_msp(db, "calls-cap", &text).await?;
        return Ok(false);
    }
    timers::set(db, org, RING, leg.id.as_str(), now, "").await?;
    let text = format!("{} is rung at {}: {}.", ring.person, ring.phone.masked(), ring.why);
    let detail = json!({ "person": ring.person.as_str(), "leg": leg.id.as_str(), "level": ring.level });
    note(db, acting, call, "ringing", text, detail).await?;
    Ok(true)
}

pub async fn end_rings(
    db: &mut AnyConnection,
    acting: &Acting,
    legs: &[LegRow],
    decision: &Decision,
) -> Result<(), StoreError> {
    let somebody_took_it = legs.iter().any(|leg| matches!(leg.state, LegState::Accepted | LegState::Bridged));
    let result = if somebody_took_it { LegResult::Taken } else { LegResult::NoAnswer };
    for leg in &decision.cancel {
        legs::condemn(db, acting.org(), leg, result).await?;
        timers::set(db, acting.org(), HANGUP, leg.as_str(), acting.now, "").await?;
    }
    Ok(())
}

async fn tell(
    db: &mut AnyConnection,
    applying: &mut Applying<'_>,
    decision: &Decision,
    reached: Option<u32>,
) -> Result<(), StoreError> {
    tell_reasons(db, applying, decision).await?;
    if let Some(alert) = applying.alert.clone()
        && reached.is_some_and(|before| decision.level > before)
    {
        act::follow_call(db, applying.acting, &alert, decision.level).await?;
    }
    Ok(())
}

pub async fn tell_reasons(
    db: &mut AnyConnection,
    applying: &mut Applying<'_>,
    decision: &Decision,
) -> Result<(), StoreError> {
    let (acting, alert) = (applying.acting, applying.alert.clone());
    for reason in &decision.reasons {
        applying.note(db, "connect", reason.as_str(), json!({ "level": decision.level })).await?;
        if let Some(alert) = &alert {
            record(db, acting, alert, "connect", reason.as_str(), json!({ "level": decision.level })).await?;
        }
    }
    if let Some(text) = &decision.nobody_on_call {
        applying.tell_msp(db, "nobody-on-call", text).await?;
    }
    Ok(())
}

/// The caller goes on in the flow, and paging goes on without waiting for the call.
async fn give_up(db: &mut AnyConnection, acting: &Acting, call: &CallRow, waiting: &Waiting) -> Result<(), StoreError> {
    let org = acting.org();
    if calls::go(db, org, &call.id, Phase::Waiting, Phase::Leaving).await? {
        let waited = acting.now - waiting.connect.plan.started_at;
        calls::set_waited(db, org, &call.id, waited.num_milliseconds()).await?;
        timers::set(db, org, LEAVE, call.id.as_str(), acting.now, "").await?;
    }
    release(db, acting, call).await
}

/// The caller has left the queue, or is gone: nobody is rung for them any more.
pub async fn stop(db: &mut AnyConnection, acting: &Acting, call: &CallRow) -> Result<(), StoreError> {
    super::ended::quiet_phones(db, acting, call).await?;
    timers::clear(db, acting.org(), CONNECT, call.id.as_str()).await?;
    release(db, acting, call).await
}

/// The call rings nobody for its alert any more: the pages by voice that waited for it are due.
pub async fn release(db: &mut AnyConnection, acting: &Acting, call: &CallRow) -> Result<(), StoreError> {
    if let Some(alert) = &call.alert
        && alerts::release(db, acting.org(), alert, &call.id).await?
    {
        attempts::release_held(db, acting.org(), alert, acting.now).await?;
    }
    Ok(())
}
