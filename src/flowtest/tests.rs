//! Test calls are read and played, and what goes otherwise is told where it stands.

use super::*;
use crate::{
    declare::{Directory, File},
    model::fault::Fault,
};

const MSP: &str = r#"
[[people]]
id = "anna"
contact = [ { id = "m", kind = "voice", to = "+4915110000001" } ]
[[people]]
id = "ben"
contact = [ { id = "m", kind = "voice", to = "+4915110000002" } ]
[[policies]]
id = "gold"
levels = [ { notify = ["person:anna"], ack_within = "5m" }, { notify = ["person:ben"], ack_within = "5m" } ]
[[customers]]
id = "acme"
contacts = [ { name = "Petra Klein", phones = ["+4930555010"] } ]
[[contracts]]
id = "gold"
customer = "acme"
coverage = "always"
priorities.P1 = { policy = "gold" }
[[hotlines]]
number = "+4930901820"
contract = "gold"
flow = "f"
"#;

const FLOW: &str = r#"
id = "f"
languages = ["en"]
start = "menu"
[steps.menu]
do = "menu"
prompt = "For help press 1."
options = { 1 = { to = "alert", speech = ["help"] }, 2 = { to = "desk" } }
invalid = "mail"
[steps.alert]
do = "alert"
priority = "P1"
next = "talk"
[steps.talk]
do = "connect"
connected = "bye"
nobody = "mail"
[steps.desk]
do = "forward"
number = "+4930901000"
connected = "bye"
nobody = "mail"
[steps.mail]
do = "voicemail"
prompt = "Speak after the tone."
next = "bye"
[steps.bye]
do = "hangup"
say = "Goodbye."
"#;

/// Anna stands before Ben, who speaks the caller's language.
#[test]
fn people_who_speak_the_callers_language_are_rung_first_if_wished() {
    let msp = MSP
        .replacen("id = \"anna\"", "id = \"anna\"\nlanguage = \"de\"", 1)
        .replacen("id = \"ben\"", "id = \"ben\"\nlanguage = \"en\"", 1)
        .replacen("notify = [\"person:anna\"]", "notify = [\"person:anna\", \"person:ben\"]", 1);
    let rung_first = |field: &str| {
        let flow = FLOW.replacen("do = \"connect\"", &format!("do = \"connect\"\n{field}"), 1);
        let played = play_among(&msp, &flow, "", &["{ press = '1' }", "{ nobody = true }"], "");
        played.transcript.into_iter().find(|line| line.contains("phone rings")).unwrap()
    };
    assert!(rung_first("").contains("ben's phone rings"), "it is wished where nothing is said");
    assert!(rung_first("prefer_language = true").contains("ben's phone rings"));
    assert!(rung_first("prefer_language = false").contains("anna's phone rings"));
}

fn world(flow: &str) -> Result<Directory, Vec<Fault>> {
    world_of(MSP, flow)
}

fn world_of(msp: &str, flow: &str) -> Result<Directory, Vec<Fault>> {
    let file = |name: &str, text: &str| File { name: name.to_owned(), text: text.to_owned() };
    let files = vec![file("msp.toml", msp), file("f.toml", flow)];
    directory_of(files, &|_, plain| Ok(plain.to_owned()), &|_, _| Err("there is no file: take it out".to_owned()))
}

/// Plays a script on the flow, one entry a line from line 8 on; `head` says more about the call.
fn play_on(flow: &str, head: &str, script: &[&str], expect: &str) -> Played {
    play_among(MSP, flow, head, script, expect)
}

fn play_among(msp: &str, flow: &str, head: &str, script: &[&str], expect: &str) -> Played {
    let text = format!(
        "[[call]]\nname = 'x'\norg = 'msp.toml'\nfrom = '+4930555010'\nat = '2026-12-24T02:30:00+01:00'\n{head}\nscript = [\n{}\n]\nexpect = {{ {expect} }}\n",
        script.join(",\n")
    );
    let calls = read("f.test.toml", &text).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let directory = world_of(msp, flow).unwrap();
    let hotline = directory.hotlines.values().next().unwrap();
    let flow = directory.flows.values().next().unwrap().flow.clone();
    play(&directory, hotline, &flow, &calls[0], &mut Pins::default())
}

#[track_caller]
fn as_expected(script: &[&str], expect: &str) -> Vec<String> {
    let played = play_on(FLOW, "", script, expect);
    assert!(played.failures.is_empty(), "{:#?}", (played.failures, played.transcript));
    played.transcript
}

