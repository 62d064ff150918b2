//! Money has limits: callers, however many, make Pikett phone no more than the caps allow. Whoever is not
//! rung for a caller is paged by other ways.

use std::path::Path;

use pikett::model::call::Outcome;

use super::{
    people::{ANNA, BEN, CEM, DORA, HAND_OVER, OUTSIDE, PETRA, PRESS_1_DE, chooses, message, takes},
    story::{Story, stories},
};

/// What the sample's `[limits]` say instead.
fn limited(folder: &Path, limits: &str) {
    let file = folder.join("msp.toml");
    let declared = std::fs::read_to_string(&file).unwrap();
    let limited = declared.replacen("countries = [\"DE\", \"GB\"]", limits, 1);
    assert_ne!(declared, limited);
    std::fs::write(&file, limited).unwrap();
}

stories! {
    async fn past_the_hours_cap_nobody_is_rung_and_the_message_pages_people(
        story: Story,
        |folder: &Path| limited(folder, "countries = [\"DE\", \"GB\"]\ncalls_per_hour = 1")
    ) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let first = story.phones(PETRA, [chooses("1")]);
        story.talk(&first).await;
        assert_eq!(story.over(&first).await.outcome, Some(Outcome::Connected));
        let second = story.phones(PETRA, [chooses("1"), message("Schon wieder")]);
        let call = story.over(&second).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert_eq!(story.rung(ANNA).await.len(), 2);
        let hotline_legs = [ANNA, BEN, CEM].iter().map(|number| story.legs_to(number).len()).sum::<usize>();
        assert!(hotline_legs >= 1, "{hotline_legs}");
        let told = story.told_to_msp().await;
        assert!(told.iter().any(|title| title.contains("cap of 1 calls")), "{told:?}");
        let alert = story.alert_of(&call).await;
        assert!(!story.paged(&alert).await.is_empty());
    }

    async fn after_an_hour_there_is_room_again(
        story: Story,
        |folder: &Path| limited(folder, "countries = [\"DE\", \"GB\"]\ncalls_per_hour = 1")
    ) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        for _ in 0..2 {
            let caller = story.phones(PETRA, [chooses("1")]);
            story.talk(&caller).await;
            assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
            story.pass(61 * 60).await;
        }
    }

    async fn a_phone_in_a_country_that_is_not_allowed_is_not_rung(
        story: Story,
        |folder: &Path| limited(folder, "countries = [\"DE\"]")
    ) {
        story.behaves(CEM, takes(4.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
        assert!(story.legs_to(BEN).is_empty(), "Ben's phone is in Great Britain");
    }

    async fn a_forward_past_the_cap_leads_on_in_the_flow(
        story: Story,
        |folder: &Path| limited(folder, "countries = [\"DE\", \"GB\"]\ncalls_per_hour = 0")
    ) {
        let caller = story.phones_at(DORA, HAND_OVER, []);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Goodbye));
        assert!(story.legs_to(OUTSIDE).is_empty());
        assert!(!story.told_to_msp().await.is_empty());
    }

    async fn forwards_that_begin_at_once_are_no_more_than_the_cap(
        story: Story,
        |folder: &Path| limited(folder, "countries = [\"DE\", \"GB\"]\ncalls_per_hour = 2")
    ) {
        let callers: Vec<_> = (0..6).map(|_| story.phones_at(DORA, HAND_OVER, [])).collect();
        let mut outcomes = Vec::new();
        for caller in &callers {
            outcomes.push(story.over(caller).await.outcome);
        }
        assert_eq!(story.legs_to(OUTSIDE).len(), 2, "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| *outcome == Some(Outcome::Goodbye)), "{outcomes:?}");
    }

    async fn no_number_is_dialled_more_often_than_its_cap(
        story: Story,
        |folder: &Path| limited(folder, "countries = [\"DE\", \"GB\"]\nnumber_calls_per_hour = 2")
    ) {
        for _ in 0..3 {
            let caller = story.phones_at(DORA, HAND_OVER, []);
            assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Goodbye), "the flow leads on");
        }
        assert_eq!(story.legs_to(OUTSIDE).len(), 2);
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected), "other numbers have their own");
    }

    async fn past_the_days_cap_nobody_is_rung_an_hour_later_either(
        story: Story,
        |folder: &Path| limited(folder, "countries = [\"DE\", \"GB\"]\ncalls_per_day = 1")
    ) {
        let first = story.phones_at(DORA, HAND_OVER, []);
        story.over(&first).await;
        story.pass(61 * 60).await;
        let second = story.phones_at(DORA, HAND_OVER, []);
        story.over(&second).await;
        assert_eq!(story.legs_to(OUTSIDE).len(), 1);
    }

    async fn forwards_count_towards_the_cap(
        story: Story,
        |folder: &Path| limited(folder, "countries = [\"DE\", \"GB\"]\ncalls_per_hour = 2")
    ) {
        for _ in 0..4 {
            let caller = story.phones_at(DORA, HAND_OVER, []);
            story.over(&caller).await;
        }
        assert_eq!(story.legs_to(OUTSIDE).len(), 2);
    }
}
