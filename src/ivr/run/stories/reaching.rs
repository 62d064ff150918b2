//! Alerts, humans, messages, and what goes outside.

use crate::{
    ivr::{
        run::{
            fixtures::{Call, facts, heard, recorded, steps},
            waiting,
        },
        turn::{ConnectEnd, Effect, Input, Matter, MissedAlert, MissedWhy, RejectReason, Then},
    },
    model::{call::Outcome, priority::Priority},
};

#[test]
fn an_alert_is_raised_once_and_added_to_afterwards() {
    let text = "[steps.a]\ndo = 'alert'\nnext = 'b'\n[steps.b]\ndo = 'alert'\npriority = 'P1'\ncategory = 'network'\n\
        title = '{{ category }} from {{ contact.name or caller }}'\nack_on_connect = false\nnext = 'talk'\n";
    let call = Call::to(steps(text));
    let alert = call.raised();
    assert_eq!((alert.number, alert.title.as_str()), (17, "Call from +4930555010 (ACME GmbH)"));
    assert_eq!(alert.priority, Priority::P3);
    let Effect::AddToAlert(more) = &call.effects[1] else { panic!("{:?}", call.effects) };
    assert_eq!((more.number, more.title.as_str(), more.priority), (17, "network from +4930555010", Priority::P1));
    let Effect::Connect(connect) = &call.effects[2] else { panic!("{:?}", call.effects) };
    assert!(!connect.acknowledge);
    assert_eq!((connect.ring_s, connect.max_wait_s, connect.priority), (25, 300, Priority::P1));
}

#[test]
fn each_end_of_a_connect_has_its_exit_and_tells_whom_it_concerns() {
    let text = "[steps.a]\ndo = 'connect'\nconnected = 'bye'\nnobody = 'mail'\nleft = 'hub'\n";
    for (end, step, told) in [
        (ConnectEnd::Bridged { person: None }, "bye", None),
        (ConnectEnd::Nobody, "mail", Some(Matter::NobodyReached)),
        (ConnectEnd::NobodyOnCall, "mail", Some(Matter::NobodyOnCall)),
        (ConnectEnd::Left, "hub", None),
        (ConnectEnd::Failed, "mail", Some(Matter::ConnectFailed)),
    ] {
        let mut call = Call::to(steps(text));
        assert_eq!(call.verbs.then, Then::Enqueue);
        call.ends(end).at(step);
        assert_eq!(call.told(), told.into_iter().collect::<Vec<_>>());
    }
    Call::to(steps(text)).input(Input::Failed).at("mail");
}

#[test]
fn a_talk_stays_a_talk_whatever_follows() {
    let text = "[steps.a]\ndo = 'connect'\nconnected = 'mail'\nnobody = 'mail'\n";
    let mut call = Call::to(steps(text));
    call.ends(ConnectEnd::Bridged { person: Some("anna".parse().unwrap()) }).silent().silent();
    call.input(Input::RecordedNothing).is_over();
    assert!(call.effects.is_empty());
    assert_eq!(call.state.outcome(), Outcome::Connected);
}

#[test]
fn a_recording_needs_the_callers_clear_yes() {
    let text = "[steps.a]\ndo = 'connect'\nrecord = true\nconnected = 'bye'\nnobody = 'mail'\n";
    let asked = |answer: &dyn Fn(&mut Call)| {
        let mut call = Call::to(steps(text));
        call.hears("May we record");
        answer(&mut call);
        let [Effect::Consent { given, .. }, Effect::Connect(connect)] = &call.effects[..] else {
            panic!("{:?}", call.effects)
        };
        assert_eq!(*given, connect.record);
        connect.record
    };
    assert!(asked(&|call| {
        call.press("1");
    }));
    assert!(asked(&|call| {
        call.speak("Yes, sure.");
    }));
    assert!(asked(&|call| {
        call.press("7").press("1");
    }));
    assert!(!asked(&|call| {
        call.press("2");
    }));
    assert!(!asked(&|call| {
        call.speak("no, not yes");
    }));
    assert!(!asked(&|call| {
        call.silent().silent();
    }));
}

