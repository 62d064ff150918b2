//! Reads the steps that spare a caller the wait: `notice`, `callback`. Neither always waits for the caller, so
//! that neither leads out of a circle.

use crate::ivr::{
    flow::{CallbackNumber, CallbackStep, Kind, NoticeStep},
    parse::step::StepReader,
};

const MINUTE: u32 = 60;
const WITHIN_S: u32 = 30 * MINUTE;
/// A promise for later than that is none.
pub const WITHIN_MAX_S: u32 = 7 * 24 * 60 * MINUTE;

pub fn notice(step: &StepReader<'_, '_>) -> Option<Kind> {
    let prompt = step.speech("prompt");
    let asking = step.asking(prompt);
    let offer_sms = step.reader.boolean("offer_sms").is_none_or(|given| given.value);
    let announced = step.exit("announced");
    let none = step.exit("none");
    Some(Kind::Notice(NoticeStep { asking, offer_sms, announced: announced?, none: none? }))
}

pub fn callback(step: &StepReader<'_, '_>) -> Option<Kind> {
    let prompt = step.speech("prompt");
    let asking = step.asking(prompt);
    let words =
        [("caller", CallbackNumber::Caller), ("ask", CallbackNumber::Ask), ("caller's", CallbackNumber::Caller)];
    let number = step.word("number", &words).unwrap_or(CallbackNumber::Caller);
    let within = step.wait("within", WITHIN_S, 1, WITHIN_MAX_S);
    let accepted = step.exit("accepted");
    let declined = step.exit("declined");
    Some(Kind::Callback(CallbackStep { asking, number, within, accepted: accepted?, declined: declined? }))
}
