//! `intake`: who, what, where, when and why, each asked and recorded, and each kept as soon as it is said:
//! whoever hangs up in the middle has told so much. Silence asks once more, in the end the next question.

use super::{
    asking::record,
    walk::{Move, Walk},
};
use crate::{
    ivr::{
        flow::IntakeStep,
        state::Phase,
        turn::{Effect, Input, IntakeAnswer, Then},
    },
    model::call::Question,
};

/// Answers are short: one thing at a time.
pub const ANSWER_MAX_S: u32 = 60;

pub fn enter(walk: &mut Walk, step: &IntakeStep) -> Move {
    walk.speak(&step.asking.prompt);
    ask(walk, step)
}

fn ask(walk: &mut Walk, step: &IntakeStep) -> Move {
    let Some((question, own)) = current(walk, step) else { return Move::Go(step.next) };
    let language = walk.state.language.clone();
    match own {
        Some(text) => walk.say(text, &language),
        None => walk.say_built_in(|words| words.questions[*question as usize]),
    }
    Move::Wait(Phase::Asked, record(&step.asking, ANSWER_MAX_S, true, language, Some(*question)))
}

fn current<'a>(walk: &Walk, step: &'a IntakeStep) -> Option<&'a (Question, Option<crate::ivr::flow::Text>)> {
    step.questions.get(usize::try_from(walk.state.question).ok()?)
}

pub fn answer(walk: &mut Walk, step: &IntakeStep, input: Input) -> Move {
    let asked = current(walk, step).map_or("nothing", |(question, _)| question.as_str());
    if let Input::Recorded { url, sid, seconds, hung_up, .. } = input {
        walk.reason(format!("The caller answered `{asked}` in {seconds} seconds."));
        keep(walk, step, url, sid, seconds);
        // Whoever has told something did not phone by mistake.
        walk.state.past = true;
        if hung_up {
            walk.reason(format!("The caller hung up at step `{}`.", walk.state.step));
            walk.leave_missed();
            return Move::End(Then::Hangup);
        }
    } else {
        walk.reason(format!("The caller said nothing to `{asked}`."));
        if walk.may_try_again(&step.asking) {
            walk.say_before_again(&step.asking, None);
            return ask(walk, step);
        }
    }
    walk.state.attempts = 0;
    walk.state.question = walk.state.question.saturating_add(1);
    ask(walk, step)
}

/// Also when the call has been reported as ended before the recording.
pub fn keep(walk: &mut Walk, step: &IntakeStep, url: String, sid: Option<String>, seconds: u32) {
    let Some((question, _)) = current(walk, step) else { return };
    let language = walk.state.language.clone();
    let answer = IntakeAnswer { question: *question, url, sid, seconds, transcribe: true, language };
    walk.effects.push(Effect::Intake(answer));
}
