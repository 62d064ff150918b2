//! Where a call stands in its flow: what the shell keeps between two turns, as JSON text.
//!
//! Steps are kept by name, so that a stored call reads the same whatever the file looks like. This is
//! the only type of the core that is written by serde, and only here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{
    Instant,
    call::Outcome,
    id::{ContactId, ContractId, FlowId},
    language::Language,
    priority::Priority,
};

#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The step that the caller reached: `menu`, and in a called flow `triage/menu`.
    pub step: String,
    /// The flows that wait for one that they called, the hotline's own first.
    pub calls: Vec<Frame>,
    /// The flows that may be called, in the versions that the call began with.
    pub versions: BTreeMap<FlowId, i64>,
    pub phase: Phase,
    pub started: Instant,
    pub turn: u32,
    /// Empty or wrong inputs at this step.
    pub attempts: u32,
    /// What `set` steps said; the hotline's own vars are in `Facts`.
    pub vars: BTreeMap<String, String>,
    pub language: Language,
    pub contract: Option<ContractId>,
    pub contact: Option<ContactId>,
    /// By PIN. A known number is a convenience, not a proof.
    pub verified: bool,
    pub category: Option<String>,
    pub priority: Option<Priority>,
    /// The number of the call's alert, once raised.
    pub alert: Option<i64>,
    pub ack_on_connect: bool,
    /// Whether a hang-up leaves a missed-call alert: the caller is past `abandoned.after`.
    pub past: bool,
    /// What the call has come to so far; `outcome()` says what it is when it ends here.
    pub reached: Option<Outcome>,
    /// A missed-call alert has been raised already.
    pub missed_told: bool,
    /// Wrong PINs of this call, over all its `pin` steps.
    pub pin_tries: u32,
    /// What the caller keyed in on a shared hotline.
    pub customer_number: Option<String>,
    pub language_asked: bool,
    pub consent: Option<bool>,
    /// What `collect` heard, until the caller says that it is right.
    pub heard: Option<String>,
    /// How many questions of the `intake` are behind the caller.
    pub question: u32,
    /// A callback was promised: one is enough.
    pub promised: bool,
    /// Steps whose document the carrier could not run: their audio is not tried again.
    pub failed_steps: BTreeSet<String>,
    /// What is spoken in place of the last document's audio, by its address, should the carrier not get it.
    pub spares: BTreeMap<String, SpareWords>,
}

/// The text beside an audio, rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct SpareWords {
    pub text: String,
    pub language: Language,
    pub voice: Option<String>,
}

/// A flow that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its step that called, by its own name.
    pub step: String,
    /// The flow that was called.
    pub flow: FlowId,
    /// Its vars meanwhile.
    pub vars: BTreeMap<String, String>,
}

/// What the step is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing was asked yet.
    Fresh,
    /// The step's own answer.
    Asked,
    /// `pin` on a shared hotline asks the customer number first.
    CustomerNumber,
    /// `caller` with `captcha`.
    Captcha,
    /// `connect` with `record`.
    Consent,
    /// `callback`: another number than the caller's own.
    Number,
    /// `collect` with `confirm`.
    Confirm,
    /// The engine's own voicemail, after something failed.
    Spare,
    /// The call has ended.
    Over,
}

