//! The flows that are shipped: each is read, and walked on its main ways in both languages.

use crate::{
    ivr::{
        facts::Facts,
        run::fixtures::{Call, PIN, facts, flow, incident},
        turn::{ConnectEnd, Effect, Input, Then},
    },
    model::{calendar::CoverageState, call::Outcome, priority::Priority},
};

const SLA: &str = include_str!("../../../../ivr-flows/sla-hotline.toml");
const TRIAGE: &str = include_str!("../../../../ivr-flows/bilingual-triage.toml");
const VOICEMAIL: &str = include_str!("../../../../ivr-flows/voicemail-only.toml");
const INTAKE: &str = include_str!("../../../../ivr-flows/intake-five-w.toml");
const AFTER_HOURS: &str = include_str!("../../../../ivr-flows/after-hours-only.toml");
const OUTAGE: &str = include_str!("../../../../ivr-flows/major-outage.toml");

fn known() -> Facts {
    let mut facts = facts();
    facts.contracts[0].known = Some("petra".parse().unwrap());
    facts
}

fn with_office() -> Facts {
    let mut facts = facts();
    facts.vars.insert("office".to_owned(), "+4940123456".to_owned());
    facts
}

#[test]
fn each_opens_with_a_comment_that_documents_its_vars() {
    for (text, must_be_set) in
        [(SLA, &[][..]), (TRIAGE, &[]), (VOICEMAIL, &[]), (INTAKE, &[]), (AFTER_HOURS, &["office"]), (OUTAGE, &[])]
    {
        assert!(text.starts_with("# "));
        let flow = flow(text);
        let unset: Vec<_> = flow.vars.iter().filter(|(_, var)| var.default.is_none()).map(|(name, _)| name).collect();
        assert_eq!(unset, must_be_set, "{}", flow.id);
        for name in flow.vars.keys() {
            assert!(text.contains(&format!("#   {name} ")), "{} does not document {name}", flow.id);
        }
    }
}

#[test]
fn an_unknown_caller_with_a_pin_reports_an_outage_and_talks() {
    let mut call = Call::to(flow(SLA));
    call.hears("Willkommen bei der Störungshotline von our team.").hears("PIN").press("999111").press(PIN);
    call.at("category").speak("hier steht alles").at("connect").hears("Nummer 17.");
    let alert = call.raised();
    assert_eq!((alert.title.as_str(), alert.priority), ("outage reported by Petra Klein (ACME GmbH)", Priority::P1));
    call.ends(ConnectEnd::Bridged { person: Some("anna".parse().unwrap()) }).hears("Auf Wiederhören.").is_over();
    assert_eq!(call.state.outcome(), Outcome::Connected);
}

#[test]
fn a_known_caller_at_night_whom_nobody_answers_leaves_a_message() {
    let mut facts = known();
    facts.contracts[0].coverage = CoverageState::Closed;
    let mut call = Call::with(flow(SLA), facts);
    call.hears("Petra Klein").hears("außerhalb").press("2").at("connect").ends(ConnectEnd::Nobody).at("voicemail");
    call.record(20).is_over();
    assert!(matches!(&call.effects[..], [Effect::Voicemail(voicemail)] if voicemail.raise.is_none()));
}

#[test]
fn a_caller_who_fails_three_times_still_reaches_somebody() {
    let mut call = Call::to(flow(SLA));
    call.press("999111").press("999112").press("999113").at("unverified").record(8).is_over();
    let [Effect::Voicemail(voicemail)] = &call.effects[..] else { panic!("{:?}", call.effects) };
    assert!(voicemail.raise.as_ref().unwrap().unverified);
}

#[test]
fn a_caller_who_hangs_up_counts_only_past_the_pin() {
    assert!(Call::to(flow(SLA)).input(Input::HungUp).missed().is_none());
    assert!(Call::to(flow(SLA)).press(PIN).input(Input::HungUp).missed().is_some());
    assert!(Call::with(flow(SLA), known()).input(Input::HungUp).missed().is_some());
}

#[test]
fn triage_asks_for_the_language_and_sorts() {
    let mut call = Call::to(flow(TRIAGE));
    call.hears("Für Deutsch drücken Sie die 1. For English, press 2.").press("2").hears("Welcome to our team.");
    call.press("1").at("connect").ends(ConnectEnd::NobodyOnCall).at("voicemail").record(5).hears("Thank you").is_over();
    let mut facts = known();
    facts.contracts[0].coverage = CoverageState::Holiday;
    Call::with(flow(TRIAGE), facts).press("1").hears("Petra Klein").press("2").at("voicemail").hears("geschlossen");
}

#[test]
fn in_an_outage_most_callers_hear_what_they_want_to_know() {
    let mut facts = known();
    facts.incidents = vec![incident(1)];
    let mut call = Call::with(flow(OUTAGE), facts.clone());
    call.at("notice").hears("Mail 1 steht.").hears("per SMS").input(Input::HungUp);
    assert!(call.missed().is_none(), "they know what they wanted to know");
    let mut call = Call::with(flow(OUTAGE), facts);
    call.speak("Ja bitte").at("go_on").hears("etwas anderes").silent().at("category").press("1").at("connect");
    call.ends(ConnectEnd::Nobody).at("callback").hears("niemanden, der für Sie frei ist").hears("30 Minuten");
    call.press("1").is_over();
    assert_eq!(call.state.outcome(), Outcome::Callback);
}

#[test]
fn without_an_incident_it_is_a_hotline_as_any_other() {
    let mut call = Call::to(flow(OUTAGE));
    call.at("pin").press(PIN).at("category").press("2").ends(ConnectEnd::Left).at("callback").press("3");
    call.at("voicemail").record(9).is_over();
    assert_eq!(call.state.outcome(), Outcome::Voicemail);
}

#[test]
fn the_small_one_takes_a_message() {
    let mut call = Call::to(flow(VOICEMAIL));
    call.at("message").record(4).is_over();
    let mut call = Call::to(flow(VOICEMAIL));
    assert!(call.silent().silent().input(Input::RecordedNothing).missed().is_some());
}

#[test]
fn the_office_is_tried_by_day_and_the_people_on_call_at_night() {
    let mut call = Call::with(flow(AFTER_HOURS), with_office());
    assert!(matches!(&call.verbs.then, Then::Dial(_)));
    call.input(Input::Dialed { bridged: false }).at("night").press("1").at("connect");
    call.ends(ConnectEnd::Nobody).at("voicemail");
    let mut facts = with_office();
    facts.contracts[0].coverage = CoverageState::Holiday;
    Call::with(flow(AFTER_HOURS), facts).hears("Feiertag").press("2").at("voicemail");
}

#[test]
fn five_questions_come_before_the_alert_and_the_human() {
    let mut call = Call::with(flow(INTAKE), known());
    call.at("intake").hears("Willkommen bei our team.").hears("Wer sind Sie");
    for _ in 0..4 {
        call.record(5).at("intake");
    }
    call.record(5).at("connect");
    assert_eq!(call.raised().title, "Incident reported by Petra Klein (ACME GmbH)");
    assert!(matches!(call.effects[0], Effect::Intake(_)), "the last answer comes before the alert that it belongs to");
    call.ends(ConnectEnd::Nobody).at("message").record(3).is_over();
}
