//! Two things at the same moment: one of them is first, and the other knows.

use futures::future::{join, join_all};
use pikett::{
    declare::directory::default_org,
    model::call::Outcome,
    sim::{Behaviour, Faults, Press, RestFaults, What},
    store::legs,
};

use super::{
    people::{ANNA, PETRA, PRESS_1_DE, chooses, message, phone, takes},
    story::{Story, stories},
};

stories! {
    async fn a_caller_hangs_up_at_the_moment_of_their_choice(story: Story) {
        for _ in 0..5 {
            let caller = story.phones(PETRA, []);
            story.hears(&caller, "Für einen Ausfall").await;
            let call = story.call_row(&caller).await;
            let turn = format!("/carriers/twilio/calls/{}/turns/{}", call.id, call.turn);
            let pressed = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("Digits", "1")];
            let ended = [("CallSid", caller.as_str()), ("To", "+4930901820"), ("CallStatus", "completed")];
            let (document, report) =
                join(story.signed(&turn, &pressed), story.signed("/carriers/twilio/voice/status", &ended)).await;
            assert_eq!((document.status, report.status), (200, 204));
            story.sim().hang_up(&caller);
            let call = story.over(&caller).await;
            assert_eq!(call.outcome, Some(Outcome::Missed));
            let alert = story.alert_of(&call).await;
            assert!(!story.paged(&alert).await.is_empty());
        }
    }

    async fn a_caller_hangs_up_while_the_carrier_is_asked_to_ring(story: Story) {
        let slow = RestFaults { delay_s: 7.0, share: 0.0, ..RestFaults::default() };
        story.sim().faults().set_for(phone(ANNA), Faults { rest: slow, ..Faults::default() });
        let caller = story.phones(PETRA, [chooses("1")]);
        story.hears(&caller, "verbinden").await;
        story.pass(2).await;
        story.sim().hang_up(&caller);
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Missed));
        story.pass(10).await;
        story.sim().faults().clear();
        let left = "SELECT COUNT(*) FROM timers WHERE kind = 'leg-deadline'";
        assert_eq!(story.number(left).await, 0, "a phone that was quieted before it rang is asked for by nobody");
    }

    async fn ten_requests_for_one_turn_are_one_turn(story: Story) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let call = story.call_row(&caller).await;
        let path = format!("/carriers/twilio/calls/{}/turns/{}", call.id, call.turn);
        let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("Digits", "1")];
        let answers = join_all((0..10).map(|_| story.signed(&path, &form))).await;
        assert!(answers.iter().all(|answer| *answer == answers[0] && answer.body.contains("<Enqueue")), "{answers:#?}");
        assert_eq!(story.alerts().await.len(), 1);
        assert_eq!(story.call_row(&caller).await.turn, call.turn + 1);
        story.sim().hang_up(&caller);
    }

    async fn the_star_and_the_accepting_key_come_together(story: Story) {
        story.behaves(ANNA, Behaviour::answers(4.0, []));
        let caller = story.phones(PETRA, [chooses("1")]);
        let rung = story.rings(ANNA).await;
        story.hears(&rung, "Hotline-Anruf").await;
        let call = story.call_row(&caller).await;
        let legs = {
            let mut db = story.store.read().await.unwrap();
            legs::of_call(&mut db, &default_org(), &call.id).await.unwrap()
        };
        let wait = format!("/carriers/twilio/calls/{}/wait?n=7", call.id);
        let key = format!("/carriers/twilio/legs/{}/key?n=1", legs[0].id);
        let star = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("Digits", "*")];
        let (left, accepted) = join(story.signed(&wait, &star), story.signed(&key, &[("Digits", "1")])).await;
        assert_ne!(left.body.contains("<Leave"), accepted.body.contains("<Dial"), "{left:?} {accepted:?}");
        story.sim().hang_up(&caller);
        story.sim().hang_up(&rung);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Missed));
    }

    async fn the_caller_is_taken_out_of_the_queue_by_the_carrier_and_by_the_waiting_room(story: Story) {
        // The carrier takes its time to move the caller; the waiting room is asked again meanwhile.
        let caller = story.phones(PETRA, [chooses("1"), message("Alles steht, bitte melden Sie sich")]);
        story.until("Anna is rung", |what| matches!(what, What::Ringing { .. })).await;
        let slow = RestFaults { delay_s: 7.0, share: 0.0, ..RestFaults::default() };
        story.sim().faults().set_for(phone(PETRA), Faults { rest: slow, ..Faults::default() });
        let call = story.over(&caller).await;
        story.sim().faults().clear();
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        let asked = story.heard(&caller).matches("nach dem Ton").count();
        assert_eq!(asked, 1, "asked for a message once: {}", story.heard(&caller));
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 1);
    }

    async fn the_queue_is_left_twice_and_the_flow_goes_on_once(story: Story) {
        let caller = story.phones(PETRA, [chooses("1"), Press::on("Stern-Taste", "*")]);
        story.hears(&caller, "nach dem Ton").await;
        let call = story.call_row(&caller).await;
        let path = format!("/carriers/twilio/calls/{}/queue/{}", call.id, call.turn - 1);
        let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress")];
        let again = join_all((0..3).map(|_| story.signed(&path, &form))).await;
        assert!(again.iter().all(|answer| answer.body.contains("<Record")), "{again:#?}");
        assert_eq!(story.call_row(&caller).await.turn, call.turn);
        story.sim().hang_up(&caller);
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Missed));
    }

    async fn a_technician_who_presses_1_twice_is_connected_once(story: Story) {
        let twice = pikett::sim::WebhookFaults { duplicate: 1.0, ..Default::default() };
        story.sim().faults().set(Faults { webhooks: twice, ..Faults::default() });
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
        let accepted = story.tale(&call).await.into_iter().filter(|entry| entry.starts_with("accepted: ")).count();
        assert_eq!(accepted, 1);
    }
}
