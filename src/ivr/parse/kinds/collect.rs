//! Reads `collect`: what a caller keys in or says becomes a var.

use crate::{
    ivr::{
        flow::{CollectStep, Kind, Taken},
        parse::step::StepReader,
    },
    model::source::At,
};

/// Longer than any number that people read from a card, a contract or a machine.
pub const DIGITS_MAX: usize = 32;

pub fn collect(step: &StepReader<'_, '_>) -> Option<Kind> {
    let prompt = step.need_speech("prompt");
    let asking = step.asking(prompt);
    let into = into(step);
    let words = [("digits", Taken::Digits), ("speech", Taken::Speech), ("both", Taken::Both)];
    let input = step.word("input", &words).unwrap_or(Taken::Digits);
    let digits = step.reader.string("digits").and_then(|given| digits(step, &given));
    if input == Taken::Speech && step.reader.has("digits") {
        let mend = "take `digits` out, or write `input = \"both\"`";
        step.reader.fault_at("digits", "what is only spoken has no digits to count", mend);
    }
    let confirm = step.reader.boolean("confirm").is_some_and(|given| given.value);
    let next = step.exit("next");
    let failed = step.exit("failed");
    Some(Kind::Collect(CollectStep { asking, into: into?, input, digits, confirm, next: next?, failed: failed? }))
}

fn into(step: &StepReader<'_, '_>) -> Option<String> {
    if !step.reader.has("into") {
        step.reader.missing("into", "add `into = \"ticket\"` with the var that gets the answer");
    }
    let into = step.reader.string("into")?;
    step.sets(&into.value, into.span.clone());
    Some(into.value)
}

/// `6-10`, or `6` alone.
fn digits(step: &StepReader<'_, '_>, given: &At<String>) -> Option<(usize, usize)> {
    let (min, max) = given.value.split_once('-').unwrap_or((&given.value, &given.value));
    match (min.trim().parse::<usize>(), max.trim().parse::<usize>()) {
        (Ok(min), Ok(max)) if 1 <= min && min <= max && max <= DIGITS_MAX => Some((min, max)),
        _ => {
            let mend = format!("write how many there may be, such as \"4\" or \"6-10\"; at most {DIGITS_MAX}");
            step.fault(given.span.clone(), format!("`digits` is `{}`", given.value), mend);
            None
        }
    }
}
