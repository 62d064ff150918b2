//! The JSON shape of a promise to call back. What `wire` says of shapes holds here too.

use serde::Serialize;

use crate::{
    model::{Instant, callback::Callback as Row},
    store::alerts::AlertRow,
};

/// A promise to call a customer back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Callback {
    pub id: String,
    /// In which it was promised.
    pub call: String,
    pub alert: String,
    /// The alert's: what people name the promise by.
    pub alert_number: i64,
    pub title: String,
    pub number: String,
    pub hotline: String,
    pub customer: Option<String>,
    pub contract: Option<String>,
    pub priority: &'static str,
    pub state: &'static str,
    pub due_at: Instant,
    /// How often it was told that the time is over.
    pub overdue: u32,
    /// Who has it in hand.
    pub acknowledged_by: Option<String>,
    pub settled_by: Option<String>,
    pub settled_at: Option<Instant>,
    pub created_at: Instant,
}

impl Callback {
    pub fn new(row: &Row, alert: &AlertRow) -> Self {
        let settled = row.state.settled();
        Self {
            id: row.id.to_string(),
            call: row.call.to_string(),
            alert: row.alert.to_string(),
            alert_number: alert.alert.number,
            title: alert.alert.title.clone(),
            number: row.number.as_str().to_owned(),
            hotline: row.hotline.as_str().to_owned(),
            customer: alert.alert.customer.as_ref().map(ToString::to_string),
            contract: alert.alert.contract.as_ref().map(ToString::to_string),
            priority: alert.alert.priority.as_str(),
            state: row.state.as_str(),
            due_at: row.due_at,
            overdue: row.overdue,
            acknowledged_by: alert.acknowledged.as_ref().map(|(by, _)| by.name().to_owned()),
            settled_by: settled.map(|(by, _)| by.name().to_owned()),
            settled_at: settled.map(|(_, at)| at),
            created_at: row.created_at,
        }
    }
}

/// What came of acting on one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallbackOutcome {
    /// `false`: it was settled already.
    pub changed: bool,
    pub callback: Callback,
}
