//! What holds for every flow, also one that the loader would refuse, and for every input in any
//! order: nothing panics, every call ends, and none is lost.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    fixtures::{Call, facts, recorded},
    run,
};
use crate::{
    ivr::{
        facts::{Attestation, Facts, LookupAnswer},
        flow::{
            Abandoned, AlertFields, Asking, CallbackNumber, CallbackStep, CallerId, CallerStep, Case, Choice,
            CollectStep, ConnectStep, ConnectTo, Flow, ForwardStep, ForwardTo, IntakeStep, Kind, LookupStep,
            MenuOption, NoticeStep, PinStep, Speech, Step, StepId, Taken, Text, Trust, VoicemailStep, Wait,
        },
        flows::Flows,
        parse,
        state::Phase,
        texts::Compiled,
        turn::{ConnectEnd, Effect, Input, Prompt, RejectReason, Then},
    },
    model::{
        call::{Outcome, Question},
        priority::Priority,
    },
};

const TEXTS: [&str; 7] = [
    "Hello.",
    "{{ caller | digits }} {{ now | time }}",
    "{{ 1 / nothing }}",
    "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
    "{{ broken",
    "",
    "{{ customer.name }} {{ contact.name or caller }} {{ sla.response }} \u{e000}7",
];

fn asking(text: &str) -> Asking {
    Asking {
        prompt: speech(text),
        attempts: 2,
        timeout_s: 6,
        finish: Some('#'),
        no_input: Some(Text::Same(text.to_owned())),
        barge_in: true,
    }
}

fn speech(text: &str) -> Speech {
    Speech { say: Some(Text::Same(text.to_owned())), play: Some(Text::Same(text.to_owned())) }
}

fn kind(number: u8, to: [StepId; 3], text: &str) -> Kind {
    let [one, two, three] = to;
    let go = |to| {
        Choice::Go(MenuOption {
            label: None,
            category: Some("x".to_owned()),
            priority: Some(Priority::P1),
            speech: BTreeMap::from([("en".parse().unwrap(), vec!["yes".to_owned()])]),
            to,
        })
    };
    match number {
        0 => Kind::Say { speech: speech(text), next: one },
        1 => Kind::Pause { seconds: 1, next: one },
        2 => Kind::Language {
            asking: asking(text),
            options: [('1', "en".parse().unwrap()), ('2', "de".parse().unwrap())].into(),
            remember: true,
            next: one,
        },
        3 => Kind::Hours { calendar: None, open: one, closed: two, holiday: three },
        4 => Kind::Caller(CallerStep {
            allow: Vec::new(),
            block: Vec::new(),
            trust: Trust::Attested,
            captcha: true,
            asking: asking(text),
            known: one,
            unknown: two,
            anonymous: three,
            blocked: None,
        }),
        5 => Kind::Pin(PinStep {
            asking: asking(text),
            customer_number: None,
            digits_min: 6,
            digits_max: 10,
            verified: one,
            failed: two,
            locked: three,
        }),
        6 => Kind::Menu {
            asking: asking(text),
            options: [('1', go(one)), ('2', Choice::Repeat { speech: [].into() })].into(),
            invalid: two,
        },
        7 => Kind::When { cases: vec![Case { condition: text.to_owned(), to: one }], otherwise: two },
        8 => Kind::Set {
            vars: [("x".to_owned(), text.to_owned())].into(),
            category: None,
            priority: Some(Priority::P2),
            next: one,
        },
        9 => Kind::Alert {
            alert: AlertFields { title: Some(Text::Same(text.to_owned())), ..AlertFields::default() },
            ack_on_connect: true,
            next: one,
        },
        10 => Kind::Connect(ConnectStep {
            to: ConnectTo::Policy,
            ring: Wait::Var { name: "x".to_owned(), otherwise_s: 25 },
            at_once: false,
            max_wait: Wait::Seconds(300),
            music: None,
            announce_every: Wait::Seconds(30),
            accept: crate::ivr::flow::Accept::Key,
            prefer_language: true,
            record: true,
            connected: one,
            nobody: two,
            left: three,
        }),
        11 => Kind::Voicemail(VoicemailStep {
            asking: asking(text),
            max_s: 60,
            transcribe: true,
            alert: AlertFields::default(),
            next: one,
            empty: (two != three).then_some(two),
        }),
        12 => Kind::Sms { text: Text::Same(text.to_owned()), next: one, failed: two },
        13 => Kind::Forward(ForwardStep {
            number: ForwardTo::Var("x".to_owned()),
            ring: Wait::Seconds(25),
            send: None,
            caller_id: CallerId::Caller,
            connected: one,
            nobody: two,
        }),
        14 => Kind::Collect(CollectStep {
            asking: asking(text),
            into: "x".to_owned(),
            input: Taken::Both,
            digits: (two != three).then_some((1, 4)),
            confirm: one != two,
            next: one,
            failed: two,
        }),
        15 => Kind::Notice(NoticeStep { asking: asking(text), offer_sms: one != two, announced: two, none: three }),
        16 => Kind::Callback(CallbackStep {
            asking: asking(text),
            number: if one == two { CallbackNumber::Caller } else { CallbackNumber::Ask },
            within: Wait::Var { name: "x".to_owned(), otherwise_s: 1_800 },
            accepted: one,
            declined: three,
        }),
        17 => Kind::Flow {
            flow: if one == two { "f" } else { "gone" }.parse().unwrap(),
            vars: [("x".to_owned(), text.to_owned())].into(),
            next: one,
        },
        20 => Kind::Return,
        18 => Kind::Intake(IntakeStep {
            asking: asking(text),
            questions: vec![(Question::Why, None), (Question::Who, Some(Text::Same(text.to_owned())))],
            next: one,
        }),
        19 => Kind::Lookup(LookupStep {
            url: "https://x.example/{{ x }}".to_owned(),
            send: (one != two).then(|| [("x.y".to_owned(), text.to_owned())].into()),
            into: [("x".to_owned(), "a".to_owned())].into(),
            next: one,
            failed: two,
        }),
        _ => Kind::Hangup { say: Some(speech(text)), reject: Some(RejectReason::Busy) },
    }
}

