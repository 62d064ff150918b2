//! The timers `ring`, `hangup`, `leg-deadline` (of a leg), `leave` and `call-watch` (of a call): what the
//! carrier is asked to do, from rows. A report that never comes is asked for.

mod placing; // of a technician's call, through whichever carrier does it

use chrono::TimeDelta;
use futures::future::BoxFuture;
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    State,
    effects::CONNECT,
    leg_end::{self, Ended},
    turn::WATCH,
    urls::{self, Urls},
    waiting::Waiting,
};
use crate::{
    carrier::{Carrier, Class, Sid, status::CallStatus},
    escalation::connect::LegResult,
    ivr::Attestation,
    model::{
        call::LegState,
        id::{CallId, CarrierId, LegId},
    },
    store::{
        StoreError,
        calls::{self, CallRow, Phase},
        legs::{self, LegRow},
        timers::{self, DueTimer},
    },
    work::{Acting, Handler, WorkError},
};

pub const RING: &str = "ring";
pub const HANGUP: &str = "hangup";
pub const LEAVE: &str = "leave";
pub const DEADLINE: &str = "leg-deadline";
/// Of a technician's leg: it goes where three can talk. Its payload is the leg that has come.
pub const JOIN: &str = "leg-join";

/// When a call no longer says how long.
const RING_S: i64 = 25;
/// What a carrier takes (Twilio: `Timeout`).
const RING_S_MAX: i64 = 600;
/// One sentence; then the line is ended in any case.
const TOLD_WITHIN: TimeDelta = TimeDelta::seconds(20);
/// Of a `hangup`: whoever has picked up was led to where they hear why.
const TOLD: &str = "told";
const AGAIN: TimeDelta = TimeDelta::seconds(2);
const ASK_AGAIN: TimeDelta = TimeDelta::minutes(1);
const WATCH_AGAIN: TimeDelta = TimeDelta::minutes(5);
/// Until the journal of the spare documents was brought home.
const NEWS_AGAIN: TimeDelta = TimeDelta::seconds(5);
/// How often a technician is led to the third before that is given up.
const JOIN_TRIES: i64 = 3;
/// How often a carrier is asked to move a caller who waits.
const LEAVE_TRIES: i64 = 3;
/// Carriers end a call after four hours.
const CALL_MAX: TimeDelta = TimeDelta::hours(5);

pub struct Ringing(pub State);

impl Handler for Ringing {
    fn kinds(&self) -> &[&'static str] {
        &[RING, HANGUP, LEAVE, DEADLINE, JOIN, WATCH]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move {
            let done = match timer.kind.as_str() {
                RING => self.ring(timer).await,
                HANGUP => self.hang_up(timer).await,
                LEAVE => self.leave(timer).await,
                DEADLINE => self.ask(timer).await,
                JOIN => self.join(timer).await,
                _ => self.watch(timer).await,
            };
            done.map_err(WorkError::on(format!("{} {}", timer.kind, timer.subject)))
        })
    }
}

impl Ringing {
    async fn leg(&self, timer: &DueTimer) -> Result<Option<(LegRow, CallRow)>, StoreError> {
        let Ok(id) = timer.subject.parse::<LegId>() else { return Ok(None) };
        let mut db = self.0.context().store.read().await?;
        let Some(leg) = legs::by_id(&mut db, &timer.org, &id).await? else { return Ok(None) };
        let call = calls::by_id(&mut db, &timer.org, &leg.call).await?;
        Ok(call.map(|call| (leg, call)))
    }

    fn carrier(&self, id: &CarrierId) -> Option<&dyn Carrier> {
        self.0.webhooks().carriers().get(id).map(|line| line.carrier.as_ref())
    }

    async fn complete(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let due = timer.clone();
        self.0.context().store.write(async move |db| timers::complete(db, &due).await).await.map(|_| ())
    }

    async fn again(&self, timer: &DueTimer, wait: TimeDelta) -> Result<(), StoreError> {
        let (due, at) = (timer.clone(), self.0.context().clock.now() + wait);
        let again = async move |db: &mut AnyConnection| {
            if timers::complete(db, &due).await? {
                timers::set(db, &due.org, &due.kind, &due.subject, at, &due.payload).await?;
            }
            Ok(())
        };
        self.0.context().store.write(again).await
    }

    /// Places a technician's call. One whose answer got lost is looked for before it is placed again.
    async fn ring(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Some((leg, call)) = self.leg(timer).await? else { return self.complete(timer).await };
        if leg.state == LegState::Ended {
            return self.complete(timer).await;
        }
        if let (Some(sid), Some(carrier)) = (leg.carrier_call.clone(), self.carrier(&leg.carrier)) {
            // The answer got lost, in a crash or on its way, and a report came: somebody may be talking.
            return self.placed(timer, carrier, (leg, &call), Sid::new(sid)).await;
        }
        let wanted = leg.state == LegState::Queued && leg.result.is_none() && is_awaited(&leg, &call);
        let Some(carrier) = self.carrier(&leg.carrier).filter(|_| wanted) else {
            return self.over(timer, leg, Ended::of(LegResult::Failed, None)).await;
        };
        match self.found(timer, carrier, &leg).await? {
            Some(sid) => self.placed(timer, carrier, (leg, &call), sid).await,
            None => self.place(timer, carrier, (leg, &call)).await,
        }
    }

