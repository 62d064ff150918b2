//! The carrier has a bad day: reports that never come, come twice, late or in another order; documents
//! asked for twice; a REST API that fails. No caller is lost by it.

use pikett::{
    model::call::Outcome,
    sim::{CallbackFaults, Cut, Faults, Press, RestFaults, WebhookFaults, What},
};

use super::{
    people::{ANNA, BEN, CEM, PETRA, PRESS_1_DE, PRESS_1_EN, STRANGER, chooses, message, phone, takes},
    story::{Story, stories},
};

fn callbacks(callbacks: CallbackFaults) -> Faults {
    Faults { callbacks, ..Faults::default() }
}

fn rest(rest: RestFaults) -> Faults {
    Faults { rest, ..Faults::default() }
}

/// Nobody answers at level 1, level 2 takes the caller, whatever the carrier does meanwhile.
async fn is_taken_at_level_2(story: &mut Story) {
    story.behaves(BEN, takes(5.0, PRESS_1_EN));
    let caller = story.phones(PETRA, [chooses("1")]);
    story.talk(&caller).await;
    let call = story.over(&caller).await;
    assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("ben")));
    assert_eq!(story.rung(ANNA).await, ["no-answer"]);
    assert_eq!(story.rung(BEN).await.len(), 1);
}

