//! A technician's call at its carrier: looked for where its answer got lost, placed, or placed through another one.
//!
//! Nothing is placed again before it was looked for, and no carrier is asked before the time that it named. Start
//! with `Ringing::found`, then `Ringing::place`.

use chrono::TimeDelta;
use sqlx::AnyConnection;

use super::{AGAIN, DEADLINE, Ringing, rings_for};
use crate::{
    backoff::RETRY_AFTER_MAX,
    carrier::{Carrier, CarrierError, Class, NewCall, Sid, choose::Remembered},
    escalation::connect::LegResult,
    hotline::{
        callbacks,
        leg_end::Ended,
        urls::{self, Urls},
    },
    model::{call::LegState, id::CarrierId, person::Channel},
    store::{
        StoreError,
        calls::CallRow,
        legs::{self, LegRow},
        owners::{self, Seeker},
        timers::{self, DueTimer},
    },
    telemetry::metric,
    work::carriers,
};

/// After which a leg's report is missed, beside the ringing: the carrier's slack, and somebody who listens.
const REPORT_WITHIN: TimeDelta = TimeDelta::seconds(35);
/// How long a technician's call stands in the line of our own pace before it looks again.
const PACE_AGAIN_MAX: TimeDelta = TimeDelta::seconds(10);

/// What the tries before this one left behind: the payload of `ring`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Earlier {
    /// The last one may have been placed.
    unsure: bool,
    /// These carriers did not place it.
    not: Vec<CarrierId>,
}

impl Earlier {
    const UNSURE: &str = "unsure";

    fn of(timer: &DueTimer) -> Self {
        Self::read(&timer.payload)
    }

    fn read(payload: &str) -> Self {
        let words: Vec<&str> = payload.split_whitespace().collect();
        let (unsure, names) = match words.split_first() {
            Some((&Self::UNSURE, names)) => (true, names),
            Some(_) | None => (false, words.as_slice()),
        };
        Self { unsure, not: names.iter().filter_map(|name| name.strip_prefix('-')?.parse().ok()).collect() }
    }

    fn to_payload(&self) -> String {
        let unsure = self.unsure.then(|| Self::UNSURE.to_owned());
        let not = self.not.iter().map(|carrier| format!("-{carrier}"));
        unsure.into_iter().chain(not).collect::<Vec<_>>().join(" ")
    }
}

impl Ringing {
    /// After a try whose end is unknown, or a crash in between. Where the carrier cannot tell, the phone may ring
    /// twice, which is better than not at all, and is counted.
    pub(super) async fn found(
        &self,
        timer: &DueTimer,
        carrier: &dyn Carrier,
        leg: &LegRow,
    ) -> Result<Option<Sid>, StoreError> {
        if !Earlier::of(timer).unsure && timer.tries == 1 {
            return Ok(None);
        }
        let seen = match carrier.find_calls(&leg.number, leg.created_at).await {
            Ok(seen) => seen,
            Err(error) => {
                may_ring_twice(leg, &error);
                return Ok(None);
            }
        };
        let mut db = self.0.context().store.read().await?;
        for found in seen {
            let seeker = Seeker::Leg(&leg.id, &leg.number);
            let foreign = owners::is_of_another(&mut db, &timer.org, &leg.carrier, found.sid.as_str(), seeker).await;
            if !foreign? && !found.status.is_final() {
                return Ok(Some(found.sid));
            }
        }
        Ok(None)
    }

    /// It is not there yet. What comes of placing it tells how the carrier is.
    pub(super) async fn place(
        &self,
        timer: &DueTimer,
        carrier: &dyn Carrier,
        (leg, call): (LegRow, &CallRow),
    ) -> Result<(), StoreError> {
        if Earlier::of(timer).unsure && self.move_on(timer, &leg).await? {
            return Ok(());
        }
        let (carriers, clock) = (self.0.webhooks().carriers(), &self.0.context().clock);
        let begun = carriers.begin(carrier.id(), Channel::Voice, clock.now());
        let placed = carrier.place_call(&self.new_call(&leg, call)).await;
        carriers.end(begun, placed.as_ref().err(), clock.now());
        let recorded = match placed {
            Ok(sid) => self.placed(timer, carrier, (leg, call), sid).await,
            Err(error) => self.not_placed(timer, (leg, call), &error).await,
        };
        carriers::tell(self.0.context(), carriers).await;
        recorded
    }

