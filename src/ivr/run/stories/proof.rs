//! Who is phoning: numbers, PINs, machines.

use crate::{
    ivr::{
        facts::{Attestation, Facts},
        run::{
            fixtures::{Call, PIN, contract, facts, steps},
            wants,
        },
        state::Phase,
        turn::{Effect, Input, RejectReason, Then, Want},
    },
    model::call::Outcome,
};

const CALLER: &str = "[steps.a]\ndo = 'caller'\nknown = 'talk'\nunknown = 'hub'\nanonymous = 'mail'\n";

fn known() -> Facts {
    let mut facts = facts();
    facts.contracts[0].known = Some("petra".parse().unwrap());
    facts
}

#[test]
fn a_known_number_is_a_contact_but_no_proof() {
    let mut call = Call::with(steps(CALLER), known());
    call.at("talk");
    assert_eq!(call.state.contact.as_ref().unwrap().as_str(), "petra");
    assert!(!call.state.verified);
}

#[test]
fn a_spoofed_withheld_or_strange_number_is_not_known() {
    let with = |attestation, caller: bool| {
        let mut facts = known();
        facts.attestation = attestation;
        if !caller {
            facts.caller = None;
            facts.contracts[0].known = None;
        }
        facts
    };
    Call::with(steps(CALLER), with(Attestation::Failed, true)).at("hub");
    Call::with(steps(CALLER), with(Attestation::C, true)).at("talk");
    Call::with(steps(&format!("{CALLER}trust = 'attested'\n")), with(Attestation::B, true)).at("hub");
    Call::with(steps(&format!("{CALLER}trust = 'attested'\n")), with(Attestation::NotSupplied, true)).at("talk");
    Call::with(steps(CALLER), with(Attestation::NotSupplied, false)).at("mail");
    Call::to(steps(CALLER)).at("hub");
}

#[test]
fn a_blocked_number_is_rejected_before_it_is_answered_or_goes_where_the_flow_says() {
    let mut call = Call::with(steps(&format!("{CALLER}block = ['+4930*']\n")), known());
    assert_eq!(call.verbs.then, Then::Reject(RejectReason::Rejected));
    assert_eq!(call.state.outcome(), Outcome::Rejected);
    assert!(call.input(Input::HungUp).effects.is_empty());
    Call::to(steps(&format!("{CALLER}block = ['+4930555010']\nblocked = 'bye'\n"))).at("bye").hears("Goodbye.");
    Call::to(steps(&format!("{CALLER}block = ['+4930*']\nallow = ['+4930555010']\n"))).at("hub");
    Call::to(steps(&format!("{CALLER}allow = ['+4940*']\nblocked = 'bye'\n"))).at("bye");
}

#[test]
fn who_is_blocked_after_the_first_words_hears_a_goodbye() {
    let text = "[steps.a]\ndo = 'menu'\nprompt = 'x'\ninvalid = 'bye'\noptions = { 1 = { to = 'b' } }\n";
    let blocking = CALLER.replace("[steps.a]", "[steps.b]");
    let mut call = Call::with(steps(&format!("{text}{blocking}block = ['+4930*']\n")), known());
    call.press("1").is_over().hears("Goodbye.");
    assert_eq!((call.state.outcome(), call.missed()), (Outcome::Goodbye, None));
    let greeted = format!("[steps.a]\ndo = 'say'\nsay = 'Welcome.'\nnext = 'b'\n{blocking}block = ['+4930*']\n");
    Call::with(steps(&greeted), known()).is_over().hears("Welcome. Goodbye.");
    let mut machine = Call::to(steps(&format!("{CALLER}captcha = true\nattempts = 1\n")));
    machine.silent().is_over().hears("Goodbye.");
}

#[test]
fn an_unknown_caller_presses_any_key_where_the_flow_wants_it() {
    let text = format!("{CALLER}captcha = true\n");
    Call::to(steps(&text)).hears("any key").press("5").at("hub");
    Call::with(steps(&text), known()).at("talk");
    let mut call = Call::to(steps(&text));
    call.silent().silent().at("a").silent();
    assert!(call.state.is_over() && call.missed().is_some(), "a machine is a missed call");
    assert!(call.input(Input::HungUp).effects.is_empty(), "told once");
}

const PIN_STEP: &str =
    "[steps.a]\ndo = 'pin'\nprompt = 'PIN, please.'\nverified = 'talk'\nfailed = 'mail'\nlocked = 'hub'\n";