#[test]
fn a_waiting_caller_hears_where_they_stand() {
    let mut call = Call::to(steps("[steps.a]\ndo = 'say'\nsay = 'Hi.'\nnext = 'talk'\n"));
    assert!(heard(&waiting(call.flows(), &call.state, &call.facts, true)).contains("Please hold"));
    call.facts.queue_position = Some(1);
    let first = heard(&waiting(call.flows(), &call.state, &call.facts, true));
    assert!(first.contains("number 1 in the queue"), "{first}");
    call.facts.queue_position = Some(3);
    let later = heard(&waiting(call.flows(), &call.state, &call.facts, false));
    assert!(later.contains("still trying") && later.contains("number 3"), "{later}");
}

#[test]
fn waits_come_from_the_hotline_and_a_wrong_one_falls_back() {
    let text = "[vars]\nmax_wait = { type = 'duration', default = '2m' }\n[steps.a]\ndo = 'connect'\n\
        max_wait = '{{ max_wait }}'\nconnected = 'hub'\nnobody = 'mail'\n";
    for (given, seconds) in [(None, 120), (Some("10m"), 600), (Some("soon"), 120)] {
        let mut facts = facts();
        facts.vars.extend(given.map(|value| ("max_wait".to_owned(), value.to_owned())));
        let call = Call::with(steps(text), facts);
        assert!(matches!(&call.effects[0], Effect::Connect(connect) if connect.max_wait_s == seconds));
    }
}

#[test]
fn a_message_raises_an_alert_unless_the_call_has_one() {
    let text = "[steps.a]\ndo = 'voicemail'\nprompt = 'Speak.'\nalert = { priority = 'P2', unverified = true }\nnext = 'bye'\n";
    let mut call = Call::to(steps(text));
    call.hears("Speak.").record(12).at("bye").is_over();
    let [Effect::Voicemail(voicemail)] = &call.effects[..] else { panic!("{:?}", call.effects) };
    let raise = voicemail.raise.as_ref().unwrap();
    assert_eq!((raise.priority, raise.unverified, raise.number), (Priority::P2, true, 17));
    assert_eq!(raise.title, "Voicemail from +4930555010 (ACME GmbH)");
    assert_eq!(call.state.outcome(), Outcome::Voicemail);

    let mut call = Call::to(steps("[steps.a]\ndo = 'alert'\nnext = 'mail'\n"));
    call.record(3);
    assert!(matches!(&call.effects[..], [Effect::Voicemail(voicemail)] if voicemail.raise.is_none()));
}

#[test]
fn a_caller_who_hangs_up_while_speaking_has_left_a_message() {
    let mut call = Call::to(steps("[steps.a]\ndo = 'say'\nsay = 'Hi.'\nnext = 'mail'\n"));
    call.input(recorded(5, true)).is_over();
    assert!(call.heard().is_empty());
    assert!(call.input(Input::HungUp).effects.is_empty());
}

#[test]
fn an_empty_message_is_a_missed_call_unless_the_flow_has_an_exit() {
    let mut call = Call::to(steps("[steps.a]\ndo = 'say'\nsay = 'Hi.'\nnext = 'mail'\n"));
    call.input(Input::RecordedNothing).at("mail").hears("We did not receive an answer. Speak.").silent().at("mail");
    assert!(call.missed().is_none(), "whoever is asked once more may still speak");
    call.input(Input::RecordedNothing).at("bye").is_over();
    let missed = call.missed().unwrap();
    assert_eq!((missed.why, missed.step.as_str()), (MissedWhy::Silent, "mail"));
    assert_eq!(call.state.outcome(), Outcome::Missed);

    let text = "[steps.a]\ndo = 'voicemail'\nprompt = 'Speak.'\nnext = 'bye'\nempty = 'hub'\nattempts = 2\n\
        timeout = '12s'\nfinish = '1'\nno_input = 'Anybody there?'\n";
    let mut call = Call::to(steps(text));
    let Then::Record(record) = &call.verbs.then else { panic!("{:?}", call.verbs) };
    assert_eq!((record.silence_s, record.finish), (12, Some('1')));
    assert!(call.silent().at("a").hears("Anybody there? Speak.").silent().at("hub").effects.is_empty());
}

