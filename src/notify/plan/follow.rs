//! What those hear who were paged: that somebody has taken the alert, and what a caller said, over the ways by
//! which the page has reached them.

use std::collections::BTreeSet;

use super::{buttons, in_writing, written};
use crate::{
    clock::Ids,
    model::{
        Instant,
        alert::Alert,
        id::{MethodId, PersonId},
        person::{Address, Channel, Person},
    },
    notify::{
        channels::{Earlier, How},
        links::{Action, Links},
        said::Said,
        texts::{self, About, Done, Happened},
    },
    store::attempts::{Attempt, AttemptKind, AttemptState, NewAttempt},
};

/// Somebody has taken or resolved an alert; everyone who was paged learns it.
pub struct News<'a> {
    pub alert: &'a Alert,
    pub customer: Option<&'a str>,
    pub what: Done,
    /// The name of whoever did it, in words.
    pub by: &'a str,
    /// Whoever did it knows it already.
    pub except: Option<&'a PersonId>,
    pub links: &'a Links,
    pub now: Instant,
}

/// What a caller said after the tone has become words.
pub struct Transcript<'a> {
    pub alert: &'a Alert,
    pub customer: Option<&'a str>,
    pub words: &'a str,
    /// Where it can be heard.
    pub listen: Option<&'a str>,
    pub home: &'a str,
    pub now: Instant,
}

/// For each person paged, over the ways by which a page has reached them or may have; who was only
/// phoned is not phoned again, but told in writing where that is possible. `attempts` are the alert's.
pub fn notices<'a>(
    news: &News<'_>,
    attempts: &[Attempt],
    person: impl Fn(&PersonId) -> Option<&'a Person>,
    ids: &Ids,
) -> Vec<NewAttempt> {
    let changed = changes(news, attempts, &person, ids);
    let is_changed = |who: &Person, address: &Address| {
        changed.iter().any(|change| change.person.as_ref() == Some(&who.id) && change.address == *address)
    };
    let told = reached(attempts, &person).into_iter();
    let told = told.filter(|(person, _, address)| news.except != Some(&person.id) && !is_changed(person, address));
    let notices: Vec<_> = told.map(|(person, method, address)| notice(news, person, method, address, ids)).collect();
    notices.into_iter().chain(changed).collect()
}

/// The same for somebody who was not paged. `None`: there is no way to write to them.
pub fn notice_to(news: &News<'_>, person: &Person, ids: &Ids) -> Option<NewAttempt> {
    let method = in_writing(person)?;
    Some(notice(news, person, Some(&method.id), &method.address, ids))
}

/// Messages with buttons are changed in place, also those of whoever did it: a button that asks for what is
/// done would mislead. The newest of a chat tells its readers, too.
fn changes<'a>(
    news: &News<'_>,
    attempts: &[Attempt],
    person: impl Fn(&PersonId) -> Option<&'a Person>,
    ids: &Ids,
) -> Vec<NewAttempt> {
    let mut told: Vec<(&PersonId, &Address)> = Vec::new();
    let mut changes = Vec::new();
    for attempt in attempts.iter().rev().filter(|attempt| may_have_reached(attempt)) {
        let (Some(id), Some(message)) = (&attempt.person, &attempt.provider_id) else { continue };
        if !attempt.address.channel().changes_messages() || message.is_empty() {
            continue;
        }
        let Some(reader) = person(id) else { continue };
        let is_newest = !told.contains(&(id, &attempt.address));
        told.push((id, &attempt.address));
        let own = news.except == Some(id);
        let how = if is_newest && !own { How::ChangeAndReply } else { How::Change };
        let mut change = notice(news, reader, attempt.method.as_ref(), &attempt.address, ids);
        let mut said = Said::from_json(&change.text).unwrap_or_default();
        said.earlier = Some(Earlier { message: message.clone(), how });
        if is_newest && news.what == Done::Acknowledged {
            // What is left to do is theirs who have it; everybody else may take it over.
            let left: &[Action] = if own { &[Action::Escalate, Action::Resolve] } else { &[Action::TakeOver] };
            let link = |action| news.links.url(&news.alert.id, id, action, news.now);
            said.buttons = buttons(reader.language.as_str(), left, link);
        }
        change.text = said.to_json();
        changes.push(change);
    }
    changes
}

