//! `callback`: the caller is promised to be called back, at their own number or at one that they key in or
//! say, which is repeated before it counts. Whoever does not clearly want it goes on.

use chrono::TimeDelta;

use super::{
    alert,
    asking::{Heard, digit_names, gather, heard, says_phrase, spoken_digits, spoken_words},
    walk::{Move, Walk},
};
use crate::{
    ivr::{
        facts::Attestation,
        flow::{CallbackNumber, CallbackStep},
        parse::WITHIN_MAX_S,
        speech::{DIGITS_FROM, DIGITS_TO, plain},
        state::Phase,
        texts::Texts,
        turn::{Callback, Effect, Input, Listen, NewAlert},
        words::{Words, fill, words},
    },
    model::{Instant, call::Outcome, phone::Phone, priority::Priority},
};

/// E.164, and what is dialled before it.
const KEYS_MAX: u32 = 20;

pub fn enter(walk: &mut Walk, step: &CallbackStep) -> Move {
    if walk.state.promised {
        walk.reason("A callback was promised already.");
        return Move::Go(step.accepted);
    }
    let own = own(walk);
    if own.is_none() && step.number == CallbackNumber::Caller {
        walk.reason("The caller's number is withheld or may not be phoned: no callback is offered.");
        return Move::Go(step.declined);
    }
    walk.speak(&step.asking.prompt);
    match own {
        Some(own) => offer(walk, step, &own),
        None => ask_number(walk, step),
    }
}

/// Promise 5: a number that is the caller's own, in a country that may be phoned.
fn own(walk: &Walk) -> Option<Phone> {
    let own = walk.facts.caller.clone().filter(|_| walk.facts.attestation != Attestation::Failed);
    own.filter(|caller| walk.facts.money.is_allowed(caller))
}

fn offer(walk: &mut Walk, step: &CallbackStep, own: &Phone) -> Move {
    let (spoken, within) = (spoken(own), within(walk, step));
    let (words, language) = words(&walk.state.language, walk.flow.default_language());
    let values = [("number", spoken.as_str()), ("within", &words.duration(within.num_seconds()))];
    let sentence = match step.number {
        CallbackNumber::Caller => words.offer_callback,
        CallbackNumber::Ask => words.offer_callback_or_other,
    };
    walk.push_said(&fill(sentence, &values), &language);
    let mut listen = walk.listen_for_yes_or_no();
    if step.number == CallbackNumber::Ask {
        listen.hints.extend(words.another_number.iter().map(|word| (*word).to_owned()));
        listen.hints.extend(digit_names(words, ['3']));
    }
    Move::Wait(Phase::Asked, gather(&step.asking, Some(1), None, Some(listen)))
}

fn ask_number(walk: &mut Walk, step: &CallbackStep) -> Move {
    walk.say_built_in(|words| words.ask_callback_number);
    let speech = Listen { language: walk.state.language.clone(), hints: Vec::new() };
    Move::Wait(Phase::Number, gather(&step.asking, Some(KEYS_MAX), step.asking.finish, Some(speech)))
}

pub fn answer(walk: &mut Walk, step: &CallbackStep, input: &Input) -> Move {
    match walk.state.phase {
        Phase::Number => number(walk, step, input),
        Phase::Confirm => confirmed(walk, step, input),
        Phase::Fresh
        | Phase::Asked
        | Phase::CustomerNumber
        | Phase::Captcha
        | Phase::Consent
        | Phase::Spare
        | Phase::Over => offered(walk, step, input),
    }
}

fn offered(walk: &mut Walk, step: &CallbackStep, input: &Input) -> Move {
    let Some(own) = own(walk) else { return ask_again(walk, step, None) };
    match (key(walk, step, input).as_str(), step.number, walk.yes_or_no(input)) {
        ("2", CallbackNumber::Ask, _) => {
            walk.reason("The caller wants to be called back at another number.");
            walk.state.attempts = 0;
            ask_number(walk, step)
        }
        (_, _, Some((true, how))) => {
            walk.reason(format!("The caller wants to be called back at their own number: {how}."));
            promise(walk, step, own)
        }
        (_, _, Some((false, how))) => declined(walk, step, how),
        ("3", _, _) => declined(walk, step, "chose 3"),
        ("", _, None) => ask_again(walk, step, None),
        (_, _, None) => ask_again(walk, step, Some(|words| words.wrong_key)),
    }
}

/// The key that was pressed or named. Whoever says no, but to another number, wants that one.
fn key(walk: &Walk, step: &CallbackStep, input: &Input) -> String {
    match heard(input) {
        Heard::Keys(keys) => keys,
        Heard::Words(text) => {
            let (words, _) = words(&walk.state.language, walk.flow.default_language());
            let said = spoken_words(&text);
            let another = words.another_number.iter().any(|word| says_phrase(&said, word) > 0);
            match spoken_digits(&text, words) {
                Some(digits) => digits,
                None if another && step.number == CallbackNumber::Ask => "2".to_owned(),
                None => String::new(),
            }
        }
        Heard::Nothing => String::new(),
    }
}

fn declined(walk: &mut Walk, step: &CallbackStep, how: &str) -> Move {
    walk.reason(format!("The caller does not want to be called back: {how}."));
    Move::Go(step.declined)
}

