//! The JSON shape of a call and its legs. What `wire` says of shapes holds here too.

use serde::Serialize;

use crate::{
    model::{Instant, phone::Phone},
    store::{calls::CallRow, legs::LegRow},
};

/// An inbound call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call {
    pub id: String,
    pub carrier: String,
    /// The carrier's name for it.
    pub carrier_call: String,
    /// Null when the number was withheld.
    pub from: Option<String>,
    pub to: String,
    pub hotline: String,
    pub contract: Option<String>,
    pub customer: Option<String>,
    pub contact: Option<String>,
    pub verified: bool,
    pub language: Option<String>,
    pub category: Option<String>,
    pub priority: Option<&'static str>,
    /// Null while it lives.
    pub outcome: Option<&'static str>,
    /// What the caller is doing, or that the call has ended.
    pub phase: &'static str,
    pub last_step: String,
    pub waited_ms: i64,
    pub answered_by: Option<String>,
    pub alert: Option<String>,
    pub flow: String,
    pub flow_version: i64,
    pub started_at: Instant,
    pub ended_at: Option<Instant>,
    pub legs: Vec<Leg>,
}

/// A technician's phone, rung for the call. A level counts from 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leg {
    pub id: String,
    pub person: String,
    pub method: String,
    pub number: String,
    pub carrier_call: Option<String>,
    pub state: &'static str,
    /// Why it ended.
    pub result: Option<&'static str>,
    pub code: Option<String>,
    pub level: u32,
    /// Why this person.
    pub reason: String,
    pub created_at: Instant,
    pub answered_at: Option<Instant>,
    pub bridged_at: Option<Instant>,
    pub ended_at: Option<Instant>,
}

impl Call {
    pub fn new(row: &CallRow, legs: &[LegRow]) -> Self {
        Self {
            id: row.id.to_string(),
            carrier: row.carrier.to_string(),
            carrier_call: row.carrier_call.clone(),
            from: row.from.as_ref().map(number),
            to: number(&row.to),
            hotline: number(&row.hotline),
            contract: row.contract.as_ref().map(ToString::to_string),
            customer: row.customer.as_ref().map(ToString::to_string),
            contact: row.contact.as_ref().map(ToString::to_string),
            verified: row.verified,
            language: row.language.as_ref().map(ToString::to_string),
            category: row.category.clone(),
            priority: row.priority.map(|priority| priority.as_str()),
            outcome: row.outcome.map(|outcome| outcome.as_str()),
            phase: row.phase.as_str(),
            last_step: row.last_step.clone(),
            waited_ms: row.waited_ms,
            answered_by: row.answered_by.as_ref().map(ToString::to_string),
            alert: row.alert.as_ref().map(ToString::to_string),
            flow: row.flow.to_string(),
            flow_version: row.flow_version,
            started_at: row.started_at,
            ended_at: row.ended_at,
            legs: legs.iter().map(Leg::from).collect(),
        }
    }
}

impl From<&LegRow> for Leg {
    fn from(leg: &LegRow) -> Self {
        Self {
            id: leg.id.to_string(),
            person: leg.person.to_string(),
            method: leg.method.to_string(),
            number: number(&leg.number),
            carrier_call: leg.carrier_call.clone(),
            state: leg.state.as_str(),
            result: leg.result.map(|result| result.as_str()),
            code: leg.code.clone(),
            level: leg.level + 1,
            reason: leg.reason.clone(),
            created_at: leg.created_at,
            answered_at: leg.answered_at,
            bridged_at: leg.bridged_at,
            ended_at: leg.ended_at,
        }
    }
}

fn number(phone: &Phone) -> String {
    phone.as_str().to_owned()
}
