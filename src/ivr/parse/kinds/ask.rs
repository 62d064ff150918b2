//! Reads the steps that ask the caller or look who it is: `language`, `menu`, `pin`, `caller`.

use std::collections::BTreeMap;

use crate::{
    ivr::{
        flow::{CallerStep, Choice, Kind, MenuOption, NumberPattern, PinStep, Trust},
        parse::step::{StepReader, is_key},
        run::spoken_words,
    },
    model::{
        language::Language,
        phone::Phone,
        pin,
        source::{At, Reader},
    },
};

pub fn language(step: &StepReader<'_, '_>) -> Option<Kind> {
    let prompt = step.need_speech("prompt");
    let asking = step.asking(prompt);
    let mut options = BTreeMap::new();
    for (key, options_key, table) in keys(step) {
        let Some(given) = table.string(options_key.value) else { continue };
        match step.book.languages.iter().find(|language| language.as_str() == given.value) {
            Some(language) => {
                options.extend(key.map(|key| (key, language.clone())));
            }
            None => step.unknown_language(&At { value: given.value.as_str(), span: given.span.clone() }),
        }
    }
    let remember = step.reader.boolean("remember").is_none_or(|given| given.value);
    let next = step.exit("next");
    Some(Kind::Language { asking, options, remember, next: next? })
}

pub fn menu(step: &StepReader<'_, '_>) -> Option<Kind> {
    let prompt = step.need_speech("prompt");
    let asking = step.asking(prompt);
    let mut options = BTreeMap::new();
    let mut leads_on = false;
    let mut spoken = BTreeMap::new();
    for (key, name, table) in keys(step) {
        let what = format!("option {} of step `{}`", name.value, step.name);
        let Some(entry) = table.table(name.value, what) else { continue };
        let choice = option(step, entry);
        leads_on |= matches!(choice, None | Some(Choice::Go(_)));
        choice.iter().for_each(|choice| words_of_one(step, &name, choice, &mut spoken));
        options.extend(key.zip(choice));
    }
    if step.reader.has("options") && !leads_on {
        step.reader.fault_at("options", "the menu has no choice that leads on", "add `1 = { to = \"…\" }`");
    }
    let invalid = step.exit("invalid");
    Some(Kind::Menu { asking, options, invalid: invalid? })
}

/// Words that two choices share would only ever make it ask again.
fn words_of_one<'b>(
    step: &StepReader<'_, 'b>,
    name: &At<&'b str>,
    choice: &Choice,
    spoken: &mut BTreeMap<(Language, String), &'b str>,
) {
    for (language, phrases) in choice.speech() {
        for phrase in phrases {
            let said = (language.clone(), spoken_words(phrase).join(" "));
            let first = *spoken.entry(said).or_insert(name.value);
            if first != name.value {
                let what = format!("\"{phrase}\" (`{language}`) chooses {first} and {} alike", name.value);
                step.fault(name.span.clone(), what, "give each choice words of its own");
                return;
            }
        }
    }
}

/// The entries of `options`, with the key of the telephone where it is one.
fn keys<'b>(step: &StepReader<'_, 'b>) -> Vec<(Option<char>, At<&'b str>, std::rc::Rc<Reader<'b>>)> {
    if !step.reader.has("options") {
        step.reader.missing("options", "add `options = { 1 = … }`");
    }
    let Some(table) = step.reader.table("options", "`options`").map(std::rc::Rc::new) else { return Vec::new() };
    let names = table.keys();
    names
        .into_iter()
        .map(|name| {
            let mut signs = name.value.chars();
            let key = signs.next().filter(|sign| signs.next().is_none() && is_key(*sign));
            if key.is_none() {
                let what = format!("`{}` is no key of a telephone", name.value);
                step.fault(name.span.clone(), what, "use one of 0-9, \"*\" and \"#\"");
            }
            (key, name, table.clone())
        })
        .collect()
}

fn option<'b>(step: &StepReader<'_, 'b>, entry: Reader<'b>) -> Option<Choice> {
    let repeat = entry.boolean("repeat");
    let label = entry.string("label").map(|label| label.value);
    let category = entry.string("category").map(|category| category.value);
    let priority = entry.parsed("priority").map(|priority| priority.value);
    let speech = speech(step, &entry);
    if repeat.as_ref().is_some_and(|repeat| repeat.value) {
        entry.item("to");
        for key in ["to", "category", "priority"].into_iter().filter(|key| entry.has(key)) {
            let what = format!("a choice that repeats leads nowhere and sets nothing: `{key}`");
            entry.fault_at(key, what, format!("take `{key}` or `repeat` out"));
        }
        entry.finish();
        return Some(Choice::Repeat { speech });
    }
    let to = step.exit_of(&entry, "to");
    entry.finish();
    Some(Choice::Go(MenuOption { label, category, priority, speech, to: to? }))
}

