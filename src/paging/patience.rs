//! How often a person is helped who writes what means nothing: an automatic reply at the other end
//! would otherwise talk with ours all night, at a price per message.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use chrono::TimeDelta;

use crate::model::{Instant, id::PersonId};

const HELPS_PER_HOUR: usize = 5;

#[derive(Default)]
pub(super) struct Patience(Mutex<BTreeMap<PersonId, Vec<Instant>>>);

impl Patience {
    /// Whether to answer once more.
    pub fn lasts(&self, person: &PersonId, now: Instant) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let helped = all.entry(person.clone()).or_default();
        helped.retain(|at| *at + TimeDelta::hours(1) > now);
        let lasts = helped.len() < HELPS_PER_HOUR;
        if lasts {
            helped.push(now);
        }
        lasts
    }
}
