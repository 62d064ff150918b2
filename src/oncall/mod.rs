//! Who is on call when, and why. Pure: [`who`] is the one answer for paging, hotline, command
//! line, console and reports; [`shifts`] is the same answer over a range, [`notices`] what those are told who
//! go on call. Start with `who.rs`.
//!
//! The rules:
//! 1. An override beats every layer; of two overrides the one declared last wins. Below them the
//!    last layer with somebody wins. Before its start a layer has nobody.
//! 2. Days, weeks and months are civil: a handoff at 09:00 stays at 09:00 through the year. Hours
//!    are elapsed: on a day of 23 or 25 hours they drift against the wall clock.
//! 3. A civil time comes when the wall clock has shown it or a later one (`model::civil`). A
//!    handoff in a gap happens at the first valid instant after it, one in a fold at the first of
//!    the two; the same holds for the beginning and the end of restrictions and overrides. A turn
//!    that lies within a gap as a whole (a day left out at the date line) is lost, not postponed.
//! 4. Months count from the first handoff: from the 31st, a shorter month hands over on its last
//!    day, and the next long one on the 31st again.
//! 5. The rotation goes on while a restriction keeps its layer silent.
//! 6. Hours over midnight belong to the weekday on which they begin; 08:00–08:00 is a whole day.
//! 7. A stretch contains its beginning, not its end.

mod layer;
mod notices;
mod shifts;
mod who;

use std::fmt;

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use crate::model::{
    Instant,
    calendar::WeeklyHours,
    id::{PersonId, ScheduleId},
};

pub use notices::{Beginning, LEAD_MAX, Moment, Notice, Notices, notices};
pub use shifts::{Hole, Shift, holes, shifts};
pub use who::who;

#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub id: ScheduleId,
    pub zone: Tz,
    /// The last one with somebody wins.
    pub layers: Vec<Layer>,
    pub overrides: Vec<Override>,
}

/// A rotation. Handoffs are civil times in the schedule's zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Never empty.
    pub people: Vec<PersonId>,
    /// The first handoff.
    pub start: NaiveDateTime,
    pub every: Every,
    /// Empty: always.
    pub only: Vec<WeeklyHours>,
}

/// Hours are elapsed time; days, weeks and months are civil. The count is from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    Hours(u32),
    Days(u32),
    Weeks(u32),
    Months(u32),
}

/// Somebody else for a while, civil times in the schedule's zone; `until` is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub person: PersonId,
    pub from: NaiveDateTime,
    pub until: NaiveDateTime,
}

/// The answer for an instant. Nobody: `people` is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCall {
    pub people: Vec<OnDuty>,
    /// The next instant at which the answer may be another; `None`: it stays so.
    pub until: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDuty {
    pub person: PersonId,
    pub why: Why,
}

/// What put somebody on call; indices count from 0. Displayed as part of a sentence, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    Layer { schedule: ScheduleId, layer: usize, turn: usize, turns: usize },
    Override { schedule: ScheduleId, index: usize, from: NaiveDateTime, until: NaiveDateTime },
}

impl OnCall {
    pub fn nobody() -> Self {
        Self { people: Vec::new(), until: None }
    }
}

impl Why {
    /// Whether the same layer or the same override speaks, in whatever turn.
    pub fn same_source(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Layer { schedule, layer, .. }, Self::Layer { schedule: other_schedule, layer: other_layer, .. }) => {
                layer == other_layer && schedule == other_schedule
            }
            (
                Self::Override { schedule, index, .. },
                Self::Override { schedule: other_schedule, index: other_index, .. },
            ) => index == other_index && schedule == other_schedule,
            (Self::Layer { .. }, Self::Override { .. }) | (Self::Override { .. }, Self::Layer { .. }) => false,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer { schedule, layer, turns: 1, .. } => write!(f, "layer {} of schedule {schedule}", layer + 1),
            Self::Layer { schedule, layer, turn, turns } => {
                write!(f, "layer {} of schedule {schedule}, turn {} of {turns}", layer + 1, turn + 1)
            }
            Self::Override { schedule, from, until, .. } => write!(
                f,
                "an override of schedule {schedule} from {} until {}",
                from.format("%Y-%m-%d %H:%M"),
                until.format("%Y-%m-%d %H:%M")
            ),
        }
    }
}

#[cfg(test)]
mod slow;
