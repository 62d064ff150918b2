//! The way from the first question to a human, where a flow says otherwise than most: a language that is known from
//! the call before, incidents without an offer, audio that is missing, a talk that is not recorded, an alert that
//! stays open, the caller's own number on a partner's phone.

use std::path::Path;

use pikett::{
    model::{alert::AlertState, call::Outcome},
    sim::{Behaviour, Caller, Hooks, Press, Sid, What},
};
use reqwest::Method;
use serde_json::json;

use super::{
    people::{ANNA, BEN, CEM, DORA, OUTSIDE, PRESS_1_DE, STRANGER, message, phone, takes},
    story::{Story, stories},
};

const WAY: &str = "+4930901852";
/// "HTTP retrieval failure": the carrier warns of audio that it cannot fetch.
const NOT_FETCHED: u32 = 11_200;
const RECORDS: &str = "record = true\n";

fn way(folder: &Path, without: &str) {
    let flow = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls/msp/fields/way.toml");
    let flow = std::fs::read_to_string(flow).unwrap();
    assert!(flow.contains(without), "{without}");
    std::fs::write(folder.join("way.toml"), flow.replacen(without, "", 1)).unwrap();
    let hotline = format!("[[hotlines]]\nnumber = \"{WAY}\"\ncontract = \"delta-everyone\"\nflow = \"way\"\n");
    std::fs::write(folder.join("way-hotline.toml"), hotline).unwrap();
}

fn german() -> Press {
    Press::on("Für Deutsch", "1")
}

/// Whether the talk may be recorded.
fn answers(key: &str) -> Press {
    Press::on("Gespräch aufzeichnen", key)
}

impl Story {
    fn goes(&self, from: Option<&str>, script: impl IntoIterator<Item = Press>) -> Sid {
        let hooks = Hooks::at(self.sim().account_sid(), &format!("{}/carriers/twilio", self.stage.url()));
        self.sim().number(phone(WAY), hooks);
        let from = from.map_or(Caller::Withheld, |from| Caller::Number(phone(from)));
        let leg = self.sim().call(from, phone(WAY));
        self.sim().follow(&leg, script);
        leg
    }

    /// Hears the greeting, and has changed their mind.
    async fn hears_greeting(&mut self, from: Option<&str>, script: Option<Press>, greeting: &str) -> String {
        let caller = self.goes(from, script);
        self.hears(&caller, greeting).await;
        self.sim().hang_up(&caller);
        assert_eq!(self.over(&caller).await.outcome, Some(Outcome::Missed));
        self.heard(&caller)
    }

    /// The audio at addresses that end so is away, and the carrier says so.
    fn misses(&mut self, audio: &str) {
        self.sim().is_missing(audio);
        self.warnings.push(NOT_FETCHED);
    }

    /// How often the call's timeline tells of audio that could not be fetched.
    async fn missed_audio(&self, caller: &Sid) -> usize {
        let tale = self.tale(&self.call_row(caller).await).await;
        tale.iter().filter(|entry| entry.starts_with("audio: The carrier could not fetch")).count()
    }
}

