//! What is tried when, for whom: a person's rules, and what holds where nobody wrote any. Pure.

use std::collections::VecDeque;

use chrono::TimeDelta;

use crate::model::{
    person::{Channel, ContactMethod, Person, Rule},
    priority::Urgency,
};

/// What is tried when, for this urgency: methods with delays, in the order of the delays.
pub(super) fn steps(person: &Person, urgency: Urgency) -> Vec<(&ContactMethod, TimeDelta)> {
    let declared = usable(person, person.rules(urgency));
    if !declared.is_empty() {
        return declared;
    }
    match urgency {
        Urgency::High => urgent(person),
        Urgency::Low => QUIET_FIRST
            .into_iter()
            .find_map(|channel| by(person, channel).next())
            .map(|method| (method, TimeDelta::zero()))
            .into_iter()
            .collect(),
    }
}

/// A rule whose method does not work (it is marked, or gone) has failed when its time comes: the next one takes
/// its place.
fn usable<'a>(person: &'a Person, rules: &[Rule]) -> Vec<(&'a ContactMethod, TimeDelta)> {
    let (mut usable, mut failed) = (Vec::new(), VecDeque::new());
    for rule in rules {
        match person.method(&rule.via) {
            Some(method) => usable.push((method, failed.pop_front().unwrap_or(rule.after).min(rule.after))),
            None => failed.push_back(rule.after),
        }
    }
    usable
}

/// One way is enough for what can wait, the quietest that there is. A webhook wakes nobody, but nobody may
/// be looking at its other end.
const QUIET_FIRST: [Channel; 9] = [
    Channel::Email,
    Channel::Slack,
    Channel::Teams,
    Channel::Telegram,
    Channel::Ntfy,
    Channel::Push,
    Channel::Webhook,
    Channel::Sms,
    Channel::Voice,
];

/// What surely reaches the person first.
const IN_WRITING: [Channel; 8] = [
    Channel::Sms,
    Channel::Push,
    Channel::Telegram,
    Channel::Slack,
    Channel::Ntfy,
    Channel::Email,
    Channel::Teams,
    Channel::Webhook,
];

/// Everything in writing at once, then the phone, and once more.
fn urgent(person: &Person) -> Vec<(&ContactMethod, TimeDelta)> {
    const WAITS: [(Channel, i64); 10] = [
        (Channel::Push, 0),
        (Channel::Sms, 0),
        (Channel::Telegram, 0),
        (Channel::Ntfy, 0),
        (Channel::Slack, 0),
        (Channel::Teams, 0),
        (Channel::Webhook, 0),
        (Channel::Email, 0),
        (Channel::Voice, 60),
        (Channel::Voice, 180),
    ];
    let has_writing = in_writing(person).is_some();
    WAITS
        .into_iter()
        .flat_map(|(channel, seconds)| by(person, channel).map(move |method| (method, seconds)))
        // Nothing else comes before the call: it comes at once.
        .map(|(method, seconds)| (method, TimeDelta::seconds(if has_writing { seconds } else { seconds - 60 })))
        .collect()
}

pub(super) fn by(person: &Person, channel: Channel) -> impl Iterator<Item = &ContactMethod> {
    person.methods.iter().filter(move |method| method.address.channel() == channel)
}

pub(super) fn in_writing(person: &Person) -> Option<&ContactMethod> {
    IN_WRITING.into_iter().find_map(|channel| by(person, channel).next())
}
