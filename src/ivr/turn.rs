//! What goes into a turn of a flow and what comes out: the caller's answer in, what is heard next and
//! what the shell must do out. Knows no carrier's document; the hotline maps `Verbs` to one.

use std::fmt;

use super::{
    flow::{Accept, ConnectTo, StepId},
    state::State,
};
use crate::model::{
    Instant,
    call::Question,
    id::{ContactId, ContractId, IncidentId, PersonId, PolicyId},
    language::Language,
    phone::Phone,
    pin::Pin,
    priority::Priority,
};

/// What the carrier reports of the caller. `Debug` hides keys: they may be a PIN.
#[derive(Clone, PartialEq)]
pub enum Input {
    /// The call came in.
    Started,
    /// Our document ran to its end and asks for the next one (`Then::Continue`).
    Continued,
    Digits(String),
    Speech {
        text: String,
        confidence: Option<f32>,
    },
    /// No key and no word within the time.
    Nothing,
    Connect(ConnectEnd),
    Recorded {
        url: String,
        sid: Option<String>,
        seconds: u32,
        /// The caller hung up instead of ending by key: nothing that we answer is heard any more.
        hung_up: bool,
        /// Said after the apology, of which the flow knows nothing: a message, whatever step this is.
        spare: bool,
    },
    /// Silence only.
    RecordedNothing,
    Dialed {
        bridged: bool,
    },
    HungUp,
    /// The carrier could not run our document.
    Failed,
}

/// How a `connect` ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectEnd {
    /// Somebody talked to the caller, and the talk is over.
    Bridged { person: Option<PersonId> },
    /// Nobody accepted in time.
    Nobody,
    /// There was nobody to ring.
    NobodyOnCall,
    /// The caller pressed `*`.
    Left,
    /// The carrier's queue broke.
    Failed,
}

/// What `run` answers. Save `state` and `effects` in one unit of work, then answer `verbs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub state: State,
    pub verbs: Verbs,
    pub effects: Vec<Effect>,
    /// Whole sentences for the call's timeline: what was decided and why. Without PINs.
    pub reasons: Vec<String>,
    /// The step that the caller reached.
    pub last_step: String,
    /// The exits that were taken on the way there.
    pub path: Vec<StepId>,
}

/// What is heard, and the one thing that waits or ends after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verbs {
    /// With `Then::Gather` they belong inside it: keys pressed during a prompt outside are lost.
    pub prompts: Vec<Prompt>,
    pub then: Then,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    Say(Say),
    Play { url: String },
    Pause { seconds: u32 },
}

/// Plain speech: the document's writer escapes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    pub parts: Vec<SpeechPart>,
    pub language: Language,
    /// What the flow names; without it the hotline's default for the language.
    pub voice: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpeechPart {
    Text(String),
    /// Spoken one by one.
    Digits(String),
}

