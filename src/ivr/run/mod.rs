//! Walks a call through its flow, one turn per answer of the caller.
//!
//! `run` never fails: whatever is wrong with flow, state, input or facts, the turn leads on to a
//! human, a voicemail or an apology with a missed-call alert. `walk` goes from step to step until one
//! waits; each family of steps has a file with what happens on entering it and on an answer.

mod alert;
mod asking;
mod callback;
mod caller;
mod calling;
mod choice;
mod collect;
mod connect;
mod decide;
mod intake;
mod lookup;
mod notice;
mod outside;
mod pin;
mod voicemail;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use self::walk::Walk;
use super::{
    facts::Facts,
    flows::Flows,
    speech::says,
    state::{Phase, State},
    turn::{Input, Prompt, Record, Then, Turn, Verbs, Want},
    words::words,
};
use crate::model::language::Language;

pub use alert::abandoned;
pub(super) use asking::{is_audio, spoken_words};
pub use calling::DEPTH_MAX as FLOWS_DEEP_MAX;
pub(super) use intake::ANSWER_MAX_S;
pub use voicemail::{SPARE_SILENCE_S, transcribes};

/// One turn: the caller's answer in, what is heard next out. Counts the turn in the state.
///
/// A call that is over answers with a goodbye; only what came too late to be known before, a
/// recording or a talk that took place, still has its effect.
pub fn run<'a>(flows: Flows<'a>, state: State, input: Input, facts: &'a Facts) -> Turn {
    let mut walk = Walk::new(flows, state, facts);
    let then = walk.turn(input);
    walk.finish(then)
}

/// The state of a call that has just come in; `run` it with `Input::Started`.
pub fn begin(flows: Flows, facts: &Facts) -> State {
    let flow = flows.main;
    State {
        calls: Vec::new(),
        versions: flows.versions(),
        step: flow.step(flow.start).name.clone(),
        phase: Phase::Fresh,
        started: facts.now,
        turn: 0,
        attempts: 0,
        vars: BTreeMap::new(),
        language: flow.default_language().clone(),
        contract: facts.contract_for(None).map(|contract| contract.id.clone()),
        contact: None,
        verified: false,
        category: None,
        priority: None,
        alert: None,
        ack_on_connect: true,
        past: flow.abandoned.after.is_none() || flow.abandoned.past.contains(&flow.start),
        reached: None,
        missed_told: false,
        pin_tries: 0,
        customer_number: None,
        language_asked: false,
        consent: None,
        heard: None,
        question: 0,
        promised: false,
        failed_steps: BTreeSet::new(),
        spares: BTreeMap::new(),
    }
}

/// What the shell must find out before it runs this input.
pub fn wants(flows: Flows, state: &State, input: &Input, facts: &Facts) -> Want {
    let Some(flow) = flows.current(state) else { return Want::Nothing };
    match input {
        Input::Continued => lookup::wants(flows, state, facts),
        Input::Digits(digits) => pin::wants(flow, state, digits),
        _ => Want::Nothing,
    }
}

/// What a waiting caller hears: at first that they are being connected, then where they stand.
pub fn waiting<'a>(flows: Flows<'a>, state: &State, facts: &'a Facts, first: bool) -> Vec<Prompt> {
    let mut walk = Walk::new(flows, state.clone(), facts);
    connect::announce(&mut walk, first);
    walk.finish(Then::Continue).verbs.prompts
}

/// What is spoken in place of an audio of the last turn's document that the carrier cannot get: nothing, where the
/// flow has no text beside it.
pub fn in_place_of(state: &State, url: &str) -> Vec<Prompt> {
    let spare = state.spares.get(url);
    spare.map(|spare| says(&spare.text, &spare.language, spare.voice.as_ref())).unwrap_or_default()
}

/// An apology that leads to a voicemail, for when nothing else can be answered (promise 1).
pub fn spare(language: &Language) -> Verbs {
    let (words, language) = words(language, &Language::english());
    Verbs {
        prompts: says(words.sorry, &language, None),
        then: Then::Record(Record {
            max_s: voicemail::MAX_S,
            silence_s: SPARE_SILENCE_S,
            finish: Some('#'),
            transcribe: false,
            language,
            question: None,
        }),
    }
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod stories;
