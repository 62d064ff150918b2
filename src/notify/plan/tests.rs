//! Rules as tables, and what must always hold.

use proptest::prelude::*;

use super::*;
use crate::{
    model::id::PersonId,
    notify::{
        testing::{alert, links, notification, person, rules},
        texts::Done,
    },
    store::{
        Store,
        attempts::{self, Attempt},
        outbox::{self, Outcome},
        testing::{at, on_both, org},
    },
};

fn planned_with(person: &Person, urgency: Urgency, held: bool) -> Vec<NewAttempt> {
    let (alert, notification, links) = (alert("Disk full"), notification(person, urgency), links());
    let page = Page {
        person,
        alert: &alert,
        customer: Some("ACME GmbH"),
        said: &[],
        notification: &notification,
        links: &links,
        held,
        now: at(12),
    };
    plan(&page, &Ids::seeded(1))
}

fn planned(person: &Person, urgency: Urgency) -> Vec<NewAttempt> {
    planned_with(person, urgency, false)
}

/// Methods with the seconds after the notification's start, which is `at(10)`.
fn table(attempts: &[NewAttempt]) -> Vec<(String, i64)> {
    let row =
        |attempt: &NewAttempt| (attempt.method.as_ref().unwrap().to_string(), (attempt.due_at - at(10)).num_seconds());
    attempts.iter().map(row).collect()
}

fn check(person: &Person, urgency: Urgency, expect: &[(&str, i64)]) {
    let expect: Vec<(String, i64)> = expect.iter().map(|(method, after)| ((*method).to_owned(), *after)).collect();
    assert_eq!(table(&planned(person, urgency)), expect, "{urgency}");
}

const ALL: [&str; 4] = ["sms", "voice", "email", "push"];

#[test]
fn a_persons_rules_are_followed() {
    let mut anna = person("anna", "de", &ALL);
    anna.rules_high = rules(&[("sms", 0), ("voice", 60), ("voice", 180)]);
    anna.rules_low = rules(&[("email", 0)]);
    check(&anna, Urgency::High, &[("sms", 0), ("voice", 60), ("voice", 180)]);
    check(&anna, Urgency::Low, &[("email", 0)]);
}

#[test]
fn whoever_has_no_rules_is_told_over_everything() {
    let anna = person("anna", "de", &["sms", "voice", "email", "push", "sms2"]);
    let expect = [("push", 0), ("sms", 0), ("sms2", 0), ("email", 0), ("voice", 60), ("voice", 180)];
    check(&anna, Urgency::High, &expect);
    check(&anna, Urgency::Low, &[("email", 0)]);
    check(&person("ben", "en", &["sms", "push"]), Urgency::Low, &[("push", 0)]);
    check(&person("ben", "en", &["sms", "voice"]), Urgency::Low, &[("sms", 0)]);
    check(&person("ben", "en", &["voice"]), Urgency::Low, &[("voice", 0)]);
    check(&person("ben", "en", &["voice"]), Urgency::High, &[("voice", 0), ("voice", 120)]);
}

#[test]
fn a_rule_over_a_method_that_has_gone_is_left_out() {
    let mut anna = person("anna", "de", &["sms", "voice"]);
    anna.rules_high = rules(&[("pager", 0), ("voice", 60)]);
    anna.rules_low = rules(&[("pager", 0)]);
    check(&anna, Urgency::High, &[("voice", 60)]);
    check(&anna, Urgency::Low, &[("sms", 0)]);
    check(&person("cem", "en", &[]), Urgency::High, &[]);
}

#[test]
fn only_pages_by_voice_wait_while_a_call_rings_people() {
    let attempts = planned_with(&person("anna", "de", &ALL), Urgency::High, true);
    for attempt in attempts {
        assert_eq!(attempt.held, attempt.address.channel() == Channel::Voice);
    }
}

#[test]
fn every_page_speaks_the_readers_language() {
    for (language, word) in [("de", "bernehmen"), ("de-CH", "bernehmen"), ("en", "cknowledge"), ("fr", "cknowledge")] {
        for attempt in planned(&person("anna", language, &["sms", "email"]), Urgency::High) {
            let said = Said::from_json(&attempt.text).unwrap();
            assert!(said.text.contains(word), "{language}: {}", said.text);
            assert_eq!(said.language, language);
        }
    }
}

#[test]
fn an_emails_links_are_the_readers_own() {
    let anna = person("anna", "de", &["email"]);
    let said = Said::from_json(&planned(&anna, Urgency::High)[0].text).unwrap();
    let tokens: Vec<&str> = said.text.lines().filter_map(|line| line.split_once("/a/")).map(|(_, t)| t).collect();
    let read: Vec<_> = tokens.iter().map(|token| links().read(token, at(100)).unwrap()).collect();
    assert_eq!(read.iter().map(|link| link.action).collect::<Vec<_>>(), Action::OFFERED[..3]);
    assert!(read.iter().all(|link| link.person == anna.id && link.alert == alert("").id));
    assert!(tokens.iter().all(|token| said.html.contains(token)));
}

