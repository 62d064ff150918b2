//! Requests that were answered already. Whoever sends the same one again gets the same answer, and it
//! has no second effect.

use sqlx::{AnyConnection, Row};

use super::{codec, error::StoreError};
use crate::model::{Instant, id::OrgId};

/// What was answered under this key.
pub async fn answer(db: &mut AnyConnection, org: &OrgId, key: &str) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT answer FROM seen WHERE org_id = $1 AND key = $2")
        .bind(org.as_str())
        .bind(key)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| row.try_get("answer")).transpose()?)
}

/// In the same unit of work as the effect. `false`: the same request was faster, so this one must leave
/// nothing behind.
pub async fn remember(
    db: &mut AnyConnection,
    org: &OrgId,
    key: &str,
    answer: &str,
    at: Instant,
) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO seen (org_id, key, answer, at) VALUES ($1, $2, $3, $4) ON CONFLICT (org_id, key) DO NOTHING",
    )
    .bind(org.as_str())
    .bind(key)
    .bind(answer)
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Nobody repeats a request after that long.
pub async fn forget(db: &mut AnyConnection, org: &OrgId, before: Instant) -> Result<u64, StoreError> {
    let forgotten = sqlx::query("DELETE FROM seen WHERE org_id = $1 AND at < $2")
        .bind(org.as_str())
        .bind(codec::millis(before))
        .execute(db)
        .await?;
    Ok(forgotten.rows_affected())
}
