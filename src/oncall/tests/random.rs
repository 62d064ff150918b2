//! Schedules by chance, dense with what is odd: around days on which clocks change, with calendars,
//! people and layers in different zones.

use chrono::{NaiveDateTime, TimeDelta};
use chrono_tz::{America, Asia, Australia, Europe, Pacific, Tz};
use proptest::prelude::*;

use super::*;

const NAMES: [&str; 6] = ["anna", "ben", "cem", "dora", "eve", "finn"];

/// A schedule, what is around it, and the odd day that it was made for.
#[derive(Debug, Clone)]
pub struct Case {
    pub schedule: Schedule,
    pub world: World,
    pub day: NaiveDateTime,
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

fn some_zone() -> impl Strategy<Value = Tz> {
    prop::sample::select(vec![
        Europe::Berlin,
        America::New_York,
        America::Sao_Paulo,
        Australia::Lord_Howe,
        Asia::Kathmandu,
        Pacific::Apia,
    ])
}

fn some_days() -> impl Strategy<Value = Days> {
    let days = prop::sample::select(vec!["daily", "Mon-Fri", "Sat,Sun", "Sun", "Fri-Mon", "Wed"]);
    days.prop_map(|days| Days::parse(days).unwrap())
}

/// Around the hours in which clocks change, and anywhere else.
fn some_minute() -> impl Strategy<Value = u16> {
    prop_oneof![(0u16..=8).prop_map(|half| half * 30), (0u16..=96).prop_map(|quarter| quarter * 15)]
}

fn some_hours() -> impl Strategy<Value = WeeklyHours> {
    let hours = |(days, from_minute, to_minute)| WeeklyHours { days, from_minute, to_minute };
    prop_oneof![
        3 => (some_days(), some_minute(), some_minute()).prop_map(hours),
        1 => some_days().prop_map(move |days| hours((days, 0, 1_440))),
    ]
}

fn some_date(day: NaiveDateTime) -> impl Strategy<Value = chrono::NaiveDate> {
    prop_oneof![(-4i64..5), (-400i64..400)].prop_map(move |days| (day + TimeDelta::days(days)).date())
}

fn some_window(day: NaiveDateTime) -> impl Strategy<Value = Window> {
    let calendar = prop::sample::select(vec!["office", "nights", "unknown"]);
    let calendar = (calendar, prop::sample::select(When::ALL.to_vec()));
    let dates = (prop::option::weighted(0.3, some_date(day)), prop::option::weighted(0.3, some_date(day)));
    (prop::option::weighted(0.7, some_hours()), dates, prop::option::weighted(0.4, calendar)).prop_map(
        |(hours, (first, last), calendar)| Window {
            hours,
            first,
            last,
            calendar: calendar.map(|(id, when)| (id.parse().unwrap(), when)),
        },
    )
}

fn some_handoffs() -> impl Strategy<Value = Handoffs> {
    let every = prop_oneof![
        (1u32..30).prop_map(Every::Hours),
        (1u32..6).prop_map(Every::Days),
        (1u32..3).prop_map(Every::Weeks),
        (1u32..14).prop_map(Every::Months),
    ];
    let weekly = prop::collection::vec((some_days(), some_minute()), 1..4);
    prop_oneof![
        2 => every.prop_map(Handoffs::Every),
        1 => weekly.prop_map(|times| Handoffs::Weekly(WeekTimes::new(times))),
    ]
}

fn some_person() -> impl Strategy<Value = PersonId> {
    prop::sample::select(NAMES.to_vec()).prop_map(person)
}

fn some_layer(day: NaiveDateTime) -> impl Strategy<Value = Layer> {
    let place = prop_oneof![
        4 => some_person().prop_map(|person| vec![person]),
        1 => prop::sample::subsequence(NAMES.to_vec(), 2..4).prop_map(|group| group.into_iter().map(person).collect()),
    ];
    let start = (-900i64..15, 0i64..288)
        .prop_map(move |(days, five_minutes)| day + TimeDelta::days(days) + TimeDelta::minutes(five_minutes * 5));
    let only = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(some_window(day), 1..4)];
    let except = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(some_window(day), 1..3)];
    let advance = prop::sample::select(vec![Advance::Always, Advance::OnDuty]);
    let zone = prop::option::weighted(0.3, some_zone());
    (prop::collection::vec(place, 1..5), zone, start, some_handoffs(), advance, only, except).prop_map(
        |(people, zone, start, handoffs, advance, only, except)| Layer {
            people,
            zone,
            start,
            handoffs,
            advance,
            only,
            except,
        },
    )
}