    async fn over(&self, timer: &DueTimer, leg: LegRow, ended: Ended) -> Result<(), StoreError> {
        let (due, acting) = (timer.clone(), self.0.context().acting());
        let unit = async move |db: &mut AnyConnection| {
            timers::complete(db, &due).await?;
            leg_end::leg_ended(db, &acting, &leg, &ended).await
        };
        self.0.context().change(unit).await
    }

    async fn hang_up(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Some((leg, _)) = self.leg(timer).await? else { return self.complete(timer).await };
        // Who pressed 1 at the last moment is not to be ended any more.
        if leg.state == LegState::Ended || leg.result.is_none() {
            return self.complete(timer).await;
        }
        if leg.state == LegState::Answered && timer.payload.is_empty() && self.tells_why(timer, &leg).await? {
            return Ok(());
        }
        if let (Some(sid), Some(carrier)) = (&leg.carrier_call, self.carrier(&leg.carrier))
            && let Err(error) = carrier.end_call(&Sid::new(sid.as_str())).await
        {
            tracing::warn!(leg.id = %leg.id, code = error.code, "a ringing phone could not be quieted");
            let tries: i64 = timer.payload.parse().unwrap_or(1);
            if error.class.may_be_repeated() && tries < timers::TRIES_MAX {
                let mut next = timer.clone();
                next.payload = (tries + 1).to_string();
                return self.again(&next, AGAIN).await;
            }
        }
        // A call that was cancelled while it was queued sends no report.
        self.over(timer, leg, Ended::default()).await
    }

    /// Whoever has picked up hears why before the line is dead; the document ends it. `false`: the carrier would
    /// not lead them there.
    async fn tells_why(&self, timer: &DueTimer, leg: &LegRow) -> Result<bool, StoreError> {
        let (Some(sid), Some(carrier)) = (&leg.carrier_call, self.carrier(&leg.carrier)) else { return Ok(false) };
        let url = Urls::new(self.0.webhooks().public_url(), &leg.carrier).leg(urls::LEG_DISMISSED, &leg.id);
        if let Err(error) = carrier.redirect_call(&Sid::new(sid.as_str()), &url).await {
            tracing::warn!(leg.id = %leg.id, code = error.code, "a technician could not be told why they are cut off");
            return Ok(false);
        }
        let mut next = timer.clone();
        next.payload = TOLD.to_owned();
        self.again(&next, TOLD_WITHIN).await?;
        Ok(true)
    }

    /// Takes a caller out of the queue. The wait document does so too, when it is asked next.
    async fn leave(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Ok(id) = timer.subject.parse::<CallId>() else { return self.complete(timer).await };
        let call = {
            let mut db = self.0.context().store.read().await?;
            calls::by_id(&mut db, &timer.org, &id).await?
        };
        let Some(call) = call.filter(|call| matches!(call.phase, Phase::Leaving | Phase::Bridged)) else {
            return self.complete(timer).await;
        };
        if let Some(carrier) = self.carrier(&call.carrier) {
            let urls = Urls::new(self.0.webhooks().public_url(), &call.carrier);
            let moved =
                carrier.redirect_call(&Sid::new(call.carrier_call.as_str()), &urls.queue(&call.id, call.turn)).await;
            if let Err(error) = moved {
                tracing::warn!(call.id = %call.id, code = error.code, "a caller could not be moved on");
                let tries: i64 = timer.payload.parse().unwrap_or(1);
                // A waiting room sends its caller on by itself, once this is given up. In a conference that
                // everybody has left, nothing does.
                let goes_on = call.phase == Phase::Bridged || tries < LEAVE_TRIES;
                if goes_on && error.class.may_be_repeated() {
                    let mut next = timer.clone();
                    next.payload = (tries + 1).to_string();
                    return self.again(&next, AGAIN).await;
                }
            }
        }
        self.complete(timer).await
    }

