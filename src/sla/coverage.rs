//! Where the clock stands in a contract's hours. The rules stand with `model::calendar`.

use std::collections::BTreeMap;

use chrono::TimeDelta;

pub use crate::model::calendar::CoverageState;
use crate::model::{
    Instant,
    calendar::Calendar,
    civil::{self, midnight},
    contract::Coverage,
    id::CalendarId,
};

/// A calendar that is not there counts as open: a caller is rather helped than sent away.
pub fn state(coverage: &Coverage, calendars: &BTreeMap<CalendarId, Calendar>, at: Instant) -> CoverageState {
    match calendar_of(coverage, calendars) {
        Some(calendar) => state_of(calendar, at),
        None => CoverageState::Open,
    }
}

/// When the state will be another; `None`: it stays so.
pub fn next_change(coverage: &Coverage, calendars: &BTreeMap<CalendarId, Calendar>, at: Instant) -> Option<Instant> {
    next_change_of(calendar_of(coverage, calendars)?, at)
}

/// When the hours are open next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    Now,
    At(Instant),
    /// Not any more.
    Never,
}

pub fn opening(coverage: &Coverage, calendars: &BTreeMap<CalendarId, Calendar>, at: Instant) -> Opening {
    let Some(calendar) = calendar_of(coverage, calendars) else { return Opening::Now };
    if state_of(calendar, at) == CoverageState::Open {
        return Opening::Now;
    }
    let mut change = next_change_of(calendar, at);
    while let Some(at) = change {
        if state_of(calendar, at) == CoverageState::Open {
            return Opening::At(at);
        }
        change = next_change_of(calendar, at);
    }
    Opening::Never
}

pub fn state_of(calendar: &Calendar, at: Instant) -> CoverageState {
    calendar.state(civil::reached(calendar.zone, at))
}

pub fn next_change_of(calendar: &Calendar, at: Instant) -> Option<Instant> {
    let begin = civil::reached(calendar.zone, at);
    let state = calendar.state(begin);
    // After the last holiday a week shows everything that will ever happen.
    let last_day = calendar.holidays.last().copied().into_iter().chain([begin.date()]).max()?;
    let end = midnight(last_day.checked_add_signed(TimeDelta::days(10))?);
    let mut time = calendar.next_edge(begin);
    while let Some(next) = time.filter(|next| *next < end) {
        if calendar.state(next) != state {
            return Some(civil::instant(calendar.zone, next));
        }
        time = calendar.next_edge(next);
    }
    None
}

