//! What is kept of a caller who waits for a human: whom to ring, and what they hear meanwhile.

use serde::{Deserialize, Serialize};

use crate::{
    declare::calls,
    escalation::connect::Connect,
    ivr::{Accept, ConnectEnd},
    model::Instant,
    store::{StoreError, legs::LegRow},
};

/// In `calls.connect`, as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    pub connect: Connect,
    pub music: Option<String>,
    pub announce_every_s: u32,
    pub accept: Accept,
    pub record: bool,
    /// Who takes the call acknowledges its alert.
    pub acknowledge: bool,
    /// The caller pressed `*`.
    pub left: bool,
}

#[derive(Serialize, Deserialize)]
struct Document {
    connect: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    music: Option<String>,
    announce_every_s: u32,
    accept_by_key: bool,
    record: bool,
    acknowledge: bool,
    #[serde(default)]
    left: bool,
}

impl Waiting {
    pub fn to_json(&self) -> String {
        let document = Document {
            connect: self.connect.to_json(),
            music: self.music.clone(),
            announce_every_s: self.announce_every_s,
            accept_by_key: self.accept == Accept::Key,
            record: self.record,
            acknowledge: self.acknowledge,
            left: self.left,
        };
        serde_json::to_string(&document).expect("strings and numbers can be written")
    }

    pub fn from_json(text: &str) -> Result<Self, StoreError> {
        let corrupt = || StoreError::corrupt("calls.connect", text);
        let document: Document = serde_json::from_str(text).map_err(|_| corrupt())?;
        Ok(Self {
            connect: Connect::from_json(&document.connect).map_err(|_| corrupt())?,
            music: document.music,
            announce_every_s: document.announce_every_s,
            accept: if document.accept_by_key { Accept::Key } else { Accept::Answer },
            record: document.record,
            acknowledge: document.acknowledge,
            left: document.left,
        })
    }

    /// Whether the leg was rung by this connect: a flow may connect twice.
    pub fn is_of(&self, leg: &LegRow) -> bool {
        leg.created_at >= self.connect.plan.started_at
    }

    /// When the caller has waited as long as the flow allows.
    pub fn until(&self) -> Instant {
        self.connect.plan.started_at + self.connect.plan.max_wait
    }

    /// How it ended for a caller who left the queue without having talked to anybody.
    pub fn end(&self) -> ConnectEnd {
        if self.left {
            return ConnectEnd::Left;
        }
        calls::connect_end(self.connect.progress.end)
    }
}