    /// The carrier ends the bridge of the two: the caller comes by the queue's action. Where that cannot be had,
    /// the two talk on, and whoever came is sent away.
    async fn join(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Some((leg, call)) = self.leg(timer).await? else { return self.complete(timer).await };
        if leg.state == LegState::Ended || call.phase != Phase::Bridged {
            return self.complete(timer).await;
        }
        let (Some(sid), Some(carrier)) = (&leg.carrier_call, self.carrier(&leg.carrier)) else {
            return self.complete(timer).await;
        };
        let url = Urls::new(self.0.webhooks().public_url(), &leg.carrier).leg(urls::LEG_JOIN, &leg.id);
        let Err(error) = carrier.redirect_call(&Sid::new(sid.as_str()), &url).await else {
            return self.complete(timer).await;
        };
        tracing::warn!(leg.id = %leg.id, code = error.code, "a technician could not be led to the other");
        if error.class.may_be_repeated() && timer.tries < JOIN_TRIES {
            let due = timer.clone();
            let at = self.0.context().clock.now() + AGAIN;
            let again = async move |db: &mut AnyConnection| timers::fail(db, &due, at).await;
            return self.0.context().store.write(again).await.map(|_| ());
        }
        let (due, acting) = (timer.clone(), self.0.context().acting());
        let unit = async move |db: &mut AnyConnection| {
            if !timers::complete(db, &due).await? {
                // Their own phone has led them there meanwhile.
                return Ok(());
            }
            super::aside::not_joined(db, &acting, &call, &due.payload).await
        };
        self.0.context().change(unit).await
    }

    /// No report has ended the leg: how does it stand?
    async fn ask(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Some((leg, _)) = self.leg(timer).await? else { return self.complete(timer).await };
        if leg.state == LegState::Ended {
            return self.complete(timer).await;
        }
        let (Some(sid), Some(carrier)) = (&leg.carrier_call, self.carrier(&leg.carrier)) else {
            return self.over(timer, leg, Ended::of(LegResult::Failed, None)).await;
        };
        match carrier.call_status(&Sid::new(sid.as_str())).await {
            Ok(seen) if seen.status.is_final() => {
                let ended = Ended::by_status(&seen.status, &leg, None);
                self.over(timer, leg, ended).await
            }
            Ok(_) => self.again(timer, ASK_AGAIN).await,
            Err(error) if error.class == Class::State => {
                self.over(timer, leg, Ended::of(LegResult::Failed, None)).await
            }
            Err(_) => self.again(timer, ASK_AGAIN).await,
        }
    }

    /// No webhook has come for a while: does the call still live?
    async fn watch(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let Ok(id) = timer.subject.parse::<CallId>() else { return self.complete(timer).await };
        let scene = self.0.scene(&id, Attestation::NotSupplied).await?;
        let Some(scene) = scene.filter(|scene| scene.call.ended_at.is_none()) else {
            return self.complete(timer).await;
        };
        if self.0.desk().disk().may_hold_news() {
            // Whoever talked by the spare document must not count as missed.
            return self.again(timer, NEWS_AGAIN).await;
        }
        let call = &scene.call;
        let status = match self.carrier(&call.carrier) {
            Some(carrier) => carrier.call_status(&Sid::new(call.carrier_call.as_str())).await.map(|seen| seen.status),
            None => Ok(CallStatus::Failed),
        };
        let too_old = scene.acting.now - call.started_at > CALL_MAX;
        let over = match status {
            Ok(status) => status.is_final() || too_old,
            Err(error) => error.class == Class::State || too_old,
        };
        if !over {
            return self.again(timer, WATCH_AGAIN).await;
        }
        self.0.finish(&id, "the carrier says that it is over").await?;
        self.complete(timer).await
    }
}

/// Whether somebody waits for whoever is rung: a caller, alone or with a technician, or whom we promised to
/// call back.
fn is_awaited(leg: &LegRow, call: &CallRow) -> bool {
    let wanted = || {
        let waiting = call.connect.as_deref().and_then(|stored| Waiting::from_json(stored).ok());
        waiting.is_some_and(|waiting| waiting.is_wanted(leg))
    };
    leg.callback.is_some() || call.phase == Phase::Waiting || (call.phase == Phase::Bridged && wanted())
}

/// As long as the flow says; the plan takes it back a moment later.
fn rings_for(call: &CallRow) -> TimeDelta {
    let waiting = call.connect.as_deref().and_then(|stored| Waiting::from_json(stored).ok());
    let seconds = waiting.map_or(RING_S, |waiting| waiting.connect.plan.ring.num_seconds());
    TimeDelta::seconds(seconds.clamp(1, RING_S_MAX))
}

/// Whoever waits is looked after now.
pub async fn wake(db: &mut AnyConnection, acting: &Acting, call: &CallId) -> Result<(), StoreError> {
    timers::set(db, acting.org(), CONNECT, call.as_str(), acting.now, "").await
}

/// The fields behind a sentence about a leg.
pub fn detail(leg: &LegRow) -> serde_json::Value {
    json!({ "leg": leg.id.as_str(), "person": leg.person.as_str() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{store::timers::CALLERS, work::callbacks};

    #[test]
    fn whatever_a_caller_waits_for_is_not_behind_the_others() {
        let mut kinds = [CONNECT, RING, LEAVE, HANGUP, DEADLINE, JOIN, callbacks::RING];
        let mut first = CALLERS;
        kinds.sort_unstable();
        first.sort_unstable();
        assert_eq!(kinds, first);
    }
}
