//! Calls under contention, on both databases.

use futures::future::join_all;

use super::*;
use crate::{
    clock::Ids,
    store::{
        Store,
        testing::{at, on_both, org},
    },
};

pub fn a_call(ids: &Ids, carrier_call: &str) -> NewCall {
    NewCall {
        id: ids.id(at(0)),
        carrier: "twilio".parse().unwrap(),
        carrier_call: carrier_call.to_owned(),
        from: Some("+4930555010".parse().unwrap()),
        hotline: "+4930901820".parse().unwrap(),
        to: "+4930901820".parse().unwrap(),
        flow: "sla-hotline".parse().unwrap(),
        flow_version: 3,
        started_at: at(0),
    }
}

pub fn a_turn(step: &str, phase: Phase) -> Turn {
    Turn {
        state: format!("{{\"step\":\"{step}\"}}"),
        last_step: step.to_owned(),
        phase,
        contract: Some("acme-gold".parse().unwrap()),
        customer: Some("acme".parse().unwrap()),
        contact: None,
        verified: true,
        language: "de".parse().unwrap(),
        category: Some("outage".to_owned()),
        priority: Some(Priority::P1),
    }
}

async fn created(store: &Store) -> CallId {
    let call = a_call(&Ids::seeded(1), "CA1");
    let id = call.id.clone();
    store.write(async move |db| create(db, &org(), &call).await).await.unwrap();
    id
}

async fn load(store: &Store, id: &CallId) -> CallRow {
    by_id(&mut store.read().await.unwrap(), &org(), id).await.unwrap().unwrap()
}

on_both! {
    async fn a_webhook_that_comes_ten_times_makes_one_call(store: Store) {
        let ids = Ids::seeded(1);
        let arrivals = (0..10).map(|_| {
            let call = a_call(&ids, "CA1");
            store.write(async move |db| create(db, &org(), &call).await)
        });
        let created = join_all(arrivals).await.into_iter().filter(|created| created.as_ref().unwrap().is_some()).count();
        assert_eq!(created, 1);
        let mut db = store.read().await.unwrap();
        assert_eq!(list(&mut db, &org(), None, 10).await.unwrap().len(), 1);
        let found = by_carrier_call(&mut db, &org(), &"twilio".parse().unwrap(), "CA1").await.unwrap().unwrap();
        assert_eq!((found.turn, found.phase, found.outcome), (0, Phase::Ivr, None));
        assert_eq!(list(&mut db, &org(), Some(&found.id), 10).await.unwrap(), []);
    }

    async fn a_turn_is_taken_once(store: Store) {
        let id = created(&store).await;
        let turns = (0..10).map(|_| {
            let id = id.clone();
            store.write(async move |db| save_turn(db, &org(), &id, 0, &a_turn("menu", Phase::Ivr)).await)
        });
        let taken = join_all(turns).await.into_iter().filter(|taken| *taken.as_ref().unwrap()).count();
        assert_eq!(taken, 1);
        let call = load(&store, &id).await;
        assert_eq!((call.turn, call.last_step.as_str(), call.verified), (1, "menu", true));
        assert_eq!((call.priority, call.category.as_deref()), (Some(Priority::P1), Some("outage")));
    }

    async fn of_many_who_accept_one_gets_the_caller(store: Store) {
        let id = created(&store).await;
        let first = id.clone();
        store.write(async move |db| go(db, &org(), &first, Phase::Ivr, Phase::Waiting).await).await.unwrap();
        let accepts = (0..20).map(|n| {
            let id = id.clone();
            store.write(async move |db| accept(db, &org(), &id, &format!("p{n}").parse().unwrap()).await)
        });
        let won: Vec<usize> = join_all(accepts)
            .await
            .into_iter()
            .enumerate()
            .filter_map(|(n, won)| won.unwrap().then_some(n))
            .collect();
        let [winner] = won[..] else { panic!("{won:?}") };
        let winner: PersonId = format!("p{winner}").parse().unwrap();
        assert_eq!(load(&store, &id).await.answered_by, Some(winner.clone()));
        let (call, person) = (id.clone(), winner.clone());
        let again = store.write(async move |db| {
            let other = wait_again(db, &org(), &call, &"somebody".parse().unwrap()).await?;
            Ok((other, wait_again(db, &org(), &call, &person).await?))
        });
        assert_eq!(again.await.unwrap(), (false, true));
        let call = id.clone();
        assert!(store.write(async move |db| bridge(db, &org(), &call, &winner, 12_000).await).await.unwrap());
        let call = load(&store, &id).await;
        assert_eq!((call.phase, call.waited_ms), (Phase::Bridged, 12_000));
    }

    async fn a_call_ends_once_and_no_turn_comes_after(store: Store) {
        let id = created(&store).await;
        let ends = Outcome::ALL.map(|outcome| {
            let id = id.clone();
            store.write(async move |db| end(db, &org(), &id, (0, Phase::Ivr), outcome, at(60)).await)
        });
        assert_eq!(join_all(ends).await.into_iter().filter(|ended| *ended.as_ref().unwrap()).count(), 1);
        let first = load(&store, &id).await;
        assert_eq!((first.phase, first.ended_at), (Phase::Ended, Some(at(60))));
        let call = id.clone();
        let late = store.write(async move |db| save_turn(db, &org(), &call, 0, &a_turn("menu", Phase::Ivr)).await);
        assert!(!late.await.unwrap());
    }

    async fn a_recording_that_comes_late_makes_a_voicemail_of_a_missed_call(store: Store) {
        let id = created(&store).await;
        let call = id.clone();
        let changes = store.write(async move |db| {
            let before = amend(db, &org(), &call, Outcome::Voicemail, None).await?;
            assert!(!end(db, &org(), &call, (1, Phase::Ivr), Outcome::Missed, at(60)).await?, "it stands elsewhere");
            end(db, &org(), &call, (0, Phase::Ivr), Outcome::Missed, at(60)).await?;
            Ok((before, amend(db, &org(), &call, Outcome::Voicemail, None).await?, amend(db, &org(), &call, Outcome::Voicemail, None).await?))
        });
        assert_eq!(changes.await.unwrap(), (false, true, false));
        assert_eq!(load(&store, &id).await.outcome, Some(Outcome::Voicemail));
    }

    async fn who_talked_after_a_message_was_connected_and_no_message_takes_that_back(store: Store) {
        let id = created(&store).await;
        let (call, anna) = (id.clone(), "anna".parse().unwrap());
        let changes = store.write(async move |db| {
            end(db, &org(), &call, (0, Phase::Ivr), Outcome::Goodbye, at(60)).await?;
            let mut amended = Vec::new();
            for outcome in [Outcome::Missed, Outcome::Voicemail, Outcome::Goodbye, Outcome::Callback] {
                amended.push(amend(db, &org(), &call, outcome, None).await?);
            }
            amended.push(amend(db, &org(), &call, Outcome::Connected, Some(&anna)).await?);
            amended.push(amend(db, &org(), &call, Outcome::Voicemail, None).await?);
            Ok(amended)
        });
        assert_eq!(changes.await.unwrap(), [true, true, false, false, true, false]);
        let call = load(&store, &id).await;
        assert_eq!((call.outcome, call.answered_by), (Some(Outcome::Connected), Some("anna".parse().unwrap())));
    }
}