/// The question that was asked last, until there are no attempts left.
fn ask_again(walk: &mut Walk, step: &CallbackStep, wrong: Option<fn(&Words) -> &'static str>) -> Move {
    if !walk.may_try_again(&step.asking) {
        walk.reason("The caller gave no answer: nothing is promised.");
        return Move::Go(step.declined);
    }
    walk.say_before_again(&step.asking, wrong);
    match (walk.state.phase, own(walk), walk.state.heard.clone()) {
        (Phase::Confirm, _, Some(heard)) => ask_whether_right(walk, step, &heard),
        (Phase::Asked, Some(own), _) => offer(walk, step, &own),
        (_, _, _) if step.number == CallbackNumber::Ask => ask_number(walk, step),
        (_, _, _) => Move::Go(step.declined),
    }
}

fn number(walk: &mut Walk, step: &CallbackStep, input: &Input) -> Move {
    let given = match heard(input) {
        Heard::Keys(keys) => Some(keys),
        Heard::Words(text) => {
            let (words, _) = words(&walk.state.language, walk.flow.default_language());
            Some(spoken_digits(&text, words).unwrap_or_default())
        }
        Heard::Nothing => None,
    };
    let Some(given) = given else { return ask_again(walk, step, None) };
    match Phone::dialled(&given, walk.facts.hotline.country_code()) {
        Some(number) if walk.facts.money.is_allowed(&number) => {
            walk.state.heard = Some(number.to_string());
            ask_whether_right(walk, step, number.as_str())
        }
        Some(number) => {
            walk.reason(format!("A callback to {} is not allowed: country.", number.masked()));
            ask_again(walk, step, Some(|words| words.callback_number_refused))
        }
        None => {
            walk.reason("What the caller gave is no phone number.");
            ask_again(walk, step, Some(|words| words.callback_number_wrong))
        }
    }
}

fn ask_whether_right(walk: &mut Walk, step: &CallbackStep, number: &str) -> Move {
    walk.say_filled(|words| words.confirm, &[("heard", &digits(number))]);
    let listen = walk.listen_for_yes_or_no();
    Move::Wait(Phase::Confirm, gather(&step.asking, Some(1), None, Some(listen)))
}

fn confirmed(walk: &mut Walk, step: &CallbackStep, input: &Input) -> Move {
    let number = walk.state.heard.as_ref().and_then(|heard| heard.parse::<Phone>().ok());
    match (walk.yes_or_no(input), number) {
        (Some((true, how)), Some(number)) => {
            walk.reason(format!("The caller wants to be called back at {}: {how}.", number.masked()));
            promise(walk, step, number)
        }
        (Some((false, how)), _) => {
            walk.reason(format!("The number was not right: the caller {how}."));
            walk.state.heard = None;
            if !walk.may_try_again(&step.asking) {
                return Move::Go(step.declined);
            }
            ask_number(walk, step)
        }
        (_, _) => ask_again(walk, step, None),
    }
}

fn promise(walk: &mut Walk, step: &CallbackStep, number: Phone) -> Move {
    let due = walk.facts.now + within(walk, step);
    let language = walk.state.language.clone();
    let said = at(walk, due, &language);
    walk.say_filled(|words| words.callback_promised, &[("number", &spoken(&number)), ("time", &said)]);
    let alert = new_alert(walk, &number, due);
    walk.reason(format!("A callback to {} is promised by {}.", number.masked(), due.to_rfc3339()));
    walk.effects.push(Effect::Callback(Callback { number, due, language, alert }));
    walk.state.promised = true;
    walk.reach(Outcome::Callback);
    Move::Go(step.accepted)
}

fn new_alert(walk: &Walk, number: &Phone, due: Instant) -> NewAlert {
    let language = walk.flow.default_language();
    let (words, _) = words(language, language);
    let who = alert::who(&walk.state, walk.facts, words);
    let values = [("who", who.as_str()), ("number", number.as_str()), ("time", &at(walk, due, language))];
    NewAlert {
        number: 0,
        title: plain(&fill(words.title_callback, &values)),
        priority: walk.state.priority.unwrap_or(Priority::P3),
        category: walk.state.category.clone(),
        policy: None,
        contract: walk.state.contract.clone(),
        contact: walk.state.contact.clone(),
        unverified: false,
    }
}

fn within(walk: &Walk, step: &CallbackStep) -> TimeDelta {
    TimeDelta::seconds(walk.seconds_up_to(&step.within, WITHIN_MAX_S).into())
}

/// A time of day in the contract's zone.
fn at(walk: &Walk, instant: Instant, language: &crate::model::language::Language) -> String {
    let zone = Texts { flow: walk.flow, state: &walk.state, facts: walk.facts, language }.zone();
    let civil = |at: Instant| at.with_timezone(&zone).naive_local();
    let (words, _) = words(language, walk.flow.default_language());
    words.time(civil(instant), civil(instant).date() != civil(walk.facts.now).date())
}

fn spoken(number: &Phone) -> String {
    digits(number.as_str())
}

/// One by one, without a sign that not every voice can say.
fn digits(number: &str) -> String {
    format!("{DIGITS_FROM}{}{DIGITS_TO}", number.trim_start_matches('+'))
}
