//! Who is on call when, and why. Pure: [`who`] is the one answer for paging, hotline, command
//! line, console and reports; [`shifts`] is the same answer over a range, [`notices`] what those are told who
//! go on call. Start with `who.rs`.
//!
//! The rules (docs/schedules.md says them to users, with pictures):
//! 1. From the top: a temporary schedule, else the usual roster. In it an override that replaces
//!    everybody, else the layers; overrides that add come on top. Of two temporary schedules, overrides
//!    or absences at once the one declared last counts. Layers stack (the last one with somebody wins) or
//!    add up. Before its start a layer has nobody.
//! 2. Days, weeks, months and weekdays are civil: a handoff at 09:00 stays at 09:00 through the year. Hours
//!    are elapsed: on a day of 23 or 25 hours they drift against the wall clock. Each layer, calendar and
//!    person has a zone; what has none has the schedule's.
//! 3. A civil time comes when the wall clock has shown it or a later one (`model::civil`). A
//!    handoff in a gap happens at the first valid instant after it, one in a fold at the first of
//!    the two; the same holds for the beginning and the end of everything else. A turn that lies
//!    within a gap as a whole (a day left out at the date line) is lost, not postponed.
//! 4. Months count from the first handoff: from the 31st, a shorter month hands over on its last
//!    day, and the next long one on the 31st again.
//! 5. The rotation goes on while a restriction keeps its layer silent, unless it is told to advance
//!    only on duty (`duty_days`).
//! 6. Hours over midnight belong to the day on which they begin; 08:00–08:00 is a whole day.
//! 7. A stretch contains its beginning, not its end; dates are both within.
//! 8. An absent person is never on call, by whatever word. The substitute comes, or theirs; of a place
//!    of which nobody comes so, the next in the rotation, and after the last of them the layer has
//!    nobody. An override that names somebody who does not come is as if it were not there.
//! 9. Whoever an override takes off has no cover: what is left of their place, else the layer below.
//! 10. The turn is counted from the start over the people as they are declared: adding somebody in the
//!     middle moves the turns. A new layer on top with a later start leaves the past alone.

mod absent; // who comes when somebody's turn it is
mod duty_days; // rotations that advance only on duty
mod layer; // one layer at a moment
mod moment; // an instant on all wall clocks
mod notices; // what those are told who go on call
mod overrides; // those in force
mod rotation; // handoffs, numbered
mod schedule; // what a schedule says
mod shifts; // the same answer over a range
mod week; // handoffs on weekdays and times
mod who; // the one calculator
mod why; // its answer, with reasons
mod window; // restrictions

use std::collections::BTreeMap;

use crate::model::{
    calendar::Calendar,
    id::{CalendarId, PersonId},
    person::Person,
};

pub use notices::{Beginning, LEAD_MAX, Moment, Notice, Notices, notices};
pub use schedule::{
    Advance, Change, Combine, Every, Handoffs, Layer, Override, Roster, Schedule, Temporary, WeekTimes, When, Window,
};
pub use shifts::{Handoff, Hole, Shift, handoffs, holes, shifts};
pub use who::who;
pub use why::{Cover, Covered, OnCall, OnDuty, Source, Stretch, Why};

/// What schedules name and do not hold themselves: calendars of restrictions, and people with their
/// absences. A calendar that is not there restricts nothing, a person who is not there is never absent.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    pub calendars: &'a BTreeMap<CalendarId, Calendar>,
    pub people: &'a BTreeMap<PersonId, Person>,
}

static NO_CALENDARS: BTreeMap<CalendarId, Calendar> = BTreeMap::new();
static NO_PEOPLE: BTreeMap<PersonId, Person> = BTreeMap::new();

impl Around<'_> {
    pub fn nothing() -> Self {
        Self { calendars: &NO_CALENDARS, people: &NO_PEOPLE }
    }
}

#[cfg(test)]
mod tests;
