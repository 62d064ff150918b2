//! Final shifts over a range: `who`, asked from change to change.

use super::{Around, OnCall, OnDuty, Schedule, Why, who};
use crate::model::{Instant, id::PersonId};

/// Somebody's stretch on call, as cut to the range that was asked for. A stretch with several
/// turns of one layer for the same person is one shift, and gives the reason of its first turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    pub person: PersonId,
    pub from: Instant,
    pub to: Instant,
    pub why: Why,
}

/// A stretch with nobody on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    pub from: Instant,
    pub to: Instant,
}

/// An instant at which others are on call than just before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handoff {
    pub at: Instant,
    pub before: Vec<OnDuty>,
    /// Empty: a hole begins.
    pub after: Vec<OnDuty>,
}

/// By their beginnings. Those of one person never overlap; what all of them leave open are exactly
/// the [`holes`].
pub fn shifts(schedule: &Schedule, around: Around, from: Instant, to: Instant) -> Vec<Shift> {
    let mut shifts: Vec<Shift> = Vec::new();
    // Where those stand that went on until now.
    let (mut open, mut still_open): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for (answer, from, to) in stretches(schedule, around, from, to) {
        for on_duty in answer.people {
            let is_same = |shift: &Shift| shift.person == on_duty.person && shift.why.same_source(&on_duty.why);
            if let Some(place) = open.iter().copied().find(|place| is_same(&shifts[*place])) {
                shifts[place].to = to;
                still_open.push(place);
            } else {
                still_open.push(shifts.len());
                shifts.push(Shift { person: on_duty.person, from, to, why: on_duty.why });
            }
        }
        std::mem::swap(&mut open, &mut still_open);
        still_open.clear();
    }
    shifts
}

pub fn holes(schedule: &Schedule, around: Around, from: Instant, to: Instant) -> Vec<Hole> {
    let mut holes: Vec<Hole> = Vec::new();
    for (_, from, to) in stretches(schedule, around, from, to).filter(|(answer, ..)| answer.people.is_empty()) {
        match holes.last_mut() {
            Some(last) if last.to == from => last.to = to,
            Some(_) | None => holes.push(Hole { from, to }),
        }
    }
    holes
}

/// After `from` and before `to`, in order: `take` the next ones.
pub fn handoffs(schedule: &Schedule, around: Around, from: Instant, to: Instant) -> impl Iterator<Item = Handoff> {
    let mut before: Option<Vec<OnDuty>> = None;
    stretches(schedule, around, from, to).filter_map(move |(answer, at, _)| {
        let after = answer.people;
        let before = before.replace(after.clone())?;
        let is_same =
            before.len() == after.len() && after.iter().all(|duty| before.iter().any(|old| old.person == duty.person));
        (!is_same).then_some(Handoff { at, before, after })
    })
}

fn stretches(
    schedule: &Schedule,
    around: Around,
    from: Instant,
    to: Instant,
) -> impl Iterator<Item = (OnCall, Instant, Instant)> {
    let mut next = from;
    std::iter::from_fn(move || {
        (next < to).then(|| {
            let begin = next;
            let answer = who(schedule, around, begin);
            next = answer.until.map_or(to, |until| until.min(to));
            (answer, begin, next)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::calendar::{Days, WeeklyHours},
        oncall::{Every, Handoffs, Layer, Roster, Window},
    };

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_is_cut_into_shifts_and_stated_holes() {
        let hours = |days, from_minute, to_minute| Window {
            hours: Some(WeeklyHours { days, from_minute, to_minute }),
            ..Window::default()
        };
        let people = ["anna", "anna", "ben"].map(|person| person.parse().unwrap()).to_vec();
        let layer = Layer {
            handoffs: Handoffs::Every(Every::Days(1)),
            only: vec![hours(Days::EVERY, 0, 720), hours(Days::parse("Fri").unwrap(), 720, 0)],
            ..Layer::weekly(people, "2026-03-27T00:00:00".parse().unwrap())
        };
        let schedule = Schedule {
            id: "primary".parse().unwrap(),
            zone: chrono_tz::Europe::Berlin,
            roster: Roster { layers: vec![layer], ..Roster::default() },
            temporary: Vec::new(),
            absences: Vec::new(),
        };
        let (from, to) = (at("2026-03-27T06:00:00Z"), at("2026-03-29T12:00:00Z"));
        let told: Vec<String> = shifts(&schedule, Around::nothing(), from, to)
            .iter()
            .map(|shift| format!("{} {}–{}", shift.person, shift.from.format("%d %H:%M"), shift.to.format("%d %H:%M")))
            .collect();
        // Anna's two turns are one shift; the 29th has an hour less.
        assert_eq!(told, ["anna 27 06:00–28 11:00", "ben 28 23:00–29 10:00"]);
        assert_eq!(
            holes(&schedule, Around::nothing(), from, to),
            [
                Hole { from: at("2026-03-28T11:00:00Z"), to: at("2026-03-28T23:00:00Z") },
                Hole { from: at("2026-03-29T10:00:00Z"), to },
            ]
        );
        assert!(shifts(&schedule, Around::nothing(), to, from).is_empty());
    }
}
