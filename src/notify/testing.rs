//! An alert in the night, people to tell about it, and attempts that were really claimed.

use super::{links::Links, said::Said};
use crate::{
    clock::Ids,
    model::{
        alert::{Alert, AlertState, Source},
        id::NotificationId,
        person::{Address, ContactMethod, Person, PushSubscription, Rule},
        priority::{Priority, Urgency},
        secret::Secret,
    },
    store::{
        Store,
        attempts::{self, Attempt, AttemptKind, NewAttempt},
        notifications::Notification,
        outbox::{self, Outcome},
        testing::{at, org},
    },
};

pub const NIGHT: &str = "2026-03-01T02:30:00Z";

pub fn alert(title: &str) -> Alert {
    Alert {
        id: Ids::seeded(7).id(at(0)),
        number: 7,
        title: title.to_owned(),
        state: AlertState::Triggered,
        priority: Priority::P1,
        category: Some("server".to_owned()),
        source: Source::Operator,
        customer: Some("acme".parse().unwrap()),
        contract: Some("acme-gold".parse().unwrap()),
        policy: None,
        dedup_key: None,
        count: 1,
        level: None,
        opened_at: at(0),
    }
}

/// Methods are named as their channel, `sms2` for a second one.
pub fn person(id: &str, language: &str, methods: &[&str]) -> Person {
    let methods = methods.iter().enumerate().map(|(n, name)| ContactMethod {
        id: name.parse().unwrap(),
        address: address(name.trim_end_matches(|sign: char| sign.is_ascii_digit()), n),
    });
    Person {
        id: id.parse().unwrap(),
        name: "Anna Berger".to_owned(),
        zone: chrono_tz::Europe::Berlin,
        language: language.parse().unwrap(),
        methods: methods.collect(),
        rules_high: Vec::new(),
        rules_low: Vec::new(),
    }
}

fn address(channel: &str, n: usize) -> Address {
    let phone = || format!("+491511000000{n}").parse().unwrap();
    match channel {
        "sms" => Address::Sms(phone()),
        "voice" => Address::Voice(phone()),
        "email" => Address::Email(format!("anna{n}@msp.example")),
        "push" => Address::Push(PushSubscription {
            endpoint: format!("https://push.example/{n}"),
            p256dh: String::new(),
            auth: String::new(),
        }),
        other => panic!("{other} is no channel"),
    }
}

pub fn rules(given: &[(&str, i64)]) -> Vec<Rule> {
    let rule =
        |(via, seconds): &(&str, i64)| Rule { via: via.parse().unwrap(), after: chrono::TimeDelta::seconds(*seconds) };
    given.iter().map(rule).collect()
}

pub fn notification(person: &Person, urgency: Urgency) -> Notification {
    Notification {
        id: notification_id(),
        alert: alert("").id,
        person: person.id.clone(),
        level: 0,
        round: 0,
        urgency,
        reason: "on call".to_owned(),
        started_at: at(10),
        done: false,
    }
}

fn notification_id() -> NotificationId {
    Ids::seeded(8).id(at(0))
}

pub fn links() -> Links {
    Links::new("https://hotline.example", Secret::new("key"))
}

/// Put into the outbox and taken out of it.
pub async fn claimed(store: &Store, address: Address, said: &Said) -> Attempt {
    let new = NewAttempt {
        id: Ids::seeded(9).id(at(0)),
        notification: None,
        alert: Some(alert("").id),
        person: Some("anna".parse().unwrap()),
        method: None,
        address,
        kind: AttemptKind::Page,
        text: said.to_json(),
        held: false,
        due_at: at(0),
        created_at: at(0),
    };
    store.write(async move |db| attempts::insert(db, &org(), &new).await).await.unwrap();
    claim(store, 0).await
}

async fn claim(store: &Store, seconds: i64) -> Attempt {
    let claimed = store
        .write(async move |db| outbox::claim(db, at(seconds), at(seconds + 30), &format!("lease-{seconds}"), 10).await)
        .await
        .unwrap();
    claimed.due.into_iter().next().unwrap()
}

/// What came of it is recorded; answers the attempt as it stands then.
pub async fn recorded(store: &Store, attempt: &Attempt, outcome: &Outcome, answer: &outbox::Answer) -> Attempt {
    let (given, outcome, answer) = (attempt.clone(), outcome.clone(), answer.clone());
    store.write(async move |db| outbox::record(db, &given, &outcome, &answer, at(1)).await).await.unwrap().unwrap();
    attempts::by_id(&mut store.read().await.unwrap(), &org(), &attempt.id).await.unwrap().unwrap()
}

/// The worker that had claimed it crashed; the next one takes it.
pub async fn claimed_after_crash(store: &Store) -> Attempt {
    claim(store, 30).await
}
