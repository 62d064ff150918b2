//! What a menu offers: where a choice leads, and the words that choose it beside its key.

use std::collections::BTreeMap;

use super::flow::StepId;
use crate::model::{language::Language, priority::Priority};

/// Words that choose it when spoken.
pub type Spoken = BTreeMap<Language, Vec<String>>;

#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// Says the prompt again.
    Repeat {
        speech: Spoken,
    },
    Go(MenuOption),
}

impl Choice {
    /// Words that choose it when spoken.
    pub fn speech(&self) -> &Spoken {
        match self {
            Self::Repeat { speech } | Self::Go(MenuOption { speech, .. }) => speech,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct MenuOption {
    pub label: Option<String>,
    pub category: Option<String>,
    pub priority: Option<Priority>,
    pub speech: Spoken,
    pub to: StepId,
}
