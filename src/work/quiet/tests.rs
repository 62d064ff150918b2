//! Nights of people who sleep, on both databases. Anna's quiet hours are 22:00 to 07:00 in Berlin.

use chrono::TimeDelta;

use super::*;
use crate::{
    model::{
        alert::Actor,
        calendar::{Days, WeeklyHours},
        id::AlertId,
        priority::Priority,
    },
    store::{
        Store,
        attempts::AttemptState,
        outbox,
        raise::{Snapshot, raise},
        testing::{an_alert, on_both, org},
    },
    work::{act, testing::*},
};

fn night_hours() -> Vec<WeeklyHours> {
    vec![WeeklyHours { days: Days::EVERY, from_minute: 22 * 60, to_minute: 7 * 60 }]
}

/// It is Sunday 2026-03-01, 21:50 in Berlin; these people sleep at night.
async fn evening(store: &Store, sleepers: &[&str]) -> Night {
    let night = Night::quiet(store).await;
    let start: Instant = "2026-03-01T20:50:00Z".parse().unwrap();
    night.context.clock.advance(start - night.context.clock.now());
    night.declare(|directory| {
        for (id, person) in &mut directory.people {
            if sleepers.contains(&id.as_str()) {
                person.quiet = night_hours();
            }
        }
    });
    night.begin(Vec::new());
    night
}

