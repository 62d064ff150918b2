//! Whoever phones a generated flow: what a turn may know of them, and what they do, be it what they were asked
//! for or not. `Player` plays the hotline and the carrier between the two, and looks at every document.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use pikett::{
    carrier::twiml,
    clock::Ids,
    hotline::{document, urls::Urls},
    ivr::{
        self, Attestation, Called, ConnectEnd, ContractFacts, Effect, Facts, Flow, Flows, Gather, Input, Kind,
        LookupAnswer, Money, Phase, PinCheck, SlaFacts, State, Then, Want,
    },
    model::{
        Instant,
        calendar::CoverageState,
        call::Outcome,
        id::{CallId, IncidentId},
        incident::{Incident, IncidentState},
        priority::Priority,
    },
};
use proptest::{collection::vec, prelude::*, sample::select};

/// A call takes at most 100 turns; then there is an apology with a message.
const TURNS_MAX: u32 = 103;
const MINUTES_MAX: i64 = 60;
/// What Twilio takes (11750).
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// What happens at a caller's phone.
#[derive(Debug, Clone)]
pub struct Act {
    pub what: Deed,
    /// So long after the document.
    pub after_s: i64,
}

#[derive(Debug, Clone)]
pub enum Deed {
    Keys(String),
    Says(String),
    Silence,
    /// The queue, the line or the recording ends like this, whatever the caller does.
    Ends(u8),
    HangsUp,
    /// The carrier could not run the document.
    Fails,
    /// A report that belongs to another step, or to none: late, or twice.
    Stray(u8),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => "[0-9*#]{1,12}|[1-3]|04821[3-4]#|03012345678#".prop_map(Deed::Keys),
        2 => "(yes|no|one|ja|outage|Ausfall|eins zwo|\\PC{0,9}){1,3}".prop_map(Deed::Says),
        3 => Just(Deed::Silence),
        3 => (0u8..10).prop_map(Deed::Ends),
        1 => Just(Deed::Fails),
        2 => (0u8..10).prop_map(Deed::Stray),
    ]
}

/// Some callers hang up, at whatever turn; others never do.
pub fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = (deed(), select(vec![0, 3, 20, 90, 400])).prop_map(|(what, after_s)| Act { what, after_s });
    (vec(act, 0..40), any::<bool>()).prop_map(|(mut acts, hangs_up)| {
        acts.extend(hangs_up.then_some(Act { what: Deed::HangsUp, after_s: 1 }));
        acts
    })
}

fn incident(number: usize, text: &str) -> Incident {
    let at: Instant = "2026-12-24T01:00:00Z".parse().unwrap();
    let number = i64::try_from(number).unwrap();
    Incident {
        id: IncidentId::from_ulid(ulid::Ulid::from_parts(7, number.unsigned_abs().into())),
        number,
        title: text.to_owned(),
        language: "en".parse().unwrap(),
        texts: [("en".parse().unwrap(), format!("{text} {}", "is down & <out>. ".repeat(50)))].into(),
        customers: BTreeSet::new(),
        contracts: BTreeSet::new(),
        state: IncidentState::Investigating,
        rev: 0,
        opened_at: at,
        updated_at: at,
        resolved_at: None,
    }
}

fn contract(id: &str, number: &str, name: &str, known: bool) -> ContractFacts {
    ContractFacts {
        id: id.parse().unwrap(),
        customer: id.parse().unwrap(),
        customer_name: name.to_owned(),
        customer_number: Some(number.to_owned()),
        zone: chrono_tz::Europe::Berlin,
        coverage: CoverageState::Closed,
        priorities: [(Priority::P1, SlaFacts { response: Some(TimeDelta::minutes(15)), resolution: None })].into(),
        contacts: [("petra".parse().unwrap(), format!("Petra {name}"))].into(),
        known: known.then(|| "petra".parse().unwrap()),
    }
}