#[test]
fn a_recording_that_comes_after_the_hang_up_is_kept_once() {
    let mut call = Call::to(steps("[steps.a]\ndo = 'say'\nsay = 'Hi.'\nnext = 'mail'\n"));
    call.input(Input::HungUp);
    assert!(matches!(&call.missed().unwrap().alert, MissedAlert::New(alert) if alert.number == 17));
    call.input(recorded(5, true));
    assert!(matches!(&call.effects[..], [Effect::Voicemail(voicemail)] if voicemail.raise.is_none()));
    assert_eq!(call.state.outcome(), Outcome::Voicemail);
    assert!(call.input(recorded(5, true)).effects.is_empty());
}

const SMS: &str =
    "[steps.a]\ndo = 'sms'\ntext = 'See {{ alert.number | digits }}{{ org.name }}'\nnext = 'hub'\nfailed = 'mail'\n";

#[test]
fn an_sms_goes_to_the_caller_within_the_limits_of_money() {
    let mut call = Call::to(steps(SMS));
    call.at("hub");
    assert!(matches!(&call.effects[..], [Effect::SendSms { text, .. }] if text == "See Example MSP"));
    let mut capped = facts();
    capped.money.sms_left = false;
    let mut call = Call::with(steps(SMS), capped);
    assert_eq!(call.at("mail").told(), [Matter::Refused]);
    let mut withheld = facts();
    withheld.caller = None;
    assert!(Call::with(steps(SMS), withheld).at("mail").effects.is_empty());
}

#[test]
fn only_declared_numbers_in_allowed_countries_are_dialled() {
    let text = "[vars]\noffice = { type = 'phone' }\n[steps.a]\ndo = 'forward'\nnumber = '{{ office }}'\nsend = 'ww7'\n\
        caller_id = 'caller'\nconnected = 'bye'\nnobody = 'mail'\n";
    let to = |number: &str| {
        let mut facts = facts();
        facts.vars.insert("office".to_owned(), number.to_owned());
        Call::with(steps(text), facts)
    };
    let mut call = to("+4940123456");
    let Then::Dial(dial) = &call.verbs.then else { panic!("{:?}", call.verbs) };
    assert_eq!((dial.number.as_str(), dial.caller_id.as_str(), dial.ring_s), ("+4940123456", "+4930555010", 25));
    call.input(Input::Dialed { bridged: true }).at("bye");
    assert_eq!(call.state.outcome(), Outcome::Forwarded);
    for refused in ["+881234567890", "0900", ""] {
        assert_eq!(to(refused).at("mail").told(), [Matter::Refused], "{refused}");
    }
    to("+4940123456").input(Input::Dialed { bridged: false }).at("mail");
    to("+4940123456").input(Input::Failed).at("mail");
}

#[test]
fn a_call_is_rejected_only_before_it_was_answered() {
    let busy = "[steps.a]\ndo = 'hangup'\nreject = 'busy'\nsay = 'No.'\n";
    assert_eq!(Call::to(steps(busy)).verbs.then, Then::Reject(RejectReason::Busy));
    let greeted = busy.replace("steps.a", "steps.b") + "[steps.a]\ndo = 'say'\nsay = 'Hi.'\nnext = 'b'\n";
    let mut call = Call::to(steps(&greeted));
    call.hears("Hi. No.").is_over();
    assert_eq!(call.state.outcome(), Outcome::Goodbye);
}
