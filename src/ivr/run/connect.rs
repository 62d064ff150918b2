//! `connect`: the caller waits, people are rung (by the hotline, on `Effect::Connect`), and what comes
//! of it leads on. Before a recording the caller is asked.

use super::{
    asking::gather,
    walk::{Move, Walk},
};
use crate::{
    ivr::{
        flow::{Asking, ConnectStep, Speech, Wait},
        state::Phase,
        texts,
        turn::{Connect, ConnectEnd, Effect, Input, Matter, Then},
        words::{fill, words},
    },
    model::{call::Outcome, duration, priority::Priority},
};

const WAIT_MAX_S: u32 = 3_600;

pub fn enter(walk: &mut Walk, step: &ConnectStep) -> Move {
    if step.record && walk.state.consent.is_none() {
        return ask_consent(walk);
    }
    walk.reason(format!("The caller waits for a human at step `{}`.", walk.state.step));
    let connect = Connect {
        to: step.to.clone(),
        priority: walk.state.priority.unwrap_or(Priority::P3),
        contract: walk.state.contract.clone(),
        ring_s: walk.seconds(&step.ring),
        at_once: step.at_once,
        max_wait_s: walk.seconds(&step.max_wait),
        music: step.music.clone(),
        announce_every_s: walk.seconds(&step.announce_every),
        accept: step.accept,
        prefer_language: step.prefer_language.then(|| walk.state.language.clone()),
        record: step.record && walk.state.consent == Some(true),
        acknowledge: walk.state.ack_on_connect && walk.state.alert.is_some(),
    };
    walk.effects.push(Effect::Connect(connect));
    Move::Wait(Phase::Asked, Then::Enqueue)
}

pub fn answer(walk: &mut Walk, step: &ConnectStep, input: &Input) -> Move {
    if walk.state.phase == Phase::Consent {
        return consent(walk, step, input);
    }
    // Whatever else the carrier reports here: the queue is left, and nobody was reached.
    let end = match input {
        Input::Connect(end) => end,
        _ => &ConnectEnd::Failed,
    };
    match end {
        ConnectEnd::Bridged { person } => {
            let who = person.as_ref().map_or("somebody".to_owned(), |person| format!("`{person}`"));
            walk.reason(format!("The caller talked with {who}."));
            walk.reach(Outcome::Connected);
            Move::Go(step.connected)
        }
        ConnectEnd::Nobody => {
            walk.reason("Nobody accepted the call in time.");
            walk.tell_msp(Matter::NobodyReached, |words| words.nobody_reached);
            Move::Go(step.nobody)
        }
        ConnectEnd::NobodyOnCall => {
            walk.reason("Nobody is on call who could be rung.");
            walk.tell_msp(Matter::NobodyOnCall, |words| words.nobody_on_call);
            Move::Go(step.nobody)
        }
        ConnectEnd::Left => {
            walk.reason("The caller did not want to wait any longer.");
            Move::Go(step.left)
        }
        ConnectEnd::Failed => {
            walk.reason("The carrier's queue failed.");
            walk.tell_msp(Matter::ConnectFailed, |words| words.connect_failed);
            Move::Go(step.nobody)
        }
    }
}

/// How the engine itself asks.
fn consent_asking() -> Asking {
    Asking { prompt: Speech::default(), attempts: 2, timeout_s: 6, finish: None, no_input: None, barge_in: true }
}

fn ask_consent(walk: &mut Walk) -> Move {
    walk.say_built_in(|words| words.ask_consent);
    let listen = walk.listen_for_yes_or_no();
    Move::Wait(Phase::Consent, gather(&consent_asking(), Some(1), None, Some(listen)))
}

/// Only a clear yes is one.
fn consent(walk: &mut Walk, step: &ConnectStep, input: &Input) -> Move {
    let answer = walk.yes_or_no(input);
    if answer.is_none() && walk.may_try_again(&consent_asking()) {
        return ask_consent(walk);
    }
    let (given, how) = answer.unwrap_or((false, "gave no answer"));
    walk.reason(format!("Asked whether the talk may be recorded, the caller {how}."));
    walk.state.consent = Some(given);
    walk.effects.push(Effect::Consent { given, how: how.to_owned(), at: walk.facts.now });
    enter(walk, step)
}

/// While the caller waits.
pub fn announce(walk: &mut Walk, first: bool) {
    walk.say_built_in(|words| if first { words.hold } else { words.still_holding });
    // Who is the next one hears so once, not every half minute.
    if let Some(position) = walk.facts.queue_position.filter(|position| first || *position > 1) {
        let (words, language) = words(&walk.state.language, walk.flow.default_language());
        walk.push_said(&fill(words.queue_position, &[("position", &position.to_string())]), &language);
    }
    walk.say_built_in(|words| words.may_leave);
}

impl Walk<'_> {
    /// A var that is no duration falls back to what the flow says; no wait is longer than a call.
    pub fn seconds(&self, wait: &Wait) -> u32 {
        self.seconds_up_to(wait, WAIT_MAX_S)
    }

    pub fn seconds_up_to(&self, wait: &Wait, max_s: u32) -> u32 {
        match wait {
            Wait::Seconds(seconds) => *seconds,
            Wait::Var { name, otherwise_s } => texts::var(name, self.flow, &self.state, self.facts)
                .and_then(|value| duration::parse(value).ok())
                .and_then(|wait| u32::try_from(wait.num_seconds()).ok())
                .unwrap_or(*otherwise_s)
                .clamp(1, max_s),
        }
    }
}
