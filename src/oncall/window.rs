//! Restrictions at a moment, and where they begin or end next.

use chrono::{Days, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;

use super::{Around, Layer, When, Window, moment::Moment};
use crate::model::{calendar::CoverageState, civil::midnight};

/// Whether the layer's restrictions let it speak; notes when that may change.
pub fn is_open(layer: &Layer, zone: Tz, around: Around, now: &mut Moment) -> bool {
    // Every window is looked at, since each may change the answer.
    let mut open = layer.only.is_empty();
    for window in &layer.only {
        open |= holds(window, zone, around, now, true);
    }
    if !open {
        return false;
    }
    let mut shut = false;
    for window in &layer.except {
        shut |= holds(window, zone, around, now, false);
    }
    !shut
}

/// `unknown`: what a calendar says that is not there.
fn holds(window: &Window, zone: Tz, around: Around, now: &mut Moment, unknown: bool) -> bool {
    let civil = now.civil(zone);
    now.change_at(zone, next_edge(window, civil));
    if !within(window, civil) {
        return false;
    }
    let Some((id, when)) = &window.calendar else { return true };
    let Some(calendar) = around.calendars.get(id) else { return unknown };
    let civil = now.civil(calendar.zone);
    let edge = match when {
        When::Open | When::Closed => calendar.next_edge(civil),
        When::Holiday => calendar.next_holiday_edge(civil),
    };
    now.change_at(calendar.zone, edge);
    let state = calendar.state(civil);
    match when {
        When::Open => state == CoverageState::Open,
        When::Closed => state != CoverageState::Open,
        When::Holiday => state == CoverageState::Holiday,
    }
}

/// Without the calendar.
fn within(window: &Window, civil: NaiveDateTime) -> bool {
    match &window.hours {
        None => has_day(window, civil.date()),
        // A span that holds it begins on its day or on the day before.
        Some(hours) => [civil.date().pred_opt(), Some(civil.date())]
            .into_iter()
            .flatten()
            .any(|date| has_day(window, date) && hours.on(date).is_some_and(|(from, to)| from <= civil && civil < to)),
    }
}

/// Whether the window's dates hold this one.
pub fn has_day(window: &Window, date: NaiveDate) -> bool {
    window.first.is_none_or(|first| first <= date) && window.last.is_none_or(|last| date <= last)
}

/// Without the calendar.
fn next_edge(window: &Window, civil: NaiveDateTime) -> Option<NaiveDateTime> {
    let Some(hours) = &window.hours else {
        let behind = window.last.and_then(|last| last.succ_opt());
        return window.first.into_iter().chain(behind).map(midnight).filter(|edge| *edge > civil).min();
    };
    // A span may begin on the day before; a week later everything has come round again.
    let begin = civil.date().pred_opt()?.max(window.first.unwrap_or(NaiveDate::MIN));
    let mut next: Option<NaiveDateTime> = None;
    for ahead in 0..=9 {
        let date = begin.checked_add_days(Days::new(ahead))?;
        if next.is_some_and(|next| next <= midnight(date)) || !has_day(window, date) {
            break;
        }
        let edges = hours.on(date).into_iter().flat_map(|(from, to)| [from, to]);
        next = edges.filter(|edge| *edge > civil).chain(next).min();
    }
    next
}
