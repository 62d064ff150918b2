//! Escalation policies: whom to tell next, and when to ask again. Pure.

use chrono::TimeDelta;

use crate::model::id::{PersonId, PolicyId, ScheduleId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub id: PolicyId,
    /// At least one.
    pub levels: Vec<Level>,
    /// Further rounds through all levels after the first.
    pub repeat: u32,
    /// Told when every round went unanswered, and of what concerns the MSP itself.
    pub fallback: Vec<Target>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// At least one.
    pub notify: Vec<Target>,
    pub ack_within: TimeDelta,
}

/// `person:anna` or `schedule:primary`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Person(PersonId),
    Schedule(ScheduleId),
}
