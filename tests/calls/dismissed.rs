//! Technicians who have picked up have time to hear it twice and to answer, however short phones ring; a wrong key
//! gives them time anew; and whoever is sent away hears why before the line is dead.

use pikett::{
    model::call::Outcome,
    sim::{Behaviour, Press},
};

use super::{
    people::{ANNA, DORA, EVERYONE},
    story::{Story, rewritten, stories},
};

const RINGS_SHORT: (&str, &str) = ("ring = \"20s\"", "ring = \"5s\"");
const WAITS_LONG: (&str, &str) = ("max_wait = \"2m\"", "max_wait = \"10m\"");
const WAITS_SHORT: (&str, &str) = ("max_wait = \"2m\"", "max_wait = \"30s\"");
const UNKNOWN: &str = "Diese Taste kenne ich nicht";

/// So many seconds after they began to hear that.
fn late(after_s: f64, heard: &str, keys: &str) -> Press {
    Press { after_s, ..Press::on(heard, keys) }
}

stories! {
    async fn however_short_phones_ring_there_is_time_to_hear_it_twice(story: Story, |folder| rewritten(folder, &[RINGS_SHORT])) {
        story.behaves(ANNA, Behaviour::answers(2.0, [late(50.0, "Hotline-Anruf", "1")]).hanging_up_after(90.0));
        let caller = story.phones_at(DORA, EVERYONE, []);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
        assert!(story.heard(&story.legs_to(ANNA)[0].sid).matches("Kunde: Delta AG").count() >= 2);
    }

    async fn a_wrong_key_gives_time_anew(story: Story, |folder| rewritten(folder, &[RINGS_SHORT, WAITS_LONG])) {
        let script = [late(45.0, "Hotline-Anruf", "7"), late(45.0, UNKNOWN, "8"), late(45.0, UNKNOWN, "1")];
        story.behaves(ANNA, Behaviour::answers(2.0, script).hanging_up_after(300.0));
        let caller = story.phones_at(DORA, EVERYONE, []);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
    }

    async fn wrong_keys_do_not_keep_a_caller_for_ever_and_whoever_pressed_them_hears_why(
        story: Story, |folder| rewritten(folder, &[RINGS_SHORT, WAITS_LONG])
    ) {
        let script = std::iter::once(late(40.0, "Hotline-Anruf", "7")).chain((0..12).map(|_| late(40.0, UNKNOWN, "7")));
        story.behaves(ANNA, Behaviour::answers(2.0, script).hanging_up_after(900.0));
        let caller = story.phones_at(DORA, EVERYONE, []);
        let anna = story.rings(ANNA).await;
        story.line_dead(&anna).await;
        for (leg, words) in [(&anna, "Der Anruf geht inzwischen an jemand anderen"), (&caller, "nach dem Ton")] {
            assert!(story.heard(leg).contains(words), "{}", story.heard(leg));
        }
        assert_eq!(story.rung(ANNA).await, ["hung-up"]);
    }

    async fn whoever_listens_when_the_caller_has_waited_long_enough_hears_why(story: Story, |folder| rewritten(folder, &[WAITS_SHORT])) {
        story.behaves(ANNA, Behaviour::answers(12.0, []).hanging_up_after(300.0));
        let caller = story.phones_at(DORA, EVERYONE, []);
        let anna = story.rings(ANNA).await;
        story.line_dead(&anna).await;
        for (leg, words) in [(&anna, "Der Anrufer wartet nicht mehr"), (&caller, "nach dem Ton")] {
            assert!(story.heard(leg).contains(words), "{}", story.heard(leg));
        }
    }
}
