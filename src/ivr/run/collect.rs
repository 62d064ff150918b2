//! `collect`: what the caller keys in or says becomes a var, once they have said that it is right where
//! the flow wants that. What it is stands in no reason: it may be private.

use super::{
    asking::{Heard, gather, heard, spoken_digits},
    walk::{Move, Walk},
};
use crate::ivr::{
    flow::{CollectStep, Taken},
    speech::{DIGITS_FROM, DIGITS_TO, plain},
    state::Phase,
    texts::clean,
    turn::{Input, Listen},
    words::{fill, words},
};

/// More keys than any number has, where the flow does not say how many.
const KEYS: (usize, usize) = (1, 32);

pub fn enter(walk: &mut Walk, step: &CollectStep) -> Move {
    walk.speak(&step.asking.prompt);
    let speech =
        (step.input != Taken::Digits).then(|| Listen { language: walk.state.language.clone(), hints: Vec::new() });
    let most = u32::try_from(step.digits.unwrap_or(KEYS).1).ok();
    Move::Wait(Phase::Asked, gather(&step.asking, most, step.asking.finish, speech))
}

pub fn answer(walk: &mut Walk, step: &CollectStep, input: &Input) -> Move {
    if walk.state.phase == Phase::Confirm {
        return confirmed(walk, step, input);
    }
    let heard = heard(input);
    let nothing = matches!(heard, Heard::Nothing);
    match taken(walk, step, heard) {
        Some(value) if step.confirm => {
            walk.state.heard = Some(value);
            ask_whether_right(walk, step)
        }
        Some(value) => keep(walk, step, &value),
        None => {
            let what = if nothing { "gave no answer" } else { "gave an answer that does not fit" };
            walk.reason(format!("The caller {what} at step `{}`.", walk.state.step));
            again(walk, step, if nothing { None } else { Some(|words| words.not_understood) })
        }
    }
}

/// What of an answer the step takes.
fn taken(walk: &Walk, step: &CollectStep, heard: Heard) -> Option<String> {
    let fits = |digits: &str| {
        let (min, max) = step.digits.unwrap_or(KEYS);
        (min..=max).contains(&digits.len()) && digits.bytes().all(|sign| sign.is_ascii_digit())
    };
    match (heard, step.input) {
        (Heard::Keys(keys), Taken::Digits | Taken::Both) => Some(keys).filter(|keys| fits(keys)),
        (Heard::Words(text), Taken::Both) if step.digits.is_some() => {
            let (words, _) = words(&walk.state.language, walk.flow.default_language());
            spoken_digits(&text, words).filter(|digits| fits(digits))
        }
        (Heard::Words(text), Taken::Speech | Taken::Both) => {
            Some(plain(&clean(&text))).filter(|text| text.contains(char::is_alphanumeric))
        }
        (Heard::Keys(_), Taken::Speech) | (Heard::Words(_), Taken::Digits) | (Heard::Nothing, _) => None,
    }
}

/// Digits are repeated one by one.
fn ask_whether_right(walk: &mut Walk, step: &CollectStep) -> Move {
    let heard = walk.state.heard.clone().unwrap_or_default();
    let spoken = match heard.bytes().all(|sign| sign.is_ascii_digit()) {
        true => format!("{DIGITS_FROM}{heard}{DIGITS_TO}"),
        false => heard,
    };
    let (words, language) = words(&walk.state.language, walk.flow.default_language());
    walk.push_said(&fill(words.confirm, &[("heard", &spoken)]), &language);
    let listen = walk.listen_for_yes_or_no();
    Move::Wait(Phase::Confirm, gather(&step.asking, Some(1), None, Some(listen)))
}

fn confirmed(walk: &mut Walk, step: &CollectStep, input: &Input) -> Move {
    match walk.yes_or_no(input) {
        Some((true, how)) => {
            walk.reason(format!("The caller {how}: the answer is right."));
            let value = walk.state.heard.take().unwrap_or_default();
            keep(walk, step, &value)
        }
        Some((false, how)) => {
            walk.reason(format!("The caller {how}: the answer is not right."));
            walk.state.heard = None;
            again(walk, step, None)
        }
        None => {
            walk.reason(format!("The caller did not say at step `{}` whether the answer is right.", walk.state.step));
            if !walk.may_try_again(&step.asking) {
                return Move::Go(step.failed);
            }
            ask_whether_right(walk, step)
        }
    }
}

/// `wrong`: what is said about the answer before the question comes again; nothing after a silence but
/// what the flow says of that.
fn again(walk: &mut Walk, step: &CollectStep, wrong: Option<fn(&crate::ivr::words::Words) -> &'static str>) -> Move {
    if !walk.may_try_again(&step.asking) {
        return Move::Go(step.failed);
    }
    // Whoever has just said that it is not right knows why they are asked again.
    if walk.state.phase != Phase::Confirm {
        walk.say_before_again(&step.asking, wrong);
    }
    enter(walk, step)
}

fn keep(walk: &mut Walk, step: &CollectStep, value: &str) -> Move {
    walk.reason(format!("The caller's answer is kept as `{}`.", step.into));
    walk.set_var(&step.into, value);
    Move::Go(step.next)
}
