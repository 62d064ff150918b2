//! A technician who talks presses `**`: the next level comes into the talk, or takes it over. Whoever hangs
//! up meanwhile, and whoever does not come, the caller is with somebody or waits for somebody.

use std::collections::BTreeSet;

use pikett::{
    model::call::Outcome,
    sim::{Behaviour, Faults, Press, RestFaults, Sid, What},
};

use super::{
    people::{ANNA, BEN, CEM, PETRA, PRESS_1_DE, PRESS_1_EN, chooses, phone, takes},
    story::{Story, stories},
};

const MENU: &str = "Um die nächste Stufe ins Gespräch zu holen";

impl Story {
    /// Petra talks with Anna, who presses the star twice and then this key. Answers both legs.
    async fn anna_presses(&mut self, key: &str) -> (Sid, Sid) {
        self.behaves(ANNA, Behaviour::answers(5.0, [Press::on(PRESS_1_DE, "1")]));
        let caller = self.phones(PETRA, [chooses("1")]);
        self.talk(&caller).await;
        self.pass(10).await;
        let anna = self.rung_leg(ANNA);
        self.stars(&anna, key).await;
        (caller, anna)
    }

    async fn stars(&mut self, leg: &Sid, key: &str) {
        self.sim().press(leg, "**");
        self.hears(leg, MENU).await;
        self.sim().press(leg, key);
    }

    fn rung_leg(&self, number: &str) -> Sid {
        self.legs_to(number)[0].sid.clone()
    }

    fn is_live(&self, leg: &Sid) -> bool {
        self.sim().live_legs().iter().any(|live| live.sid == *leg)
    }

    async fn three_talk(&mut self) {
        let mut inside: BTreeSet<Sid> = BTreeSet::new();
        while inside.len() < 3 {
            let event = self.until("somebody joins", |what| matches!(what, What::Joined { .. })).await;
            let What::Joined { leg, .. } = event.what else { unreachable!() };
            inside.insert(leg);
        }
    }
}

