//! `pin`: a contact proves who they are. The PIN itself is compared by the shell (`wants`); here its
//! answer is counted and followed. A PIN stands in no state, no reason and no `Debug`.

use super::{
    asking::{Heard, gather, heard, spoken_digits},
    walk::{Move, Walk},
};
use crate::{
    ivr::{
        facts::PinCheck,
        flow::{Flow, Kind, PinStep},
        state::{Phase, State},
        turn::{Effect, Input, Listen, Want},
        words::words,
    },
    model::{id::ContactId, pin::Pin},
};

/// Wrong PINs of a call, over all its `pin` steps.
const TRIES_MAX: u32 = 3;
/// More keys are no customer number.
const CUSTOMER_NUMBER_MAX: u32 = 20;

pub fn wants(flow: &Flow, state: &State, digits: &str) -> Want {
    let step = flow.find(state.local_step()).map(|id| &flow.step(id).kind);
    let Some(Kind::Pin(step)) = step.filter(|_| state.phase == Phase::Asked && state.pin_tries < TRIES_MAX) else {
        return Want::Nothing;
    };
    match keyed(step, digits.trim()) {
        Some(pin) => Want::PinCheck { customer_number: state.customer_number.clone(), pin },
        None => Want::Nothing,
    }
}

/// What can be a PIN of this step at all.
fn keyed(step: &PinStep, digits: &str) -> Option<Pin> {
    (step.digits_min..=step.digits_max).contains(&digits.len()).then(|| Pin::keyed(digits)).flatten()
}

pub fn enter(walk: &mut Walk, step: &PinStep) -> Move {
    if walk.state.pin_tries >= TRIES_MAX {
        walk.reason("The call has no PIN tries left.");
        return Move::Go(step.failed);
    }
    if is_shared(walk) && walk.state.customer_number.is_none() {
        return ask_customer_number(walk, step);
    }
    ask_pin(walk, step)
}

/// A PIN alone would be guessed soon where several customers share the number.
fn is_shared(walk: &Walk) -> bool {
    walk.facts.contracts.len() > 1
}

fn ask_customer_number(walk: &mut Walk, step: &PinStep) -> Move {
    match &step.customer_number {
        Some(text) => {
            let language = walk.state.language.clone();
            walk.say(text, &language);
        }
        None => walk.say_built_in(|words| words.ask_customer_number),
    }
    let listen = Listen { language: walk.state.language.clone(), hints: Vec::new() };
    let then = gather(&step.asking, Some(CUSTOMER_NUMBER_MAX), step.asking.finish, Some(listen));
    Move::Wait(Phase::CustomerNumber, then)
}

fn ask_pin(walk: &mut Walk, step: &PinStep) -> Move {
    walk.speak(&step.asking.prompt);
    let digits = u32::try_from(step.digits_max).ok();
    Move::Wait(Phase::Asked, gather(&step.asking, digits, step.asking.finish, None))
}

pub fn answer(walk: &mut Walk, step: &PinStep, input: &Input) -> Move {
    let keys = match heard(input) {
        Heard::Keys(keys) => Some(keys),
        // A customer number is no secret; a PIN is only keyed in, since others would hear it, and the carrier's
        // speech recognition would know it.
        Heard::Words(text) if walk.state.phase == Phase::CustomerNumber => {
            let (words, _) = words(&walk.state.language, walk.flow.default_language());
            Some(spoken_digits(&text, words).unwrap_or(text))
        }
        Heard::Words(_) | Heard::Nothing => None,
    };
    let Some(keys) = keys else {
        walk.reason("The caller keyed in nothing.");
        if !walk.may_try_again(&step.asking) {
            return Move::Go(step.failed);
        }
        walk.say_before_again(&step.asking, None);
        return match walk.state.phase {
            Phase::CustomerNumber => ask_customer_number(walk, step),
            _ => ask_pin(walk, step),
        };
    };
    if walk.state.phase == Phase::CustomerNumber {
        return customer_number(walk, step, &keys);
    }
    match walk.facts.pin.clone() {
        Some(PinCheck::Locked { until }) => {
            walk.reason(format!("PINs are locked until {}: nothing was checked.", until.to_rfc3339()));
            Move::Go(step.locked)
        }
        Some(PinCheck::Right(contact)) => right(walk, step, contact),
        Some(PinCheck::Wrong) => wrong(walk, step),
        // Keys that cannot be a PIN guess nothing, so they are not counted against the account.
        None if keyed(step, &keys).is_none() => again(walk, step),
        None => wrong(walk, step),
    }
}

/// Whether there is such a customer is not told: it would help to guess.
fn customer_number(walk: &mut Walk, step: &PinStep, keys: &str) -> Move {
    if !keys.bytes().all(|key| key.is_ascii_digit()) || keys.len() > CUSTOMER_NUMBER_MAX as usize {
        walk.reason("The caller keyed in no customer number.");
        if !walk.may_try_again(&step.asking) {
            return Move::Go(step.failed);
        }
        walk.say_before_again(&step.asking, Some(|words| words.wrong_customer_number));
        return ask_customer_number(walk, step);
    }
    walk.state.customer_number = Some(keys.to_owned());
    ask_pin(walk, step)
}

fn right(walk: &mut Walk, step: &PinStep, contact: ContactId) -> Move {
    let Some(contract) = walk.facts.contract_for(walk.state.customer_number.as_deref()) else {
        return wrong(walk, step);
    };
    let contract = contract.id.clone();
    walk.reason(format!("The PIN is that of contact `{contact}` of contract `{contract}`."));
    walk.state.contract = Some(contract.clone());
    walk.state.contact = Some(contact.clone());
    walk.state.verified = true;
    walk.effects.push(Effect::PinVerified { contract, contact });
    Move::Go(step.verified)
}

fn wrong(walk: &mut Walk, step: &PinStep) -> Move {
    walk.state.pin_tries += 1;
    let contract = walk.facts.contract_for(walk.state.customer_number.as_deref()).map(|contract| contract.id.clone());
    walk.effects.push(Effect::PinFailed { contract });
    again(walk, step)
}

/// On a shared hotline the customer number may be what is wrong, so it is asked again as well.
fn again(walk: &mut Walk, step: &PinStep) -> Move {
    walk.reason("The PIN was wrong.");
    walk.state.customer_number = None;
    if !walk.may_try_again(&step.asking) || walk.state.pin_tries >= TRIES_MAX {
        return Move::Go(step.failed);
    }
    walk.say_before_again(&step.asking, Some(|words| words.wrong_pin));
    enter(walk, step)
}
