//! Contact methods to which nothing gets any more: marked by the failure that says so, not used again,
//! and told about. Their owner hears of it by other ways, the MSP by an alert of its own.
//!
//! Marking is part of the unit of work that records the failure; a timer `marked` (`person/method`) tells
//! the MSP, so that a crash in between loses nothing. Start with `consider`.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::BoxFuture;
use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, Context, Handler, WorkError, act, msp, record, settle::worded};
use crate::{
    carrier::{Class, error_codes},
    declare::Directory,
    model::{
        alert::Actor,
        id::{MethodId, PersonId},
        person::{Address, Channel, Person},
        phone::Phone,
    },
    notify::{channels::Sent, plan},
    store::{
        StoreError, alerts,
        attempts::{self, Attempt, AttemptKind},
        marks::{self, Mark},
        outbox::{Answer, Outcome},
        raise::Dedup,
        timers::{self, DueTimer},
    },
    telemetry::metric,
};

pub(super) const MARKED: &str = "marked";

/// The failure of an attempt, when it says that its address is of no use.
pub(super) async fn consider(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    class: Option<Class>,
    answer: &Answer,
) -> Result<(), StoreError> {
    let (Some(Class::Destination), true, Some(person), Some(method)) =
        (class, is_for_good(answer.code.as_deref()), &attempt.person, &attempt.method)
    else {
        return Ok(());
    };
    let mark = Mark {
        person: person.clone(),
        method: method.clone(),
        address: attempt.address.clone(),
        code: answer.code.clone(),
        why: worded(answer),
        at: acting.now,
    };
    put(db, acting, &mark).await
}

/// What a status report says by its code alone.
pub(super) fn class_of(code: Option<&str>) -> Option<Class> {
    Some(error_codes::class_of(Some(code?.parse().ok()?), None))
}

/// A number that no network delivers to just now may do so tomorrow, and what is said of our own caller
/// id concerns no recipient.
fn is_for_good(code: Option<&str>) -> bool {
    let code = code.and_then(|code| code.parse().ok());
    !code.is_some_and(error_codes::may_pass)
}

/// Also for calls of customers that rang this method in vain.
pub async fn put(db: &mut AnyConnection, acting: &Acting, mark: &Mark) -> Result<(), StoreError> {
    // Declared otherwise meanwhile: what failed is gone.
    let Some(person) = acting.directory.people.get(&mark.person) else { return Ok(()) };
    if !person.method(&mark.method).is_some_and(|method| method.address == mark.address) {
        return Ok(());
    }
    if !marks::put(db, acting.org(), mark).await? {
        return Ok(());
    }
    let subject = subject(&mark.person, &mark.method);
    timers::set(db, acting.org(), MARKED, &subject, acting.now, "").await?;
    tracing::warn!(person = %mark.person, method = %mark.method, code = mark.code, "a contact method was marked");
    let Some(person) = usable(db, acting, &mark.person).await? else { return Ok(()) };
    let said =
        plan::Lost { channel: mark.address.channel(), address: &mark.address.masked(), home: acting.links.home() };
    if let Some(notice) = plan::lost(&person, said, acting.now, &acting.ids) {
        attempts::insert(db, acting.org(), &notice).await?;
    }
    Ok(())
}

/// A customer's call could not be put through to this number, by the word of the carrier.
pub async fn consider_phone(
    db: &mut AnyConnection,
    acting: &Acting,
    (person, method): (&PersonId, &MethodId),
    number: &Phone,
    code: Option<&str>,
) -> Result<(), StoreError> {
    if !is_for_good(code) {
        return Ok(());
    }
    let words = code.and_then(|code| code.parse().ok()).and_then(error_codes::words);
    let mark = Mark {
        person: person.clone(),
        method: method.clone(),
        address: Address::Voice(number.clone()),
        code: code.map(str::to_owned),
        why: words.unwrap_or("the carrier puts no call through to this number").to_owned(),
        at: acting.now,
    };
    put(db, acting, &mark).await
}

