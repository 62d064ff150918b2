//! Promise: alerts are taken in, durably, at least half as fast as a bare axum handler that only writes
//! the same two rows in group commits, on SQLite (synchronous=FULL) and on PostgreSQL.
//!
//! Beside them stands what the database does when it is written to directly, row by row and in groups.
//! While Pikett takes events in, it already tells people about them: that is part of its slices. What is
//! left to tell after a slice is finished before the next one begins, so that it burdens nobody else's.

#[path = "support/asker.rs"]
mod asker;
#[path = "support/client.rs"]
mod client;
#[path = "support/closed.rs"]
mod closed;
#[path = "../tests/support/database.rs"]
mod database;
#[path = "support/direct.rs"]
mod direct;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/house.rs"]
mod house;
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
#[path = "support/skeleton.rs"]
mod skeleton;
#[path = "support/slice.rs"]
mod slice;
#[path = "support/tool.rs"]
mod tool;

use std::{collections::VecDeque, net::SocketAddr, process::ExitCode, time::Duration};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use client::Client;
use database::Scratch;
use figures::Spread;
use house::House;
use pikett::clock::Clock;
use rows::Rows;
use skeleton::{Commit, GROUP};
use sqlx::{AnyConnection, Connection, Row};
use tool::Tool;

const CLIENTS: usize = 64;
const MSP: &str = include_str!("support/msp.toml");
const MESSAGES_PER_SECOND: u32 = 100;
const KEY: &str = "storm000000000000000000000000000";
/// SQLite has one writer. On PostgreSQL one group is written while the other is committed; with six
/// committers the bare handler was slower by a third, since their groups are smaller.
const COMMITTERS_SQLITE: usize = 1;
const COMMITTERS_POSTGRES: usize = 2;

fn main() -> ExitCode {
    let Some(rounds) = run::rounds(30) else { return ExitCode::SUCCESS };
    let asker = asker::start();
    let mut kept = Vec::new();
    for (name, committers) in [("SQLite", COMMITTERS_SQLITE), ("PostgreSQL", COMMITTERS_POSTGRES)] {
        println!("alerts taken in on {name}, {CLIENTS} clients, per second");
        kept.push(asker.block_on(on(name, committers, rounds)));
    }
    run::verdict(&kept)
}

async fn on(name: &str, committers: usize, rounds: usize) -> bool {
    let (beside, house) =
        (scratch(name).await, House::open(MSP, scratch(name).await, house::free(), MESSAGES_PER_SECOND).await);
    let servers = serve::servers();
    let skeleton = servers.spawn(skeleton(beside.url.clone(), committers)).await.expect("it starts");
    let mut direct = VecDeque::new();
    for _ in 0..committers {
        direct.push_back(Rows::open(&beside.url).await);
    }
    let (mut single, mut grouped, mut bare, mut pikett) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        single.push(closed::per_second(&mut direct, async |rows| rows.commit(1).await).await);
        grouped.push(closed::per_second(&mut direct, async |rows| rows.commit(GROUP).await).await * GROUP as f64);
        bare.push(closed::per_second(&mut tools(skeleton).await, trigger).await);
        slice::breathe().await;
        pikett.push(closed::per_second(&mut tools(house.address).await, trigger).await);
        settled(&house.database.url).await;
    }
    let ratio = ratios::of(&pikett, &bare);
    println!("  Pikett {}, bare handler {}; ratio {ratio}", Spread::of(&pikett), Spread::of(&bare));
    println!("  to inserts in groups of {GROUP} ({}): {}", Spread::of(&grouped), ratios::of(&pikett, &grouped));
    println!("  to inserts one by one ({}): {}", Spread::of(&single), ratios::of(&pikett, &single));
    drop(direct);
    servers.shutdown_background();
    house.close().await;
    beside.remove().await;
    run::promise(ratio.median >= 0.5, "at least half of the bare handler's")
}

async fn scratch(name: &str) -> Scratch {
    if name == "SQLite" { Scratch::sqlite() } else { Scratch::postgres().await }
}

/// On fresh connections: a server closes those that wait for long.
async fn tools(address: SocketAddr) -> VecDeque<Tool> {
    let mut tools = VecDeque::new();
    for _ in 0..CLIENTS {
        tools.push_back(Tool::new(Client::connect(address).await, KEY));
    }
    tools
}

async fn trigger(tool: &mut Tool) {
    tool.trigger().await;
}

/// The handler that only writes the two rows.
async fn skeleton(url: String, committers: usize) -> SocketAddr {
    let mut rows = Vec::new();
    for _ in 0..committers {
        rows.push(Rows::open(&url).await);
    }
    skeleton::serve(rows, accepted).await
}

fn accepted() -> Response {
    let answer = Json(serde_json::json!({ "status": "success", "message": "Event processed" }));
    (StatusCode::ACCEPTED, answer).into_response()
}

impl Commit for Rows {
    async fn commit(&mut self, events: usize) {
        Rows::commit(self, events).await;
    }
}

/// Everybody is told who is to be told now.
async fn settled(url: &str) {
    let mut db = AnyConnection::connect(url).await.expect("the database opens");
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    loop {
        pace.tick().await;
        let due = sqlx::query("SELECT COUNT(*) AS count FROM timers WHERE kind = 'escalate' AND due_at <= $1")
            .bind(Clock::system().now().timestamp_millis())
            .fetch_one(&mut db)
            .await
            .expect("timers can be counted");
        if due.get::<i64, _>("count") == 0 {
            break;
        }
    }
    db.close().await.expect("the connection closes");
}