/// What a tool says about one disk, by policy `gold`.
async fn event(night: &Night, priority: Priority) -> AlertId {
    let number = night.context.store.alert_number(&org()).await.unwrap();
    let now = night.context.clock.now();
    let mut alert = an_alert(&night.context.ids, number, Some("disk"));
    alert.policy = night.context.directory().policies.get(&"gold".parse().unwrap()).map(Snapshot::of);
    (alert.priority, alert.opened_at, alert.escalate_at) = (priority, now, Some(now));
    let raised = night.context.store.write(async move |db| raise(db, &org(), alert.clone()).await).await.unwrap();
    night.settle().await;
    raised.id
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
    async fn what_is_of_low_urgency_waits_until_the_morning_and_no_level_is_used_up(store: Store) {
        let night = evening(&store, &["anna", "ben"]).await;
        until(&night, "2026-03-01T22:00:00Z").await;
        let id = event(&night, Priority::P3).await;
        until(&night, "2026-03-02T05:59:59Z").await;
        assert_eq!(night.phones.news(), [""; 0], "they sleep");
        assert_eq!(night.alert(&id).await.alert.level, Some(0), "the first level still has its time");
        let waiting = night.attempts(&id).await.remove(0);
        assert_eq!((waiting.state, waiting.due_at), (AttemptState::Due, "2026-03-02T06:00:00Z".parse().unwrap()));
        until(&night, "2026-03-02T06:00:00Z").await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        night.pass(299).await;
        assert_eq!(night.phones.news(), [""; 0], "five minutes of hers, from seven on");
        night.pass(1).await;
        assert_eq!(night.phones.news(), [format!("sms {BEN}")]);
        tells(&night.story(&id).await, &[
            "told: Anna Berger is told, on call by layer 1 of schedule primary (level 1 of policy gold): sms to +49…01 at \
             2026-03-02 07:00 (Europe/Berlin), after quiet hours.",
            "held-back: Anna Berger has quiet hours: what is of low urgency waits until 2026-03-02 07:00 (Europe/Berlin).",
            "escalation: Everybody who is told has quiet hours: their time begins when the first of these end.",
        ]);
        night.end().await;
    }

    async fn high_urgency_wakes_whoever_sleeps(store: Store) {
        let night = evening(&store, &["anna", "ben", "lead"]).await;
        until(&night, "2026-03-01T22:00:00Z").await;
        event(&night, Priority::P2).await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        night.pass(60).await;
        assert_eq!(night.phones.news(), [format!("call {ANNA}")]);
        night.end().await;
    }

    async fn what_becomes_urgent_while_it_waits_is_told_at_once(store: Store) {
        let night = evening(&store, &["anna"]).await;
        until(&night, "2026-03-01T22:00:00Z").await;
        let id = event(&night, Priority::P4).await;
        night.pass(1_800).await;
        assert_eq!(night.phones.news(), [""; 0]);
        assert_eq!(event(&night, Priority::P1).await, id);
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")]);
        until(&night, "2026-03-02T06:30:00Z").await;
        let mild = night.attempts(&id).await.remove(0);
        assert_eq!(mild.state, AttemptState::Dropped, "what waited is not told once more in the morning");
        night.end().await;
    }

    async fn an_acknowledgement_ends_the_wait(store: Store) {
        let night = evening(&store, &["anna"]).await;
        until(&night, "2026-03-01T22:00:00Z").await;
        let id = event(&night, Priority::P3).await;
        let (acting, taken, by) = (night.acting(), id.clone(), Actor::Person("ben".parse().unwrap()));
        let take = async move |db: &mut AnyConnection| act::acknowledge(db, &acting, &taken, &by, "by test").await;
        night.context.change(take).await.unwrap();
        until(&night, "2026-03-02T09:00:00Z").await;
        assert_eq!(night.phones.news(), [""; 0]);
        assert_eq!(night.attempts(&id).await[0].state, AttemptState::Dropped);
        night.end().await;
    }

    async fn one_who_is_awake_is_told_and_has_the_time_of_the_level(store: Store) {
        let night = evening(&store, &["anna"]).await;
        night.declare(|directory| {
            let gold = directory.policies.get_mut(&"gold".parse().unwrap()).unwrap();
            gold.levels[0].notify.push("person:lead".parse().unwrap());
        });
        until(&night, "2026-03-01T22:00:00Z").await;
        event(&night, Priority::P3).await;
        assert_eq!(night.phones.news(), [format!("sms {LEAD}")]);
        night.pass(300).await;
        assert_eq!(night.phones.news(), [format!("sms {BEN}")], "nobody waits for who sleeps when another was told");
        night.end().await;
    }

    async fn a_later_rule_that_falls_into_the_night_comes_in_the_morning(store: Store) {
        let night = evening(&store, &["anna"]).await;
        night.declare(|directory| {
            let anna = directory.people.get_mut(&"anna".parse().unwrap()).unwrap();
            anna.rules_low = anna.rules_high.clone();
            anna.rules_low[1].after = TimeDelta::minutes(15);
            directory.policies.get_mut(&"gold".parse().unwrap()).unwrap().levels[0].ack_within = TimeDelta::days(1);
        });
        let id = event(&night, Priority::P3).await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")], "ten to ten");
        until(&night, "2026-03-02T06:04:59Z").await;
        assert_eq!(night.phones.news(), [""; 0]);
        night.pass(1).await;
        assert_eq!(night.phones.news(), [format!("call {ANNA}")], "ten minutes before the night, five after it");
        tells(&night.story(&id).await, &["voice to +49…01 at 2026-03-02 07:05 (Europe/Berlin), after quiet hours"]);
        night.end().await;
    }

    async fn a_failure_at_night_brings_the_next_rule_in_the_morning(store: Store) {
        let night = evening(&store, &["anna"]).await;
        night.declare(|directory| {
            let anna = directory.people.get_mut(&"anna".parse().unwrap()).unwrap();
            anna.rules_low = anna.rules_high.clone();
            anna.rules_low[1].after = TimeDelta::minutes(8);
            directory.policies.get_mut(&"gold".parse().unwrap()).unwrap().levels[0].ack_within = TimeDelta::days(1);
        });
        night.pass(8 * 60).await;
        night.phones.stands(ANNA, "undelivered");
        let id = event(&night, Priority::P3).await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")], "two minutes to ten");
        until(&night, "2026-03-02T05:59:59Z").await;
        assert_eq!(night.phones.news(), [""; 0]);
        night.pass(1).await;
        assert_eq!(night.phones.news(), [format!("call {ANNA}")], "planned for six minutes past");
        tells(&night.story(&id).await, &[
            "brought-forward: The call to Anna Berger (+49…01) comes when quiet hours end, at 2026-03-02 07:00 \
             (Europe/Berlin), as the one before it failed.",
        ]);
        night.end().await;
    }

    async fn what_was_late_and_comes_into_the_night_waits_and_says_so(store: Store) {
        let night = Night::quiet(&store).await;
        let start: Instant = "2026-03-01T20:59:00Z".parse().unwrap();
        night.context.clock.advance(start - night.context.clock.now());
        night.declare(|directory| {
            directory.people.get_mut(&"anna".parse().unwrap()).unwrap().quiet = night_hours();
        });
        let number = night.context.store.alert_number(&org()).await.unwrap();
        let mut alert = an_alert(&night.context.ids, number, None);
        alert.policy = night.context.directory().policies.get(&"gold".parse().unwrap()).map(Snapshot::of);
        (alert.priority, alert.opened_at, alert.escalate_at) = (Priority::P3, start, Some(start));
        let raised = store.write(async move |db| raise(db, &org(), alert.clone()).await).await.unwrap();
        night.escalates().await;
        // Pikett was down while it was to go out.
        night.context.clock.advance(TimeDelta::hours(2));
        night.begin(Vec::new());
        night.settle().await;
        assert!(!night.phones.news().contains(&format!("sms {ANNA}")), "who is told is whom the next level names");
        tells(&night.story(&raised.id).await, &[
            "held-back: The SMS to Anna Berger (+49…01) waits until 2026-03-02 07:00 (Europe/Berlin): quiet hours.",
        ]);
        let held = night.attempts(&raised.id).await.remove(0);
        assert_eq!((held.state, held.tries), (AttemptState::Due, 0), "it was not tried");
        let next = outbox::next_due(&mut store.read().await.unwrap()).await.unwrap();
        assert!(next.is_some_and(|next| next <= held.due_at));
        until(&night, "2026-03-02T06:00:00Z").await;
        assert!(night.phones.news().contains(&format!("sms {ANNA}")));
        night.end().await;
    }

    async fn the_hour_that_the_clock_is_put_back_is_quiet_once(store: Store) {
        let night = Night::quiet(&store).await;
        let start: Instant = "2026-10-24T22:00:00Z".parse().unwrap();
        night.context.clock.advance(start - night.context.clock.now());
        night.declare(|directory| {
            let hours = WeeklyHours { days: Days::EVERY, from_minute: 22 * 60, to_minute: 150 };
            directory.people.get_mut(&"anna".parse().unwrap()).unwrap().quiet = vec![hours];
        });
        night.begin(Vec::new());
        event(&night, Priority::P3).await;
        until(&night, "2026-10-25T00:29:59Z").await;
        assert_eq!(night.phones.news(), [""; 0]);
        night.pass(1).await;
        assert_eq!(night.phones.news(), [format!("sms {ANNA}")], "the first half past two of two");
        night.end().await;
    }
}
