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
    /// A stand-in is not stood in for, so that two people can swap. One who does not come is as if the
    /// override were not there.
    pub fn comes(&self, person: &'a PersonId, now: &mut Moment) -> Comes<'a> {
        if let Some((index, comes)) = self.stand_in(person, now) {
            let how = Covered::Override { index };
            return Comes::Person(comes, Some(Cover { absent: person.clone(), how }));
        }
        match self.or_substitute(person, now) {
            Comes::Person(substitute, cover) if cover.is_some() => {
                let comes = self.stand_in(substitute, now).map_or(substitute, |(_, comes)| comes);
                Comes::Person(comes, cover)
            }
            comes => comes,
        }
    }

    fn stand_in(&self, person: &PersonId, now: &mut Moment) -> Option<(usize, &'a PersonId)> {
        let (index, Move::To(other)) = self.overrides.move_of(person)? else { return None };
        match self.or_substitute(other, now) {
            Comes::Person(comes, _) => Some((index, comes)),
            Comes::Absent(_) | Comes::Removed => None,
        }
    }

    /// The person, or the substitute, or the substitute's substitute.
    fn or_substitute(&self, person: &'a PersonId, now: &mut Moment) -> Comes<'a> {
        let (mut comes, mut cover, mut why) = (person, None, AbsenceReason::Other);
        for step in 0..STEPS_MAX {
            if let Some((_, Move::Off)) = self.overrides.move_of(comes) {
                return Comes::Removed;
            }
            let Some(Absence { reason, substitute, .. }) = self.absence(comes, now) else {
                return Comes::Person(comes, cover);
            };
            if step == 0 {
                why = *reason;
                cover = Some(Cover { absent: person.clone(), how: Covered::Substitute { reason: why } });
            }
            let Some(substitute) = substitute else { break };
            comes = substitute;
        }
        Comes::Absent(why)
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
