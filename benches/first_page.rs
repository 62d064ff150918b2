//! Promise: from the answer that an alert was accepted to the first request at the carrier it takes less
//! than 10 ms (p50) and less than 50 ms (p99).
//!
//! In between lie three commits: the claim of the alert's timer, the decision whom to tell, the claim of
//! the message. Beside Pikett stands the least that this can take: three bare commits of the same
//! database and one bare request to the same carrier.

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

use std::{cell::RefCell, collections::VecDeque, process::ExitCode, time::Duration};

use carrier::Carrier;
use client::Client;
use database::Scratch;
use figures::quantile;
use house::House;
use pikett::clock::Stopwatch;
use rows::Rows;
use tool::Tool;

const PER_SECOND: u32 = 20;
const COMMITS: usize = 3;
const KEY: &str = "page0000000000000000000000000000";

fn main() -> ExitCode {
    let Some(rounds) = run::rounds(60) else { return ExitCode::SUCCESS };
    let asker = asker::start();
    let mut kept = Vec::new();
    for name in ["SQLite", "PostgreSQL"] {
        println!("from the 202 to the first request at the carrier on {name}, {PER_SECOND} alerts/s");
        kept.push(asker.block_on(on(name, rounds)));
    }
    run::verdict(&kept)
}

async fn on(name: &str, rounds: usize) -> bool {
    let (servers, watch) = (serve::servers(), Stopwatch::start());
    let carrier = servers.spawn(async move { Carrier::start(watch).await }).await.expect("it starts");
    let beside = scratch(name).await;
    let house = House::open(scratch(name).await, carrier.address).await;
    let mut tools = VecDeque::new();
    for _ in 0..PER_SECOND {
        tools.push_back(Tool::new(Client::connect(house.address).await, KEY));
    }
    let least = (Rows::open(&beside.url).await, Client::connect(carrier.address).await);
    let mut least = VecDeque::from([least]);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(open::at(PER_SECOND, &mut least, page).await);
        slice::breathe().await;
        ours.push(pages(&mut tools, &carrier, watch).await);
        slice::breathe().await;
    }
    let of_slices = |slices: &[Vec<f64>]| slices.iter().map(|slice| quantile(slice, 0.5)).collect::<Vec<_>>();
    let ratio = ratios::of(&of_slices(&ours), &of_slices(&theirs));
    let (ours, theirs) = (ours.concat(), theirs.concat());
    let (p50, p99) = (quantile(&ours, 0.5), quantile(&ours, 0.99));
    let (least_p50, least_p99) = (quantile(&theirs, 0.5) * 1e3, quantile(&theirs, 0.99) * 1e3);
    println!("  Pikett p50 {:.2} ms, p99 {:.2} ms ({} alerts)", p50 * 1e3, p99 * 1e3, ours.len());
    println!(
        "  {COMMITS} commits and a request: p50 {least_p50:.2} ms, p99 {least_p99:.2} ms; ratio of medians {ratio}"
    );
    servers.shutdown_background();
    drop(least);
    house.close().await;
    beside.remove().await;
    run::promise(p50 < 0.010 && p99 < 0.050, "p50 below 10 ms and p99 below 50 ms")
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

/// A slice of alerts; how long after its 202 each of their messages came to the carrier.
async fn pages(tools: &mut VecDeque<Tool>, carrier: &Carrier, watch: Stopwatch) -> Vec<f64> {
    let accepted = RefCell::new(Vec::new());
    let trigger = async |tool: &mut Tool| {
        let word = tool.trigger().await;
        accepted.borrow_mut().push((word, watch.seconds()));
    };
    open::at(PER_SECOND, tools, trigger).await;
    let accepted = accepted.into_inner();
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    let begun = Stopwatch::start();
    loop {
        let waits: Option<Vec<f64>> =
            accepted.iter().map(|(word, at)| carrier.came(word).map(|came| came - at)).collect();
        if let Some(waits) = waits {
            carrier.forget();
            return waits;
        }
        assert!(begun.seconds() < 30.0, "an alert was accepted, and nobody was told");
        pace.tick().await;
    }
}
