//! The alert of a call: what a step raises or adds, and what a caller leaves who is gone too early.

use super::walk::Walk;
use crate::{
    ivr::{
        facts::Facts,
        flow::{AlertFields, Flow},
        speech::plain,
        state::{Phase, State},
        turn::{Effect, MissedAlert, MissedCall, MissedWhy, NewAlert},
        words::{Words, fill, words},
    },
    model::{call::Outcome, priority::Priority},
};

/// Longer titles are cut: they are read to technicians on the phone.
const TITLE_MAX: usize = 200;

pub fn enter(walk: &mut Walk, fields: &AlertFields, ack_on_connect: bool) {
    if let Some(priority) = fields.priority {
        walk.state.priority = Some(priority);
    }
    if let Some(category) = &fields.category {
        walk.state.category = Some(category.clone());
    }
    walk.state.ack_on_connect = ack_on_connect;
    let alert = new_alert(walk, fields, |words| words.title_call);
    let (number, priority) = (alert.number, alert.priority);
    if walk.state.alert.replace(number).is_some() {
        walk.reason(format!("Added to alert {number} with priority {priority}."));
        walk.effects.push(Effect::AddToAlert(alert));
    } else {
        walk.reason(format!("Raised alert {number} with priority {priority}."));
        walk.effects.push(Effect::RaiseAlert(alert));
    }
}

/// Rendered, in the flow's first language: technicians read it, not the caller.
pub fn new_alert(walk: &mut Walk, fields: &AlertFields, title: impl Fn(&Words) -> &'static str) -> NewAlert {
    let language = walk.flows.main.default_language().clone();
    let written = fields.title.as_ref().map(|text| plain(&walk.rendered(text, &language)));
    let title = match written.filter(|title| !title.is_empty()) {
        Some(title) => title.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TITLE_MAX).collect(),
        None => sentence(walk.flows.main, &walk.state, walk.facts, title),
    };
    NewAlert {
        number: walk.state.alert.unwrap_or(walk.facts.next_alert),
        title,
        priority: fields.priority.or(walk.state.priority).unwrap_or(Priority::P3),
        category: fields.category.clone().or_else(|| walk.state.category.clone()),
        policy: fields.policy.clone(),
        contract: walk.state.contract.clone(),
        contact: walk.state.contact.clone(),
        unverified: fields.unverified,
    }
}

/// The caller has gone: the missed call that this leaves, if any (promise 2).
///
/// None when the caller has talked, left a message or was bidden goodbye, when it was told already,
/// or when the flow's `abandoned` rule does not want to hear of a caller who left this early. A
/// failure of ours is always told.
pub fn abandoned(flow: &Flow, state: &State, facts: &Facts) -> Option<MissedCall> {
    let settled = match state.reached {
        Some(
            Outcome::Connected
            | Outcome::Forwarded
            | Outcome::Voicemail
            | Outcome::Callback
            | Outcome::Goodbye
            | Outcome::Rejected,
        ) => true,
        Some(Outcome::Missed | Outcome::Failed) | None => false,
    };
    let failed = state.phase == Phase::Spare;
    if settled || state.missed_told || !(state.past || failed) {
        return None;
    }
    Some(missed_call(flow, state, facts, if failed { MissedWhy::Failed } else { MissedWhy::HungUp }))
}

pub fn missed_call(flow: &Flow, state: &State, facts: &Facts, why: MissedWhy) -> MissedCall {
    let alert = match state.alert {
        Some(number) => MissedAlert::Existing { number },
        None => MissedAlert::New(NewAlert {
            number: facts.next_alert,
            title: sentence(flow, state, facts, |words| words.title_missed),
            priority: flow.abandoned.priority,
            category: state.category.clone(),
            policy: None,
            contract: state.contract.clone(),
            contact: state.contact.clone(),
            unverified: false,
        }),
    };
    MissedCall {
        why,
        step: state.step.clone(),
        waited_s: (facts.now - state.started).num_seconds().max(0),
        category: state.category.clone(),
        alert,
    }
}

/// One of the engine's sentences for technicians and the MSP, filled in.
pub fn sentence(flow: &Flow, state: &State, facts: &Facts, sentence: impl Fn(&Words) -> &'static str) -> String {
    let (words, _) = words(flow.default_language(), flow.default_language());
    let who = who(state, facts, words);
    fill(sentence(words), &[("who", &who), ("step", &state.step), ("hotline", facts.hotline.as_str())])
}

/// `Petra Klein (ACME GmbH)`, as much as is known.
pub fn who(state: &State, facts: &Facts, words: &Words) -> String {
    let contract = state.contract.as_ref().and_then(|id| facts.contract(id));
    let name = contract.zip(state.contact.as_ref()).and_then(|(contract, id)| contract.contacts.get(id));
    let caller = || facts.caller.as_ref().map_or(words.anonymous, |caller| caller.as_str()).to_owned();
    let name = name.cloned().unwrap_or_else(caller);
    match contract {
        Some(contract) => plain(&format!("{name} ({})", contract.customer_name)),
        None => plain(&name),
    }
}
