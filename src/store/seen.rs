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

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::store::testing::{at, on_both, org};

    on_both! {
        async fn of_equal_requests_at_once_one_has_an_effect(store: Store) {
            let requests = (0..30).map(|n: i64| {
                store.write(async move |db| remember(db, &org(), "call-1/turn-2", &n.to_string(), at(n)).await)
            });
            let outcomes: Vec<bool> = join_all(requests).await.into_iter().map(Result::unwrap).collect();
            let first = outcomes.iter().position(|outcome| *outcome).unwrap();
            assert_eq!(outcomes.iter().filter(|outcome| **outcome).count(), 1);
            let mut db = store.read().await.unwrap();
            assert_eq!(answer(&mut db, &org(), "call-1/turn-2").await.unwrap(), Some(first.to_string()));
            let forgotten = store.write(async |db| forget(db, &org(), at(100)).await).await.unwrap();
            assert_eq!(forgotten, 1);
            assert_eq!(answer(&mut db, &org(), "call-1/turn-2").await.unwrap(), None);
        }
    }
}
