//! What schedules and absences name that there is not.

use super::Check;
use crate::{
    declare::document::Kind,
    model::person::Absence,
    oncall::{Layer, Override, Roster},
};

impl Check<'_> {
    pub(super) fn schedules(&mut self) {
        let whole = self.whole;
        for schedule in whole.schedules.values() {
            let id = schedule.id.as_str();
            self.roster(id, "", &schedule.roster);
            for (index, temporary) in schedule.temporary.iter().enumerate() {
                self.roster(id, &format!("temporary.{index}."), &temporary.roster);
            }
            for (index, (person, absence)) in schedule.absences.iter().enumerate() {
                let path = format!("absences.{index}");
                self.names((Kind::Schedule, id, &format!("{path}.person")), "person", person, &whole.people);
                self.substitute(Kind::Schedule, id, &path, absence);
            }
        }
    }

    pub(super) fn absences(&mut self) {
        for person in self.whole.people.values() {
            for (index, absence) in person.absences.iter().enumerate() {
                self.substitute(Kind::Person, person.id.as_str(), &format!("absences.{index}"), absence);
            }
        }
    }

    /// `before` is the path to the roster: empty, or with a point at its end.
    fn roster(&mut self, id: &str, before: &str, roster: &Roster) {
        for (index, layer) in roster.layers.iter().enumerate() {
            self.layer(id, &format!("{before}layers.{index}"), layer);
        }
        for (index, given) in roster.overrides.iter().enumerate() {
            self.named_by(id, &format!("{before}overrides.{index}"), given);
        }
    }

    fn layer(&mut self, id: &str, path: &str, layer: &Layer) {
        let whole = self.whole;
        for (place, group) in layer.people.iter().enumerate() {
            for (member, person) in group.iter().enumerate() {
                // A place that is no list has no paths below it: then its own is the nearest.
                let path = format!("{path}.people.{place}.{member}");
                self.names((Kind::Schedule, id, &path), "person", person, &whole.people);
            }
        }
        for (key, windows) in [("only", &layer.only), ("except", &layer.except)] {
            for (index, window) in windows.iter().enumerate() {
                if let Some((calendar, _)) = &window.calendar {
                    let path = format!("{path}.{key}.{index}.calendar");
                    self.names((Kind::Schedule, id, &path), "calendar", calendar, &whole.calendars);
                }
            }
        }
    }

    fn named_by(&mut self, id: &str, path: &str, given: &Override) {
        let whole = self.whole;
        let taken = match given.change.brings() {
            Some(_) => "instead_of",
            None => "person",
        };
        for (key, person) in [("person", given.change.brings()), (taken, given.change.takes())] {
            if let Some(person) = person {
                self.names((Kind::Schedule, id, &format!("{path}.{key}")), "person", person, &whole.people);
            }
        }
    }

    fn substitute(&mut self, kind: Kind, id: &str, path: &str, absence: &Absence) {
        if let Some(substitute) = &absence.substitute {
            let path = format!("{path}.substitute");
            self.names((kind, id, &path), "person", substitute, &self.whole.people);
        }
    }
}
