//! Civil time in a zone: when a wall clock reaches a time, on days with a gap and a fold as well.
//!
//! One rule carries everything: **a civil time has come as soon as the wall clock has shown it or
//! a later one.** So what falls into a gap happens at the first valid instant after it, what falls
//! into a fold happens at the first of the two, and civil times never change their order.
//! [`reached`] asks the rule for an instant, [`instant`] is its inverse.

use chrono::{MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{GapInfo, Tz};

use super::{Instant, calendar::WeeklyHours};

/// The instant at which `civil` comes in `zone`.
pub fn instant(zone: Tz, civil: NaiveDateTime) -> Instant {
    match zone.from_local_datetime(&civil) {
        MappedLocalTime::Single(only) => only.to_utc(),
        MappedLocalTime::Ambiguous(first, _) => first.to_utc(),
        MappedLocalTime::None => match GapInfo::new(&civil, &zone).and_then(|gap| gap.end) {
            Some(end) => end.to_utc(),
            // Beyond what the zone's table knows; UTC's offset is as good as any.
            None => civil.and_utc(),
        },
    }
}

/// The latest civil time that has come at `at`: what the wall clock shows, except in the second
/// pass of a fold, where everything that the first pass showed has come already.
pub fn reached(zone: Tz, at: Instant) -> NaiveDateTime {
    let shown = at.with_timezone(&zone).naive_local();
    if !was_put_back(zone, at) {
        return shown;
    }
    match zone.from_local_datetime(&shown) {
        MappedLocalTime::Ambiguous(first, second) if second == at => {
            fold_end(zone, first.to_utc(), at) - TimeDelta::nanoseconds(1)
        }
        MappedLocalTime::Ambiguous(..) | MappedLocalTime::Single(_) | MappedLocalTime::None => shown,
    }
}

/// Whether the clock has been put back within the time that the largest fold lasts, a day at the date
/// line: asked on the way to every answer, it must be cheap.
fn was_put_back(zone: Tz, at: Instant) -> bool {
    at.checked_sub_signed(TimeDelta::hours(26)).is_none_or(|before| offset_s(zone, before) > offset_s(zone, at))
}

fn offset_s(zone: Tz, at: Instant) -> i32 {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// What the wall clock would have shown at the transition between the two passes, had it gone on.
fn fold_end(zone: Tz, first: Instant, second: Instant) -> NaiveDateTime {
    let before = offset_s(zone, first);
    // Transitions fall on whole seconds; the smallest one with another offset is searched for.
    let (mut low, mut high) = (first.timestamp(), second.timestamp());
    while high - low > 1 {
        let middle = low.midpoint(high);
        match Instant::from_timestamp(middle, 0) {
            Some(at) if offset_s(zone, at) == before => low = middle,
            Some(_) | None => high = middle,
        }
    }
    let transition = Instant::from_timestamp(high, 0).unwrap_or(second);
    transition.naive_utc() + TimeDelta::seconds(i64::from(before))
}

/// The first moment of a civil day.
pub fn midnight(date: NaiveDate) -> NaiveDateTime {
    date.and_time(NaiveTime::MIN)
}

/// Whether `civil` lies in any of the hours.
pub fn within(hours: &[WeeklyHours], civil: NaiveDateTime) -> bool {
    spans_around(hours, civil).any(|(from, to)| from <= civil && civil < to)
}

/// Where hours begin or end next, after `civil`.
pub fn next_boundary(hours: &[WeeklyHours], civil: NaiveDateTime) -> Option<NaiveDateTime> {
    let mut next: Option<NaiveDateTime> = None;
    // A span may begin on the day before; a week later everything has come round again.
    for ahead in -1..=8 {
        let Some(date) = civil.date().checked_add_signed(TimeDelta::days(ahead)) else { continue };
        if next.is_some_and(|next| next <= midnight(date)) {
            break;
        }
        let boundaries = hours.iter().filter_map(|hours| hours.on(date)).flat_map(|(from, to)| [from, to]);
        next = boundaries.filter(|boundary| *boundary > civil).chain(next).min();
    }
    next
}

/// The spans that could hold `civil`: those which begin on its day or on the day before.
pub fn spans_around(
    hours: &[WeeklyHours],
    civil: NaiveDateTime,
) -> impl Iterator<Item = (NaiveDateTime, NaiveDateTime)> {
    let days = [civil.date().pred_opt(), Some(civil.date())];
    days.into_iter().flatten().flat_map(|date| hours.iter().filter_map(move |hours| hours.on(date)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::Days;
    use chrono_tz::{America, Asia, Australia, Europe, Pacific};

    fn civil(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn gaps_end_and_folds_begin_where_the_rule_says() {
        for (zone, given, expected) in [
            (Europe::Berlin, "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"),
            (Europe::Berlin, "2026-03-29T02:30:00", "2026-03-29T01:00:00Z"),
            (Europe::Berlin, "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
            (Europe::Berlin, "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
            (Europe::Berlin, "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"),
            (America::New_York, "2026-03-08T02:00:00", "2026-03-08T07:00:00Z"),
            (America::New_York, "2026-11-01T01:59:00", "2026-11-01T05:59:00Z"),
            (Australia::Lord_Howe, "2026-10-04T02:15:00", "2026-10-03T15:30:00Z"),
            (Australia::Lord_Howe, "2026-04-05T01:45:00", "2026-04-04T14:45:00Z"),
            (Asia::Kathmandu, "2026-01-01T00:00:00", "2025-12-31T18:15:00Z"),
            // Samoa had no 30 December 2011.
            (Pacific::Apia, "2011-12-30T12:00:00", "2011-12-30T10:00:00Z"),
            // Midnight did not exist.
            (America::Sao_Paulo, "2018-11-04T00:00:00", "2018-11-04T03:00:00Z"),
        ] {
            assert_eq!(instant(zone, civil(given)), at(expected), "{zone} {given}");
        }
    }

    #[test]
    fn the_second_pass_of_a_fold_has_seen_the_first() {
        let reached = |text: &str| reached(Europe::Berlin, at(text));
        assert_eq!(reached("2026-10-25T00:59:00Z"), civil("2026-10-25T02:59:00"));
        let end = civil("2026-10-25T03:00:00");
        assert_eq!(reached("2026-10-25T01:00:00Z"), end - TimeDelta::nanoseconds(1));
        assert_eq!(reached("2026-10-25T01:59:59Z"), end - TimeDelta::nanoseconds(1));
        assert_eq!(reached("2026-10-25T02:00:00Z"), end);
    }

    #[test]
    fn a_civil_time_has_come_exactly_from_its_instant_on() {
        let zones = [
            Europe::Berlin,
            America::New_York,
            America::St_Johns,
            Australia::Lord_Howe,
            Pacific::Apia,
            Asia::Kathmandu,
        ];
        for (zone, around) in zones.into_iter().flat_map(|zone| {
            [
                "2011-12-30T10:00:00Z",
                "2010-11-07T03:00:00Z",
                "2026-10-25T01:00:00Z",
                "2026-03-29T01:00:00Z",
                "2026-11-01T06:00:00Z",
                "2026-04-04T15:00:00Z",
                "2026-10-03T15:30:00Z",
            ]
            .map(|around| (zone, at(around)))
        }) {
            for minutes in (-2_000..2_000).step_by(15) {
                let shown = around.with_timezone(&zone).naive_local() + TimeDelta::minutes(minutes);
                let comes = instant(zone, shown);
                assert!(reached(zone, comes) >= shown, "{zone} {shown}");
                assert!(reached(zone, comes - TimeDelta::milliseconds(1)) < shown, "{zone} {shown}");
            }
        }
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
        // 2026-01-05 is a Monday.
        let night = [WeeklyHours { days: Days::parse("Mon").unwrap(), from_minute: 22 * 60, to_minute: 6 * 60 }];
        for (given, expected) in [
            ("2026-01-05T21:59:00", false),
            ("2026-01-05T22:00:00", true),
            ("2026-01-06T05:59:00", true),
            ("2026-01-06T06:00:00", false),
            ("2026-01-05T03:00:00", false),
        ] {
            assert_eq!(within(&night, civil(given)), expected, "{given}");
        }
        assert_eq!(next_boundary(&night, civil("2026-01-05T22:00:00")), Some(civil("2026-01-06T06:00:00")));
        assert_eq!(next_boundary(&night, civil("2026-01-06T06:00:00")), Some(civil("2026-01-12T22:00:00")));
        assert_eq!(next_boundary(&[], civil("2026-01-06T06:00:00")), None);
    }
}
