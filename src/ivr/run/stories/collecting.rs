//! What callers key in or say, and whether it was heard right.

use crate::ivr::{
    run::fixtures::{Call, steps},
    state::{Phase, State},
    turn::{Input, Prompt, SpeechPart},
};

const TICKET: &str =
    "[steps.a]\ndo = 'collect'\nprompt = 'Your ticket.'\ninto = 'ticket'\nnext = 'b'\nfailed = 'mail'\n";
const REPEATS: &str = "[steps.b]\ndo = 'say'\nsay = 'Ticket {{ ticket }}.'\nnext = 'hub'\n";

fn with(fields: &str) -> Call {
    Call::to(steps(&format!("{TICKET}{fields}\n{REPEATS}")))
}

#[test]
fn keys_become_a_var() {
    let mut call = with("digits = '4-6'");
    assert_eq!((call.gather().max_digits, call.gather().finish, &call.gather().speech), (Some(6), Some('#'), &None));
    call.hears("Your ticket.").press("04711").at("hub").hears("Ticket 04711.");
    assert!(!call.reasons.concat().contains("04711"), "an answer may be private");
}

#[test]
fn what_does_not_fit_is_asked_again_until_the_last_attempt() {
    let mut call = with("digits = '4'\nattempts = 4\nno_input = 'Anybody there?'");
    call.press("123").at("a").hears("We did not understand that. Your ticket.");
    call.press("12*4").at("a");
    call.silent().at("a").hears("Anybody there? Your ticket.");
    call.speak("one two three four").at("mail");
    assert!(!call.state.vars.contains_key("ticket"));
}

#[test]
fn one_digit_is_as_good_as_many_where_the_flow_does_not_say() {
    let mut call = with("");
    assert_eq!(call.gather().max_digits, Some(32));
    call.press("7").at("hub").hears("Ticket 7.");
}

#[test]
fn what_is_said_becomes_a_var_as_it_was_said() {
    let mut call = with("input = 'speech'");
    assert!(call.gather().speech.is_some());
    call.press("4711").at("a").hears("We did not understand that.");
    call.speak("The {{ caller }} printer\u{e000} on floor 3").at("hub").hears("The {{ caller }} printer on floor 3.");
}

#[test]
fn digits_may_be_spoken_where_both_are_taken() {
    with("input = 'both'\ndigits = '4'").speak("four, seven, oh one").at("hub").hears("Ticket 4701.");
    with("input = 'both'\ndigits = '4'").speak("the second one").at("a");
    with("input = 'both'\ndigits = '4'").press("4711").at("hub");
    with("input = 'both'").speak("the second one").at("hub").hears("Ticket the second one.");
}

#[test]
fn what_was_heard_is_repeated_digit_by_digit_and_kept_on_a_yes() {
    for yes in [Input::Digits("1".to_owned()), Input::Speech { text: "Yes, please".to_owned(), confidence: None }] {
        let mut call = with("confirm = true");
        call.press("4711").at("a").hears("We understood: 4711. If that is right, press 1");
        let Prompt::Say(say) = &call.verbs.prompts[0] else { panic!("no speech") };
        assert_eq!(say.parts[1], SpeechPart::Digits("4711".to_owned()));
        assert_eq!(call.gather().max_digits, Some(1));
        assert!(call.gather().speech.as_ref().unwrap().hints.contains(&"yes".to_owned()));
        call.input(yes).at("hub").hears("Ticket 4711.");
        assert_eq!(call.state.heard, None);
    }
}

#[test]
fn what_was_heard_wrong_is_asked_again() {
    let mut call = with("confirm = true");
    call.press("4711").press("2").at("a").hears("Your ticket.");
    assert_eq!((call.state.phase, &call.state.heard), (Phase::Asked, &None));
    call.press("4712").silent().hears("We understood: 4712.").press("1").at("hub").hears("Ticket 4712.");
}

#[test]
fn who_never_says_that_it_is_right_has_failed() {
    let mut call = with("confirm = true");
    call.press("4711").speak("no").press("4712").press("9").press("7").at("mail");
    assert!(call.state.vars.is_empty() && call.state.heard.is_none());
}

#[test]
fn a_call_in_which_something_is_to_be_confirmed_outlasts_a_restart() {
    let mut call = with("confirm = true");
    call.press("4711");
    call.state = State::from_json(&call.state.to_json()).unwrap();
    call.press("1").at("hub").hears("Ticket 4711.");
}
