//! A flow file from anywhere is refused with faults that say where, or makes calls that end: whatever the
//! caller does, nobody is lost and nothing goes round for ever.

use std::collections::{BTreeMap, BTreeSet};

use pikett::{
    ivr::{self, Attestation, ConnectEnd, ContractFacts, Facts, Flow, Flows, Input, Money, PinCheck, SlaFacts},
    model::{calendar::CoverageState, call::Outcome, priority::Priority},
};

/// Behind this line of a file stands what the caller does, a byte a turn.
const CALLER: &[u8] = b"\n#caller ";
/// A call takes at most 100 turns; the spare message needs a few more.
const TURNS_MAX: usize = 110;

pub fn take(data: &[u8]) {
    let at = data.windows(CALLER.len()).position(|window| window == CALLER);
    let (file, caller) = at.map_or((data, &b"1"[..]), |at| (&data[..at], &data[at + CALLER.len()..]));
    let Ok(text) = std::str::from_utf8(file) else { return };
    match ivr::parse("fuzz.toml", text) {
        Ok(flow) => call(&flow, caller),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a word");
            let lines = text.lines().count() + 1;
            assert!(faults.iter().all(|fault| fault.line <= lines && !fault.what.is_empty()), "{faults:?}");
        }
    }
}

fn call(flow: &Flow, caller: &[u8]) {
    let mut facts = facts();
    let mut state = ivr::begin(Flows::only(flow), &facts);
    let mut missed = 0;
    let mut inputs = caller.iter().map(|byte| input(*byte)).chain(std::iter::repeat(Input::Nothing));
    let mut next = Input::Started;
    for _ in 0..TURNS_MAX {
        let turn = ivr::run(Flows::only(flow), state, next, &facts);
        missed += turn.effects.iter().filter(|effect| matches!(effect, ivr::Effect::Missed(_))).count();
        state = turn.state;
        if state.is_over() {
            break;
        }
        facts.now += chrono::TimeDelta::seconds(5);
        next = inputs.next().unwrap_or(Input::Nothing);
    }
    if !state.is_over() {
        let turn = ivr::run(Flows::only(flow), state, Input::HungUp, &facts);
        missed += turn.effects.iter().filter(|effect| matches!(effect, ivr::Effect::Missed(_))).count();
        state = turn.state;
    }
    assert!(state.is_over());
    assert!(missed <= 1, "the missed call is told twice");
    match state.outcome() {
        Outcome::Missed | Outcome::Failed => assert!(missed == 1 || !state.past, "a call is lost"),
        Outcome::Connected
        | Outcome::Voicemail
        | Outcome::Goodbye
        | Outcome::Forwarded
        | Outcome::Rejected
        | Outcome::Callback => {}
    }
}

fn input(byte: u8) -> Input {
    match byte {
        b'0'..=b'9' | b'*' | b'#' => Input::Digits(char::from(byte).to_string()),
        b'a'..=b'f' => Input::Digits(format!("04821{byte}")),
        b'g'..=b'm' => Input::Speech { text: "yes ja outage Ausfall".to_owned(), confidence: None },
        b'n' => Input::Connect(ConnectEnd::Nobody),
        b'o' => Input::Connect(ConnectEnd::Left),
        b'p' => Input::Connect(ConnectEnd::Bridged { person: None }),
        b'q' => Input::Dialed { bridged: byte.is_multiple_of(2) },
        b'r' => Input::Recorded { url: "https://x/1".to_owned(), sid: None, seconds: 4, hung_up: false, spare: false },
        b's' => Input::RecordedNothing,
        b't' => Input::Failed,
        b'u' => Input::Continued,
        _ => Input::Nothing,
    }
}

fn facts() -> Facts {
    let contract = ContractFacts {
        id: "acme-gold".parse().expect("an id"),
        customer: "acme".parse().expect("an id"),
        customer_name: "ACME & <Söhne>".to_owned(),
        customer_number: Some("4711".to_owned()),
        zone: chrono_tz::Europe::Berlin,
        coverage: CoverageState::Open,
        priorities: [(Priority::P1, SlaFacts::default())].into(),
        contacts: [("petra".parse().expect("an id"), "Petra {{ x }}".to_owned())].into(),
        known: None,
    };
    Facts {
        now: "2026-12-24T01:30:00Z".parse().expect("an instant"),
        org_name: "Example MSP".to_owned(),
        hotline: "+4930901820".parse().expect("a number"),
        vars: BTreeMap::new(),
        contracts: vec![contract],
        calendars: BTreeMap::new(),
        caller: Some("+4930555010".parse().expect("a number")),
        attestation: Attestation::NotSupplied,
        language: None,
        pin: Some(PinCheck::Wrong),
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
