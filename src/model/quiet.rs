//! Hours in which a person is left in peace by what is of low urgency: weekly, in the person's zone, by the rule of
//! [`civil`]. What is due within them comes when they end, and the clock of a person's rules stands still meanwhile.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;

use super::{Instant, calendar::WeeklyHours, civil};

/// A week later everything has come round again.
const ROUND: TimeDelta = TimeDelta::days(8);
/// More stretches than rules of a year have.
const STRETCHES_MAX: usize = 4_000;

/// When the quiet at `at` ends. `None`: it is not quiet, or it never ends.
pub fn until(zone: Tz, hours: &[WeeklyHours], at: Instant) -> Option<Instant> {
    let begin = civil::reached(zone, at);
    if !civil::within(hours, begin) {
        return None;
    }
    boundary(hours, begin, false).map(|end| civil::instant(zone, end))
}

/// When `after` has passed outside the quiet hours, from `start` on.
pub fn awake_after(zone: Tz, hours: &[WeeklyHours], start: Instant, after: TimeDelta) -> Instant {
    let (mut at, mut left) = (start, after.max(TimeDelta::zero()));
    for _ in 0..STRETCHES_MAX {
        at = until(zone, hours, at).unwrap_or(at);
        let begin = boundary(hours, civil::reached(zone, at), true).map(|begin| civil::instant(zone, begin));
        let Some(begin) = begin.filter(|begin| *begin <= at + left) else { break };
        left -= begin - at;
        at = begin;
    }
    at + left
}

/// Whether no moment of a week is left.
pub fn is_always(hours: &[WeeklyHours]) -> bool {
    let monday = NaiveDate::from_ymd_opt(2026, 1, 5).map(civil::midnight);
    monday.is_some_and(|monday| civil::within(hours, monday) && boundary(hours, monday, false).is_none())
}

/// Where quiet (or its end) comes next after `civil`.
fn boundary(hours: &[WeeklyHours], civil: NaiveDateTime, quiet: bool) -> Option<NaiveDateTime> {
    let last = civil.checked_add_signed(ROUND)?;
    let mut time = civil;
    while let Some(next) = civil::next_boundary(hours, time).filter(|next| *next <= last) {
        if civil::within(hours, next) == quiet {
            return Some(next);
        }
        time = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Berlin;
    use proptest::prelude::*;

    use super::*;
    use crate::model::calendar::{Days, minute_of_day};

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn hours(given: &[(&str, &str, &str)]) -> Vec<WeeklyHours> {
        let one = |(days, from, to): &(&str, &str, &str)| WeeklyHours {
            days: Days::parse(days).unwrap(),
            from_minute: minute_of_day(from).unwrap(),
            to_minute: minute_of_day(to).unwrap(),
        };
        given.iter().map(one).collect()
    }

    #[test]
    fn a_night_is_quiet_until_the_morning() {
        let night = hours(&[("daily", "22:00", "07:00")]);
        for (given, expected) in [
            ("2026-01-05T20:59:59Z", None),
            ("2026-01-05T21:00:00Z", Some("2026-01-06T06:00:00Z")),
            ("2026-01-06T05:59:59Z", Some("2026-01-06T06:00:00Z")),
            ("2026-01-06T06:00:00Z", None),
        ] {
            assert_eq!(until(Berlin, &night, at(given)), expected.map(at), "{given}");
        }
        assert_eq!(until(Berlin, &[], at("2026-01-05T21:00:00Z")), None);
    }

    #[test]
    fn hours_that_touch_are_one_stretch() {
        let weekend = hours(&[("Mon-Fri", "20:00", "24:00"), ("Sat,Sun", "00:00", "24:00"), ("Mon", "00:00", "07:30")]);
        // From a Friday evening to the Monday.
        assert_eq!(until(Berlin, &weekend, at("2026-01-09T19:30:00Z")), Some(at("2026-01-12T06:30:00Z")));
    }

    #[test]
    fn a_gap_shortens_the_night_and_a_fold_ends_it_at_the_first_of_the_two() {
        let night = hours(&[("daily", "22:00", "02:30")]);
        assert_eq!(until(Berlin, &night, at("2026-03-28T22:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
        assert_eq!(until(Berlin, &night, at("2026-10-24T22:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(until(Berlin, &night, at("2026-10-25T01:10:00Z")), None, "the second pass has seen the end");
    }

    #[test]
    fn the_clock_of_rules_stands_still_while_it_is_quiet() {
        let night = hours(&[("daily", "22:00", "07:00")]);
        let passed = |start: &str, minutes| awake_after(Berlin, &night, at(start), TimeDelta::minutes(minutes));
        assert_eq!(passed("2026-01-05T20:50:00Z", 5), at("2026-01-05T20:55:00Z"));
        assert_eq!(passed("2026-01-05T20:58:00Z", 0), at("2026-01-05T20:58:00Z"));
        assert_eq!(passed("2026-01-05T20:58:00Z", 2), at("2026-01-06T06:00:00Z"), "22:00 is quiet itself");
        assert_eq!(passed("2026-01-05T20:58:00Z", 5), at("2026-01-06T06:03:00Z"));
        assert_eq!(passed("2026-01-05T23:00:00Z", 0), at("2026-01-06T06:00:00Z"));
        // 15 hours a day are left.
        assert_eq!(passed("2026-01-05T06:00:00Z", 16 * 60), at("2026-01-06T07:00:00Z"));
    }

    #[test]
    fn quiet_that_never_ends_is_none() {
        for always in
            [hours(&[("daily", "00:00", "24:00")]), hours(&[("daily", "08:00", "20:00"), ("daily", "19:00", "08:00")])]
        {
            assert!(is_always(&always));
            assert_eq!(until(Berlin, &always, at("2026-01-05T23:00:00Z")), None);
            let hour = TimeDelta::hours(30);
            assert_eq!(awake_after(Berlin, &always, at("2026-01-05T23:00:00Z"), hour), at("2026-01-07T05:00:00Z"));
        }
        assert!(!is_always(&hours(&[("daily", "00:00", "23:59")])));
        assert!(!is_always(&[]));
    }

    proptest! {
        #[test]
        fn nothing_comes_in_quiet_hours_or_before_its_time(
            minutes in 0i64..600_000, from in 0u16..1_440, to in 0u16..1_440, after in 0i64..4_000
        ) {
            prop_assume!(from != to);
            let hours = [WeeklyHours { days: Days::parse("Mon-Sat").unwrap(), from_minute: from, to_minute: to }];
            let start = at("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
            let comes = awake_after(Berlin, &hours, start, TimeDelta::minutes(after));
            prop_assert!(comes >= start + TimeDelta::minutes(after));
            prop_assert_eq!(until(Berlin, &hours, comes), None);
            prop_assert!(comes <= awake_after(Berlin, &hours, start, TimeDelta::minutes(after + 1)));
        }
    }
}
