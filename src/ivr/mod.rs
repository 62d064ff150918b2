//! The flow language: a hotline's script is read (`parse`), walked on (`run`) and checked. Pure: no
//! clock, no I/O; time and everything else that a turn may know comes as `Facts`.
//!
//! The shell's rhythm per webhook: load the `State`, ask `wants` and find that out, `run`, save state
//! and effects in one unit of work, answer the verbs. Start reading with `flow` (what a script is),
//! then `turn` (what goes in and comes out), then `run`.

pub mod draw;
mod exits;
mod facts;
mod flow;
mod flows;
mod menu;
mod parse;
pub mod patience;
pub mod reaches;
mod run;
pub mod schema;
mod speech;
mod state;
mod texts;
mod turn;
mod vars;
mod words;

pub use exits::{Exit, Label};
pub use facts::{Attestation, ContractFacts, Facts, LookupAnswer, Money, PinCheck, SlaFacts};
pub use flow::{
    Abandoned, Accept, AlertFields, Asking, CallbackNumber, CallbackStep, CallerId, CallerStep, Case, Choice,
    CollectStep, ConnectStep, ConnectTo, Flow, ForwardStep, ForwardTo, IntakeStep, Kind, LookupStep, MenuOption,
    NoticeStep, NumberPattern, PinStep, Speech, Step, StepId, Taken, Text, Trust, Var, VarKind, VoicemailStep, Wait,
};
pub use flows::{Called, Flows, Given};
pub use parse::{STEP_KINDS, meaning_of_twice, parse, parse_and_sketch};
pub use run::{
    FLOWS_DEEP_MAX, SPARE_SILENCE_S, abandoned, begin, in_place_of, run, spare, transcribes, waiting, wants,
};
pub use state::{Phase, State, StateError};
pub use turn::{
    Callback, Connect, ConnectEnd, Dial, Effect, Gather, Input, IntakeAnswer, Listen, Lookup, Matter, MissedAlert,
    MissedCall, MissedWhy, NewAlert, Prompt, Record, RejectReason, Say, SpeechPart, Then, Turn, Verbs, Voicemail, Want,
};
