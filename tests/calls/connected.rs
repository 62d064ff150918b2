//! A human is reached: at the first try, at the next level, beside a mailbox, among several.

use std::path::Path;

use pikett::{
    model::{call::Outcome, priority::Priority},
    sim::{Behaviour, Press, What},
};

use super::{
    people::{
        ANNA, BEN, CEM, DORA, EVERYONE, EVERYONE_TOO, HAND_OVER, OLAF, OUTSIDE, PETRA, PRESS_1_DE, PRESS_1_EN,
        STRANGER, chooses, takes,
    },
    story::{Story, rewritten, stories},
};

/// One after the other, in German: Ben, who speaks English, and Anna.
fn ben_stands_before_anna(folder: &Path, field: &str) {
    rewritten(folder, &[("at_once = true", field)]);
    let file = folder.join("more.toml");
    let declared = std::fs::read_to_string(&file).unwrap();
    let changed = declared.replacen("[\"person:anna\", \"person:cem\"]", "[\"person:ben\", \"person:anna\"]", 1);
    assert_ne!(declared, changed);
    std::fs::write(&file, changed).unwrap();
}

stories! {
    async fn a_known_caller_is_connected_at_the_first_try(story: Story) {
        story.behaves(ANNA, takes(6.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        assert_eq!(call.answered_by.as_ref().map(|person| person.as_str()), Some("anna"));
        assert_eq!((call.priority, call.category.as_deref()), (Some(Priority::P1), Some("outage")));
        assert!(!call.verified && call.contact.is_some(), "a known number is a convenience, not a proof");
        assert_eq!(story.owner(&call).await.as_deref(), Some("anna"));
        assert!(call.waited_ms > 6_000, "{}", call.waited_ms);
        assert!(story.legs_to(BEN).is_empty() && story.legs_to(CEM).is_empty());
        assert!(story.told_to_msp().await.is_empty());
    }

    async fn whoever_accepts_before_the_caller_has_come_into_the_queue_waits_for_them(story: Story) {
        story.behaves(ANNA, takes(0.3, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
        assert_eq!((story.rung(ANNA).await.len(), story.rung(BEN).await.len()), (1, 0));
    }

    async fn nobody_answers_at_level_1_and_level_2_accepts(story: Story) {
        story.behaves(BEN, takes(5.0, PRESS_1_EN));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("ben")));
        assert_eq!(story.rung(ANNA).await, ["no-answer"]);
        let tale = story.tale_of_alert(&story.alert_of(&call).await).await;
        assert!(tale.iter().any(|entry| entry.contains("Level 2 is rung")), "{tale:#?}");
    }

    async fn a_private_mailbox_does_not_swallow_the_call(story: Story) {
        story.behaves(ANNA, Behaviour::mailbox(4.0));
        story.behaves(BEN, takes(5.0, PRESS_1_EN));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("ben")));
    }

    async fn of_two_who_press_1_at_once_exactly_one_talks_and_the_other_hears_who(story: Story) {
        // Both hear the question and press at the same instant.
        story.behaves(ANNA, Behaviour::answers(5.0, [Press { after_s: 3.0, ..Press::on("Hotline-Anruf", "1") }]).hanging_up_after(60.0));
        story.behaves(CEM, Behaviour::answers(5.0, [Press { after_s: 3.0, ..Press::on("Hotline-Anruf", "1") }]).hanging_up_after(60.0));
        let caller = story.phones_at(DORA, EVERYONE, []);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        let talks = story.sim().log().iter().filter(|event| matches!(event.what, What::Bridged { .. })).count();
        assert_eq!(talks, 1);
        let winner = call.answered_by.unwrap();
        let (other, name) = if winner.as_str() == "anna" { (CEM, "Anna Berger") } else { (ANNA, "Cem Yılmaz") };
        let heard = story.heard(&story.legs_to(other)[0].sid);
        assert!(heard.contains(&format!("schon {name} angenommen")), "{heard}");
        assert!(story.legs_to(BEN).is_empty());
    }

    async fn a_hotline_answers_at_each_of_its_numbers_and_shows_its_first(story: Story) {
        story.behaves(ANNA, Behaviour::answers(5.0, [Press::on(PRESS_1_DE, "1")]).hanging_up_after(40.0));
        let caller = story.phones_at(DORA, EVERYONE_TOO, []);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.hotline.as_str(), call.to.as_str()), (EVERYONE, EVERYONE_TOO));
        assert_eq!(call.outcome, Some(Outcome::Connected));
        assert_eq!(story.legs_to(ANNA)[0].from.as_str(), EVERYONE);
    }

    async fn two_callers_for_one_technician_are_served_one_after_the_other(story: Story) {
        story.behaves(ANNA, Behaviour::answers(5.0, [Press::on(PRESS_1_DE, "1")]).hanging_up_after(40.0));
        let first = story.phones(PETRA, [chooses("1")]);
        story.rings(ANNA).await;
        let second = story.phones(OLAF, [chooses("1")]);
        story.talk(&first).await;
        story.talk(&second).await;
        for caller in [first, second] {
            let call = story.over(&caller).await;
            assert_eq!((call.outcome, story.owner(&call).await.is_some()), (Some(Outcome::Connected), true));
        }
        let legs = story.legs_to(ANNA);
        assert_eq!(legs.len(), 2);
        assert!(legs[0].ended_at <= legs[1].answered_at, "{legs:#?}");
    }

    async fn of_two_who_wait_the_more_urgent_is_served_first_and_the_technician_gets_the_number(story: Story) {
        // Anna talks for long; nobody else picks up.
        story.behaves(ANNA, Behaviour::answers(5.0, [Press::on(PRESS_1_DE, "1")]).hanging_up_after(150.0));
        let first = story.phones(PETRA, [chooses("1")]);
        story.talk(&first).await;
        let told = |what: &What| matches!(what, What::Sms { to, body, .. } if to == ANNA && body.contains(&format!("Du sprichst mit {PETRA}")));
        story.until("Anna gets the caller's number", told).await;
        story.behaves(ANNA, takes(5.0, PRESS_1_DE));
        let patient = story.phones(OLAF, [chooses("2")]);
        story.until("the patient caller waits", |what| matches!(what, What::Waiting { leg, .. } if *leg == patient)).await;
        story.pass(20).await;
        let urgent = story.phones(PETRA, [chooses("1")]);
        story.until("the urgent caller waits", |what| matches!(what, What::Waiting { leg, .. } if *leg == urgent)).await;
        story.hears(&patient, "Sie sind an Position 2").await;
        story.talk(&urgent).await;
        assert!(!story.sim().log().iter().any(|event| matches!(&event.what, What::Bridged { a, b } if *a == patient || *b == patient)));
        story.talk(&patient).await;
        for caller in [first, urgent, patient] {
            assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
        }
        // Nobody ever saw a technician's number, and technicians see the hotline's.
        assert!(story.legs_to(ANNA).iter().all(|leg| leg.from == pikett::demo::stage::GOLD));
    }

    async fn a_technician_hears_at_once_and_twice_who_calls_and_a_wrong_key_asks_again(story: Story) {
        let script = [Press::on("Hotline-Anruf", ""), Press::on("Hotline-Anruf", "7"), Press::on("Diese Taste kenne ich nicht", "1")];
        story.behaves(ANNA, Behaviour::answers(5.0, script).hanging_up_after(90.0));
        let caller = story.phones(STRANGER, [Press::on("PIN ein", "730164#"), chooses("1")]);
        story.hears(&caller, "/audio/hold/").await;
        story.talk(&caller).await;
        let anna = story.legs_to(ANNA)[0].sid.clone();
        let log = story.sim().log();
        let at = |matches: &dyn Fn(&What) -> bool| log.iter().find(|event| matches(&event.what)).map(|event| event.at).unwrap();
        let answered = at(&|what| matches!(what, What::Answered { leg, .. } if *leg == anna));
        let told = at(&|what| matches!(what, What::Heard { leg, text, .. } if *leg == anna && text.contains("Hotline-Anruf")));
        assert!((told - answered).num_milliseconds() <= 1_000);
        let heard = story.heard(&anna);
        for fact in ["Kunde: ACME GmbH", "Es geht um: outage", "Priorität 1", "durch seine PIN ausgewiesen", "Er wartet seit"] {
            assert!(heard.matches(fact).count() >= 2, "{fact}: {heard}");
        }
        assert!(story.legs_to(BEN).is_empty(), "whoever thinks about it is not passed over");
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
    }

    async fn whoever_takes_a_call_by_answering_hears_twice_who_it_is_before_they_talk(
        story: Story, |folder| rewritten(folder, &[("at_once = true", "accept = \"answer\"")])
    ) {
        story.behaves(ANNA, Behaviour::answers(5.0, []).hanging_up_after(90.0));
        let caller = story.phones_at(DORA, EVERYONE, []);
        let anna = story.rings(ANNA).await;
        story.hears(&anna, "Hotline-Anruf").await;
        story.talk(&caller).await;
        let heard = story.heard(&anna);
        for fact in ["Kunde: Delta AG", "Priorität 1", "nicht durch eine PIN ausgewiesen", "Er wartet seit"] {
            assert_eq!(heard.matches(fact).count(), 2, "{fact}: {heard}");
        }
        assert_eq!(heard.matches("Sie werden verbunden").count(), 1, "{heard}");
        assert!(!heard.contains(PRESS_1_DE), "{heard}");
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        let tale = story.tale(&call).await;
        assert!(tale.iter().any(|entry| entry.contains("anna accepted the call by answering")), "{tale:#?}");
        assert!(!tale.iter().any(|entry| entry.contains("by key")), "{tale:#?}");
    }

    async fn whoever_speaks_the_callers_language_is_rung_first(story: Story, |folder| ben_stands_before_anna(folder, "prefer_language = true")) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.phones_at(DORA, EVERYONE, []);
        story.talk(&caller).await;
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
        assert!(story.legs_to(BEN).is_empty());
    }

    async fn where_languages_do_not_matter_people_are_rung_as_they_stand(story: Story, |folder| ben_stands_before_anna(folder, "prefer_language = false")) {
        story.behaves(BEN, takes(4.0, PRESS_1_EN));
        let caller = story.phones_at(DORA, EVERYONE, []);
        story.talk(&caller).await;
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
        assert!(story.legs_to(ANNA).is_empty());
    }

    async fn a_wrong_pin_and_then_the_right_one_verifies_the_caller(story: Story) {
        story.behaves(ANNA, takes(6.0, PRESS_1_DE));
        let script = [Press::on("PIN ein", "730165#"), Press::on("nicht gestimmt", "730164#"), chooses("2")];
        let caller = story.phones(STRANGER, script);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, call.verified, call.priority), (Some(Outcome::Connected), true, Some(Priority::P2)));
        assert!(call.contact.is_some());
    }

    async fn a_busy_phone_and_a_declined_call_lead_to_the_next_person_at_once(story: Story) {
        story.behaves(ANNA, Behaviour::busy());
        story.behaves(BEN, Behaviour::declines(3.0));
        story.behaves(CEM, takes(3.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("cem")));
        assert_eq!((story.rung(ANNA).await, story.rung(BEN).await), (vec!["busy".to_owned()], vec!["busy".to_owned()]));
        assert!(story.between(ANNA, CEM) < 20, "{}", story.between(ANNA, CEM));
    }

    async fn a_bad_number_and_a_carrier_error_lead_to_the_next_person_at_once(story: Story) {
        story.behaves(ANNA, Behaviour::bad_number());
        story.behaves(BEN, Behaviour::fails(13224));
        story.behaves(CEM, takes(3.0, PRESS_1_DE));
        story.warnings.push(13224);
        let caller = story.phones(PETRA, [chooses("1")]);
        story.rings(CEM).await;
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("cem")));
        assert_eq!(story.rung(ANNA).await, ["bad-number"]);
        assert_eq!(story.rung(BEN).await, ["bad-number"]);
        assert!(call.waited_ms < 30_000, "{}", call.waited_ms);
    }

    async fn somebody_who_presses_2_passes_the_call_on(story: Story) {
        story.behaves(ANNA, Behaviour::answers(4.0, [Press::on(PRESS_1_DE, "2")]));
        story.behaves(BEN, takes(3.0, PRESS_1_EN));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("ben")));
        assert_eq!(story.rung(ANNA).await, ["declined"]);
        assert!(story.heard(&story.legs_to(ANNA)[0].sid).contains("wir rufen jemand anderen an"));
    }

    async fn a_technician_who_is_gone_before_the_bridge_loses_no_caller(story: Story) {
        story.behaves(ANNA, Behaviour::answers(4.0, [Press::on(PRESS_1_DE, "1")]).hanging_up_after(0.7));
        story.behaves(BEN, takes(3.0, PRESS_1_EN));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("ben")));
        assert_eq!(story.rung(ANNA).await, ["hung-up"]);
    }

    async fn a_technician_who_is_gone_while_the_caller_hears_that_they_are_connected_loses_no_caller(story: Story) {
        story.behaves(ANNA, Behaviour::answers(4.0, [Press::on(PRESS_1_DE, "1")]).hanging_up_after(2.5));
        story.behaves(BEN, takes(3.0, PRESS_1_EN));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.hears(&caller, "Sie werden jetzt verbunden").await;
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("ben")));
        assert_eq!(story.rung(ANNA).await, ["hung-up"]);
    }

    async fn an_outside_number_that_answers_takes_the_caller_over(story: Story) {
        story.behaves(OUTSIDE, Behaviour::answers(5.0, []).hanging_up_after(30.0));
        let caller = story.phones_at(DORA, HAND_OVER, []);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, call.alert), (Some(Outcome::Forwarded), None));
        assert!(story.heard(&caller).contains("Auf Wiederhören"));
    }

    async fn an_outside_number_that_does_not_answer_leads_on(story: Story) {
        let caller = story.phones_at(DORA, HAND_OVER, []);
        story.until("the caller gets an SMS", |what| matches!(what, What::Sms { to, body, .. }
            if to == DORA && body.contains("Wir haben Ihren Anruf verpasst"))).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Goodbye));
    }
}
