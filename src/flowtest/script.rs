//! What a test call says: who phones when, what they hear and do, and what should come of it.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, TimeDelta};

use crate::{
    escalation::connect::LegResult,
    ivr::{Attestation, LookupAnswer},
    model::{call::Outcome, id::PersonId, language::Language, phone::Phone, priority::Priority, source::At},
};

#[derive(Debug, Clone)]
pub struct TestCall {
    pub name: String,
    pub line: usize,
    /// The declarations' file, relative to that of the test.
    pub org: At<String>,
    /// With the offset in which the transcript tells the time.
    pub at: DateTime<FixedOffset>,
    /// `None`: the only hotline of this flow.
    pub to: Option<At<Phone>>,
    /// `None`: withheld.
    pub from: Option<Phone>,
    pub attestation: Attestation,
    /// What this number chose on an earlier call.
    pub language: Option<Language>,
    /// PINs are locked after too many wrong ones.
    pub pins_locked: bool,
    /// Technicians who are in another hotline call.
    pub busy: BTreeSet<PersonId>,
    /// The hour's caps for calls and messages are reached.
    pub over_cap: bool,
    /// Titles of incidents that are open, for everybody.
    pub incidents: Vec<String>,
    /// What an endpoint answers.
    pub lookup: LookupAnswer,
    pub script: Vec<Entry>,
    pub expect: Vec<Expected>,
}

/// One moment of the call: first what is heard or seen, then what somebody does.
#[derive(Debug, Clone)]
pub struct Entry {
    pub line: usize,
    pub hear: Vec<String>,
    pub not_hear: Vec<String>,
    pub bridged: Option<PersonId>,
    pub act: Option<Act>,
}

#[derive(Debug, Clone)]
pub enum Act {
    Press(String),
    Say(String),
    /// No key and no word; after the tone: an empty recording.
    Silence,
    Wait(TimeDelta),
    HangUp,
    /// Speaks after the tone.
    Record {
        seconds: u32,
        hang_up: bool,
    },
    Ring(Ring),
    /// Whoever is rung does not answer, until the caller goes on.
    Nobody,
    /// The carrier cannot run the last document.
    Fails,
}

/// What becomes of a phone that rings.
#[derive(Debug, Clone)]
pub struct Ring {
    pub who: Who,
    pub answer: Answer,
    /// Until it is answered.
    pub after: TimeDelta,
    pub press: String,
}

#[derive(Debug, Clone)]
pub enum Who {
    Person(PersonId),
    /// A number that the flow forwards to.
    Outside(Phone),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    /// Never rings, or is refused.
    Ends(LegResult),
}

#[derive(Debug, Clone)]
pub struct Expected {
    pub line: usize,
    pub what: Expectation,
}

#[derive(Debug, Clone)]
pub enum Expectation {
    Ended(Outcome),
    Language(Language),
    Category(String),
    Priority(Priority),
    Verified(bool),
    Contract(String),
    Contact(String),
    /// The last step that was reached.
    Step(String),
    Var {
        name: String,
        value: String,
    },
    /// Part of a message to the caller.
    Sms(String),
    NoSms,
    /// The number that was promised a call.
    Callback(Phone),
    NoCallback,
    Voicemail(bool),
    /// What the MSP was told of; empty: nothing.
    Told(Vec<String>),
    NoAlert,
    /// Whatever it is about.
    SomeAlert,
    Alert(AlertExpectation),
}

/// About the call's alert.
#[derive(Debug, Clone)]
pub enum AlertExpectation {
    Title(String),
    Priority(Priority),
    Category(String),
    State(String),
    By(String),
    Policy(String),
    Contract(String),
    Contact(String),
    Unverified(bool),
    Missed(bool),
}