fn calendar_of<'a>(coverage: &Coverage, calendars: &'a BTreeMap<CalendarId, Calendar>) -> Option<&'a Calendar> {
    match coverage {
        Coverage::Always => None,
        Coverage::Calendar(id) => calendars.get(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::{Days, WeeklyHours};
    use proptest::prelude::*;

    fn calendar(open: &[(&str, u16, u16)], holidays: &[&str]) -> Calendar {
        let hours = |(days, from, to): &(&str, u16, u16)| WeeklyHours {
            days: Days::parse(days).unwrap(),
            from_minute: from * 60,
            to_minute: to * 60,
        };
        Calendar {
            id: "office".parse().unwrap(),
            zone: chrono_tz::Europe::Berlin,
            open: open.iter().map(hours).collect(),
            holidays: holidays.iter().map(|day| day.parse().unwrap()).collect(),
        }
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    /// Each line: an instant, the state, and when it changes (empty: never).
    #[track_caller]
    fn check(calendar: &Calendar, cases: &[(&str, CoverageState, &str)]) {
        for (when, state, change) in cases {
            assert_eq!(state_of(calendar, at(when)), *state, "{when}");
            let expected = (!change.is_empty()).then(|| at(change));
            assert_eq!(next_change_of(calendar, at(when)), expected, "change after {when}");
        }
    }

    use CoverageState::{Closed, Holiday, Open};

    #[test]
    fn office_hours_close_at_night_at_weekends_and_on_holidays() {
        // Christmas 2026 is a Friday.
        check(
            &calendar(&[("Mon-Fri", 8, 18)], &["2026-12-25", "2026-12-26"]),
            &[
                ("2026-12-24T06:59:59Z", Closed, "2026-12-24T07:00:00Z"),
                ("2026-12-24T07:00:00Z", Open, "2026-12-24T17:00:00Z"),
                ("2026-12-24T17:00:00Z", Closed, "2026-12-24T23:00:00Z"),
                ("2026-12-25T12:00:00Z", Holiday, "2026-12-26T23:00:00Z"),
                ("2026-12-27T12:00:00Z", Closed, "2026-12-28T07:00:00Z"),
                ("2026-07-06T06:00:00Z", Open, "2026-07-06T16:00:00Z"),
            ],
        );
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        // 2026-10-03 is a Saturday.
        check(
            &calendar(&[("daily", 22, 6)], &["2026-10-03"]),
            &[
                ("2026-10-02T21:00:00Z", Open, "2026-10-02T22:00:00Z"),
                ("2026-10-02T23:00:00Z", Holiday, "2026-10-03T22:00:00Z"),
                ("2026-10-03T23:00:00Z", Closed, "2026-10-04T20:00:00Z"),
                ("2026-10-04T21:00:00Z", Open, "2026-10-05T04:00:00Z"),
            ],
        );
    }

    #[test]
    fn a_calendar_without_edges_never_changes() {
        check(&calendar(&[("daily", 0, 24)], &[]), &[("2026-10-02T21:00:00Z", Open, "")]);
        check(&calendar(&[], &[]), &[("2026-10-02T21:00:00Z", Closed, "")]);
        check(
            &calendar(&[("daily", 0, 24)], &["2029-01-01"]),
            &[("2026-10-02T21:00:00Z", Open, "2028-12-31T23:00:00Z")],
        );
    }

    #[test]
    fn the_next_opening_lies_behind_weekends_and_holidays() {
        let office = calendar(&[("Mon-Fri", 8, 18)], &["2026-12-25", "2026-12-28"]);
        let coverage = Coverage::Calendar(office.id.clone());
        let calendars = BTreeMap::from([(office.id.clone(), office.clone())]);
        for (given, expected) in [
            ("2026-12-24T12:00:00Z", Opening::Now),
            ("2026-12-24T17:00:00Z", Opening::At(at("2026-12-29T07:00:00Z"))),
            ("2026-12-25T12:00:00Z", Opening::At(at("2026-12-29T07:00:00Z"))),
            ("2026-12-29T06:59:59Z", Opening::At(at("2026-12-29T07:00:00Z"))),
            // The clock is put forward on the 28th of March 2027, a Sunday.
            ("2027-03-26T20:00:00Z", Opening::At(at("2027-03-29T06:00:00Z"))),
        ] {
            assert_eq!(opening(&coverage, &calendars, at(given)), expected, "{given}");
        }
        let never = BTreeMap::from([(office.id.clone(), calendar(&[], &["2026-12-25"]))]);
        assert_eq!(opening(&coverage, &never, at("2026-12-24T12:00:00Z")), Opening::Never);
        assert_eq!(opening(&Coverage::Always, &calendars, at("2026-12-25T12:00:00Z")), Opening::Now);
    }

    #[test]
    fn always_and_a_missing_calendar_are_open() {
        let none = BTreeMap::new();
        for coverage in [Coverage::Always, Coverage::Calendar("gone".parse().unwrap())] {
            assert_eq!(state(&coverage, &none, at("2026-12-25T03:00:00Z")), Open);
            assert_eq!(next_change(&coverage, &none, at("2026-12-25T03:00:00Z")), None);
        }
        let office = calendar(&[("Mon-Fri", 8, 18)], &[]);
        let calendars = BTreeMap::from([(office.id.clone(), office)]);
        let coverage = Coverage::Calendar("office".parse().unwrap());
        assert_eq!(state(&coverage, &calendars, at("2026-12-25T03:00:00Z")), Closed);
        assert_eq!(next_change(&coverage, &calendars, at("2026-12-25T03:00:00Z")), Some(at("2026-12-25T07:00:00Z")));
    }

    proptest! {
        #[test]
        fn the_state_holds_until_it_changes(minutes in 0i64..600_000, from in 0u16..24, to in 0u16..=24, part in 0.0..1.0f64) {
            let calendar = calendar(&[("Mon-Fri", from, to), ("Sun", to.min(23), from)], &["2026-03-29", "2026-10-25", "2026-05-01"]);
            let at = at("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
            let state = state_of(&calendar, at);
            if let Some(change) = next_change_of(&calendar, at) {
                prop_assert!(change > at);
                prop_assert_ne!(state_of(&calendar, change), state);
                #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "some days of milliseconds")]
                let between = at + TimeDelta::milliseconds(((change - at).num_milliseconds() as f64 * part) as i64);
                prop_assert_eq!(state_of(&calendar, between), state);
            }
        }
    }
}
