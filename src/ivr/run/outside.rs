//! What leaves the house, and the end: `sms`, `forward`, `hangup`. Money has limits (promise 5): only
//! declared numbers in allowed countries, within the hour's caps.

use super::walk::{Move, Walk};
use crate::{
    ivr::{
        flow::{CallerId, ForwardStep, ForwardTo, Kind, Speech, StepId, Text},
        parse::only_var,
        speech::plain,
        state::Phase,
        turn::{Dial, Effect, Input, Matter, RejectReason, Then},
    },
    model::{call::Outcome, phone::Phone},
};

/// Ten segments; carriers refuse more than 1,600 characters.
const SMS_CHARS_MAX: usize = 1_500;
/// What a carrier's dial takes; a hotline's var may say something else.
const RING_MIN_S: u32 = 5;
const RING_MAX_S: u32 = 600;

pub fn sms(walk: &mut Walk, text: &Text, next: StepId, failed: StepId) -> Move {
    let Some(to) = walk.facts.caller.clone() else {
        walk.reason("The caller's number is withheld: no SMS can be sent.");
        return Move::Go(failed);
    };
    if !walk.facts.money.may_text(&to) {
        walk.reason(format!("An SMS to {} is not allowed: country or cap.", to.masked()));
        walk.tell_msp(Matter::Refused, |words| words.refused_sms);
        return Move::Go(failed);
    }
    let language = walk.state.language.clone();
    let text: String = plain(&walk.rendered(text, &language)).chars().take(SMS_CHARS_MAX).collect();
    if text.is_empty() {
        walk.reason("The SMS has no text.");
        return Move::Go(failed);
    }
    walk.reason(format!("An SMS goes to {}.", to.masked()));
    walk.effects.push(Effect::SendSms { to, text });
    Move::Go(next)
}

pub fn enter_forward(walk: &mut Walk, step: &ForwardStep) -> Move {
    let Some(number) = declared(walk, &step.number) else {
        walk.reason("The var for the forward holds no phone number.");
        return refused(walk, step);
    };
    if !walk.facts.money.may_phone(&number) {
        walk.reason(format!("A call to {} is not allowed: country or cap.", number.masked()));
        return refused(walk, step);
    }
    walk.reason(format!("The caller is handed over to {}.", number.masked()));
    let hotline = walk.facts.hotline.clone();
    let caller_id = match step.caller_id {
        CallerId::Hotline => hotline,
        CallerId::Caller => walk.facts.caller.clone().unwrap_or(hotline),
    };
    let dial = Dial {
        number,
        ring_s: walk.seconds(&step.ring).clamp(RING_MIN_S, RING_MAX_S),
        send: step.send.clone(),
        caller_id,
    };
    Move::Wait(Phase::Asked, Then::Dial(dial))
}

/// Nothing that a caller or a `set` step said: the hotline's own declaration, or the flow's default.
fn declared(walk: &Walk, to: &ForwardTo) -> Option<Phone> {
    match to {
        ForwardTo::Number(number) => Some(number.clone()),
        ForwardTo::Var(name) => declared_var(walk, walk.state.calls.len(), name)?.parse().ok(),
    }
}

/// In a called flow what the step that called it writes out, or hands on from such a var of its own.
fn declared_var<'a>(walk: &Walk<'a>, depth: usize, name: &str) -> Option<&'a str> {
    let default = walk.flows.at(&walk.state, depth)?.vars.get(name)?.default.as_deref();
    let Some(outer) = depth.checked_sub(1) else {
        return walk.facts.vars.get(name).map(String::as_str).or(default);
    };
    let calling = walk.flows.at(&walk.state, outer)?;
    let step = calling.find(&walk.state.calls.get(outer)?.step)?;
    let Kind::Flow { vars, .. } = &calling.step(step).kind else { return None };
    match vars.get(name) {
        None => default,
        Some(given) if !given.contains('{') => Some(given),
        Some(given) => declared_var(walk, outer, only_var(given)?),
    }
}

fn refused(walk: &mut Walk, step: &ForwardStep) -> Move {
    walk.tell_msp(Matter::Refused, |words| words.refused_call);
    Move::Go(step.nobody)
}

pub fn answer_forward(walk: &mut Walk, step: &ForwardStep, input: &Input) -> Move {
    if let Input::Dialed { bridged: true } = input {
        walk.reason("The caller talked at the other number.");
        walk.reach(Outcome::Forwarded);
        return Move::Go(step.connected);
    }
    walk.reason("Nobody answered at the other number.");
    Move::Go(step.nobody)
}

/// A call can be rejected only before anything was said in it; after that it ends with words.
pub fn hangup(walk: &mut Walk, say: Option<&Speech>, reject: Option<RejectReason>) -> Move {
    if let Some(reason) = reject.filter(|_| walk.state.turn == 1 && walk.has_said_nothing()) {
        walk.reason("The call is rejected before it is answered.");
        walk.reach(Outcome::Rejected);
        return Move::End(Then::Reject(reason));
    }
    if let Some(speech) = say {
        walk.speak(speech);
    }
    walk.reach(Outcome::Goodbye);
    Move::End(Then::Hangup)
}
