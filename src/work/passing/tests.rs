//! Anna puts an alert off, Ben takes it from her, somebody passes it on: with the real workers, on both databases.

use super::*;
use crate::{
    store::testing::on_both,
    work::testing::{ANNA, BEN, LEAD, Night},
};

fn person(id: &str) -> Actor {
    Actor::Person(id.parse().unwrap())
}

async fn snoozed(night: &Night, id: &AlertId, by: &str, minutes: i64) -> Acted {
    let (acting, id, by) = (night.acting(), id.clone(), person(by));
    let until = acting.now + TimeDelta::minutes(minutes);
    let acted = async move |db: &mut AnyConnection| snooze(db, &acting, &id, &by, until, "by SMS").await;
    let acted = night.context.change(acted).await.unwrap();
    night.settle().await;
    acted
}

async fn taken_over(night: &Night, id: &AlertId, by: &str) -> Acted {
    let (acting, id, by) = (night.acting(), id.clone(), person(by));
    let acted = async move |db: &mut AnyConnection| take_over(db, &acting, &id, &by, "by SMS").await;
    let acted = night.context.change(acted).await.unwrap();
    night.settle().await;
    acted
}

async fn passed_on(night: &Night, id: &AlertId, to: &str, by: &str) -> Acted {
    let (acting, id, to, by) = (night.acting(), id.clone(), to.parse().unwrap(), person(by));
    let acted = async move |db: &mut AnyConnection| pass_on(db, &acting, &id, &to, &by, "by SMS").await;
    let acted = night.context.change(acted).await.unwrap();
    night.settle().await;
    acted
}

async fn owner(night: &Night, id: &AlertId) -> Option<String> {
    match night.alert(id).await.alert.state {
        AlertState::Acknowledged { by, .. } => Some(by.name().to_owned()),
        AlertState::Triggered | AlertState::Resolved { .. } => None,
    }
}

on_both! {
    async fn what_is_put_off_comes_back_and_is_told_from_the_first_level_on(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        assert!(matches!(snoozed(&night, &id, "anna", 30).await, Acted::Done(_)));
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        night.pass(29 * 60).await;
        assert_eq!((owner(&night, &id).await.as_deref(), night.phones.news().len()), (Some("anna"), 0));
        night.pass(60).await;
        assert_eq!((owner(&night, &id).await, night.phones.news()), (None, vec![format!("sms {ANNA}")]));
        night.pass(5 * 60).await;
        assert!(night.phones.news().contains(&format!("sms {BEN}")), "it escalates as ever");
        let story = night.story(&id).await;
        assert!(story.contains("woken: Its quiet time is over"), "{story}");
        night.end().await;
    }

    async fn whoever_puts_it_off_again_has_it_quiet_for_longer_and_nobody_else_may(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        snoozed(&night, &id, "anna", 30).await;
        assert!(matches!(snoozed(&night, &id, "ben", 90).await, Acted::Already(_)), "it is Anna's");
        night.pass(20 * 60).await;
        assert!(matches!(snoozed(&night, &id, "anna", 30).await, Acted::Done(_)));
        night.pass(25 * 60).await;
        assert_eq!(owner(&night, &id).await.as_deref(), Some("anna"), "the first time counts no more");
        night.pass(5 * 60).await;
        assert_eq!(owner(&night, &id).await, None);
        night.end().await;
    }

    async fn what_is_resolved_or_taken_over_does_not_come_back(store: Store) {
        let night = Night::on(&store).await;
        let (resolved, taken) = (night.raise("Disk full").await, night.raise("Fan broken").await);
        for id in [&resolved, &taken] {
            snoozed(&night, id, "anna", 30).await;
        }
        let (acting, over) = (night.acting(), resolved.clone());
        let resolve = async move |db: &mut AnyConnection| act::resolve(db, &acting, &over, &person("anna"), "by SMS").await;
        night.context.change(resolve).await.unwrap();
        assert!(matches!(taken_over(&night, &taken, "ben").await, Acted::Done(_)));
        night.phones.news();
        night.pass(3_600).await;
        assert_eq!(night.phones.news().len(), 0);
        assert_eq!(owner(&night, &taken).await.as_deref(), Some("ben"));
        assert!(matches!(snoozed(&night, &resolved, "anna", 30).await, Acted::Already(_)));
        night.end().await;
    }

    async fn whoever_had_it_learns_that_it_was_taken_over(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        snoozed(&night, &id, "anna", 30).await;
        night.phones.fresh();
        assert!(matches!(taken_over(&night, &id, "anna").await, Acted::Already(_)), "it is hers");
        taken_over(&night, &id, "ben").await;
        let told = night.phones.fresh();
        assert_eq!(told.iter().map(|rung| rung.to.as_str()).collect::<Vec<_>>(), [ANNA]);
        assert!(told[0].text.contains("Ben Ode"), "{}", told[0].text);
        let story = night.story(&id).await;
        assert!(story.contains("Ben Ode took it over from Anna Berger by SMS."), "{story}");
        night.end().await;
    }

    async fn of_two_who_take_over_at_once_the_later_has_it_and_both_stand_on_the_timeline(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        snoozed(&night, &id, "anna", 30).await;
        futures::future::join(taken_over(&night, &id, "ben"), taken_over(&night, &id, "lead")).await;
        let story = night.story(&id).await;
        assert_eq!(story.matches("took it over from").count(), 2, "{story}");
        let last = owner(&night, &id).await.unwrap();
        assert!(last == "ben" || last == "lead");
        night.end().await;
    }

    async fn whoever_it_is_passed_on_to_is_told_at_once_and_alone_and_then_the_next_level(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        assert!(matches!(passed_on(&night, &id, "lead", "anna").await, Acted::Done(_)));
        assert_eq!(night.phones.news(), [format!("sms {LEAD}")]);
        night.pass(4 * 60).await;
        assert_eq!(night.phones.news(), [format!("call {LEAD}")], "Anna's phone does not ring any more");
        night.pass(60).await;
        assert_eq!(night.phones.news(), [format!("sms {BEN}")], "the next level");
        let story = night.story(&id).await;
        assert!(story.contains("Anna Berger passed it on to Lea Dahl by SMS."), "{story}");
        night.end().await;
    }

    async fn what_somebody_has_can_be_passed_on_and_what_is_over_cannot(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        taken_over(&night, &id, "anna").await;
        night.phones.news();
        passed_on(&night, &id, "ben", "anna").await;
        assert_eq!((owner(&night, &id).await, night.phones.news()), (None, vec![format!("sms {BEN}")]));
        let (acting, over) = (night.acting(), id.clone());
        let resolve = async move |db: &mut AnyConnection| act::resolve(db, &acting, &over, &person("ben"), "by SMS").await;
        night.context.change(resolve).await.unwrap();
        assert!(matches!(passed_on(&night, &id, "lead", "anna").await, Acted::Already(_)));
        night.end().await;
    }

    async fn whoever_has_no_way_to_be_told_is_not_waited_for(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        night.declare(|directory| {
            let lead = directory.people.get_mut(&"lead".parse().unwrap()).unwrap();
            (lead.methods, lead.rules_high, lead.rules_low) = (Vec::new(), Vec::new(), Vec::new());
        });
        night.phones.news();
        passed_on(&night, &id, "lead", "anna").await;
        night.pass(5 * 60).await;
        assert!(night.phones.news().contains(&format!("sms {BEN}")), "the next level has its turn");
        night.end().await;
    }
}
