//! The calls that this process has just answered: the next key of a caller comes within seconds, and what was
//! saved a moment ago need not be read again.
//!
//! What is known may be outdated, since another node may have gone on with the call. That does no harm: a turn
//! is saved by compare-and-set, and whoever finds that somebody was faster reads the call anew.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    model::{Instant, id::CallId, language::Language},
    store::calls::CallRow,
};

/// Some kilobytes each. More callers than that do not press keys at once.
const CALLS_MAX: usize = 1_024;

/// A call that waits for its caller's next key.
#[derive(Debug, Clone)]
pub struct Known {
    pub call: CallRow,
    /// What the caller's number chose on an earlier call.
    pub remembered: Option<Language>,
    /// When its end is looked for.
    pub look_at: Instant,
}

#[derive(Default)]
pub struct KnownCalls(Mutex<BTreeMap<CallId, Known>>);

impl KnownCalls {
    fn calls(&self) -> MutexGuard<'_, BTreeMap<CallId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn keep(&self, known: Known) {
        let mut calls = self.calls();
        calls.insert(known.call.id.clone(), known);
        if calls.len() > CALLS_MAX {
            // Ids are ordered by time: the oldest call.
            calls.pop_first();
        }
    }

    /// Out of here: whoever goes on with it keeps it again.
    pub fn take(&self, id: &CallId) -> Option<Known> {
        self.calls().remove(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Ids, store::calls::NewCall};

    fn known(ids: &Ids, second: i64) -> Known {
        let at = Instant::from_timestamp(second, 0).unwrap();
        let call = NewCall {
            id: ids.id(at),
            carrier: "twilio".parse().unwrap(),
            carrier_call: format!("CA{second}"),
            from: None,
            hotline: "+4930901820".parse().unwrap(),
            flow: "sla-hotline".parse().unwrap(),
            flow_version: 1,
            started_at: at,
        };
        Known { call: CallRow::new(&call), remembered: None, look_at: at }
    }

    #[test]
    fn a_call_is_known_once_and_the_oldest_is_forgotten_first() {
        let (ids, calls) = (Ids::seeded(1), KnownCalls::default());
        let given: Vec<CallId> = (0..)
            .take(CALLS_MAX + 1)
            .map(|second| {
                let known = known(&ids, second);
                let id = known.call.id.clone();
                calls.keep(known);
                id
            })
            .collect();
        assert!(calls.take(&given[0]).is_none());
        assert!(calls.take(&given[1]).is_some_and(|known| known.call.id == given[1]));
        assert!(calls.take(&given[1]).is_none());
        assert!(calls.take(&given[CALLS_MAX]).is_some());
    }
}
