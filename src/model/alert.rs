//! Alerts: something that needs a human now.

use std::fmt;

use super::{
    Instant,
    id::{AlertId, CallId, ContractId, CustomerId, IntegrationId, PersonId, PolicyId},
    priority::{Priority, Urgency},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub id: AlertId,
    /// What people call it by; unique per org, never used twice.
    pub number: i64,
    pub title: String,
    pub state: AlertState,
    pub priority: Priority,
    pub category: Option<String>,
    pub source: Source,
    pub customer: Option<CustomerId>,
    pub contract: Option<ContractId>,
    pub policy: Option<PolicyId>,
    pub dedup_key: Option<String>,
    /// How often it was raised while open.
    pub count: i64,
    /// The level that was told last, from 0; `None` before the first.
    pub level: Option<u32>,
    pub opened_at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertState {
    Triggered,
    Acknowledged { by: Actor, at: Instant },
    Resolved { by: Actor, at: Instant },
}

/// Who did something to an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    Person(PersonId),
    /// A monitoring tool, by its integration.
    Integration(IntegrationId),
    /// The command line or the API: a name.
    Operator(String),
    System,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Call(CallId),
    Integration(IntegrationId),
    Operator,
    /// Stands for several alerts that one page tells together.
    Bundle,
    /// Pikett itself: nobody on call, a carrier out, a row set aside.
    Pikett,
}

impl Alert {
    pub fn urgency(&self) -> Urgency {
        self.priority.urgency()
    }

    pub fn is_open(&self) -> bool {
        match self.state {
            AlertState::Triggered | AlertState::Acknowledged { .. } => true,
            AlertState::Resolved { .. } => false,
        }
    }

    /// The code by which an SMS names it.
    pub fn code(&self) -> String {
        super::code::of(self.number)
    }
}

impl AlertState {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Resolved { .. } => "resolved",
        }
    }
}

/// `person:anna`, `integration:acme-monitoring`, `operator:NAME`, `pikett`: the form of rows and JSON.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Integration(id) => write!(f, "integration:{id}"),
            Self::Operator(name) => write!(f, "operator:{name}"),
            Self::System => f.write_str("pikett"),
        }
    }
}

impl std::str::FromStr for Actor {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let error = |cause: super::id::IdError| format!("`{given}` names no actor: {cause}");
        match given.split_once(':') {
            Some(("person", id)) => id.parse().map(Self::Person).map_err(error),
            Some(("integration", id)) => id.parse().map(Self::Integration).map_err(error),
            Some(("operator", name)) => Ok(Self::Operator(name.to_owned())),
            None if given == "pikett" => Ok(Self::System),
            _ => Err(format!("`{given}` names no actor")),
        }
    }
}

impl Actor {
    /// The short name that users and `acknowledged_by` show: `anna`.
    pub fn name(&self) -> &str {
        match self {
            Self::Person(id) => id.as_str(),
            Self::Integration(id) => id.as_str(),
            Self::Operator(name) => name,
            Self::System => "pikett",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(id) => write!(f, "call:{id}"),
            Self::Integration(id) => write!(f, "integration:{id}"),
            Self::Operator => f.write_str("operator"),
            Self::Bundle => f.write_str("bundle"),
            Self::Pikett => f.write_str("pikett"),
        }
    }
}

impl std::str::FromStr for Source {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let error = |cause: super::id::IdError| format!("`{given}` names no source: {cause}");
        match given.split_once(':') {
            Some(("call", id)) => id.parse().map(Self::Call).map_err(error),
            Some(("integration", id)) => id.parse().map(Self::Integration).map_err(error),
            None if given == "operator" => Ok(Self::Operator),
            None if given == "bundle" => Ok(Self::Bundle),
            None if given == "pikett" => Ok(Self::Pikett),
            _ => Err(format!("`{given}` names no source")),
        }
    }
}
