//! `caller`: who is phoning, as far as the number says it.

use super::{
    asking::{Heard, gather, heard},
    walk::{Move, Walk},
};
use crate::ivr::{
    facts::Attestation,
    flow::{CallerStep, NumberPattern, Trust},
    state::Phase,
    turn::{Input, RejectReason, Then},
};

use super::outside;

pub fn enter(walk: &mut Walk, step: &CallerStep) -> Move {
    if is_blocked(walk, step) {
        walk.reason("The caller's number is blocked by the flow.");
        return blocked(walk, step);
    }
    match walk.facts.known().filter(|_| is_trusted(walk.facts.attestation, step.trust)) {
        Some((contract, contact)) => {
            walk.reason(format!("The caller's number belongs to contact `{contact}` of contract `{}`.", contract.id));
            walk.state.contract = Some(contract.id.clone());
            walk.state.contact = Some(contact.clone());
            Move::Go(step.known)
        }
        None if step.captcha => ask_any_key(walk, step),
        None => unknown(walk, step),
    }
}

/// `allow` alone lets only its numbers in; beside `block` it names the exceptions. Both go by the number as it is
/// shown: whom it belongs to is another matter, and a spoofed one that is let in is nobody's.
fn is_blocked(walk: &Walk, step: &CallerStep) -> bool {
    let matches = |patterns: &[NumberPattern]| {
        walk.facts.caller.as_ref().is_some_and(|caller| patterns.iter().any(|pattern| pattern.matches(caller)))
    };
    if matches(&step.allow) {
        return false;
    }
    matches(&step.block) || (step.block.is_empty() && !step.allow.is_empty())
}

fn is_trusted(attestation: Attestation, trust: Trust) -> bool {
    match trust {
        Trust::Any => attestation != Attestation::Failed,
        Trust::Attested => matches!(attestation, Attestation::A | Attestation::NotSupplied),
    }
}

fn unknown(walk: &mut Walk, step: &CallerStep) -> Move {
    match walk.facts.caller {
        Some(_) => {
            walk.reason("The caller's number is not known, or not to be trusted.");
            Move::Go(step.unknown)
        }
        None => {
            walk.reason("The caller withholds the number.");
            Move::Go(step.anonymous)
        }
    }
}

/// Without an exit for them, they are turned away: before the call is answered, else with a goodbye.
fn blocked(walk: &mut Walk, step: &CallerStep) -> Move {
    match step.blocked {
        Some(exit) => Move::Go(exit),
        None => {
            let end = outside::hangup(walk, None, Some(RejectReason::Rejected));
            if matches!(end, Move::End(Then::Hangup)) {
                walk.say_built_in(|words| words.goodbye);
            }
            end
        }
    }
}

fn ask_any_key(walk: &mut Walk, step: &CallerStep) -> Move {
    match step.asking.prompt.say.is_some() || step.asking.prompt.play.is_some() {
        true => walk.speak(&step.asking.prompt),
        false => walk.say_built_in(|words| words.ask_any_key),
    }
    Move::Wait(Phase::Captcha, gather(&step.asking, Some(1), None, None))
}

pub fn answer(walk: &mut Walk, step: &CallerStep, input: &Input) -> Move {
    if !matches!(heard(input), Heard::Nothing) {
        return unknown(walk, step);
    }
    if walk.may_try_again(&step.asking) {
        walk.say_before_again(&step.asking, None);
        return ask_any_key(walk, step);
    }
    walk.reason("The caller pressed no key, as a machine would.");
    if step.blocked.is_none() {
        walk.leave_missed();
    }
    blocked(walk, step)
}
