//! Hours, conditions and vars.

use crate::{
    ivr::run::fixtures::{Call, contract, facts, steps},
    model::calendar::CoverageState::{Closed, Holiday, Open},
};

const HOURS: &str = "[steps.a]\ndo = 'hours'\nopen = 'talk'\nclosed = 'mail'\nholiday = 'hub'\n";

#[test]
fn the_contracts_hours_decide() {
    for (state, step) in [(Open, "talk"), (Closed, "mail"), (Holiday, "hub")] {
        let mut facts = facts();
        facts.contracts[0].coverage = state;
        Call::with(steps(HOURS), facts).at(step);
    }
}

#[test]
fn a_named_calendar_decides_and_a_missing_one_is_open() {
    let text = HOURS.replace("'hours'", "'hours'\ncalendar = 'office'");
    let mut with = facts();
    with.calendars.insert("office".parse().unwrap(), Closed);
    Call::with(steps(&text), with).at("mail");
    Call::with(steps(&text), facts()).at("talk");
}

#[test]
fn a_holiday_is_closed_when_the_flow_has_no_exit_for_it() {
    let mut facts = facts();
    facts.contracts[0].coverage = Holiday;
    Call::with(steps("[steps.a]\ndo = 'hours'\nopen = 'hub'\nclosed = 'mail'\n"), facts).at("mail");
}

#[test]
fn a_shared_hotline_is_open_when_one_of_its_contracts_is() {
    let mut facts = facts();
    facts.contracts.push(contract("bolt", "bolt", "4712"));
    facts.contracts[0].coverage = Closed;
    Call::with(steps(HOURS), facts.clone()).at("talk");
    facts.contracts[1].coverage = Holiday;
    Call::with(steps(HOURS), facts).at("mail");
}

#[test]
fn the_first_true_condition_wins_and_a_failing_one_is_false() {
    let text = "[vars]\nlevel = { type = 'number', default = 3 }\n[steps.a]\ndo = 'when'\nelse = 'hub'\ncases = [\n\
        { if = \"customer.name / 0 > 1\", to = 'talk' },\n{ if = \"level > 2 and caller == '+4930555010'\", to = 'mail' },\n\
        { if = 'true', to = 'talk' } ]\n";
    let mut call = Call::to(steps(text));
    call.at("mail");
    assert!(call.reasons.iter().any(|reason| reason.contains("counts as false")), "{:?}", call.reasons);
    let mut facts = facts();
    facts.vars.insert("level".to_owned(), "1".to_owned());
    Call::with(steps(&text.replace("'true'", "'verified'")), facts).at("hub");
}

#[test]
fn set_vars_are_rendered_and_seen_afterwards() {
    let text = "[steps.a]\ndo = 'set'\nvars = { topic = 'from {{ caller }}', n = 3 }\ncategory = 'network'\nnext = 'b'\n\
        [steps.b]\ndo = 'say'\nsay = '{{ topic }}: {{ category }} {{ n }}'\nnext = 'hub'\n";
    Call::to(steps(text)).hears("from +4930555010: network 3");
}

#[test]
fn a_hotlines_var_is_never_a_template() {
    let mut facts = facts();
    facts.vars.insert("company".to_owned(), "{{ now }}".to_owned());
    facts.vars.insert("intruder".to_owned(), "x".to_owned());
    let text = "[vars]\ncompany = {}\n[steps.a]\ndo = 'set'\nvars = { c = '{{ company }}' }\nnext = 'b'\n\
        [steps.b]\ndo = 'say'\nsay = '{{ c }}!'\nnext = 'hub'\n";
    Call::with(steps(text), facts).hears("{{ now }}!");
}
