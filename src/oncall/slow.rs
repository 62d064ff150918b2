//! A second calculator for tests only: it walks minute by minute, watches the wall clock, and
//! steps every rotation from its start. Obvious and slow; the real one must agree with it.

use chrono::{Datelike, Months, NaiveDateTime, TimeDelta};
use chrono_tz::{America, Asia, Australia, Europe, Pacific, Tz};
use proptest::prelude::*;

use super::{Every, Hole, Layer, Override, Schedule, holes, shifts, who};
use crate::model::{
    Instant,
    calendar::{Days, WeeklyHours},
};

/// Who is on call in each minute of `[from, to)`.
fn minute_by_minute(schedule: &Schedule, from: Instant, to: Instant) -> Vec<Option<String>> {
    let shown_at = |at: Instant| at.with_timezone(&schedule.zone).naive_local();
    let mut rotations: Vec<Rotation> =
        schedule.layers.iter().map(|layer| Rotation::new(layer, schedule.zone)).collect();
    // The hands of the clock may go back, what they have shown stays shown; two days before the
    // range are enough to know.
    let mut at = from - TimeDelta::days(2);
    let mut shown = shown_at(at);
    let mut answers = Vec::new();
    while at < to {
        shown = shown.max(shown_at(at));
        for rotation in &mut rotations {
            rotation.step(at, shown);
        }
        if at >= from {
            let replaced = schedule.overrides.iter().rev().find(|over| over.from <= shown && shown < over.until);
            let layered = || rotations.iter().rev().find_map(|rotation| rotation.on_call(shown));
            answers.push(replaced.map(|over| over.person.to_string()).or_else(layered));
        }
        at += TimeDelta::minutes(1);
    }
    answers
}

struct Rotation<'a> {
    layer: &'a Layer,
    start: Instant,
    handoffs: u32,
}

impl<'a> Rotation<'a> {
    fn new(layer: &'a Layer, zone: Tz) -> Self {
        // The first minute in which the wall clock shows the start or something later.
        let mut start = layer.start.and_utc() - TimeDelta::hours(26);
        while start.with_timezone(&zone).naive_local() < layer.start {
            start += TimeDelta::minutes(1);
        }
        Self { layer, start, handoffs: 0 }
    }

    fn step(&mut self, at: Instant, shown: NaiveDateTime) {
        while self.comes(self.handoffs + 1, at, shown) {
            self.handoffs += 1;
        }
    }

    fn comes(&self, handoff: u32, at: Instant, shown: NaiveDateTime) -> bool {
        let start = self.layer.start;
        match self.layer.every {
            Every::Hours(every) => self.start + TimeDelta::hours(i64::from(handoff * every)) <= at,
            Every::Days(every) => start + TimeDelta::days(i64::from(handoff * every)) <= shown,
            Every::Weeks(every) => start + TimeDelta::weeks(i64::from(handoff * every)) <= shown,
            Every::Months(every) => start + Months::new(handoff * every) <= shown,
        }
    }

    fn on_call(&self, shown: NaiveDateTime) -> Option<String> {
        let open = |hours: &WeeklyHours| {
            let minute_of = |days_ago: i64| {
                let since = shown - (shown.date() - TimeDelta::days(days_ago)).and_hms_opt(0, 0, 0).unwrap();
                let day = (shown.date() - TimeDelta::days(days_ago)).weekday();
                hours.days.contains(day).then(|| since.num_minutes())
            };
            let (from, to) = (i64::from(hours.from_minute), i64::from(hours.to_minute));
            let to = if to <= from { to + 1_440 } else { to };
            [0, 1].into_iter().filter_map(minute_of).any(|minute| from <= minute && minute < to)
        };
        if shown < self.layer.start || !(self.layer.only.is_empty() || self.layer.only.iter().any(open)) {
            return None;
        }
        let turn = self.handoffs as usize % self.layer.people.len();
        Some(self.layer.people[turn].to_string())
    }
}

/// A zone, and days around which something odd happens there.
fn zone_and_day() -> impl Strategy<Value = (Tz, &'static str)> {
    prop::sample::select(vec![
        (Europe::Berlin, "2026-03-29"),
        (Europe::Berlin, "2026-10-25"),
        (Europe::Berlin, "2028-02-29"),
        (America::New_York, "2026-03-08"),
        (America::New_York, "2026-11-01"),
        // Changed at one minute past midnight, so the date itself went back.
        (America::St_Johns, "2010-11-07"),
        (America::Sao_Paulo, "2018-11-04"),
        (America::Sao_Paulo, "2019-02-17"),
        (Australia::Lord_Howe, "2026-04-05"),
        (Australia::Lord_Howe, "2026-10-04"),
        (Asia::Kathmandu, "2026-12-31"),
        (Pacific::Apia, "2011-12-30"),
    ])
}

fn some_hours() -> impl Strategy<Value = WeeklyHours> {
    let days = prop::sample::select(vec!["daily", "Mon-Fri", "Sat,Sun", "Sun", "Fri-Mon", "Wed"]);
    // Around the hours in which clocks change, and anywhere else.
    let minute = || prop_oneof![(0u16..=8).prop_map(|half| half * 30), (0u16..=96).prop_map(|quarter| quarter * 15)];
    (days, minute(), minute()).prop_map(|(days, from_minute, to_minute)| WeeklyHours {
        days: Days::parse(days).unwrap(),
        from_minute,
        to_minute,
    })
}

