//! Promise: a turn of a call is answered within 10 ms (p99) at 200 requests per second on SQLite, and at
//! full speed at least a third as often as a bare axum handler that only commits the two rows a turn cannot do
//! without, in group commits: the call goes on by compare-and-set, and its document is kept.
//!
//! Beside them stands a bare handler that answers a constant document from memory: what HTTP alone allows.
//! A call's turns are the first webhook and menu keys, signed, each durable before the answer. The caller is
//! known by number: checking a PIN is slow on purpose.

#[path = "support/asker.rs"]
mod asker;
#[path = "support/bare_turns.rs"]
mod bare_turns;
#[path = "support/caller.rs"]
mod caller;
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
#[path = "support/open.rs"]
mod open;
#[path = "support/ratios.rs"]
mod ratios;
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

use std::{collections::VecDeque, net::SocketAddr, process::ExitCode};

use axum::{Router, body::Bytes, http::header, response::IntoResponse};
use bare_turns::BareTurns;
use caller::Caller;
use client::Client;
use database::Scratch;
use figures::{Spread, quantile};
use house::House;
use sqlx::{AnyConnection, Connection, Row};

const MSP: &str = include_str!("support/msp.toml");
const MESSAGES_PER_SECOND: u32 = 100;
const PER_SECOND: u32 = 200;
const AT_ONCE: usize = 64;
/// SQLite has one writer. On PostgreSQL one group is written while the other is committed.
const COMMITTERS_SQLITE: usize = 1;
const COMMITTERS_POSTGRES: usize = 2;
const CONTENT_TYPE: &str = "text/xml; charset=utf-8";
/// The menu once more, then a question: the caller is asked for a message.
const KEYS: &[&str] = &["0", "3"];

fn main() -> ExitCode {
    let Some(rounds) = run::rounds(40) else { return ExitCode::SUCCESS };
    let asker = asker::start();
    let kept = asker.block_on(on([Scratch::sqlite(), Scratch::sqlite()], COMMITTERS_SQLITE, rounds));
    println!("the same on PostgreSQL, of which nothing is promised");
    let scratches = asker.block_on(async { [Scratch::postgres().await, Scratch::postgres().await] });
    asker.block_on(on(scratches, COMMITTERS_POSTGRES, rounds));
    run::verdict(&kept)
}

async fn on([database, beside]: [Scratch; 2], committers: usize, rounds: usize) -> [bool; 2] {
    // Nobody is rung or paged in these calls.
    let house = House::open(MSP, database, house::free(), MESSAGES_PER_SECOND).await;
    let url = format!("http://{}", house.address);
    let document = Caller::new(Client::connect(house.address).await, &url, KEYS).turn().await;
    let state = state(&house.database.url).await;
    let servers = serve::servers();
    let constant = servers.spawn(constant(document.clone())).await.expect("it starts");
    let durable = servers.spawn(durable(beside.url.clone(), committers, state, document)).await.expect("it starts");
    let mut pikett = callers(house.address, &url).await;
    let (mut constant, mut durable) = (callers(constant, &url).await, callers(durable, &url).await);
    let kept = [
        latency(rounds, &mut pikett, &mut constant).await,
        throughput(rounds, &mut pikett, &mut constant, &mut durable).await,
    ];
    servers.shutdown_background();
    house.close().await;
    beside.remove().await;
    kept
}

/// What the flow engine keeps of a call after its first turn.
async fn state(url: &str) -> String {
    sqlx::any::install_default_drivers();
    let mut db = AnyConnection::connect(url).await.expect("the database opens");
    let row = sqlx::query("SELECT state FROM calls").fetch_one(&mut db).await.expect("one call was made");
    let state = row.get("state");
    db.close().await.expect("the connection closes");
    state
}

async fn constant(document: String) -> SocketAddr {
    let answer = async move |_: Bytes| ([(header::CONTENT_TYPE, CONTENT_TYPE)], document);
    serve::serve(Router::new().fallback(answer)).await
}

async fn durable(url: String, committers: usize, state: String, document: String) -> SocketAddr {
    let mut turns = Vec::new();
    for _ in 0..committers {
        turns.push(BareTurns::open(&url, &state, &document).await);
    }
    skeleton::serve(turns, move || ([(header::CONTENT_TYPE, CONTENT_TYPE)], document.clone()).into_response()).await
}

async fn callers(address: SocketAddr, public_url: &str) -> VecDeque<Caller> {
    let mut callers = VecDeque::new();
    for _ in 0..AT_ONCE {
        callers.push_back(Caller::new(Client::connect(address).await, public_url, KEYS));
    }
    callers
}

async fn turn(caller: &mut Caller) {
    caller.turn().await;
}

async fn latency(rounds: usize, ours: &mut VecDeque<Caller>, theirs: &mut VecDeque<Caller>) -> bool {
    let (mut slices, mut bare_slices) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare_slices.push(open::at(PER_SECOND, theirs, turn).await);
        slice::breathe().await;
        slices.push(open::at(PER_SECOND, ours, turn).await);
        slice::breathe().await;
    }
    let of_slices = |slices: &[Vec<f64>], part| slices.iter().map(|slice| quantile(slice, part)).collect::<Vec<_>>();
    let (all, bare_all) = (slices.concat(), bare_slices.concat());
    println!("webhook turn at {PER_SECOND} requests/s, {} of each", all.len());
    for part in [0.5, 0.99] {
        let ratio = ratios::of(&of_slices(&slices, part), &of_slices(&bare_slices, part));
        let (ours, theirs) = (quantile(&all, part) * 1e3, quantile(&bare_all, part) * 1e3);
        println!("  p{:.0}: Pikett {ours:.2} ms, bare {theirs:.2} ms; ratio {ratio}", part * 100.0);
    }
    run::promise(quantile(&all, 0.99) < 0.010, "p99 below 10 ms")
}

async fn throughput(
    rounds: usize,
    pikett: &mut VecDeque<Caller>,
    constant: &mut VecDeque<Caller>,
    durable: &mut VecDeque<Caller>,
) -> bool {
    let (mut rates, mut constant_rates, mut durable_rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        constant_rates.push(closed::per_second(constant, turn).await);
        slice::breathe().await;
        durable_rates.push(closed::per_second(durable, turn).await);
        slice::breathe().await;
        rates.push(closed::per_second(pikett, turn).await);
        slice::breathe().await;
    }
    let ratio = ratios::of(&rates, &durable_rates);
    println!("webhook turns at full speed, {AT_ONCE} callers at once, per second");
    println!(
        "  Pikett {}, bare handler that commits {}; ratio {ratio}",
        Spread::of(&rates),
        Spread::of(&durable_rates)
    );
    let share = ratios::of(&rates, &constant_rates);
    println!("  to a constant document ({}): {share}", Spread::of(&constant_rates));
    run::promise(ratio.median >= 1.0 / 3.0, "at least a third of the bare handler that also commits")
}
