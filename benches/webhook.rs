//! Promise: a turn of a call is answered within 10 ms (p99) at 200 requests per second on SQLite, and at
//! full speed at least a third as often as a bare axum handler answers a constant document.
//!
//! A call's turns are the first webhook and menu keys, signed, each with its own commit before the
//! answer. The caller is known by number: checking a PIN is slow on purpose.

#[path = "support/caller.rs"]
mod caller;
#[path = "support/client.rs"]
mod client;
#[path = "support/closed.rs"]
mod closed;
#[path = "../tests/support/database.rs"]
mod database;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/house.rs"]
mod house;
#[path = "support/open.rs"]
mod open;
#[path = "support/run.rs"]
mod run;
#[path = "support/serve.rs"]
mod serve;
#[path = "support/service.rs"]
mod service;
#[path = "support/slice.rs"]
mod slice;

use std::{collections::VecDeque, net::SocketAddr, process::ExitCode};

use axum::{Router, body::Bytes, http::header};
use caller::Caller;
use client::Client;
use database::Scratch;
use figures::{Spread, quantile};
use house::House;

const PER_SECOND: u32 = 200;
const AT_ONCE: usize = 64;
/// The menu once more, then a question: the caller is asked for a message.
const KEYS: &[&str] = &["0", "3"];

fn main() -> ExitCode {
    let Some(rounds) = run::rounds(40) else { return ExitCode::SUCCESS };
    let asker = run::asker();
    let kept = asker.block_on(on(Scratch::sqlite(), rounds));
    println!("the same on PostgreSQL, of which nothing is promised");
    let scratch = asker.block_on(Scratch::postgres());
    asker.block_on(on(scratch, rounds));
    run::verdict(&kept)
}

async fn on(database: Scratch, rounds: usize) -> [bool; 2] {
    // Nobody is rung or paged in these calls.
    let house = House::open(database, house::free()).await;
    let url = format!("http://{}", house.address);
    let document = Caller::new(Client::connect(house.address).await, &url, KEYS).turn().await;
    let servers = serve::servers();
    let bare = servers.spawn(bare(document)).await.expect("it starts");
    let (mut ours, mut theirs) = (callers(house.address, &url).await, callers(bare, &url).await);
    let kept = [latency(rounds, &mut ours, &mut theirs).await, throughput(rounds, &mut ours, &mut theirs).await];
    servers.shutdown_background();
    house.close().await;
    kept
}

async fn bare(document: String) -> SocketAddr {
    let answer = async move |_: Bytes| ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], document);
    serve::serve(Router::new().fallback(answer)).await
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
        let ratio = Spread::of_ratios(&of_slices(&slices, part), &of_slices(&bare_slices, part));
        let (ours, theirs) = (quantile(&all, part) * 1e3, quantile(&bare_all, part) * 1e3);
        println!("  p{:.0}: Pikett {ours:.2} ms, bare {theirs:.2} ms; ratio {ratio}", part * 100.0);
    }
    run::promise(quantile(&all, 0.99) < 0.010, "p99 below 10 ms")
}

async fn throughput(rounds: usize, ours: &mut VecDeque<Caller>, theirs: &mut VecDeque<Caller>) -> bool {
    let (mut rates, mut bare_rates) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare_rates.push(closed::per_second(theirs, turn).await);
        slice::breathe().await;
        rates.push(closed::per_second(ours, turn).await);
        slice::breathe().await;
    }
    let ratio = Spread::of_ratios(&rates, &bare_rates);
    println!("webhook turns at full speed, {AT_ONCE} callers at once");
    println!("  Pikett {}/s, bare {}/s; ratio {ratio}", Spread::of(&rates), Spread::of(&bare_rates));
    run::promise(ratio.median >= 1.0 / 3.0, "at least a third of the bare handler's")
}
