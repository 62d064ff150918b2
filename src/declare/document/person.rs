//! People as documents.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Document, Kind, parsed, roster::AbsenceDocument, schedule::HoursDocument};
use crate::{
    declare::forms,
    model::{
        duration,
        person::{ContactMethod, Person, Rule},
    },
};

#[derive(Debug, Serialize, Deserialize)]
pub struct PersonDocument {
    name: String,
    zone: String,
    language: String,
    contact: Vec<MethodDocument>,
    rules: RulesDocument,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quiet: Vec<HoursDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shift_notice: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    absences: Vec<AbsenceDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MethodDocument {
    id: String,
    kind: String,
    to: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct RulesDocument {
    high: Vec<RuleDocument>,
    low: Vec<RuleDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RuleDocument {
    via: String,
    /// Missing: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl Document for PersonDocument {
    const KIND: Kind = Kind::Person;
    type Thing = Person;

    fn of(person: &Person) -> Self {
        let method = |method: &ContactMethod| MethodDocument {
            id: method.id.to_string(),
            kind: method.address.channel().to_string(),
            to: forms::write_address(&method.address),
        };
        let rule = |rule: &Rule| RuleDocument {
            via: rule.via.to_string(),
            after: (!rule.after.is_zero()).then(|| duration::write(rule.after)),
        };
        Self {
            name: person.name.clone(),
            zone: person.zone.name().to_owned(),
            language: person.language.to_string(),
            contact: person.methods.iter().map(method).collect(),
            rules: RulesDocument {
                high: person.rules_high.iter().map(rule).collect(),
                low: person.rules_low.iter().map(rule).collect(),
            },
            quiet: person.quiet.iter().map(HoursDocument::of).collect(),
            shift_notice: person.shift_notice.map(duration::write),
            absences: person.absences.iter().map(AbsenceDocument::of).collect(),
        }
    }

    fn into_thing(self, id: &str) -> Result<Person, String> {
        Ok(Person {
            id: parsed(id)?,
            name: self.name,
            zone: forms::zone(&self.zone)?,
            language: self.language.parse()?,
            methods: self.contact.iter().map(method).collect::<Result<_, _>>()?,
            rules_high: self.rules.high.iter().map(rule).collect::<Result<_, _>>()?,
            rules_low: self.rules.low.iter().map(rule).collect::<Result<_, _>>()?,
            quiet: self.quiet.iter().map(HoursDocument::read).collect::<Result<_, _>>()?,
            shift_notice: self.shift_notice.as_deref().map(forms::shift_notice).transpose()?,
            absences: self.absences.iter().map(AbsenceDocument::read).collect::<Result<_, _>>()?,
        })
    }
}

fn method(document: &MethodDocument) -> Result<ContactMethod, String> {
    let channel = forms::channel(&document.kind)?;
    Ok(ContactMethod { id: parsed(&document.id)?, address: forms::address(channel, &document.to)? })
}

fn rule(document: &RuleDocument) -> Result<Rule, String> {
    let after = document.after.as_deref().map_or(Ok(TimeDelta::zero()), duration::parse)?;
    Ok(Rule { via: parsed(&document.via)?, after })
}
