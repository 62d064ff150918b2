//! Weekends of contracts with office hours, on both databases.

use super::*;
use crate::{
    model::{
        alert::{Actor, Source},
        calendar::{Calendar, Days, WeeklyHours},
        contract::{Contract, Coverage, Outside, Target},
        id::AlertId,
        priority::Priority,
    },
    store::{
        Store,
        raise::{Snapshot, raise},
        testing::{an_alert, on_both, org},
    },
    work::{act, redeclared, testing::*},
};

/// It is Friday 2026-03-06, 20:00 in Berlin; the office opens at eight, on Monday the 9th not at all.
async fn weekend(store: &Store, outside: Option<Outside>) -> Night {
    let night = Night::quiet(store).await;
    let start: Instant = "2026-03-06T19:00:00Z".parse().unwrap();
    night.context.clock.advance(start - night.context.clock.now());
    night.declare(|directory| {
        let hours = WeeklyHours { days: Days::parse("Mon-Fri").unwrap(), from_minute: 480, to_minute: 1_080 };
        let office = Calendar {
            id: "office".parse().unwrap(),
            zone: chrono_tz::Europe::Berlin,
            open: vec![hours],
            holidays: ["2026-03-09".parse().unwrap()].into(),
        };
        directory.calendars.insert(office.id.clone(), office);
        let target = |outside| Target { response: None, resolution: None, policy: "gold".parse().unwrap(), outside };
        let contract = Contract {
            id: "acme-gold".parse().unwrap(),
            customer: "acme".parse().unwrap(),
            coverage: Coverage::Calendar("office".parse().unwrap()),
            recordings: None,
            priorities: [(Priority::P1, target(None)), (Priority::P3, target(outside))].into(),
        };
        directory.contracts.insert(contract.id.clone(), contract);
    });
    night.begin(Vec::new());
    night
}

async fn raised(night: &Night, priority: Priority, source: Source) -> AlertId {
    let number = night.context.store.alert_number(&org()).await.unwrap();
    let now = night.context.clock.now();
    let mut alert = an_alert(&night.context.ids, number, Some("disk"));
    alert.policy = night.context.directory().policies.get(&"gold".parse().unwrap()).map(Snapshot::of);
    (alert.priority, alert.source, alert.opened_at, alert.escalate_at) = (priority, source, now, Some(now));
    let raised = night.context.store.write(async move |db| raise(db, &org(), alert.clone()).await).await.unwrap();
    night.settle().await;
    raised.id
}

async fn event(night: &Night, priority: Priority) -> AlertId {
    raised(night, priority, Source::Integration("acme-monitoring".parse().unwrap())).await
}

async fn until(night: &Night, instant: &str) {
    let until: Instant = instant.parse().unwrap();
    night.pass((until - night.context.clock.now()).num_seconds()).await;
}

#[track_caller]
fn tells(story: &str, expected: &[&str]) {
    for expect in expected {
        assert!(story.contains(expect), "{expect}\nis missing in\n{story}");
    }
}

