//! The normalised documents that the database keeps: one JSON object per declared thing, by kind
//! and id. Their fields are named as in files, so a difference can be told in the user's words.
//!
//! `Document` is the rule each kind follows: written from the core's type and read back to it.

mod contract;
mod person;
mod roster;
mod schedule;

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, de::DeserializeOwned};

pub use contract::{ALWAYS, ContractDocument, CustomerDocument, HotlineDocument, IntegrationDocument, coverage};
pub use person::PersonDocument;
pub use schedule::{CalendarDocument, PolicyDocument, ScheduleDocument};

use super::{
    Directory,
    org::{LimitsDocument, OrgDocument},
};

/// `(kind, id)` → document.
pub type Documents = BTreeMap<(String, String), String>;

/// The id of what there is only one of: `[org]` and `[limits]`.
pub const ONLY: &str = "default";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Person,
    Schedule,
    Policy,
    Calendar,
    Customer,
    Contract,
    Hotline,
    Integration,
    Org,
    Limits,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Person,
        Self::Schedule,
        Self::Policy,
        Self::Calendar,
        Self::Customer,
        Self::Contract,
        Self::Hotline,
        Self::Integration,
        Self::Org,
        Self::Limits,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Schedule => "schedule",
            Self::Policy => "policy",
            Self::Calendar => "calendar",
            Self::Customer => "customer",
            Self::Contract => "contract",
            Self::Hotline => "hotline",
            Self::Integration => "integration",
            Self::Org => "org",
            Self::Limits => "limits",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A document of one kind and the core's type behind it.
pub trait Document: Serialize + DeserializeOwned {
    const KIND: Kind;
    type Thing;

    fn of(thing: &Self::Thing) -> Self;
    /// The error says what is wrong, in words.
    fn into_thing(self, id: &str) -> Result<Self::Thing, String>;
}

pub fn to_json(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("documents hold only texts, numbers and lists")
}

pub fn from_json<D: DeserializeOwned>(text: &str) -> Result<D, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

pub fn read<D: Document>(id: &str, text: &str) -> Result<D::Thing, String> {
    from_json::<D>(text)?.into_thing(id)
}

/// Everything that a directory holds as documents, without `[org]` and `[limits]`, whose spare
/// values come from the configuration.
pub fn of(directory: &Directory) -> Documents {
    let mut documents = Documents::new();
    put::<PersonDocument, _>(&mut documents, &directory.people);
    put::<ScheduleDocument, _>(&mut documents, &directory.schedules);
    put::<PolicyDocument, _>(&mut documents, &directory.policies);
    put::<CalendarDocument, _>(&mut documents, &directory.calendars);
    put::<CustomerDocument, _>(&mut documents, &directory.customers);
    put::<ContractDocument, _>(&mut documents, &directory.contracts);
    put::<HotlineDocument, _>(&mut documents, &directory.hotlines);
    put::<IntegrationDocument, _>(&mut documents, &directory.integrations);
    documents
}

pub fn put_org(documents: &mut Documents, org: &OrgDocument) {
    documents.insert(key(Kind::Org, ONLY), to_json(org));
}

pub fn put_limits(documents: &mut Documents, limits: &LimitsDocument) {
    documents.insert(key(Kind::Limits, ONLY), to_json(limits));
}

fn put<D: Document, I: fmt::Display>(documents: &mut Documents, things: &BTreeMap<I, D::Thing>) {
    for (id, thing) in things {
        documents.insert(key(D::KIND, &id.to_string()), to_json(&D::of(thing)));
    }
}

pub fn key(kind: Kind, id: &str) -> (String, String) {
    (kind.as_str().to_owned(), id.to_owned())
}

/// Applies a parser to every text; the first error ends it.
fn each<T, E: fmt::Display>(texts: &[String], parse: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, String> {
    texts.iter().map(|text| parse(text).map_err(|error| error.to_string())).collect()
}

fn parsed<T: std::str::FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

#[cfg(test)]
mod tests;
