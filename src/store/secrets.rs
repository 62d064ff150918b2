//! Secrets that Pikett makes for itself once and keeps: the VAPID key, the key that signs links.

use sqlx::{AnyConnection, Row};

use super::error::StoreError;
use crate::model::id::OrgId;

/// The secret of this name; `fresh` becomes it when there is none yet. Two nodes that start at once get
/// the same one.
pub async fn get_or_keep(db: &mut AnyConnection, org: &OrgId, name: &str, fresh: &str) -> Result<String, StoreError> {
    // The update changes nothing, but makes the row answer.
    let row = sqlx::query(
        "INSERT INTO secrets (org_id, name, value) VALUES ($1, $2, $3) \
         ON CONFLICT (org_id, name) DO UPDATE SET value = secrets.value RETURNING value",
    )
    .bind(org.as_str())
    .bind(name)
    .bind(fresh)
    .fetch_one(db)
    .await?;
    Ok(row.try_get("value")?)
}

pub async fn get(db: &mut AnyConnection, org: &OrgId, name: &str) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT value FROM secrets WHERE org_id = $1 AND name = $2")
        .bind(org.as_str())
        .bind(name)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| row.try_get("value")).transpose()?)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::store::testing::{on_both, org};

    on_both! {
        async fn two_nodes_that_start_at_once_keep_the_same_secret(store: Store) {
            let starts = (0..20).map(|n: i64| {
                store.write(async move |db| get_or_keep(db, &org(), "vapid", &n.to_string()).await)
            });
            let secrets: Vec<String> = join_all(starts).await.into_iter().map(Result::unwrap).collect();
            assert!(secrets.windows(2).all(|pair| pair[0] == pair[1]));
            let mut db = store.read().await.unwrap();
            assert_eq!(get(&mut db, &org(), "vapid").await.unwrap().as_ref(), Some(&secrets[0]));
            assert_eq!(get(&mut db, &org(), "links").await.unwrap(), None);
        }
    }
}
