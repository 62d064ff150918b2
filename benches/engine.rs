//! Promise: the pure engine takes at least 200,000 turns per second on one core through the shipped
//! `sla-hotline`: a known caller reports an outage and is connected, a stranger fails at the PIN and
//! leaves a message, somebody mistypes, somebody hangs up.
//!
//! A turn counts with everything that the hotline asks the engine for: `wants`, then `run`. And the flow's
//! test calls, which play phones, clocks and alerts as well, run at hundreds per second.

#[path = "support/figures.rs"]
mod figures;
#[path = "support/run.rs"]
mod run;

use std::{
    collections::{BTreeMap, BTreeSet},
    hint::black_box,
    process::ExitCode,
};

use figures::Spread;
use pikett::{
    clock::Stopwatch,
    declare::{Directory, File},
    flowtest::{self, Pins, TestCall},
    ivr::{self, Attestation, ConnectEnd, ContractFacts, Facts, Flow, Flows, Input, Money, PinCheck, SlaFacts, Want},
    model::{calendar::CoverageState, id::ContactId, priority::Priority},
};

const SLICE_S: f64 = 0.5;
const PER_SECOND: f64 = 200_000.0;
const CALLS_PER_SECOND: f64 = 300.0;

fn main() -> ExitCode {
    let Some(rounds) = run::rounds(20) else { return ExitCode::SUCCESS };
    let flow = ivr::parse("sla-hotline.toml", include_str!("../ivr-flows/sla-hotline.toml")).expect("it is shipped");
    let calls = calls();
    let rates: Vec<f64> = (0..rounds).map(|_| rate(&flow, &calls)).collect();
    let turns: usize = calls.iter().map(|call| call.inputs.len()).sum();
    println!("engine turns on `sla-hotline`, one core, {} calls with {turns} turns again and again", calls.len());
    let rates = Spread::of(&rates);
    println!("  {rates}/s");
    let turns_kept = run::promise(rates.median >= PER_SECOND, "at least 200,000/s");
    let mut scripted = Scripted::read();
    let rates: Vec<f64> = (0..rounds).map(|_| scripted.rate()).collect();
    let rates = Spread::of(&rates);
    println!("test calls of `sla-hotline`, {} again and again\n  {rates}/s", scripted.calls.len());
    run::verdict(&[turns_kept, run::promise(rates.median >= CALLS_PER_SECOND, "at least 300/s")])
}

/// The shipped flow's test calls on the world that they name.
struct Scripted {
    directory: Directory,
    calls: Vec<TestCall>,
    pins: Pins,
}

impl Scripted {
    fn read() -> Self {
        let file = |name: &str, text: &str| File { name: name.to_owned(), text: text.to_owned() };
        let flows = [
            file("after-hours-only.toml", include_str!("../ivr-flows/after-hours-only.toml")),
            file("bilingual-triage.toml", include_str!("../ivr-flows/bilingual-triage.toml")),
            file("intake-five-w.toml", include_str!("../ivr-flows/intake-five-w.toml")),
            file("major-outage.toml", include_str!("../ivr-flows/major-outage.toml")),
            file("overflow-to-partner.toml", include_str!("../ivr-flows/overflow-to-partner.toml")),
            file("sla-hotline.toml", include_str!("../ivr-flows/sla-hotline.toml")),
            file("voicemail-only.toml", include_str!("../ivr-flows/voicemail-only.toml")),
        ];
        let world = file("msp.toml", include_str!("../ivr-flows/fixtures/msp.toml"));
        let files = flows.into_iter().chain([world]).collect();
        let plain = |_: &str, given: &str| Ok(given.to_owned());
        let directory = flowtest::directory_of(files, &plain, &plain).expect("it is shipped");
        let test = include_str!("../ivr-flows/sla-hotline.test.toml");
        let calls = flowtest::read("sla-hotline.test.toml", test).expect("it is shipped");
        Self { directory, calls, pins: Pins::default() }
    }

    /// Calls per second in one slice.
    fn rate(&mut self) -> f64 {
        let (watch, mut played) = (Stopwatch::start(), 0.0);
        while watch.seconds() < SLICE_S {
            for call in &self.calls {
                let to = &call.to.as_ref().expect("each says whom it phones").value;
                let hotline = self.directory.hotline(to).expect("it is declared");
                let flow = &self.directory.flows[&hotline.flow].flow;
                let came = flowtest::play(&self.directory, hotline, flow, call, &mut self.pins);
                assert!(came.failures.is_empty(), "{}", call.name);
                played += 1.0;
            }
        }
        played / watch.seconds()
    }
}

