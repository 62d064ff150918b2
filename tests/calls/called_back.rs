//! A callback is promised and kept, or not kept and told: whoever takes it is rung, then the customer, who
//! sees the hotline's number.

use pikett::{
    app::Service,
    clock::Ids,
    declare::directory::default_org,
    model::{
        call::Outcome,
        callback::{Callback, CallbackState},
    },
    sim::{Behaviour, Press, Sid, What},
    store::{alerts, calls::CallRow},
};
use reqwest::Method;
use serde_json::json;

use super::{
    people::{ANNA, BEN, CEM, DORA, OUTAGE, message, phone},
    story::{Story, stories},
};

/// What a page and a callback ask for alike.
const PRESS_1: &str = "rücke";
const AT_ANOTHER: &str = "+493012345678";

impl Story {
    /// Dora reports an outage, nobody is there, and she answers the offer so.
    async fn is_offered(&mut self, answers: impl IntoIterator<Item = Press>) -> CallRow {
        let script = [Press::on("Für einen Ausfall", "1")].into_iter().chain(answers);
        let caller = self.phones_at(DORA, OUTAGE, script);
        let call = self.over(&caller).await;
        assert!(self.heard(&caller).contains("niemanden, der für Sie frei ist"));
        call
    }

    pub async fn accepts(&mut self) -> Callback {
        let call = self.is_offered([Press::on("innerhalb von 30 Minuten", "1")]).await;
        assert_eq!(call.outcome, Some(Outcome::Callback));
        self.promise().await
    }

    async fn promise(&self) -> Callback {
        let mut db = self.store.read().await.unwrap();
        let found = pikett::store::callbacks::list(&mut db, &default_org(), None, 5).await.unwrap();
        assert_eq!(found.len(), 1);
        found.into_iter().next().unwrap()
    }

    /// Until that number talks, to whom the hotline has put it through.
    async fn talks(&mut self, number: &'static str) -> Sid {
        let leg = self.rings(number).await;
        let talk = |what: &What| matches!(what, What::Bridged { a, b } if *a == leg || *b == leg);
        self.until("the customer talks", talk).await;
        leg
    }

    /// Until whoever is at that number hears the question; answers their leg.
    async fn is_asked_to_call_back(&mut self, number: &'static str) -> Sid {
        let sim = self.sim().clone();
        let is_theirs = move |sid: &Sid| sim.legs().iter().any(|leg| leg.sid == *sid && leg.to == number);
        let question = |what: &What| matches!(what, What::Heard { leg, text, .. } if text.contains("Um jetzt zurückzurufen") && is_theirs(leg));
        match self.until("they are asked to call back", question).await.what {
            What::Heard { leg, .. } => leg,
            _ => unreachable!("only what is heard matches"),
        }
    }

    pub async fn is_settled(&mut self) -> Callback {
        self.until_stored("the promise is settled", async |db| {
            let found = pikett::store::callbacks::list(db, &default_org(), None, 5).await?;
            Ok(found.into_iter().find(|callback| !callback.is_open()))
        })
        .await
    }

    async fn tale_of_promise(&self, callback: &Callback) -> Vec<String> {
        let row = {
            let mut db = self.store.read().await.unwrap();
            alerts::by_id(&mut db, &default_org(), &callback.alert).await.unwrap().unwrap()
        };
        self.tale_of_alert(&row).await
    }
}

/// Whoever picks up takes what is offered and talks for a while.
pub fn willing() -> Behaviour {
    Behaviour::answers(3.0, [Press::on(PRESS_1, "1"), Press::on(PRESS_1, "1")]).hanging_up_after(60.0)
}

pub fn customer() -> Behaviour {
    Behaviour::answers(4.0, []).hanging_up_after(30.0)
}

