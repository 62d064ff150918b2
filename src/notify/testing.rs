//! An alert in the night, people to tell about it, and attempts that were really claimed.

use std::sync::Arc;

use super::{
    channels::{Channels, Provider, Pusher, Sent},
    links::Links,
    plan,
    said::Said,
};
use crate::{
    carrier::{carriers::Carriers, http_client},
    clock::{Clock, Ids},
    model::{
        alert::{Alert, AlertState, Source},
        id::NotificationId,
        person::{Address, Channel, ContactMethod, Person, PushSubscription, Rule},
        priority::{Priority, Urgency},
        secret::Secret,
    },
    store::{
        Store,
        attempts::{self, Attempt, AttemptKind, NewAttempt},
        notifications::Notification,
        outbox::{self, Outcome},
        testing::{at, on_sqlite, org},
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
        quiet: Vec::new(),
        shift_notice: None,
        absences: Vec::new(),
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
        "slack" => Address::Slack(format!("U000000{n}A")),
        "teams" => Address::Teams(Secret::new(format!("https://flow.example/{n}?sig=s"))),
        "telegram" => Address::Telegram(160_213_500 + n as i64),
        "ntfy" => Address::Ntfy(Secret::new(format!("anna-{n}"))),
        "webhook" => Address::Webhook(Secret::new(format!("https://hooks.example/{n}"))),
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

/// No carrier, no mail server, no chats.
pub fn bare_channels(clock: &Clock) -> Channels {
    let pusher = Pusher::new(&[7; 32], None, http_client(&Clock::system())).unwrap();
    Channels::new(
        Carriers::default(),
        None,
        pusher,
        "https://hotline.example".to_owned(),
        clock.clone(),
        Ids::seeded(1),
    )
}

pub fn channels_with(channel: Channel, provider: Arc<dyn Provider>, clock: &Clock) -> Channels {
    bare_channels(clock).with(channel, provider)
}

/// One try over channels of one's own, in the night.
pub async fn sent_to(address: Address, said: &Said, channels: impl Fn(&Clock) -> Channels) -> Sent {
    let mut sent = None;
    on_sqlite(async |store| {
        let clock = Clock::manual(NIGHT.parse().unwrap());
        let attempt = claimed(&store, address.clone(), said).await;
        sent = Some(channels(&clock).send(&attempt).await);
    })
    .await;
    sent.unwrap()
}

/// What a page over this channel says to Anna, as it is planned.
pub fn page_of(method: &str, title: &str) -> Said {
    let person = person("anna", "en", &[method]);
    let (alert, links, notification) = (alert(title), links(), notification(&person, Urgency::High));
    let page = plan::Page {
        person: &person,
        alert: &alert,
        customer: Some("ACME & Söhne"),
        said: &[],
        notification: &notification,
        links: &links,
        held: false,
        now: at(10),
    };
    Said::from_json(&plan::plan(&page, &Ids::seeded(2))[0].text).unwrap()
}
