//! The JSON shape of a way to reach somebody. What `wire` says of shapes holds here too.

use chrono::TimeDelta;
use serde::Serialize;

use crate::{
    model::{
        Instant, duration,
        id::PersonId,
        person::{ContactMethod, Person, Rule},
    },
    store::contacts::OwnContact,
};

/// A way to reach somebody; its address is shortened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contact {
    pub person: String,
    pub id: String,
    pub kind: &'static str,
    pub to: String,
    /// By file, which counts as verified.
    pub declared: bool,
    /// Only then anything but a code goes there.
    pub verified: bool,
    pub added_at: Option<Instant>,
    pub verified_at: Option<Instant>,
    /// Until when the code that was sent last is good.
    pub code_until: Option<Instant>,
    /// Since when STOP keeps SMS from it.
    pub stopped_at: Option<Instant>,
    /// How long after the beginning of a page it is tried first, by urgency.
    pub after_high: Option<String>,
    pub after_low: Option<String>,
}

impl Contact {
    pub fn declared(person: &Person, method: &ContactMethod) -> Self {
        let first = |rules: &[Rule]| rules.iter().find(|rule| rule.via == method.id).map(|rule| written(rule.after));
        Self {
            declared: true,
            verified: true,
            after_high: first(&person.rules_high),
            after_low: first(&person.rules_low),
            ..Self::bare(&person.id, method)
        }
    }

    pub fn own(own: &OwnContact) -> Self {
        let method = ContactMethod { id: own.id.clone(), address: own.address.clone() };
        Self {
            verified: own.verified_at.is_some(),
            added_at: Some(own.added_at),
            verified_at: own.verified_at,
            code_until: own.code_until,
            after_high: own.after_high.map(written),
            after_low: own.after_low.map(written),
            ..Self::bare(&own.person, &method)
        }
    }

    fn bare(person: &PersonId, method: &ContactMethod) -> Self {
        Self {
            person: person.to_string(),
            id: method.id.to_string(),
            kind: method.address.channel().as_str(),
            to: method.address.masked(),
            declared: false,
            verified: false,
            added_at: None,
            verified_at: None,
            code_until: None,
            stopped_at: None,
            after_high: None,
            after_low: None,
        }
    }
}

fn written(after: TimeDelta) -> String {
    if after.is_zero() { "0s".to_owned() } else { duration::write(after) }
}