stories! {
    async fn whoever_takes_it_by_phone_is_rung_and_connected_with_the_customer(story: Story) {
        let promised = story.accepts().await;
        let seen = story.event("callback").await;
        assert_eq!((seen["id"].as_str(), &seen["state"]), (Some(promised.id.as_str()), &json!("promised")), "{seen}");
        assert_eq!((promised.due_at - promised.created_at).num_minutes(), 30);
        story.behaves(DORA, customer());
        story.behaves(ANNA, willing());
        let leg = story.talks(DORA).await;
        let legs = story.legs_to(DORA);
        assert_eq!(legs.last().unwrap().from, OUTAGE, "no technician's number is shown");
        assert!(story.heard(&leg).contains("hier ist der zugesagte Rückruf"));
        let kept = story.is_settled().await;
        assert!(matches!(&kept.state, CallbackState::Kept { by, .. } if by.name() == "anna"), "{:?}", kept.state);
        let seen = story.event("callback").await;
        assert_eq!((&seen["state"], &seen["settled_by"]), (&json!("kept"), &json!("anna")), "{seen}");
        let tale = story.tale_of_promise(&kept).await;
        for kind in ["callback:", "callback-ringing:", "callback-dialling:", "callback-kept:", "resolved:"] {
            assert!(tale.iter().any(|entry| entry.starts_with(kind)), "{kind} {tale:#?}");
        }
        assert!(story.told_to_msp().await.iter().all(|title| !title.contains("callback")));
        story.pass(40 * 60).await;
        assert_eq!(story.promise().await.overdue, 0);
    }

    async fn another_number_is_confirmed_and_called_when_somebody_asks_for_it(story: Story) {
        story.behaves(BEN, Behaviour::answers(3.0, [Press::on("To call back now, press 1", "1")]).hanging_up_after(60.0));
        story.sim().phone(phone(AT_ANOTHER), customer());
        let answers = [
            Press::on("Für eine andere Nummer", "2"),
            Press::on("Nummer mit Vorwahl", "03012345678#"),
            Press::on("Wir haben verstanden", "1"),
        ];
        let call = story.is_offered(answers).await;
        assert_eq!(call.outcome, Some(Outcome::Callback));
        let promised = story.promise().await;
        assert_eq!(promised.number.as_str(), AT_ANOTHER);
        let call = story.api(Method::POST, &format!("/callbacks/{}/call", promised.id), &json!({ "person": "ben" })).await;
        assert_eq!(call["changed"], true);
        story.talks(AT_ANOTHER).await;
        let kept = story.is_settled().await;
        assert!(matches!(&kept.state, CallbackState::Kept { by, .. } if by.name() == "ben"));
    }

    async fn two_technicians_who_press_1_at_once_dial_the_customer_once(story: Story) {
        let promised = story.accepts().await;
        story.behaves(DORA, customer());
        let mut asked = Vec::new();
        for (number, person) in [(ANNA, "anna"), (CEM, "cem")] {
            story.behaves(number, Behaviour::answers(2.0, []));
            let path = format!("/callbacks/{}/call", promised.id);
            story.api(Method::POST, &path, &json!({ "person": person })).await;
            asked.push(story.is_asked_to_call_back(number).await);
        }
        for leg in &asked {
            assert!(story.sim().press(leg, "1"));
        }
        let kept = story.is_settled().await;
        assert!(matches!(kept.state, CallbackState::Kept { .. }), "{:?}", kept.state);
        let calls = story.legs_to(DORA).into_iter().filter(|leg| leg.from == OUTAGE).count();
        assert_eq!(calls, 1, "the customer's phone rings once");
        let told: Vec<_> = asked.iter().filter(|leg| story.heard(leg).contains("Das Gespräch hat schon jemand angenommen")).collect();
        assert_eq!(told.len(), 1, "the other one hears that it is taken");
        let dialled = story.tale_of_promise(&kept).await.into_iter().filter(|entry| entry.starts_with("callback-dialling:"));
        assert_eq!(dialled.count(), 1);
    }

    async fn a_customer_who_does_not_pick_up_is_tried_again_and_the_promise_stays(story: Story) {
        let promised = story.accepts().await;
        let tries = [Press::on("Um jetzt zurückzurufen", "1"), Press::on("Es hat niemand abgenommen", "2")];
        story.behaves(CEM, Behaviour::answers(3.0, tries));
        story.behaves(DORA, Behaviour::busy());
        story.api(Method::POST, &format!("/callbacks/{}/call", promised.id), &json!({ "person": "cem" })).await;
        for words in ["Ein Rückruf ist bis 03:0", "Es hat niemand abgenommen", "Der Rückruf bleibt offen"] {
            story.until(words, |what| matches!(what, What::Heard { text, .. } if text.contains(words))).await;
        }
        assert!(story.promise().await.is_open());
        let done = story.api(Method::POST, &format!("/callbacks/{}/done", promised.id), &json!({ "by": "cem" })).await;
        assert_eq!((&done["changed"], &done["callback"]["state"]), (&json!(true), &json!("done")));
        let again = story.api(Method::POST, &format!("/callbacks/{}/done", promised.id), &json!({})).await;
        assert_eq!(again["changed"], false);
    }

    async fn a_promise_that_nobody_keeps_is_escalated_and_told(story: Story) {
        let promised = story.accepts().await;
        story.pass(31 * 60).await;
        let overdue = story.promise().await;
        assert_eq!((overdue.is_open(), overdue.overdue), (true, 1));
        let told = story.told_to_msp().await;
        assert!(told.iter().any(|title| title.starts_with("A promised callback was not made")), "{told:?}");
        let tale = story.tale_of_promise(&promised).await;
        assert!(tale.iter().any(|entry| entry.starts_with("callback-overdue:")), "{tale:#?}");
        assert!(tale.iter().any(|entry| entry.starts_with("escalated: Pikett asked for the next level")), "{tale:#?}");
        story.pass(30 * 60).await;
        assert_eq!(story.promise().await.overdue, 2, "and again, until somebody does it");
    }

    async fn a_promise_outlives_the_process(story: Story) {
        story.accepts().await;
        story.service.take().unwrap().stop().await;
        story.clock.advance(chrono::TimeDelta::minutes(40));
        story.service = Some(Service::start(&story.stage.config, story.clock.clone(), Ids::seeded(3)).await.unwrap());
        story.pass(5).await;
        assert_eq!(story.promise().await.overdue, 1);
        story.behaves(DORA, customer());
        story.behaves(ANNA, willing());
        story.behaves(CEM, willing());
        story.talks(DORA).await;
        assert!(matches!(story.is_settled().await.state, CallbackState::Kept { .. }));
    }

    async fn whoever_declines_leaves_a_message_instead(story: Story) {
        let answers = [Press::on("keinen Rückruf möchten", "3"), message("Bitte nur eine Mail")];
        let call = story.is_offered(answers).await;
        assert_eq!(call.outcome, Some(Outcome::Voicemail));
        assert_eq!(story.number("SELECT COUNT(*) FROM callbacks").await, 0);
    }
}
