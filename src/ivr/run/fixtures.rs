//! A call that is played in tests: the hotline's part of the rhythm, with PINs and facts at hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::TimeDelta;

use super::{begin, run, wants};
use crate::{
    ivr::{
        facts::{Attestation, ContractFacts, Facts, Money, PinCheck, SlaFacts},
        flow::Flow,
        flows::{Called, Flows},
        parse,
        state::State,
        turn::{ConnectEnd, Effect, Gather, Input, Matter, MissedCall, NewAlert, Prompt, Then, Turn, Verbs, Want},
    },
    model::{
        calendar::CoverageState,
        id::IncidentId,
        incident::{Incident, IncidentState},
        priority::Priority,
    },
};

pub const PIN: &str = "048213";

const HEAD: &str = "id = 'f'\nlanguages = ['en']\nstart = 'a'\n";

/// Steps that a test may lead to without writing them.
const SPARE_STEPS: [(&str, &str); 4] = [
    ("hub", "do = 'menu'\nprompt = 'Hub.'\noptions = { 1 = { to = 'talk' }, 2 = { to = 'mail' } }\ninvalid = 'bye'\n"),
    ("talk", "do = 'connect'\nconnected = 'bye'\nnobody = 'mail'\n"),
    ("mail", "do = 'voicemail'\nprompt = 'Speak.'\nnext = 'bye'\n"),
    ("bye", "do = 'hangup'\nsay = 'Goodbye.'\n"),
];

pub fn contract(id: &str, customer: &str, number: &str) -> ContractFacts {
    ContractFacts {
        id: id.parse().unwrap(),
        customer: customer.parse().unwrap(),
        customer_name: "ACME GmbH".to_owned(),
        customer_number: Some(number.to_owned()),
        zone: chrono_tz::Europe::Berlin,
        coverage: CoverageState::Open,
        priorities: [(
            Priority::P1,
            SlaFacts { response: Some(TimeDelta::minutes(15)), resolution: Some(TimeDelta::hours(4)) },
        )]
        .into(),
        contacts: [("petra".parse().unwrap(), "Petra Klein".to_owned())].into(),
        known: None,
    }
}

/// For everybody; its text would break a document that did not escape it.
pub fn incident(number: usize) -> Incident {
    let number = i64::try_from(number).unwrap();
    let at = "2026-12-24T01:00:00Z".parse().unwrap();
    Incident {
        id: IncidentId::from_ulid(ulid::Ulid::from_parts(7, number.unsigned_abs().into())),
        number,
        title: format!("Outage {number}"),
        language: "en".parse().unwrap(),
        texts: [
            ("en".parse().unwrap(), format!("<Mail> {number} is down. {}", "{{ org }} ".repeat(80))),
            ("de".parse().unwrap(), format!("Mail {number} steht.")),
        ]
        .into(),
        customers: BTreeSet::new(),
        contracts: BTreeSet::new(),
        state: IncidentState::Investigating,
        rev: 0,
        opened_at: at,
        updated_at: at,
        resolved_at: None,
    }
}

pub fn facts() -> Facts {
    Facts {
        now: "2026-12-24T01:30:00Z".parse().unwrap(),
        org_name: "Example MSP".to_owned(),
        hotline: "+4930901820".parse().unwrap(),
        vars: BTreeMap::new(),
        contracts: vec![contract("acme-gold", "acme", "4711")],
        calendars: BTreeMap::new(),
        caller: Some("+4930555010".parse().unwrap()),
        attestation: Attestation::NotSupplied,
        language: None,
        pin: None,
        lookup: None,
        next_alert: 17,
        queue_position: None,
        money: Money {
            calls_left: true,
            sms_left: true,
            countries: BTreeSet::from(["49".to_owned()]),
            full: BTreeSet::new(),
        },
        incidents: Vec::new(),
    }
}

pub fn flow(text: &str) -> Flow {
    parse("test.toml", text)
        .unwrap_or_else(|faults| panic!("{}", faults.iter().map(|fault| format!("{fault}\n")).collect::<String>()))
}

/// These steps, of which `a` is the first, and those of `SPARE_STEPS` that they lead to.
pub fn steps(text: &str) -> Flow {
    let mut text = format!("{HEAD}{text}");
    for (name, fields) in SPARE_STEPS {
        if text.contains(&format!("'{name}'")) {
            text.push_str(&format!("[steps.{name}]\n{fields}"));
        }
    }
    flow(&text)
}

pub struct Call {
    pub flow: Flow,
    /// Flows that it may call.
    pub called: Called,
    pub facts: Facts,
    pub state: State,
    pub verbs: Verbs,
    /// Of the last turn.
    pub effects: Vec<Effect>,
    /// Of the whole call.
    pub reasons: Vec<String>,
    pub locked: bool,
}

