//! Who really comes when somebody's turn it is: stand-ins of overrides, absences and substitutes.
//! An absent person is never on call, by whatever word.

use chrono_tz::Tz;

use super::{
    Around, Cover, Covered, Schedule,
    moment::Moment,
    overrides::{InForce, Move},
};
use crate::model::{
    id::PersonId,
    person::{Absence, AbsenceReason},
};

/// Whoever comes, and for whom.
pub enum Comes<'a> {
    Person(&'a PersonId, Option<Cover>),
    /// Absent, with nobody named who is there.
    Absent(AbsenceReason),
    /// Taken off by an override.
    Removed,
}

/// More people than can be named in turn are a mistake.
const STEPS_MAX: usize = 8;

pub struct Attendance<'a> {
    pub schedule: &'a Schedule,
    pub around: Around<'a>,
    pub overrides: InForce<'a>,
}

impl<'a> Attendance<'a> {
    pub fn comes(&self, person: &'a PersonId, now: &mut Moment) -> Comes<'a> {
        match (self.overrides.move_of(person), self.chain(person, true, now)) {
            // Where the stand-in is absent as well, the override is as if it were not there.
            (Some((_, Move::To(_))), Comes::Absent(_)) => self.chain(person, false, now),
            (Some(_) | None, comes) => comes,
        }
    }

    /// An override moves only once, so that two people can swap.
    fn chain(&self, person: &'a PersonId, may_move: bool, now: &mut Moment) -> Comes<'a> {
        let (mut comes, mut may_move) = (person, may_move);
        let mut cover = None;
        let mut absent = None;
        for _ in 0..STEPS_MAX {
            let away = self.absence(comes, now);
            let moved = self.overrides.move_of(comes);
            let (next, how) = match (moved, away) {
                (Some((_, Move::Off)), _) => return Comes::Removed,
                (Some((index, Move::To(person))), _) if may_move => {
                    may_move = false;
                    (Some(person), Covered::Override { index })
                }
                (Some(_) | None, Some(away)) => {
                    absent = absent.or(Some(away.reason));
                    (away.substitute.as_ref(), Covered::Substitute { reason: away.reason })
                }
                (Some(_) | None, None) => return Comes::Person(comes, cover),
            };
            let Some(next) = next else { break };
            cover = cover.or_else(|| Some(Cover { absent: person.clone(), how }));
            comes = next;
        }
        Comes::Absent(absent.unwrap_or(AbsenceReason::Other))
    }

    fn absence(&self, person: &PersonId, now: &mut Moment) -> Option<&'a Absence> {
        let here = self.schedule.absences.iter().filter(|(absent, _)| absent == person).map(|(_, absence)| absence);
        let of_person = self.around.people.get(person);
        latest(here, self.schedule.zone, now)
            .or_else(|| of_person.and_then(|person| latest(person.absences.iter(), person.zone, now)))
    }
}

/// The one in force that was declared last; notes when any begins or ends.
fn latest<'a>(
    absences: impl DoubleEndedIterator<Item = &'a Absence>,
    zone: Tz,
    now: &mut Moment,
) -> Option<&'a Absence> {
    absences.rev().find(|absence| now.is_within(zone, absence.from, absence.until))
}