/// What a caller said, in words, for whoever was paged: over the ways of `notices`.
pub fn transcripts<'a>(
    transcript: &Transcript<'_>,
    attempts: &[Attempt],
    person: impl Fn(&PersonId) -> Option<&'a Person>,
    ids: &Ids,
) -> Vec<NewAttempt> {
    let told = reached(attempts, person).into_iter();
    told.map(|(person, method, address)| {
        let language = person.language.as_str();
        let about = About { alert: transcript.alert, customer: transcript.customer };
        let said = match address.channel() {
            Channel::Sms | Channel::Voice => Said::plain(texts::transcript_sms(language, about, transcript.words)),
            Channel::Email => texts::transcript_mail(language, about, transcript.words, transcript.listen).into(),
            Channel::Push => {
                let url = transcript.listen.unwrap_or(transcript.home);
                texts::transcript_push(language, about, transcript.words, url).into()
            }
            Channel::Slack | Channel::Teams | Channel::Telegram | Channel::Ntfy | Channel::Webhook => {
                texts::transcript_chat(language, about, transcript.words, transcript.listen).into()
            }
        };
        written(transcript.alert, person, (method, address), said, transcript.now, ids)
    })
    .collect()
}

/// Each person who was paged, with the ways by which a page has reached them or may have; who was only
/// phoned, with a way in writing.
fn reached<'a: 'b, 'b>(
    attempts: &'b [Attempt],
    person: impl Fn(&PersonId) -> Option<&'a Person>,
) -> Vec<(&'a Person, Option<&'b MethodId>, &'b Address)> {
    let paged = attempts.iter().filter(|attempt| may_have_reached(attempt));
    let people: BTreeSet<&PersonId> = paged.clone().filter_map(|attempt| attempt.person.as_ref()).collect();
    let mut told = Vec::new();
    for id in people {
        let Some(person) = person(id) else { continue };
        let mut addresses: Vec<(Option<&MethodId>, &Address)> = Vec::new();
        for attempt in paged.clone().filter(|attempt| attempt.person.as_ref() == Some(id)) {
            let address = (attempt.method.as_ref(), &attempt.address);
            let is_new = addresses.iter().all(|(_, known)| *known != address.1);
            if address.1.channel() != Channel::Voice && is_new {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            addresses.extend(in_writing(person).map(|method| (Some(&method.id), &method.address)));
        }
        told.extend(addresses.into_iter().map(|(method, address)| (person, method, address)));
    }
    told
}

fn may_have_reached(attempt: &Attempt) -> bool {
    let sent = match attempt.state {
        AttemptState::Sending | AttemptState::Sent | AttemptState::Delivered | AttemptState::Unknown => true,
        AttemptState::Due
        | AttemptState::Held
        | AttemptState::Waiting
        | AttemptState::Failed
        | AttemptState::Dropped => attempt.unsure,
    };
    sent && attempt.kind == AttemptKind::Page
}

fn notice(news: &News<'_>, person: &Person, method: Option<&MethodId>, address: &Address, ids: &Ids) -> NewAttempt {
    let language = person.language.as_str();
    let about = About { alert: news.alert, customer: news.customer };
    let happened = Happened { what: news.what, by: news.by, at: news.now, zone: person.zone };
    let said = match address.channel() {
        Channel::Sms | Channel::Voice => Said::plain(texts::notice_sms(language, about, happened)),
        Channel::Email => texts::notice_mail(language, about, happened).into(),
        Channel::Push => texts::notice_push(language, about, happened, news.links.home()).into(),
        Channel::Slack | Channel::Teams | Channel::Telegram | Channel::Ntfy | Channel::Webhook => {
            texts::notice_chat(language, about, happened).into()
        }
    };
    written(news.alert, person, (method, address), said, news.now, ids)
}
