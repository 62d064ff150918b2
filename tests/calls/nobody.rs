//! No human is reached: the caller leaves the queue, has waited long enough, nobody is on call. A message
//! is left, or not; somebody is told all the same.

use pikett::{
    model::{call::Outcome, priority::Priority},
    sim::{Press, What},
};

use super::{
    people::{ANNA, BEN, CEM, DORA, HOLES, PETRA, chooses, message},
    story::{Story, stories},
};

stories! {
    async fn a_caller_who_presses_the_star_leaves_a_message_and_people_are_paged(story: Story) {
        let script = [chooses("1"), Press::on("Stern-Taste", "*"), message("Unser Lager steht, bitte rufen Sie an")];
        let caller = story.phones(PETRA, script);
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, call.priority), (Some(Outcome::Voicemail), Some(Priority::P1)));
        let alert = story.alert_of(&call).await;
        assert!(story.paged(&alert).await.contains("anna"));
        let tale = story.tale_of_alert(&alert).await;
        assert!(tale.iter().any(|entry| entry.starts_with("voicemail: The caller left a message")), "{tale:#?}");
        assert!(story.told_to_msp().await.is_empty(), "the caller chose it");
    }

    async fn whoever_has_waited_long_enough_is_asked_for_a_message(story: Story, |folder: &std::path::Path| {
        let file = folder.join("msp.toml");
        let declared = std::fs::read_to_string(&file).unwrap();
        let declared = declared.replacen("vars = { company = \"Nordlicht IT\" }", "vars = { company = \"Nordlicht IT\", max_wait = \"40s\" }", 1);
        std::fs::write(&file, declared).unwrap();
    }) {
        let caller = story.phones(PETRA, [chooses("1"), message("Bitte um Rückruf")]);
        story.hears(&caller, "Im Moment erreichen wir leider niemanden").await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert!((40_000..50_000).contains(&call.waited_ms), "{}", call.waited_ms);
        assert!(story.legs_to(CEM).is_empty(), "Anna and Ben have taken up the time");
        let alert = story.alert_of(&call).await;
        assert!(!story.paged(&alert).await.is_empty());
    }

    async fn when_all_levels_are_through_the_caller_goes_on_at_once(story: Story) {
        let caller = story.phones(PETRA, [chooses("2"), message("Alles ist langsam")]);
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        for number in [ANNA, BEN, CEM] {
            assert_eq!(story.rung(number).await, ["no-answer"]);
        }
        assert!(call.waited_ms < 110_000, "three phones of 25 seconds, not the five minutes: {}", call.waited_ms);
        assert!(story.told_to_msp().await.iter().any(|title| title.contains("Niemand war erreichbar")));
    }

    async fn nobody_on_call_is_told_to_the_msp_and_the_message_pages_the_fallback(story: Story) {
        let caller = story.phones_at(DORA, HOLES, [message("Hilfe")]);
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, call.waited_ms < 10_000), (Some(Outcome::Voicemail), true));
        assert!(story.told_to_msp().await.iter().any(|title| title.contains("Bereitschaft")), "{:?}", story.told_to_msp().await);
        let alert = story.alert_of(&call).await;
        assert_eq!(story.paged(&alert).await.into_iter().collect::<Vec<_>>(), ["cem"]);
    }

    async fn the_alert_of_a_call_that_nobody_took_escalates_until_somebody_acknowledges(story: Story) {
        let caller = story.phones(PETRA, [chooses("1"), message("Alles steht")]);
        let call = story.over(&caller).await;
        let told = |number: &'static str| move |what: &What| matches!(what, What::Sms { to, body, .. } if to == number && body.contains("P1 "));
        story.until("Cem is paged", told(CEM)).await;
        let alert = story.alert_of(&call).await;
        let people = story.paged(&alert).await;
        assert!(people.contains("anna") && people.contains("ben"), "{people:?}");
    }
}
