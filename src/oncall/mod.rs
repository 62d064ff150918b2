//! Who is on call when, and why. Pure: `who(schedule, instant)` is the one answer for paging,
//! hotline, command line, console and reports.

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use crate::model::{
    calendar::WeeklyHours,
    id::{PersonId, ScheduleId},
};

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
