//! Nights at work: who is told what, when and why, on both databases.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::future::BoxFuture;

use super::{testing::*, *};
use crate::{
    model::alert::{Actor, AlertState, Source},
    model::id::AlertId,
    store::{
        Store,
        attempts::AttemptState,
        overdue,
        raise::ESCALATE,
        testing::{at, on_both, org},
        timers::{self, Crowd, DueTimer},
    },
    work::act::Acted,
};

fn sms(to: &str) -> String {
    format!("sms {to}")
}

fn call(to: &str) -> String {
    format!("call {to}")
}

async fn acknowledge(night: &Night, id: &AlertId, who: &str) -> Acted {
    let (acting, id, by) = (night.acting(), id.clone(), Actor::Person(who.parse().unwrap()));
    let acted = night.context.change(async move |db| act::acknowledge(db, &acting, &id, &by, "by test").await);
    let acted = acted.await.unwrap();
    night.settle().await;
    acted
}

on_both! {
    async fn when_nobody_answers_the_next_rule_the_next_level_the_next_round_and_the_fallback_follow(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        assert_eq!(night.phones.news(), [sms(ANNA)]);
        night.pass(60).await;
        assert_eq!(night.phones.news(), [call(ANNA)]);
        night.pass(240).await;
        assert_eq!(night.phones.news(), [sms(BEN)], "the second level");
        night.pass(60).await;
        assert_eq!(night.phones.news(), [call(BEN)]);
        night.pass(240).await;
        assert_eq!(night.phones.news(), [sms(ANNA)], "the second round");
        night.pass(600).await;
        assert_eq!(night.phones.news(), [call(ANNA), sms(BEN), call(BEN), sms(LEAD)], "and the fallback");
        night.pass(600).await;
        assert_eq!(night.phones.news(), [call(LEAD), sms(LEAD), call(LEAD)], "who is told again and again");
        let story = night.story(&id).await;
        for expect in [
            "opened: Alert 1 (P1, category storage) was opened by integration acme-monitoring",
            "Level 1 of policy gold is told (round 1 of 2): the alert was raised.",
            "told: Anna Berger is told, on call by layer 1 of schedule primary",
            "sms to +49…01 at once, voice to +49…01 after 1m",
            "sent: The SMS to Anna Berger (+49…01) was handed to twilio as SM0.",
            "failed: The call to Anna Berger (+49…01) failed: it rang until the time was over.",
            "Level 2 of policy gold is told (round 1 of 2): level 1 did not acknowledge within 5m.",
            "The fallback of policy gold is told again (2 times by now): nobody has acknowledged yet.",
        ] {
            assert!(story.contains(expect), "{expect}\nis missing in\n{story}");
        }
        night.end().await;
    }

    async fn an_acknowledgement_stops_everything_and_the_others_learn_of_it(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        night.pass(330).await;
        night.phones.news();
        assert!(matches!(acknowledge(&night, &id, "ben").await, Acted::Done(_)));
        let notices = night.phones.fresh();
        assert_eq!(notices.iter().map(|rung| rung.to.as_str()).collect::<Vec<_>>(), [ANNA]);
        assert!(notices[0].text.contains("Ben Ode"), "{notices:?}");
        assert!(!notices[0].text.contains(&night.alert(&id).await.alert.code()), "a notice has no code");
        night.pass(7_200).await;
        assert_eq!(night.phones.news(), [""; 0], "nobody is paged any more");
        assert!(matches!(acknowledge(&night, &id, "anna").await, Acted::Already(_)));
        night.end().await;
    }

    async fn what_is_claimed_before_an_acknowledgement_is_not_sent_after_it(store: Store) {
        let night = Night::quiet(&store).await;
        let id = night.raise("Disk full").await;
        night.escalates().await;
        let deliver = deliver::Deliver::new(night.context.clone(), night.channels.clone(), &Pulses::from(at(0)));
        let claimed = deliver.claim(10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        let (acting, acked) = (night.acting(), id.clone());
        night.context.change(async move |db| {
            act::acknowledge(db, &acting, &acked, &Actor::Person("ben".parse().unwrap()), "by test").await
        }).await.unwrap();
        deliver.deliver(&claimed[0]).await;
        assert_eq!(night.phones.news(), [""; 0]);
        assert_eq!(night.attempts(&id).await[0].state, AttemptState::Dropped);
    }

    async fn what_was_sent_and_not_recorded_is_looked_up_and_not_sent_twice(store: Store) {
        let night = Night::quiet(&store).await;
        let id = night.raise("Disk full").await;
        night.escalates().await;
        let deliver = deliver::Deliver::new(night.context.clone(), night.channels.clone(), &Pulses::from(at(0)));
        let claimed = deliver.claim(10).await.unwrap();
        // The process dies between the carrier's answer and the record.
        night.channels.send(&claimed[0]).await;
        assert_eq!(night.phones.news(), [sms(ANNA)]);
        night.begin(Vec::new());
        night.pass(45).await;
        let attempt = night.attempts(&id).await.remove(0);
        assert_eq!((attempt.state, attempt.provider_id.as_deref()), (AttemptState::Sent, Some("SM0")));
        assert_eq!(night.phones.news(), [""; 0], "it was found");
        deliver.deliver(&claimed[0]).await;
        assert_eq!(night.attempts(&id).await[0].tries, 2, "the stale worker's outcome is refused");
        night.end().await;
    }

    async fn a_bad_number_brings_the_next_rule_and_dead_people_the_next_level_at_once(store: Store) {
        let night = Night::on(&store).await;
        night.phones.refuse(BEN, 400, 21211);
        night.phones.refuse(ANNA, 400, 21211);
        let id = night.raise("Disk full").await;
        let told = vec![sms(LEAD); 3];
        assert_eq!(night.phones.news(), told, "two rounds of dead numbers take no time; two people are marked");
        let story = night.story(&id).await;
        for expect in [
            "failed: The SMS to Anna Berger (+49…01) failed: the carrier answered error 21211: ",
            "brought-forward: The call to Anna Berger (+49…01) comes at once, as the one before it failed.",
            "unreachable: Nobody of level 1 could be reached by any means, so it is not waited for.",
            "Level 2 of policy gold is told (round 1 of 2): the next level was called for.",
        ] {
            assert!(story.contains(expect), "{expect}\nis missing in\n{story}");
        }
        night.pass(60).await;
        assert_eq!(night.phones.news(), vec![call(LEAD); 3]);
        night.end().await;
    }

    async fn when_the_carrier_is_out_for_a_while_the_page_is_sent_again(store: Store) {
        let night = Night::on(&store).await;
        night.phones.refuse(ANNA, 503, 20503);
        let id = night.raise("Disk full").await;
        assert_eq!(night.phones.news(), [""; 0]);
        assert!(night.story(&id).await.contains("retry: The SMS to Anna Berger (+49…01) failed for now"));
        night.phones.stands(ANNA, "sent");
        night.phones.accept(ANNA);
        night.pass(10).await;
        assert_eq!(night.phones.news(), [sms(ANNA)]);
        night.end().await;
    }

    async fn when_nobody_is_on_call_the_msp_is_told_once(store: Store) {
        let night = Night::on(&store).await;
        night.declare(|directory| {
            directory.schedules.clear();
            directory.people.remove(&"ben".parse().unwrap());
        });
        let id = night.raise("Disk full").await;
        let other = night.raise("Disk full, too").await;
        let open = night.open().await;
        let own: Vec<_> = open.iter().filter(|row| row.alert.source == Source::Pikett).collect();
        assert_eq!(own.len(), 1, "two alerts found nobody, the MSP has one");
            assert!(own[0].alert.count > 1);
        assert_eq!(own[0].alert.title, "Nobody is on call by policy gold");
        let story = night.story(&id).await;
        assert!(story.contains("unreachable: ben (named by level 2 of policy gold) is not declared any more"), "{story}");
        assert!(night.phones.news().iter().all(|news| *news == sms(LEAD)));
        night.pass(3_600).await;
        let own = night.open().await.into_iter().filter(|row| row.alert.source == Source::Pikett).count();
        assert_eq!(own, 1, "the MSP's own alert raises no other");
        for id in [&id, &other] {
            assert!(matches!(acknowledge(&night, id, "lead").await, Acted::Done(_)));
        }
        night.end().await;
    }

    async fn without_a_policy_an_alert_waits_until_there_is_one(store: Store) {
        let night = Night::on(&store).await;
        let policies = night.context.directory().policies.clone();
        night.declare(|directory| directory.policies.clear());
        let id = night.raise("Disk full").await;
        night.pass(600).await;
        assert_eq!(night.phones.news(), [""; 0]);
        night.declare(|directory| directory.policies = policies);
        night.pass(61).await;
        assert_eq!(night.phones.news(), [sms(LEAD)]);
        assert_eq!(night.story(&id).await.matches("no policy is declared").count(), 1);
        night.end().await;
    }

    async fn what_fails_five_times_is_set_aside_and_the_msp_is_told(store: Store) {
        let night = Night::quiet(&store).await;
        let broken = Arc::new(Broken(AtomicUsize::new(0)));
        night.begin(vec![broken.clone()]);
        store.write(async |db| timers::set(db, &org(), "broken", "a-call", at(0), "").await).await.unwrap();
        night.settle().await;
        let healthy = night.raise("Disk full").await;
        assert_eq!(night.phones.news(), [sms(ANNA)], "nobody waits for it");
        acknowledge(&night, &healthy, "anna").await;
        night.pass(120).await;
        assert_eq!(broken.0.load(Ordering::SeqCst), 5);
        let own = night.open().await.into_iter().find(|row| row.alert.source == Source::Pikett).unwrap();
        assert_eq!(own.alert.title, "Pikett could not work on timer broken of a-call");
        assert!(night.phones.news().contains(&sms(LEAD)));
        night.end().await;
    }

    async fn what_was_set_aside_by_somebody_who_crashed_is_told_by_the_watch(store: Store) {
        let night = Night::quiet(&store).await;
        store.write(async |db| timers::set(db, &org(), "broken", "a-call", at(0), "").await).await.unwrap();
        for n in 0..5 {
            let timer = claim(&store, n * 100).await.remove(0);
            store.write(async move |db| timers::fail(db, &timer, at(n * 100 + 1)).await).await.unwrap();
        }
        night.context.clock.advance(chrono::TimeDelta::seconds(600));
        for _ in 0..2 {
            watch::look(&night.context).await.unwrap();
        }
        let own = night.open().await;
        assert_eq!(own.len(), 1);
        assert_eq!((own[0].alert.title.as_str(), own[0].alert.count), ("Pikett could not work on timer broken of a-call", 1));
    }

    async fn a_message_that_brings_down_its_sender_is_set_aside_and_the_next_rule_comes(store: Store) {
        let night = Night::quiet(&store).await;
        let id = night.raise("Disk full").await;
        night.escalates().await;
        let deliver = deliver::Deliver::new(night.context.clone(), night.channels.clone(), &Pulses::from(at(0)));
        let text = night.attempts(&id).await[0].id.clone();
        for _ in 0..5 {
            assert!(deliver.claim(10).await.unwrap().iter().any(|attempt| attempt.id == text));
            night.context.clock.advance(chrono::TimeDelta::seconds(30));
        }
        let left = deliver.claim(10).await.unwrap();
        assert!(left.iter().all(|attempt| attempt.address.channel() == crate::model::person::Channel::Voice));
        assert_eq!(night.attempts(&id).await[0].state, AttemptState::Unknown);
        let story = night.story(&id).await;
        assert!(story.contains("failed: it was begun too often without an end and was set aside."), "{story}");
        let own = night.open().await.into_iter().find(|row| row.alert.source == Source::Pikett).unwrap();
        assert_eq!(own.alert.title, "Pikett could not send a message");
    }

    async fn an_account_that_is_closed_is_told_to_the_msp_once(store: Store) {
        let night = Night::on(&store).await;
        for number in [ANNA, BEN, LEAD] {
            night.phones.refuse(number, 401, 20003);
        }
        let id = night.raise("Disk full").await;
        night.pass(3_600).await;
        let own: Vec<_> = night.open().await.into_iter().filter(|row| row.alert.source == Source::Pikett).collect();
        assert!(own.iter().any(|row| row.alert.title == "Nobody can be reached by sms"), "{own:?}");
        assert_eq!(own.len(), 2, "one by sms and one by voice, however often it fails");
        assert_eq!(night.alert(&id).await.alert.state, AlertState::Triggered);
        for number in [ANNA, BEN, LEAD] {
            night.phones.accept(number);
        }
        night.pass(3_600).await;
        assert!(night.phones.news().contains(&sms(LEAD)), "the fallback is told again and again");
        night.end().await;
    }

    async fn a_slow_handler_keeps_nobody_waiting(store: Store) {
        let night = Night::quiet(&store).await;
        night.begin(vec![Arc::new(Slow)]);
        store.write(async |db| timers::set(db, &org(), "slow", "a-call", at(0), "").await).await.unwrap();
        let number = store.alert_number(&org()).await.unwrap();
        let alert = crate::store::testing::an_alert(&night.context.ids, number, None);
        let alert = crate::store::raise::NewAlert {
            policy: Some(crate::store::raise::Snapshot::of(&night.context.directory().policies[&"gold".parse().unwrap()])),
            ..alert
        };
        store.write(async move |db| crate::store::raise::raise(db, &org(), alert.clone()).await).await.unwrap();
        let mut news = Vec::new();
        for _ in 0..1_000 {
            news.extend(night.phones.news());
            if !news.is_empty() {
                break;
            }
            crate::clock::Clock::system().sleep(chrono::TimeDelta::milliseconds(2)).await;
        }
        assert_eq!(news, [sms(ANNA)]);
        night.stop.cancel();
    }

    async fn a_callers_phone_rings_although_everybody_else_works_on_something_slow(store: Store) {
        let night = Night::quiet(&store).await;
        let connected = Arc::new(Connected(AtomicUsize::new(0)));
        night.begin(vec![Arc::new(Slow), connected.clone()]);
        let storm = store.write(async |db| {
            for n in 0..2_000 {
                timers::set(db, &org(), "slow", &format!("thing-{n}"), at(0), "").await?;
            }
            Ok(())
        });
        storm.await.unwrap();
        // They have taken all places.
        let taken = async || timers::count_due(&mut store.read().await.unwrap(), at(0)).await.unwrap();
        while taken().await > 1_600 {
            crate::clock::Clock::system().sleep(chrono::TimeDelta::milliseconds(2)).await;
        }
        store.write(async |db| timers::set(db, &org(), "connect", "a-call", at(0), "").await).await.unwrap();
        for _ in 0..1_000 {
            if connected.0.load(Ordering::SeqCst) > 0 {
                break;
            }
            crate::clock::Clock::system().sleep(chrono::TimeDelta::milliseconds(2)).await;
        }
        assert_eq!(connected.0.load(Ordering::SeqCst), 1);
        night.stop.cancel();
    }

    async fn an_alert_without_a_timer_is_found_and_escalates_again(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        night.phones.news();
        let lost = id.clone();
        store.write(async move |db| timers::clear(db, &org(), ESCALATE, lost.as_str()).await).await.unwrap();
        night.pass(60).await;
        watch::look(&night.context).await.unwrap();
        night.settle().await;
        assert!(night.story(&id).await.contains("mended: The escalation had come to a stop and goes on."));
        night.pass(300).await;
        assert!(night.phones.news().contains(&sms(BEN)));
        night.end().await;
    }

    async fn a_message_of_which_the_carrier_knows_no_more_is_asked_about_once(store: Store) {
        let night = Night::on(&store).await;
        night.raise("Disk full").await;
        night.pass(290).await;
        let mut db = store.read().await.unwrap();
        let missed = overdue::unreported(&mut db, &org(), night.context.clock.now()).await.unwrap();
        assert_eq!(missed, [], "the watcher would ask again and again");
        drop(db);
        night.end().await;
    }

    async fn a_tool_that_resolves_before_anybody_came_tells_those_who_were_paged(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        night.phones.news();
        let (acting, resolved) = (night.acting(), id.clone());
        night.context.change(async move |db| {
            act::resolve(db, &acting, &resolved, &Actor::Integration("acme-monitoring".parse().unwrap()), "by itself").await
        }).await.unwrap();
        night.settle().await;
        let notices = night.phones.fresh();
        assert_eq!(notices.len(), 1);
        assert!(notices[0].to == ANNA && notices[0].text.contains("acme-monitoring"), "{notices:?}");
        assert!(matches!(night.alert(&id).await.alert.state, AlertState::Resolved { .. }));
        night.end().await;
    }

    async fn whoever_asks_for_the_next_level_gets_it_also_after_an_acknowledgement(store: Store) {
        let night = Night::on(&store).await;
        let id = night.raise("Disk full").await;
        acknowledge(&night, &id, "anna").await;
        night.phones.news();
        let (acting, escalated) = (night.acting(), id.clone());
        night.context.change(async move |db| {
            act::escalate(db, &acting, &escalated, &Actor::Person("anna".parse().unwrap()), "by SMS").await
        }).await.unwrap();
        night.settle().await;
        assert_eq!(night.phones.news(), [sms(BEN)]);
        assert!(night.story(&id).await.contains("escalated: Anna Berger asked for the next level by SMS."));
        night.end().await;
    }

    async fn while_a_call_rings_people_they_are_not_phoned_twice(store: Store) {
        let night = Night::on(&store).await;
        let held = "cll_01JNB2Q0000000000000000000".parse::<crate::model::id::CallId>().unwrap();
        let id = night.raise("Voicemail").await;
        let (alert, call_id) = (id.clone(), held.clone());
        store.write(async move |db| {
            crate::store::alerts::hold(db, &org(), &alert, &call_id).await?;
            crate::store::attempts::hold_voice_pages(db, &org(), &alert).await
        }).await.unwrap();
        night.pass(300).await;
        assert_eq!(night.phones.news(), [sms(ANNA), sms(BEN)]);
        let alert = id.clone();
        store.write(async move |db| {
            crate::store::alerts::release(db, &org(), &alert, &held).await?;
            crate::store::attempts::release_held(db, &org(), &alert, at(300)).await
        }).await.unwrap();
        night.settle().await;
        assert_eq!(night.phones.news(), [call(ANNA)]);
        night.pass(60).await;
        assert_eq!(night.phones.news(), [call(BEN)]);
        night.end().await;
    }
}

async fn claim(store: &Store, seconds: i64) -> Vec<DueTimer> {
    let claim = async move |db: &mut sqlx::AnyConnection| {
        timers::claim(db, Crowd::Others, at(seconds), at(seconds + 30), "test", 10).await
    };
    store.write(claim).await.unwrap().due
}

/// Panics every other time, and fails the others.
struct Broken(AtomicUsize);

impl Handler for Broken {
    fn kinds(&self) -> &[&'static str] {
        &["broken"]
    }

    fn handle<'a>(&'a self, _: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async {
            let n = self.0.fetch_add(1, Ordering::SeqCst);
            assert!(n % 2 == 1, "on purpose");
            Err(WorkError::Broken { what: "this".to_owned(), why: "on purpose".to_owned() })
        })
    }
}

/// Counts whose phone has rung.
struct Connected(AtomicUsize);

impl Handler for Connected {
    fn kinds(&self) -> &[&'static str] {
        &["connect"]
    }

    fn handle<'a>(&'a self, _: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

/// Never comes to an end.
struct Slow;

impl Handler for Slow {
    fn kinds(&self) -> &[&'static str] {
        &["slow"]
    }

    fn handle<'a>(&'a self, _: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(std::future::pending())
    }
}