on_both! {
    async fn what_is_not_urgent_is_told_when_the_contract_opens(store: Store) {
        let night = weekend(&store, None).await;
        let id = event(&night, Priority::P4).await;
        let opens: Instant = "2026-03-10T07:00:00Z".parse().unwrap();
        assert_eq!(night.alert(&id).await.waits_until(), Some(opens));
        until(&night, "2026-03-10T06:59:59Z").await;
        assert_eq!(night.phones.news(), [""; 0]);
        until(&night, "2026-03-10T07:00:00Z").await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        assert_eq!(night.alert(&id).await.waits_until(), None);
        night.pass(300).await;
        assert_eq!(night.phones.news(), [format!("sms {BEN}")], "and escalates from then on");
        let story = night.story(&id).await;
        tells(&story, &[
            "held-back: It waits until Tue 2026-03-10 08:00 (Europe/Berlin), when the hours of contract acme-gold begin: \
             P4 is of low urgency.",
            "escalation: It waits no longer: the hours of its contract are open, or do not matter.",
            "escalation: Level 1 of policy gold is told (round 1 of 2): the alert was raised.",
        ]);
        assert!(story.starts_with("opened: Alert 1 (P4"), "{story}");
        assert_eq!(story.matches("opened: ").count(), 1, "{story}");
        night.end().await;
    }

    async fn within_the_hours_and_where_the_contract_says_so_nobody_waits(store: Store) {
        let night = weekend(&store, Some(Outside::Page)).await;
        event(&night, Priority::P3).await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        night.end().await;
    }

    async fn high_urgency_does_not_wait_and_what_becomes_urgent_waits_no_longer(store: Store) {
        let night = weekend(&store, Some(Outside::Wait)).await;
        let id = event(&night, Priority::P3).await;
        night.pass(3_600).await;
        assert_eq!(night.phones.news(), [""; 0]);
        assert_eq!(event(&night, Priority::P1).await, id);
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        assert_eq!(night.alert(&id).await.waits_until(), None);
        tells(&night.story(&id).await, &["It waits no longer: it is P1, of high urgency."]);
        night.pass(60).await;
        assert_eq!(night.phones.news(), [format!("call {ANNA}")]);
        night.end().await;
    }

    async fn what_a_caller_left_waits_only_where_the_contract_says_so(store: Store) {
        let night = weekend(&store, None).await;
        let call = Source::Call(night.context.ids.id(night.context.clock.now()));
        raised(&night, Priority::P3, call).await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        night.end().await;
    }

    async fn a_callers_alert_may_be_declared_to_wait(store: Store) {
        let night = weekend(&store, Some(Outside::Wait)).await;
        let call = Source::Call(night.context.ids.id(night.context.clock.now()));
        let id = raised(&night, Priority::P3, call).await;
        assert_eq!(night.phones.news(), [""; 0]);
        assert!(night.alert(&id).await.waits_until().is_some());
        night.end().await;
    }

    async fn whoever_asks_for_the_next_level_ends_the_wait(store: Store) {
        let night = weekend(&store, None).await;
        let id = event(&night, Priority::P3).await;
        let (acting, asked, by) = (night.acting(), id.clone(), Actor::Operator("sven".to_owned()));
        let ask = async move |db: &mut AnyConnection| act::escalate(db, &acting, &asked, &by, "by test").await;
        night.context.change(ask).await.unwrap();
        night.settle().await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        tells(&night.story(&id).await, &["It waits no longer: somebody wants it told."]);
        night.end().await;
    }

    async fn an_acknowledgement_ends_the_wait_and_nobody_is_told(store: Store) {
        let night = weekend(&store, None).await;
        let id = event(&night, Priority::P3).await;
        let (acting, taken, by) = (night.acting(), id.clone(), Actor::Person("ben".parse().unwrap()));
        let take = async move |db: &mut AnyConnection| act::acknowledge(db, &acting, &taken, &by, "by test").await;
        night.context.change(take).await.unwrap();
        assert_eq!(night.alert(&id).await.waits_until(), None);
        until(&night, "2026-03-11T07:00:00Z").await;
        assert_eq!(night.phones.news(), [""; 0]);
        night.end().await;
    }

    async fn other_hours_that_are_declared_hold_at_once(store: Store) {
        let night = weekend(&store, None).await;
        let id = event(&night, Priority::P3).await;
        night.declare(|directory| {
            directory.calendars.get_mut(&"office".parse().unwrap()).unwrap().holidays.clear();
        });
        redeclared::follow(&night.context).await.unwrap();
        night.settle().await;
        assert_eq!(night.alert(&id).await.waits_until(), Some("2026-03-09T07:00:00Z".parse().unwrap()));
        assert_eq!(night.phones.news(), [""; 0]);
        night.declare(|directory| {
            let contract = directory.contracts.get_mut(&"acme-gold".parse().unwrap()).unwrap();
            contract.coverage = Coverage::Always;
        });
        redeclared::follow(&night.context).await.unwrap();
        night.settle().await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        night.end().await;
    }

    async fn hours_that_never_begin_again_hold_nothing_back(store: Store) {
        let night = weekend(&store, None).await;
        night.declare(|directory| {
            directory.calendars.get_mut(&"office".parse().unwrap()).unwrap().open.clear();
        });
        let id = event(&night, Priority::P3).await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        tells(&night.story(&id).await, &["The hours of its contract do not begin any more, so it is told at once."]);
        night.end().await;
    }

    async fn the_wait_survives_a_restart(store: Store) {
        let night = weekend(&store, None).await;
        let id = event(&night, Priority::P3).await;
        night.end().await;
        let after = weekend(&store, None).await;
        assert!(after.alert(&id).await.waits_until().is_some());
        assert_eq!(after.phones.news(), [""; 0]);
        until(&after, "2026-03-10T07:00:00Z").await;
        assert_eq!(after.phones.news(), [format!("sms {ANNA}")]);
        after.end().await;
    }
}
