//! One layer at an instant: whose turn it is and when that may change. The turn is computed from
//! the start at once, so a rotation of ten years costs what one of a day costs.

use chrono::{Datelike, Months, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;

use super::{Every, Layer};
use crate::model::{Instant, civil};

/// An instant, and what the schedule's wall clock has reached by then.
#[derive(Clone, Copy)]
pub struct Moment {
    pub zone: Tz,
    pub at: Instant,
    pub civil: NaiveDateTime,
}

impl Moment {
    pub fn new(zone: Tz, at: Instant) -> Self {
        Self { zone, at, civil: civil::reached(zone, at) }
    }
}

/// When something happens: civil times stay civil until the soonest is known, since each
/// conversion asks the zone's table.
#[derive(Default, Clone, Copy)]
pub struct Soonest {
    civil: Option<NaiveDateTime>,
    instant: Option<Instant>,
}

impl Soonest {
    pub fn civil(&mut self, time: Option<NaiveDateTime>) {
        self.civil = self.civil.into_iter().chain(time).min();
    }

    fn instant(&mut self, at: Option<Instant>) {
        self.instant = self.instant.into_iter().chain(at).min();
    }

    pub fn in_zone(self, zone: Tz) -> Option<Instant> {
        let civil = self.civil.map(|time| civil::instant(zone, time));
        self.instant.into_iter().chain(civil).min()
    }
}

/// The index into `people` of whoever this layer has on call; notes when that may change.
pub fn turn(layer: &Layer, now: Moment, change: &mut Soonest) -> Option<usize> {
    if layer.people.is_empty() {
        return None;
    }
    if now.civil < layer.start {
        change.civil(Some(layer.start));
        return None;
    }
    if !layer.only.is_empty() {
        change.civil(civil::next_boundary(&layer.only, now.civil));
        if !civil::within(&layer.only, now.civil) {
            return None;
        }
    }
    if layer.people.len() == 1 {
        return Some(0);
    }
    let turn = match layer.every {
        Every::Hours(hours) => {
            let (turn, next) = by_hours(civil::instant(now.zone, layer.start), hours, now.at);
            change.instant(next);
            turn
        }
        Every::Days(days) => by_days(layer.start, i64::from(days), now.civil, change),
        Every::Weeks(weeks) => by_days(layer.start, 7 * i64::from(weeks), now.civil, change),
        Every::Months(months) => by_months(layer.start, months, now.civil, change),
    };
    let place = turn.rem_euclid(i64::try_from(layer.people.len()).unwrap_or(i64::MAX));
    usize::try_from(place).ok()
}

fn by_hours(start: Instant, every: u32, at: Instant) -> (i64, Option<Instant>) {
    let every = i64::from(every.max(1));
    let turn = turns_in(at - start, TimeDelta::hours(every));
    let next = (turn + 1).checked_mul(every).and_then(TimeDelta::try_hours);
    (turn, next.and_then(|elapsed| start.checked_add_signed(elapsed)))
}

fn by_days(start: NaiveDateTime, every: i64, civil: NaiveDateTime, change: &mut Soonest) -> i64 {
    let every = every.max(1);
    let turn = turns_in(civil - start, TimeDelta::days(every));
    let next = (turn + 1).checked_mul(every).and_then(TimeDelta::try_days);
    change.civil(next.and_then(|elapsed| start.checked_add_signed(elapsed)));
    turn
}

fn by_months(start: NaiveDateTime, every: u32, civil: NaiveDateTime, change: &mut Soonest) -> i64 {
    let every = i64::from(every.max(1));
    // Counted from the start each time, so a short month does not pull later ones forward.
    let handoff = |turn: i64| {
        let months = u32::try_from(turn.checked_mul(every)?).ok()?;
        start.checked_add_months(Months::new(months))
    };
    let month = |time: NaiveDateTime| i64::from(time.year()) * 12 + i64::from(time.month0());
    let latest = (month(civil) - month(start)) / every;
    // In the month of a handoff, the handoff itself may still be ahead.
    let turn = if handoff(latest).is_some_and(|handoff| handoff <= civil) { latest } else { latest - 1 };
    change.civil(handoff(turn + 1));
    turn
}

fn turns_in(elapsed: TimeDelta, every: TimeDelta) -> i64 {
    elapsed.num_seconds().div_euclid(every.num_seconds())
}
