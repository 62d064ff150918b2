//! A callback is offered, accepted or declined, at the caller's own number or at another.

use crate::{
    ivr::{
        run::fixtures::{Call, facts, steps},
        turn::{Callback, ConnectEnd, Effect, Input},
    },
    model::{call::Outcome, priority::Priority},
};

const OFFER: &str = "[steps.a]\ndo = 'callback'\nprompt = 'All are busy.'\naccepted = 'bye'\ndeclined = 'mail'\n";

fn offered(fields: &str) -> Call {
    Call::to(steps(&format!("{OFFER}{fields}\n")))
}

fn promised(call: &Call) -> Option<&Callback> {
    call.effects.iter().find_map(|effect| match effect {
        Effect::Callback(promised) => Some(promised),
        _ => None,
    })
}

#[test]
fn the_caller_accepts_and_hears_by_when() {
    let mut call = offered("within = '45m'");
    call.hears("All are busy.").hears("within 45 minutes at the number 4930555010").hears("press 1 or say yes");
    call.press("1").is_over().hears("We will call you back by 3:15 a.m. at the number 4930555010. Goodbye.");
    let promise = promised(&call).unwrap();
    assert_eq!(promise.number.as_str(), "+4930555010");
    assert_eq!((promise.due - call.facts.now).num_minutes(), 45);
    assert_eq!(promise.alert.title, "Call back by 3:15 a.m.: +4930555010 (ACME GmbH), +4930555010");
    assert_eq!(promise.alert.priority, Priority::P3);
    assert_eq!(call.state.outcome(), Outcome::Callback);
    assert!(call.missed().is_none());
}

#[test]
fn a_hang_up_after_the_promise_is_no_missed_call() {
    let text = format!(
        "{}[steps.b]\ndo = 'menu'\nprompt = 'More?'\noptions = {{ 1 = {{ to = 'bye' }} }}\ninvalid = 'bye'\n",
        OFFER.replace("accepted = 'bye'", "accepted = 'b'")
    );
    let mut call = Call::to(steps(&text));
    call.speak("yes").at("b").input(Input::HungUp);
    assert_eq!((call.state.outcome(), call.missed().is_none()), (Outcome::Callback, true));
}

#[test]
fn whoever_does_not_clearly_want_it_goes_on() {
    for key in ["2", "3"] {
        assert!(promised(offered("").press(key).at("mail")).is_none());
    }
    offered("").speak("no thanks").at("mail");
    let mut call = offered("");
    call.silent().at("a").hears("We did not receive an answer.").press("9").at("a").hears("not one of the choices");
    call.silent().at("mail");
    assert!(!call.state.promised);
}

#[test]
fn another_number_is_keyed_in_repeated_and_confirmed() {
    let mut call = offered("number = 'ask'");
    call.hears("For another number, press 2 or say another number.")
        .press("2")
        .hears("Please enter the number with its area code");
    assert_eq!(call.gather().finish, Some('#'));
    call.press("0301234567").hears("49301234567").press("2").hears("Please enter the number");
    call.press("00493012345678").hears("493012345678").press("1").is_over().hears("at the number 493012345678");
    assert_eq!(promised(&call).unwrap().number.as_str(), "+493012345678");
    let mut call = offered("number = 'ask'");
    call.press("2").speak("zero three zero one two three four five six seven").hears("49301234567").speak("yes");
    assert_eq!(promised(&call).unwrap().number.as_str(), "+49301234567");
    offered("number = 'ask'").press("3").at("mail");
}

#[test]
fn every_choice_of_a_callback_can_be_said() {
    for said in ["two", "2", "Another number, please", "No, a different one"] {
        let mut call = offered("number = 'ask'");
        let hints = &call.gather().speech.as_ref().unwrap().hints;
        assert!(
            ["yes", "no", "one", "two", "three", "another"].iter().all(|word| hints.iter().any(|hint| hint == word))
        );
        call.speak(said).hears("Please enter the number with its area code");
    }
    offered("number = 'ask'").speak("three").at("mail");
    assert!(promised(offered("number = 'ask'").speak("one").is_over()).is_some());
    // Where no other number is offered, a no is a no.
    offered("").speak("no, another time").at("mail");
    offered("").speak("two").at("mail");
}

#[test]
fn a_wrong_number_or_one_abroad_is_not_promised() {
    let mut call = offered("number = 'ask'");
    call.press("2").press("110").hears("That was no phone number.");
    call.press("0012025550123").hears("We cannot call back to that country.");
    call.speak("I do not know").at("mail");
    assert!(!call.state.promised);
}

#[test]
fn a_withheld_number_is_asked_for_or_declines() {
    let call = |fields: &str| {
        let mut facts = facts();
        facts.caller = None;
        Call::with(steps(&format!("{OFFER}{fields}\n")), facts)
    };
    let mut asked = call("number = 'ask'");
    asked.hears("All are busy. Please enter the number").press("0301234567").press("1").is_over();
    assert!(promised(&asked).is_some());
    assert_eq!(call("").at("mail").heard(), "Speak.");
    let mut facts = facts();
    facts.money.countries.clear();
    Call::with(steps(OFFER), facts).at("mail");
}

#[test]
fn the_promise_names_who_it_is_and_how_urgent() {
    let offer = OFFER.replace("[steps.a]", "[steps.offer]");
    let before = "[steps.a]\ndo = 'alert'\npriority = 'P1'\ncategory = 'outage'\nnext = 'wait'\n\
        [steps.wait]\ndo = 'connect'\nconnected = 'bye'\nnobody = 'offer'\n";
    let mut call = Call::to(steps(&format!("{before}{offer}")));
    call.state.contact = Some("petra".parse().unwrap());
    call.ends(ConnectEnd::Nobody).at("offer").press("1").is_over();
    let promise = promised(&call).unwrap();
    assert!(promise.alert.title.contains("Petra Klein (ACME GmbH), +4930555010"), "{}", promise.alert.title);
    assert_eq!((promise.alert.priority, promise.alert.category.as_deref()), (Priority::P1, Some("outage")));
    assert_eq!(promise.alert.contract.as_ref().map(|id| id.as_str()), Some("acme-gold"));
}

#[test]
fn a_second_promise_is_not_made() {
    let text = OFFER.replace("accepted = 'bye'", "accepted = 'b'");
    let text = format!("{text}[steps.b]\ndo = 'callback'\naccepted = 'bye'\ndeclined = 'mail'\n");
    let mut call = Call::to(steps(&text));
    call.press("1").is_over();
    assert_eq!(call.effects.iter().filter(|effect| matches!(effect, Effect::Callback(_))).count(), 1);
}
