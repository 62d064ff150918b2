//! Flows that call flows: there, back, and what is known where.

use crate::{
    ivr::{
        flow::Flow,
        run::fixtures::{Call, PIN, facts, flow, steps},
        state::{Phase, State},
        turn::{Input, MissedAlert, MissedWhy, Prompt, Then},
    },
    model::{call::Outcome, priority::Priority},
};

/// Asks what it is about, and comes back; 3 ends the call by itself.
fn topic() -> Flow {
    flow(
        "id = 'topic'\nlanguages = ['en', 'de']\nstart = 'ask'\n[voices]\nde = 'Vicki'\n\
        [vars]\nintro = { default = 'Hello' }\n\
        [steps.ask]\ndo = 'menu'\nprompt = { en = '{{ intro }}: what is it?', de = '{{ intro }}: was ist es?' }\n\
        invalid = 'return'\n[steps.ask.options]\n1 = { category = 'outage', priority = 'P1', to = 'more' }\n\
        3 = { to = 'end' }\n\
        [steps.more]\ndo = 'collect'\nprompt = 'Which machine?'\ninto = 'machine'\nnext = 'note'\nfailed = 'return'\n\
        [steps.note]\ndo = 'set'\nvars = { intro = 'changed', secret = 'own' }\nnext = 'return'\n\
        [steps.end]\ndo = 'hangup'\nsay = 'That is all.'\n",
    )
}

const MAIN: &str = "[vars]\nmachine = { default = 'none' }\nintro = { default = 'outer' }\n\
    [steps.a]\ndo = 'flow'\nflow = 'topic'\nvars = { intro = 'Hi {{ caller }}' }\nnext = 'b'\n\
    [steps.b]\ndo = 'say'\nsay = 'Machine {{ machine }}, {{ intro }}, {{ category }}.'\nnext = 'hub'\n";

fn call() -> Call {
    Call::calling(steps(MAIN), [topic()], facts())
}

#[test]
fn a_called_flow_comes_back_with_what_the_caller_said() {
    let mut call = call();
    call.at("topic/ask").hears("Hi +4930555010: what is it?").press("1").at("topic/more").press("42");
    call.at("hub").hears("Machine 42, outer, outage. Hub.");
    assert_eq!(call.state.priority, Some(Priority::P1));
    assert!(call.state.calls.is_empty());
    assert!(!call.state.vars.contains_key("secret"), "what the outer flow does not declare stays inside");
}

#[test]
fn a_called_flow_may_end_the_call() {
    let mut call = call();
    call.press("3").hears("That is all.").is_over();
    assert_eq!(call.state.outcome(), Outcome::Goodbye);
}

#[test]
fn a_flow_that_nobody_called_says_goodbye_where_it_would_come_back() {
    let mut call = Call::to(topic());
    call.at("ask").hears("Hello: what is it?").press("9").silent().press("8").at("return").hears("Goodbye.").is_over();
    assert_eq!(call.state.outcome(), Outcome::Goodbye);
}

#[test]
fn the_callers_vars_of_the_hotline_are_not_the_called_flows() {
    let mut facts = facts();
    facts.vars.insert("intro".to_owned(), "of the hotline".to_owned());
    let text = MAIN.replace("vars = { intro = 'Hi {{ caller }}' }\n", "");
    let mut call = Call::calling(steps(&text), [topic()], facts);
    call.hears("Hello: what is it?").press("9").press("9").press("9").at("hub").hears("Machine none, of the hotline,");
}

#[test]
fn who_hangs_up_inside_is_missed_by_the_rule_of_the_hotlines_own_flow() {
    let head = "id = 'f'\nlanguages = ['en']\nstart = 'first'\nabandoned = { after = 'a', priority = 'P2' }\n\
        [steps.first]\ndo = 'flow'\nflow = 'topic'\nnext = 'a'\n[steps.a]\ndo = 'flow'\nflow = 'topic'\nnext = 'end'\n\
        [steps.end]\ndo = 'menu'\nprompt = 'x'\noptions = { 1 = { to = 'bye' } }\ninvalid = 'bye'\n\
        [steps.bye]\ndo = 'hangup'\n";
    let mut inside = Call::calling(flow(head), [topic()], facts());
    inside.at("topic/ask").input(Input::HungUp).is_over();
    assert_eq!(inside.missed(), None, "not past the step yet");
    let mut past = Call::calling(flow(head), [topic()], facts());
    for _ in 0..6 {
        past.press("9");
    }
    past.at("end").input(Input::HungUp);
    let missed = past.missed().unwrap();
    assert!(matches!(&missed.alert, MissedAlert::New(alert) if alert.priority == Priority::P2));
    assert_eq!((missed.why, missed.step.as_str()), (MissedWhy::HungUp, "end"));
    let mut by_default = call();
    by_default.input(Input::HungUp);
    assert_eq!(by_default.missed().unwrap().step, "topic/ask");
}

