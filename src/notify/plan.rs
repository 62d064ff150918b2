//! Turns a person's rules into attempts, and "somebody has taken it" into notices. Pure.
//!
//! Nobody who was declared is unreachable: whoever has no (usable) rule for an urgency is told over
//! everything they have. Start with `plan`; what those get who were paged is in `follow.rs`.

mod follow;

use chrono::TimeDelta;

pub use follow::{News, Transcript, notice_to, notices, transcripts};

use super::{
    channels::{Button, OPEN},
    links::{Action, Links},
    said::{self, Said},
    texts::{self, About, MailLinks},
};
use crate::{
    clock::Ids,
    model::{
        Instant,
        alert::Alert,
        details::Fact,
        id::MethodId,
        person::{Address, Channel, ContactMethod, Person},
        priority::Urgency,
    },
    store::{
        attempts::{AttemptKind, NewAttempt},
        notifications::Notification,
    },
};

/// A person to page.
pub struct Page<'a> {
    pub person: &'a Person,
    pub alert: &'a Alert,
    /// The customer's name.
    pub customer: Option<&'a str>,
    /// What the event says beside the title.
    pub said: &'a [Fact],
    pub notification: &'a Notification,
    pub links: &'a Links,
    /// A call's `connect` rings people for this alert: pages by voice wait until it has ended.
    pub held: bool,
    pub now: Instant,
}

/// Who it is that a technician talks with.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Their number, in E.164.
    pub caller: &'a str,
    pub home: &'a str,
    pub now: Instant,
}

/// A way to reach somebody that does not work any more.
#[derive(Debug, Clone, Copy)]
pub struct Lost<'a> {
    pub channel: Channel,
    /// Shortened.
    pub address: &'a str,
    pub home: &'a str,
}

/// One attempt per rule of the person for the notification's urgency.
pub fn plan(page: &Page<'_>, ids: &Ids) -> Vec<NewAttempt> {
    steps(page.person, page.notification.urgency)
        .into_iter()
        .map(|(method, after)| NewAttempt {
            id: ids.id(page.now),
            notification: Some(page.notification.id.clone()),
            alert: Some(page.alert.id.clone()),
            person: Some(page.person.id.clone()),
            method: Some(method.id.clone()),
            address: method.address.clone(),
            kind: AttemptKind::Page,
            text: page_text(
                (About { alert: page.alert, customer: page.customer }, page.said),
                page.person,
                page.links,
                page.now,
                method.address.channel(),
            )
            .to_json(),
            held: page.held && method.address.channel() == Channel::Voice,
            due_at: page.notification.started_at + after.max(TimeDelta::zero()),
            created_at: page.now,
        })
        .collect()
}

/// What a reader may press.
pub fn buttons(language: &str, actions: &[Action], link: impl Fn(Action) -> String) -> Vec<Button> {
    let words = texts::words(language);
    let button = |action: &Action| Button {
        action: action.as_str().to_owned(),
        label: words.action.of(*action).to_owned(),
        url: link(*action),
    };
    actions.iter().map(button).collect()
}

/// A line about the call that somebody has taken, in writing. `None`: there is no way to write to them.
/// `about` is the call's alert, with the customer's name.
pub fn line(about: Option<(&Alert, Option<&str>)>, person: &Person, line: Line<'_>, ids: &Ids) -> Option<NewAttempt> {
    let language = person.language.as_str();
    let Some((alert, customer)) = about else {
        let sms = by(person, Channel::Sms).find_map(|method| method.address.phone().cloned());
        return Some(said::reply(ids, line.now, sms?, texts::caller(language, line.caller)));
    };
    let method = in_writing(person)?;
    let about = About { alert, customer };
    let said = match method.address.channel() {
        Channel::Sms | Channel::Voice => Said::plain(texts::caller_sms(language, about, line.caller)),
        Channel::Email => texts::caller_mail(language, about, line.caller).into(),
        Channel::Push => texts::caller_push(language, about, line.caller, line.home).into(),
        Channel::Slack | Channel::Teams | Channel::Telegram | Channel::Ntfy | Channel::Webhook => {
            texts::caller_chat(language, about, line.caller).into()
        }
    };
    Some(written(alert, person, (Some(&method.id), &method.address), said, line.now, ids))
}

/// A page that tells several alerts together.
pub struct Bundled<'a> {
    pub person: &'a Person,
    /// The bundle's.
    pub alert: &'a Alert,
    pub customer: Option<&'a str>,
    pub method: Option<&'a MethodId>,
    pub address: &'a Address,
    pub links: &'a Links,
    pub now: Instant,
}

