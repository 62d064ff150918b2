//! Claims, records and reports of attempts, on both databases.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::*;
use crate::{
    clock::Ids,
    model::{
        id::{AlertId, NotificationId},
        person::{Address, PushSubscription},
        priority::Priority,
        secret::Secret,
    },
    store::{
        Store,
        attempts::{self, AttemptKind, NewAttempt},
        raise::{self, NewAlert},
        testing::{an_alert, at, on_both, org},
    },
};

fn sms() -> Address {
    Address::Sms("+4915110000001".parse().unwrap())
}

fn voice() -> Address {
    Address::Voice("+4915110000001".parse().unwrap())
}

async fn put(store: &Store, ids: &Ids, change: impl FnOnce(&mut NewAttempt)) -> AttemptId {
    let mut attempt = NewAttempt {
        id: ids.id(at(0)),
        notification: None,
        alert: None,
        person: Some("anna".parse().unwrap()),
        method: Some("mobile".parse().unwrap()),
        address: sms(),
        kind: AttemptKind::Page,
        text: "{}".to_owned(),
        held: false,
        due_at: at(0),
        created_at: at(0),
    };
    change(&mut attempt);
    let id = attempt.id.clone();
    store.write(async move |db| attempts::insert(db, &org(), &attempt).await).await.unwrap();
    id
}

async fn claim_at(store: &Store, now: i64, lease: &str) -> Vec<Attempt> {
    let lease = lease.to_owned();
    store.write(async move |db| claim(db, at(now), at(now + 30), &lease, 10).await).await.unwrap().due
}

async fn record_one(store: &Store, attempt: &Attempt, outcome: Outcome) -> Option<AttemptState> {
    let attempt = attempt.clone();
    let answer = Answer { provider_id: Some("SM1".to_owned()), ..Answer::default() };
    store.write(async move |db| record(db, &attempt, &outcome, &answer, at(1)).await).await.unwrap()
}

async fn report_one(store: &Store, id: &AttemptId, rank: i64, state: AttemptState) -> bool {
    let id = id.clone();
    store
        .write(async move |db| report(db, &org(), &id, rank, state, &Answer::default(), at(2)).await)
        .await
        .unwrap()
        .is_some()
}

async fn get(store: &Store, id: &AttemptId) -> Attempt {
    attempts::by_id(&mut store.read().await.unwrap(), &org(), id).await.unwrap().unwrap()
}

const SENT: Outcome = Outcome::Sent { ended: false, deadline_at: None };

