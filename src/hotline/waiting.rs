//! What is kept of a caller who waits for a human: whom to ring, and what they hear meanwhile.

use serde::{Deserialize, Serialize};

use crate::{
    declare::of_call,
    escalation::connect::Connect,
    ivr::{Accept, ConnectEnd},
    model::{Instant, id::LegId},
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
    /// Whoever talks with the caller wants another one.
    pub aside: Option<Aside>,
    /// Three talk, or did.
    pub conference: bool,
    /// The caller comes out of a talk that was handed over: the bridge that ends is not that of whoever
    /// accepted.
    pub comes_from_talk: bool,
}

/// A technician who talks wants somebody of the next level.
#[derive(Debug, Clone, PartialEq)]
pub struct Aside {
    pub wish: Wish,
    /// The leg that wants it.
    pub by: LegId,
    pub connect: Connect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// Three talk.
    BringIn,
    /// The first one leaves.
    HandOver,
}

#[derive(Serialize, Deserialize)]
struct AsideDocument {
    wish: Wish,
    by: String,
    connect: String,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aside: Option<AsideDocument>,
    #[serde(default)]
    conference: bool,
    #[serde(default)]
    comes_from_talk: bool,
}

impl Aside {
    /// Whether the leg was rung for this wish.
    pub fn is_of(&self, leg: &LegRow) -> bool {
        leg.created_at >= self.connect.plan.started_at && leg.id != self.by
    }

    fn document(&self) -> AsideDocument {
        AsideDocument { wish: self.wish, by: self.by.to_string(), connect: self.connect.to_json() }
    }

    fn read(document: &AsideDocument) -> Option<Self> {
        let connect = Connect::from_json(&document.connect).ok()?;
        Some(Self { wish: document.wish, by: document.by.parse().ok()?, connect })
    }
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
            aside: self.aside.as_ref().map(Aside::document),
            conference: self.conference,
            comes_from_talk: self.comes_from_talk,
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
            aside: match &document.aside {
                Some(aside) => Some(Aside::read(aside).ok_or_else(corrupt)?),
                None => None,
            },
            conference: document.conference,
            comes_from_talk: document.comes_from_talk,
        })
    }

    /// Whether the leg was rung by this connect: a flow may connect twice.
    pub fn is_of(&self, leg: &LegRow) -> bool {
        leg.created_at >= self.connect.plan.started_at
    }

    /// Whether the leg is rung for a caller who talks with somebody already.
    pub fn is_wanted(&self, leg: &LegRow) -> bool {
        self.aside.as_ref().is_some_and(|aside| aside.is_of(leg))
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
        of_call::connect_end(self.connect.progress.end)
    }
}