/// Some hours or days, near or anywhere within two years.
fn some_stretch(day: NaiveDateTime) -> impl Strategy<Value = (NaiveDateTime, NaiveDateTime)> {
    let from = prop_oneof![-288i64..288, -52_000i64..52_000];
    (from, 0i64..500).prop_map(move |(from, length)| {
        let from = day + TimeDelta::minutes(from * 10);
        (from, from + TimeDelta::minutes(length * 10))
    })
}

fn some_override(day: NaiveDateTime) -> impl Strategy<Value = Override> {
    let change = prop_oneof![
        some_person().prop_map(Change::Replace),
        some_person().prop_map(Change::Add),
        some_person().prop_map(Change::Remove),
        (some_person(), some_person())
            .prop_filter("two people", |(person, absent)| person != absent)
            .prop_map(|(person, absent)| Change::StandIn { person, absent }),
    ];
    (change, some_stretch(day)).prop_map(|(change, (from, until))| Override { change, from, until })
}

fn some_roster(day: NaiveDateTime, layers: std::ops::Range<usize>) -> impl Strategy<Value = Roster> {
    let combine = prop_oneof![2 => Just(Combine::Stack), 1 => Just(Combine::Add)];
    let overrides = prop_oneof![1 => Just(Vec::new()), 2 => prop::collection::vec(some_override(day), 1..5)];
    (combine, prop::collection::vec(some_layer(day), layers), overrides)
        .prop_map(|(combine, layers, overrides)| Roster { combine, layers, overrides })
}

fn some_absence(day: NaiveDateTime) -> impl Strategy<Value = Absence> {
    (some_stretch(day), prop::sample::select(AbsenceReason::ALL.to_vec()), prop::option::of(some_person()))
        .prop_map(|((from, until), reason, substitute)| Absence { from, until, reason, substitute })
}

fn some_world(day: NaiveDateTime) -> impl Strategy<Value = World> {
    let holidays = || prop::collection::btree_set(some_date(day), 0..12);
    let calendar = move || (some_zone(), prop::collection::vec(some_hours(), 1..4), holidays());
    let absences = || prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(some_absence(day), 1..3)];
    let people = prop::collection::vec((some_zone(), absences()), NAMES.len());
    (calendar(), calendar(), people).prop_map(|(office, nights, people)| {
        let mut world = World::default();
        for (id, (zone, open, holidays)) in [("office", office), ("nights", nights)] {
            world = world.with_calendar(id, zone, open, &[]);
            world.calendars.get_mut(&id.parse().unwrap()).unwrap().holidays = holidays;
        }
        let people = NAMES.into_iter().zip(people);
        people.fold(world, |world, (id, (zone, absences))| world.with_absences(id, zone, absences))
    })
}

pub fn some_case() -> impl Strategy<Value = Case> {
    zone_and_day().prop_flat_map(|(zone, day)| {
        let day: NaiveDateTime = format!("{day}T00:00:00").parse().unwrap();
        let temporary = (some_stretch(day), some_roster(day, 0..3)).prop_map(|((from, until), roster)| Temporary {
            from,
            until,
            roster,
        });
        let temporary = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(temporary, 1..3)];
        let absences = prop::collection::vec((some_person(), some_absence(day)), 0..2);
        (some_roster(day, 1..4), temporary, absences, some_world(day)).prop_map(
            move |(roster, temporary, absences, world)| {
                let id = "primary".parse().unwrap();
                Case { schedule: Schedule { id, zone, roster, temporary, absences }, world, day }
            },
        )
    })
}