/// How a turn ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    Gather(Gather),
    /// The caller waits for a human; `Effect::Connect` of this turn has the settings.
    Enqueue,
    Record(Record),
    Dial(Dial),
    /// Asks at once for the next turn (`Input::Continued`): more is to be said than one document holds.
    Continue,
    Hangup,
    /// Only before the call was answered.
    Reject(RejectReason),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gather {
    /// Keys are always taken; speech when there are words to listen for.
    pub speech: Option<Listen>,
    pub max_digits: Option<u32>,
    pub timeout_s: u32,
    /// The key that ends the input; `None`: no key does.
    pub finish: Option<char>,
    pub barge_in: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    pub language: Language,
    pub hints: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub max_s: u32,
    /// So much silence ends it.
    pub silence_s: u32,
    /// The key that ends it; `None`: no key does.
    pub finish: Option<char>,
    pub transcribe: bool,
    pub language: Language,
    /// What it answers; `None`: a message of its own.
    pub question: Option<Question>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial {
    pub number: Phone,
    pub ring_s: u32,
    pub send: Option<String>,
    pub caller_id: Phone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    Busy,
    Rejected,
}

/// What the shell does beside answering; everything is rendered already.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    RaiseAlert(NewAlert),
    /// The call has its alert already: title and category are noted there, a more urgent priority wins.
    AddToAlert(NewAlert),
    Connect(Connect),
    Voicemail(Voicemail),
    Intake(IntakeAnswer),
    Missed(MissedCall),
    /// The caller wants to hear by SMS how these go on.
    FollowIncidents {
        caller: Phone,
        incidents: Vec<IncidentId>,
        language: Language,
    },
    /// The caller is called back by then: a promise.
    Callback(Callback),
    SendSms {
        to: Phone,
        text: String,
    },
    RememberLanguage {
        caller: Phone,
        language: Language,
    },
    /// Counts against the contract, or against the hotline when no contract is known.
    PinFailed {
        contract: Option<ContractId>,
    },
    PinVerified {
        contract: ContractId,
        contact: ContactId,
    },
    /// The caller was asked whether the talk may be recorded: the proof.
    Consent {
        given: bool,
        how: String,
        at: Instant,
    },
    /// An alert of its own for the MSP (promise 3, promise 1).
    TellMsp {
        matter: Matter,
        text: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    /// The reserved number of `RaiseAlert`; the existing one of `AddToAlert`.
    pub number: i64,
    pub title: String,
    pub priority: Priority,
    pub category: Option<String>,
    /// Instead of the contract's.
    pub policy: Option<PolicyId>,
    /// `None`: a shared hotline, and nobody knows which customer this is.
    pub contract: Option<ContractId>,
    pub contact: Option<ContactId>,
    /// Who it is was not proven.
    pub unverified: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    pub to: ConnectTo,
    pub priority: Priority,
    pub contract: Option<ContractId>,
    pub ring_s: u32,
    pub at_once: bool,
    pub max_wait_s: u32,
    pub music: Option<String>,
    pub announce_every_s: u32,
    pub accept: Accept,
    /// People who speak it are rung first.
    pub prefer_language: Option<Language>,
    /// The caller has agreed.
    pub record: bool,
    /// Who takes the call acknowledges its alert.
    pub acknowledge: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voicemail {
    pub url: String,
    pub sid: Option<String>,
    pub seconds: u32,
    pub transcribe: bool,
    pub language: Language,
    /// `None`: the call's alert gets it.
    pub raise: Option<NewAlert>,
}

/// What a caller said to a question of an `intake`: kept, and put on the call's alert, now or once there
/// is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeAnswer {
    pub question: Question,
    pub url: String,
    pub sid: Option<String>,
    pub seconds: u32,
    pub transcribe: bool,
    pub language: Language,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub number: Phone,
    pub due: Instant,
    pub language: Language,
    /// By which people learn of it. Its number is one of those that the turn reserves beside the call's own.
    pub alert: NewAlert,
}

/// A call that ended without a human, a voicemail or a chosen goodbye (promise 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedCall {
    pub why: MissedWhy,
    /// The step reached.
    pub step: String,
    pub waited_s: i64,
    pub category: Option<String>,
    pub alert: MissedAlert,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissedAlert {
    New(NewAlert),
    /// The call has raised its alert already; it stays open and learns of this.
    Existing {
        number: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissedWhy {
    HungUp,
    /// The voicemail was silent.
    Silent,
    /// Pikett or the carrier could not carry on.
    Failed,
}

/// What concerns the MSP itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    NobodyOnCall,
    NobodyReached,
    ConnectFailed,
    /// A number that may not be dialled, or an SMS that may not be sent.
    Refused,
    FlowFailed,
}

/// What `run` needs to know beforehand, since only the shell can find it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    Nothing,
    /// Compare the PIN with the contacts of `Facts::contract_for(customer_number)`, unless that is
    /// locked, and put the answer into `Facts::pin`.
    PinCheck {
        customer_number: Option<String>,
        pin: Pin,
    },
    /// Ask this, and put what comes of it into `Facts::lookup`.
    Lookup(Lookup),
}

/// What an endpoint of the MSP is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    pub url: String,
    /// JSON, to be posted; `None`: nothing is sent.
    pub body: Option<String>,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Started => "Started",
            Self::Continued => "Continued",
            Self::Digits(_) => "Digits(…)",
            Self::Speech { .. } => "Speech(…)",
            Self::Nothing => "Nothing",
            Self::Connect(end) => return write!(f, "Connect({end:?})"),
            Self::Recorded { seconds, hung_up, .. } => {
                return write!(f, "Recorded({seconds} s, hung up: {hung_up})");
            }
            Self::RecordedNothing => "RecordedNothing",
            Self::Dialed { bridged } => return write!(f, "Dialed(bridged: {bridged})"),
            Self::HungUp => "HungUp",
            Self::Failed => "Failed",
        })
    }
}

impl Say {
    /// What is heard, as text.
    pub fn heard(&self) -> String {
        self.parts.iter().map(SpeechPart::heard).collect()
    }
}

impl SpeechPart {
    pub fn heard(&self) -> &str {
        match self {
            Self::Text(text) | Self::Digits(text) => text,
        }
    }
}

impl Matter {
    pub const ALL: [Self; 5] =
        [Self::NobodyOnCall, Self::NobodyReached, Self::ConnectFailed, Self::Refused, Self::FlowFailed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NobodyOnCall => "nobody_on_call",
            Self::NobodyReached => "nobody_reached",
            Self::ConnectFailed => "connect_failed",
            Self::Refused => "refused",
            Self::FlowFailed => "flow_failed",
        }
    }
}
