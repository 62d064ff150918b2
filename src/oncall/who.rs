//! The one calculator. It asks from the top downwards and stops at the first answer; what lies
//! below cannot matter until the answer changes.

use super::{
    OnCall, OnDuty, Schedule, Why,
    layer::{Moment, Soonest, turn},
};
use crate::model::Instant;

pub fn who(schedule: &Schedule, at: Instant) -> OnCall {
    let now = Moment::new(schedule.zone, at);
    let mut change = Soonest::default();
    let on_duty = by_override(schedule, now, &mut change).or_else(|| by_layer(schedule, now, &mut change));
    OnCall { people: on_duty.into_iter().collect(), until: change.in_zone(schedule.zone) }
}

fn by_override(schedule: &Schedule, now: Moment, change: &mut Soonest) -> Option<OnDuty> {
    for (index, replaced) in schedule.overrides.iter().enumerate().rev() {
        if replaced.until <= now.civil || replaced.until <= replaced.from {
            continue;
        }
        if now.civil < replaced.from {
            change.civil(Some(replaced.from));
            continue;
        }
        change.civil(Some(replaced.until));
        let why = Why::Override { schedule: schedule.id.clone(), index, from: replaced.from, until: replaced.until };
        return Some(OnDuty { person: replaced.person.clone(), why });
    }
    None
}

