//! Requests that no carrier makes, and texts that nobody speaks: refused or answered, counted, and without
//! an effect that they should not have.

use pikett::{model::call::Outcome, sim::What};

use super::{
    people::{ANNA, CEM, NOBODYS, PETRA, chooses},
    story::{Story, stories},
};

const CALL_SID: &str = "CA00000000000000000000000000000001";
const CALLS: &str = "SELECT COUNT(*) FROM calls";

stories! {
    async fn an_unsigned_or_forged_request_is_refused_counted_and_changes_nothing(story: Story) {
        let form = [("CallSid", CALL_SID), ("From", PETRA), ("To", "+4930901820"), ("CallStatus", "ringing")];
        for (signature, reason) in [(None, "unsigned"), (Some("Zm9yZ2VkIGZvcmdlZCBmb3JnZWQ="), "badly_signed")] {
            let labels = ["face=\"carriers\"", reason];
            let before = story.metric("pikett_refused_total", &labels).await;
            for path in ["/carriers/twilio/voice", "/carriers/twilio/voice/status", "/carriers/twilio/legs/x/key",
                "/carriers/twilio/calls/x/turns/1", "/carriers/twilio/sms"] {
                let answer = story.post(path, &form, signature).await;
                assert_eq!(answer.status, 403, "{path}");
            }
            assert!(story.metric("pikett_refused_total", &labels).await >= before + 5.0);
        }
        assert_eq!(story.number(CALLS).await, 0);
        assert!(story.alerts().await.is_empty());
    }

    async fn a_running_call_is_not_moved_by_a_forged_key(story: Story) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let before = story.call_row(&caller).await;
        let path = format!("/carriers/twilio/calls/{}/turns/{}", before.id, before.turn);
        assert_eq!(story.post(&path, &[("Digits", "1")], Some("Zm9yZ2Vk")).await.status, 403);
        assert_eq!(story.post(&path, &[("Digits", "1")], None).await.status, 403);
        assert_eq!(story.call_row(&caller).await, before);
        story.sim().hang_up(&caller);
    }

    async fn a_body_of_a_megabyte_is_too_long(story: Story) {
        let before = story.metric("pikett_refused_total", &["body_too_long"]).await;
        let answer = story.post_text("/carriers/twilio/voice", format!("From={}", "9".repeat(1_000_000))).await;
        assert_eq!(answer.status, 413);
        assert!(story.metric("pikett_refused_total", &["body_too_long"]).await >= before + 1.0);
        assert_eq!(story.number(CALLS).await, 0);
    }

    async fn a_number_without_a_hotline_says_so_and_the_msp_hears_of_it(story: Story) {
        let caller = story.phones_at(PETRA, NOBODYS, []);
        story.line_dead(&caller).await;
        assert!(story.heard(&caller).contains("noch keine Hotline eingerichtet"), "{}", story.heard(&caller));
        let told = story.told_to_msp().await;
        assert!(told.iter().any(|title| title.contains(NOBODYS)), "{told:?}");
        story.until("Cem is told", |what| matches!(what, What::Sms { to, .. } if to == CEM)).await;
        assert_eq!(story.number(CALLS).await, 0);
    }

    async fn a_call_or_leg_that_nobody_knows_gets_a_farewell(story: Story) {
        let form = [("CallSid", CALL_SID), ("CallStatus", "in-progress"), ("Digits", "1"), ("QueueResult", "leave")];
        let unknown = ["answer=\"unknown\""];
        let before = story.metric("pikett_webhooks_total", &unknown).await;
        for id in ["cll_01KJP2N7E0M7YS9YKMV4BFD8MG", "x", "..%2F..%2Fetc", "leg_01KJP2N7E0M7YS9YKMV4BFD8MG"] {
            for path in ["calls/ID/turns/3", "calls/ID/queue/3", "calls/ID/wait", "legs/ID", "legs/ID/key", "legs/ID/talked"] {
                let answer = story.signed(&format!("/carriers/twilio/{}", path.replace("ID", id)), &form).await;
                assert_eq!(answer.status, 200, "{path} {id}: {}", answer.body);
                assert!(answer.body.contains("<Response"), "{path}: {}", answer.body);
            }
        }
        assert!(story.metric("pikett_webhooks_total", &unknown).await >= before + 8.0);
        assert_eq!(story.number(CALLS).await, 0);
    }

    async fn a_turn_that_comes_twice_or_too_late_is_answered_and_counted(story: Story) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let call = story.call_row(&caller).await;
        let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("Digits", "9")];
        let path = |turn: u32| format!("/carriers/twilio/calls/{}/turns/{turn}", call.id);
        let (repeated, late) = (["answer=\"repeated\""], ["answer=\"late\""]);
        let before = story.metric("pikett_webhooks_total", &repeated).await;
        let first = story.signed(&path(call.turn), &form).await;
        let second = story.signed(&path(call.turn), &form).await;
        assert_eq!((first.status, &first.body), (200, &second.body), "the same document again");
        assert!(story.metric("pikett_webhooks_total", &repeated).await > before);
        let before = story.metric("pikett_webhooks_total", &late).await;
        story.sim().hang_up(&caller);
        let over = story.over(&caller).await;
        let answer = story.signed(&path(over.turn), &form).await;
        assert!(answer.status == 200 && answer.body.contains("<Response"), "{answer:?}");
        assert_eq!(story.call_row(&caller).await, over, "nothing follows from it");
        assert!(story.metric("pikett_webhooks_total", &late).await > before);
    }

    async fn control_characters_do_no_harm_anywhere(story: Story) {
        let form = [("CallSid", "CA1\0\u{1b}[31m"), ("From", "+49\u{0}30\n555"), ("To", "+4930901820"), ("CallStatus", "ringing")];
        let answer = story.signed("/carriers/twilio/voice", &form).await;
        assert!(answer.status == 200 && answer.body.contains("Willkommen"), "{answer:?}");
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let call = story.call_row(&caller).await;
        let path = format!("/carriers/twilio/calls/{}/turns/{}", call.id, call.turn);
        let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("SpeechResult", "ein\0 Ausfall\u{7}\u{202e}"), ("Confidence", "0.9\0")];
        let answer = story.signed(&path, &form).await;
        assert!(answer.body.contains("<Enqueue"), "{answer:?}");
        story.sim().hang_up(&caller);
        story.over(&caller).await;
        // The one that only this test has told of ends as well.
        let form = [("CallSid", "CA1\0\u{1b}[31m"), ("To", "+4930901820"), ("CallStatus", "completed")];
        assert_eq!(story.signed("/carriers/twilio/voice/status", &form).await.status, 204);
    }

    async fn control_characters_in_keys_and_recordings_do_no_harm(story: Story) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let call = story.call_row(&caller).await;
        let path = |turn: u32| format!("/carriers/twilio/calls/{}/turns/{turn}", call.id);
        let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("Digits", "\0\u{7}ää<")];
        let answer = story.signed(&path(call.turn), &form).await;
        assert!(answer.body.contains("Diese Auswahl gibt es nicht"), "{answer:?}");
        let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("Digits", "3")];
        let answer = story.signed(&path(call.turn + 1), &form).await;
        assert!(answer.body.contains("<Record"), "{answer:?}");
        let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("RecordingUrl", "https://x/\0RE1\u{1b}"),
            ("RecordingSid", "RE\u{0}1"), ("RecordingDuration", "4"), ("Digits", "#")];
        let answer = story.signed(&path(call.turn + 2), &form).await;
        assert!(answer.body.contains("Vielen Dank"), "{answer:?}");
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
    }

    async fn a_key_for_a_call_that_is_over_does_nothing_more(story: Story) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        let alerts = story.alerts().await;
        for turn in [0, call.turn, call.turn + 1, 4_000_000_000] {
            let path = format!("/carriers/twilio/calls/{}/turns/{turn}", call.id);
            let form = [("CallSid", caller.as_str()), ("CallStatus", "in-progress"), ("Digits", "1")];
            let answer = story.signed(&path, &form).await;
            assert!(answer.status == 200 && answer.body.contains("<Response"), "{answer:?}");
        }
        assert_eq!((story.call_row(&caller).await, story.alerts().await.len()), (call, alerts.len()));
    }

    async fn a_signed_key_for_a_leg_of_a_call_that_is_over_rings_nobody(story: Story) {
        let caller = story.phones(PETRA, [chooses("1")]);
        story.rings(ANNA).await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        story.pass(5).await;
        let mut db = story.store.read().await.unwrap();
        let legs = pikett::store::legs::of_call(&mut db, &pikett::declare::directory::default_org(), &call.id).await.unwrap();
        drop(db);
        let answer = story.signed(&format!("/carriers/twilio/legs/{}/key?n=1", legs[0].id), &[("Digits", "1")]).await;
        assert!(answer.body.contains("aufgelegt"), "{answer:?}");
        assert_eq!(story.call_row(&caller).await.outcome, Some(Outcome::Missed));
    }
}
