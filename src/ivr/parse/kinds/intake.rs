//! Reads `intake`: which of the five questions, in which order, and in whose words.

use crate::{
    ivr::{
        flow::{IntakeStep, Kind, Text},
        parse::step::StepReader,
    },
    model::{call::Question, fault::did_you_mean, source::At},
};

pub fn intake(step: &StepReader<'_, '_>) -> Option<Kind> {
    let prompt = step.speech("prompt");
    let asking = step.recording(prompt);
    let questions = questions(step);
    if questions.is_empty() && step.reader.has("questions") && step.book.source.is_sound() {
        let mend = "name some of who, what, where, when and why, or leave it out for all";
        step.reader.fault_at("questions", "the intake asks nothing", mend);
    }
    let next = step.exit("next");
    Some(Kind::Intake(IntakeStep { asking, questions, next: next? }))
}

/// All five; or a list of them; or a table with texts of one's own.
fn questions(step: &StepReader<'_, '_>) -> Vec<(Question, Option<Text>)> {
    let Some(item) = step.reader.item("questions") else {
        return Question::ALL.into_iter().map(|question| (question, None)).collect();
    };
    let mut questions: Vec<(Question, Option<Text>)> = Vec::new();
    let mut add = |name: &At<&str>, text: Option<Text>| {
        let Some(question) = question(step, name) else { return };
        if questions.iter().any(|(known, _)| *known == question) {
            step.fault(name.span.clone(), format!("`{}` is asked twice", name.value), "name it once");
        }
        questions.push((question, text));
    };
    if item.is_array() {
        for name in step.reader.strings("questions").unwrap_or_default() {
            add(&At { value: name.value.as_str(), span: name.span.clone() }, None);
        }
    } else if let Some(table) = step.reader.table("questions", format!("`questions` of step `{}`", step.name)) {
        for name in table.keys() {
            let text = step.text_of(&table, name.value);
            add(&name, text);
        }
    }
    questions
}

fn question(step: &StepReader<'_, '_>, name: &At<&str>) -> Option<Question> {
    let found = Question::named(name.value);
    if found.is_none() {
        let words = Question::ALL.map(Question::as_str);
        let mend = did_you_mean(name.value, words).unwrap_or_else(|| format!("use some of {}", words.join(", ")));
        step.fault(name.span.clone(), format!("`{}` is none of the five questions", name.value), mend);
    }
    found
}