    pub(super) async fn placed(
        &self,
        timer: &DueTimer,
        carrier: &dyn Carrier,
        (leg, call): (LegRow, &CallRow),
        sid: Sid,
    ) -> Result<(), StoreError> {
        let within = rings_for(call) + REPORT_WITHIN;
        let (due, acting, name, id) = (timer.clone(), self.0.context().acting(), sid.clone(), leg.id.clone());
        let still_wanted = async move |db: &mut AnyConnection| {
            timers::complete(db, &due).await?;
            legs::placed(db, &due.org, &id, name.as_str(), acting.now).await?;
            let row = legs::by_id(db, &due.org, &id).await?.filter(|row| row.state != LegState::Ended);
            // One that was taken back while it was being placed has ended, and is asked for by nobody.
            if row.is_some() {
                timers::set(db, &due.org, DEADLINE, id.as_str(), acting.now + within, "").await?;
            }
            Ok(row.is_some_and(|row| row.result.is_none()))
        };
        if !self.0.context().store.write(still_wanted).await? {
            // It was taken back while it was being placed.
            let _ = carrier.end_call(&sid).await;
        }
        Ok(())
    }

    fn new_call(&self, leg: &LegRow, call: &CallRow) -> NewCall {
        let urls = Urls::new(self.0.webhooks().public_url(), &leg.carrier);
        NewCall {
            to: leg.number.clone(),
            // The hotline's number belongs to its own carrier: another one shows a number of its own.
            from: Some(call.hotline.clone()).filter(|_| leg.carrier == call.carrier),
            url: urls.leg(urls::LEG, &leg.id),
            status_callback: urls.leg(urls::LEG_STATUS, &leg.id),
            ring_s: u32::try_from(rings_for(call).num_seconds()).unwrap_or(0),
        }
    }

    async fn not_placed(
        &self,
        timer: &DueTimer,
        (leg, call): (LegRow, &CallRow),
        error: &CarrierError,
    ) -> Result<(), StoreError> {
        let class = error.class;
        tracing::warn!(leg.id = %leg.id, code = error.code, class = class.as_str(), "a technician could not be rung");
        if goes_on(error) && self.move_on(timer, &leg).await? {
            if class == Class::Unsure {
                may_ring_twice(&leg, error);
            }
            return Ok(());
        }
        // Its time to ring is limited by the connect, which takes it back. Whom the carrier would ring later than
        // that, nobody waits for.
        let (wait, rings_until) = (wait_of(error), leg.created_at + rings_for(call));
        let in_time = error.retry_after.is_none() || self.0.context().clock.now() + wait < rings_until;
        if class.may_be_repeated() && in_time {
            let mut earlier = Earlier::of(timer);
            earlier.unsure |= class == Class::Unsure;
            let mut again = timer.clone();
            again.payload = earlier.to_payload();
            return self.again(&again, wait).await;
        }
        let result = if class == Class::Destination { LegResult::BadNumber } else { LegResult::Failed };
        self.over(timer, leg, Ended::of(result, error.code.map(|code| code.to_string()))).await
    }

