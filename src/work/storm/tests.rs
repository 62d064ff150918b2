//! Ten thousand alerts in a minute, fifty customers, twenty technicians; and the line at a slow carrier.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::{
    clock::Clock,
    escalation::{Level, Policy},
    model::person::{Address, ContactMethod, Person, Rule},
    model::priority::Priority,
    store::{
        Store,
        raise::{self, NewAlert, Snapshot},
        testing::{Page, an_alert, at, on_both, on_postgres, on_sqlite, org, pages},
    },
    work::testing::Night,
};

const CUSTOMERS: usize = 50;
const TECHNICIANS: usize = 20;
const SECONDS: usize = 60;
const LIMIT: u32 = 10;

fn technician(n: usize) -> Person {
    Person {
        id: format!("technician-{n}").parse().unwrap(),
        name: format!("Technician {n}"),
        zone: chrono_tz::Europe::Berlin,
        language: "en".parse().unwrap(),
        methods: vec![ContactMethod {
            id: "text".parse().unwrap(),
            address: Address::Sms(format!("+49151200000{n:02}").parse().unwrap()),
        }],
        rules_high: vec![Rule { via: "text".parse().unwrap(), after: TimeDelta::zero() }],
        rules_low: vec![Rule { via: "text".parse().unwrap(), after: TimeDelta::zero() }],
        quiet: Vec::new(),
        shift_notice: None,
        absences: Vec::new(),
    }
}

fn policy(n: usize) -> Policy {
    let notify = vec![format!("person:technician-{n}").parse().unwrap()];
    Policy {
        id: format!("policy-{n}").parse().unwrap(),
        levels: vec![Level { notify: notify.clone(), ack_within: TimeDelta::hours(1) }],
        repeat: 0,
        fallback: notify,
    }
}

async fn house(store: &Store) -> Night {
    let night = Night::on(store).await;
    furnish(&night);
    night
}

fn furnish(night: &Night) {
    night.declare(|directory| {
        directory.people = (0..TECHNICIANS).map(technician).map(|person| (person.id.clone(), person)).collect();
        directory.policies = (0..TECHNICIANS).map(policy).map(|policy| (policy.id.clone(), policy)).collect();
        directory.limits.sms_per_hour = 1_000_000;
        directory.limits.sudden_per_hour = 0;
        directory.limits.pages_per_minute = LIMIT;
    });
}

/// The `n`th alert of the storm. One of 201 is a P1, and each time another customer's.
fn alert(night: &Night, n: usize, number: i64) -> NewAlert {
    let (customer, now) = (n % CUSTOMERS, night.context.clock.now());
    let policy = night
        .context
        .directory()
        .policies
        .get(&format!("policy-{}", customer % TECHNICIANS).parse().unwrap())
        .map(Snapshot::of);
    NewAlert {
        priority: if n.is_multiple_of(201) { Priority::P1 } else { Priority::P2 },
        customer: Some(format!("customer-{customer}").parse().unwrap()),
        contract: Some(format!("contract-{customer}").parse().unwrap()),
        policy,
        opened_at: now,
        escalate_at: Some(now),
        ..an_alert(&night.context.ids, number, None)
    }
}

async fn storm(store: Store, alerts: usize) {
    let night = house(&store).await;
    for second in 0..SECONDS {
        let these: Vec<usize> = (alerts * second / SECONDS..alerts * (second + 1) / SECONDS).collect();
        let numbers = store.alert_numbers(&org(), these.len()).await.unwrap();
        let crowd: Vec<NewAlert> = these.iter().zip(numbers).map(|(n, number)| alert(&night, *n, number)).collect();
        store.write(async move |db| raise::raise_all(db, &org(), crowd.clone()).await).await.unwrap();
        night.settle().await;
        night.pass(1).await;
    }
    night.pass(60).await;
    let pages = pages(&store).await;
    every_alert_is_covered(&pages, alerts);
    p1_pages_are_fast(&pages, alerts);
    phones_stay_usable(&pages);
    night.end().await;
}

fn every_alert_is_covered(pages: &[Page], alerts: usize) {
    let told = pages.iter().filter(|page| !page.is_bundle && page.sent_at.is_some());
    let told: BTreeSet<&str> = told.map(|page| page.alert.as_str()).collect();
    assert_eq!(told.len(), alerts, "some alert was told to nobody");
    let sent = pages.iter().filter(|page| !page.is_bundled && page.sent_at.is_some()).count();
    assert!(sent <= TECHNICIANS * 60, "{sent} pages are not few");
}

