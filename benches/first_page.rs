//! Promise: from the answer that an alert was accepted to the first request at the carrier it takes less
//! than 10 ms (p50) and less than 50 ms (p99), at 1, 100 and 1,000 alerts a second.
//!
//! In between lie three commits: the claim of the alert's timer, the decision whom to tell, the claim of
//! the message. Beside Pikett stands the least that this can take: three bare commits of the same
//! database and one bare request to the same carrier. Limits of people and of the carrier are lifted: each alert
//! is a page of its own, at once. The second figure counts from the instant at which the event was due to be
//! sent, so that whatever lets a tool wait for its 202 counts as well.

#[path = "support/asker.rs"]
mod asker;
#[path = "support/carrier.rs"]
mod carrier;
#[path = "support/client.rs"]
mod client;
#[path = "../tests/support/database.rs"]
mod database;
#[path = "support/direct.rs"]
mod direct;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/house.rs"]
mod house;
#[path = "support/open.rs"]
mod open;
#[path = "support/ratios.rs"]
mod ratios;
#[path = "support/rows.rs"]
mod rows;
#[path = "support/run.rs"]
mod run;
#[path = "support/serve.rs"]
mod serve;
#[path = "support/service.rs"]
mod service;
#[path = "support/slice.rs"]
mod slice;
#[path = "support/tool.rs"]
mod tool;

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    process::ExitCode,
    time::Duration,
};

use carrier::Carrier;
use client::Client;
use database::Scratch;
use figures::quantile;
use house::House;
use pikett::clock::Stopwatch;
use rows::Rows;
use tool::Tool;

/// Alerts a second, and for how long at a stretch.
const LOADS: [(u32, f64); 3] = [(1, 1.0), (100, 0.5), (1_000, 0.5)];
const MSP: &str = include_str!("support/msp.toml");
/// More than there will be.
const CARRIER_PER_SECOND: u32 = 100_000;
/// Connections of tools; more than ever wait for a 202.
const TOOLS: usize = 64;
/// At which the least is measured: one connection can do no more than some hundred.
const LEAST_PER_SECOND: u32 = 20;
const COMMITS: usize = 3;
const ANNA: &str = "+4915110000001";
const KEY: &str = "page0000000000000000000000000000";
/// Somebody must have been told by then.
const PATIENCE_S: f64 = 60.0;

fn main() -> ExitCode {
    let Some(rounds) = run::rounds(60) else { return ExitCode::SUCCESS };
    let asker = asker::start();
    let mut kept = Vec::new();
    for name in ["SQLite", "PostgreSQL"] {
        for load in LOADS {
            println!("from the 202 to the first request at the carrier on {name}, {} alerts/s", load.0);
            kept.push(asker.block_on(on(name, load, rounds)));
        }
    }
    run::verdict(&kept)
}

async fn on(name: &str, load: (u32, f64), rounds: usize) -> bool {
    let (servers, watch) = (serve::servers(), Stopwatch::start());
    let carrier = servers.spawn(async move { Carrier::start(watch).await }).await.expect("it starts");
    let beside = scratch(name).await;
    let house = House::open(MSP, scratch(name).await, carrier.address, CARRIER_PER_SECOND).await;
    let mut tools = VecDeque::new();
    for _ in 0..TOOLS {
        tools.push_back(Tool::new(Client::connect(house.address).await, KEY));
    }
    let least = (Rows::open(&beside.url).await, Client::connect(carrier.address).await);
    let mut least = VecDeque::from([least]);
    let (mut ours, mut since_due, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(open::at(LEAST_PER_SECOND, &mut least, page).await);
        carrier.take();
        slice::breathe().await;
        let (since_accepted, all) = pages(load, &mut tools, &carrier, watch).await;
        ours.push(since_accepted);
        since_due.extend(all);
        slice::breathe().await;
    }
    let of_slices = |slices: &[Vec<f64>]| slices.iter().map(|slice| quantile(slice, 0.5)).collect::<Vec<_>>();
    let ratio = ratios::of(&of_slices(&ours), &of_slices(&theirs));
    let (ours, theirs) = (ours.concat(), theirs.concat());
    let (p50, p99) = (quantile(&ours, 0.5), quantile(&ours, 0.99));
    println!("  Pikett {} ({} alerts)", words(&ours), ours.len());
    println!("  from when the event was due to be sent: {}", words(&since_due));
    println!("  {COMMITS} commits and a request: {}; ratio of medians {ratio}", words(&theirs));
    servers.shutdown_background();
    drop(least);
    house.close().await;
    beside.remove().await;
    run::promise(p50 < 0.010 && p99 < 0.050, "p50 below 10 ms and p99 below 50 ms")
}

fn words(seconds: &[f64]) -> String {
    format!("p50 {:.2} ms, p99 {:.2} ms", quantile(seconds, 0.5) * 1e3, quantile(seconds, 0.99) * 1e3)
}

async fn scratch(name: &str) -> Scratch {
    if name == "SQLite" { Scratch::sqlite() } else { Scratch::postgres().await }
}

/// The least that telling somebody takes.
async fn page((rows, carrier): &mut (Rows, Client)) {
    for _ in 0..COMMITS {
        rows.commit(1).await;
    }
    let form = "To=%2B4915110000001&From=%2B4930901820&Body=disk+is+full";
    let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
    let answer = carrier.post("/2010-04-01/Accounts/AC1/Messages.json", headers, form).await;
    assert_eq!(answer.status, 201);
}

/// A slice of alerts: how long after its 202 each of their messages came to the carrier, and how long after it
/// was due to be sent.
async fn pages(
    (per_second, seconds): (u32, f64),
    tools: &mut VecDeque<Tool>,
    carrier: &Carrier,
    watch: Stopwatch,
) -> (Vec<f64>, Vec<f64>) {
    let (accepted, begun) = (RefCell::new(Vec::new()), watch.seconds());
    let trigger = async |tool: &mut Tool, due: f64| {
        let word = tool.trigger().await;
        accepted.borrow_mut().push((word, watch.seconds(), begun + due));
    };
    open::during(seconds, per_second, tools, trigger).await;
    let accepted = accepted.into_inner();
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    while carrier.count() < accepted.len() {
        assert!(watch.seconds() - begun < PATIENCE_S, "an alert was accepted, and nobody was told");
        pace.tick().await;
    }
    let messages = carrier.take();
    assert!(messages.iter().all(|message| message.to == ANNA), "she alone is on call");
    let came: BTreeMap<&str, f64> = messages.iter().map(|message| (message.word(), message.at)).collect();
    let came_at = |word: &str| *came.get(word).expect("each alert is a page of its own");
    accepted.iter().map(|(word, at, due)| (came_at(word) - at, came_at(word) - due)).unzip()
}
