//! Alert numbers: unique per org, short, roughly rising. A process reserves them in blocks, because a
//! counter that every new alert moves would make all nodes wait for one row.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use sqlx::Row;

use super::{Store, error::StoreError};
use crate::model::id::OrgId;

/// Numbers become the codes that people type: a restart should not skip many of them.
const BLOCK_MIN: i64 = 8;
const BLOCK_MAX: i64 = 1_024;

/// The numbers that this process has reserved and not used yet.
#[derive(Default)]
pub(super) struct Numbers(Mutex<BTreeMap<OrgId, Reserved>>);

#[derive(Default)]
struct Reserved {
    free: VecDeque<i64>,
    /// Doubles with every refill: whoever opens many alerts reserves many numbers at once.
    block: i64,
}

impl Numbers {
    fn with<T>(&self, org: &OrgId, change: impl FnOnce(&mut Reserved) -> T) -> T {
        let mut orgs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(orgs.entry(org.clone()).or_default())
    }
}

impl Store {
    /// The next alert number. Ask before the unit of work that raises the alert: a refill is a unit of
    /// work of its own.
    pub async fn alert_number(&self, org: &OrgId) -> Result<i64, StoreError> {
        Ok(self.alert_numbers(org, 1).await?[0])
    }

    pub async fn alert_numbers(&self, org: &OrgId, count: usize) -> Result<Vec<i64>, StoreError> {
        let numbers = &self.0.numbers;
        let mut taken: Vec<i64> =
            numbers.with(org, |reserved| reserved.free.drain(..count.min(reserved.free.len())).collect());
        while taken.len() < count {
            let missing = count - taken.len();
            let block = numbers.with(org, |reserved| {
                reserved.block = (reserved.block * 2).clamp(BLOCK_MIN, BLOCK_MAX);
                reserved.block
            });
            let block = block.max(i64::try_from(missing).unwrap_or(BLOCK_MAX));
            let first = reserve(self, org, block).await?;
            numbers.with(org, |reserved| {
                reserved.free.extend(first..first + block);
                taken.extend(reserved.free.drain(..missing.min(reserved.free.len())));
            });
        }
        Ok(taken)
    }

    /// Gives back a number that no alert took, since one with the same key was open.
    pub fn return_alert_number(&self, org: &OrgId, number: i64) {
        self.0.numbers.with(org, |reserved| reserved.free.push_front(number));
    }
}

async fn reserve(store: &Store, org: &OrgId, block: i64) -> Result<i64, StoreError> {
    let org = org.clone();
    store
        .write(async move |db| {
            let row = sqlx::query(
                "INSERT INTO orgs (org_id, revision, next_alert_number) VALUES ($1, 0, 1 + $2) \
                 ON CONFLICT (org_id) DO UPDATE SET next_alert_number = orgs.next_alert_number + $2 \
                 RETURNING next_alert_number",
            )
            .bind(org.as_str())
            .bind(block)
            .fetch_one(db)
            .await?;
            Ok(row.try_get::<i64, _>("next_alert_number")? - block)
        })
        .await
}
