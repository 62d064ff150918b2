//! A checked flow: what `parse` hands out and `run` walks on. Every exit is a resolved `StepId`, so a
//! flow that exists cannot dangle. Nothing here reads files or decides; start with `Flow`, then `Kind`.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

pub use super::menu::{Choice, MenuOption};
use super::{patience::Patience, texts::Compiled, turn::RejectReason};
use crate::model::{
    call::Question,
    id::{CalendarId, FlowId, PersonId, PolicyId, ScheduleId},
    language::Language,
    phone::Phone,
    priority::Priority,
};

/// The script of a hotline.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    pub id: FlowId,
    pub title: String,
    /// The first is the default; never empty.
    pub languages: Vec<Language>,
    pub voices: BTreeMap<Language, String>,
    pub vars: BTreeMap<String, Var>,
    pub abandoned: Abandoned,
    pub max_seconds_to_human: Option<Patience>,
    pub start: StepId,
    pub(super) steps: Vec<Step>,
    pub(super) names: BTreeMap<String, StepId>,
    pub(super) texts: Compiled,
}

/// An index into the flow that made it. One that stands for an exit also knows where that is written, so
/// that of two exits to the same step one can say which was taken; it is the same step all the same.
#[derive(Debug, Clone, Copy)]
pub struct StepId {
    pub(super) index: usize,
    written_at: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub name: String,
    /// Where the file has it, from 1.
    pub line: usize,
    pub kind: Kind,
}

/// A value that a hotline may set; without default it must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Var {
    pub kind: VarKind,
    pub default: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VarKind {
    Text,
    Duration,
    Number,
    Phone,
}

/// When a hang-up leaves a missed-call alert, and how urgent that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandoned {
    /// Once the caller has left this step; without it, always.
    pub after: Option<StepId>,
    pub priority: Priority,
    /// Steps from which `after` cannot come any more: whoever is there is past it without having
    /// seen it, as a known caller is past the PIN.
    pub past: BTreeSet<StepId>,
}

/// What a step does, with its fields and exits.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Say {
        speech: Speech,
        next: StepId,
    },
    Pause {
        seconds: u32,
        next: StepId,
    },
    Language {
        asking: Asking,
        options: BTreeMap<char, Language>,
        remember: bool,
        next: StepId,
    },
    Hours {
        calendar: Option<CalendarId>,
        open: StepId,
        closed: StepId,
        holiday: StepId,
    },
    Caller(CallerStep),
    Pin(PinStep),
    Menu {
        asking: Asking,
        options: BTreeMap<char, Choice>,
        invalid: StepId,
    },
    When {
        cases: Vec<Case>,
        otherwise: StepId,
    },
    Collect(CollectStep),
    Set {
        vars: BTreeMap<String, String>,
        category: Option<String>,
        priority: Option<Priority>,
        next: StepId,
    },
    Alert {
        alert: AlertFields,
        ack_on_connect: bool,
        next: StepId,
    },
    Connect(ConnectStep),
    Voicemail(VoicemailStep),
    Notice(NoticeStep),
    Callback(CallbackStep),
    Sms {
        text: Text,
        next: StepId,
        failed: StepId,
    },
    Forward(ForwardStep),
    Lookup(LookupStep),
    Intake(IntakeStep),
    /// Another flow goes on, and comes back.
    Flow {
        flow: FlowId,
        vars: BTreeMap<String, String>,
        next: StepId,
    },
    /// The step `return` that every flow has: back to the flow that called this one.
    Return,
    Hangup {
        say: Option<Speech>,
        reject: Option<RejectReason>,
    },
}

/// A text of the flow: the source of a template, for all languages or for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    Same(String),
    Each(BTreeMap<Language, String>),
}

/// What is heard: audio where there is some, else the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Speech {
    pub say: Option<Text>,
    pub play: Option<Text>,
}

/// What all steps share that wait for the caller's keys or voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    pub prompt: Speech,
    pub attempts: u32,
    /// Until the first key or word; where the caller is recorded, the silence that ends it.
    pub timeout_s: u32,
    pub finish: Option<char>,
    pub no_input: Option<Text>,
    /// Never where the caller is recorded.
    pub barge_in: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CallerStep {
    pub allow: Vec<NumberPattern>,
    pub block: Vec<NumberPattern>,
    pub trust: Trust,
    /// Unknown callers press any key first.
    pub captcha: bool,
    pub asking: Asking,
    pub known: StepId,
    pub unknown: StepId,
    pub anonymous: StepId,
    pub blocked: Option<StepId>,
}