#[track_caller]
fn otherwise(script: &[&str], expect: &str) -> String {
    let failures = play_on(FLOW, "", script, expect).failures;
    let said: Vec<String> =
        failures.iter().map(|failure| format!("{}: {}; {}", failure.line, failure.expected, failure.got)).collect();
    said.join("\n")
}

#[test]
fn levels_are_rung_one_after_the_other_until_somebody_accepts() {
    let transcript = as_expected(
        &[
            "{ hear = 'press 1', press = '1' }",
            "{ ring = 'anna', answer = false }",
            "{ ring = 'ben', answer = true, press = '1' }",
            "{ bridged = 'ben' }",
        ],
        "ended = 'connected', alert = { priority = 'P1', state = 'acknowledged', by = 'ben' }",
    );
    let rung: Vec<&str> = transcript.iter().filter(|line| line.contains("phone rings")).map(String::as_str).collect();
    assert_eq!(
        rung,
        ["02:30:00  anna's phone rings: named by the policy", "02:30:25  ben's phone rings: named by the policy"]
    );
}

#[test]
fn a_phone_of_which_the_script_says_nothing_is_told() {
    let script = ["{ press = '1' }", "{ ring = 'ben', answer = true, press = '1' }"];
    assert_eq!(otherwise(&script, ""), "9: the phone of ben to ring; anna is rung");
    let script = ["{ press = '1' }", "{ hear = 'Speak after' }"];
    assert_eq!(
        otherwise(&script, ""),
        "9: the script to say what becomes of anna, who is rung; it does not mention that phone"
    );
}

#[test]
fn technicians_decline_press_wrong_keys_or_are_a_mailbox() {
    as_expected(
        &[
            "{ say = 'I need help' }",
            "{ ring = 'anna', answer = true, press = '72' }",
            "{ ring = 'ben', answer = true }",
            "{ hear = 'Speak after the tone', record = '20s' }",
            "{ hear = 'Goodbye' }",
        ],
        "ended = 'voicemail', told = ['nobody_reached'], alert = { state = 'triggered' }",
    );
}

#[test]
fn waiting_is_virtual_and_nobody_need_be_named() {
    let transcript = as_expected(
        &[
            "{ press = '1' }",
            "{ nobody = true }",
            "{ hear = 'Speak after', silence = true }",
            "{ silence = true }",
            "{ hear = 'Speak after', silence = true }",
        ],
        "ended = 'missed', step = 'bye', alert = { missed = true }",
    );
    assert!(transcript.iter().any(|line| line.starts_with("02:30:30  hears: We are still trying")), "{transcript:#?}");
    as_expected(
        &[
            "{ press = '1' }",
            "{ wait = '20s', not_hear = 'Speak' }",
            "{ press = '*' }",
            "{ hear = 'Speak', hang_up = true }",
        ],
        "ended = 'missed'",
    );
}

#[test]
fn an_outside_number_is_rung_and_talked_with() {
    as_expected(
        &["{ press = '2' }", "{ ring = '+4930901000', answer = true }", "{ wait = '3m' }", "{ hear = 'Goodbye' }"],
        "ended = 'forwarded', alert = false",
    );
    as_expected(
        &["{ press = '2' }", "{ ring = '+4930901000', answer = false }", "{ record = '4s', hang_up = true }"],
        "ended = 'voicemail', voicemail = true",
    );
    let script = ["{ press = '2' }", "{ hear = 'Speak' }"];
    assert!(otherwise(&script, "").contains("what becomes of +4930901000"));
}

#[test]
fn a_carrier_that_fails_loses_no_caller() {
    as_expected(
        &["{ press = '1' }", "{ fails = true }", "{ hear = 'Speak after', record = '3s' }"],
        "ended = 'voicemail', told = ['connect_failed']",
    );
}

#[test]
fn caps_and_busy_people_change_what_happens() {
    let script = ["{ press = '2' }", "{ hear = 'Speak', record = '3s' }"];
    let capped = play_on(FLOW, "over_cap = true", &script, "told = ['refused']");
    assert!(capped.failures.is_empty(), "{capped:#?}");
    let script = ["{ press = '1' }", "{ ring = 'ben', answer = true, press = '1' }"];
    let busy = play_on(FLOW, "busy = ['anna']", &script, "ended = 'connected', alert = { by = 'ben' }");
    assert!(busy.failures.is_empty(), "{busy:#?}");
}

