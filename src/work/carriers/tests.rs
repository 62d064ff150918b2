//! Nights with two carriers, on both databases: the preferred one refuses, hangs, forgets or is back, and every
//! page goes out within ten seconds, once.

use crate::{
    model::{alert::AlertState, id::AlertId},
    store::{Store, attempts::AttemptState, outbox::Answer, testing::on_both},
    work::{msp, report, testing::*},
};

fn sms(to: &str) -> String {
    format!("sms {to}")
}

/// How often Anna was texted since the last look; the MSP hears of the carrier by SMS as well.
fn texted(phones: &Phones) -> usize {
    phones.news().iter().filter(|news| **news == sms(ANNA)).count()
}

/// The page arrives, as the carrier says.
async fn arrives(night: &Night, alert: &AlertId, state: AttemptState) {
    let attempt = night.attempts(alert).await.remove(0);
    let answer = Answer { carrier: attempt.carrier.clone(), ..Answer::default() };
    report::take(&night.context, &attempt.id, 5, state, answer).await.unwrap();
    night.settle().await;
}

async fn matter(night: &Night) -> Option<String> {
    let title = |row: crate::store::alerts::AlertRow| row.alert.title;
    night.open().await.into_iter().map(title).find(|title| title.contains("is out for"))
}

/// The news is told beside the page that brought it.
async fn is_told_that_it_is_back(night: &Night) -> bool {
    for _ in 0..500 {
        if matter(night).await.is_none() {
            return true;
        }
        night.settle().await;
    }
    false
}

async fn goes_elsewhere_within_seconds(store: &Store, mood: Mood) {
    let (night, second) = Night::between(store).await;
    night.phones.is(mood);
    let id = night.raise("Disk full").await;
    assert_eq!(second.news(), [""; 0], "first it is asked whether it has it");
    night.pass(2).await;
    assert_eq!((night.phones.asked(), second.news()), (1, vec![sms(ANNA)]));
    let story = night.story(&id).await;
    assert!(story.contains("since twilio did not say what became of the try before"), "{story}");
    night.end().await;
}

