//! The JSON shape of a flow's version. What `wire` says of shapes holds here too.

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
