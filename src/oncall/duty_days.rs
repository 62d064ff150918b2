//! Rotations that advance only on duty: which handoffs hand over.
//!
//! **A handoff hands over when a day of duty lies between it and the next one.** A day is one of duty
//! when any of the layer's `only` begins or may hold on it, and none of its `except` takes it whole; a
//! handoff's own day always lies behind it. Days are those of the layer's zone, a calendar's are taken
//! by their date.
//!
//! Handoffs are not walked through: between the dates that windows name, weekdays repeat and are counted
//! by the week; then every holiday corrects the stretch in which it lies.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, Weekday};

use super::{Around, Layer, When, Window, rotation::Rotation, window::has_day};
use crate::model::calendar::{Calendar, Days};

pub struct DutyDays<'a> {
    only: Vec<Judge<'a>>,
    except: Vec<Judge<'a>>,
}

/// A window, with its calendar where there is one.
struct Judge<'a> {
    window: &'a Window,
    calendar: Option<(&'a Calendar, When)>,
}

impl<'a> DutyDays<'a> {
    pub fn new(layer: &'a Layer, around: Around<'a>) -> Self {
        let judge = |window: &'a Window| {
            let calendar = window.calendar.as_ref();
            Judge { window, calendar: calendar.and_then(|(id, when)| Some((around.calendars.get(id)?, *when))) }
        };
        Self {
            only: layer.only.iter().map(judge).collect(),
            // One whose calendar is not there restricts nothing.
            except: layer.except.iter().map(judge).filter(|judge| !judge.is_unknown()).collect(),
        }
    }

    /// How often has been handed over, the start aside, when the handoff `latest` has come.
    pub fn handed_over(&self, rotation: Rotation, latest: i64) -> i64 {
        // The first stretch may be shorter than those like it.
        let mut counted = dates(rotation, 0).map_or(0, |(from, to)| i64::from(self.has_duty(from, to)));
        let mut number = 1;
        while let Some((date, _)) = dates(rotation, number).filter(|_| number <= latest) {
            let cut = self.next_cut(date);
            let until = cut.map_or(latest + 1, |cut| first_holding(rotation, cut).clamp(number, latest + 1));
            counted += self.between_cuts(rotation, number, until, date);
            number = until;
            if number <= latest {
                // A date of a window lies within.
                let has_duty = dates(rotation, number).is_some_and(|(from, to)| self.has_duty(from, to));
                counted += i64::from(has_duty);
                number += 1;
            }
        }
        (counted - 1).max(0)
    }

    /// How many of these handoffs hand over, with no date of a window behind them.
    fn between_cuts(&self, rotation: Rotation, from: i64, to: i64, date: NaiveDate) -> i64 {
        let days = self.regular_days(date);
        let mut counted = regular(rotation, from, to, days);
        let end = if from < to { dates(rotation, to - 1).map(|(_, end)| end) } else { None };
        let holidays = end.map_or_else(Vec::new, |end| self.holidays(date, end));
        let judge = self.judge_of_holidays(date);
        let mut corrected = from;
        for holiday in holidays {
            let weekday = holiday.weekday();
            let is_duty = match judge {
                Some(on_holidays) => on_holidays.contains(weekday),
                None => self.is_duty_on(holiday),
            };
            if is_duty == days.contains(weekday) {
                continue;
            }
            if rotation.is_daily() {
                counted += if is_duty { 1 } else { -1 };
                continue;
            }
            // Several handoffs of one day have it behind them.
            corrected = corrected.max(first_holding(rotation, holiday));
            while let Some((begin, end)) = dates(rotation, corrected).filter(|(begin, _)| *begin <= holiday) {
                if corrected >= to {
                    break;
                }
                counted += i64::from(self.has_duty(begin, end)) - i64::from(some_of(days, begin, end));
                corrected += 1;
            }
        }
        counted
    }

    /// The weekdays of duty about this date when they are holidays; `None`: what is a holiday of one
    /// calendar need not be one of another.
    fn judge_of_holidays(&self, date: NaiveDate) -> Option<Days> {
        let mut calendars = self.only.iter().chain(&self.except).filter_map(|judge| judge.calendar);
        let (first, _) = calendars.next()?;
        let is_alone = calendars.all(|(calendar, _)| calendar.id == first.id);
        is_alone.then(|| Days::of(Days::EVERY.iter().filter(|day| self.is_duty(date, *day, |_| true))))
    }

    fn has_duty(&self, from: NaiveDate, to: NaiveDate) -> bool {
        let mut date = from;
        while date < to {
            if self.is_duty_on(date) {
                return true;
            }
            let Some(next) = date.succ_opt() else { return false };
            let week = next.checked_add_signed(TimeDelta::days(7)).unwrap_or(NaiveDate::MAX);
            // A week without anything special shows every day until the next that is.
            let special = self.next_cut(date).into_iter().chain(self.holidays(next, to).first().copied()).min();
            let until = special.map_or(to, |special| special.min(to));
            if until > week && !some_of(self.regular_days(next), next, week) {
                date = until;
            } else {
                date = next;
            }
        }
        false
    }

    /// The weekdays of duty about this date, holidays aside.
    fn regular_days(&self, date: NaiveDate) -> Days {
        Days::of(Days::EVERY.iter().filter(|day| self.is_duty(date, *day, |_| false)))
    }

    fn is_duty_on(&self, date: NaiveDate) -> bool {
        self.is_duty(date, date.weekday(), |calendar| calendar.holidays.contains(&date))
    }

    fn is_duty(&self, date: NaiveDate, weekday: Weekday, is_holiday: impl Fn(&Calendar) -> bool) -> bool {
        (self.only.is_empty() || self.only.iter().any(|only| only.touches(date, weekday, &is_holiday)))
            && !self.except.iter().any(|except| except.takes(date, weekday, &is_holiday))
    }

    /// The next day after this one with which the dates of a window begin or have ended.
    fn next_cut(&self, date: NaiveDate) -> Option<NaiveDate> {
        let windows = self.only.iter().chain(&self.except).map(|judge| judge.window);
        let cuts = windows.flat_map(|window| [window.first, window.last.and_then(|last| last.succ_opt())]);
        cuts.flatten().filter(|cut| *cut > date).min()
    }

    /// In order, of all calendars.
    fn holidays(&self, from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
        if to <= from {
            return Vec::new();
        }
        let calendars = self.only.iter().chain(&self.except).filter_map(|judge| judge.calendar);
        let mut holidays: Vec<NaiveDate> =
            calendars.flat_map(|(calendar, _)| calendar.holidays.range(from..to)).copied().collect();
        if !holidays.is_sorted_by(|a, b| a < b) {
            holidays.sort_unstable();
            holidays.dedup();
        }
        holidays
    }
}

