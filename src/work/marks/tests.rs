//! Nights with a number that does not exist any more.

use super::*;
use crate::{
    model::{alert::Source, person::ContactMethod},
    notify::texts,
    store::{
        Store,
        alerts::AlertRow,
        attempts::AttemptState,
        testing::{on_both, org},
    },
    work::{report, testing::*},
};

const SPARE: &str = "+4915110000009";

/// Anna has a second number for SMS that no rule names.
async fn night(store: &Store) -> Night {
    let night = Night::on(store).await;
    night.declare(|directory| {
        let anna = directory.people.get_mut(&"anna".parse().unwrap()).unwrap();
        let address = Address::Sms(SPARE.parse().unwrap());
        anna.methods.push(ContactMethod { id: "spare".parse().unwrap(), address });
    });
    night
}

/// The carrier reports what became of the alert's first SMS.
async fn reported(night: &Night, id: &crate::model::id::AlertId, code: &str) {
    let attempt = night.attempts(id).await.remove(0);
    let answer = Answer { code: Some(code.to_owned()), ..Answer::default() };
    report::take(&night.context, &attempt.id, 9, AttemptState::Failed, answer).await.unwrap();
    night.settle().await;
}

async fn marked(store: &Store) -> Vec<String> {
    let found = marks::all(&mut store.read().await.unwrap(), &org()).await.unwrap();
    found.iter().map(|mark| format!("{}/{}", mark.person, mark.method)).collect()
}

async fn about_us(night: &Night) -> Vec<AlertRow> {
    night.open().await.into_iter().filter(|row| row.alert.source == Source::Pikett).collect()
}

async fn lifted(night: &Night, method: &str) -> Option<Mark> {
    let (acting, method) = (night.acting(), method.parse::<MethodId>().unwrap());
    let lift = async move |db: &mut AnyConnection| {
        let anna = "anna".parse().unwrap();
        lift(db, &acting, (&anna, &method), &Actor::Operator("ops".to_owned()), "by test").await
    };
    let lifted = night.context.change(lift).await.unwrap();
    night.settle().await;
    lifted
}

on_both! {
    async fn a_number_that_is_gone_is_not_used_again_and_its_owner_and_the_msp_learn_it(store: Store) {
        let night = night(&store).await;
        let first = night.raise("Disk full").await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        reported(&night, &first, "30005").await;
        assert_eq!(marked(&store).await, ["anna/text"]);
        let own = about_us(&night).await;
        assert_eq!(own.len(), 1);
        assert_eq!(own[0].alert.title, "Anna Berger cannot be reached by SMS any more (+49…01)");
        let told = night.phones.fresh();
        let lost = told.iter().find(|rung| rung.to == SPARE).expect("the owner is told by another way");
        assert_eq!(lost.text, texts::lost_sms("de", Channel::Sms, "+49…01"));
        assert!(told.iter().any(|rung| rung.call && rung.to == ANNA), "the next rule comes at once: {told:?}");
        let second = night.raise("Disk full again").await;
        let told = night.phones.news();
        assert!(!told.contains(&format!("sms {ANNA}")), "{told:?}");
        assert!(night.story(&second).await.contains("voice to +49…01 at once"), "nobody waits for the rule that cannot work");
        assert!(night.story(&own[0].alert.id).await.contains("pikett mark clear anna text"));
        night.end().await;
    }

    async fn a_method_is_used_again_when_somebody_says_so(store: Store) {
        let night = night(&store).await;
        let first = night.raise("Disk full").await;
        reported(&night, &first, "30006").await;
        assert!(lifted(&night, "text").await.is_some());
        assert_eq!((marked(&store).await.len(), about_us(&night).await.len()), (0, 0), "and the MSP's alert is over");
        assert_eq!(lifted(&night, "text").await, None);
        night.phones.news();
        night.raise("Disk full again").await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        night.end().await;
    }

    async fn a_method_with_another_address_is_a_new_one(store: Store) {
        let night = night(&store).await;
        let first = night.raise("Disk full").await;
        reported(&night, &first, "30005").await;
        night.phones.news();
        night.declare(|directory| {
            let anna = directory.people.get_mut(&"anna".parse().unwrap()).unwrap();
            anna.methods[0].address = Address::Sms("+4915110000008".parse().unwrap());
        });
        night.raise("Disk full again").await;
        assert!(night.phones.news().contains(&"sms +4915110000008".to_owned()));
        let acting = night.acting();
        let by = Actor::Operator("apply".to_owned());
        night.context.change(async move |db| declared_anew(db, &acting, &by).await).await.unwrap();
        assert_eq!(marked(&store).await, [""; 0]);
        night.end().await;
    }

    async fn a_page_that_was_planned_before_the_mark_is_not_sent_and_the_next_rule_comes_at_once(store: Store) {
        let night = night(&store).await;
        night.declare(|directory| {
            let anna = directory.people.get_mut(&"anna".parse().unwrap()).unwrap();
            anna.rules_high.reverse();
            anna.rules_high[0].after = chrono::TimeDelta::zero();
            anna.rules_high[1].after = chrono::TimeDelta::seconds(120);
        });
        let planned = night.raise("Disk full").await;
        assert_eq!(night.phones.news(), [format!("call {ANNA}")]);
        let acting = night.acting();
        let mark = Mark {
            person: "anna".parse().unwrap(),
            method: "text".parse().unwrap(),
            address: Address::Sms(ANNA.parse().unwrap()),
            code: None,
            why: "the number is gone".to_owned(),
            at: acting.now,
        };
        night.context.change(async move |db| put(db, &acting, &mark).await).await.unwrap();
        night.pass(130).await;
        assert!(!night.phones.news().contains(&format!("sms {ANNA}")));
        let story = night.story(&planned).await;
        assert!(story.contains("nothing was sent, as text of anna is marked: the number is gone"), "{story}");
        night.end().await;
    }

    async fn what_may_pass_marks_nothing(store: Store) {
        let night = night(&store).await;
        for (number, code) in [(1, "13224"), (2, "30008"), (3, "30003"), (4, "30007"), (5, "21612x")] {
            let id = night.raise(&format!("Disk {number} full")).await;
            reported(&night, &id, code).await;
            assert_eq!(marked(&store).await, [""; 0], "{code}");
        }
        night.end().await;
    }
}
