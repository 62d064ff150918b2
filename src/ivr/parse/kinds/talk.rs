//! Reads the steps that only talk: `say`, `pause`, `hangup`.

use crate::ivr::{flow::Kind, parse::step::StepReader, turn::RejectReason};

pub fn say(step: &StepReader<'_, '_>) -> Option<Kind> {
    let speech = step.need_speech("say");
    let next = step.exit("next");
    Some(Kind::Say { speech: speech?, next: next? })
}

pub fn pause(step: &StepReader<'_, '_>) -> Option<Kind> {
    if !step.reader.has("for") {
        step.reader.missing("for", "add `for = \"2s\"`");
    }
    let seconds = step.seconds("for", 1, 300);
    let next = step.exit("next");
    Some(Kind::Pause { seconds: seconds?, next: next? })
}

pub fn hangup(step: &StepReader<'_, '_>) -> Option<Kind> {
    let say = step.speech("say");
    let reject = step.word("reject", &[("busy", RejectReason::Busy), ("rejected", RejectReason::Rejected)]);
    Some(Kind::Hangup { say, reject })
}
