//! Storms on one phone: what waits, what one page says for many, and what is done to it.

use super::*;
use crate::{
    model::{alert::Actor, priority::Priority},
    store::{
        attempts::AttemptState,
        outbox::Answer,
        raise::Snapshot,
        testing::{an_alert, on_both, org},
    },
    work::{
        act::{self, Acted},
        report,
        testing::*,
    },
};

/// So many alerts one after the other, at the same instant.
async fn storm(night: &Night, count: usize) -> Vec<AlertId> {
    let mut ids = Vec::new();
    for n in 1..=count {
        ids.push(night.raise(&format!("Disk {n} full")).await);
    }
    ids
}

async fn bundle(night: &Night) -> AlertRow {
    let mut found: Vec<AlertRow> =
        night.open().await.into_iter().filter(|row| row.alert.source == Source::Bundle).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

async fn acknowledge(night: &Night, id: &AlertId, who: &str) -> Acted {
    let (acting, id, by) = (night.acting(), id.clone(), Actor::Person(who.parse().unwrap()));
    let acted = night.context.change(async move |db| act::acknowledge(db, &acting, &id, &by, "by SMS").await);
    let acted = acted.await.unwrap();
    night.settle().await;
    acted
}

async fn states(night: &Night, ids: &[AlertId]) -> Vec<&'static str> {
    let mut states = Vec::new();
    for id in ids {
        states.push(night.alert(id).await.alert.state.as_str());
    }
    states
}

on_both! {
    async fn a_storm_becomes_a_few_pages_and_one_code_takes_what_the_last_of_them_says(store: Store) {
        let night = Night::on(&store).await;
        let ids = storm(&night, 15).await;
        assert_eq!(night.phones.news().len(), 5, "half of a minute's places at once");
        assert!(night.story(&ids[9]).await.contains("held-back: The SMS to Anna Berger (+49…01) waits"));
        night.pass(11).await;
        let told = night.phones.fresh();
        let bundle = bundle(&night).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].text.contains("10 Alarme, zuerst: Disk 6 full"), "{told:?}");
        assert!(told[0].text.contains(&format!("1 {}", bundle.alert.code())), "{told:?}");
        let story = night.story(&ids[9]).await;
        let says = format!("is said by the page of bundle {}, with 9 others.", bundle.alert.number);
        assert!(story.contains(&says), "{story}");
        let covered = night.attempts(&ids[9]).await.remove(0);
        assert_eq!(covered.state, AttemptState::Sent, "whoever acknowledges is told to its reader");
        assert!(matches!(acknowledge(&night, &bundle.alert.id, "anna").await, Acted::Done(_)));
        assert_eq!(states(&night, &ids[5..]).await, ["acknowledged"; 10]);
        assert_eq!(states(&night, &ids[..5]).await, ["triggered"; 5], "what was told by itself is taken by itself");
        night.end().await;
    }

    async fn each_alert_of_a_bundle_is_taken_by_its_own_code_too(store: Store) {
        let night = Night::on(&store).await;
        let ids = storm(&night, 8).await;
        night.pass(11).await;
        let bundle = bundle(&night).await;
        acknowledge(&night, &ids[5], "anna").await;
        acknowledge(&night, &ids[6], "ben").await;
        assert_eq!(states(&night, std::slice::from_ref(&bundle.alert.id)).await, ["triggered"]);
        acknowledge(&night, &ids[7], "anna").await;
        assert_eq!(states(&night, std::slice::from_ref(&bundle.alert.id)).await, ["acknowledged"]);
        assert!(night.story(&bundle.alert.id).await.contains("All its alerts are taken."));
        night.end().await;
    }

    async fn what_was_taken_while_it_waited_is_not_told(store: Store) {
        let night = Night::on(&store).await;
        let ids = storm(&night, 7).await;
        night.phones.news();
        acknowledge(&night, &ids[5], "ben").await;
        night.pass(11).await;
        let told = night.phones.fresh();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].text.contains("Disk 7 full"), "the one that is left is told by itself: {told:?}");
        assert_eq!(night.attempts(&ids[5]).await[0].state, AttemptState::Dropped);
        night.end().await;
    }

    async fn when_the_page_for_many_fails_the_next_rule_of_each_comes_at_once(store: Store) {
        let night = Night::on(&store).await;
        let ids = storm(&night, 8).await;
        night.pass(11).await;
        night.phones.news();
        let bundle = bundle(&night).await;
        let page = night.attempts(&bundle.alert.id).await.remove(0);
        let answer = Answer { code: Some("30007".to_owned()), ..Answer::default() };
        report::take(&night.context, &page.id, 9, AttemptState::Failed, answer).await.unwrap();
        night.settle().await;
        let news = night.phones.news();
        assert_eq!(news, vec![format!("call {ANNA}"); 2], "two calls at once, the third waits");
        for id in &ids[5..] {
            assert_eq!(night.attempts(id).await[0].state, AttemptState::Failed);
            assert!(night.story(id).await.contains("comes at once, as the one before it failed."));
        }
        night.end().await;
    }

    async fn no_storm_of_others_delays_a_p1(store: Store) {
        let night = Night::on(&store).await;
        let policy = night.context.directory().policies.get(&"gold".parse().unwrap()).map(Snapshot::of);
        for number in 101..121 {
            let mut alert = an_alert(&night.context.ids, number, None);
            (alert.priority, alert.policy) = (Priority::P2, policy.clone());
            let raise = async move |db: &mut AnyConnection| raise::raise(db, &org(), alert.clone()).await;
            store.write(raise).await.unwrap();
        }
        night.settle().await;
        assert_eq!(night.phones.news().len(), 5);
        night.raise("The core switch is down").await;
        let told = night.phones.fresh();
        assert!(told.len() == 1 && told[0].text.contains("The core switch is down"), "{told:?}");
        night.end().await;
    }

    async fn the_next_level_of_a_bundle_is_that_of_each_alert(store: Store) {
        let night = Night::on(&store).await;
        let ids = storm(&night, 8).await;
        night.pass(11).await;
        night.phones.news();
        let (bundle, acting) = (bundle(&night).await.alert.id, night.acting());
        let by = Actor::Person("anna".parse().unwrap());
        let acted = night.context.change(async move |db| act::escalate(db, &acting, &bundle, &by, "by SMS").await);
        assert!(matches!(acted.await.unwrap(), Acted::Done(_)));
        night.settle().await;
        assert_eq!(night.phones.news(), vec![format!("sms {BEN}"); 3]);
        assert_eq!(night.alert(&ids[5]).await.alert.level, Some(1));
        assert_eq!(night.alert(&ids[0]).await.alert.level, Some(0), "the others stay where they are");
        night.end().await;
    }

    async fn without_a_limit_every_page_goes_out_by_itself(store: Store) {
        let night = Night::on(&store).await;
        night.declare(|directory| directory.limits.pages_per_minute = 0);
        storm(&night, 12).await;
        assert_eq!(night.phones.news().len(), 12);
        night.end().await;
    }
}
