//! What every tool's message becomes.

use serde_json::Value;

use crate::model::priority::Priority;

#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Names the thing that is wrong; equal ones are one alert while that is open.
    pub key: String,
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Trigger(Trigger),
    Acknowledge,
    Resolve,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// One line.
    pub title: String,
    pub priority: Priority,
    pub category: Option<String>,
    /// Everything else that the tool said, for people to look at.
    pub details: Value,
}

impl Action {
    /// For metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Trigger(_) => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}