prop_compose! {
    fn any_flow()(steps in vec((0u8..24, any::<[u8; 3]>(), select(&TEXTS[..])), 1..14), after in any::<u8>()) -> Flow {
        let count = steps.len();
        let id = |to: u8| StepId::nth(usize::from(to) % count);
        let steps: Vec<_> = steps
            .into_iter()
            .enumerate()
            .map(|(line, (number, to, text))| Step { name: format!("s{line}"), line, kind: kind(number, to.map(id), text) })
            .collect();
        Flow {
            id: "f".parse().unwrap(),
            title: String::new(),
            languages: vec!["en".parse().unwrap(), "de".parse().unwrap()],
            voices: BTreeMap::new(),
            vars: BTreeMap::new(),
            max_seconds_to_human: None,
            abandoned: Abandoned {
                after: (after > 100).then(|| id(after)),
                priority: Priority::P3,
                past: BTreeSet::new(),
            },
            start: StepId::nth(0),
            names: steps.iter().enumerate().map(|(index, step)| (step.name.clone(), StepId::nth(index))).collect(),
            steps,
            texts: Compiled::default(),
        }
    }
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => "[0-9*#]{0,7}|\\PC{0,3}".prop_map(Input::Digits),
        2 => "(yes|no|one|\\PC{0,9}){1,3}".prop_map(|text| Input::Speech { text, confidence: None }),
        2 => Just(Input::Nothing),
        2 => Just(Input::Continued),
        1 => select(vec![
            ConnectEnd::Nobody,
            ConnectEnd::NobodyOnCall,
            ConnectEnd::Left,
            ConnectEnd::Failed,
            ConnectEnd::Bridged { person: None },
        ])
        .prop_map(Input::Connect),
        1 => (0u32..9, any::<bool>()).prop_map(|(seconds, hung_up)| recorded(seconds, hung_up)),
        1 => Just(Input::RecordedNothing),
        1 => any::<bool>().prop_map(|bridged| Input::Dialed { bridged }),
        1 => Just(Input::Failed),
        1 => Just(Input::Started),
    ]
}

prop_compose! {
    fn any_facts()(caller in any::<bool>(), known in any::<bool>(), shared in any::<bool>(), money in any::<bool>(),
                   none in prop::bool::weighted(0.1), told in 0usize..7) -> Facts {
        let mut facts = facts();
        facts.incidents = (0..told).map(super::fixtures::incident).collect();
        facts.caller = facts.caller.filter(|_| caller);
        facts.attestation = if known { Attestation::A } else { Attestation::Failed };
        facts.contracts[0].known = known.then(|| "petra".parse().unwrap());
        if shared {
            facts.contracts.push(super::fixtures::contract("bolt", "bolt", "4712"));
        }
        if none {
            facts.contracts.clear();
        }
        facts.lookup = known.then(|| LookupAnswer::Answered(serde_json::json!({ "a": "{{ b }}" })));
        facts.money.calls_left = money;
        facts.money.sms_left = money;
        facts
    }
}