stories! {
    async fn no_report_ever_comes(story: Story) {
        story.sim().faults().set(callbacks(CallbackFaults { drop: 1.0, ..CallbackFaults::default() }));
        is_taken_at_level_2(story).await;
    }

    async fn every_report_comes_twice(story: Story) {
        story.sim().faults().set(callbacks(CallbackFaults { duplicate: 1.0, ..CallbackFaults::default() }));
        is_taken_at_level_2(story).await;
    }

    async fn every_report_comes_two_minutes_late(story: Story) {
        let late = CallbackFaults { late: 1.0, late_by_s: 120.0, ..CallbackFaults::default() };
        story.sim().faults().set(callbacks(late));
        is_taken_at_level_2(story).await;
    }

    async fn reports_overtake_each_other(story: Story) {
        story.sim().faults().set(callbacks(CallbackFaults { reorder: 1.0, ..CallbackFaults::default() }));
        is_taken_at_level_2(story).await;
    }

    async fn some_of_everything(story: Story) {
        let bad = CallbackFaults { drop: 0.3, duplicate: 0.3, late: 0.3, late_by_s: 20.0, reorder: 0.3 };
        let webhooks = WebhookFaults { duplicate: 0.5, delay_s: 1.0, ..WebhookFaults::default() };
        story.sim().faults().set(Faults { callbacks: bad, webhooks, ..Faults::default() });
        is_taken_at_level_2(story).await;
    }

    async fn a_hang_up_that_nobody_reports_is_found_out(story: Story) {
        story.sim().faults().set(callbacks(CallbackFaults { drop: 1.0, ..CallbackFaults::default() }));
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Missed));
        let waited = (call.ended_at.unwrap() - call.started_at).num_minutes();
        assert!((4..=12).contains(&waited), "{waited} minutes");
        let alert = story.alert_of(&call).await;
        assert!(!story.paged(&alert).await.is_empty());
    }

    async fn a_message_is_kept_once_however_often_it_is_told(story: Story) {
        let twice = CallbackFaults { duplicate: 1.0, ..CallbackFaults::default() };
        let webhooks = WebhookFaults { duplicate: 1.0, ..WebhookFaults::default() };
        story.sim().faults().set(Faults { callbacks: twice, webhooks, ..Faults::default() });
        let caller = story.phones(PETRA, [chooses("3"), message("Wie geht es weiter?")]);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        story.pass(60).await;
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 1);
        assert_eq!(story.alerts().await.len(), 1);
    }

    async fn every_document_is_asked_for_twice_and_a_wrong_pin_counts_once(story: Story) {
        let webhooks = WebhookFaults { duplicate: 1.0, ..WebhookFaults::default() };
        story.sim().faults().set(Faults { webhooks, ..Faults::default() });
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let script = [Press::on("PIN ein", "999999#"), Press::on("nicht gestimmt", "999998#"),
            Press::on("nicht gestimmt", "730164#"), chooses("1")];
        let caller = story.phones(STRANGER, script);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, call.verified, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), true, Some("anna")));
        assert_eq!(story.alerts().await.len(), 1);
        assert_eq!(story.rung(ANNA).await.len(), 1);
    }

    async fn a_turn_that_is_asked_for_again_gets_the_same_document_and_no_second_effect(story: Story) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let call = story.call_row(&caller).await;
        let path = format!("/carriers/twilio/calls/{}/turns/{}", call.id, call.turn);
        let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("Digits", "1")];
        let first = story.signed(&path, &form).await;
        story.settle().await;
        let entries = story.tale(&story.call_row(&caller).await).await.len();
        let second = story.signed(&path, &form).await;
        story.settle().await;
        assert_eq!((first.status, &first), (200, &second));
        assert!(first.body.contains("<Enqueue"), "{}", first.body);
        assert_eq!(story.tale(&story.call_row(&caller).await).await.len(), entries);
        assert_eq!(story.alerts().await.len(), 1);
        story.sim().hang_up(&caller);
    }

    async fn a_recording_that_is_told_after_the_end_of_its_call_makes_it_a_voicemail(story: Story) {
        let caller = story.phones(PETRA, [chooses("3")]);
        story.until("the beep", |what| matches!(what, What::Recording { .. })).await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Missed));
        let path = format!("/carriers/twilio/calls/{}/recording", call.id);
        let url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE00000000000000000000000000000001";
        let form = [("CallSid", caller.as_str()), ("RecordingSid", "RE00000000000000000000000000000001"),
            ("RecordingUrl", url), ("RecordingStatus", "completed"), ("RecordingDuration", "7"), ("RecordingSource", "RecordVerb")];
        for _ in 0..2 {
            assert_eq!(story.signed(&path, &form).await.status, 204);
        }
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 1);
        let second = form.map(|(name, value)| if name == "RecordingSid" { (name, "RE2") } else { (name, value) });
        assert_eq!(story.signed(&path, &second).await.status, 204);
        let call = story.call_row(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails WHERE alert_id IS NOT NULL").await, 2);
        assert_eq!(story.alerts().await.len(), 1, "it goes to the alert of the missed call");
        let alert = story.alert_of(&call).await;
        assert!(!story.paged(&alert).await.is_empty());
    }

    async fn the_carrier_fails_to_ring_one_number_and_the_next_is_rung(story: Story) {
        for number in [ANNA, CEM] {
            story.sim().faults().set_for(phone(number), rest(RestFaults { status: Some(500), ..RestFaults::default() }));
        }
        story.behaves(BEN, takes(4.0, PRESS_1_EN));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("ben")));
        assert!(story.legs_to(ANNA).is_empty());
        story.sim().faults().clear();
    }

    async fn a_carrier_with_too_many_requests_is_asked_again_when_it_says_so(story: Story) {
        let busy = RestFaults { status: Some(429), retry_after_s: Some(3), ..RestFaults::default() };
        story.sim().faults().set_for(phone(ANNA), rest(busy));
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.until("the carrier refuses", |what| matches!(what, What::Rest { status: Some(429), path, .. } if path.contains("Calls"))).await;
        story.sim().faults().clear();
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
    }

    async fn a_carrier_that_wants_to_be_left_alone_for_long_is_and_the_next_is_rung(story: Story) {
        let busy = RestFaults { status: Some(429), retry_after_s: Some(120), ..RestFaults::default() };
        story.sim().faults().set_for(phone(ANNA), rest(busy));
        story.behaves(BEN, takes(4.0, PRESS_1_EN));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("ben")));
        let refused = |what: &What| matches!(what, What::Rest { status: Some(429), path, .. } if path.contains("Calls"));
        assert_eq!(story.sim().log().iter().filter(|event| refused(&event.what)).count(), 1, "asked before its time");
        story.sim().faults().clear();
    }

    async fn a_call_whose_answer_got_lost_is_found_and_not_placed_twice(story: Story) {
        story.sim().faults().set_for(phone(ANNA), rest(RestFaults { cut: Some(Cut::After), reads: false, ..RestFaults::default() }));
        story.behaves(ANNA, takes(8.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.until("the connection breaks", |what| matches!(what, What::Rest { status: None, path, .. } if path.contains("Calls"))).await;
        story.sim().faults().clear();
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
        assert_eq!(story.legs_to(ANNA).len(), 1);
    }

    async fn a_phone_that_may_ring_already_is_rung_again_and_counted(story: Story) {
        let before = story.metric("pikett_duplicates_total", &[]).await;
        story.sim().faults().set(rest(RestFaults { status: Some(500), ..RestFaults::default() }));
        let caller = story.phones(PETRA, [chooses("1"), message("Alles steht")]);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert!(story.metric("pikett_duplicates_total", &[]).await > before);
        story.sim().faults().clear();
        let alert = story.alert_of(&call).await;
        assert!(!story.paged(&alert).await.is_empty());
    }

    async fn nothing_can_be_rung_for_a_while_and_the_caller_is_not_lost(story: Story) {
        story.sim().faults().set(rest(RestFaults { status: Some(503), ..RestFaults::default() }));
        let caller = story.phones(PETRA, [chooses("1"), message("Alles steht")]);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        story.sim().faults().clear();
        let alert = story.alert_of(&call).await;
        assert!(!story.paged(&alert).await.is_empty());
    }
}
