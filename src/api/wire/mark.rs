//! The JSON shape of a contact method that does not work. What `wire` says of shapes holds here too.

use serde::Serialize;

use crate::{model::Instant, store::marks};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    pub person: String,
    pub method: String,
    pub channel: &'static str,
    /// Shortened.
    pub address: String,
    /// The provider's.
    pub code: Option<String>,
    pub why: String,
    pub at: Instant,
}

/// What became of the wish to use it again. `changed` is false when it was not marked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarkOutcome {
    pub changed: bool,
    pub mark: Option<Mark>,
}

impl From<&marks::Mark> for Mark {
    fn from(mark: &marks::Mark) -> Self {
        Self {
            person: mark.person.to_string(),
            method: mark.method.to_string(),
            channel: mark.address.channel().as_str(),
            address: mark.address.masked(),
            code: mark.code.clone(),
            why: mark.why.clone(),
            at: mark.at,
        }
    }
}
