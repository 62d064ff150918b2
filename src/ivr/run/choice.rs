//! `menu` and `language`: the caller chooses by key or word.

use std::collections::BTreeMap;

use super::{
    asking::{Heard, digit_names, gather, heard, says_phrase, spoken_digits, spoken_words},
    walk::{Move, Walk},
};
use crate::{
    ivr::{
        flow::{Asking, Choice, MenuOption, StepId},
        state::Phase,
        turn::{Effect, Input, Listen},
        words,
    },
    model::language::Language,
};

/// Carriers take 500 hints of up to 100 characters.
const HINTS_MAX: usize = 500;
const HINT_CHARS_MAX: usize = 100;

/// Every menu listens: for its own words, and for the number of a choice.
pub fn enter_menu(walk: &mut Walk, asking: &Asking, options: &BTreeMap<char, Choice>) -> Move {
    walk.speak(&asking.prompt);
    let language = walk.state.language.clone();
    let (words, spoken) = words::words(&language, &language);
    let digits = digit_names(words, options.keys().copied()).filter(|_| spoken == language);
    let hints = options
        .values()
        .filter_map(|choice| choice.speech().get(&language))
        .flatten()
        .map(|word| word.chars().take(HINT_CHARS_MAX).collect())
        .chain(digits)
        .take(HINTS_MAX)
        .collect();
    let speech = Listen { language, hints };
    Move::Wait(Phase::Asked, gather(asking, Some(1), free_finish(asking, options), Some(speech)))
}

/// A key that is an option cannot end the input as well.
fn free_finish<T>(asking: &Asking, options: &BTreeMap<char, T>) -> Option<char> {
    asking.finish.filter(|key| !options.contains_key(key))
}

pub fn answer_menu(
    walk: &mut Walk,
    asking: &Asking,
    options: &BTreeMap<char, Choice>,
    invalid: StepId,
    input: &Input,
) -> Move {
    let heard = heard(input);
    let (chosen, how) = match &heard {
        Heard::Keys(keys) => (one_key(keys).and_then(|key| options.get_key_value(&key)), "pressed"),
        Heard::Words(text) => (by_word(options, text, &walk.state.language), "said"),
        Heard::Nothing => (None, ""),
    };
    match chosen {
        Some((_, Choice::Repeat { .. })) => enter_menu(walk, asking, options),
        Some((key, Choice::Go(option))) => {
            let label = option.label.as_deref().or(option.category.as_deref()).unwrap_or("no label");
            walk.reason(format!("The caller {how} {key} ({label}) at step `{}`.", walk.state.step));
            choose(walk, option)
        }
        None => {
            let nothing = matches!(heard, Heard::Nothing);
            let what = if nothing { "gave no answer" } else { "chose what is not offered" };
            walk.reason(format!("The caller {what} at step `{}`.", walk.state.step));
            if !walk.may_try_again(asking) {
                return Move::Go(invalid);
            }
            walk.say_before_again(asking, if nothing { None } else { Some(|words| words.wrong_key) });
            enter_menu(walk, asking, options)
        }
    }
}

fn choose(walk: &mut Walk, option: &MenuOption) -> Move {
    if let Some(category) = &option.category {
        walk.state.category = Some(category.clone());
    }
    if let Some(priority) = option.priority {
        walk.state.priority = Some(priority);
    }
    Move::Go(option.to)
}

fn one_key(keys: &str) -> Option<char> {
    let mut signs = keys.chars();
    signs.next().filter(|_| signs.next().is_none())
}

/// The option whose words were said; of several the one with the longest phrase. Two equals are a
/// doubt, and a doubt asks again.
fn by_word<'a>(options: &'a BTreeMap<char, Choice>, text: &str, language: &Language) -> Option<(&'a char, &'a Choice)> {
    let said = spoken_words(text);
    let (words, _) = words::words(language, language);
    if let Some(found) = spoken_digits(text, words).and_then(|digits| options.get_key_value(&one_key(&digits)?)) {
        return Some(found);
    }
    let length = |choice: &Choice| {
        let phrases = choice.speech().get(language).into_iter().flatten();
        phrases.map(|phrase| says_phrase(&said, phrase)).max().unwrap_or(0)
    };
    let longest = options.values().map(length).max().filter(|length| *length > 0)?;
    let mut found = options.iter().filter(|(_, choice)| length(choice) == longest);
    found.next().filter(|_| found.next().is_none())
}

pub fn enter_language(
    walk: &mut Walk,
    asking: &Asking,
    options: &BTreeMap<char, Language>,
    remember: bool,
    next: StepId,
) -> Move {
    let remembered =
        walk.facts.language.clone().filter(|known| {
            remember && !walk.state.language_asked && options.values().any(|language| language == known)
        });
    walk.state.language_asked = true;
    if let Some(language) = remembered {
        walk.reason(format!("The caller's number chose `{language}` on an earlier call."));
        walk.state.language = language;
        return Move::Go(next);
    }
    ask_language(walk, asking, options)
}

/// In every language of the flow, each in its own voice.
fn ask_language(walk: &mut Walk, asking: &Asking, options: &BTreeMap<char, Language>) -> Move {
    let times = if asking.prompt.is_one_for_all() { 1 } else { walk.flow.languages.len() };
    for language in walk.flow.languages.iter().take(times) {
        walk.speak_in(&asking.prompt, language);
    }
    let language = walk.flow.default_language().clone();
    let names = options.values().flat_map(words::names).map(|name| (*name).to_owned());
    let digits = walk.flow.languages.iter().flat_map(|spoken| {
        let (words, _) = words::words(spoken, &language);
        digit_names(words, options.keys().copied())
    });
    let mut hints: Vec<String> = Vec::new();
    for hint in names.chain(digits) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    let speech = Listen { language: language.clone(), hints };
    Move::Wait(Phase::Asked, gather(asking, Some(1), free_finish(asking, options), Some(speech)))
}

/// The language whose name or number was said, in whatever language that was. Two are a doubt.
fn named_language<'a>(options: &'a BTreeMap<char, Language>, spoken: &[Language], text: &str) -> Option<&'a Language> {
    let digits = spoken.iter().find_map(|language| spoken_digits(text, words::words(language, language).0));
    if let Some(found) = digits.and_then(|digits| options.get(&one_key(&digits)?)) {
        return Some(found);
    }
    let said = spoken_words(text);
    let is_said = |language: &&Language| words::names(language).iter().any(|name| says_phrase(&said, name) > 0);
    let mut found = options.values().filter(is_said);
    found.next().filter(|_| found.next().is_none())
}

pub fn answer_language(
    walk: &mut Walk,
    asking: &Asking,
    options: &BTreeMap<char, Language>,
    remember: bool,
    next: StepId,
    input: &Input,
) -> Move {
    let chosen = match heard(input) {
        Heard::Keys(keys) => one_key(&keys).and_then(|key| options.get(&key)),
        Heard::Words(text) => named_language(options, &walk.flow.languages, &text),
        Heard::Nothing => None,
    };
    if let Some(language) = chosen {
        walk.reason(format!("The caller chose `{language}`."));
        walk.state.language = language.clone();
        if let Some(caller) = walk.facts.caller.clone().filter(|_| remember) {
            walk.effects.push(Effect::RememberLanguage { caller, language: language.clone() });
        }
        return Move::Go(next);
    }
    if walk.may_try_again(asking) {
        return ask_language(walk, asking, options);
    }
    walk.reason(format!("The caller chose no language: it stays `{}`.", walk.state.language));
    Move::Go(next)
}
