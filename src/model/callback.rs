//! A promise to call a customer back.

use super::{
    Instant,
    alert::Actor,
    id::{AlertId, CallId, CallbackId},
    language::Language,
    phone::Phone,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub id: CallbackId,
    /// In which it was promised.
    pub call: CallId,
    /// By which people learn of it.
    pub alert: AlertId,
    pub number: Phone,
    /// What the customer sees when they are called.
    pub hotline: Phone,
    /// In which it was promised.
    pub language: Language,
    pub state: CallbackState,
    pub due_at: Instant,
    /// How often it was told that the time is over.
    pub overdue: u32,
    /// How often somebody was rung for it in vain since they took it.
    pub tries: u32,
    pub created_at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackState {
    Promised,
    /// They talked.
    Kept {
        by: Actor,
        at: Instant,
    },
    /// Somebody said that it is done.
    Done {
        by: Actor,
        at: Instant,
    },
}

impl Callback {
    pub fn is_open(&self) -> bool {
        self.state == CallbackState::Promised
    }
}

impl CallbackState {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Promised => "promised",
            Self::Kept { .. } => "kept",
            Self::Done { .. } => "done",
        }
    }

    /// Who settled it, and when.
    pub fn settled(&self) -> Option<(&Actor, Instant)> {
        match self {
            Self::Promised => None,
            Self::Kept { by, at } | Self::Done { by, at } => Some((by, *at)),
        }
    }
}