fn by_layer(schedule: &Schedule, now: Moment, change: &mut Soonest) -> Option<OnDuty> {
    schedule.layers.iter().enumerate().rev().find_map(|(index, layer)| {
        let turn = turn(layer, now, change)?;
        let why = Why::Layer { schedule: schedule.id.clone(), layer: index, turn, turns: layer.people.len() };
        Some(OnDuty { person: layer.people.get(turn)?.clone(), why })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::calendar::{Days, WeeklyHours},
        oncall::{Every, Layer, Override},
    };
    use chrono_tz::{America, Europe, Tz};

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn layer(people: &[&str], start: &str, every: Every) -> Layer {
        Layer {
            people: people.iter().map(|person| person.parse().unwrap()).collect(),
            start: start.parse().unwrap(),
            every,
            only: Vec::new(),
        }
    }

    fn hours(days: &str, from: u16, to: u16) -> WeeklyHours {
        WeeklyHours { days: Days::parse(days).unwrap(), from_minute: from * 60, to_minute: to * 60 }
    }

    fn schedule(zone: Tz, layers: Vec<Layer>) -> Schedule {
        Schedule { id: "primary".parse().unwrap(), zone, layers, overrides: Vec::new() }
    }

    fn replaced(person: &str, from: &str, until: &str) -> Override {
        Override { person: person.parse().unwrap(), from: from.parse().unwrap(), until: until.parse().unwrap() }
    }

    /// Each line: an instant, and who is on call (`-`: nobody).
    #[track_caller]
    fn check(schedule: &Schedule, cases: &[(&str, &str)]) {
        for (when, expected) in cases {
            let answer = who(schedule, at(when));
            let person = answer.people.first().map_or("-", |on_duty| on_duty.person.as_str());
            assert_eq!(person, *expected, "{when}: {answer:?}");
            assert!(answer.until.is_none_or(|until| until > at(when)), "{when}: {answer:?}");
        }
    }

    #[test]
    fn a_week_hands_over_at_the_same_civil_time_in_summer_and_winter() {
        let primary =
            schedule(Europe::Berlin, vec![layer(&["anna", "ben", "cem"], "2026-01-05T09:00:00", Every::Weeks(1))]);
        check(
            &primary,
            &[
                ("2026-01-05T07:59:59Z", "-"),
                ("2026-01-05T08:00:00Z", "anna"),
                ("2026-01-12T07:59:59Z", "anna"),
                ("2026-01-12T08:00:00Z", "ben"),
                ("2026-07-06T06:59:59Z", "ben"),
                ("2026-07-06T07:00:00Z", "cem"),
            ],
        );
        assert_eq!(who(&primary, at("2026-03-25T12:00:00Z")).until, Some(at("2026-03-30T07:00:00Z")));
        assert_eq!(who(&primary, at("2025-12-01T00:00:00Z")).until, Some(at("2026-01-05T08:00:00Z")));
    }

    #[test]
    fn a_handoff_in_a_gap_happens_after_it_and_one_in_a_fold_at_the_first() {
        let daily = schedule(Europe::Berlin, vec![layer(&["anna", "ben"], "2026-03-27T02:30:00", Every::Days(1))]);
        check(
            &daily,
            &[
                ("2026-03-29T00:59:59Z", "ben"),
                ("2026-03-29T01:00:00Z", "anna"),
                ("2026-03-30T00:29:59Z", "anna"),
                ("2026-03-30T00:30:00Z", "ben"),
                ("2026-10-25T00:29:59Z", "ben"),
                ("2026-10-25T00:30:00Z", "anna"),
                ("2026-10-25T01:15:00Z", "anna"),
                ("2026-10-25T01:30:00Z", "anna"),
                ("2026-10-26T01:30:00Z", "ben"),
            ],
        );
        assert_eq!(who(&daily, at("2026-03-29T00:30:00Z")).until, Some(at("2026-03-29T01:00:00Z")));
        assert_eq!(who(&daily, at("2026-10-25T01:15:00Z")).until, Some(at("2026-10-26T01:30:00Z")));
    }

    #[test]
    fn hours_are_elapsed_time() {
        let primary = schedule(Europe::Berlin, vec![layer(&["anna", "ben"], "2026-03-28T20:00:00", Every::Hours(12))]);
        check(
            &primary,
            &[("2026-03-29T06:59:59Z", "anna"), ("2026-03-29T07:00:00Z", "ben"), ("2026-03-29T19:00:00Z", "anna")],
        );
    }

    #[test]
    fn a_month_from_the_31st_ends_on_the_last_day_and_does_not_drift() {
        let monthly =
            schedule(Europe::Berlin, vec![layer(&["anna", "ben", "cem"], "2027-12-31T12:00:00", Every::Months(1))]);
        check(
            &monthly,
            &[
                ("2028-01-31T10:59:59Z", "anna"),
                ("2028-01-31T11:00:00Z", "ben"),
                // 2028 is a leap year.
                ("2028-02-29T10:59:59Z", "ben"),
                ("2028-02-29T11:00:00Z", "cem"),
                ("2028-03-31T09:59:59Z", "cem"),
                ("2028-03-31T10:00:00Z", "anna"),
                ("2028-04-30T09:59:59Z", "anna"),
                ("2028-04-30T10:00:00Z", "ben"),
                ("2028-05-31T09:59:59Z", "ben"),
                ("2028-05-31T10:00:00Z", "cem"),
            ],
        );
        let yearly = schedule(Europe::Berlin, vec![layer(&["anna", "ben"], "2024-02-29T00:00:00", Every::Months(12))]);
        check(
            &yearly,
            &[
                ("2025-02-27T22:59:59Z", "anna"),
                ("2025-02-27T23:00:00Z", "ben"),
                ("2028-02-28T22:59:59Z", "ben"),
                ("2028-02-28T23:00:00Z", "anna"),
            ],
        );
    }

    #[test]
    fn one_person_stays_on_call_for_ever_and_an_empty_layer_has_nobody() {
        let alone = schedule(America::New_York, vec![layer(&["anna"], "2026-01-05T09:00:00", Every::Weeks(1))]);
        check(&alone, &[("2036-01-05T14:00:00Z", "anna")]);
        assert_eq!(who(&alone, at("2036-01-05T14:00:00Z")).until, None);
        let empty = schedule(America::New_York, vec![layer(&[], "2026-01-05T09:00:00", Every::Weeks(1))]);
        assert_eq!(who(&empty, at("2036-01-05T14:00:00Z")), OnCall::nobody());
    }

    #[test]
    fn the_topmost_layer_with_somebody_wins() {
        let mut day = layer(&["day"], "2026-01-05T00:00:00", Every::Weeks(1));
        day.only = vec![hours("Mon-Fri", 8, 18)];
        let night = layer(&["anna", "ben"], "2026-01-05T09:00:00", Every::Weeks(1));
        let both = schedule(Europe::Berlin, vec![night, day]);
        check(
            &both,
            &[
                ("2026-01-05T07:30:00Z", "day"),
                ("2026-01-05T17:00:00Z", "anna"),
                ("2026-01-10T11:00:00Z", "anna"),
                ("2026-01-12T06:59:00Z", "anna"),
                ("2026-01-12T07:00:00Z", "day"),
                ("2026-01-12T17:00:00Z", "ben"),
            ],
        );
        // What is hidden below does not shorten the answer: the handoff at 09:00 is not seen.
        assert_eq!(who(&both, at("2026-01-12T07:30:00Z")).until, Some(at("2026-01-12T17:00:00Z")));
    }

    #[test]
    fn a_restriction_over_midnight_keeps_its_hours_on_the_night_of_the_change() {
        let mut nights = layer(&["anna"], "2026-01-01T00:00:00", Every::Weeks(1));
        nights.only = vec![hours("Sat", 22, 6)];
        check(
            &schedule(Europe::Berlin, vec![nights]),
            &[
                ("2026-03-28T20:59:59Z", "-"),
                ("2026-03-28T21:00:00Z", "anna"),
                ("2026-03-29T03:59:59Z", "anna"),
                ("2026-03-29T04:00:00Z", "-"),
                ("2026-10-24T20:00:00Z", "anna"),
                ("2026-10-25T04:59:59Z", "anna"),
                ("2026-10-25T05:00:00Z", "-"),
            ],
        );
    }

    #[test]
    fn a_restriction_that_ends_in_a_fold_ends_once() {
        let mut early = layer(&["anna"], "2026-01-01T00:00:00", Every::Weeks(1));
        early.only = vec![WeeklyHours { days: Days::EVERY, from_minute: 0, to_minute: 150 }];
        check(
            &schedule(Europe::Berlin, vec![early]),
            &[("2026-10-25T00:29:59Z", "anna"), ("2026-10-25T00:30:00Z", "-"), ("2026-10-25T01:15:00Z", "-")],
        );
    }

    #[test]
    fn overrides_beat_layers_and_the_last_declared_wins() {
        let mut primary = schedule(Europe::Berlin, vec![layer(&["anna"], "2026-01-05T09:00:00", Every::Weeks(1))]);
        primary.overrides = vec![
            replaced("ben", "2026-03-28T18:00:00", "2026-03-30T09:00:00"),
            replaced("cem", "2026-03-29T00:00:00", "2026-03-29T12:00:00"),
            replaced("dora", "2026-03-29T11:00:00", "2026-03-29T11:00:00"),
        ];
        check(
            &primary,
            &[
                ("2026-03-28T16:59:59Z", "anna"),
                ("2026-03-28T17:00:00Z", "ben"),
                ("2026-03-28T23:00:00Z", "cem"),
                ("2026-03-29T09:00:00Z", "cem"),
                ("2026-03-29T10:00:00Z", "ben"),
                ("2026-03-30T07:00:00Z", "anna"),
            ],
        );
        assert_eq!(who(&primary, at("2026-03-28T18:00:00Z")).until, Some(at("2026-03-28T23:00:00Z")));
        assert_eq!(
            who(&primary, at("2026-03-29T05:00:00Z")).people[0].why.to_string(),
            "an override of schedule primary from 2026-03-29 00:00 until 2026-03-29 12:00"
        );
    }

    #[test]
    fn the_reason_names_the_layer_and_the_turn() {
        let primary = schedule(Europe::Berlin, vec![layer(&["anna", "ben"], "2026-01-05T09:00:00", Every::Days(2))]);
        let why = &who(&primary, at("2026-01-08T12:00:00Z")).people[0].why;
        assert_eq!(why.to_string(), "layer 1 of schedule primary, turn 2 of 2");
    }

    #[test]
    fn absurd_rotations_are_answered_too() {
        for every in [
            Every::Hours(u32::MAX),
            Every::Days(u32::MAX),
            Every::Weeks(u32::MAX),
            Every::Months(u32::MAX),
            Every::Days(0),
        ] {
            let primary = schedule(Europe::Berlin, vec![layer(&["anna", "ben"], "2026-01-05T09:00:00", every)]);
            assert_eq!(who(&primary, at("2026-01-05T12:00:00Z")).people.len(), 1, "{every:?}");
        }
    }
}