prop_compose! {
    pub fn facts()(
        shows_number in prop::bool::weighted(0.8), known in any::<bool>(), shared in any::<bool>(), calls in any::<bool>(),
        texts in any::<bool>(), incidents in 0usize..7, name in "\\PC{0,20}|\\{\\{ org \\}\\}|</Say>&<b>|under_score|\u{e000}1\u{e001}",
        attestation in select(vec![Attestation::NotSupplied, Attestation::A, Attestation::B, Attestation::Failed]),
        answer in "\\PC{0,9}", finds in any::<bool>(), wait in select(vec!["1s", "40s", "7d"]),
    ) -> Facts {
        let mut contracts = vec![contract("acme", "4711", &name, known)];
        contracts.extend(shared.then(|| contract("bolt", "4712", "Bolt", false)));
        let found = serde_json::json!({ "answer": answer, "a": [{ "b": 17 }], "t": name });
        Facts {
            now: "2026-12-24T01:30:00Z".parse().unwrap(),
            org_name: name.clone(),
            hotline: "+4930901820".parse().unwrap(),
            vars: BTreeMap::from([("topic".to_owned(), name.clone()), ("wait".to_owned(), wait.to_owned())]),
            contracts,
            calendars: BTreeMap::from([("office".parse().unwrap(), CoverageState::Holiday)]),
            caller: shows_number.then(|| "+4930555010".parse().unwrap()),
            attestation,
            language: None,
            pin: None,
            lookup: Some(if finds { LookupAnswer::Answered(found) } else { LookupAnswer::Failed(name.clone()) }),
            next_alert: 17,
            queue_position: Some(2),
            money: Money { calls_left: calls, sms_left: texts, countries: BTreeSet::from(["49".to_owned()]), full: BTreeSet::new() },
            incidents: (0..incidents).map(|number| incident(number, &name)).collect(),
        }
    }
}

/// One call, from its first webhook to whatever comes after its end.
pub struct Player<'a> {
    flows: Flows<'a>,
    facts: Facts,
    pub state: State,
    then: Then,
    pub effects: Vec<Effect>,
    pub reasons: Vec<String>,
    /// What really happened, as far as it decides how the call ends.
    talked: bool,
    forwarded: bool,
    urls: Urls,
    call: CallId,
}

impl<'a> Player<'a> {
    pub fn begins(main: &'a Flow, called: &'a Called, facts: Facts) -> Self {
        let flows = Flows { main, called };
        let mut player = Self {
            flows,
            state: ivr::begin(flows, &facts),
            facts,
            then: Then::Continue,
            effects: Vec::new(),
            reasons: Vec::new(),
            talked: false,
            forwarded: false,
            urls: Urls::new("https://hotline.example", &"twilio".parse().unwrap()),
            call: Ids::seeded(1).id(Instant::UNIX_EPOCH),
        };
        player.turn(Input::Started);
        player
    }

    /// As the caller does it; whoever is still there when nothing is left to do waits for the end.
    pub fn plays(&mut self, acts: &[Act]) {
        for act in acts {
            if self.state.is_over() {
                break;
            }
            self.facts.now += TimeDelta::seconds(act.after_s);
            let input = self.input(&act.what);
            self.turn(input);
        }
        while !self.state.is_over() {
            self.facts.now += TimeDelta::seconds(10);
            let input = self.input(&Deed::Silence);
            self.turn(input);
        }
    }

    /// Reports of what is over already come late, or a second time.
    pub fn hears_late_reports(&mut self, acts: &[Act]) {
        for act in acts.iter().rev().take(6).rev() {
            let input = match &act.what {
                Deed::HangsUp => Input::HungUp,
                Deed::Fails => Input::Failed,
                Deed::Keys(keys) => Input::Digits(keys.clone()),
                Deed::Says(_) | Deed::Silence => Input::Nothing,
                Deed::Ends(which) | Deed::Stray(which) => stray(*which),
            };
            self.turn(input);
            assert!(self.state.is_over(), "a call that is over begins again");
        }
    }