/// What is declared, without the methods that are marked.
pub async fn directory(db: &mut AnyConnection, acting: &Acting) -> Result<Arc<Directory>, StoreError> {
    let people = people(db, acting).await?;
    if people.is_empty() {
        return Ok(Arc::clone(&acting.directory));
    }
    let mut directory = Directory::clone(&acting.directory);
    directory.people.extend(people);
    Ok(Arc::new(directory))
}

/// The person with those methods alone that are not marked. `None`: not declared.
pub async fn usable(db: &mut AnyConnection, acting: &Acting, id: &PersonId) -> Result<Option<Person>, StoreError> {
    let mut marked = people(db, acting).await?;
    Ok(marked.remove(id).or_else(|| acting.directory.people.get(id).cloned()))
}

/// Whoever has marked methods, without these. The others are as they are declared.
pub async fn people(db: &mut AnyConnection, acting: &Acting) -> Result<BTreeMap<PersonId, Person>, StoreError> {
    let mut found: BTreeMap<PersonId, Person> = BTreeMap::new();
    for mark in marks::all(db, acting.org()).await? {
        let Some(declared) = acting.directory.people.get(&mark.person) else { continue };
        let person = found.entry(mark.person.clone()).or_insert_with(|| declared.clone());
        person.methods.retain(|method| method.id != mark.method || method.address != mark.address);
    }
    Ok(found)
}

/// Part of the unit of work that claims: takes out what was planned before its method was marked. It
/// fails unsent, so that the next rule comes at once.
pub(super) async fn sieve(
    db: &mut AnyConnection,
    acting: &Acting,
    due: &mut Vec<Attempt>,
) -> Result<Vec<(Attempt, Mark)>, StoreError> {
    let marks = marks::all(db, acting.org()).await?;
    let (mut kept, mut lost) = (Vec::new(), Vec::new());
    for attempt in due.drain(..) {
        match marks.iter().find(|mark| is_of(mark, &attempt)) {
            Some(mark) => lost.push((attempt, mark.clone())),
            None => kept.push(attempt),
        }
    }
    *due = kept;
    Ok(lost)
}

fn is_of(mark: &Mark, attempt: &Attempt) -> bool {
    // What a try before may have sent is looked up first.
    !attempt.unsure
        && attempt.kind != AttemptKind::Reply
        && attempt.person.as_ref() == Some(&mark.person)
        && attempt.method.as_ref() == Some(&mark.method)
        && attempt.address == mark.address
}

/// How an attempt ends that was taken out.
pub(super) fn unsent(mark: &Mark) -> Sent {
    let why = format!("nothing was sent, as {} of {} is marked: {}", mark.method, mark.person, mark.why);
    Sent {
        outcome: Outcome::Failed,
        answer: Answer { message: Some(why), ..Answer::default() },
        class: None,
        tried: Vec::new(),
    }
}

/// The method is used again. `None`: it was not marked. `how` ends a sentence.
pub async fn lift(
    db: &mut AnyConnection,
    acting: &Acting,
    (person, method): (&PersonId, &MethodId),
    by: &Actor,
    how: &str,
) -> Result<Option<Mark>, StoreError> {
    let Some(mark) = marks::remove(db, acting.org(), person, method).await? else { return Ok(None) };
    timers::clear(db, acting.org(), MARKED, &subject(person, method)).await?;
    let others = marks::all(db, acting.org()).await?.iter().any(|mark| mark.person == *person);
    let dedup = Dedup { scope: msp::SCOPE.to_owned(), key: matter(person) };
    if let Some(open) = alerts::open_with_key(db, acting.org(), &dedup).await? {
        let text = format!("{method} of {person} is used again: {} has said so {how}.", acting.name_of(by));
        record(db, acting, &open.alert.id, "unmarked", text, json!({})).await?;
        if !others {
            act::resolve(db, acting, &open.alert.id, by, how).await?;
        }
    }
    tracing::info!(%person, %method, "a contact method is used again");
    Ok(Some(mark))
}