impl Judge<'_> {
    fn is_unknown(&self) -> bool {
        self.window.calendar.is_some() && self.calendar.is_none()
    }

    /// Whether the window begins or may hold on the day.
    fn touches(&self, date: NaiveDate, weekday: Weekday, is_holiday: impl Fn(&Calendar) -> bool) -> bool {
        has_day(self.window, date)
            && self.window.hours.as_ref().is_none_or(|hours| hours.days.contains(weekday))
            && self.calendar.is_none_or(|(calendar, when)| match when {
                When::Open => opens(calendar, weekday, false) && !is_holiday(calendar),
                When::Closed => !opens(calendar, weekday, true) || is_holiday(calendar),
                When::Holiday => is_holiday(calendar),
            })
    }

    /// Whether the window takes the day as a whole.
    fn takes(&self, date: NaiveDate, weekday: Weekday, is_holiday: impl Fn(&Calendar) -> bool) -> bool {
        has_day(self.window, date)
            && self.window.hours.as_ref().is_none_or(|hours| hours.days.contains(weekday) && hours.is_round_the_clock())
            && self.calendar.is_none_or(|(calendar, when)| match when {
                When::Open => opens(calendar, weekday, true) && !is_holiday(calendar),
                When::Closed => !opens(calendar, weekday, false) || is_holiday(calendar),
                When::Holiday => is_holiday(calendar),
            })
    }
}

/// How many of these handoffs have one of the weekdays behind them.
fn regular(rotation: Rotation, from: i64, to: i64, days: Days) -> i64 {
    let cycle = match rotation.cycle() {
        _ if days.is_empty() || to <= from => return 0,
        None => return to - from,
        Some(_) if days == Days::EVERY => return to - from,
        Some(cycle) => cycle,
    };
    let has_some = |number: i64| dates(rotation, number).is_some_and(|(from, to)| some_of(days, from, to));
    let count = |first: i64, count: i64| (first..first + count).map(|number| i64::from(has_some(number))).sum::<i64>();
    let (whole, rest) = ((to - from) / cycle, (to - from) % cycle);
    let cycles = if whole > 0 { whole * count(from, cycle) } else { 0 };
    cycles + count(from, rest)
}

/// Whether one of the weekdays lies between the dates.
fn some_of(days: Days, from: NaiveDate, to: NaiveDate) -> bool {
    from.iter_days().take_while(|date| *date < to).take(7).any(|date| days.contains(date.weekday()))
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
    Some((from, next.max(from.succ_opt()?)))
}

/// The first handoff with this date behind it.
fn first_holding(rotation: Rotation, date: NaiveDate) -> i64 {
    let before = rotation.number(date.and_time(NaiveTime::MIN) - TimeDelta::seconds(1));
    match rotation.handoff(before + 1) {
        Some(next) if next.date() == date => before + 1,
        Some(_) | None => before,
    }
}