on_both! {
    async fn a_carrier_that_refuses_is_followed_by_the_next_at_once(store: Store) {
        let (night, second) = Night::between(&store).await;
        night.phones.is(Mood::Refuses(503));
        let id = night.raise("Disk full").await;
        assert_eq!((night.phones.asked(), second.news()), (1, vec![sms(ANNA)]));
        let story = night.story(&id).await;
        let told = "was handed to second as SM0, since twilio refused it (the carrier answered status 503: \
                    it gave no reason).";
        assert!(story.contains(told), "{story}");
        let attempt = night.attempts(&id).await.remove(0);
        assert_eq!(attempt.carrier.unwrap().as_str(), "second");
        let tried: serde_json::Value = serde_json::from_str(&attempt.tried.unwrap()).unwrap();
        assert_eq!((&tried[0]["carrier"], &tried[0]["code"]), (&"twilio".into(), &"503".into()));
        night.end().await;
    }

    async fn an_outage_that_an_earlier_process_told_of_is_over_with_the_first_success(store: Store) {
        let (night, _second) = Night::between(&store).await;
        let title = "The carrier twilio is out for sms";
        msp::report(&night.context, "carrier-out:twilio:sms", title, "It was left.", None).await.unwrap();
        assert_eq!(matter(&night).await.as_deref(), Some(title));
        night.raise("Disk full").await;
        assert!(is_told_that_it_is_back(&night).await);
        night.end().await;
    }

    async fn after_three_failures_it_is_left_told_of_once_and_tried_again_by_itself(store: Store) {
        let (night, second) = Night::between(&store).await;
        night.phones.is(Mood::Refuses(503));
        for title in ["One", "Two", "Three", "Four", "Five"] {
            night.raise(title).await;
        }
        assert_eq!((night.phones.asked(), texted(&second)), (3, 5), "two were sent without asking it");
        assert_eq!(matter(&night).await.as_deref(), Some("The carrier twilio is out for sms"));
        let last = night.raise("Six").await;
        let story = night.story(&last).await;
        assert!(story.contains("since twilio is out: it failed 3 times in a row"), "{story}");
        night.phones.is(Mood::Well);
        night.pass(12).await;
        second.news();
        night.raise("Seven").await;
        assert_eq!((texted(&night.phones), texted(&second)), (1, 0));
        assert!(is_told_that_it_is_back(&night).await);
        night.raise("Eight").await;
        assert_eq!((texted(&night.phones), texted(&second)), (1, 0));
        night.end().await;
    }

    async fn what_it_did_without_saying_so_is_found_and_not_sent_through_another(store: Store) {
        let (night, second) = Night::between(&store).await;
        night.phones.is(Mood::Forgets);
        let id = night.raise("Disk full").await;
        night.pass(9).await;
        assert_eq!((night.phones.news(), second.news()), (vec![sms(ANNA)], vec![]));
        let attempt = night.attempts(&id).await.remove(0);
        assert_eq!((attempt.carrier.unwrap().as_str(), attempt.provider_id.as_deref()), ("twilio", Some("SM0")));
        night.end().await;
    }

    async fn a_carrier_that_answers_nothing_is_asked_whether_it_has_the_page(store: Store) {
        goes_elsewhere_within_seconds(&store, Mood::Hangs).await;
    }

    async fn a_carrier_that_does_not_answer_even_that_is_not_waited_for(store: Store) {
        goes_elsewhere_within_seconds(&store, Mood::Dead).await;
    }

    async fn a_number_that_one_reaches_and_the_other_does_not_goes_that_way(store: Store) {
        let (night, second) = Night::between(&store).await;
        night.phones.refuse(ANNA, 400, 21_614);
        let id = night.raise("Disk full").await;
        assert_eq!((night.phones.asked(), second.news()), (1, vec![sms(ANNA)]));
        arrives(&night, &id, AttemptState::Delivered).await;
        let id = night.raise("Disk still full").await;
        assert_eq!((night.phones.asked(), second.news()), (1, vec![sms(ANNA)]), "it was not asked again");
        arrives(&night, &id, AttemptState::Failed).await;
        night.phones.accept(ANNA);
        night.phones.news();
        night.raise("Disk as full as ever").await;
        assert_eq!(night.phones.news(), [sms(ANNA)], "neither reaches it, so the preferred one is asked");
        assert_eq!(matter(&night).await, None, "a bad number is no outage");
        night.end().await;
    }

    async fn whoever_has_sent_stop_is_not_texted_through_another(store: Store) {
        let (night, second) = Night::between(&store).await;
        night.phones.refuse(ANNA, 400, 21_610);
        let id = night.raise("Disk full").await;
        assert!(!second.news().contains(&sms(ANNA)));
        assert_eq!(night.attempts(&id).await[0].state, AttemptState::Failed);
        night.end().await;
    }

    async fn whoever_asks_for_patience_is_left_alone_while_the_other_is_asked(store: Store) {
        let (night, second) = Night::between(&store).await;
        night.phones.is(Mood::Patience(429, 600));
        second.is(Mood::Refuses(503));
        let id = night.raise("Disk full").await;
        assert_eq!((night.phones.asked(), second.asked()), (1, 1));
        second.is(Mood::Well);
        night.pass(12).await;
        assert_eq!((night.phones.asked(), second.news()), (1, vec![sms(ANNA)]));
        let story = night.story(&id).await;
        assert!(story.contains("since twilio has asked for patience"), "{story}");
        night.end().await;
    }

    async fn where_both_ask_for_patience_the_page_waits_for_the_first_that_may_be_asked(store: Store) {
        let (night, second) = Night::between(&store).await;
        night.phones.is(Mood::Patience(429, 600));
        second.is(Mood::Patience(429, 30));
        let id = night.raise("Disk full").await;
        second.is(Mood::Well);
        night.pass(29).await;
        assert_eq!((night.phones.asked(), second.asked()), (1, 1));
        night.pass(3).await;
        assert_eq!((night.phones.asked(), second.news()), (1, vec![sms(ANNA)]));
        assert_eq!(night.attempts(&id).await[0].tries, 2);
        night.end().await;
    }

    async fn who_may_have_it_and_asks_for_patience_is_not_even_asked_for_it(store: Store) {
        let (night, second) = Night::between(&store).await;
        night.phones.is(Mood::Patience(500, 600));
        night.raise("Disk full").await;
        night.pass(2).await;
        assert_eq!((night.phones.asked(), night.phones.looked(), second.news()), (1, 0, vec![sms(ANNA)]));
        night.end().await;
    }

    async fn a_stop_at_one_is_the_end_also_where_the_other_may_still_be_asked(store: Store) {
        let (night, second) = Night::between(&store).await;
        night.phones.is(Mood::Patience(429, 10));
        second.refuse(ANNA, 400, 21_610);
        let id = night.raise("Disk full").await;
        night.phones.is(Mood::Well);
        night.pass(20).await;
        assert!(!night.phones.news().contains(&sms(ANNA)));
        assert_eq!(night.attempts(&id).await[0].state, AttemptState::Failed);
        night.end().await;
    }

    async fn when_all_are_out_they_are_asked_all_the_same(store: Store) {
        let (night, second) = Night::between(&store).await;
        night.phones.is(Mood::Refuses(503));
        second.is(Mood::Refuses(503));
        let id = night.raise("Disk full").await;
        night.pass(90).await;
        second.is(Mood::Well);
        night.pass(600).await;
        assert!(second.news().contains(&sms(ANNA)));
        assert_eq!(night.alert(&id).await.alert.state, AlertState::Triggered);
        let story = night.story(&id).await;
        let told = "failed for now (twilio: the carrier answered status 503: it gave no reason; second: the carrier \
                    answered status 503: it gave no reason)";
        assert!(story.contains(told), "{story}");
        night.end().await;
    }
}