    /// Who keeps a promise may be rung through another carrier, each of them once. A caller waits in a queue of
    /// the carrier on which they are: their technicians are rung through that one alone.
    async fn move_on(&self, timer: &DueTimer, leg: &LegRow) -> Result<bool, StoreError> {
        if leg.callback.is_none() {
            return Ok(false);
        }
        let mut not = Earlier::of(timer).not;
        let (carriers, now) = (self.0.webhooks().carriers(), self.0.context().clock.now());
        let order = carriers.order(Channel::Voice, &leg.number, &Remembered::default(), Some(&leg.carrier), now);
        let is_new = |id: &CarrierId| *id != leg.carrier && !not.contains(id);
        let Some(next) = order.into_iter().map(|(_, choice)| choice.carrier).find(is_new) else { return Ok(false) };
        not.push(leg.carrier.clone());
        let (due, leg, payload) = (timer.clone(), leg.clone(), Earlier { unsure: false, not }.to_payload());
        let acting = self.0.context().acting();
        let unit = async move |db: &mut AnyConnection| {
            if !timers::complete(db, &due).await? {
                return Ok(());
            }
            // A report was faster: this carrier has it after all, which the next look finds.
            let is_moved = legs::move_to(db, &due.org, &leg.id, &leg.carrier, &next).await?;
            let payload = if is_moved { &payload } else { &due.payload };
            timers::set(db, &due.org, &due.kind, &due.subject, acting.now, payload).await?;
            if is_moved { callbacks::moved(db, &acting, &leg, &next).await } else { Ok(()) }
        };
        self.0.context().change(unit).await.map(|()| true)
    }
}

/// Whether another carrier is asked at once. Our own pace is no reason to leave, and what may have been placed is
/// looked for first, unless the carrier does not want to be asked yet.
fn goes_on(error: &CarrierError) -> bool {
    match error.class {
        Class::Paced => false,
        Class::Unsure => error.retry_after.is_some(),
        Class::Retry
        | Class::RetryLater
        | Class::Destination
        | Class::Account
        | Class::Content
        | Class::State
        | Class::Bug => true,
    }
}

/// Never before the time that the carrier named. Our own pace may be asked sooner.
fn wait_of(error: &CarrierError) -> TimeDelta {
    let named = error.retry_after.map(|wait| TimeDelta::from_std(wait.min(RETRY_AFTER_MAX)).unwrap_or(AGAIN));
    match error.class {
        Class::Paced => named.unwrap_or(AGAIN).min(PACE_AGAIN_MAX),
        Class::Retry
        | Class::RetryLater
        | Class::Unsure
        | Class::Destination
        | Class::Account
        | Class::Content
        | Class::State
        | Class::Bug => named.unwrap_or(AGAIN),
    }
}

fn may_ring_twice(leg: &LegRow, error: &CarrierError) {
    tracing::warn!(leg.id = %leg.id, code = error.code, "nobody knows whether a technician is rung already");
    metrics::counter!(metric::DUPLICATES).increment(1);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_earlier_tries_left_behind_is_kept() {
        let not = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<CarrierId>>();
        for (payload, unsure, names) in [
            ("", false, &[][..]),
            ("unsure", true, &[]),
            ("-a -unsure", false, &["a", "unsure"]),
            ("unsure -a", true, &["a"]),
        ] {
            let earlier = Earlier { unsure, not: not(names) };
            assert_eq!((Earlier::read(payload), earlier.to_payload().as_str()), (earlier, payload));
        }
    }

    #[test]
    fn a_carrier_is_left_when_it_refuses_and_looked_at_when_nobody_knows() {
        let error = |class, after: Option<u64>| CarrierError {
            retry_after: after.map(Duration::from_secs),
            ..CarrierError::of(class, "no")
        };
        for (error, moves, wait_s) in [
            (error(Class::Retry, None), true, 2),
            (error(Class::Retry, Some(120)), true, 120),
            (error(Class::Retry, Some(86_400)), true, 3_600),
            (error(Class::Unsure, None), false, 2),
            (error(Class::Unsure, Some(120)), true, 120),
            (error(Class::Paced, Some(120)), false, 10),
        ] {
            assert_eq!((goes_on(&error), wait_of(&error)), (moves, TimeDelta::seconds(wait_s)), "{error:?}");
        }
    }
}
