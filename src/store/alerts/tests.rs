//! Alerts under contention, on both databases.

use futures::future::join_all;

use super::*;
use crate::{
    clock::Ids,
    store::{
        Store, raise,
        testing::{an_alert, at, on_both, org},
    },
};

async fn opened(store: &Store, ids: &Ids, number: i64) -> AlertId {
    let alert = an_alert(ids, number, None);
    store.write(async move |db| raise::raise(db, &org(), alert.clone()).await).await.unwrap().id
}

async fn row(store: &Store, id: &AlertId) -> AlertRow {
    by_id(&mut store.read().await.unwrap(), &org(), id).await.unwrap().unwrap()
}

fn person(name: &str) -> Actor {
    Actor::Person(name.parse().unwrap())
}

on_both! {
    async fn of_many_who_acknowledge_at_once_one_is_first(store: Store) {
        let id = opened(&store, &Ids::seeded(1), 1).await;
        let tries = (0..50).map(|n| {
            let id = id.clone();
            store.write(async move |db| {
                acknowledge(db, &org(), &id, &person(&format!("p{n}")), at(n)).await
            })
        });
        let winners: Vec<AlertRow> = join_all(tries).await.into_iter().filter_map(Result::unwrap).collect();
        let [winner] = winners.as_slice() else { panic!("{} were first", winners.len()) };
        let row = row(&store, &id).await;
        assert_eq!(row.alert.state, winner.alert.state);
        assert!(matches!(row.alert.state, AlertState::Acknowledged { .. }));
    }

    async fn an_escalation_that_decided_before_an_acknowledgement_must_decide_anew(store: Store) {
        let id = opened(&store, &Ids::seeded(1), 1).await;
        let seen = row(&store, &id).await;
        let progress = Progress { level: Some(0), round: 0, memory: "{}".to_owned() };
        let (first, next) = (id.clone(), progress.clone());
        let advanced = store.write(async move |db| advance(db, &org(), &first, seen.rev, &next).await);
        assert!(advanced.await.unwrap());
        assert_eq!(row(&store, &id).await.alert.level, Some(0));
        let seen = row(&store, &id).await;
        let acknowledged = id.clone();
        store
            .write(async move |db| acknowledge(db, &org(), &acknowledged, &person("anna"), at(1)).await)
            .await
            .unwrap();
        let late = store.write(async move |db| advance(db, &org(), &id, seen.rev, &progress).await);
        assert!(!late.await.unwrap());
    }

    async fn an_alert_goes_from_triggered_to_acknowledged_to_resolved_and_stays_there(store: Store) {
        let id = opened(&store, &Ids::seeded(1), 1).await;
        let resolved = store.write(async move |db| {
            let org = org();
            let taken = acknowledge(db, &org, &id, &person("anna"), at(1)).await?.expect("it is triggered");
            assert_eq!(taken.alert.state, AlertState::Acknowledged { by: person("anna"), at: at(1) });
            let again = reopen(db, &org, &id).await?.expect("it is open");
            assert_eq!(again.alert.state, AlertState::Triggered);
            resolve(db, &org, &id, &Actor::Operator("ops: night".to_owned()), at(2)).await?.expect("it is open");
            assert_eq!(acknowledge(db, &org, &id, &person("ben"), at(3)).await?, None);
            assert_eq!(reopen(db, &org, &id).await?, None);
            assert_eq!(count_open(db, &org).await?, (0, 0));
            by_id(db, &org, &id).await
        });
        let by = Actor::Operator("ops: night".to_owned());
        let resolved = resolved.await.unwrap().unwrap();
        assert_eq!((resolved.alert.state, resolved.acknowledged), (AlertState::Resolved { by, at: at(2) }, None));
    }

    async fn pages_of_the_list_follow_one_another(store: Store) {
        let ids = Ids::seeded(1);
        for number in 1..=5 {
            opened(&store, &ids, number).await;
        }
        let mut db = store.read().await.unwrap();
        let numbers = |rows: &[AlertRow]| rows.iter().map(|row| row.alert.number).collect::<Vec<_>>();
        let first = list(&mut db, &org(), Which::All, None, 3).await.unwrap();
        assert_eq!(numbers(&first), [5, 4, 3]);
        let rest = list(&mut db, &org(), Which::Open, Some(&first[2].alert.id), 3).await.unwrap();
        assert_eq!(numbers(&rest), [2, 1]);
        assert_eq!(count_open(&mut db, &org()).await.unwrap(), (5, 0));
    }

    async fn one_call_at_a_time_holds_an_alert(store: Store) {
        let ids = Ids::seeded(1);
        let id = opened(&store, &ids, 1).await;
        let (one, two): (CallId, CallId) = (ids.id(at(0)), ids.id(at(0)));
        let held = store.write(async move |db| {
            let org = org();
            let first = hold(db, &org, &id, &one).await?;
            let second = hold(db, &org, &id, &two).await?;
            let not_mine = release(db, &org, &id, &two).await?;
            let mine = release(db, &org, &id, &one).await?;
            Ok([first, second, not_mine, mine])
        });
        assert_eq!(held.await.unwrap(), [true, false, false, true]);
    }
}