proptest! {
    /// Whatever stands in the rules.
    #[test]
    fn whoever_has_a_method_is_told_and_never_too_early(
        methods in proptest::sample::subsequence(vec!["sms", "voice", "email", "push", "voice2"], 0..=5),
        given in proptest::collection::vec(
            (proptest::sample::select(vec!["sms", "voice", "email", "push", "gone"]), -5_i64..4_000), 0..5,
        ),
        high in any::<bool>(),
        title in ".{0,400}",
    ) {
        let mut anna = person("anna", "de", &methods);
        (anna.rules_high, anna.rules_low) = (rules(&given), rules(&given));
        let urgency = if high { Urgency::High } else { Urgency::Low };
        let (alert, notification, links) = (alert(&title), notification(&anna, urgency), links());
        let page = Page {
            person: &anna, alert: &alert, customer: None, said: &[], notification: &notification, links: &links,
            held: false, now: at(12),
        };
        let attempts = plan(&page, &Ids::seeded(1));
        prop_assert_eq!(attempts.is_empty(), methods.is_empty());
        for attempt in attempts {
            prop_assert!(attempt.due_at >= notification.started_at);
            let said = Said::from_json(&attempt.text).unwrap();
            let is_sms = attempt.address.channel() == Channel::Sms;
            let key = format!("1 {}", alert.code());
            prop_assert!(!is_sms || said.text.contains(&key));
        }
    }
}

/// What was tried for the person, with how it ended.
async fn tried(store: &Store, person: &Person, methods: &[(&str, Option<Outcome>)]) -> Vec<Attempt> {
    for (n, (name, outcome)) in (0..).zip(methods) {
        let method = person.method(&name.parse().unwrap()).unwrap().clone();
        let new = NewAttempt {
            id: Ids::seeded(100).id(at(n)),
            notification: None,
            alert: Some(alert("").id),
            person: Some(person.id.clone()),
            method: Some(method.id),
            address: method.address,
            kind: AttemptKind::Page,
            text: "{}".to_owned(),
            held: false,
            due_at: at(n * 100),
            created_at: at(0),
        };
        store.write(async move |db| attempts::insert(db, &org(), &new).await).await.unwrap();
        if let Some(outcome) = outcome.clone() {
            store
                .write(async move |db| {
                    let claimed = outbox::claim(db, at(n * 100), at(n * 100 + 30), "lease", 1).await?;
                    outbox::record(db, &claimed.due[0], &outcome, &outbox::Answer::default(), at(n * 100 + 1)).await
                })
                .await
                .unwrap();
        }
    }
    attempts::of_alert(&mut store.read().await.unwrap(), &org(), &alert("").id).await.unwrap()
}

fn news<'a>(alert: &'a Alert, except: Option<&'a PersonId>, links: &'a Links) -> News<'a> {
    News { alert, customer: None, what: Done::Acknowledged, by: "Ben Arslan", except, links, now: at(400) }
}

const SENT: Outcome = Outcome::Sent { ended: true, deadline_at: None };

on_both! {
    async fn those_paged_learn_who_has_taken_it_in_writing_and_without_a_code(store: Store) {
        let anna = person("anna", "de", &ALL);
        let sent = [("sms", Some(SENT)), ("voice", Some(SENT)), ("email", Some(Outcome::Failed)), ("push", None)];
        let attempts = tried(&store, &anna, &sent).await;
        let (alert, links) = (alert("Disk full"), links());
        let told = notices(&news(&alert, None, &links), &attempts, |_| Some(&anna), &Ids::seeded(2));
        assert_eq!(told.len(), 1, "not by voice, not where no page has arrived: {told:?}");
        assert_eq!((told[0].kind, &told[0].address), (AttemptKind::Notice, &anna.methods[0].address));
        let text = Said::from_json(&told[0].text).unwrap().text;
        // Berlin's time.
        assert_eq!(text, "P1 #7: server: Disk full\nBen Arslan hat um 03:06 übernommen.");
        assert!(!text.contains(&alert.code()));
    }

    async fn whoever_took_it_is_not_told_and_whoever_was_only_phoned_is_told_in_writing(store: Store) {
        let anna = person("anna", "de", &ALL);
        let attempts = tried(&store, &anna, &[("voice", Some(Outcome::Unknown))]).await;
        let (alert, links) = (alert("Disk full"), links());
        let told = notices(&news(&alert, None, &links), &attempts, |_| Some(&anna), &Ids::seeded(2));
        assert_eq!(told.iter().map(|notice| notice.address.channel()).collect::<Vec<_>>(), [Channel::Sms]);
        let told = notices(&news(&alert, Some(&anna.id), &links), &attempts, |_| Some(&anna), &Ids::seeded(2));
        assert_eq!(told, []);
        let told = notices(&news(&alert, None, &links), &attempts, |_| None, &Ids::seeded(2));
        assert_eq!(told, [], "nobody who is not declared any more");
    }
}
