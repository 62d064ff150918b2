//! What callers hear when something is wrong, and who is told.

use chrono::TimeDelta;

use crate::{
    ivr::{
        Flows,
        run::{
            abandoned, begin,
            fixtures::{Call, facts, flow, heard, steps},
            run, spare, transcribes,
        },
        state::Phase,
        turn::{ConnectEnd, Effect, Input, Matter, MissedAlert, MissedWhy, Then},
    },
    model::{call::Outcome, language::Language, priority::Priority},
};

const MENU: &str = "[steps.a]\ndo = 'menu'\nprompt = 'Choose.'\noptions = { 1 = { to = 'hub' }, 2 = { to = 'talk' } }\ninvalid = 'bye'\n";

#[test]
fn a_step_that_the_flow_no_longer_has_leads_to_the_spare_voicemail() {
    let mut call = Call::to(steps(MENU));
    call.state.step = "gone".to_owned();
    call.press("1").hears("We are sorry");
    assert!(matches!(call.verbs.then, Then::Record(_)));
    assert_eq!(call.told(), [Matter::FlowFailed]);
    call.record(9).hears("Thank you").is_over();
    assert!(matches!(&call.effects[..], [Effect::Voicemail(voicemail)] if voicemail.raise.is_some()));
    assert_eq!(call.state.outcome(), Outcome::Voicemail);
}

#[test]
fn who_says_nothing_after_an_apology_is_a_failed_call_with_an_alert() {
    for input in [Input::RecordedNothing, Input::Nothing, Input::Failed, Input::HungUp] {
        let mut call = Call::to(steps(MENU));
        call.state.step = "gone".to_owned();
        call.press("1").input(input).is_over();
        assert_eq!(call.missed().unwrap().why, MissedWhy::Failed);
        assert_eq!(call.state.outcome(), Outcome::Failed);
    }
}

#[test]
fn what_is_said_after_an_apology_that_the_flow_knows_nothing_of_is_kept() {
    let mut call = Call::to(steps(MENU));
    call.record(9).hears("Thank you").is_over();
    assert!(matches!(&call.effects[..], [Effect::Voicemail(voicemail)] if voicemail.raise.is_some()));
    assert_eq!(call.state.outcome(), Outcome::Voicemail);
}

#[test]
fn what_is_said_after_an_apology_is_put_into_words() {
    let words = |call: &Call| matches!(&call.effects[..], [Effect::Voicemail(voicemail)] if voicemail.transcribe);
    let mut unknown = Call::to(steps(MENU));
    assert!(words(unknown.record(9)));
    let mut broken = Call::to(steps(MENU));
    broken.state.step = "gone".to_owned();
    broken.press("1");
    assert!(words(broken.record(9)));
}

/// A message that stands beside the call, such as a second one.
#[test]
fn what_comes_late_is_put_into_words_as_the_step_says() {
    let mail = |name: &str, words: bool| {
        format!("[steps.{name}]\ndo = 'voicemail'\nprompt = 'x'\ntranscribe = {words}\nnext = 'hub'\n")
    };
    let says = |text: &str, inputs: usize| {
        let mut call = Call::to(steps(text));
        for _ in 0..inputs {
            call.record(3);
        }
        transcribes(Flows::only(&call.flow), &call.state)
    };
    assert!(says(&mail("a", true), 0) && !says(&mail("a", false), 0));
    assert!(!says(&mail("a", false), 1), "the call has gone on");
    assert!(says(MENU, 0));
}

#[test]
fn a_talk_that_the_spare_document_led_to_is_one_wherever_the_flow_stood() {
    let talked = || Input::Connect(ConnectEnd::Bridged { person: None });
    let mut asked = Call::to(steps(MENU));
    asked.input(talked()).is_over();
    assert_eq!((asked.state.outcome(), asked.effects.len()), (Outcome::Connected, 0));
    let mut broken = Call::to(steps(MENU));
    broken.state.step = "gone".to_owned();
    broken.press("1").input(talked()).is_over();
    assert_eq!(broken.state.outcome(), Outcome::Connected);
    let (flow, facts) = (steps(MENU), facts());
    let fresh = run(Flows::only(&flow), begin(Flows::only(&flow), &facts), talked(), &facts);
    assert!(fresh.state.is_over() && fresh.effects.is_empty());
}

#[test]
fn a_document_that_fails_twice_at_a_step_leads_on_to_the_spare_voicemail() {
    let mut call = Call::to(steps(MENU));
    call.input(Input::Failed).at("a").hears("Choose.").input(Input::Failed).hears("We are sorry");
    assert_eq!(call.state.phase, Phase::Spare);
}

#[test]
fn a_text_that_cannot_be_rendered_loses_its_expression_but_not_the_caller() {
    let text =
        "[vars]\nn = { type = 'number' }\n[steps.a]\ndo = 'say'\nsay = 'Hello {{ 1 / n }}there.'\nnext = 'hub'\n";
    let mut facts = facts();
    facts.vars.insert("n".to_owned(), "none".to_owned());
    let mut call = Call::with(steps(text), facts);
    call.at("hub").hears("Hello there.").hears("Hub.");
    assert_eq!(call.told(), [Matter::FlowFailed]);
}

#[test]
fn an_endless_template_runs_out_of_fuel() {
    let text = "[vars]\nn = { type = 'number', default = 1 }\n[steps.a]\ndo = 'say'\nnext = 'hub'\n\
        say = 'Hi. {% for i in range(n) %}{% for j in range(n) %}x{% endfor %}{% endfor %}'\n";
    let mut facts = facts();
    facts.vars.insert("n".to_owned(), "9000".to_owned());
    let mut call = Call::with(steps(text), facts);
    call.at("hub").hears("Hi.");
    assert_eq!(call.told(), [Matter::FlowFailed]);
}

