//! The process dies at random moments, under load, again and again: `kill -9` of the real binary on a real
//! database, while customers phone and monitoring tools send events. Afterwards every accepted alert still
//! escalates or is in somebody's hands, and every accepted call has an outcome.
//!
//! `PIKETT_FAULT_SEED` plays another run; `PIKETT_FAULT_KILLS` kills more often.

#![expect(clippy::unwrap_used, reason = "the whole crate is tests")]

#[path = "support/database.rs"]
mod database;
#[path = "faults/promised.rs"]
mod promised;
#[path = "support/promises.rs"]
mod promises;
#[path = "faults/service.rs"]
mod service;
#[path = "support/town.rs"]
mod town;

use std::{env, fs, mem, net::Ipv4Addr, str::FromStr, time::Duration};

use chrono::TimeDelta;
use pikett::{
    clock::Clock,
    demo::stage::{Set, Stage},
    model::Instant,
    sim::{Faults, RestFaults, Times},
    store::Store,
};

use database::Scratch;
use promises::{Kept, Promises};
use service::Victim;
use town::{Busy, Chance, Town};

/// Monday, 02:30 in Berlin.
const BEGIN: &str = "2026-03-02T01:30:00Z";
/// A minute of the night in three seconds: a lease of 30 s is still long enough for what it must outlast.
const SPEED: f64 = 20.0;
const BUSY: Busy = Busy { tools: 4, events_every_s: 12.0, callers: 12, calls_every_s: 20.0, answered: 0.25 };
/// Callers wait five minutes and then speak; five minutes later the carrier is asked about those of whom
/// nothing more was heard.
const CALM: TimeDelta = TimeDelta::minutes(25);

/// Real time, when all goes well: a minute at most.
const PATIENCE: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_by_50_kills_on_sqlite() {
    survives(Scratch::sqlite(), 50, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_by_10_kills_on_postgresql() {
    survives(Scratch::postgres().await, 10, 2).await;
}

fn number<T: FromStr>(variable: &str) -> Option<T> {
    env::var(variable).ok().and_then(|value| value.parse().ok())
}

async fn survives(scratch: Scratch, kills: u32, seed: u64) {
    let seed = number("PIKETT_FAULT_SEED").unwrap_or(seed);
    let kills = number("PIKETT_FAULT_KILLS").unwrap_or(kills);
    let folder = tempfile::tempdir().unwrap();
    // For whatever fails in between.
    println!("PIKETT_FAULT_SEED={seed}, {kills} kills");
    let clock = Clock::faster(BEGIN.parse().unwrap(), SPEED);
    let stage = stage(folder.path(), &clock, seed, &scratch.url).await;
    let mut victim = Victim::new(&stage, &clock);
    victim.start();
    victim.ready().await;
    let town = Town::open(&stage, &clock, seed, BUSY);
    let night = async {
        let deaths = kill(&mut victim, &clock, &Chance::new(seed), kills).await;
        town.close().await;
        deaths
    };
    let deaths = tokio::time::timeout(PATIENCE, night).await.unwrap_or_else(|_| {
        panic!("PIKETT_FAULT_SEED={seed}: the night finds no end");
    });
    let store = Store::open(stage.config.database.url.expose()).await.unwrap();
    let promises = Promises { town: &town, store: &store, clock: &clock, kills: Some(&deaths) };
    let mut kept = promises.kept_within(CALM).await;
    kept.broken.extend(complaints(&fs::read_to_string(&victim.log).unwrap()));
    println!("seed {seed}: {}", kept.summary);
    drop(victim);
    store.close().await;
    stage.sim.stop().await;
    if !kept.broken.is_empty() {
        let (folder, url, broken) = (folder.keep(), scratch.url.clone(), kept.broken.join("\n"));
        // Whoever looks for the cause needs the database.
        mem::forget(scratch);
        panic!("PIKETT_FAULT_SEED={seed}, {kills} kills, see {} and {url}:\n{broken}", folder.display());
    }
    scratch.remove().await;
    expect_a_busy_night(&kept, kills);
}

/// What the service says itself: a panic, or that its watcher mends what no unit of work may leave behind.
/// (After a death rows are late: that it may find.)
pub fn complaints(log: &str) -> Vec<String> {
    let is_late = |line: &str| line.contains("rows are due for long");
    let is_one = |line: &&str| line.contains("panicked") || line.contains("WARN pikett::work::watch") && !is_late(line);
    log.lines().filter(is_one).map(|line| format!("the service says: {line}")).collect()
}

pub async fn stage(folder: &std::path::Path, clock: &Clock, seed: u64, database: &str) -> Stage {
    let times = Times { calls_per_second: f64::INFINITY, ..Times::default() };
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    let set = Set { folder, listen, clock: clock.clone(), seed, times, database: Some(database) };
    let stage = Stage::set(set).await.unwrap();
    // Some are killed after the carrier has done what they asked for, and before they hear of it.
    let rest = RestFaults { answer_s: 1.0, ..RestFaults::default() };
    stage.sim.faults().set(Faults { rest, ..Faults::default() });
    // So much money is spent in no real night.
    let msp = folder.join("msp.toml");
    let limits = "[limits]\ncalls_per_hour = 100000\nsms_per_hour = 100000\ncalls_per_day = 100000\nsms_per_day = 100000\n\
                  number_calls_per_hour = 100000\nnumber_calls_per_day = 100000\nnumber_sms_per_hour = 100000\n\
                  number_sms_per_day = 100000\nsudden_per_hour = 0\n";
    fs::write(&msp, fs::read_to_string(&msp).unwrap().replace("[limits]\n", limits)).unwrap();
    stage.apply().await.unwrap();
    stage
}

/// Answers when it died. Most lives are short, some last a minute; now and then one ends while it begins.
async fn kill(victim: &mut Victim, clock: &Clock, chance: &Chance, kills: u32) -> Vec<Instant> {
    let mut deaths = Vec::new();
    for _ in 0..kills {
        let is_stillborn = chance.happens(0.1);
        if !is_stillborn {
            victim.ready().await;
        }
        let life = chance.between(0.0, 1.0).powi(2);
        clock.sleep(chance.seconds(0.0, if is_stillborn { 2.0 } else { 2.0 + 60.0 * life })).await;
        victim.kill();
        deaths.push(clock.now());
        victim.start();
    }
    victim.ready().await;
    deaths
}

/// A test in which nothing happens would be kept as well.
fn expect_a_busy_night(kept: &Kept, kills: u32) {
    let kills = usize::try_from(kills).unwrap();
    assert!(kept.events > kills && kept.calls > kills / 2, "too little went on: {}", kept.summary);
    for (what, count) in &kept.outcomes {
        assert!(*count >= kills / 50, "no call ended as {what}: {}", kept.summary);
    }
}