#[derive(Debug, Error)]
pub enum StateError {
    #[error("the call's state is not readable")]
    Json(#[from] serde_json::Error),
    #[error("the call's state has no valid {field}")]
    Field { field: &'static str },
}

impl State {
    /// How the call ended, if it ends here.
    pub fn outcome(&self) -> Outcome {
        self.reached.unwrap_or(Outcome::Missed)
    }

    /// The step's name within its flow.
    pub fn local_step(&self) -> &str {
        match self.calls.is_empty() {
            true => &self.step,
            false => self.step.rsplit('/').next().unwrap_or_default(),
        }
    }

    /// A step's name of the flow that the call is in, as it is known outside.
    pub fn qualified(&self, step: &str) -> String {
        match self.calls.last() {
            None => step.to_owned(),
            Some(frame) => format!("{}/{step}", frame.flow),
        }
    }

    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    pub fn to_json(&self) -> String {
        let wire = Wire {
            step: self.step.clone(),
            calls: self.calls.iter().map(WireFrame::of).collect(),
            versions: self.versions.iter().map(|(id, version)| (id.to_string(), *version)).collect(),
            phase: self.phase,
            started: self.started.timestamp_millis(),
            turn: self.turn,
            attempts: self.attempts,
            vars: self.vars.clone(),
            language: self.language.to_string(),
            contract: self.contract.as_ref().map(ToString::to_string),
            contact: self.contact.as_ref().map(ToString::to_string),
            verified: self.verified,
            category: self.category.clone(),
            priority: self.priority.map(|priority| priority.as_str().to_owned()),
            alert: self.alert,
            ack_on_connect: self.ack_on_connect,
            past: self.past,
            reached: self.reached.map(|outcome| outcome.as_str().to_owned()),
            missed_told: self.missed_told,
            pin_tries: self.pin_tries,
            customer_number: self.customer_number.clone(),
            language_asked: self.language_asked,
            consent: self.consent,
            heard: self.heard.clone(),
            question: self.question,
            promised: self.promised,
            failed_steps: self.failed_steps.clone(),
            spares: self.spares.iter().map(|(url, words)| (url.clone(), WireSpare::of(words))).collect(),
        };
        serde_json::to_string(&wire).expect("plain fields and text keys always have a JSON form")
    }

    pub fn from_json(json: &str) -> Result<Self, StateError> {
        let wire: Wire = serde_json::from_str(json)?;
        Ok(Self {
            step: wire.step,
            calls: wire.calls.into_iter().map(WireFrame::frame).collect::<Result<_, _>>()?,
            versions: wire
                .versions
                .into_iter()
                .map(|(id, version)| Ok((parsed(&id, "flow")?, version)))
                .collect::<Result<_, StateError>>()?,
            phase: wire.phase,
            started: Instant::from_timestamp_millis(wire.started).ok_or(StateError::Field { field: "start" })?,
            turn: wire.turn,
            attempts: wire.attempts,
            vars: wire.vars,
            language: parsed(&wire.language, "language")?,
            contract: wire.contract.map(|id| parsed(&id, "contract")).transpose()?,
            contact: wire.contact.map(|id| parsed(&id, "contact")).transpose()?,
            verified: wire.verified,
            category: wire.category,
            priority: wire.priority.map(|priority| parsed(&priority, "priority")).transpose()?,
            alert: wire.alert,
            ack_on_connect: wire.ack_on_connect,
            past: wire.past,
            reached: match wire.reached {
                Some(name) => Some(Outcome::named(&name).ok_or(StateError::Field { field: "outcome" })?),
                None => None,
            },
            missed_told: wire.missed_told,
            pin_tries: wire.pin_tries,
            customer_number: wire.customer_number,
            language_asked: wire.language_asked,
            consent: wire.consent,
            heard: wire.heard,
            question: wire.question,
            promised: wire.promised,
            failed_steps: wire.failed_steps,
            spares: wire
                .spares
                .into_iter()
                .map(|(url, words)| Ok((url, words.words()?)))
                .collect::<Result<_, StateError>>()?,
        })
    }
}

fn parsed<T: std::str::FromStr>(text: &str, field: &'static str) -> Result<T, StateError> {
    text.parse().map_err(|_| StateError::Field { field })
}

#[derive(Serialize, Deserialize)]
struct Wire {
    step: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    calls: Vec<WireFrame>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    versions: BTreeMap<String, i64>,
    phase: Phase,
    started: i64,
    turn: u32,
    attempts: u32,
    vars: BTreeMap<String, String>,
    language: String,
    contract: Option<String>,
    contact: Option<String>,
    verified: bool,
    category: Option<String>,
    priority: Option<String>,
    alert: Option<i64>,
    ack_on_connect: bool,
    past: bool,
    reached: Option<String>,
    missed_told: bool,
    pin_tries: u32,
    customer_number: Option<String>,
    language_asked: bool,
    consent: Option<bool>,
    #[serde(default)]
    heard: Option<String>,
    #[serde(default)]
    question: u32,
    #[serde(default)]
    promised: bool,
    failed_steps: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    spares: BTreeMap<String, WireSpare>,
}

#[derive(Serialize, Deserialize)]
struct WireSpare {
    text: String,
    language: String,
    voice: Option<String>,
}

impl WireSpare {
    fn of(words: &SpareWords) -> Self {
        Self { text: words.text.clone(), language: words.language.to_string(), voice: words.voice.clone() }
    }

    fn words(self) -> Result<SpareWords, StateError> {
        Ok(SpareWords { text: self.text, language: parsed(&self.language, "language")?, voice: self.voice })
    }
}

#[derive(Serialize, Deserialize)]
struct WireFrame {
    step: String,
    flow: String,
    vars: BTreeMap<String, String>,
}

impl WireFrame {
    fn of(frame: &Frame) -> Self {
        Self { step: frame.step.clone(), flow: frame.flow.to_string(), vars: frame.vars.clone() }
    }

    fn frame(self) -> Result<Frame, StateError> {
        Ok(Frame { step: self.step, flow: parsed(&self.flow, "flow")?, vars: self.vars })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives_its_text() {
        let state = State {
            step: "triage/category".into(),
            calls: vec![Frame {
                step: "ask".into(),
                flow: "triage".parse().unwrap(),
                vars: [("topic".to_owned(), "x".to_owned())].into(),
            }],
            versions: [("triage".parse().unwrap(), 4)].into(),
            phase: Phase::Asked,
            started: "2026-03-01T02:30:00.250Z".parse().unwrap(),
            turn: 7,
            attempts: 2,
            vars: [("company".to_owned(), "A \"quoted\" Ü\n".to_owned())].into(),
            language: "de-CH".parse().unwrap(),
            contract: Some("acme-gold".parse().unwrap()),
            contact: Some("petra".parse().unwrap()),
            verified: true,
            category: Some("outage".into()),
            priority: Some(Priority::P1),
            alert: Some(17),
            ack_on_connect: true,
            past: true,
            reached: Some(Outcome::Connected),
            missed_told: false,
            pin_tries: 1,
            customer_number: Some("0042".into()),
            language_asked: true,
            consent: Some(false),
            heard: Some("0815".into()),
            question: 3,
            promised: true,
            failed_steps: ["welcome".to_owned()].into(),
            spares: [(
                "https://x.example/a.mp3".to_owned(),
                SpareWords {
                    text: "Hello.".to_owned(),
                    language: "en".parse().unwrap(),
                    voice: Some("Amy".to_owned()),
                },
            )]
            .into(),
        };
        assert_eq!(State::from_json(&state.to_json()).unwrap(), state);
    }

    /// As the first versions wrote it: calls that are under way go on.
    #[test]
    fn a_state_of_an_older_version_is_readable() {
        let old = r#"{"step":"a","phase":"asked","started":0,"turn":1,"attempts":0,"vars":{},"language":"en",
            "contract":null,"contact":null,"verified":false,"category":null,"priority":null,"alert":null,
            "ack_on_connect":true,"past":true,"reached":null,"missed_told":false,"pin_tries":0,
            "customer_number":null,"language_asked":false,"consent":null,"failed_steps":[]}"#;
        let state = State::from_json(old).unwrap();
        assert_eq!((state.step.as_str(), &state.heard, state.calls.len()), ("a", &None, 0));
    }

    #[test]
    fn a_broken_state_is_refused_in_words() {
        assert!(State::from_json("{").is_err());
        assert!(State::from_json("{}").is_err());
        assert!(State::from_json("null").is_err());
    }
}
