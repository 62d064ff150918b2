//! Callers are told of open incidents, and who wants it hears more by SMS.

use crate::{
    ivr::{
        facts::Attestation,
        run::fixtures::{Call, contract, facts, incident, steps},
        turn::{Effect, Input, Then},
    },
    model::incident::{Incident, IncidentState},
};

const NOTICE: &str = "[steps.a]\ndo = 'notice'\nannounced = 'hub'\nnone = 'mail'\n";

fn call_with(fields: &str, incidents: Vec<Incident>, change: impl FnOnce(&mut crate::ivr::facts::Facts)) -> Call {
    let mut facts = facts();
    facts.incidents = incidents;
    change(&mut facts);
    Call::with(steps(&format!("{NOTICE}{fields}\n")), facts)
}

fn told(fields: &str) -> Call {
    call_with(fields, vec![incident(3)], |_| {})
}

fn follows(call: &Call) -> Vec<String> {
    let follows = |effect: &Effect| match effect {
        Effect::FollowIncidents { caller, incidents, language } => {
            Some(format!("{caller} follows {} in {language}", incidents.len()))
        }
        _ => None,
    };
    call.effects.iter().filter_map(follows).collect()
}

#[test]
fn whoever_has_no_incident_goes_on_without_a_word() {
    let mut call = call_with("", Vec::new(), |_| {});
    assert_eq!(call.at("mail").heard(), "Speak.");
    let resolved = Incident { state: IncidentState::Resolved, ..incident(1) };
    call_with("", vec![resolved], |_| {}).at("mail");
}

#[test]
fn what_is_told_is_data_and_never_a_template() {
    let mut call = told("");
    call.at("a").hears("We know of the following problem").hears("<Mail> 3 is down. {{ org }} {{ org }}");
    call.hears("To be kept up to date by SMS, press 1 or say yes.");
    assert!(call.gather().speech.as_ref().is_some_and(|listen| listen.hints.contains(&"yes".to_owned())));
    assert!(call.reasons.concat().contains("told of incident 3"));
}

#[test]
fn the_key_1_or_a_yes_subscribes_and_the_call_goes_on() {
    let mut call = told("");
    call.press("1").at("hub").hears("You will get an SMS as soon as there is news. Hub.");
    assert_eq!(follows(&call), ["+4930555010 follows 1 in en"]);
    let mut call = told("");
    call.speak("Yes, please!").at("hub");
    assert_eq!(follows(&call).len(), 1);
}

#[test]
fn whoever_says_nothing_or_something_else_goes_on_all_the_same() {
    for answer in ["", "2", "7"] {
        let mut call = told("");
        for again in 0..3 {
            if again > 0 && answer == "2" {
                break;
            }
            let before = if again == 0 { "We know of" } else { "We did not receive an answer. To be kept" };
            let before = if again > 0 && answer == "7" { "That is not one of the choices. To be kept" } else { before };
            call.at("a").hears(before).hears("To go on without, press 2 or say no.");
            if answer.is_empty() {
                call.silent()
            } else {
                call.press(answer)
            };
        }
        assert!(follows(call.at("hub")).is_empty());
    }
    let mut call = told("attempts = 2\nno_input = 'Anybody there?'");
    call.silent().at("a").hears("Anybody there? To be kept up to date").silent().at("hub");
}

#[test]
fn nothing_is_offered_to_whom_no_sms_could_reach() {
    for change in [
        (|facts| facts.caller = None) as fn(&mut crate::ivr::facts::Facts),
        |facts| facts.attestation = Attestation::Failed,
        |facts| facts.money.sms_left = false,
        |facts| facts.money.countries.clear(),
    ] {
        let mut call = call_with("", vec![incident(3)], change);
        call.at("hub").hears("Mail").hears("Hub.");
        assert!(!call.heard().contains("SMS"));
    }
    let mut call = told("offer_sms = false");
    assert!(!call.at("hub").heard().contains("SMS"));
    told("prompt = 'Shall we text you?'").at("a").hears("Shall we text you?");
}

#[test]
fn only_what_touches_the_caller_is_told_and_no_more_than_five() {
    let of = |number, customer: &str| Incident { customers: [customer.parse().unwrap()].into(), ..incident(number) };
    let mut call = call_with("", vec![of(9, "bolt"), of(8, "acme")], |_| {});
    assert!(!call.at("a").hears("Mail> 8").heard().contains("Mail> 9"), "the hotline has one contract");
    let mut call = call_with("", vec![of(9, "bolt"), of(8, "acme"), of(7, "delta")], |facts| {
        facts.contracts.push(contract("bolt-gold", "bolt", "4712"));
    });
    assert!(!call.hears("Mail> 9").hears("Mail> 8").heard().contains("Mail> 7"), "whose call it is, is not known");
    call.state.contract = Some("bolt-gold".parse().unwrap());
    call.press("1");
    assert!(
        call.effects.iter().any(
            |effect| matches!(effect, Effect::FollowIncidents { incidents, .. } if *incidents == [incident(9).id])
        )
    );
    let many = (0..9).rev().map(incident).collect();
    let call = call_with("", many, |_| {});
    assert!(call.heard().contains("Mail> 4") && !call.heard().contains("Mail> 3"));
}

#[test]
fn long_stories_get_a_document_of_their_own() {
    let welcome = format!("[steps.a]\ndo = 'say'\nsay = '{}'\nnext = 'b'\n", "Welcome. ".repeat(400));
    let mut facts = facts();
    facts.incidents = (0..5).map(incident).collect();
    let flow = steps(&format!("{welcome}{}", NOTICE.replace("[steps.a]", "[steps.b]")));
    let mut call = Call::with(flow, facts);
    assert_eq!(call.verbs.then, Then::Continue);
    assert!(!call.heard().contains("Mail"));
    call.input(Input::Continued).at("b").hears("Mail> 4");
}
