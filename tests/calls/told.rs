//! Open incidents are told on the hotline, and who wants it hears by SMS how they go on.

use std::path::Path;

use pikett::{
    model::call::Outcome,
    sim::{Caller, Press, Sid, What},
};
use reqwest::Method;
use serde_json::json;

use super::{
    people::{DORA, OUTAGE, STRANGER, phone},
    story::{Story, stories},
};

const SUBSCRIBE: &str = "per SMS auf dem Laufenden";

impl Story {
    async fn opens_incident(&self, customers: &[&str]) {
        let incident = json!({
            "title": "Mail gestört", "customers": customers,
            "text": { "de": "Die Mail <steht>, {{ org }}.", "en": "Mail is down." },
        });
        self.api(Method::POST, "/incidents", &incident).await;
    }

    async fn updates(&self, body: serde_json::Value) -> i64 {
        self.api(Method::PATCH, "/incidents/1", &body).await["texted"].as_i64().unwrap()
    }

    /// Hears the story, answers the offer, and has heard enough.
    async fn listens(&mut self, from: &str, answer: Option<&str>) -> Sid {
        let caller = self.phones_at(from, OUTAGE, answer.map(|key| Press::on(SUBSCRIBE, key)));
        self.hears(&caller, "Die Mail <steht>, {{ org }}.").await;
        self.hears(&caller, "bleiben Sie bitte am Apparat").await;
        self.sim().hang_up(&caller);
        let call = self.over(&caller).await;
        assert_eq!((call.outcome, call.alert), (Some(Outcome::Missed), None), "they know what they wanted to know");
        caller
    }

    fn texts_to(&self, number: &str) -> Vec<String> {
        let texts = self.sim().messages().into_iter().filter(|message| message.to == number);
        texts.map(|message| message.body).collect()
    }
}

stories! {
    async fn a_caller_hears_of_the_incident_and_gets_each_update_once(story: Story) {
        story.opens_incident(&["delta"]).await;
        let caller = story.listens(DORA, Some("1")).await;
        assert!(story.heard(&caller).contains("Sie erhalten eine SMS"));
        story.listens(DORA, Some("1")).await;
        assert_eq!(story.updates(json!({ "state": "identified", "text": { "de": "Ein Speicher ist defekt." } })).await, 1);
        let has_come = |what: &What| matches!(what, What::Sms { to, body, .. } if to == DORA && body.contains("defekt"));
        story.until("Dora reads what is new", has_come).await;
        assert_eq!(story.updates(json!({ "title": "Mail gestört" })).await, 0, "nothing is new");
        assert_eq!(story.updates(json!({ "state": "resolved", "text": { "en": "Mail works again." } })).await, 1);
        let is_over = |what: &What| matches!(what, What::Sms { to, body, .. } if to == DORA && body.contains("works again"));
        story.until("Dora reads that it is over", is_over).await;
        story.pass(60).await;
        assert_eq!(story.texts_to(DORA), [
            "Mail gestört: Ursache gefunden. Ein Speicher ist defekt. STOP beendet diese SMS.",
            "Mail gestört: Behoben. Mail works again. Dies war die letzte SMS dazu.",
        ]);
        assert_eq!(story.number("SELECT COUNT(*) FROM incident_followers").await, 0);
        let after = story.phones_at(DORA, OUTAGE, []);
        story.hears(&after, "Für einen Ausfall").await;
        assert!(!story.heard(&after).contains("Mail"), "what is resolved is not told");
        story.sim().hang_up(&after);
    }

    async fn whoever_withholds_the_number_is_told_and_offered_nothing(story: Story) {
        story.opens_incident(&[]).await;
        let caller = story.sim().call(Caller::Withheld, phone(OUTAGE));
        story.hears(&caller, "Die Mail <steht>").await;
        story.hears(&caller, "Kundennummer").await;
        assert!(!story.heard(&caller).contains("SMS"));
        story.sim().hang_up(&caller);
    }

    async fn an_incident_of_others_is_not_told(story: Story) {
        story.opens_incident(&["acme"]).await;
        let caller = story.phones_at(STRANGER, OUTAGE, []);
        story.hears(&caller, "Kundennummer").await;
        assert!(!story.heard(&caller).contains("Mail"));
        story.sim().hang_up(&caller);
        let silent = story.phones_at(DORA, OUTAGE, []);
        story.hears(&silent, "Für einen Ausfall").await;
        story.sim().hang_up(&silent);
    }

    async fn whoever_texts_stop_hears_no_more(story: Story) {
        story.opens_incident(&[]).await;
        story.listens(DORA, Some("1")).await;
        story.listens(STRANGER, None).await;
        assert_eq!(story.number("SELECT COUNT(*) FROM incident_followers").await, 1, "silence is no yes");
        story.sim().text(phone(DORA), phone(pikett::demo::stage::GOLD), "STOP");
        story.pass(5).await;
        assert_eq!(story.updates(json!({ "state": "monitoring" })).await, 0);
    }

    async fn past_the_hours_cap_the_msp_learns_who_was_left_out(story: Story, |folder: &Path| {
        let file = folder.join("msp.toml");
        let declared = std::fs::read_to_string(&file).unwrap();
        let limits = "countries = [\"DE\", \"GB\"]\nsms_per_hour = 1";
        std::fs::write(&file, declared.replacen("countries = [\"DE\", \"GB\"]", limits, 1)).unwrap();
    }) {
        story.opens_incident(&[]).await;
        story.listens(DORA, Some("1")).await;
        story.listens(STRANGER, Some("1")).await;
        assert_eq!(story.updates(json!({ "state": "monitoring" })).await, 1);
        story.pass(5).await;
        assert_eq!(story.texts_to(DORA).len() + story.texts_to(STRANGER).len(), 1);
        let told = story.told_to_msp().await;
        assert!(told.iter().any(|title| title.starts_with("Not everybody heard by SMS")), "{told:?}");
    }
}
