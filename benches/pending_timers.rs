//! Promise: what is due is found in constant time: with a million pending timers the p99 of finding and claiming
//! a due one is less than 1.3 times that with a thousand.
//!
//! Two databases take turns, one with few timers and one with many. A timer that is due is set, found as the
//! worker finds it (when is the next one due, then the claim, committed), and completed; the finding is measured.

#[path = "support/asker.rs"]
mod asker;
#[path = "../tests/support/database.rs"]
mod database;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/ratios.rs"]
mod ratios;
#[path = "support/run.rs"]
mod run;
#[path = "support/slice.rs"]
mod slice;

use std::process::ExitCode;

use chrono::TimeDelta;
use database::Scratch;
use figures::{Spread, quantile};
use pikett::{
    clock::{Clock, Ids, Stopwatch},
    model::id::OrgId,
    store::{
        Store,
        timers::{self, Crowd, DueTimer, Later},
    },
};
use sqlx::Connection;

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
const RATIO_MAX: f64 = 1.3;
/// The kind of an alert's next escalation.
const KIND: &str = "escalate";
const AT_ONCE: usize = 5_000;
const LEASE: TimeDelta = TimeDelta::seconds(30);

fn main() -> ExitCode {
    let Some(rounds) = run::rounds(30) else { return ExitCode::SUCCESS };
    let asker = asker::start();
    let mut kept = Vec::new();
    for name in ["SQLite", "PostgreSQL"] {
        println!("finding a due timer on {name}, with {FEW} and with {MANY} pending ones");
        kept.push(asker.block_on(on(name, rounds)));
    }
    run::verdict(&kept)
}

async fn on(name: &str, rounds: usize) -> bool {
    let (few, many) = (Timers::pending(name, FEW).await, Timers::pending(name, MANY).await);
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        of_few.push(few.slice().await);
        slice::breathe().await;
        of_many.push(many.slice().await);
        slice::breathe().await;
    }
    let each = |slices: &[Vec<f64>], part| slices.iter().map(|slice| quantile(slice, part) * 1e3).collect::<Vec<_>>();
    for (part, word) in [(0.5, "p50"), (0.99, "p99")] {
        let (few, many) = (each(&of_few, part), each(&of_many, part));
        let ratio = ratios::of(&many, &few);
        println!("  {word}: {} ms and {} ms; ratio {ratio}", Spread::of(&few), Spread::of(&many));
    }
    println!("  {} and {} were found", of_few.concat().len(), of_many.concat().len());
    let ratio = ratios::of(&each(&of_many, 0.99), &each(&of_few, 0.99));
    few.close().await;
    many.close().await;
    run::promise(ratio.median < RATIO_MAX, "the p99 with a million is below 1.3 times that with a thousand")
}

struct Timers {
    store: Store,
    scratch: Scratch,
    clock: Clock,
    ids: Ids,
}

fn org() -> OrgId {
    "default".parse().expect("`default` is a plain word")
}

impl Timers {
    /// So many that are due within the next month, none of them soon.
    async fn pending(name: &str, count: usize) -> Self {
        let scratch = if name == "SQLite" { Scratch::sqlite() } else { Scratch::postgres().await };
        let store = Store::open(&scratch.url).await.expect("the database opens");
        let timers = Self { store, scratch, clock: Clock::system(), ids: Ids::random() };
        for begin in (0..count).step_by(AT_ONCE) {
            timers.set_later(begin..count.min(begin + AT_ONCE)).await;
        }
        // What autovacuum does within a minute.
        let mut db = sqlx::AnyConnection::connect(&timers.scratch.url).await.expect("the database opens");
        if db.backend_name() == "PostgreSQL" {
            sqlx::raw_sql("VACUUM ANALYZE timers").execute(&mut db).await.expect("it has been filled");
        }
        db.close().await.expect("the connection closes");
        timers
    }

    async fn set_later(&self, numbers: std::ops::Range<usize>) {
        let from = self.clock.now() + TimeDelta::days(1);
        let write = async move |db: &mut sqlx::AnyConnection| {
            let org = org();
            let subjects: Vec<String> = numbers.clone().map(|number| format!("alr_{number:026}")).collect();
            let later = subjects.iter().zip(numbers.clone()).map(|(subject, number)| {
                // In no order, as alerts come.
                let minutes = i64::try_from(number * 7_919 % 43_200).unwrap_or(0);
                Later { org: &org, kind: KIND, subject, due_at: from + TimeDelta::minutes(minutes) }
            });
            timers::set_later(db, &later.collect::<Vec<_>>()).await
        };
        self.store.write(write).await.expect("timers can be set");
    }

    /// How long each due timer took to be found.
    async fn slice(&self) -> Vec<f64> {
        let (watch, mut waits) = (Stopwatch::start(), Vec::new());
        while watch.seconds() < slice::SLICE_S {
            let subject = self.due().await;
            let begun = Stopwatch::start();
            let found = self.find().await;
            waits.push(begun.seconds());
            assert_eq!(found.iter().map(|timer| timer.subject.as_str()).collect::<Vec<_>>(), [subject.as_str()]);
            self.complete(found).await;
        }
        waits
    }

    /// Sets one that is due now.
    async fn due(&self) -> String {
        let (subject, now) = (format!("alr_{}", &self.ids.nonce()[..26]), self.clock.now());
        let unit = subject.clone();
        let write = async move |db: &mut sqlx::AnyConnection| timers::set(db, &org(), KIND, &unit, now, "").await;
        self.store.write(write).await.expect("a timer can be set");
        subject
    }

    /// As the worker does.
    async fn find(&self) -> Vec<DueTimer> {
        let next = {
            let mut db = self.store.read().await.expect("the database can be read");
            timers::next_due(&mut db, Crowd::Others).await.expect("it answers")
        };
        let (now, lease) = (self.clock.now(), self.ids.nonce());
        assert!(next.is_some_and(|next| next <= now), "one is due");
        let claim = async move |db: &mut sqlx::AnyConnection| {
            timers::claim(db, Crowd::Others, now, now + LEASE, &lease, 10).await
        };
        self.store.write(claim).await.expect("timers can be claimed").due
    }

    async fn complete(&self, found: Vec<DueTimer>) {
        for timer in found {
            let write = async move |db: &mut sqlx::AnyConnection| timers::complete(db, &timer).await;
            assert!(self.store.write(write).await.expect("a timer can be completed"), "it was ours");
        }
    }

    async fn close(self) {
        self.store.close().await;
        self.scratch.remove().await;
    }
}