/// It belongs to no notification: those of the alerts that it tells have their own rules.
pub fn bundle(page: &Bundled<'_>, ids: &Ids) -> NewAttempt {
    let about = About { alert: page.alert, customer: page.customer };
    NewAttempt {
        id: ids.id(page.now),
        notification: None,
        alert: Some(page.alert.id.clone()),
        person: Some(page.person.id.clone()),
        method: page.method.cloned(),
        address: page.address.clone(),
        kind: AttemptKind::Page,
        text: page_text((about, &[]), page.person, page.links, page.now, page.address.channel()).to_json(),
        held: false,
        due_at: page.now,
        created_at: page.now,
    }
}

/// The owner of a way that is lost hears of it in writing by another. `None`: there is none. `person` has
/// those methods alone that work.
pub fn lost(person: &Person, lost: Lost<'_>, now: Instant, ids: &Ids) -> Option<NewAttempt> {
    let language = person.language.as_str();
    let method = in_writing(person)?;
    let said = match method.address.channel() {
        Channel::Sms | Channel::Voice => Said::plain(texts::lost_sms(language, lost.channel, lost.address)),
        Channel::Email => texts::lost_mail(language, lost.channel, lost.address).into(),
        Channel::Push => texts::lost_push(language, lost.channel, lost.address, lost.home).into(),
        Channel::Slack | Channel::Teams | Channel::Telegram | Channel::Ntfy | Channel::Webhook => {
            Said::plain(texts::lost_chat(language, lost.channel, lost.address))
        }
    };
    Some(NewAttempt {
        id: ids.id(now),
        notification: None,
        alert: None,
        person: Some(person.id.clone()),
        method: Some(method.id.clone()),
        address: method.address.clone(),
        kind: AttemptKind::Notice,
        text: Said { language: language.to_owned(), ..said }.to_json(),
        held: false,
        due_at: now,
        created_at: now,
    })
}

/// What is tried when, for this urgency: methods with delays, in the order of the delays.
fn steps(person: &Person, urgency: Urgency) -> Vec<(&ContactMethod, TimeDelta)> {
    let declared: Vec<_> = person
        .rules(urgency)
        .iter()
        // A method may have gone since the rule was written.
        .filter_map(|rule| Some((person.method(&rule.via)?, rule.after)))
        .collect();
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

fn by(person: &Person, channel: Channel) -> impl Iterator<Item = &ContactMethod> {
    person.methods.iter().filter(move |method| method.address.channel() == channel)
}

fn in_writing(person: &Person) -> Option<&ContactMethod> {
    IN_WRITING.into_iter().find_map(|channel| by(person, channel).next())
}

fn page_text(
    (about, said): (About<'_>, &[Fact]),
    person: &Person,
    links: &Links,
    now: Instant,
    channel: Channel,
) -> Said {
    let language = person.language.as_str();
    let link = |action| links.url(&about.alert.id, &person.id, action, now);
    let said = match channel {
        Channel::Sms => Said::plain(texts::page_sms(language, about)),
        Channel::Voice => Said::plain(texts::page_voice(language, about)),
        Channel::Email => {
            let links = MailLinks {
                acknowledge: link(Action::Acknowledge),
                escalate: link(Action::Escalate),
                resolve: link(Action::Resolve),
            };
            texts::page_mail(language, about, said, &links).into()
        }
        Channel::Push => texts::page_push(about, &link(Action::Acknowledge)).into(),
        Channel::Slack | Channel::Teams | Channel::Telegram | Channel::Ntfy | Channel::Webhook => {
            let mut buttons = buttons(language, &Action::OFFERED, link);
            // Its page has the rest: passing on, and notes.
            buttons.push(Button {
                action: OPEN.to_owned(),
                label: texts::words(language).more.to_owned(),
                url: link(Action::Acknowledge),
            });
            Said { buttons, ..texts::page_chat(language, about).into() }
        }
    };
    Said { language: language.to_owned(), ..said }
}

/// A notice to this person.
fn written(
    alert: &Alert,
    person: &Person,
    (method, address): (Option<&MethodId>, &Address),
    said: Said,
    now: Instant,
    ids: &Ids,
) -> NewAttempt {
    NewAttempt {
        id: ids.id(now),
        notification: None,
        alert: Some(alert.id.clone()),
        person: Some(person.id.clone()),
        method: method.cloned(),
        address: address.clone(),
        kind: AttemptKind::Notice,
        text: Said { language: person.language.as_str().to_owned(), ..said }.to_json(),
        held: false,
        due_at: now,
        created_at: now,
    }
}

impl From<texts::Mail> for Said {
    fn from(mail: texts::Mail) -> Self {
        Self { title: mail.subject, text: mail.text, html: mail.html, ..Self::default() }
    }
}

impl From<texts::Chat> for Said {
    fn from(chat: texts::Chat) -> Self {
        Self { title: chat.title, text: chat.text, ..Self::default() }
    }
}

impl From<texts::Push> for Said {
    fn from(push: texts::Push) -> Self {
        Self { title: push.title, text: push.body, payload: push.payload, ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
