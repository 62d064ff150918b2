//! Rotations that advance only on duty: which handoffs hand over.
//!
//! **A handoff hands over when a day of duty lies between it and the next one.** A day is one of duty
//! when any of the layer's `only` begins or may hold on it, and none of its `except` takes it whole; a
//! handoff's own day always lies behind it. Days are those of the layer's zone, a calendar's are taken
//! by their date.
//!
//! Handoffs are not walked through: where no holiday and no date of a window lies, weekdays repeat
//! and are counted by the week. What remains are the holidays since the start.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Weekday};

use super::{Around, Layer, When, Window, rotation::Rotation, window::has_day};
use crate::model::{
    calendar::{self, Calendar},
    id::CalendarId,
};

#[derive(Clone, Copy)]
pub struct DutyDays<'a> {
    layer: &'a Layer,
    calendars: &'a BTreeMap<CalendarId, Calendar>,
}

impl<'a> DutyDays<'a> {
    pub fn new(layer: &'a Layer, around: Around<'a>) -> Self {
        Self { layer, calendars: around.calendars }
    }

    /// How often has been handed over, the start aside, when the handoff `latest` has come.
    pub fn handed_over(self, rotation: Rotation, latest: i64) -> i64 {
        let (mut number, mut counted) = (0, 0);
        while number <= latest {
            let Some((date, _)) = dates(rotation, number) else { break };
            let regular_until = match self.next_special(date) {
                Some(special) => first_holding(rotation, special).clamp(number, latest + 1),
                None => latest + 1,
            };
            counted += self.regular(rotation, number, regular_until, date);
            number = regular_until;
            if number <= latest {
                counted += i64::from(dates(rotation, number).is_some_and(|(from, to)| self.has_duty(from, to)));
                number += 1;
            }
        }
        (counted - 1).max(0)
    }

    /// How many of these handoffs hand over, when between them is neither a holiday nor a date of a window.
    fn regular(self, rotation: Rotation, from: i64, to: i64, date: NaiveDate) -> i64 {
        let days = calendar::Days::of(calendar::Days::EVERY.iter().filter(|day| self.is_duty(date, *day, false)));
        let cycle = match rotation.cycle() {
            _ if days.is_empty() => return 0,
            None => return to - from,
            Some(_) if days == calendar::Days::EVERY => return to - from,
            Some(cycle) => cycle,
        };
        let has_duty = |number: i64| {
            dates(rotation, number).is_some_and(|(from, to)| {
                let mut some = from.iter_days().take_while(|date| *date < to).take(7);
                some.any(|date| days.contains(date.weekday()))
            })
        };
        let in_some = |count: i64| (from..from + count).filter(|number| has_duty(*number)).count();
        let count = |some: usize| i64::try_from(some).unwrap_or(i64::MAX);
        let (whole, rest) = ((to - from) / cycle, (to - from) % cycle);
        let cycles = if whole > 0 { whole * count(in_some(cycle)) } else { 0 };
        cycles + count(in_some(rest))
    }

    fn has_duty(self, from: NaiveDate, to: NaiveDate) -> bool {
        let mut days = from.iter_days().take_while(|date| *date < to);
        days.any(|date| {
            // By its date a day may be a holiday of one calendar and none of another.
            let windows = |windows: &[Window], judge: fn(&Self, &Window, NaiveDate, Weekday, bool) -> bool| {
                windows.iter().any(|window| judge(&self, window, date, date.weekday(), self.is_holiday(window, date)))
            };
            (self.layer.only.is_empty() || windows(&self.layer.only, Self::touches))
                && !windows(&self.layer.except, Self::takes)
        })
    }

    /// As `has_duty`, of a weekday at about this date, when it is a holiday nowhere or everywhere.
    fn is_duty(self, date: NaiveDate, weekday: Weekday, holiday: bool) -> bool {
        let only = &self.layer.only;
        (only.is_empty() || only.iter().any(|window| self.touches(window, date, weekday, holiday)))
            && !self.layer.except.iter().any(|window| self.takes(window, date, weekday, holiday))
    }

    /// Whether the window begins or may hold on the day.
    fn touches(&self, window: &Window, date: NaiveDate, weekday: Weekday, holiday: bool) -> bool {
        has_day(window, date)
            && window.hours.as_ref().is_none_or(|hours| hours.days.contains(weekday))
            && self.calendar(window).is_none_or(|(calendar, when)| match when {
                When::Open => !holiday && opens(calendar, weekday, false),
                When::Closed => holiday || !opens(calendar, weekday, true),
                When::Holiday => holiday,
            })
    }

    /// Whether the window takes the day as a whole.
    fn takes(&self, window: &Window, date: NaiveDate, weekday: Weekday, holiday: bool) -> bool {
        let unknown = window.calendar.is_some() && self.calendar(window).is_none();
        !unknown
            && has_day(window, date)
            && window.hours.as_ref().is_none_or(|hours| hours.days.contains(weekday) && hours.is_round_the_clock())
            && self.calendar(window).is_none_or(|(calendar, when)| match when {
                When::Open => !holiday && opens(calendar, weekday, true),
                When::Closed => holiday || !opens(calendar, weekday, false),
                When::Holiday => holiday,
            })
    }

    fn calendar(&self, window: &Window) -> Option<(&'a Calendar, When)> {
        let (id, when) = window.calendar.as_ref()?;
        Some((self.calendars.get(id)?, *when))
    }

    fn is_holiday(&self, window: &Window, date: NaiveDate) -> bool {
        self.calendar(window).is_some_and(|(calendar, _)| calendar.holidays.contains(&date))
    }

    /// The next holiday from this date on, or the next day after it with which the dates of a window
    /// begin or have ended.
    fn next_special(self, date: NaiveDate) -> Option<NaiveDate> {
        let windows = || self.layer.only.iter().chain(&self.layer.except);
        let holidays = windows()
            .filter_map(|window| self.calendar(window)?.0.holidays.range(date..).next().copied());
        let cuts = windows().flat_map(|window| [window.first, window.last.and_then(|last| last.succ_opt())]);
        holidays.chain(cuts.flatten().filter(|cut| *cut > date)).min()
    }
}

/// Whether the calendar opens on this weekday, or is open all of it.
fn opens(calendar: &Calendar, weekday: Weekday, round_the_clock: bool) -> bool {
    let mut open = calendar.open.iter().filter(|hours| hours.days.contains(weekday));
    open.any(|hours| !round_the_clock || hours.is_round_the_clock())
}

/// The days behind a handoff: from its own until that of the next one, which is not among them.
fn dates(rotation: Rotation, number: i64) -> Option<(NaiveDate, NaiveDate)> {
    let from = rotation.handoff(number)?.date();
    let next = rotation.handoff(number + 1).map_or(NaiveDate::MAX, |next| next.date());
    Some((from, next.max(from.checked_add_days(Days::new(1))?)))
}

/// The first handoff with this date behind it.
fn first_holding(rotation: Rotation, date: NaiveDate) -> i64 {
    let before = rotation.number(date.and_time(NaiveTime::MIN) - TimeDelta::seconds(1));
    match rotation.handoff(before + 1) {
        Some(next) if next.date() == date => before + 1,
        Some(_) | None => before,
    }
}
