//! `notice`: open incidents that touch the caller are told, and who wants it hears by SMS how they go on.
//! What is told is data: it is never rendered, and goes through the same escaping as a name.

use super::{
    asking::{Heard, gather, heard},
    walk::{Move, Walk},
};
use crate::{
    ivr::{
        facts::Attestation,
        flow::NoticeStep,
        state::Phase,
        texts::clean_up_to,
        turn::{Effect, Input, Then},
    },
    model::{
        incident::{Incident, TEXT_MAX},
        phone::Phone,
    },
};

/// More than these are no help to anybody who has an outage.
const INCIDENTS_MAX: usize = 5;

pub fn enter(walk: &mut Walk, step: &NoticeStep) -> Move {
    let incidents = touching(walk);
    if incidents.is_empty() {
        walk.reason("No open incident touches this call.");
        return Move::Go(step.none);
    }
    let told: Vec<_> = incidents
        .iter()
        .map(|incident| {
            let (text, language) = incident.told_in(&walk.state.language, walk.flow.default_language());
            (clean_up_to(text, TEXT_MAX), language)
        })
        .collect();
    if !walk.has_room_for(told.iter().map(|(text, _)| text.chars().count()).sum()) {
        return Move::Wait(Phase::Fresh, Then::Continue);
    }
    walk.say_built_in(|words| words.notice);
    for (text, language) in &told {
        walk.push_said(text, language);
    }
    let numbers: Vec<String> = incidents.iter().map(|incident| incident.number.to_string()).collect();
    walk.reason(format!("The caller was told of incident {}.", numbers.join(", ")));
    match follower(walk, step) {
        Some(_) => ask(walk, step),
        None => Move::Go(step.announced),
    }
}

/// The newest first. As long as nobody knows whose call it is, those of any contract of the hotline.
fn touching(walk: &Walk) -> Vec<Incident> {
    let contract = walk.state.contract.as_ref().and_then(|id| walk.facts.contract(id));
    let touches = |incident: &&Incident| {
        let mut whose = walk.facts.contracts.iter().filter(|any| contract.is_none_or(|known| known.id == any.id));
        incident.is_for_everybody() || whose.any(|contract| incident.touches(&contract.id, &contract.customer))
    };
    let open = walk.facts.incidents.iter().filter(|incident| incident.is_open());
    open.filter(touches).take(INCIDENTS_MAX).cloned().collect()
}

/// Who could be told by SMS: a number that is the caller's own, in a country that may be texted.
fn follower(walk: &Walk, step: &NoticeStep) -> Option<Phone> {
    let own = walk.facts.caller.clone().filter(|_| walk.facts.attestation != Attestation::Failed);
    own.filter(|caller| step.offer_sms && walk.facts.money.may_text(caller))
}

fn ask(walk: &mut Walk, step: &NoticeStep) -> Move {
    match step.asking.prompt.say.is_some() || step.asking.prompt.play.is_some() {
        true => walk.speak(&step.asking.prompt),
        false => walk.say_built_in(|words| words.ask_follow),
    }
    let listen = walk.listen_for_yes_or_no();
    Move::Wait(Phase::Asked, gather(&step.asking, Some(1), None, Some(listen)))
}

/// Only a clear yes is one; everybody else goes on all the same.
pub fn answer(walk: &mut Walk, step: &NoticeStep, input: &Input) -> Move {
    match walk.yes_or_no(input) {
        Some((true, how)) => follow(walk, step, how),
        Some((false, how)) => walk.reason(format!("The caller wants no updates by SMS: {how}.")),
        None if walk.may_try_again(&step.asking) => {
            let pressed = matches!(heard(input), Heard::Keys(_));
            walk.say_before_again(&step.asking, if pressed { Some(|words| words.wrong_key) } else { None });
            return ask(walk, step);
        }
        None => walk.reason("The caller went on without updates by SMS."),
    }
    Move::Go(step.announced)
}

fn follow(walk: &mut Walk, step: &NoticeStep, how: &str) {
    let incidents = touching(walk).into_iter().map(|incident| incident.id).collect();
    let Some(caller) = follower(walk, step) else {
        walk.reason("Updates by SMS are not possible any more: country or cap.");
        return;
    };
    walk.reason(format!("Updates by SMS go to {}: the caller {how}.", caller.masked()));
    let language = walk.state.language.clone();
    walk.effects.push(Effect::FollowIncidents { caller, incidents, language });
    walk.say_built_in(|words| words.followed);
}
