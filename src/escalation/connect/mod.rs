//! Getting a human on the phone while a caller waits: whom to ring next, whose ringing to end,
//! when to give up. Pure; [`decide`] is asked after every event of a leg and when its time comes.
//!
//! What the shell keeps: the legs that a decision rings are stored together with `next`, or not at
//! all. When a person turns out to be in another call at that moment, the decision is thrown away
//! and asked for again, with that person `busy_elsewhere`. `legs` are those of this connect only.

mod codec;
mod decide;

use std::{collections::BTreeSet, fmt};

use chrono::TimeDelta;

use super::Target;
use crate::model::{
    Instant,
    call::LegState,
    id::{LegId, PersonId},
    phone::Phone,
};

pub use decide::{Decision, Ring, decide};

/// What is stored of a running connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    pub plan: Plan,
    pub progress: Progress,
}

/// Fixed when the connect begins, whatever becomes of the policy meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The policy's levels, or one level with a single target.
    pub levels: Vec<Vec<Target>>,
    /// Which of the policy's levels the first of these is, from 0: a technician may ask for those beyond
    /// their own.
    pub first_level: u32,
    /// How long a phone rings, and how long one that was answered may keep the next from ringing.
    pub ring: TimeDelta,
    /// Everyone of a level at the same time.
    pub at_once: bool,
    /// Within a level, people who speak the caller's language first.
    pub prefer_language: bool,
    pub max_wait: TimeDelta,
    pub started_at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// The level that was reached, from 0; `None` before the first decision.
    pub level: Option<u32>,
    /// Every number that was rung. It is not rung again.
    pub tried: BTreeSet<Phone>,
    /// Legs whose end was ordered already.
    pub cancelled: BTreeSet<LegId>,
    pub end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Somebody was bridged to the caller.
    Connected,
    GaveUp(GaveUp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GaveUp {
    NobodyOnCall,
    /// Somebody is on call, but without a number, or with one that cannot be called.
    NobodyReachable,
    NobodyAnswered,
    /// The caller has waited as long as the flow allows.
    WaitOver,
}

/// A leg of this connect as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegView {
    pub leg: LegId,
    pub person: PersonId,
    pub phone: Phone,
    pub state: LegState,
    pub result: Option<LegResult>,
    /// Since when it is in this state: a leg that waited for the carrier still has its full time to ring. One that
    /// was answered, since it was last asked anew.
    pub since: Instant,
}

/// Why a leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegResult {
    NoAnswer,
    Busy,
    /// The carrier says that the number cannot be called.
    BadNumber,
    Failed,
    /// Answered, and said no.
    Declined,
    /// Answered, and gone without a word; a mailbox does that.
    HungUp,
    /// Somebody else was faster.
    Taken,
    /// Talked, and handed the caller over to somebody else.
    HandedOver,
}

/// Somebody who could be rung, as the shell answers for a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub person: PersonId,
    /// `None`: no number for voice.
    pub phone: Option<Phone>,
    pub speaks_language: bool,
    /// In another hotline call; not in this one.
    pub busy_elsewhere: bool,
    /// Part of a sentence: `on call by layer 1 of schedule primary`.
    pub why: String,
}

impl GaveUp {
    pub const ALL: [Self; 4] = [Self::NobodyOnCall, Self::NobodyReachable, Self::NobodyAnswered, Self::WaitOver];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NobodyOnCall => "nobody-on-call",
            Self::NobodyReachable => "nobody-reachable",
            Self::NobodyAnswered => "nobody-answered",
            Self::WaitOver => "wait-over",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NobodyOnCall => "nobody is on call",
            Self::NobodyReachable => "nobody who is on call has a number that can be called",
            Self::NobodyAnswered => "everyone was tried and nobody accepted",
            Self::WaitOver => "the caller has waited as long as allowed",
        })
    }
}

impl LegResult {
    pub const ALL: [Self; 8] = [
        Self::NoAnswer,
        Self::Busy,
        Self::BadNumber,
        Self::Failed,
        Self::Declined,
        Self::HungUp,
        Self::Taken,
        Self::HandedOver,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoAnswer => "no-answer",
            Self::Busy => "busy",
            Self::BadNumber => "bad-number",
            Self::Failed => "failed",
            Self::Declined => "declined",
            Self::HungUp => "hung-up",
            Self::Taken => "taken",
            Self::HandedOver => "handed-over",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == name)
    }
}

#[cfg(test)]
mod nights;