    fn turn(&mut self, input: Input) {
        match &input {
            Input::Connect(ConnectEnd::Bridged { .. }) => self.talked = true,
            Input::Dialed { bridged: true } => self.forwarded = true,
            _ => {}
        }
        self.facts.pin = match ivr::wants(self.flows, &self.state, &input, &self.facts) {
            Want::Nothing | Want::Lookup(_) => None,
            Want::PinCheck { pin, .. } => Some(match pin.expose() {
                "048213" => PinCheck::Right("petra".parse().unwrap()),
                "048214" => PinCheck::Locked { until: self.facts.now },
                _ => PinCheck::Wrong,
            }),
        };
        let state = State::from_json(&self.state.to_json()).unwrap();
        let was_over = state.is_over();
        let ran = ivr::run(self.flows, state, input, &self.facts);
        self.state = ran.state;
        self.reasons.extend(ran.reasons);
        self.effects.extend(ran.effects);
        self.look_at_document(&ran.verbs);
        self.then = ran.verbs.then;
        assert!(was_over || self.state.turn <= TURNS_MAX, "the call goes on for ever: {:#?}", self.reasons);
        let is_late = self.facts.now - self.state.started > TimeDelta::minutes(MINUTES_MAX);
        let may_go_on = self.state.is_over() || self.state.phase == Phase::Spare || self.then == Then::Continue;
        assert!(!is_late || may_go_on, "the call is asked on after an hour: {:#?}", self.reasons);
    }

    /// What the carrier gets is what was meant, whole, and leads on.
    fn look_at_document(&self, verbs: &ivr::Verbs) {
        let next = self.state.turn;
        let response = document::of_turn(verbs, &self.urls, &self.call, next);
        let text = twiml::write(&response).unwrap_or_else(|error| panic!("step `{}`: {error}", self.state.step));
        assert!(text.len() <= DOCUMENT_BYTES_MAX, "{} bytes", text.len());
        let read = twiml::read(&text).unwrap();
        assert!(read.warnings.is_empty(), "{:?} in {text}", read.warnings);
        assert_eq!(read.response.verbs.len(), response.verbs.len(), "{text}");
        let again = twiml::write(&read.response).unwrap();
        assert_eq!(again, text, "it reads back as something else");
        let leads_on = text.contains(&format!("/turns/{next}")) || text.contains(&format!("/queue/{next}"));
        let ends = matches!(verbs.then, Then::Hangup | Then::Reject(_));
        assert!(leads_on != ends && ends == self.state.is_over(), "{text}");
    }

    /// What the carrier reports when this happens while it runs our document.
    fn input(&self, deed: &Deed) -> Input {
        match (deed, &self.then) {
            (Deed::HangsUp, _) => Input::HungUp,
            (Deed::Fails, _) => Input::Failed,
            (Deed::Stray(which), _) => stray(*which),
            (_, Then::Continue | Then::Hangup | Then::Reject(_)) => Input::Continued,
            (_, Then::Gather(gather)) => gathered(gather, deed),
            (Deed::Keys(keys), Then::Enqueue) if keys.contains('*') => Input::Connect(ConnectEnd::Left),
            (Deed::Ends(which), Then::Enqueue) => Input::Connect(match which % 5 {
                0 => ConnectEnd::NobodyOnCall,
                1 => ConnectEnd::Failed,
                2 => ConnectEnd::Left,
                _ => ConnectEnd::Bridged { person: Some("anna".parse().unwrap()) },
            }),
            (_, Then::Enqueue) => Input::Connect(ConnectEnd::Nobody),
            (Deed::Says(_), Then::Record(_)) => recorded(7, false),
            (Deed::Ends(which), Then::Record(_)) => recorded((*which).into(), which % 3 == 0),
            (_, Then::Record(_)) => Input::RecordedNothing,
            (Deed::Ends(which), Then::Dial(_)) => Input::Dialed { bridged: which % 2 == 0 },
            (_, Then::Dial(_)) => Input::Dialed { bridged: false },
        }
    }

