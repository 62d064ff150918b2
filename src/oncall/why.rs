//! The answer for an instant, and what put each person on call.

use std::fmt;

use chrono::NaiveDateTime;

use crate::model::{
    Instant,
    id::{PersonId, ScheduleId},
    person::AbsenceReason,
};

/// Nobody: `people` is empty. Nobody is there twice.
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

/// What put somebody on call. Displayed as part of a sentence; indices count from 0, in words from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    pub schedule: ScheduleId,
    /// Its layers and overrides are meant, while it lasts.
    pub temporary: Option<Stretch>,
    pub source: Source,
    /// `None`: it is this person's own turn.
    pub cover: Option<Cover>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `turn` is whose turn it is, also when somebody else covers.
    Layer { layer: usize, turn: usize, turns: usize },
    /// Instead of everybody.
    Replaced(Stretch),
    /// Beside the others.
    Added(Stretch),
}

/// An override or a temporary schedule, and when it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub index: usize,
    pub from: NaiveDateTime,
    pub until: NaiveDateTime,
}

/// For whom somebody is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    pub absent: PersonId,
    pub how: Covered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covered {
    /// Named with the absence.
    Substitute { reason: AbsenceReason },
    /// Nobody was named who is there.
    Next { reason: AbsenceReason },
    /// The index of the override that says so.
    Override { index: usize },
}

impl OnCall {
    pub fn nobody() -> Self {
        Self { people: Vec::new(), until: None }
    }
}

impl Why {
    pub fn layer(schedule: ScheduleId, layer: usize, turn: usize, turns: usize) -> Self {
        Self { schedule, temporary: None, source: Source::Layer { layer, turn, turns }, cover: None }
    }

    /// Whether the same layer or the same override speaks, in whatever turn, for the same absent person.
    pub fn same_source(&self, other: &Self) -> bool {
        let index = |stretch: &Option<Stretch>| stretch.as_ref().map(|stretch| stretch.index);
        let source = match (&self.source, &other.source) {
            (Source::Layer { layer, .. }, Source::Layer { layer: other, .. }) => layer == other,
            (Source::Replaced(stretch), Source::Replaced(other)) | (Source::Added(stretch), Source::Added(other)) => {
                stretch.index == other.index
            }
            (Source::Layer { .. } | Source::Replaced(_) | Source::Added(_), _) => false,
        };
        source
            && index(&self.temporary) == index(&other.temporary)
            && self.cover == other.cover
            && self.schedule == other.schedule
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Layer { layer, .. } => write!(f, "layer {} of ", layer + 1)?,
            Source::Replaced(_) => f.write_str("an override of ")?,
            Source::Added(_) => f.write_str("an override that adds to ")?,
        }
        match &self.temporary {
            None => write!(f, "schedule {}", self.schedule)?,
            Some(stretch) => write!(f, "the temporary schedule {stretch} in schedule {}", self.schedule)?,
        }
        match &self.source {
            Source::Layer { turns: 1, .. } => {}
            Source::Layer { turn, turns, .. } => write!(f, ", turn {} of {turns}", turn + 1)?,
            Source::Replaced(stretch) | Source::Added(stretch) => write!(f, " {stretch}")?,
        }
        self.cover.as_ref().map_or(Ok(()), |cover| write!(f, ", {cover}"))
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} until {}", self.from.format("%Y-%m-%d %H:%M"), self.until.format("%Y-%m-%d %H:%M"))
    }
}

impl fmt::Display for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { absent, how } = self;
        let word = |reason: &AbsenceReason| match reason {
            AbsenceReason::Holiday => "on holiday",
            AbsenceReason::Sick => "sick",
            AbsenceReason::Other => "absent",
        };
        match how {
            Covered::Substitute { reason } => write!(f, "in place of {absent}, who is {}", word(reason)),
            Covered::Next { reason } => write!(f, "as the next after {absent}, who is {}", word(reason)),
            Covered::Override { index } => write!(f, "in place of {absent} by override {}", index + 1),
        }
    }
}