#[test]
fn the_right_pin_proves_who_it_is() {
    let mut call = Call::to(steps(PIN_STEP));
    assert_eq!((call.gather().finish, call.gather().max_digits), (Some('#'), Some(10)));
    call.hears("PIN, please.").press(PIN).at("talk");
    assert!(call.state.verified);
    assert!(matches!(&call.effects[0], Effect::PinVerified { contact, .. } if contact.as_str() == "petra"));
}

#[test]
fn three_wrong_pins_lead_to_failed_and_count_each() {
    let mut call = Call::to(steps(PIN_STEP));
    for _ in 0..2 {
        call.press("999111").at("a").hears("That was not right.");
        assert!(matches!(&call.effects[..], [Effect::PinFailed { contract: Some(_) }]));
    }
    call.press("999112").at("mail");
    assert_eq!(call.state.pin_tries, 3);
    assert_eq!(wants(call.flows(), &call.state, &Input::Digits(PIN.to_owned()), &call.facts), Want::Nothing);
}

#[test]
fn the_tries_of_a_call_count_over_all_its_pin_steps() {
    let text = format!("{}[steps.b]\ndo = 'pin'\nprompt = 'Again.'\nverified = 'talk'\nfailed = 'mail'\n", PIN_STEP)
        .replace("failed = 'mail'\nlocked", "attempts = 2\nfailed = 'b'\nlocked");
    let mut call = Call::to(steps(&text));
    call.press("999111").press("999112").at("b").hears("Again.").press("999113").at("mail");
}

#[test]
fn a_flow_that_sends_a_failed_caller_round_and_round_ends_in_the_spare_voicemail() {
    let mut call = Call::to(steps(&PIN_STEP.replace("failed = 'mail'", "failed = 'a'")));
    for _ in 0..3 {
        call.press("999111");
    }
    call.hears("We are sorry");
    assert_eq!(call.state.phase, Phase::Spare);
}

#[test]
fn what_cannot_be_a_pin_is_not_counted_against_the_account() {
    let mut call = Call::to(steps(PIN_STEP));
    call.press("123").at("a").press("12345678901").at("a");
    assert!(call.effects.is_empty());
    call.silent().at("mail");
    assert_eq!(call.state.pin_tries, 0);
}

#[test]
fn a_locked_account_checks_and_counts_nothing() {
    let mut call = Call::to(steps(PIN_STEP));
    call.locked = true;
    call.press(PIN).at("hub");
    assert!(call.effects.is_empty() && call.state.pin_tries == 0 && !call.state.verified);
    let mut call = Call::to(steps(&PIN_STEP.replace("locked = 'hub'\n", "")));
    call.locked = true;
    call.press(PIN).at("mail");
}

fn shared() -> Facts {
    let mut facts = facts();
    facts.contracts.push(contract("bolt", "bolt", "4712"));
    facts
}

#[test]
fn a_shared_hotline_asks_for_the_customer_number_first() {
    let mut call = Call::with(steps(PIN_STEP), shared());
    call.hears("customer number").press("4712").at("a").hears("PIN, please.").press(PIN).at("talk");
    assert_eq!(call.state.contract.as_ref().unwrap().as_str(), "bolt");
}

#[test]
fn a_customer_number_may_be_spoken_but_no_pin() {
    let mut call = Call::with(steps(PIN_STEP), shared());
    assert!(call.gather().speech.is_some());
    call.speak("four seven one two").at("a").hears("PIN, please.");
    assert_eq!(call.gather().speech, None);
    call.press(PIN).at("talk");
    assert_eq!(call.state.contract.as_ref().unwrap().as_str(), "bolt");
    Call::with(steps(PIN_STEP), shared()).speak("I do not know").hears("That was no customer number.");
}

#[test]
fn a_wrong_customer_number_sounds_like_a_wrong_pin_and_both_are_asked_again() {
    let mut call = Call::with(steps(PIN_STEP), shared());
    call.press("9999").hears("PIN, please.").press(PIN).at("a").hears("That was not right.").hears("customer number");
    assert!(matches!(&call.effects[..], [Effect::PinFailed { contract: None }]));
    assert_eq!(call.state.phase, Phase::CustomerNumber);
    call.press("4711").press(PIN).at("talk");
}

#[test]
fn a_pin_in_a_customer_number_is_never_compared() {
    let call = Call::with(steps(PIN_STEP), shared());
    assert_eq!(wants(call.flows(), &call.state, &Input::Digits(PIN.to_owned()), &call.facts), Want::Nothing);
}

#[test]
fn spaces_and_letters_are_no_pin() {
    let mut call = Call::to(steps(PIN_STEP));
    call.press("abcdef").at("a").speak("zero four eight").at("a");
    assert_eq!(call.state.pin_tries, 0);
}
