//! Escalation policies: whom to tell next, and when to ask again. Pure.
//!
//! [`decide`] moves an alert through its policy; `connect` rings the people of the same levels
//! while a caller waits. Neither knows a person's name or number: they are handed the answers.

mod codec;
pub mod connect;
mod decide;

use std::{fmt, str::FromStr};

use chrono::TimeDelta;
use thiserror::Error;

use crate::model::{
    Instant,
    id::{PersonId, PolicyId, ScheduleId},
};

pub use decide::{Decision, Tell, decide};

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

/// What an alert's escalation remembers between two decisions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    pub stage: Stage,
    /// A hotline call's `connect` has moved on to this level (from 0): its people, and those of the
    /// levels it passed, are told at once. The next decision takes note and clears it.
    pub floor: Option<u32>,
    /// Somebody asked for the next level (key 2, SMS 2, command line). Cleared by the next decision.
    pub escalate_now: bool,
    /// The last decision found nobody at all to tell, and said so.
    pub stranded: bool,
    pub hours: Hours,
}

/// Whether the alert waits for the hours of its contract before the first decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hours {
    /// It has not had to.
    #[default]
    Unasked,
    Until(Instant),
    /// It has waited, or somebody wants it told at whatever hour.
    Over,
}

/// Levels and rounds count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nobody was told yet.
    #[default]
    New,
    /// This level was told last.
    Level { round: u32, level: u32, since: Instant },
    /// The fallback was told, so many times. `resume`: only because all levels had nobody on call;
    /// as soon as they have, they are told, beginning with this round.
    Fallback { told: u32, since: Instant, resume: Option<u32> },
    /// There is nobody to fall back on: a pause before the levels are told once more.
    Rest { round: u32, since: Instant },
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum EscalationError {
    #[error("`{given}` names nobody to tell: write person:ID or schedule:ID")]
    Target { given: String },
    #[error("could not read the stored {what}")]
    Stored { what: &'static str },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Schedule(id) => write!(f, "schedule:{id}"),
        }
    }
}

impl FromStr for Target {
    type Err = EscalationError;

    fn from_str(given: &str) -> Result<Self, EscalationError> {
        let target = match given.split_once(':') {
            Some(("person", id)) => id.parse().ok().map(Self::Person),
            Some(("schedule", id)) => id.parse().ok().map(Self::Schedule),
            _ => None,
        };
        target.ok_or_else(|| EscalationError::Target { given: given.chars().take(80).collect() })
    }
}

#[cfg(test)]
mod nights;
