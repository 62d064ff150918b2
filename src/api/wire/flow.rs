//! The JSON shapes of flows and their versions. What `wire` says of shapes holds here too.

use serde::Serialize;

use crate::{model::Instant, store::flows::Listed};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowVersion {
    pub flow: String,
    pub version: i64,
    /// Where it came from.
    pub file: String,
    pub created_at: Instant,
    /// Since when it answers calls; null: it does not.
    pub active_since: Option<Instant>,
}

/// A flow, as it answers calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flow {
    pub flow: String,
    /// In force; null: none is.
    pub version: Option<i64>,
    pub file: Option<String>,
    pub source: Option<String>,
    pub newest: i64,
    /// What answered calls before; null: nothing did.
    pub rollback_to: Option<i64>,
    /// Numbers that run it.
    pub hotlines: Vec<String>,
}

impl From<&Listed> for FlowVersion {
    fn from(listed: &Listed) -> Self {
        Self {
            flow: listed.flow.to_string(),
            version: listed.version,
            file: listed.file.clone(),
            created_at: listed.created_at,
            active_since: listed.active_since,
        }
    }
}