/// Words per language, or one list for all.
fn speech<'b>(step: &StepReader<'_, 'b>, entry: &Reader<'b>) -> BTreeMap<Language, Vec<String>> {
    let mut speech = BTreeMap::new();
    let Some(item) = entry.item("speech") else { return speech };
    let words = |list: Vec<At<String>>| -> Vec<String> {
        for word in list.iter().filter(|word| !word.value.contains(char::is_alphanumeric)) {
            step.fault(word.span.clone(), format!("`{}` is no word", word.value), "write what callers say");
        }
        list.into_iter().map(|word| word.value).collect()
    };
    if item.is_array() {
        let list = words(entry.strings("speech").unwrap_or_default());
        return step.book.languages.iter().map(|language| (language.clone(), list.clone())).collect();
    }
    let Some(table) = entry.table("speech", "`speech`") else { return speech };
    for given in table.keys() {
        let list = table.strings(given.value).unwrap_or_default();
        match step.book.languages.iter().find(|language| language.as_str() == given.value) {
            Some(language) => {
                speech.insert(language.clone(), words(list));
            }
            None => step.unknown_language(&given),
        }
    }
    speech
}

pub fn pin(step: &StepReader<'_, '_>) -> Option<Kind> {
    let prompt = step.need_speech("prompt");
    let asking = step.asking(prompt);
    let customer_number = step.text("customer_number");
    let (digits_min, digits_max) = digits(step);
    let verified = step.exit("verified");
    let failed = step.exit("failed");
    let locked = step.may_exit("locked").or(failed);
    Some(Kind::Pin(PinStep {
        asking,
        customer_number,
        digits_min,
        digits_max,
        verified: verified?,
        failed: failed?,
        locked: locked?,
    }))
}

/// `6-10`, or `6` alone.
fn digits(step: &StepReader<'_, '_>) -> (usize, usize) {
    let all = (pin::DIGITS_MIN, pin::DIGITS_MAX);
    let Some(given) = step.reader.string("digits") else { return all };
    let (min, max) = given.value.split_once('-').unwrap_or((&given.value, &given.value));
    match (min.trim().parse::<usize>(), max.trim().parse::<usize>()) {
        (Ok(min), Ok(max)) if all.0 <= min && min <= max && max <= all.1 => (min, max),
        _ => {
            let mend = format!("write \"{}-{}\" or a part of it", all.0, all.1);
            step.fault(given.span, format!("`digits` is `{}`", given.value), mend);
            all
        }
    }
}

pub fn caller(step: &StepReader<'_, '_>) -> Option<Kind> {
    let prompt = step.speech("prompt");
    let asking = step.asking(prompt);
    let allow = patterns(step, "allow");
    let block = patterns(step, "block");
    let trust = step.word("trust", &[("any", Trust::Any), ("attested", Trust::Attested)]).unwrap_or(Trust::Any);
    let captcha = step.reader.boolean("captcha").is_some_and(|given| given.value);
    let known = step.exit("known");
    let unknown = step.exit("unknown");
    let anonymous = step.may_exit("anonymous").or(unknown);
    let blocked = step.may_exit("blocked");
    Some(Kind::Caller(CallerStep {
        allow,
        block,
        trust,
        captcha,
        asking,
        known: known?,
        unknown: unknown?,
        anonymous: anonymous?,
        blocked,
    }))
}

fn patterns<'b>(step: &StepReader<'_, 'b>, key: &'b str) -> Vec<NumberPattern> {
    let given = step.reader.strings(key).unwrap_or_default();
    given
        .into_iter()
        .filter_map(|text| {
            let pattern = pattern(&text.value);
            if pattern.is_none() {
                let what = format!("`{}` is neither a number nor the beginning of one", text.value);
                step.fault(text.span, what, "write +4917012345 or +49170*");
            }
            pattern
        })
        .collect()
}

fn pattern(text: &str) -> Option<NumberPattern> {
    let Some(prefix) = text.strip_suffix('*') else { return text.parse::<Phone>().ok().map(NumberPattern::Exactly) };
    let digits = prefix.strip_prefix('+')?;
    let plausible = digits.len() <= 15 && digits.bytes().all(|sign| sign.is_ascii_digit());
    plausible.then(|| NumberPattern::Prefix(prefix.to_owned()))
}
