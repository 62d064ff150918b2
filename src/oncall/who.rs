//! The one calculator. It asks from the top downwards and stops at the first answer; what lies
//! below cannot matter until the answer changes.

use super::{
    Around, Combine, OnCall, OnDuty, Roster, Schedule, Source, Stretch, Why,
    absent::{Attendance, Comes},
    layer::{join, on_call},
    moment::Moment,
    overrides::InForce,
};
use crate::model::{Instant, id::PersonId};

pub fn who(schedule: &Schedule, around: Around, at: Instant) -> OnCall {
    let mut now = Moment::new(at);
    let (roster, temporary) = roster(schedule, &mut now);
    let overrides = InForce::at(roster, schedule.zone, &mut now);
    let asked = Asked { roster, temporary, attendance: Attendance { schedule, around, overrides } };
    let people = asked.people(&mut now);
    OnCall { people, until: now.next() }
}

/// The layers and overrides that count.
fn roster<'a>(schedule: &'a Schedule, now: &mut Moment) -> (&'a Roster, Option<Stretch>) {
    for (index, temporary) in schedule.temporary.iter().enumerate().rev() {
        let (from, until) = (temporary.from, temporary.until);
        if now.is_within(schedule.zone, from, until) {
            return (&temporary.roster, Some(Stretch { index, from, until }));
        }
    }
    (&schedule.roster, None)
}

struct Asked<'a> {
    roster: &'a Roster,
    temporary: Option<Stretch>,
    attendance: Attendance<'a>,
}

impl Asked<'_> {
    fn people(&self, now: &mut Moment) -> Vec<OnDuty> {
        let mut people = Vec::new();
        let overrides = &self.attendance.overrides;
        if let Some((index, person)) = overrides.replaces {
            self.named(person, Source::Replaced(self.stretch(index)), now, &mut people);
        }
        // An override of whom nobody comes is as if it were not there.
        if people.is_empty() {
            self.layers(now, &mut people);
        }
        for (index, person) in &overrides.adds {
            self.named(person, Source::Added(self.stretch(*index)), now, &mut people);
        }
        people
    }

    fn layers(&self, now: &mut Moment, people: &mut Vec<OnDuty>) {
        for (index, layer) in self.roster.layers.iter().enumerate().rev() {
            on_call(layer, (index, self.temporary), &self.attendance, now, people);
            match self.roster.combine {
                Combine::Stack if !people.is_empty() => return,
                Combine::Stack | Combine::Add => {}
            }
        }
    }

    /// Whoever an override names joins, or comes for them.
    fn named(&self, person: &PersonId, source: Source, now: &mut Moment, people: &mut Vec<OnDuty>) {
        match self.attendance.comes(person, now) {
            Comes::Person(person, cover) => {
                let schedule = self.attendance.schedule.id.clone();
                let why = Why { schedule, temporary: self.temporary, source, cover };
                join(people, OnDuty { person: person.clone(), why });
            }
            Comes::Absent(_) | Comes::Removed => {}
        }
    }

    fn stretch(&self, index: usize) -> Stretch {
        let given = &self.roster.overrides[index];
        Stretch { index, from: given.from, until: given.until }
    }
}
