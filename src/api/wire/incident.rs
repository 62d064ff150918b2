//! The JSON shape of an incident and its story. What `wire` says of shapes holds here too.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{
    Instant,
    incident::{Incident as Row, IncidentUpdate as UpdateRow},
    language::Language,
};

/// An outage as customers hear of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Incident {
    pub id: String,
    pub number: i64,
    pub title: String,
    pub state: &'static str,
    /// Of the texts, the one that stands in for a language without a text.
    pub language: String,
    /// What is told now, per language.
    pub texts: BTreeMap<String, String>,
    /// Both lists empty: everybody.
    pub customers: Vec<String>,
    pub contracts: Vec<String>,
    /// Rises with each change.
    pub rev: i64,
    pub opened_at: Instant,
    pub updated_at: Instant,
    pub resolved_at: Option<Instant>,
}

/// An incident with everything that was told of it, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentStory {
    pub incident: Incident,
    pub updates: Vec<IncidentUpdate>,
    /// How many callers hear of it by SMS.
    pub followers: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentUpdate {
    pub rev: i64,
    pub at: Instant,
    pub state: &'static str,
    /// Empty: only the state changed.
    pub texts: BTreeMap<String, String>,
    pub by: String,
}

/// What came of opening or updating one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentOutcome {
    /// `false`: it was so already.
    pub changed: bool,
    /// How many callers are told by SMS.
    pub texted: u32,
    pub incident: Incident,
}

impl From<&Row> for Incident {
    fn from(row: &Row) -> Self {
        Self {
            id: row.id.to_string(),
            number: row.number,
            title: row.title.clone(),
            state: row.state.as_str(),
            language: row.language.to_string(),
            texts: texts(&row.texts),
            customers: row.customers.iter().map(ToString::to_string).collect(),
            contracts: row.contracts.iter().map(ToString::to_string).collect(),
            rev: row.rev,
            opened_at: row.opened_at,
            updated_at: row.updated_at,
            resolved_at: row.resolved_at,
        }
    }
}

impl From<&UpdateRow> for IncidentUpdate {
    fn from(row: &UpdateRow) -> Self {
        Self {
            rev: row.rev,
            at: row.at,
            state: row.state.as_str(),
            texts: texts(&row.texts),
            by: row.by.name().to_owned(),
        }
    }
}

fn texts(texts: &BTreeMap<Language, String>) -> BTreeMap<String, String> {
    texts.iter().map(|(language, text)| (language.to_string(), text.clone())).collect()
}
