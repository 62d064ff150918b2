//! Promise: when a level of 100 people is told and the carrier takes 50 messages a second, all of them are handed
//! to it within 2.2 s of the alert's acceptance. The carrier's own limit lets the last one come after 1.98 s.

#[path = "support/asker.rs"]
mod asker;
#[path = "support/carrier.rs"]
mod carrier;
#[path = "support/client.rs"]
mod client;
#[path = "../tests/support/database.rs"]
mod database;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/house.rs"]
mod house;
#[path = "support/run.rs"]
mod run;
#[path = "support/serve.rs"]
mod serve;
#[path = "support/service.rs"]
mod service;
#[path = "support/tool.rs"]
mod tool;

use std::{collections::BTreeSet, process::ExitCode, time::Duration};

use carrier::{Carrier, Message};
use client::Client;
use database::Scratch;
use figures::Spread;
use house::House;
use pikett::clock::Stopwatch;
use tool::Tool;

const PEOPLE: usize = 100;
const PER_SECOND: u32 = 50;
const WITHIN_S: f64 = 2.2;
const KEY: &str = "page0000000000000000000000000000";
/// Somebody must have been told by then.
const PATIENCE_S: f64 = 60.0;

fn main() -> ExitCode {
    let Some(rounds) = run::rounds(10) else { return ExitCode::SUCCESS };
    let asker = asker::start();
    let mut kept = Vec::new();
    for name in ["SQLite", "PostgreSQL"] {
        println!("until {PEOPLE} people are handed to a carrier that takes {PER_SECOND}/s, on {name}");
        kept.push(asker.block_on(on(name, rounds)));
    }
    run::verdict(&kept)
}

async fn on(name: &str, rounds: usize) -> bool {
    let (servers, watch) = (serve::servers(), Stopwatch::start());
    let carrier = servers.spawn(async move { Carrier::start(watch).await }).await.expect("it starts");
    let database = if name == "SQLite" { Scratch::sqlite() } else { Scratch::postgres().await };
    let house = House::open(&msp(), database, carrier.address, PER_SECOND).await;
    let (mut all, mut first, mut most) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        // On a fresh connection: a server closes those that wait for long.
        let mut tool = Tool::new(Client::connect(house.address).await, KEY);
        tool.trigger().await;
        let accepted = watch.seconds();
        let messages = told(&carrier, watch).await;
        let at: Vec<f64> = messages.iter().map(|message| message.at).collect();
        all.push(at.iter().copied().fold(0.0, f64::max) - accepted);
        first.push(at.iter().copied().fold(f64::MAX, f64::min) - accepted);
        most = most.max(in_a_second(&at));
        // The carrier's line is empty again.
        breathe(Duration::from_secs(1)).await;
    }
    let (all, first) = (Spread::of(&all), Spread::of(&first));
    println!("  all of them after {all} s, the first after {first} s; at most {most} came in one second");
    servers.shutdown_background();
    house.close().await;
    run::promise(all.median <= WITHIN_S, "within 2.2 s")
}

/// Everybody's message.
async fn told(carrier: &Carrier, watch: Stopwatch) -> Vec<Message> {
    let begun = watch.seconds();
    while carrier.count() < PEOPLE {
        assert!(watch.seconds() - begun < PATIENCE_S, "an alert was accepted, and not everybody was told");
        breathe(Duration::from_millis(10)).await;
    }
    let messages = carrier.take();
    let people: BTreeSet<&str> = messages.iter().map(|message| message.to.as_str()).collect();
    assert_eq!((messages.len(), people.len()), (PEOPLE, PEOPLE), "each is told once");
    let alerts: BTreeSet<&str> = messages.iter().map(Message::word).collect();
    assert_eq!(alerts.len(), 1, "each is told of the same alert");
    messages
}

/// How many came in the fullest second.
fn in_a_second(at: &[f64]) -> usize {
    let from = |begin: &f64| at.iter().filter(|at| (*begin..*begin + 1.0).contains(*at)).count();
    at.iter().map(from).max().unwrap_or(0)
}

async fn breathe(length: Duration) {
    let _ = tokio::time::timeout(length, std::future::pending::<()>()).await;
}

/// A level of many people, each with a phone.
fn msp() -> String {
    let person = |n: usize| {
        format!(
            "[[people]]\nid = \"p{n}\"\nname = \"Person {n}\"\nzone = \"Europe/Berlin\"\nlanguage = \"en\"\n\
             contact = [ {{ id = \"sms\", kind = \"sms\", to = \"+4915110{n:06}\" }} ]\n\
             rules.high = [ {{ via = \"sms\" }} ]\n"
        )
    };
    let people: String = (0..PEOPLE).map(person).collect();
    let level: Vec<String> = (0..PEOPLE).map(|n| format!("\"person:p{n}\"")).collect();
    format!(
        "[org]\nname = \"Nordlicht IT\"\npolicy = \"all\"\n\
         [limits]\ncountries = [\"DE\"]\npages_per_minute = 0\nsms_per_hour = 1000000\nsms_per_day = 1000000\n\
         number_sms_per_hour = 1000000\nnumber_sms_per_day = 1000000\nsudden_per_hour = 0\n\
         {people}[[policies]]\nid = \"all\"\nlevels = [ {{ notify = [{}], ack_within = \"1h\" }} ]\n\
         fallback = [\"person:p0\"]\n[[integrations]]\nid = \"page\"\nkey = \"{KEY}\"\npolicy = \"all\"\n",
        level.join(", ")
    )
}