stories! {
    async fn the_next_level_is_brought_in_and_three_talk(story: Story) {
        story.behaves(BEN, Behaviour::answers(15.0, [Press::on(PRESS_1_EN, "1")]));
        let (caller, anna) = story.anna_presses("1").await;
        story.hears(&anna, "Die nächste Stufe wird angerufen").await;
        let ben = story.rings(BEN).await;
        story.talk(&caller).await;
        story.three_talk().await;
        let heard = story.heard(&ben);
        assert!(heard.contains("Anna Berger is talking with the caller and would like you to join"), "{heard}");
        story.sim().speak(&caller, "Guten Abend zusammen", 0.9);
        story.settle().await;
        for leg in [&anna, &ben] {
            assert!(story.heard(leg).contains("Guten Abend zusammen"));
        }
        story.pass(10).await;
        story.sim().hang_up(&anna);
        story.pass(20).await;
        assert!(story.is_live(&caller) && story.is_live(&ben), "two of them talk on");
        story.sim().hang_up(&ben);
        story.hears(&caller, "Auf Wiederhören").await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
        assert!(story.legs_to(CEM).is_empty());
        story.each_is_told_the_number(&call, &["anna", "ben"]).await;
    }

    async fn whoever_presses_the_star_as_the_third_accepts_is_not_sent_away(story: Story) {
        story.behaves(BEN, Behaviour::answers(10.0, [Press::on(PRESS_1_EN, "1")]));
        let (caller, anna) = story.anna_presses("1").await;
        let ben = story.rings(BEN).await;
        story.talk(&caller).await;
        // The carrier takes its time to move Anna, who listens for her second star meanwhile.
        let slow = RestFaults { delay_s: 12.0, share: 0.0, ..RestFaults::default() };
        story.sim().faults().set_for(phone(ANNA), Faults { rest: slow, ..Faults::default() });
        story.hears(&ben, "would like you to join").await;
        story.sim().press(&anna, "*");
        story.three_talk().await;
        story.pass(20).await;
        story.sim().faults().clear();
        assert!([&caller, &anna, &ben].into_iter().all(|leg| story.is_live(leg)), "three talk");
        story.sim().hang_up(&caller);
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
    }

    async fn a_caller_whom_both_technicians_leave_does_not_sit_in_an_empty_room(story: Story) {
        story.behaves(BEN, Behaviour::answers(4.0, [Press::on(PRESS_1_EN, "1")]));
        let (caller, anna) = story.anna_presses("1").await;
        let ben = story.rings(BEN).await;
        story.three_talk().await;
        story.pass(10).await;
        story.sim().faults().set(Faults { rest: RestFaults { status: Some(500), ..RestFaults::default() }, ..Faults::default() });
        story.sim().hang_up(&anna);
        story.pass(5).await;
        story.sim().hang_up(&ben);
        story.pass(20).await;
        assert!(story.is_live(&caller), "the carrier would not move them");
        story.sim().faults().clear();
        story.hears(&caller, "Auf Wiederhören").await;
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
    }

    async fn when_the_caller_leaves_the_three_it_is_over_for_all(story: Story) {
        story.behaves(BEN, Behaviour::answers(4.0, [Press::on(PRESS_1_EN, "1")]));
        let (caller, anna) = story.anna_presses("1").await;
        let ben = story.rings(BEN).await;
        story.three_talk().await;
        story.pass(10).await;
        story.sim().hang_up(&caller);
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
        story.line_dead(&anna).await;
        story.line_dead(&ben).await;
    }

    async fn the_caller_is_handed_over_and_the_first_one_leaves(story: Story) {
        story.behaves(BEN, takes(15.0, PRESS_1_EN));
        let (caller, anna) = story.anna_presses("2").await;
        let ben = story.rings(BEN).await;
        story.talk(&caller).await;
        story.line_dead(&anna).await;
        story.talk(&caller).await;
        let heard = story.heard(&ben);
        assert!(heard.contains("Anna Berger is talking with the caller and would like to hand over to you"), "{heard}");
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, call.answered_by.as_ref().map(|person| person.as_str())), (Some(Outcome::Connected), Some("ben")));
        assert_eq!(story.owner(&call).await.as_deref(), Some("ben"));
        assert_eq!(story.rung(ANNA).await, ["handed-over"]);
        story.each_is_told_the_number(&call, &["anna", "ben"]).await;
    }

    async fn when_nobody_of_the_next_level_comes_the_two_talk_on(story: Story) {
        let (caller, anna) = story.anna_presses("2").await;
        story.rings(BEN).await;
        story.talk(&caller).await;
        story.rings(CEM).await;
        story.pass(60).await;
        assert!(story.is_live(&caller) && story.is_live(&anna));
        let call = story.call_row(&caller).await;
        assert!(story.tale(&call).await.iter().any(|entry| entry.contains("anna talks on with the caller")));
        story.sim().hang_up(&anna);
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
    }

    async fn the_caller_hangs_up_while_the_next_level_is_rung(story: Story) {
        let (caller, anna) = story.anna_presses("1").await;
        let ben = story.rings(BEN).await;
        story.talk(&caller).await;
        story.pass(5).await;
        story.sim().hang_up(&caller);
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
        story.line_dead(&ben).await;
        story.line_dead(&anna).await;
        assert!(story.legs_to(CEM).is_empty());
    }

    async fn the_technician_hangs_up_while_the_next_level_is_rung_and_the_caller_waits_for_it(story: Story) {
        story.behaves(BEN, takes(15.0, PRESS_1_EN));
        let (caller, anna) = story.anna_presses("1").await;
        story.rings(BEN).await;
        story.talk(&caller).await;
        story.sim().hang_up(&anna);
        story.talk(&caller).await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("ben")));
        assert_eq!(story.legs_to(BEN).len(), 1, "who rings already is not rung anew");
    }

    async fn a_star_without_a_choice_leads_back_to_the_caller(story: Story) {
        story.behaves(ANNA, Behaviour::answers(5.0, [Press::on(PRESS_1_DE, "1")]));
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        story.pass(10).await;
        let anna = story.rung_leg(ANNA);
        story.sim().press(&anna, "*");
        story.hears(&caller, "Einen Moment bitte").await;
        story.talk(&caller).await;
        story.pass(10).await;
        story.sim().hang_up(&anna);
        story.hears(&caller, "Auf Wiederhören").await;
        let call = story.over(&caller).await;
        assert_eq!((call.outcome, story.owner(&call).await.as_deref()), (Some(Outcome::Connected), Some("anna")));
        assert!(story.legs_to(BEN).is_empty());
    }

    async fn whoever_is_on_the_last_level_has_nobody_to_bring_in(story: Story) {
        story.behaves(CEM, Behaviour::answers(3.0, [Press::on(PRESS_1_DE, "1")]));
        story.behaves(ANNA, Behaviour::busy());
        story.behaves(BEN, Behaviour::busy());
        let caller = story.phones(PETRA, [chooses("1")]);
        story.talk(&caller).await;
        story.pass(10).await;
        let cem = story.rung_leg(CEM);
        story.stars(&cem, "1").await;
        story.hears(&cem, "Eine weitere Stufe gibt es nicht").await;
        story.talk(&caller).await;
        story.pass(5).await;
        story.sim().hang_up(&cem);
        assert_eq!(story.over(&caller).await.outcome, Some(Outcome::Connected));
    }
}