fn p1_pages_are_fast(pages: &[Page], alerts: usize) {
    let p1: Vec<&Page> = pages.iter().filter(|page| page.is_p1 && !page.is_bundle).collect();
    assert_eq!(p1.len(), alerts.div_ceil(201));
    for page in p1 {
        let waited = page.sent_at.map(|sent_at| sent_at - page.opened_at);
        assert!(!page.is_bundled && waited.is_some_and(|waited| waited <= 2_000), "a P1 waited: {page:?}");
    }
}

fn phones_stay_usable(pages: &[Page]) {
    let mut told: BTreeMap<(&str, bool), Vec<i64>> = BTreeMap::new();
    for page in pages.iter().filter(|page| !page.is_bundled) {
        told.entry((&page.person, page.is_p1)).or_default().extend(page.sent_at);
    }
    assert!(told.len() > TECHNICIANS, "everybody was told something");
    for (whose, instants) in told {
        for first in &instants {
            let minute = instants.iter().filter(|at| **at >= *first && **at < *first + 60_000).count();
            assert!(u32::try_from(minute).unwrap() <= LIMIT, "{whose:?} got {minute} pages in a minute");
        }
    }
}

#[tokio::test]
async fn ten_thousand_alerts_in_a_minute_are_few_readable_pages_on_sqlite() {
    on_sqlite(async |store| storm(store, 10_000).await).await;
}

#[tokio::test]
async fn two_thousand_alerts_in_a_minute_are_few_readable_pages_on_postgres() {
    on_postgres(async |store| storm(store, 2_000).await).await;
}

/// What a carrier takes in a second that has a long code.
const SLOW: f64 = 10.0;

async fn raise_at_once(store: &Store, crowd: Vec<NewAlert>) {
    store.write(async move |db| raise::raise_all(db, &org(), crowd.clone()).await).await.unwrap();
}

on_both! {
    async fn the_storm_of_one_customer_leaves_the_p1_of_another_a_short_line(store: Store) {
        let night = Night::at_pace(&store, Clock::system(), SLOW).await;
        furnish(&night);
        night.declare(|directory| directory.limits.pages_per_minute = 0);
        night.begin(Vec::new());
        // Two hundred of one customer, half of them P1, to everybody but technician 19; and P2 of others.
        let storm = (0..300).map(|n| {
            let of = if n % 3 == 2 { n % 19 } else { 0 };
            let whose = format!("policy-{}", n % 19).parse().unwrap();
            let policy = night.context.directory().policies.get(&whose).map(Snapshot::of);
            NewAlert {
                policy,
                priority: if of == 0 && n % 2 == 0 { Priority::P1 } else { Priority::P2 },
                ..alert(&night, of, i64::try_from(n).unwrap() + 1)
            }
        });
        raise_at_once(&store, storm.collect()).await;
        while night.phones.rung().is_empty() {
            Clock::system().sleep(TimeDelta::milliseconds(5)).await;
        }
        let before = night.phones.rung().len();
        raise_at_once(&store, vec![NewAlert { priority: Priority::P1, ..alert(&night, 39, 301) }]).await;
        let place = loop {
            let asked = night.phones.rung();
            if let Some(place) = asked.iter().position(|rung| rung.to.ends_with("19")) {
                break place;
            }
            Clock::system().sleep(TimeDelta::milliseconds(5)).await;
        };
        let ahead = place.saturating_sub(before);
        assert!(ahead <= 20, "it found {ahead} others in the line, more than two seconds' worth");
        assert!(place < 200, "the storm is not over yet");
        night.end().await;
    }

    async fn whatever_stood_in_the_carriers_line_says_so(store: Store) {
        let night = Night::at_pace(&store, Clock::manual(at(0)), 2.0 * SLOW).await;
        furnish(&night);
        night.begin(Vec::new());
        let p2 = |n: usize, number| NewAlert { priority: Priority::P2, ..alert(&night, n, number) };
        let crowd: Vec<NewAlert> = (0..60).zip(1..).map(|(n, number)| p2(n, number)).collect();
        let ids: Vec<_> = crowd.iter().map(|alert| alert.id.clone()).collect();
        raise_at_once(&store, crowd).await;
        night.settle().await;
        let at_once = night.phones.news().len();
        assert!((10..60).contains(&at_once), "half a second's worth, and whoever came when one was done: {at_once}");
        night.pass(8).await;
        assert_eq!(night.phones.news().len(), 60 - at_once);
        let mut stood = 0;
        for id in &ids {
            stood += night.story(id).await.matches(" s after it had found the line full.").count();
        }
        assert_eq!(stood, 60 - at_once);
        night.end().await;
    }
}
