//! Walks a call through its flow, one turn per answer of the caller.

use super::{
    facts::Facts,
    flow::Flow,
    state::{Phase, State},
    turn::{Input, MissedCall, Record, Say, SpeechPart, Then, Turn, Verbs, Want},
};
use crate::model::language::Language;

/// One turn: the caller's answer in, what is heard next out.
pub fn run(_flow: &Flow, state: State, _input: Input, _facts: &Facts) -> Turn {
    let verbs = spare(&state.language);
    Turn { verbs, effects: Vec::new(), reasons: Vec::new(), last_step: state.step.clone(), state }
}

/// The state of a call that has just come in; `run` it with `Input::Started`.
pub fn begin(flow: &Flow, facts: &Facts) -> State {
    State {
        step: flow.step(flow.start).name.clone(),
        phase: Phase::Fresh,
        started: facts.now,
        turn: 0,
        attempts: 0,
        vars: std::collections::BTreeMap::new(),
        language: flow.default_language().clone(),
        contract: facts.contract_for(None).map(|contract| contract.id.clone()),
        contact: None,
        verified: false,
        category: None,
        priority: None,
        alert: None,
        ack_on_connect: true,
        past: false,
        reached: None,
        missed_told: false,
        pin_tries: 0,
        customer_number: None,
        language_asked: false,
        consent: None,
        failed_steps: std::collections::BTreeSet::new(),
    }
}

/// What the shell must find out before it runs this input.
pub fn wants(_flow: &Flow, _state: &State, _input: &Input) -> Want {
    Want::Nothing
}

/// The caller has gone: the missed call that this leaves, if any.
pub fn abandoned(_flow: &Flow, _state: &State, _facts: &Facts) -> Option<MissedCall> {
    None
}

/// An apology that leads to a voicemail, for when nothing else can be answered (promise 1).
pub fn spare(language: &Language) -> Verbs {
    let say = Say {
        parts: vec![SpeechPart::Text("We are sorry, something went wrong on our side.".to_owned())],
        language: language.clone(),
        voice: None,
    };
    Verbs {
        prompts: vec![super::turn::Prompt::Say(say)],
        then: Then::Record(Record { max_s: 180, transcribe: false, language: language.clone() }),
    }
}