fn some_layer(day: &'static str) -> impl Strategy<Value = Layer> {
    let every = prop_oneof![
        (1u32..30).prop_map(Every::Hours),
        (1u32..4).prop_map(Every::Days),
        (1u32..3).prop_map(Every::Weeks),
        (1u32..14).prop_map(Every::Months),
    ];
    let people = prop::collection::vec(prop::sample::select(vec!["anna", "ben", "cem", "dora"]), 1..5);
    let only = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(some_hours(), 1..4)];
    (people, -900i64..15, 0i64..288, every, only).prop_map(move |(people, days, five_minutes, every, only)| Layer {
        people: people.iter().map(|person| person.parse().unwrap()).collect(),
        start: civil(day) + TimeDelta::days(days) + TimeDelta::minutes(five_minutes * 5),
        every,
        only,
    })
}

fn some_override(day: &'static str) -> impl Strategy<Value = Override> {
    (prop::sample::select(vec!["eve", "finn"]), -288i64..288, 0i64..400).prop_map(move |(person, from, length)| {
        let from = civil(day) + TimeDelta::minutes(from * 10);
        Override { person: person.parse().unwrap(), from, until: from + TimeDelta::minutes(length * 10) }
    })
}

fn some_schedule() -> impl Strategy<Value = (Schedule, &'static str)> {
    zone_and_day().prop_flat_map(|(zone, day)| {
        let layers = prop::collection::vec(some_layer(day), 1..4);
        let overrides = prop::collection::vec(some_override(day), 0..3);
        (layers, overrides).prop_map(move |(layers, overrides)| {
            (Schedule { id: "primary".parse().unwrap(), zone, layers, overrides }, day)
        })
    })
}

fn civil(day: &str) -> NaiveDateTime {
    format!("{day}T00:00:00").parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_calculators_agree_in_every_minute((schedule, day) in some_schedule()) {
        let from = civil(day).and_utc() - TimeDelta::days(4);
        let to = from + TimeDelta::days(8);
        let told = shifts(&schedule, from, to);
        let mut minute = from;
        for expected in minute_by_minute(&schedule, from, to) {
            let on_call = who(&schedule, minute);
            let person = on_call.people.first().map(|on_duty| on_duty.person.to_string());
            prop_assert_eq!(&person, &expected, "at {}", minute);
            let shift = told.iter().find(|shift| shift.from <= minute && minute < shift.to);
            prop_assert_eq!(&shift.map(|shift| shift.person.to_string()), &expected, "shift at {}", minute);
            minute += TimeDelta::minutes(1);
        }
    }

    #[test]
    fn shifts_and_holes_tile_the_range((schedule, day) in some_schedule(), days in 1i64..60) {
        let from = civil(day).and_utc() - TimeDelta::days(days);
        let to = civil(day).and_utc() + TimeDelta::days(days);
        let mut parts: Vec<(Instant, Instant)> = shifts(&schedule, from, to).iter().map(|shift| (shift.from, shift.to)).collect();
        parts.extend(holes(&schedule, from, to).iter().map(|Hole { from, to }| (*from, *to)));
        parts.sort_unstable();
        prop_assert_eq!(parts.first().map(|part| part.0), Some(from));
        prop_assert_eq!(parts.last().map(|part| part.1), Some(to));
        prop_assert!(parts.windows(2).all(|pair| pair[0].1 == pair[1].0));
        prop_assert!(parts.iter().all(|part| part.0 < part.1));
    }

    #[test]
    fn asked_in_pieces_the_answer_is_the_same((schedule, day) in some_schedule(), cut_minutes in 1i64..11_519) {
        let from = civil(day).and_utc() - TimeDelta::days(4);
        let (cut, to) = (from + TimeDelta::minutes(cut_minutes), from + TimeDelta::days(8));
        let person_at = |parts: &[super::Shift], at: Instant| {
            parts.iter().find(|shift| shift.from <= at && at < shift.to).map(|shift| shift.person.clone())
        };
        let whole = shifts(&schedule, from, to);
        let mut pieces = shifts(&schedule, from, cut);
        pieces.extend(shifts(&schedule, cut, to));
        for edge in whole.iter().chain(&pieces).flat_map(|shift| [shift.from, shift.to]).filter(|edge| *edge < to) {
            prop_assert_eq!(person_at(&whole, edge), person_at(&pieces, edge), "at {}", edge);
        }
    }

    #[test]
    fn the_answer_stays_until_it_says_it_may_change((schedule, day) in some_schedule(), minutes in 0i64..11_520) {
        let at = civil(day).and_utc() - TimeDelta::days(4) + TimeDelta::minutes(minutes);
        let answer = who(&schedule, at);
        let until = answer.until.unwrap_or(at + TimeDelta::days(400));
        prop_assert!(until > at);
        for part in 0..20 {
            let between = at + (until - at) / 20 * part;
            prop_assert_eq!(&who(&schedule, between).people, &answer.people, "at {}", between);
        }
    }
}