/// `+49170*` is a prefix, `+4917012345` one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberPattern {
    Exactly(Phone),
    Prefix(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Whatever the carrier does not mark as spoofed.
    Any,
    /// STIR/SHAKEN level A, or none supplied.
    Attested,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PinStep {
    pub asking: Asking,
    /// Asked first on a hotline of several contracts.
    pub customer_number: Option<Text>,
    pub digits_min: usize,
    pub digits_max: usize,
    pub verified: StepId,
    pub failed: StepId,
    pub locked: StepId,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CollectStep {
    pub asking: Asking,
    /// The var that gets what was heard.
    pub into: String,
    pub input: Taken,
    /// How many digits there may be; when the flow says so, a spoken answer is digits as well.
    pub digits: Option<(usize, usize)>,
    /// Repeats what was heard, and asks whether that is right.
    pub confirm: bool,
    pub next: StepId,
    pub failed: StepId,
}

#[derive(Debug, Clone, PartialEq)]
pub struct IntakeStep {
    /// The prompt, if there is one, is said before the first question; the rest holds for each.
    pub asking: Asking,
    /// In this order; without a text of the flow in the engine's own words.
    pub questions: Vec<(Question, Option<Text>)>,
    pub next: StepId,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LookupStep {
    /// A text whose host is written out.
    pub url: String,
    /// Names and what each is: the body of a POST. Without it, a GET.
    pub send: Option<BTreeMap<String, String>>,
    /// Vars and where each stands in the answer: names with dots between.
    pub into: BTreeMap<String, String>,
    pub next: StepId,
    pub failed: StepId,
}

/// How an answer may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Digits,
    Speech,
    Both,
}

/// An expression and where it leads when it is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub condition: String,
    pub to: StepId,
}

/// What an `alert` step and a voicemail's `alert` table say about the alert they raise.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertFields {
    pub title: Option<Text>,
    pub priority: Option<Priority>,
    pub category: Option<String>,
    pub policy: Option<PolicyId>,
    pub unverified: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ConnectStep {
    pub to: ConnectTo,
    pub ring: Wait,
    pub at_once: bool,
    pub max_wait: Wait,
    pub music: Option<String>,
    pub announce_every: Wait,
    pub accept: Accept,
    pub prefer_language: bool,
    pub record: bool,
    pub connected: StepId,
    pub nobody: StepId,
    pub left: StepId,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectTo {
    /// The contract's policy for the call's priority.
    Policy,
    Schedule(ScheduleId),
    Person(PersonId),
}

/// How a technician takes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// Presses 1, so that a private mailbox cannot swallow the call.
    Key,
    Answer,
}

/// A length of time: written out, or a var of type `duration` with what holds when it is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    Seconds(u32),
    Var { name: String, otherwise_s: u32 },
}

#[derive(Debug, Clone, PartialEq)]
pub struct VoicemailStep {
    pub asking: Asking,
    pub max_s: u32,
    pub transcribe: bool,
    pub alert: AlertFields,
    pub next: StepId,
    /// `None`: an empty recording goes to `next`, and counts as a missed call.
    pub empty: Option<StepId>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NoticeStep {
    /// How it is asked whether the caller wants to hear more by SMS.
    pub asking: Asking,
    pub offer_sms: bool,
    pub announced: StepId,
    pub none: StepId,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CallbackStep {
    pub asking: Asking,
    pub number: CallbackNumber,
    pub within: Wait,
    pub accepted: StepId,
    pub declined: StepId,
}

/// Where the caller may be called back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackNumber {
    /// At the number that they phone from.
    Caller,
    /// There, or at another one that they key in.
    Ask,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ForwardStep {
    pub number: ForwardTo,
    pub ring: Wait,
    /// Keys for a menu at the other end; `w` waits half a second.
    pub send: Option<String>,
    pub caller_id: CallerId,
    pub connected: StepId,
    pub nobody: StepId,
}

/// Only declared numbers are dialled: written out, or a var that nothing in the flow sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardTo {
    Number(Phone),
    Var(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerId {
    Hotline,
    Caller,
}

impl StepId {
    pub(super) fn nth(index: usize) -> Self {
        Self { index, written_at: None }
    }

    /// The same step, as the exit that is written at this byte of the file.
    pub(super) fn by_exit(self, written_at: Option<usize>) -> Self {
        Self { written_at, ..self }
    }

    /// Where the exit is written that led here, in bytes; `None`: no exit did.
    pub fn written_at(self) -> Option<usize> {
        self.written_at
    }
}

impl PartialEq for StepId {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl Eq for StepId {}

impl PartialOrd for StepId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for StepId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.index.cmp(&other.index)
    }
}

impl Flow {
    pub fn default_language(&self) -> &Language {
        &self.languages[0]
    }

    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id.index]
    }

    pub fn find(&self, name: &str) -> Option<StepId> {
        self.names.get(name).copied()
    }

    /// Whether its callers may be told of incidents: whoever gathers facts need not look for them else.
    pub(super) fn tells_of_incidents(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, Kind::Notice(_)))
    }

    /// The flows that this one calls.
    pub fn calls(&self) -> impl Iterator<Item = &FlowId> {
        self.steps.iter().filter_map(|step| match &step.kind {
            Kind::Flow { flow, .. } => Some(flow),
            _ => None,
        })
    }

    /// In the order of the file.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.steps.iter().enumerate().map(|(index, step)| (StepId::nth(index), step))
    }
}

impl Text {
    /// The source for a language; a text without it was refused when the flow was read.
    pub fn in_language(&self, language: &Language, default: &Language) -> &str {
        match self {
            Self::Same(text) => text,
            Self::Each(texts) => texts.get(language).or_else(|| texts.get(default)).map_or("", |text| text.as_str()),
        }
    }
}

impl Text {
    /// The source in every language.
    pub(super) fn sources(&self) -> impl Iterator<Item = &String> {
        let (same, each) = match self {
            Self::Same(text) => (Some(text), None),
            Self::Each(texts) => (None, Some(texts.values())),
        };
        same.into_iter().chain(each.into_iter().flatten())
    }
}

impl Speech {
    /// Whether all languages hear the same.
    pub(super) fn is_one_for_all(&self) -> bool {
        self.say.iter().chain(&self.play).all(|text| matches!(text, Text::Same(_)))
    }
}

impl NumberPattern {
    pub fn matches(&self, phone: &Phone) -> bool {
        match self {
            Self::Exactly(number) => number == phone,
            Self::Prefix(prefix) => phone.as_str().starts_with(prefix.as_str()),
        }
    }
}