/// Plays the inputs, then hangs up; hands out everything that was told.
fn play(flow: Flow, facts: Facts, inputs: Vec<Input>) -> (Call, Vec<Effect>) {
    // It may call itself, which the loader would refuse.
    let mut call = Call::calling(flow.clone(), [flow], facts);
    let mut effects = call.effects.clone();
    for input in inputs {
        if call.state.is_over() {
            break;
        }
        call.facts.now += chrono::TimeDelta::seconds(7);
        effects.extend(call.input(input).effects.clone());
        check_document(&call);
    }
    effects.extend(call.input(Input::HungUp).effects.clone());
    (call, effects)
}

/// What a carrier takes: 64 kB, no empty speech.
fn check_document(call: &Call) {
    let heard: usize = call.heard().len();
    assert!(heard < 40_000, "{heard} bytes are to be said");
    let spoken = |prompt: &Prompt| !matches!(prompt, Prompt::Say(say) if say.heard().trim().is_empty());
    assert!(call.verbs.prompts.iter().all(spoken));
    assert!(call.state.turn <= 102 || call.state.is_over() || call.state.phase == Phase::Spare);
    assert_eq!(call.state.is_over(), matches!(call.verbs.then, Then::Hangup | Then::Reject(_)));
}

fn check_told(call: &Call, effects: &[Effect]) {
    assert!(call.state.is_over());
    let missed = effects.iter().filter(|effect| matches!(effect, Effect::Missed(_))).count();
    assert!(missed <= 1, "told twice");
    let raised = |effect: &&Effect| matches!(effect, Effect::RaiseAlert(_));
    let promised = effects.iter().filter(|effect| matches!(effect, Effect::Callback(_))).count();
    assert_eq!(promised, usize::from(call.state.promised), "a promise is made once");
    assert!(effects.iter().filter(raised).count() <= 1, "two alerts have one number");
    match call.state.outcome() {
        Outcome::Missed | Outcome::Failed => {
            assert!(missed == 1 || !call.state.past, "a call is lost: {:?}", call.reasons);
        }
        Outcome::Callback => assert!(call.state.promised, "nothing was promised"),
        Outcome::Connected | Outcome::Voicemail | Outcome::Goodbye | Outcome::Forwarded | Outcome::Rejected => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_call_is_lost_whatever_flow_and_inputs_are(
        flow in any_flow(), facts in any_facts(), inputs in vec(any_input(), 0..130),
    ) {
        let (call, effects) = play(flow, facts, inputs);
        check_told(&call, &effects);
    }

    #[test]
    fn a_state_from_anywhere_is_answered(
        flow in any_flow(), facts in any_facts(), input in any_input(), step in "s[0-9]{1,2}|gone",
        phase in select(vec![Phase::Fresh, Phase::Asked, Phase::CustomerNumber, Phase::Captcha, Phase::Consent, Phase::Confirm, Phase::Number, Phase::Spare, Phase::Over]),
    ) {
        let mut state = super::begin(Flows::only(&flow), &facts);
        (state.step, state.phase, state.contract) = (step, phase, Some("gone".parse().unwrap()));
        let turn = run(Flows::only(&flow), state, input, &facts);
        prop_assert!(!turn.reasons.is_empty() || !turn.verbs.prompts.is_empty() || turn.verbs.then != Then::Hangup);
    }

    #[test]
    fn a_flow_that_is_mangled_is_refused_or_works(
        which in 0usize..5, line in any::<prop::sample::Index>(), with in "\\PC{0,40}|[a-z]{1,6} = ('[a-z]{0,5}'|[0-9]|true)",
        inputs in vec(any_input(), 0..40),
    ) {
        let text = [
            include_str!("../../../ivr-flows/sla-hotline.toml"),
            include_str!("../../../ivr-flows/bilingual-triage.toml"),
            include_str!("../../../ivr-flows/voicemail-only.toml"),
            include_str!("../../../ivr-flows/major-outage.toml"),
            include_str!("../../../ivr-flows/after-hours-only.toml"),
        ][which];
        let mut lines: Vec<_> = text.lines().collect();
        let at = line.index(lines.len());
        lines[at] = &with;
        match parse("mangled.toml", &lines.join("\n")) {
            Ok(flow) => {
                let (call, effects) = play(flow, facts(), inputs);
                check_told(&call, &effects);
            }
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }
}
