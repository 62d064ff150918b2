//! Weeks of people who go on call, on both databases. Anna and Ben take turns, on Mondays at 09:00 in Berlin.

use chrono::TimeDelta;

use crate::{
    model::{Instant, alert::Actor, id::AlertId},
    oncall::{Change, Override},
    store::{Store, testing::on_both},
    work::{act, redeclared, testing::*},
};

/// It is Sunday 2026-03-08, 20:00 in Berlin; Ben's week begins in the morning.
async fn sunday(store: &Store) -> Night {
    let night = Night::quiet(store).await;
    let start: Instant = "2026-03-08T19:00:00Z".parse().unwrap();
    night.context.clock.advance(start - night.context.clock.now());
    night.declare(|directory| {
        directory.shift_notice = Some(TimeDelta::hours(1));
        let primary = directory.schedules.get_mut(&"primary".parse().unwrap()).unwrap();
        primary.roster.layers[0].people.push(vec!["ben".parse().unwrap()]);
    });
    redeclared::follow(&night.context).await.unwrap();
    night.begin(Vec::new());
    night.settle().await;
    night
}

async fn until(night: &Night, instant: &str) {
    let until: Instant = instant.parse().unwrap();
    night.pass((until - night.context.clock.now()).num_seconds()).await;
}

/// Nobody is told of it any more.
async fn taken(night: &Night, id: &AlertId) {
    let (acting, id, by) = (night.acting(), id.clone(), Actor::Operator("sven".to_owned()));
    night.context.change(async move |db| act::acknowledge(db, &acting, &id, &by, "by test").await).await.unwrap();
    night.settle().await;
    night.phones.news();
}

fn said(night: &Night) -> Vec<(String, String)> {
    night.phones.fresh().into_iter().map(|rung| (rung.to, rung.text)).collect()
}

on_both! {
    async fn whoever_goes_on_call_is_told_before_and_at_handover_what_is_open(store: Store) {
        let night = sunday(&store).await;
        let open = night.raise("Disk full").await;
        taken(&night, &open).await;
        until(&night, "2026-03-09T06:59:59Z").await;
        assert_eq!(said(&night), []);
        until(&night, "2026-03-09T07:00:00Z").await;
        let told = said(&night);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, BEN, "and not Anna, who leaves");
        assert!(told[0].1.starts_with("You go on call for primary at 09:00, until 2026-03-16 09:00."), "{told:?}");
        assert!(told[0].1.contains("Still open: 1; P1 #1: storage: Disk full"), "{told:?}");
        until(&night, "2026-03-09T07:59:59Z").await;
        assert_eq!(said(&night), []);
        let id = night.open().await[0].alert.id.clone();
        let (acting, by) = (night.acting(), Actor::Operator("sven".to_owned()));
        night.context.change(async move |db| act::resolve(db, &acting, &id, &by, "by test").await).await.unwrap();
        until(&night, "2026-03-09T08:00:00Z").await;
        let told = said(&night);
        assert_eq!(told.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(), [BEN]);
        assert!(told[0].1.starts_with("You are on call for primary, until 2026-03-16 09:00."), "{told:?}");
        assert!(told[0].1.ends_with("Nothing is open."), "{told:?}");
        until(&night, "2026-03-15T00:00:00Z").await;
        assert_eq!(said(&night), [], "once");
        until(&night, "2026-03-16T08:00:00Z").await;
        let told = said(&night);
        assert_eq!(told.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(), [ANNA, ANNA]);
        assert!(told[0].1.starts_with("Dein Dienst primary beginnt um 09:00, bis 2026-03-23 09:00."), "{told:?}");
        assert!(told[1].1.starts_with("Du hast jetzt Dienst: primary, bis 2026-03-23 09:00."), "{told:?}");
        night.end().await;
    }

    async fn a_restart_says_nothing_twice(store: Store) {
        let night = sunday(&store).await;
        until(&night, "2026-03-09T07:10:00Z").await;
        assert_eq!(said(&night).len(), 1);
        redeclared::follow(&night.context).await.unwrap();
        night.settle().await;
        assert_eq!(said(&night), []);
        until(&night, "2026-03-09T08:10:00Z").await;
        assert_eq!(said(&night).len(), 1);
        redeclared::follow(&night.context).await.unwrap();
        night.settle().await;
        assert_eq!(said(&night), []);
        night.end().await;
    }

    async fn after_an_outage_only_what_is_news_is_told(store: Store) {
        let night = sunday(&store).await;
        night.end().await;
        night.context.clock.advance(TimeDelta::minutes(13 * 60 + 30));
        let after = Night { stop: Default::default(), tracker: Default::default(), ..night };
        after.begin(Vec::new());
        after.settle().await;
        let told = said(&after);
        assert_eq!(told.len(), 1, "the handover half an hour ago, and nothing ahead of it: {told:?}");
        assert!(told[0].1.starts_with("You are on call for primary"), "{told:?}");
        after.end().await;
    }

    async fn after_an_outage_of_hours_a_shift_that_has_long_begun_is_no_news(store: Store) {
        let night = sunday(&store).await;
        night.end().await;
        night.context.clock.advance(TimeDelta::hours(18));
        let after = Night { stop: Default::default(), tracker: Default::default(), ..night };
        after.begin(Vec::new());
        after.settle().await;
        assert_eq!(said(&after), []);
        until(&after, "2026-03-16T07:00:00Z").await;
        assert_eq!(said(&after).len(), 1, "the next one is told");
        after.end().await;
    }

    async fn an_override_that_is_declared_is_told_at_once(store: Store) {
        let night = sunday(&store).await;
        night.declare(|directory| {
            let primary = directory.schedules.get_mut(&"primary".parse().unwrap()).unwrap();
            primary.roster.overrides.push(Override {
                change: Change::Replace("lead".parse().unwrap()),
                from: "2026-03-08T20:30:00".parse().unwrap(),
                until: "2026-03-09T12:00:00".parse().unwrap(),
            });
        });
        redeclared::follow(&night.context).await.unwrap();
        night.settle().await;
        let told = said(&night);
        assert_eq!(told.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(), [LEAD]);
        assert!(told[0].1.starts_with("You go on call for primary at 20:30, until 2026-03-09 12:00."), "{told:?}");
        night.pass(1_800).await;
        assert_eq!(said(&night).len(), 1);
        until(&night, "2026-03-09T10:59:00Z").await;
        assert_eq!(said(&night).len(), 1, "Ben an hour before noon, when his time begins, and not at nine");
        night.end().await;
    }

    async fn whoever_wants_none_gets_none_and_whoever_wants_more_time_has_it(store: Store) {
        let night = sunday(&store).await;
        night.declare(|directory| {
            directory.people.get_mut(&"ben".parse().unwrap()).unwrap().shift_notice = Some(TimeDelta::zero());
            directory.people.get_mut(&"anna".parse().unwrap()).unwrap().shift_notice = Some(TimeDelta::days(2));
        });
        redeclared::follow(&night.context).await.unwrap();
        until(&night, "2026-03-14T07:59:59Z").await;
        assert_eq!(said(&night), []);
        until(&night, "2026-03-14T08:00:00Z").await;
        let told = said(&night);
        assert_eq!(told.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(), [ANNA]);
        assert!(told[0].1.starts_with("Dein Dienst primary beginnt um 2026-03-16 09:00, bis"), "{told:?}");
        night.end().await;
    }
}