#[test]
fn flows_have_steps_of_the_same_name_and_fail_apart() {
    let sub = "id = 'sub'\nlanguages = ['en']\nstart = 'a'\n[steps.a]\ndo = 'menu'\nprompt = 'Inner.'\n\
        play = 'https://x.example/a.mp3'\noptions = { 1 = { to = 'return' } }\ninvalid = 'return'\n";
    let main = "[steps.a]\ndo = 'flow'\nflow = 'sub'\nnext = 'hub'\n";
    let mut call = Call::calling(steps(main), [flow(sub)], facts());
    call.at("sub/a").hears("[https://x.example/a.mp3]").input(Input::Failed).at("sub/a").hears("Inner.");
    assert_eq!(call.state.failed_steps, ["sub/a".to_owned()].into());
    call.press("1").at("hub").hears("Hub.");
}

#[test]
fn a_pin_is_checked_in_a_called_flow_as_anywhere() {
    let sub = "id = 'who'\nlanguages = ['en']\nstart = 'pin'\n[steps.pin]\ndo = 'pin'\nprompt = 'PIN.'\n\
        verified = 'return'\nfailed = 'return'\n";
    let main = "[steps.a]\ndo = 'flow'\nflow = 'who'\nnext = 'b'\n[steps.b]\ndo = 'when'\n\
        cases = [ { if = 'verified', to = 'talk' } ]\nelse = 'mail'\n";
    let mut call = Call::calling(steps(main), [flow(sub)], facts());
    call.press(PIN).at("talk");
    assert!(call.state.verified && call.state.contact.is_some());
}

#[test]
fn only_what_was_declared_is_dialled_in_a_called_flow() {
    let sub = "id = 'desk'\nlanguages = ['en']\nstart = 'over'\n[vars]\noffice = { type = 'phone' }\n\
        [steps.over]\ndo = 'forward'\nnumber = '{{ office }}'\nconnected = 'return'\nnobody = 'return'\n";
    let main = |given: &str| {
        let text = format!(
            "[vars]\ndesk = {{ type = 'phone', default = '+4940123456' }}\n[steps.a]\ndo = 'flow'\nflow = 'desk'\n\
            vars = {{ office = '{given}' }}\nnext = 'hub'\n"
        );
        Call::calling(steps(&text), [flow(sub)], facts())
    };
    for given in ["+4940123456", "{{ desk }}"] {
        let call = main(given);
        assert!(matches!(&call.verbs.then, Then::Dial(dial) if dial.number.as_str() == "+4940123456"), "{given}");
    }
    main("{{ caller }}").at("hub");
    main("+49{{ 30 }}0901820").at("hub");
}

#[test]
fn the_nearest_language_is_spoken_inside_and_the_voice_is_that_of_whoever_has_one() {
    let sub = "id = 'sub'\nlanguages = ['fr', 'en']\nstart = 's'\n[steps.s]\ndo = 'say'\nsay = { fr = 'Oui.', en = 'Yes.' }\n\
        next = 'return'\n";
    let main = "id = 'f'\nlanguages = ['en-GB']\nstart = 'a'\n[voices]\nen-GB = 'Amy'\n[steps.a]\ndo = 'flow'\nflow = 'sub'\n\
        next = 'b'\n[steps.b]\ndo = 'hangup'\nsay = 'Bye.'\n";
    let call = Call::calling(flow(main), [flow(sub)], facts());
    let said: Vec<_> = call
        .verbs
        .prompts
        .iter()
        .map(|prompt| match prompt {
            Prompt::Say(say) => (say.heard(), say.language.to_string(), say.voice.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [("Yes.", "en", None), ("Bye.", "en-GB", Some("Amy"))];
    let expected =
        expected.map(|(text, language, voice)| (text.to_owned(), language.to_owned(), voice.map(str::to_owned)));
    assert_eq!(said, expected);
}

#[test]
fn a_flow_that_is_gone_or_calls_too_deep_leads_to_the_spare_voicemail() {
    Call::to(steps(MAIN)).hears("We are sorry");
    let deep = |n: usize| {
        flow(&format!(
            "id = 'd{n}'\nlanguages = ['en']\nstart = 'a'\n[steps.a]\ndo = 'flow'\nflow = 'd{}'\nnext = 'return'\n",
            n + 1
        ))
    };
    let end = flow(
        "id = 'd6'\nlanguages = ['en']\nstart = 'a'\n[steps.a]\ndo = 'menu'\nprompt = 'Deep.'\n\
        options = { 1 = { to = 'return' } }\ninvalid = 'return'\n",
    );
    let to = |first: usize| {
        let main = steps(&format!("[steps.a]\ndo = 'flow'\nflow = 'd{first}'\nnext = 'hub'\n"));
        Call::calling(main, (1..6).map(deep).chain([end.clone()]), facts())
    };
    to(2).hears("Deep.").press("1").at("hub");
    let mut too_deep = to(1);
    assert_eq!(too_deep.hears("We are sorry").state.phase, Phase::Spare);
    too_deep.record(5);
    assert_eq!(too_deep.state.outcome(), Outcome::Voicemail);
}

#[test]
fn a_call_remembers_the_versions_that_it_began_with() {
    let call = call();
    let state = State::from_json(&call.state.to_json()).unwrap();
    assert_eq!(state.versions, [("topic".parse().unwrap(), 1)].into());
    assert_eq!(state.calls[0].step, "a");
}