on_both! {
    async fn no_more_is_claimed_than_there_is_room_for(store: Store) {
        let ids = Ids::seeded(1);
        for n in 0..40 {
            put(&store, &ids, |attempt| attempt.due_at = at(n)).await;
        }
        for n in 0..4 {
            assert_eq!(claim_at(&store, 100, &format!("lease-{n}")).await.len(), 10);
        }
        assert!(claim_at(&store, 100, "last").await.is_empty());
    }

    async fn what_is_due_is_claimed_once_among_many_senders(store: Store) {
        let ids = Ids::seeded(1);
        for n in 0..60 {
            put(&store, &ids, |attempt| attempt.due_at = at(n)).await;
        }
        let claims = (0..12).map(|n| {
            let store = store.clone();
            async move { claim_at(&store, 100, &format!("lease-{n}")).await }
        });
        let claimed: Vec<Attempt> = join_all(claims).await.into_iter().flatten().collect();
        let distinct: BTreeSet<&AttemptId> = claimed.iter().map(|attempt| &attempt.id).collect();
        assert_eq!((claimed.len(), distinct.len()), (60, 60));
    }

    async fn a_page_about_a_p1_is_claimed_before_all_that_is_due_for_longer(store: Store) {
        let ids = Ids::seeded(1);
        let p1 = NewAlert { priority: Priority::P1, ..an_alert(&ids, 1, None) };
        let alert = p1.id.clone();
        store.write(async move |db| raise::raise(db, &org(), p1.clone()).await).await.unwrap();
        for n in 0..20 {
            put(&store, &ids, |attempt| attempt.due_at = at(n)).await;
        }
        let urgent = put(&store, &ids, |attempt| (attempt.alert, attempt.due_at) = (Some(alert.clone()), at(50))).await;
        put(&store, &ids, |attempt| {
            (attempt.alert, attempt.kind) = (Some(alert.clone()), AttemptKind::Notice);
        })
        .await;
        let claimed = claim_at(&store, 60, "one").await;
        assert_eq!(claimed.len(), 10, "as many as there are places");
        assert_eq!(claimed.iter().filter(|attempt| attempt.id == urgent).count(), 1);
        assert_eq!(claimed.iter().filter(|attempt| attempt.alert.is_some()).count(), 2, "the notice was due first");
    }

    async fn what_a_crashed_sender_left_comes_back_unsure_and_its_late_answer_is_refused(store: Store) {
        let id = put(&store, &Ids::seeded(1), |_| {}).await;
        let first = claim_at(&store, 0, "one").await.remove(0);
        assert!(!first.unsure);
        assert_eq!(next_due(&mut store.read().await.unwrap()).await.unwrap(), Some(at(30)));
        let second = claim_at(&store, 30, "two").await.remove(0);
        assert!(second.unsure && second.tries == 2);
        assert_eq!(record_one(&store, &first, SENT).await, None);
        assert_eq!(record_one(&store, &second, SENT).await, Some(AttemptState::Sent));
        let sent = get(&store, &id).await;
        assert_eq!((sent.provider_id.as_deref(), sent.sent_at, sent.ended_at), (Some("SM1"), Some(at(1)), None));
        assert_eq!(next_due(&mut store.read().await.unwrap()).await.unwrap(), None);
    }

    async fn a_report_that_is_faster_than_the_answer_stays(store: Store) {
        let id = put(&store, &Ids::seeded(1), |_| {}).await;
        let attempt = claim_at(&store, 0, "one").await.remove(0);
        assert!(report_one(&store, &id, 3, AttemptState::Delivered).await);
        let again = Outcome::Again { at: at(5), unsure: true };
        assert_eq!(record_one(&store, &attempt, again).await, Some(AttemptState::Delivered));
        assert_eq!(claim_at(&store, 100, "two").await, [], "what was delivered is not sent again");
        assert_eq!(get(&store, &id).await.provider_id.as_deref(), Some("SM1"));
    }

    async fn reports_count_by_rank_in_any_order_and_twice(store: Store) {
        let id = put(&store, &Ids::seeded(1), |_| {}).await;
        let attempt = claim_at(&store, 0, "one").await.remove(0);
        record_one(&store, &attempt, SENT).await;
        assert!(report_one(&store, &id, 1, AttemptState::Sent).await);
        assert!(report_one(&store, &id, 3, AttemptState::Delivered).await);
        assert!(!report_one(&store, &id, 3, AttemptState::Delivered).await);
        assert!(!report_one(&store, &id, 2, AttemptState::Sent).await);
        let attempt = get(&store, &id).await;
        assert_eq!((attempt.state, attempt.ended_at), (AttemptState::Delivered, Some(at(2))));
    }

    async fn a_retry_waits_and_a_postponed_try_does_not_count(store: Store) {
        let id = put(&store, &Ids::seeded(1), |_| {}).await;
        let attempt = claim_at(&store, 0, "one").await.remove(0);
        record_one(&store, &attempt, Outcome::Again { at: at(5), unsure: false }).await;
        assert_eq!(claim_at(&store, 4, "two").await, []);
        let attempt = claim_at(&store, 5, "two").await.remove(0);
        assert_eq!((attempt.tries, attempt.unsure), (2, false));
        record_one(&store, &attempt, Outcome::Postponed { at: at(60) }).await;
        assert_eq!(get(&store, &id).await.tries, 1);
    }

    async fn an_acknowledgement_drops_pages_and_leaves_notices(store: Store) {
        let ids = Ids::seeded(1);
        let alert: AlertId = ids.id(at(0));
        let of_alert = |kind, held, due_at| {
            let alert = alert.clone();
            move |attempt: &mut NewAttempt| {
                (attempt.alert, attempt.kind) = (Some(alert), kind);
                (attempt.held, attempt.due_at) = (held, due_at);
            }
        };
        let sending = put(&store, &ids, of_alert(AttemptKind::Page, false, at(0))).await;
        assert_eq!(claim_at(&store, 0, "one").await.len(), 1);
        let due = put(&store, &ids, of_alert(AttemptKind::Page, false, at(60))).await;
        let held = put(&store, &ids, of_alert(AttemptKind::Page, true, at(0))).await;
        let notice = put(&store, &ids, of_alert(AttemptKind::Notice, false, at(60))).await;
        let other = put(&store, &ids, |_| {}).await;
        let dropped = alert.clone();
        let mut dropped = store
            .write(async move |db| attempts::drop_pages(db, &org(), &dropped, "anna has taken it", at(9)).await)
            .await
            .unwrap();
        dropped.sort();
        assert_eq!(dropped, [due.clone(), held]);
        assert_eq!(get(&store, &due).await.message.as_deref(), Some("anna has taken it"));
        assert_eq!(get(&store, &sending).await.state, AttemptState::Sending);
        assert_eq!(get(&store, &notice).await.state, AttemptState::Due);
        assert_eq!(get(&store, &other).await.state, AttemptState::Due);
        let mut db = store.read().await.unwrap();
        let anna = "anna".parse().unwrap();
        assert_eq!(attempts::people_paged(&mut db, &org(), &alert).await.unwrap(), [anna]);
    }

    async fn voice_pages_wait_while_a_call_rings_people(store: Store) {
        let ids = Ids::seeded(1);
        let alert: AlertId = ids.id(at(0));
        let text = put(&store, &ids, |attempt| attempt.alert = Some(alert.clone())).await;
        let phone = put(&store, &ids, |attempt| {
            attempt.alert = Some(alert.clone());
            attempt.address = voice();
        })
        .await;
        let held = alert.clone();
        store.write(async move |db| attempts::hold_voice_pages(db, &org(), &held).await).await.unwrap();
        assert_eq!(claim_at(&store, 10, "one").await.iter().map(|a| &a.id).collect::<Vec<_>>(), [&text]);
        store.write(async move |db| attempts::release_held(db, &org(), &alert, at(20)).await).await.unwrap();
        let claimed = claim_at(&store, 20, "one").await;
        assert_eq!((&claimed[0].id, claimed[0].due_at), (&phone, at(20)));
    }

    async fn when_a_rule_fails_the_next_one_comes_at_once(store: Store) {
        let ids = Ids::seeded(1);
        let (alert, notification): (AlertId, NotificationId) = (ids.id(at(0)), ids.id(at(0)));
        let mut rules = Vec::new();
        for seconds in [0, 300, 600] {
            rules.push(put(&store, &ids, |attempt| {
                (attempt.alert, attempt.notification) = (Some(alert.clone()), Some(notification.clone()));
                attempt.due_at = at(seconds);
            }).await);
        }
        for expect in [Some(&rules[1]), Some(&rules[2]), None] {
            let (alert, notification) = (alert.clone(), notification.clone());
            let brought = store
                .write(async move |db| attempts::bring_forward(db, &org(), &alert, &notification, at(10)).await)
                .await
                .unwrap();
            assert_eq!(brought.as_ref().map(|attempt| &attempt.id), expect);
        }
    }

    async fn an_address_is_kept_as_it_was(store: Store) {
        let ids = Ids::seeded(1);
        let push = PushSubscription {
            endpoint: "https://push.example/x".to_owned(),
            p256dh: "BK".to_owned(),
            auth: "aa".to_owned(),
        };
        let secret = |text: &str| Secret::new(text);
        for address in [
            sms(),
            voice(),
            Address::Email("anna@msp.example".to_owned()),
            Address::Push(push),
            Address::Slack("U2CERLKJA".to_owned()),
            Address::Teams(secret("https://flow.example/x?sig=s")),
            Address::Telegram(-1_002_163_056_465),
            Address::Ntfy(secret("anna-7f3a")),
            Address::Webhook(secret("https://hooks.example/x")),
        ] {
            let id = put(&store, &ids, |attempt| attempt.address = address.clone()).await;
            assert_eq!(get(&store, &id).await.address, address);
        }
    }
}