#[test]
fn what_is_otherwise_is_told_with_its_line() {
    assert_eq!(otherwise(&["{ hear = 'press 9' }"], ""), "8: to hear \"press 9\"; it was not said");
    assert_eq!(otherwise(&["{ not_hear = 'HELP' }"], ""), "8: not to hear \"HELP\"; it was said");
    assert_eq!(otherwise(&["{ press = '12' }"], ""), "8: somebody to take the keys 12; step `menu` takes 1 at most");
    assert_eq!(otherwise(&["{ record = '3s' }"], ""), "8: a message to be recorded; step `menu` asks the caller");
    let wrong = otherwise(&["{ hang_up = true }"], "ended = 'connected', alert = { priority = 'P1', missed = true }");
    assert_eq!(wrong, "10: ended: connected; ended: missed\n10: the alert's priority: P1; the alert's priority: P3");
}

#[test]
fn only_exits_that_were_taken_count_as_tested() {
    let directory = world(FLOW).unwrap();
    let flow = &directory.flows.values().next().unwrap().flow;
    let script = ["{ press = '1' }", "{ ring = 'anna', answer = true, press = '1' }"];
    let taken = play_on(FLOW, "", &script, "").taken;
    let untested = untested(flow, &taken);
    assert_eq!(untested, ["menu.2", "menu.invalid", "talk.nobody", "desk.connected", "desk.nobody", "mail.next"]);
}

#[test]
fn faults_of_a_test_file_are_told_with_place_and_mend() {
    let text = "org = 'msp.toml'\n[[call]]\nnmae = 'x'\nat = 'noon'\nscript = [\n  { haer = 'x' },\n  { press = '1', say = 'x' },\n  \
                { press = '1a' },\n  { ring = 'anna' },\n  {},\n]\nexpect = { ended = 'conected', alert = { prority = 'P1' } }\n";
    let faults = read("f.test.toml", text).unwrap_err();
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let found = |what: &str| assert!(said.iter().any(|fault| fault.contains(what)), "{what}: {said:#?}");
    found("f.test.toml:3:1: call has an unknown key `nmae`; did you mean `name`?");
    found("f.test.toml:4:6: `noon` is no instant; write 2026-12-24T02:30:00+01:00");
    found("f.test.toml:6:5: script entry has an unknown key `haer`; did you mean `hear`?");
    found("f.test.toml:7:18: the entry says both `press` and `say`; write one entry for each");
    found("f.test.toml:8:13: `1a` are no keys of a telephone");
    found("f.test.toml:9:3: script entry has no `answer`");
    found("f.test.toml:10:3: the entry says nothing");
    found("`ended` is `conected`; did you mean `connected`?");
    found("`alert` has an unknown key `prority`; did you mean `priority`?");
}

/// The promise is hundreds a second; this many must do even without optimisation, beside other tests.
#[test]
fn test_calls_are_quick() {
    let script = ["{ press = '1' }", "{ nobody = true }", "{ hear = 'Speak', record = '3s' }"];
    let text = format!(
        "[[call]]\nname = 'x'\norg = 'o'\nfrom = '+4930555010'\nat = '2026-12-24T02:30:00+01:00'\nscript = [ {} ]\n",
        script.join(", ")
    );
    let call = &read("f.test.toml", &text).unwrap()[0];
    let directory = world(FLOW).unwrap();
    let hotline = directory.hotlines.values().next().unwrap();
    let flow = directory.flows.values().next().unwrap().flow.clone();
    let clock = crate::clock::Clock::system();
    let began = clock.now();
    for _ in 0..200 {
        assert!(play(&directory, hotline, &flow, call, &mut Pins::default()).failures.is_empty());
    }
    let took = clock.now() - began;
    assert!(took < chrono::TimeDelta::seconds(2), "200 calls took {took}");
}

#[test]
fn that_there_is_some_alert_is_enough_where_no_more_is_said() {
    let helped: &[&str] = &["{ press = '1' }", "{ ring = 'anna', answer = true, press = '1' }"];
    as_expected(helped, "alert = true");
    as_expected(helped, "alert = {}");
    let none = otherwise(&["{ press = '2' }", "{ ring = '+4930901000', answer = true }"], "alert = true");
    assert!(none.ends_with("an alert; no alert was raised"), "{none}");
    let open = otherwise(helped, "alert = { state = 'resolved' }");
    assert!(open.ends_with("the alert's state: resolved; the alert's state: acknowledged"), "{open}");
}