impl Call {
    pub fn to(flow: Flow) -> Self {
        Self::with(flow, facts())
    }

    pub fn with(flow: Flow, facts: Facts) -> Self {
        Self::calling(flow, [], facts)
    }

    pub fn calling(flow: Flow, called: impl IntoIterator<Item = Flow>, facts: Facts) -> Self {
        let called: Called = called.into_iter().map(|flow| (flow.id.clone(), (1, Arc::new(flow)))).collect();
        let state = begin(Flows { main: &flow, called: &called }, &facts);
        let verbs = Verbs { prompts: Vec::new(), then: Then::Continue };
        let mut call =
            Self { flow, called, facts, state, verbs, effects: Vec::new(), reasons: Vec::new(), locked: false };
        call.input(Input::Started);
        call
    }

    pub fn flows(&self) -> Flows<'_> {
        Flows { main: &self.flow, called: &self.called }
    }

    /// One turn, as the hotline plays it: the state goes through its text, PINs are looked up.
    pub fn input(&mut self, input: Input) -> &mut Self {
        self.facts.pin = match wants(self.flows(), &self.state, &input, &self.facts) {
            // A test puts what is looked up into the facts.
            Want::Nothing | Want::Lookup(_) => None,
            Want::PinCheck { .. } if self.locked => Some(PinCheck::Locked { until: self.facts.now }),
            Want::PinCheck { customer_number, pin } => {
                let known = self.facts.contract_for(customer_number.as_deref()).is_some();
                Some(match known && pin.expose() == PIN {
                    true => PinCheck::Right("petra".parse().unwrap()),
                    false => PinCheck::Wrong,
                })
            }
        };
        let state = State::from_json(&self.state.to_json()).unwrap();
        let Turn { state, verbs, effects, reasons, last_step, path: _ } = run(self.flows(), state, input, &self.facts);
        assert_eq!(last_step, state.step);
        assert!(!state.to_json().contains(PIN) && !reasons.concat().contains(PIN), "a PIN has leaked");
        (self.state, self.verbs, self.effects) = (state, verbs, effects);
        self.reasons.extend(reasons);
        self
    }

    pub fn press(&mut self, keys: &str) -> &mut Self {
        self.input(Input::Digits(keys.to_owned()))
    }

    pub fn speak(&mut self, text: &str) -> &mut Self {
        self.input(Input::Speech { text: text.to_owned(), confidence: Some(0.9) })
    }

    pub fn silent(&mut self) -> &mut Self {
        self.input(Input::Nothing)
    }

    pub fn ends(&mut self, end: ConnectEnd) -> &mut Self {
        self.input(Input::Connect(end))
    }

    pub fn record(&mut self, seconds: u32) -> &mut Self {
        self.input(recorded(seconds, false))
    }

    #[track_caller]
    pub fn at(&mut self, step: &str) -> &mut Self {
        assert_eq!(self.state.step, step, "{:?}", self.reasons);
        self
    }

    #[track_caller]
    pub fn hears(&mut self, words: &str) -> &mut Self {
        assert!(self.heard().contains(words), "heard `{}`, not `{words}`", self.heard());
        self
    }

    pub fn heard(&self) -> String {
        heard(&self.verbs.prompts)
    }

    #[track_caller]
    pub fn gather(&self) -> &Gather {
        match &self.verbs.then {
            Then::Gather(gather) => gather,
            other => panic!("no gather but {other:?}"),
        }
    }

    #[track_caller]
    pub fn raised(&self) -> &NewAlert {
        self.effects
            .iter()
            .find_map(|effect| match effect {
                Effect::RaiseAlert(alert) => Some(alert),
                _ => None,
            })
            .unwrap_or_else(|| panic!("no alert in {:?}", self.effects))
    }

    pub fn missed(&self) -> Option<&MissedCall> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Missed(missed) => Some(missed),
            _ => None,
        })
    }

    pub fn told(&self) -> Vec<Matter> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::TellMsp { matter, .. } => Some(*matter),
                _ => None,
            })
            .collect()
    }

    #[track_caller]
    pub fn is_over(&mut self) -> &mut Self {
        assert!(self.state.is_over() && self.verbs.then == Then::Hangup, "{:?}", self.verbs.then);
        self
    }
}

pub fn recorded(seconds: u32, hung_up: bool) -> Input {
    Input::Recorded {
        url: "https://carrier/rec/1".to_owned(),
        sid: Some("RE1".to_owned()),
        seconds,
        hung_up,
        spare: false,
    }
}

pub fn heard(prompts: &[Prompt]) -> String {
    let words = prompts.iter().map(|prompt| match prompt {
        Prompt::Say(say) => say.heard(),
        Prompt::Play { url } => format!("[{url}]"),
        Prompt::Pause { seconds } => format!("[{seconds} s]"),
    });
    words.collect::<Vec<_>>().join(" ")
}