stories! {
    async fn whoever_has_chosen_a_language_is_not_asked_again(story: Story, |folder| way(folder, "")) {
        let english = Press::on("For English", "2");
        let first = story.hears_greeting(Some(DORA), Some(english.clone()), "/welcome.mp3").await;
        assert!(first.contains("Für Deutsch drücken Sie die 1.") && !first.contains("/willkommen.mp3"), "{first}");
        let second = story.hears_greeting(Some(DORA), None, "/welcome.mp3").await;
        assert!(!second.contains("Für Deutsch"), "{second}");
        // Others are asked, and whoever shows no number every time.
        for from in [Some(STRANGER), None, None] {
            let heard = story.hears_greeting(from, Some(german()), "/willkommen.mp3").await;
            assert!(heard.contains("Für Deutsch"), "{from:?}: {heard}");
        }
        let rows = story.number("SELECT COUNT(*) FROM languages").await;
        assert_eq!(rows, 2, "a withheld number is nobody's");
    }

    async fn incidents_are_told_and_no_updates_are_offered_where_the_flow_wants_none(
        story: Story, |folder| way(folder, "")
    ) {
        let incident = json!({ "title": "Mail gestört", "customers": ["delta"], "text": { "de": "Die Mail steht." } });
        story.api(Method::POST, "/incidents", &incident).await;
        let heard = story.hears_greeting(Some(DORA), Some(german()), "/willkommen.mp3").await;
        assert!(heard.contains("Die Mail steht.") && !heard.contains("SMS"), "{heard}");
        assert_eq!(story.number("SELECT COUNT(*) FROM incident_followers").await, 0);
    }

    async fn a_talk_that_the_caller_does_not_want_recorded_takes_place_unrecorded(
        story: Story, |folder| way(folder, "")
    ) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.goes(Some(DORA), [german(), answers("2")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        let tale = story.tale(&call).await;
        let proof = |entry: &&String| entry.starts_with("consent: ") && entry.contains("did not agree");
        assert_eq!(tale.iter().filter(proof).count(), 1, "{tale:#?}");
        story.pass(60).await;
        assert!(!story.sim().log().iter().any(|event| matches!(event.what, What::Recorded { .. })));
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 0);
    }

    async fn whoever_says_nothing_has_not_agreed(story: Story, |folder| way(folder, "")) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.goes(Some(DORA), [german()]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        assert_eq!(story.heard(&caller).matches("Gespräch aufzeichnen").count(), 2);
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 0);
    }

    async fn an_alert_that_no_talk_acknowledges_goes_on_to_those_whom_it_concerns(
        story: Story, |folder| way(folder, "")
    ) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        let caller = story.goes(Some(DORA), [german(), answers("1")]);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!(call.answered_by.as_ref().map(|person| person.as_str()), Some("anna"));
        let alert = story.alert_of(&call).await;
        assert_eq!(alert.alert.state, AlertState::Triggered);
        assert!(!story.paged(&alert).await.is_empty());
        // Nobody acknowledges: the next level is told.
        let told = |what: &What| matches!(what, What::Sms { to, .. } if to == BEN);
        story.until("Ben reads of it", told).await;
    }

    async fn a_greeting_that_cannot_be_fetched_is_spoken_and_the_call_goes_on(story: Story, |folder| way(folder, "")) {
        story.behaves(ANNA, takes(4.0, PRESS_1_DE));
        story.misses("/willkommen.mp3");
        let caller = story.goes(Some(DORA), [german(), answers("2")]);
        story.hears(&caller, "Willkommen bei Delta.").await;
        story.talk(&caller).await;
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
        let heard = story.heard(&caller);
        assert!(!heard.contains("/willkommen.mp3") && !heard.contains("schiefgegangen"), "{heard}");
        assert_eq!(heard.matches("Gespräch aufzeichnen").count(), 1, "{heard}");
        assert_eq!(story.missed_audio(&caller).await, 1);
        assert!(story.told_to_msp().await.is_empty(), "the caller was in nobody else's hands");
    }

    async fn whoever_waits_for_a_human_behind_a_missing_greeting_keeps_their_place(
        story: Story, |folder| way(folder, RECORDS)
    ) {
        story.behaves(ANNA, takes(9.0, PRESS_1_DE));
        story.misses("/willkommen.mp3");
        let caller = story.goes(Some(DORA), [german()]);
        story.hears(&caller, "Willkommen bei Delta.").await;
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Connected));
        assert_eq!((story.rung(ANNA).await.len(), story.rung(BEN).await.len()), (1, 0), "nobody is rung twice");
        assert_eq!(story.alerts().await.len(), 1);
    }

    async fn music_that_cannot_be_fetched_costs_nobody_their_place(story: Story, |folder| way(folder, RECORDS)) {
        story.behaves(CEM, takes(9.0, PRESS_1_DE));
        story.misses("/waiting.mp3");
        let caller = story.goes(Some(DORA), [german()]);
        story.hears(&caller, "/audio/hold/").await;
        story.talk(&caller).await;
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
        let heard = story.heard(&caller);
        assert!(!heard.contains("/waiting.mp3"), "{heard}");
        assert_eq!(story.missed_audio(&caller).await, 1, "it is not tried again");
    }

    async fn what_stands_before_the_tone_is_spoken_when_its_audio_is_missing(story: Story, |folder| way(folder, RECORDS)) {
        story.misses("/nachricht.mp3");
        let caller = story.goes(Some(DORA), [german(), message("Hier Dora Lenz, alles steht")]);
        story.hears(&caller, "Bitte sprechen Sie nach dem Ton.").await;
        let call = story.over(&caller).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert_eq!(story.number("SELECT COUNT(*) FROM voicemails").await, 1);
        assert!(story.heard(&caller).contains("Auf Wiederhören."));
    }

    async fn a_partners_phone_shows_the_callers_number_or_the_hotlines_where_there_is_none(
        story: Story, |folder| way(folder, RECORDS)
    ) {
        story.behaves(OUTSIDE, Behaviour::answers(5.0, []).hanging_up_after(20.0));
        for (from, shown) in [(Some(DORA), DORA), (None, WAY)] {
            let caller = story.goes(from, [german()]);
            story.rings(OUTSIDE).await;
            story.talk(&caller).await;
            assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Forwarded));
            assert_eq!(story.legs_to(OUTSIDE).last().unwrap().from, shown, "{from:?}");
        }
    }
}