#[test]
fn a_call_of_too_many_turns_or_minutes_is_led_to_the_spare_voicemail() {
    let text = MENU.replace("2 = { to = 'talk' }", "2 = { to = 'talk' }, 0 = { repeat = true }");
    let mut call = Call::to(steps(&text));
    while call.state.phase != Phase::Spare {
        assert!(call.state.turn <= 100);
        call.press("0");
    }
    assert_eq!(call.state.turn, 101);

    let mut call = Call::to(steps(MENU));
    call.facts.now += TimeDelta::minutes(61);
    call.press("1").hears("We are sorry").record(4).is_over();
    assert_eq!(call.state.outcome(), Outcome::Voicemail);
}

#[test]
fn a_talk_of_two_hours_is_no_failure() {
    let mut call = Call::to(steps(MENU));
    call.press("2").at("talk");
    call.facts.now += TimeDelta::hours(2);
    call.ends(ConnectEnd::Bridged { person: None }).at("bye").hears("Goodbye.").is_over();
    assert!(call.effects.is_empty());
}

#[test]
fn who_hangs_up_leaves_a_missed_call_once() {
    let mut call = Call::to(steps(MENU));
    call.press("1");
    call.facts.now += TimeDelta::seconds(42);
    call.input(Input::HungUp).is_over();
    let missed = call.missed().unwrap();
    assert_eq!((missed.why, missed.step.as_str(), missed.waited_s), (MissedWhy::HungUp, "hub", 42));
    let MissedAlert::New(alert) = &missed.alert else { panic!("{missed:?}") };
    assert_eq!(alert.title, "Missed call from +4930555010 (ACME GmbH) (reached step hub)");
    assert_eq!(alert.priority, Priority::P3);
    assert_eq!(call.state.outcome(), Outcome::Missed);
    assert_eq!(abandoned(&call.flow, &call.state, &call.facts), None);
    assert!(call.input(Input::HungUp).effects.is_empty());
}

#[test]
fn a_caller_who_gives_up_waiting_is_told_to_the_alert_that_there_is() {
    let mut call = Call::to(steps("[steps.a]\ndo = 'alert'\nnext = 'talk'\n"));
    call.input(Input::HungUp);
    assert_eq!(call.missed().unwrap().alert, MissedAlert::Existing { number: 17 });
}

#[test]
fn a_hang_up_counts_only_past_the_step_that_the_flow_names() {
    let text = "id = 'f'\nlanguages = ['en']\nstart = 'a'\nabandoned = { after = 'b', priority = 'P2' }\n\
        [steps.a]\ndo = 'menu'\nprompt = 'A'\noptions = { 1 = { to = 'b' }, 2 = { to = 'c' } }\ninvalid = 'd'\n\
        [steps.b]\ndo = 'menu'\nprompt = 'B'\noptions = { 1 = { to = 'c' } }\ninvalid = 'd'\n\
        [steps.c]\ndo = 'menu'\nprompt = 'C'\noptions = { 1 = { to = 'd' } }\ninvalid = 'd'\n\
        [steps.d]\ndo = 'hangup'\n";
    let missed = |keys: &[&str]| {
        let mut call = Call::to(flow(text));
        for key in keys {
            call.press(key);
        }
        call.input(Input::HungUp).missed().cloned()
    };
    assert_eq!(missed(&[]), None);
    assert_eq!(missed(&["1"]), None, "at the step is not yet past it");
    assert!(missed(&["1", "1"]).is_some());
    let by_another_way = missed(&["2"]).expect("the step cannot come any more");
    assert!(matches!(by_another_way.alert, MissedAlert::New(alert) if alert.priority == Priority::P2));
    assert_eq!(missed(&["2", "1"]), None, "a chosen goodbye");
}

#[test]
fn whatever_comes_after_the_end_is_answered_with_a_goodbye() {
    let mut call = Call::to(steps(MENU));
    call.press("9").press("9").press("9").is_over();
    for input in [Input::Started, Input::Digits("1".to_owned()), Input::Continued, Input::Failed] {
        call.input(input).hears("Goodbye.").is_over();
        assert!(call.effects.is_empty());
    }
}

#[test]
fn the_spare_document_speaks_the_callers_language_or_english() {
    for (tag, words) in [("de-CH", "Es tut uns leid"), ("en", "We are sorry"), ("fr", "We are sorry")] {
        let verbs = spare(&tag.parse::<Language>().unwrap());
        assert!(heard(&verbs.prompts).contains(words));
        assert!(matches!(verbs.then, Then::Record(_)));
    }
}

#[test]
fn what_a_step_did_not_ask_for_is_no_answer() {
    let mut call = Call::to(steps(MENU));
    call.ends(ConnectEnd::Nobody).at("a").input(Input::Dialed { bridged: true }).at("a").hears("Choose.");
    let mut call = Call::to(steps("[steps.a]\ndo = 'say'\nsay = 'Hi.'\nnext = 'talk'\n"));
    call.press("1").at("mail");
    let mut before = call.state.clone();
    before.attempts = 2;
    let turn = run(call.flows(), before.clone(), Input::Continued, &call.facts);
    assert!(matches!(turn.effects[..], [Effect::Missed(_)]), "an empty recording");
}