/// Whoever writes START gets SMS again: at this number every mark that STOP has set is taken away.
pub async fn heard(db: &mut AnyConnection, acting: &Acting, person: &PersonId, by: &Actor) -> Result<(), StoreError> {
    let opted_out = error_codes::OPTED_OUT.to_string();
    for mark in marks::all(db, acting.org()).await? {
        if mark.person == *person && mark.code.as_deref() == Some(&opted_out) {
            lift(db, acting, (&mark.person, &mark.method), by, "by writing START").await?;
        }
    }
    Ok(())
}

/// After an apply: what is declared anew, or not any more, is not marked.
pub async fn declared_anew(db: &mut AnyConnection, acting: &Acting, by: &Actor) -> Result<(), StoreError> {
    for mark in marks::all(db, acting.org()).await? {
        let person = acting.directory.people.get(&mark.person);
        let method = person.and_then(|person| person.method(&mark.method));
        if method.is_none_or(|method| method.address != mark.address) {
            lift(db, acting, (&mark.person, &mark.method), by, "by declaring another address").await?;
        }
    }
    Ok(())
}

/// Tells the MSP.
pub(super) struct Marked {
    pub context: Context,
}

impl Handler for Marked {
    fn kinds(&self) -> &[&'static str] {
        &[MARKED]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move { self.tell(timer).await.map_err(WorkError::on(format!("the mark {}", timer.subject))) })
    }
}

impl Marked {
    async fn tell(&self, timer: &DueTimer) -> Result<(), StoreError> {
        let acting = self.context.acting();
        let ids = timer
            .subject
            .split_once('/')
            .and_then(|(person, method)| Some((person.parse().ok()?, method.parse().ok()?)));
        let mark = match &ids {
            Some((person, method)) => {
                marks::of_method(&mut *self.context.store.read().await?, acting.org(), person, method).await?
            }
            None => None,
        };
        if let Some(mark) = mark {
            metrics::counter!(metric::MARKS, "channel" => mark.address.channel().as_str()).increment(1);
            let (title, text) = words(&acting, &mark);
            let raised = msp::report(&self.context, &matter(&mark.person), &title, &text, None).await?;
            if !raised.new {
                // One alert per person is enough to be woken by; what it says grows.
                let written = async move |db: &mut AnyConnection| {
                    record(db, &acting, &raised.id, "marked", format!("{title}. {text}"), json!({})).await
                };
                self.context.store.write(written).await?;
            }
        }
        let done = timer.clone();
        self.context.store.write(async move |db| timers::complete(db, &done).await.map(|_| ())).await
    }
}

fn words(acting: &Acting, mark: &Mark) -> (String, String) {
    let name = acting.directory.people.get(&mark.person).map_or(mark.person.as_str(), |person| person.name.as_str());
    let what = match mark.address.channel() {
        Channel::Sms => "SMS",
        Channel::Voice => "phone",
        Channel::Email => "email",
        Channel::Push => "push",
        Channel::Slack => "Slack",
        Channel::Teams => "Teams",
        Channel::Telegram => "Telegram",
        Channel::Ntfy => "ntfy",
        Channel::Webhook => "webhook",
    };
    let title = format!("{name} cannot be reached by {what} any more ({})", mark.address.masked());
    let text = format!(
        "{}. `{}` of {} is not used until it is declared with another address, or by `pikett mark clear {} {}`.",
        mark.why.trim_end_matches('.'),
        mark.method,
        mark.person,
        mark.person,
        mark.method
    );
    (title, text)
}

fn subject(person: &PersonId, method: &MethodId) -> String {
    format!("{person}/{method}")
}

fn matter(person: &PersonId) -> String {
    format!("marked:{person}")
}

#[cfg(test)]
mod tests;
