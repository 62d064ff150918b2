//! `voicemail`, and the spare one after a failure of ours: the recording goes to the call's alert or
//! raises one, silence asks once more, and counts as a missed call in the end.

use super::{
    alert::new_alert,
    asking::record,
    walk::{Move, Walk},
};
use crate::{
    ivr::{
        flow::{AlertFields, Kind, Step, VoicemailStep},
        flows::Flows,
        state::{Phase, State},
        turn::{Effect, Input, MissedWhy, Then, Voicemail},
    },
    model::call::Outcome,
};

/// The spare voicemail, and the default of the step.
pub const MAX_S: u32 = 180;
/// So much silence ends the spare one: nobody has said how long people of this hotline think.
pub const SPARE_SILENCE_S: u32 = 10;

pub fn enter(walk: &mut Walk, step: &VoicemailStep) -> Move {
    walk.speak(&step.asking.prompt);
    let language = walk.state.language.clone();
    Move::Wait(Phase::Asked, record(&step.asking, step.max_s, step.transcribe, language, None))
}

pub fn answer(walk: &mut Walk, step: &VoicemailStep, input: Input) -> Move {
    if let Input::Recorded { url, sid, seconds, hung_up, .. } = input {
        keep(walk, &step.alert, step.transcribe, url, sid, seconds);
        // Nobody hears what would follow.
        return if hung_up { Move::End(Then::Hangup) } else { Move::Go(step.next) };
    }
    walk.reason("The voicemail is empty.");
    if walk.may_try_again(&step.asking) {
        walk.say_before_again(&step.asking, None);
        return enter(walk, step);
    }
    if let Some(empty) = step.empty {
        return Move::Go(empty);
    }
    if walk.state.reached.is_none() && !walk.state.missed_told {
        walk.missed(MissedWhy::Silent);
    }
    Move::Go(step.next)
}

fn keep(walk: &mut Walk, fields: &AlertFields, transcribe: bool, url: String, sid: Option<String>, seconds: u32) {
    walk.reason(format!("The caller left a message of {seconds} seconds."));
    let raise = walk.state.alert.is_none().then(|| new_alert(walk, fields, |words| words.title_voicemail));
    walk.state.alert = walk.state.alert.or(raise.as_ref().map(|alert| alert.number));
    let language = walk.state.language.clone();
    walk.effects.push(Effect::Voicemail(Voicemail { url, sid, seconds, transcribe, language, raise }));
    walk.reach(Outcome::Voicemail);
}

/// A recording whose call has been reported as ended before it.
pub fn keep_late(walk: &mut Walk, url: String, sid: Option<String>, seconds: u32) {
    let flow = walk.flow;
    match flow.find(walk.state.local_step()).map(|id| &flow.step(id).kind) {
        Some(Kind::Voicemail(step)) => keep(walk, &step.alert, step.transcribe, url, sid, seconds),
        // After the spare document, of which the flow knows nothing.
        _ => keep(walk, &AlertFields::default(), true, url, sid, seconds),
    }
}

/// Whether a message is put into words that stands beside the call: as the voicemail says at which the call is,
/// elsewhere only if no voicemail of its flows wants the words left out.
pub fn transcribes(flows: Flows<'_>, state: &State) -> bool {
    let says = |step: &Step| if let Kind::Voicemail(step) = &step.kind { Some(step.transcribe) } else { None };
    let here = flows.current(state).and_then(|flow| Some(flow.step(flow.find(state.local_step())?)));
    let all = std::iter::once(flows.main).chain(flows.called.values().map(|(_, flow)| flow.as_ref()));
    here.and_then(says)
        .unwrap_or_else(|| all.flat_map(|flow| flow.steps()).filter_map(|(_, step)| says(step)).all(|yes| yes))
}

/// After an apology: a message is as good as any, everything else a missed call.
pub fn spare_answer(walk: &mut Walk, input: Input) -> Move {
    match input {
        Input::Recorded { url, sid, seconds, .. } => {
            keep(walk, &AlertFields::default(), true, url, sid, seconds);
            walk.say_built_in(|words| words.thanks);
        }
        _ => {
            walk.reason("Not even the spare voicemail got a message.");
            if !walk.state.missed_told {
                walk.missed(MissedWhy::Failed);
            }
            walk.say_built_in(|words| words.sorry_goodbye);
        }
    }
    Move::End(Then::Hangup)
}
