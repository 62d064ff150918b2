//! Promise: who is on call now takes less than 2 µs for a schedule of three layers ten years after its
//! start, whatever its age; 10,000 schedules take less than 50 ms; a year of a schedule's shifts takes
//! less than 1 ms.
//!
//! The layers are what MSPs have: a weekly rotation of a group round the clock, nights and weekends
//! handed over on Mondays and Thursdays, office hours by a calendar in days that wait for duty, with
//! ten holidays a year; an override and some absences. Each instant is asked once, none is remembered.

#[path = "support/figures.rs"]
mod figures;
#[path = "support/run.rs"]
mod run;

use std::{collections::BTreeMap, hint::black_box, process::ExitCode};

use chrono::{NaiveDate, TimeDelta};
use figures::Spread;
use pikett::{
    clock::Stopwatch,
    model::{
        Instant,
        calendar::{Calendar, Days, WeeklyHours},
        id::{CalendarId, PersonId},
        person::{Absence, AbsenceReason, Person},
    },
    oncall::{
        Advance, Around, Change, Every, Handoffs, Layer, Override, Roster, Schedule, WeekTimes, When, Window, shifts,
        who,
    },
};

const SLICE_S: f64 = 0.5;
const SCHEDULES: usize = 10_000;

fn main() -> ExitCode {
    let Some(rounds) = run::rounds(10) else { return ExitCode::SUCCESS };
    let msp = Msp::new();
    println!("who is on call, one core, a schedule of three layers, by its age");
    let [young, old] = ["2026-02-01T00:00:00Z", "2036-02-01T00:00:00Z"].map(|at| {
        let spread = spread(rounds, || msp.microseconds_of_who(at.parse().expect("an instant")));
        println!("  at {}: {spread} µs", &at[..10]);
        spread
    });
    let who_kept = run::promise(old.median < 2.0, "below 2 µs ten years after the start");
    println!("  ten years cost {:.2} µs", old.median - young.median);
    let all = spread(rounds, || msp.milliseconds_of_all("2036-02-01T10:00:00Z".parse().expect("an instant")));
    println!("10,000 schedules\n  {all} ms");
    let all_kept = run::promise(all.median < 50.0, "below 50 ms");
    let year = spread(rounds, || msp.milliseconds_of_a_year("2036-02-01T00:00:00Z".parse().expect("an instant")));
    println!("a year of shifts\n  {year} ms");
    let year_kept = run::promise(year.median < 1.0, "below 1 ms");
    run::verdict(&[who_kept, all_kept, year_kept])
}

fn spread(rounds: usize, mut measure: impl FnMut() -> f64) -> Spread {
    Spread::of(&(0..rounds).map(|_| measure()).collect::<Vec<f64>>())
}

struct Msp {
    calendars: BTreeMap<CalendarId, Calendar>,
    people: BTreeMap<PersonId, Person>,
    schedules: Vec<Schedule>,
}

impl Msp {
    fn new() -> Self {
        let office = office();
        let people = (0..200).map(|n| person(n, (n % 10 == 0).then_some("2036-02-03T00:00:00")));
        Self {
            calendars: [(office.id.clone(), office)].into(),
            people: people.map(|person| (person.id.clone(), person)).collect(),
            schedules: (0..SCHEDULES).map(schedule).collect(),
        }
    }

    fn around(&self) -> Around<'_> {
        Around { calendars: &self.calendars, people: &self.people }
    }

    /// At instants over two weeks, so that each layer has its turn.
    fn microseconds_of_who(&self, from: Instant) -> f64 {
        let (schedule, around) = (&self.schedules[0], self.around());
        let (watch, mut asked) = (Stopwatch::start(), 0.0);
        while watch.seconds() < SLICE_S {
            for part in 0..1_000 {
                let answer = who(black_box(schedule), around, from + TimeDelta::seconds(1_209 * part));
                assert!(!black_box(answer).people.is_empty());
            }
            asked += 1_000.0;
        }
        watch.seconds() * 1e6 / asked
    }

    fn milliseconds_of_all(&self, at: Instant) -> f64 {
        let watch = Stopwatch::start();
        for schedule in &self.schedules {
            black_box(who(schedule, self.around(), at));
        }
        watch.seconds() * 1e3
    }

    fn milliseconds_of_a_year(&self, from: Instant) -> f64 {
        let (watch, mut years) = (Stopwatch::start(), 0.0);
        while watch.seconds() < SLICE_S {
            let told = shifts(&self.schedules[0], self.around(), from, from + TimeDelta::days(365));
            assert!(black_box(told).len() > 100);
            years += 1.0;
        }
        watch.seconds() * 1e3 / years
    }
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(word: &str) -> T {
    word.parse().expect("a plain word")
}

fn schedule(n: usize) -> Schedule {
    let start = "2026-01-05T09:00:00".parse().expect("a time");
    let people = |from: usize, count: usize| (from..from + count).map(|n| vec![id(&format!("p{}", n % 200))]).collect();
    let hours = |days: &str, from: u16, to: u16| Window {
        hours: Some(WeeklyHours { days: days_of(days), from_minute: from * 60, to_minute: to * 60 }),
        ..Window::default()
    };
    let base = Layer { people: vec![vec![id("p1"), id("p2")], vec![id("p3")]], ..Layer::weekly(Vec::new(), start) };
    let nights = Layer {
        people: people(n, 5),
        handoffs: Handoffs::Weekly(WeekTimes::new([(days_of("Mon,Thu"), 540)])),
        only: vec![hours("Mon-Fri", 18, 8), hours("Sat,Sun", 0, 24)],
        ..base.clone()
    };
    let by_calendar = Window { calendar: Some((id("office"), When::Open)), ..Window::default() };
    let office = Layer {
        people: people(n + 7, 4),
        handoffs: Handoffs::Every(Every::Days(1)),
        advance: Advance::OnDuty,
        only: vec![by_calendar],
        ..base.clone()
    };
    let given = Override {
        change: Change::Add(id("p9")),
        from: "2036-02-02T18:00:00".parse().expect("a time"),
        until: "2036-02-03T06:00:00".parse().expect("a time"),
    };
    let roster = Roster { layers: vec![base, nights, office], overrides: vec![given], ..Roster::default() };
    let (temporary, absences) = (Vec::new(), Vec::new());
    Schedule { id: id(&format!("s{n}")), zone: chrono_tz::Europe::Berlin, roster, temporary, absences }
}

fn days_of(days: &str) -> Days {
    Days::parse(days).expect("weekdays")
}

fn office() -> Calendar {
    let day = |year, day: u32| NaiveDate::from_yo_opt(year, 10 + day * 36).expect("a day");
    let holidays = (2026..2046).flat_map(|year| (0..10).map(move |n| day(year, n))).collect();
    let open = vec![WeeklyHours { days: days_of("Mon-Fri"), from_minute: 480, to_minute: 1_080 }];
    Calendar { id: id("office"), zone: chrono_tz::Europe::Berlin, open, holidays }
}

fn person(n: usize, away: Option<&str>) -> Person {
    let from = away.map(|from| from.parse().expect("a time"));
    let absence =
        |from| Absence { from, until: from + TimeDelta::days(5), reason: AbsenceReason::Holiday, substitute: None };
    Person {
        id: id(&format!("p{n}")),
        name: format!("Person {n}"),
        zone: chrono_tz::Europe::Berlin,
        language: id("de"),
        methods: Vec::new(),
        rules_high: Vec::new(),
        rules_low: Vec::new(),
        quiet: Vec::new(),
        shift_notice: None,
        absences: from.into_iter().map(absence).collect(),
    }
}
