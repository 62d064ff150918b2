//! The written rules as tables, and properties against a second calculator. Here: how both are written.

mod agree; // both calculators, on random schedules
mod clock; // gaps, folds, month ends, weekday handoffs
mod people; // groups, overrides, absences, temporary schedules
mod random; // schedules by chance
mod slow; // the second calculator
mod windows; // restrictions, and rotations that wait for duty

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::*;
use crate::model::{
    Instant,
    calendar::{Days, WeeklyHours},
    civil,
    id::CalendarId,
    person::{Absence, AbsenceReason},
};

/// Calendars and people, as a directory has them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    pub calendars: BTreeMap<CalendarId, Calendar>,
    pub people: BTreeMap<PersonId, Person>,
}

impl World {
    fn around(&self) -> Around<'_> {
        Around { calendars: &self.calendars, people: &self.people }
    }

    fn with_calendar(mut self, id: &str, zone: Tz, open: Vec<WeeklyHours>, holidays: &[&str]) -> Self {
        let holidays = holidays.iter().map(|day| day.parse().unwrap()).collect();
        let calendar = Calendar { id: id.parse().unwrap(), zone, open, holidays };
        self.calendars.insert(calendar.id.clone(), calendar);
        self
    }

    fn with_absences(mut self, id: &str, zone: Tz, absences: Vec<Absence>) -> Self {
        let person = Person {
            id: id.parse().unwrap(),
            name: id.to_owned(),
            zone,
            language: "en".parse().unwrap(),
            methods: Vec::new(),
            rules_high: Vec::new(),
            rules_low: Vec::new(),
            quiet: Vec::new(),
            shift_notice: None,
            absences,
        };
        self.people.insert(person.id.clone(), person);
        self
    }
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// `anna` alone, `ben+cem` together.
fn layer(people: &[&str], start: &str, handoffs: Handoffs) -> Layer {
    let place = |place: &&str| place.split('+').map(|person| person.parse().unwrap()).collect();
    let people = people.iter().map(place).collect();
    Layer { people, handoffs, ..Layer::weekly(Vec::new(), start.parse().unwrap()) }
}

fn every(people: &[&str], start: &str, every: Every) -> Layer {
    layer(people, start, Handoffs::Every(every))
}

fn hours(days: &str, from: u16, to: u16) -> WeeklyHours {
    WeeklyHours { days: Days::parse(days).unwrap(), from_minute: from * 60, to_minute: to * 60 }
}

fn during(days: &str, from: u16, to: u16) -> Window {
    Window { hours: Some(hours(days, from, to)), ..Window::default() }
}

fn by_calendar(id: &str, when: When) -> Window {
    Window { calendar: Some((id.parse().unwrap(), when)), ..Window::default() }
}

fn schedule(zone: Tz, layers: Vec<Layer>) -> Schedule {
    let roster = Roster { layers, ..Roster::default() };
    Schedule { id: "primary".parse().unwrap(), zone, roster, temporary: Vec::new(), absences: Vec::new() }
}

fn changed(change: Change, from: &str, until: &str) -> Override {
    Override { change, from: from.parse().unwrap(), until: until.parse().unwrap() }
}

fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

fn away(from: &str, until: &str, reason: AbsenceReason, substitute: Option<&str>) -> Absence {
    let substitute = substitute.map(person);
    Absence { from: from.parse().unwrap(), until: until.parse().unwrap(), reason, substitute }
}

fn names(answer: &OnCall) -> String {
    let people: Vec<&str> = answer.people.iter().map(|on_duty| on_duty.person.as_str()).collect();
    if people.is_empty() { "-".to_owned() } else { people.join("+") }
}

/// Each line: an instant, and who is on call (`-`: nobody).
#[track_caller]
fn check_in(world: &World, schedule: &Schedule, cases: &[(&str, &str)]) {
    for (when, expected) in cases {
        let answer = who(schedule, world.around(), at(when));
        assert_eq!(names(&answer), *expected, "{when}: {answer:?}");
        assert!(answer.until.is_none_or(|until| until > at(when)), "{when}: {answer:?}");
    }
}

#[track_caller]
fn check(schedule: &Schedule, cases: &[(&str, &str)]) {
    check_in(&World::default(), schedule, cases);
}

fn ask(schedule: &Schedule, when: &str) -> OnCall {
    who(schedule, Around::nothing(), at(when))
}
