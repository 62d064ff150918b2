//! Bad days: switches that are thrown while the simulator runs, for everybody or for one number.
//!
//! A share is a probability from 0 to 1; whether it strikes depends on the seed and on the thing
//! that it strikes, so the same seed has the same bad day.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::model::phone::Phone;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub rest: RestFaults,
    pub callbacks: CallbackFaults,
    pub webhooks: WebhookFaults,
    /// A caller who is gone before the answer counts as `no-answer` instead of `canceled`.
    pub abandoned_is_no_answer: bool,
}

/// What happens to requests at the REST API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RestFaults {
    /// Answered instead of doing what was asked: 429, 500, 503.
    pub status: Option<u16>,
    pub retry_after_s: Option<u32>,
    /// Share of the requests that are struck by `status` or `cut`.
    pub share: f64,
    /// So long passes before a request is looked at.
    pub delay_s: f64,
    /// So long passes from when it is done until the answer.
    pub answer_s: f64,
    /// The connection breaks without an answer.
    pub cut: Option<Cut>,
    /// Whether GET is struck too; otherwise only POST and DELETE.
    pub reads: bool,
    /// Reads show the state of so long ago.
    pub stale_s: f64,
}

impl Default for RestFaults {
    fn default() -> Self {
        Self {
            status: None,
            retry_after_s: None,
            share: 1.0,
            delay_s: 0.0,
            answer_s: 0.0,
            cut: None,
            reads: true,
            stale_s: 0.0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cut {
    /// Nothing was done.
    Before,
    /// It was done, and nobody heard of it.
    After,
}

/// What happens to status callbacks of calls, messages and recordings.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallbackFaults {
    /// Share that never comes.
    pub drop: f64,
    /// Share that comes twice, with a fresh token.
    pub duplicate: f64,
    /// Share that comes late, and how late.
    pub late: f64,
    pub late_by_s: f64,
    /// Share that changes places with the next one of the same call or message.
    pub reorder: f64,
}

/// What happens to requests for documents.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookFaults {
    /// Signed with a wrong token: the service must refuse it.
    pub forged: bool,
    /// Without any signature.
    pub unsigned: bool,
    /// Share that is requested twice, one after the other, with the same token; the second answer counts.
    pub duplicate: f64,
    /// So long passes before each request.
    pub delay_s: f64,
}

/// The switch board. What is set for a number takes the place of what is set for everybody.
#[derive(Debug, Default)]
pub struct Board(Mutex<Switches>);

#[derive(Debug, Default)]
struct Switches {
    everybody: Faults,
    numbers: BTreeMap<Phone, Faults>,
}

impl Board {
    pub fn set(&self, faults: Faults) {
        self.switches().everybody = faults;
    }

    pub fn set_for(&self, number: Phone, faults: Faults) {
        self.switches().numbers.insert(number, faults);
    }

    /// A good day again, for everybody and every number.
    pub fn clear(&self) {
        *self.switches() = Switches::default();
    }

    pub fn now(&self) -> Faults {
        self.switches().everybody.clone()
    }

    /// What holds for a call or message between these two.
    pub(super) fn between(&self, one: &str, other: &str) -> Faults {
        let switches = self.switches();
        let own = |number: &str| number.parse().ok().and_then(|number: Phone| switches.numbers.get(&number));
        own(other).or_else(|| own(one)).unwrap_or(&switches.everybody).clone()
    }

    fn switches(&self) -> std::sync::MutexGuard<'_, Switches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