    fn count(&self, matches: impl Fn(&Effect) -> bool) -> usize {
        self.effects.iter().filter(|effect| matches(effect)).count()
    }

    fn is_at_an_end(&self) -> bool {
        let flow = self.flows.current(&self.state).unwrap();
        let kind = flow.find(self.state.local_step()).map(|step| &flow.step(step).kind);
        // Whom the flow blocks, it ends the call for as well.
        matches!(kind, Some(Kind::Hangup { .. } | Kind::Return | Kind::Caller(_)))
    }

    /// Promise 2, and that nothing is told or made twice.
    pub fn look_at_end(&self) {
        let missed = self.count(|effect| matches!(effect, Effect::Missed(_)));
        let messages = self.count(|effect| matches!(effect, Effect::Voicemail(_)));
        let promises = self.count(|effect| matches!(effect, Effect::Callback(_)));
        let raised = self.count(|effect| matches!(effect, Effect::RaiseAlert(_)));
        let why = &self.reasons;
        assert!(missed <= 1, "the missed call is told {missed} times: {why:#?}");
        assert!(promises <= 1, "{promises} callbacks are promised: {why:#?}");
        assert!(raised <= 1, "{raised} alerts have one number: {why:#?}");
        match self.state.outcome() {
            Outcome::Connected => assert!(self.talked, "nobody talked: {why:#?}"),
            Outcome::Forwarded => assert!(self.forwarded, "nobody answered outside: {why:#?}"),
            Outcome::Voicemail => assert!(messages > 0, "there is no message: {why:#?}"),
            Outcome::Callback => assert_eq!(promises, 1, "nothing is promised: {why:#?}"),
            Outcome::Goodbye => {
                assert_eq!(missed, 0, "no goodbye is a missed call: {why:#?}");
                assert!(self.is_at_an_end(), "nobody chose this end: {why:#?}");
            }
            Outcome::Rejected => assert_eq!(missed, 0, "whoever is turned away has missed nothing: {why:#?}"),
            Outcome::Missed | Outcome::Failed => {
                assert!(missed == 1 || !self.state.past, "a call is lost: {why:#?}");
            }
        }
    }
}

/// The keys that a Gather takes, and words only where it listens.
fn gathered(gather: &Gather, deed: &Deed) -> Input {
    match deed {
        Deed::Keys(keys) => {
            let most = gather.max_digits.map_or(usize::MAX, |most| usize::try_from(most).unwrap());
            let taken: String = keys.chars().take_while(|key| Some(*key) != gather.finish).take(most).collect();
            if taken.is_empty() { Input::Nothing } else { Input::Digits(taken) }
        }
        Deed::Says(text) if gather.speech.is_some() => Input::Speech { text: text.clone(), confidence: Some(0.4) },
        _ => Input::Nothing,
    }
}

fn recorded(seconds: u32, hung_up: bool) -> Input {
    Input::Recorded {
        url: "https://carrier.example/rec/1".to_owned(),
        sid: Some("RE1".to_owned()),
        seconds,
        hung_up,
        spare: false,
    }
}

fn stray(which: u8) -> Input {
    match which {
        0 => Input::Started,
        1 => Input::Continued,
        2 => recorded(3, false),
        3 => recorded(0, true),
        4 => Input::RecordedNothing,
        5 => Input::Dialed { bridged: true },
        6 => Input::Connect(ConnectEnd::Nobody),
        7 => Input::Connect(ConnectEnd::Bridged { person: None }),
        8 => Input::Digits("1".to_owned()),
        _ => Input::Speech { text: "yes".to_owned(), confidence: None },
    }
}
