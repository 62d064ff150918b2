//! What was declared, as normalised documents. What a document means is `declare`'s business; the
//! versions of flows stand in `flows`.
//!
//! An apply is one unit of work that begins with `next_revision`: two applies at once cannot mix.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    contacts::{self, OwnContact},
    error::StoreError,
    flows::{self, FlowVersion},
    wake::{Topic, touch},
};
use crate::model::id::OrgId;

/// `(kind, id)` → document.
pub type Documents = BTreeMap<(String, String), String>;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared {
    pub revision: i64,
    pub documents: Documents,
    /// Of each flow the version in force.
    pub flows: Vec<FlowVersion>,
    /// What people added themselves, proved or not.
    pub contacts: Vec<OwnContact>,
}

pub async fn revision(db: &mut AnyConnection, org: &OrgId) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT revision FROM orgs WHERE org_id = $1").bind(org.as_str()).fetch_optional(db).await?;
    Ok(row.map(|row| row.try_get("revision")).transpose()?.unwrap_or(0))
}

/// Everything of one revision, also while somebody applies the next one.
pub async fn load(db: &mut AnyConnection, org: &OrgId) -> Result<Declared, StoreError> {
    loop {
        let before = revision(db, org).await?;
        let documents = documents(db, org).await?;
        let flows = flows::active(db, org).await?;
        let contacts = contacts::list(db, org).await?;
        if revision(db, org).await? == before {
            return Ok(Declared { revision: before, documents, flows, contacts });
        }
    }
}

/// Begins an apply that was worked out on `revision`; answers the new one. `None`: somebody applied
/// something since, so it has to be worked out anew.
pub async fn next_revision(db: &mut AnyConnection, org: &OrgId, revision: i64) -> Result<Option<i64>, StoreError> {
    let row =
        sqlx::query("UPDATE orgs SET revision = revision + 1 WHERE org_id = $1 AND revision = $2 RETURNING revision")
            .bind(org.as_str())
            .bind(revision)
            .fetch_optional(db)
            .await?;
    touch(Topic::Directory);
    Ok(row.map(|row| row.try_get("revision")).transpose()?)
}

pub async fn put(db: &mut AnyConnection, org: &OrgId, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO declared (org_id, kind, id, body) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (org_id, kind, id) DO UPDATE SET body = excluded.body",
    )
    .bind(org.as_str())
    .bind(kind)
    .bind(id)
    .bind(document)
    .execute(db)
    .await?;
    Ok(())
}

pub async fn remove(db: &mut AnyConnection, org: &OrgId, kind: &str, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM declared WHERE org_id = $1 AND kind = $2 AND id = $3")
        .bind(org.as_str())
        .bind(kind)
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

async fn documents(db: &mut AnyConnection, org: &OrgId) -> Result<Documents, StoreError> {
    let rows =
        sqlx::query("SELECT kind, id, body FROM declared WHERE org_id = $1").bind(org.as_str()).fetch_all(db).await?;
    let document = |row: &AnyRow| -> Result<_, StoreError> {
        Ok(((row.try_get("kind")?, row.try_get("id")?), row.try_get("body")?))
    };
    rows.iter().map(document).collect()
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::store::testing::{on_both, org};

    on_both! {
        async fn of_two_applies_at_once_one_must_look_again(store: Store) {
            let mut watch = store.wake().watch(Topic::Directory);
            let applies = (0..10).map(|n| {
                store.write(async move |db| {
                    let Some(revision) = next_revision(db, &org(), 0).await? else { return Ok(None) };
                    put(db, &org(), "person", "anna", &n.to_string()).await?;
                    Ok(Some((revision, n)))
                })
            });
            let won: Vec<(i64, i32)> = join_all(applies).await.into_iter().filter_map(Result::unwrap).collect();
            let [(1, n)] = won.as_slice() else { panic!("{won:?}") };
            watch.notified().await;
            let declared = load(&mut store.read().await.unwrap(), &org()).await.unwrap();
            assert_eq!(declared.revision, 1);
            assert_eq!(declared.documents[&("person".to_owned(), "anna".to_owned())], n.to_string());
        }

        async fn what_is_removed_is_gone(store: Store) {
            let documents = store.write(async |db| {
                put(db, &org(), "person", "anna", "1").await?;
                put(db, &org(), "person", "anna", "2").await?;
                put(db, &org(), "policy", "anna", "3").await?;
                remove(db, &org(), "policy", "anna").await?;
                Ok(load(db, &org()).await?.documents)
            });
            let documents = documents.await.unwrap();
            assert_eq!(documents.into_iter().collect::<Vec<_>>(), [(("person".to_owned(), "anna".to_owned()), "2".to_owned())]);
        }
    }
}
