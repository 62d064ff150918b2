//! What should have come of a call, compared with what came.

use super::{
    alerts::Alert,
    play::{Failure, Player},
    script::{AlertExpectation, Expectation, Expected},
};
use crate::{
    declare::of_call::{msp_policy, policy_of},
    model::priority::Priority,
};

/// Everything that is not as expected.
pub fn failures(player: &Player) -> Vec<Failure> {
    let failure = |expected: &Expected| {
        let (wanted, got) = judge(player, &expected.what)?;
        Some(Failure { line: expected.line, expected: wanted, got })
    };
    player.call.expect.iter().filter_map(failure).collect()
}

/// `None`: as expected.
fn judge(player: &Player, expected: &Expectation) -> Option<(String, String)> {
    let (state, left) = (&player.state, &player.left);
    let or_none = |text: Option<&str>| text.unwrap_or("none").to_owned();
    match expected {
        Expectation::Ended(outcome) => differs("ended", outcome.as_str(), state.outcome().as_str()),
        Expectation::Language(language) => differs("language", language.as_str(), state.language.as_str()),
        Expectation::Category(category) => differs("category", category, &or_none(state.category.as_deref())),
        Expectation::Priority(priority) => {
            differs("priority", priority.as_str(), &or_none(state.priority.map(Priority::as_str)))
        }
        Expectation::Verified(verified) => differs("verified", &verified.to_string(), &state.verified.to_string()),
        Expectation::Contract(contract) => {
            differs("contract", contract, &or_none(state.contract.as_ref().map(|id| id.as_str())))
        }
        Expectation::Contact(contact) => {
            differs("contact", contact, &or_none(state.contact.as_ref().map(|id| id.as_str())))
        }
        Expectation::Step(step) => differs("step", step, &state.step),
        Expectation::Var { name, value } => {
            differs(&format!("var `{name}`"), value, &or_none(state.vars.get(name).map(String::as_str)))
        }
        Expectation::Sms(words) => {
            let sent = left.sms.iter().any(|text| text.contains(words));
            (!sent).then(|| (format!("an SMS with \"{words}\""), listed(&left.sms, "no SMS")))
        }
        Expectation::NoSms => (!left.sms.is_empty()).then(|| ("no SMS".to_owned(), listed(&left.sms, "no SMS"))),
        Expectation::Callback(number) => {
            let promised: Vec<String> = left.promised.iter().map(ToString::to_string).collect();
            (!left.promised.contains(number))
                .then(|| (format!("a callback to {number}"), listed(&promised, "no callback")))
        }
        Expectation::NoCallback => {
            left.promised.first().map(|number| ("no callback".to_owned(), format!("a callback to {number}")))
        }
        Expectation::Voicemail(voicemail) => {
            differs("voicemail", &voicemail.to_string(), &(left.voicemails > 0).to_string())
        }
        Expectation::Told(matters) => {
            let told: Vec<String> = left.told.iter().cloned().collect();
            let mut wanted = matters.clone();
            wanted.sort();
            (wanted != told).then(|| {
                (
                    format!("the MSP to be told {}", listed(&wanted, "nothing")),
                    format!("told {}", listed(&told, "nothing")),
                )
            })
        }
        Expectation::NoAlert => left.alert().map(|alert| ("no alert".to_owned(), format!("alert: {}", alert.of.title))),
        Expectation::SomeAlert => {
            left.alerts.is_empty().then(|| ("an alert".to_owned(), "no alert was raised".to_owned()))
        }
        Expectation::Alert(expected) => match left.alert() {
            Some(alert) => of_alert(player, alert, expected),
            None => Some(("an alert".to_owned(), "no alert was raised".to_owned())),
        },
    }
}

fn of_alert(player: &Player, alert: &Alert, expected: &AlertExpectation) -> Option<(String, String)> {
    let of = &alert.of;
    let by = alert.acknowledged_by.as_ref().map_or("nobody", |person| person.as_str());
    match expected {
        AlertExpectation::Title(words) => {
            let got = format!("the title \"{}\"", of.title);
            (!of.title.contains(words)).then(|| (format!("an alert with \"{words}\" in its title"), got))
        }
        AlertExpectation::Priority(priority) => {
            differs("the alert's priority", priority.as_str(), of.priority.as_str())
        }
        AlertExpectation::Category(category) => {
            differs("the alert's category", category, of.category.as_deref().unwrap_or("none"))
        }
        AlertExpectation::State(state) => {
            let got = if alert.acknowledged_by.is_some() { "acknowledged" } else { "triggered" };
            differs("the alert's state", state, got)
        }
        AlertExpectation::By(person) => differs("the alert acknowledged by", person, by),
        AlertExpectation::Policy(policy) => {
            let directory = player.directory;
            let own = of.policy.clone().or_else(|| policy_of(directory, of.contract.as_ref(), of.priority));
            let used = own.or_else(|| msp_policy(directory, None).map(|policy| policy.id));
            differs("the alert's policy", policy, used.as_ref().map_or("none", |id| id.as_str()))
        }
        AlertExpectation::Contract(contract) => {
            differs("the alert's contract", contract, of.contract.as_ref().map_or("none", |id| id.as_str()))
        }
        AlertExpectation::Contact(contact) => {
            differs("the alert's contact", contact, of.contact.as_ref().map_or("none", |id| id.as_str()))
        }
        AlertExpectation::Unverified(unverified) => {
            differs("the alert's `unverified`", &unverified.to_string(), &of.unverified.to_string())
        }
        AlertExpectation::Missed(missed) => {
            differs("the alert's `missed`", &missed.to_string(), &alert.missed.to_string())
        }
    }
}

fn differs(what: &str, expected: &str, got: &str) -> Option<(String, String)> {
    (expected != got).then(|| (format!("{what}: {expected}"), format!("{what}: {got}")))
}

fn listed(items: &[String], none: &str) -> String {
    if items.is_empty() { none.to_owned() } else { items.join(", ") }
}
