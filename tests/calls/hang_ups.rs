//! The caller hangs up: at every step of the way. Past the PIN it is a missed call, and somebody is told.

use pikett::{
    model::{call::Outcome, priority::Priority},
    sim::{Behaviour, Press, Sid, What},
    store::calls::CallRow,
};

use super::{
    people::{ANNA, BEN, DORA, EVERYONE, HAND_OVER, OUTSIDE, PETRA, PRESS_1_DE, STRANGER, chooses, takes},
    story::{Story, stories},
};

/// The call counts as missed, its alert says at which step, and somebody is paged.
async fn missed_and_told(story: &mut Story, caller: &Sid, step: &str) -> CallRow {
    story.sim().hang_up(caller);
    let call = story.over(caller).await;
    assert_eq!(
        (call.outcome, call.last_step.as_str()),
        (Some(Outcome::Missed), step),
        "{:#?}",
        story.tale(&call).await
    );
    let alert = story.alert_of(&call).await;
    let tale = story.tale_of_alert(&alert).await;
    let of_it = tale.iter().filter(|entry| entry.starts_with("missed: ")).count();
    assert_eq!(of_it, 1, "{tale:#?}");
    assert!(!story.paged(&alert).await.is_empty());
    call
}

/// Whoever has dialled wrong leaves nothing behind.
async fn missed_and_not_told(story: &mut Story, caller: &Sid) {
    story.sim().hang_up(caller);
    let call = story.over(caller).await;
    assert_eq!((call.outcome, &call.alert), (Some(Outcome::Missed), &None));
    assert!(story.alerts().await.is_empty());
}

stories! {
    async fn before_anything_was_said(story: Story) {
        let caller = story.phones(STRANGER, []);
        story.until("it rings", |what| matches!(what, What::CallStarted { .. })).await;
        missed_and_not_told(story, &caller).await;
    }

    async fn in_the_welcome(story: Story) {
        let caller = story.phones(STRANGER, []);
        story.hears(&caller, "Willkommen").await;
        missed_and_not_told(story, &caller).await;
    }

    async fn while_keying_in_the_pin(story: Story) {
        let caller = story.phones(STRANGER, [Press::on("PIN ein", "73")]);
        story.until("the first keys", |what| matches!(what, What::Keys { .. })).await;
        missed_and_not_told(story, &caller).await;
    }

    async fn in_the_menu(story: Story) {
        let caller = story.phones(PETRA, []);
        story.hears(&caller, "Für einen Ausfall").await;
        let call = missed_and_told(story, &caller, "category").await;
        assert_eq!(story.alert_of(&call).await.alert.priority, Priority::P3);
    }

    async fn in_the_queue_before_anybody_rings(story: Story) {
        let caller = story.phones(PETRA, [chooses("1")]);
        story.until("the caller waits", |what| matches!(what, What::Waiting { .. })).await;
        missed_and_told(story, &caller, "connect").await;
    }

    async fn while_a_phone_rings_which_then_is_quiet(story: Story) {
        let caller = story.phones(PETRA, [chooses("1")]);
        let leg = story.rings(ANNA).await;
        let call = missed_and_told(story, &caller, "connect").await;
        assert!(call.waited_ms > 0);
        let leg = story.legs_to(ANNA).into_iter().find(|known| known.sid == leg).unwrap();
        assert!(leg.ended_at.is_some() && leg.answered_at.is_none(), "{leg:#?}");
        assert_eq!(story.rung(BEN).await.len(), 0);
    }

    async fn while_the_technician_hears_who_is_calling(story: Story) {
        story.behaves(ANNA, Behaviour::answers(4.0, [Press { after_s: 5.0, ..Press::on("Hotline-Anruf", "1") }]));
        let caller = story.phones(PETRA, [chooses("1")]);
        let leg = story.rings(ANNA).await;
        story.hears(&leg, "Hotline-Anruf").await;
        missed_and_told(story, &caller, "connect").await;
        story.hears(&leg, "Der Anrufer hat inzwischen aufgelegt").await;
    }

    async fn at_the_moment_at_which_the_technician_accepts(story: Story) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        let leg = story.rings(ANNA).await;
        story.hears(&leg, "Sie werden verbunden").await;
        missed_and_told(story, &caller, "connect").await;
        story.hears(&leg, "Der Anrufer hat inzwischen aufgelegt").await;
    }

    async fn while_they_talk(story: Story) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        story.pass(20).await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
    }

    async fn as_soon_as_they_talk(story: Story) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
        story.each_is_told_the_number(&call, &["anna"]).await;
    }

    async fn at_the_beep_without_a_word(story: Story) {
        let caller = story.phones(PETRA, [chooses("3")]);
        story.until("the beep", |what| matches!(what, What::Recording { .. })).await;
        missed_and_told(story, &caller, "voicemail").await;
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 0);
    }

    async fn before_the_beep(story: Story) {
        let caller = story.phones(PETRA, [chooses("3")]);
        story.hears(&caller, "nach dem Ton").await;
        missed_and_told(story, &caller, "voicemail").await;
    }

    async fn in_the_middle_of_a_message(story: Story) {
        let caller = story.phones(PETRA, [chooses("3")]);
        story.until("the beep", |what| matches!(what, What::Recording { .. })).await;
        story.pass(1).await;
        story.sim().speak(&caller, "Unser Drucker druckt nicht, und", 0.9);
        story.pass(2).await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 1);
        let alert = story.alert_of(&call).await;
        assert_eq!(alert.alert.priority, Priority::P4);
        assert!(!story.paged(&alert).await.is_empty());
    }

    async fn silence_after_the_beep_is_a_missed_call_and_no_message(story: Story) {
        let caller = story.phones(PETRA, [chooses("3")]);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Missed), "{:#?}", story.tale(&call).await);
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 0);
        let alert = story.alert_of(&call).await;
        assert!(!story.paged(&alert).await.is_empty());
    }

    async fn while_an_outside_phone_rings(story: Story) {
        let caller = story.phones_at(DORA, HAND_OVER, []);
        story.rings(OUTSIDE).await;
        missed_and_told(story, &caller, "over").await;
        assert!(story.sim().live_legs().is_empty());
    }

    async fn while_they_talk_with_an_outside_number(story: Story) {
        story.behaves(OUTSIDE, Behaviour::answers(5.0, []));
        let caller = story.phones_at(DORA, HAND_OVER, []);
        story.talk(&caller).await;
        story.pass(9).await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, call.alert), (Some(Outcome::Forwarded), None));
    }

    async fn in_a_flow_that_begins_with_the_alert_before_its_first_turn_is_answered(story: Story) {
        story.sim().faults().set(pikett::sim::Faults {
            webhooks: pikett::sim::WebhookFaults { delay_s: 3.0, ..Default::default() },
            ..Default::default()
        });
        let caller = story.phones_at(DORA, EVERYONE, []);
        story.pass(1).await;
        story.sim().hang_up(&caller);
        let call = story.over(&caller).await;
        story.sim().faults().clear();
        assert_eq!(call.outcome, Some(Outcome::Missed));
    }
}
