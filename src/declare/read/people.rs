//! `[[people]]`: contact methods and the order in which they are tried.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::{Outside, absences, hours, name};
use crate::{
    declare::forms,
    model::{
        fault::did_you_mean,
        id::{MethodId, PersonId},
        language::Language,
        person::{Channel, ContactMethod, Person, Rule},
        quiet,
        source::Reader,
    },
};

pub fn read(entry: &Reader, outside: &Outside) -> Option<Person> {
    let id = entry.need_parsed::<PersonId>("id").map(|id| id.value);
    let name = name(entry, id.as_ref().map(PersonId::as_str));
    let zone = entry.string("zone").and_then(|zone| entry.parse_at(zone, forms::zone));
    let language = entry.parsed::<Language>("language");
    let quiet = hours::read(entry, "quiet");
    if quiet::is_always(&quiet) {
        let mend = "leave an hour of the week in which what is of low urgency is told";
        entry.fault_at("quiet", "these quiet hours never end", mend);
    }
    let shift_notice = entry.string("shift_notice").and_then(|lead| entry.parse_at(lead, forms::shift_notice));
    let (methods, known) = methods(entry, outside);
    let rules = entry.table("rules", "rules");
    let (high, low) = match &rules {
        Some(rules) => (self::rules(rules, "high", &known), self::rules(rules, "low", &known)),
        None => (None, None),
    };
    if let Some(rules) = rules {
        rules.finish();
    }
    let rules_high = high.unwrap_or_else(|| at_once(&methods, &Channel::ALL));
    let rules_low = low.unwrap_or_else(|| {
        let quiet = at_once(&methods, &QUIET);
        if quiet.is_empty() { rules_high.clone() } else { quiet }
    });
    let absences = absences::read(entry, |_| id.clone()).into_iter().map(|(_, absence)| absence).collect();
    Some(Person {
        id: id?,
        name,
        zone: zone.map_or(Tz::UTC, |zone| zone.value),
        language: language.map_or_else(Language::english, |language| language.value),
        methods,
        rules_high,
        rules_low,
        quiet,
        shift_notice: shift_notice.map(|lead| lead.value),
        absences,
    })
}

/// What wakes nobody.
const QUIET: [Channel; 7] =
    [Channel::Email, Channel::Push, Channel::Slack, Channel::Teams, Channel::Telegram, Channel::Ntfy, Channel::Webhook];

/// What rules say that nobody wrote: all of these methods, at once.
fn at_once(methods: &[ContactMethod], channels: &[Channel]) -> Vec<Rule> {
    let methods = methods.iter().filter(|method| channels.contains(&method.address.channel()));
    methods.map(|method| Rule { via: method.id.clone(), after: TimeDelta::zero() }).collect()
}

/// The methods, and the ids of all that stand there, also of those with faults.
fn methods(entry: &Reader, outside: &Outside) -> (Vec<ContactMethod>, BTreeSet<MethodId>) {
    let mut methods = Vec::new();
    let mut known = BTreeSet::new();
    if entry.has("contact") {
        let entries = entry.tables("contact", "contact entry");
        if entries.is_empty() {
            nobody_reached(entry);
        }
        for contact in entries {
            let id = contact.need_parsed::<MethodId>("id");
            let channel = contact.need_string("kind").and_then(|kind| contact.parse_at(kind, forms::channel));
            // A push subscription holds a secret, and so do a workflow's address and a topic.
            let secret = |reference: &str| (outside.secret)(contact.source().file(), reference);
            let to = contact.need_string("to").and_then(|to| contact.parse_at(to, secret));
            let address =
                channel.zip(to).and_then(|(channel, to)| contact.parse_at(to, |to| forms::address(channel.value, to)));
            if let Some(id) = id {
                if !known.insert(id.value.clone()) {
                    let what = format!("contact method `{}` is there twice", id.value);
                    contact.source().fault(id.span, what, "give each its own id");
                } else if let Some(address) = address {
                    methods.push(ContactMethod { id: id.value, address: address.value });
                }
            }
            contact.finish();
        }
    } else {
        let _ = entry.item("contact");
        nobody_reached(entry);
    }
    (methods, known)
}

fn nobody_reached(entry: &Reader) {
    let mend = "add `contact = [ { id = \"mobile\", kind = \"voice\", to = \"+49…\" } ]`";
    entry.fault_at("contact", "nobody can reach this person: there is no contact method", mend);
}

/// `None`: nothing is said for this urgency.
fn rules<'a>(rules: &Reader<'a>, urgency: &'a str, known: &BTreeSet<MethodId>) -> Option<Vec<Rule>> {
    if !rules.has(urgency) {
        let _ = rules.item(urgency);
        return None;
    }
    let entries = rules.tables(urgency, "rule");
    if entries.is_empty() {
        let what = format!("`rules.{urgency}` is empty: nobody would be told");
        rules.fault_at(urgency, what, "name a contact method: `{ via = \"mobile\" }`");
    }
    let mut list = Vec::new();
    for rule in entries {
        let via = rule.need_parsed::<MethodId>("via");
        let after = rule.duration("after").map_or_else(TimeDelta::zero, |after| after.value);
        if let Some(via) = via {
            if !known.contains(&via.value) {
                let mend = did_you_mean(via.value.as_str(), known.iter().map(MethodId::as_str))
                    .unwrap_or_else(|| "name the id of one of this person's contact methods".to_owned());
                rule.source().fault(via.span, format!("there is no contact method `{}`", via.value), mend);
            }
            list.push(Rule { via: via.value, after });
        }
        rule.finish();
    }
    list.sort_by_key(|rule| rule.after);
    Some(list)
}
