//! What an endpoint of the MSP knows.

use serde_json::{Value, json};

use crate::ivr::{
    facts::LookupAnswer,
    flows::Flows,
    run::{
        fixtures::{Call, facts, steps},
        wants,
    },
    turn::{Input, Lookup, Then, Want},
};

const LOOKUP: &str = "[steps.a]\ndo = 'set'\nvars = { ticket = 'A 7/../x' }\nnext = 'b'\n\
    [steps.b]\ndo = 'lookup'\nurl = 'https://crm.example/tickets/{{ ticket }}?from={{ caller }}'\n\
    send = ['caller', 'customer', 'customer.number', 'verified']\n\
    into = { owner = 'ticket.owners.1.name', open = 'ticket.open', count = 'count' }\nnext = 'c'\nfailed = 'mail'\n\
    [steps.c]\ndo = 'say'\nsay = '{{ owner }}, {{ open }}, {{ count }}.'\nnext = 'hub'\n";

fn asked(call: &Call) -> Lookup {
    let flows = Flows { main: &call.flow, called: &call.called };
    match wants(flows, &call.state, &Input::Continued, &call.facts) {
        Want::Lookup(lookup) => lookup,
        other => panic!("{other:?}"),
    }
}

fn answered(answer: Value) -> Call {
    let mut call = Call::to(steps(LOOKUP));
    assert_eq!(call.at("b").verbs.then, Then::Continue);
    call.facts.lookup = Some(LookupAnswer::Answered(answer));
    call.input(Input::Continued);
    call
}

#[test]
fn an_endpoint_is_asked_with_facts_that_cannot_change_the_address() {
    let call = Call::to(steps(LOOKUP));
    let lookup = asked(&call);
    assert_eq!(lookup.url, "https://crm.example/tickets/A%207%2F..%2Fx?from=%2B4930555010");
    let body: Value = serde_json::from_str(&lookup.body.unwrap()).unwrap();
    let customer = json!({ "name": "ACME GmbH", "number": "4711" });
    assert_eq!(body, json!({ "caller": "+4930555010", "customer": customer, "verified": false }));
}

#[test]
fn what_it_answers_becomes_vars() {
    let owners = json!([{ "name": "Ada" }, { "name": "Bo {{ caller }}\u{e000}" }]);
    let mut call = answered(json!({ "ticket": { "open": true, "owners": owners }, "count": 3 }));
    call.at("hub").hears("Bo {{ caller }}, true, 3.");
    assert!(!call.reasons.concat().contains("Bo"), "what is looked up may be private");
}

#[test]
fn what_it_does_not_know_is_empty_and_nothing_at_all_has_failed() {
    answered(json!({ "ticket": { "open": false, "owners": "none" }, "count": { "of": 3 } }))
        .at("hub")
        .hears(", false, .");
    for nothing in [json!({}), json!(null), json!([1, 2]), json!({ "count": null, "ticket": { "open": [] } })] {
        answered(nothing).at("mail");
    }
}

#[test]
fn a_lookup_that_fails_leads_on_by_its_own_exit() {
    let mut call = Call::to(steps(LOOKUP));
    call.facts.lookup = Some(LookupAnswer::Failed("there was no answer".to_owned()));
    call.input(Input::Continued).at("mail");
    assert!(call.reasons.concat().contains("failed: there was no answer"));
    Call::to(steps(LOOKUP)).input(Input::Continued).at("mail");
    Call::to(steps(LOOKUP)).press("1").at("mail");
}

#[test]
fn without_anything_to_send_it_only_asks() {
    let text = "[steps.a]\ndo = 'lookup'\nurl = 'https://status.example/now'\ninto = ['state']\nnext = 'hub'\nfailed = 'mail'\n";
    let call = Call::with(steps(text), facts());
    assert_eq!(asked(&call), Lookup { url: "https://status.example/now".to_owned(), body: None });
}
