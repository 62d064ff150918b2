//! Crowds of turns, on both databases.

use serde_json::json;

use super::*;
use crate::{
    clock::Ids,
    model::call::Outcome,
    store::{
        Store,
        calls::{
            self,
            tests::{a_call, a_turn},
        },
        testing::{at, on_both, org},
    },
};

const LOOK: &str = "call-watch";

fn first(ids: &Ids, carrier_call: &str) -> PlainTurn {
    plain(ids, Of::New(a_call(ids, carrier_call)), Some((LOOK, at(300))))
}

fn next(ids: &Ids, id: &CallId, turn: u32) -> PlainTurn {
    plain(ids, Of::Known { id: id.clone(), turn }, None)
}

fn plain(ids: &Ids, call: Of, look_at: Option<(&'static str, Instant)>) -> PlainTurn {
    let mut plain = PlainTurn {
        org: org(),
        call,
        turn: a_turn("menu", Phase::Ivr),
        document: String::new(),
        entries: Vec::new(),
        look_at,
    };
    plain.document = format!("<Response>{} {}</Response>", plain.call(), plain.number());
    plain.entries = vec![Entry {
        id: ids.id(at(0)),
        alert: None,
        call: Some(plain.call().clone()),
        at: at(0),
        kind: "turn".to_owned(),
        text: format!("Turn {}.", plain.number()),
        detail: json!({ "step": "menu" }),
    }];
    plain
}

async fn saved(store: &Store, turns: &[PlainTurn]) -> BTreeSet<CallId> {
    let turns = turns.to_vec();
    store.write(async move |db| save_all(db, &turns).await).await.unwrap()
}

async fn row(store: &Store, id: &CallId) -> CallRow {
    calls::by_id(&mut store.read().await.unwrap(), &org(), id).await.unwrap().unwrap()
}

async fn told(store: &Store, id: &CallId) -> Vec<String> {
    let mut db = store.read().await.unwrap();
    timeline::of_call(&mut db, &org(), id).await.unwrap().into_iter().map(|entry| entry.text).collect()
}

on_both! {
    async fn a_crowd_of_callers_goes_on_and_each_has_their_own_document(store: Store) {
        let ids = Ids::seeded(1);
        let firsts: Vec<PlainTurn> = (0..70).map(|n| first(&ids, &format!("CA{n}"))).collect();
        assert_eq!(saved(&store, &firsts).await.len(), 70);
        // Some press a key, and others have just phoned.
        let nexts = firsts.iter().map(|first| next(&ids, first.call(), 1));
        let mixed: Vec<PlainTurn> = nexts.chain((70..80).map(|n| first(&ids, &format!("CA{n}")))).collect();
        assert_eq!(saved(&store, &mixed).await.len(), 80);
        for plain in &mixed {
            let id = plain.call();
            let mut db = store.read().await.unwrap();
            let document = turns::document(&mut db, &org(), id, plain.number()).await.unwrap();
            assert_eq!(document.as_ref(), Some(&plain.document));
            assert_eq!(row(&store, id).await.turn, plain.number() + 1);
            let texts: Vec<String> = (0..=plain.number()).map(|turn| format!("Turn {turn}.")).collect();
            assert_eq!(told(&store, id).await, texts);
            assert_eq!(timers::due_at(&mut db, &org(), LOOK, id.as_str()).await.unwrap(), Some(at(300)));
        }
    }

    async fn a_row_is_what_the_process_thinks_it_is(store: Store) {
        let ids = Ids::seeded(1);
        let call = a_call(&ids, "CA1");
        let mut first = plain(&ids, Of::New(call.clone()), None);
        first.turn.contact = Some("petra".parse().unwrap());
        saved(&store, std::slice::from_ref(&first)).await;
        let begun = CallRow::new(&call).after(&first.turn);
        assert_eq!(row(&store, &call.id).await, begun);
        let mut second = next(&ids, &call.id, 1);
        second.turn = Turn { contract: None, category: None, priority: None, phase: Phase::Recording, ..second.turn };
        saved(&store, std::slice::from_ref(&second)).await;
        assert_eq!(row(&store, &call.id).await, begun.after(&second.turn));
        let created = a_call(&ids, "CA2");
        let new = created.clone();
        let made = store.write(async move |db| calls::create(db, &org(), &new).await).await.unwrap();
        assert_eq!(made, Some(CallRow::new(&created)));
    }

    async fn of_whoever_was_too_late_nothing_is_saved_and_the_others_go_on(store: Store) {
        let ids = Ids::seeded(1);
        let firsts: Vec<PlainTurn> = (0..4).map(|n| first(&ids, &format!("CA{n}"))).collect();
        saved(&store, &firsts).await;
        let [sound, taken, ended, repeated] = [0, 1, 2, 3].map(|n: usize| firsts[n].call().clone());
        saved(&store, &[next(&ids, &taken, 1)]).await;
        let over = ended.clone();
        store
            .write(async move |db| calls::end(db, &org(), &over, (1, Phase::Ivr), Outcome::Goodbye, at(9)).await)
            .await
            .unwrap();
        let again = first(&ids, "CA3");
        let stranger = ids.id(at(1));
        let crowd =
            [next(&ids, &taken, 1), next(&ids, &sound, 1), next(&ids, &ended, 1), again.clone(), next(&ids, &stranger, 0)];
        assert_eq!(saved(&store, &crowd).await, BTreeSet::from([sound.clone()]));
        assert_eq!((row(&store, &sound).await.turn, row(&store, &taken).await.turn), (2, 2));
        assert_eq!((row(&store, &ended).await.turn, row(&store, &repeated).await.turn), (1, 1));
        let mut db = store.read().await.unwrap();
        assert_eq!(calls::by_id(&mut db, &org(), again.call()).await.unwrap(), None);
        for (id, turn) in [(&ended, 1), (again.call(), 0), (&stranger, 0)] {
            assert_eq!(turns::document(&mut db, &org(), id, turn).await.unwrap(), None);
        }
        assert_eq!((told(&store, &taken).await.len(), told(&store, &ended).await.len()), (2, 1));
        assert_eq!(timers::due_at(&mut db, &org(), LOOK, again.call().as_str()).await.unwrap(), None);
    }

    async fn two_nodes_that_save_the_same_turns_at_once_save_each_of_them_once(store: Store) {
        let ids = Ids::seeded(1);
        let firsts: Vec<PlainTurn> = (0..60).map(|n| first(&ids, &format!("CA{n}"))).collect();
        saved(&store, &firsts).await;
        let forth: Vec<PlainTurn> = firsts.iter().map(|first| next(&ids, first.call(), 1)).collect();
        let back: Vec<PlainTurn> = firsts.iter().rev().map(|first| next(&ids, first.call(), 1)).collect();
        let (mut one, mut other) = futures::join!(saved(&store, &forth), saved(&store, &back));
        assert!(one.is_disjoint(&other));
        one.append(&mut other);
        assert_eq!(one.len(), 60);
    }
}