/// Turns per second in one slice.
fn rate(flow: &Flow, calls: &[Call]) -> f64 {
    let (watch, mut turns) = (Stopwatch::start(), 0.0);
    while watch.seconds() < SLICE_S {
        for call in calls {
            turns += call.play(flow);
        }
    }
    turns / watch.seconds()
}

struct Call {
    facts: Facts,
    inputs: Vec<Input>,
}

impl Call {
    /// How many turns it took.
    fn play(&self, flow: &Flow) -> f64 {
        let mut state = ivr::begin(Flows::only(flow), &self.facts);
        let mut turns = 0.0;
        for input in &self.inputs {
            black_box(matches!(ivr::wants(Flows::only(flow), &state, input, &self.facts), Want::Nothing));
            let turn = ivr::run(Flows::only(flow), state, input.clone(), &self.facts);
            state = black_box(turn).state;
            turns += 1.0;
        }
        assert!(state.is_over(), "the call stands at {}", state.step);
        turns
    }
}

fn calls() -> Vec<Call> {
    let keys = |keys: &str| Input::Digits(keys.to_owned());
    let said = |text: &str| Input::Speech { text: text.to_owned(), confidence: Some(0.8) };
    let bridged = Input::Connect(ConnectEnd::Bridged { person: None });
    let message = Input::Recorded {
        url: "https://carrier/1".to_owned(),
        sid: Some("RE1".to_owned()),
        seconds: 9,
        hung_up: false,
        spare: false,
    };
    let known = facts(Some("petra"), None);
    let verified = facts(None, Some(PinCheck::Right("petra".parse().expect("an id"))));
    let stranger = facts(None, Some(PinCheck::Wrong));
    let call = |facts: &Facts, inputs: Vec<Input>| Call { facts: facts.clone(), inputs };
    vec![
        call(&known, vec![Input::Started, keys("0"), keys("1"), bridged.clone()]),
        call(&verified, vec![Input::Started, keys("048213"), said("bei uns ist ein Ausfall"), bridged]),
        call(
            &verified,
            vec![Input::Started, keys("048213"), keys("2"), Input::Connect(ConnectEnd::Nobody), message.clone()],
        ),
        call(&stranger, vec![Input::Started, keys("1234567"), Input::Nothing, keys("7654321"), message.clone()]),
        call(&known, vec![Input::Started, keys("9"), Input::Nothing, keys("3"), message]),
        call(&verified, vec![Input::Started, keys("048213"), Input::HungUp]),
    ]
}

fn facts(known: Option<&str>, pin: Option<PinCheck>) -> Facts {
    let petra: ContactId = "petra".parse().expect("an id");
    let sla = SlaFacts { response: Some(chrono::TimeDelta::minutes(15)), resolution: None };
    let contract = ContractFacts {
        id: "acme-gold".parse().expect("an id"),
        customer: "acme".parse().expect("an id"),
        customer_name: "ACME GmbH".to_owned(),
        customer_number: Some("4711".to_owned()),
        zone: chrono_tz::Europe::Berlin,
        coverage: CoverageState::Closed,
        priorities: [(Priority::P1, sla)].into(),
        contacts: [(petra, "Petra Klein".to_owned())].into(),
        known: known.map(|id| id.parse().expect("an id")),
    };
    Facts {
        now: "2026-12-24T01:30:00Z".parse().expect("an instant"),
        org_name: "Example MSP".to_owned(),
        hotline: "+4930901820".parse().expect("a number"),
        vars: [("company".to_owned(), "Example MSP".to_owned())].into(),
        contracts: vec![contract],
        calendars: BTreeMap::new(),
        caller: Some("+4930555010".parse().expect("a number")),
        attestation: Attestation::NotSupplied,
        language: None,
        pin,
        lookup: None,
        incidents: Vec::new(),
        next_alert: 17,
        queue_position: None,
        money: Money {
            calls_left: true,
            sms_left: true,
            countries: BTreeSet::from(["49".to_owned()]),
            full: BTreeSet::new(),
        },
    }
}
