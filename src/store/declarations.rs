//! What was declared, as normalised documents, and the versions of flows. What a document means is
//! `declare`'s business.
//!
//! An apply is one unit of work that begins with `next_revision`: two applies at once cannot mix.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, instant, parsed},
    error::StoreError,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    id::{FlowId, OrgId},
};

/// `(kind, id)` → document.
pub type Documents = BTreeMap<(String, String), String>;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared {
    pub revision: i64,
    pub documents: Documents,
    /// The latest version of each flow.
    pub flows: Vec<FlowVersion>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowVersion {
    pub flow: FlowId,
    /// From 1.
    pub version: i64,
    /// Where it came from, for messages.
    pub file: String,
    pub source: String,
    pub created_at: Instant,
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
        let flows = latest_flows(db, org).await?;
        if revision(db, org).await? == before {
            return Ok(Declared { revision: before, documents, flows });
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

/// Keeps a flow as its next version; answers which. Inside an apply, whose revision keeps others out.
pub async fn put_flow(
    db: &mut AnyConnection,
    org: &OrgId,
    flow: &FlowId,
    file: &str,
    source: &str,
    at: Instant,
) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "INSERT INTO flow_versions (org_id, flow_id, version, file, source, created_at) \
         SELECT $1, $2, COALESCE(MAX(version), 0) + 1, $3, $4, $5 FROM flow_versions \
         WHERE org_id = $1 AND flow_id = $2 RETURNING version",
    )
    .bind(org.as_str())
    .bind(flow.as_str())
    .bind(file)
    .bind(source)
    .bind(codec::millis(at))
    .fetch_one(db)
    .await?;
    Ok(row.try_get("version")?)
}

/// The version that a call began with.
pub async fn flow(
    db: &mut AnyConnection,
    org: &OrgId,
    flow: &FlowId,
    version: i64,
) -> Result<Option<FlowVersion>, StoreError> {
    let row = sqlx::query(
        "SELECT flow_id, version, file, source, created_at FROM flow_versions \
         WHERE org_id = $1 AND flow_id = $2 AND version = $3",
    )
    .bind(org.as_str())
    .bind(flow.as_str())
    .bind(version)
    .fetch_optional(db)
    .await?;
    row.as_ref().map(read_flow).transpose()
}

/// The last version of a flow from before a version of another one was there.
pub async fn version_before(
    db: &mut AnyConnection,
    org: &OrgId,
    flow: &FlowId,
    (other, version): (&FlowId, i64),
) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query(
        "SELECT version FROM flow_versions WHERE org_id = $1 AND flow_id = $2 AND created_at < \
         (SELECT created_at FROM flow_versions WHERE org_id = $1 AND flow_id = $3 AND version = $4) \
         ORDER BY version DESC LIMIT 1",
    )
    .bind(org.as_str())
    .bind(flow.as_str())
    .bind(other.as_str())
    .bind(version)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.try_get("version")).transpose()?)
}

async fn documents(db: &mut AnyConnection, org: &OrgId) -> Result<Documents, StoreError> {
    let rows =
        sqlx::query("SELECT kind, id, body FROM declared WHERE org_id = $1").bind(org.as_str()).fetch_all(db).await?;
    let document = |row: &AnyRow| -> Result<_, StoreError> {
        Ok(((row.try_get("kind")?, row.try_get("id")?), row.try_get("body")?))
    };
    rows.iter().map(document).collect()
}

async fn latest_flows(db: &mut AnyConnection, org: &OrgId) -> Result<Vec<FlowVersion>, StoreError> {
    let rows = sqlx::query(
        "SELECT flow_id, version, file, source, created_at FROM flow_versions AS this WHERE org_id = $1 AND version = \
         (SELECT MAX(version) FROM flow_versions WHERE org_id = $1 AND flow_id = this.flow_id) ORDER BY flow_id",
    )
    .bind(org.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(read_flow).collect()
}

fn read_flow(row: &AnyRow) -> Result<FlowVersion, StoreError> {
    Ok(FlowVersion {
        flow: parsed(row, "flow_id")?,
        version: row.try_get("version")?,
        file: row.try_get("file")?,
        source: row.try_get("source")?,
        created_at: instant(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::store::testing::{at, on_both, org};

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

        async fn flows_keep_their_versions(store: Store) {
            let hotline: FlowId = "hotline".parse().unwrap();
            for source in ["one", "two"] {
                let flow = hotline.clone();
                store.write(async move |db| put_flow(db, &org(), &flow, "hotline.toml", source, at(0)).await).await.unwrap();
            }
            let mut db = store.read().await.unwrap();
            assert_eq!(flow(&mut db, &org(), &hotline, 1).await.unwrap().unwrap().source, "one");
            let latest = load(&mut db, &org()).await.unwrap().flows;
            assert_eq!(latest.iter().map(|flow| (flow.version, flow.source.as_str())).collect::<Vec<_>>(), [(2, "two")]);
        }

        async fn versions_that_belong_together_are_found(store: Store) {
            let (main, sub): (FlowId, FlowId) = ("main".parse().unwrap(), "sub".parse().unwrap());
            // Applied together, then `sub` alone, then both.
            for (flow, at_s) in [(&main, 0), (&sub, 0), (&sub, 10), (&main, 20), (&sub, 20)] {
                let flow = flow.clone();
                store.write(async move |db| put_flow(db, &org(), &flow, "f.toml", "x", at(at_s)).await).await.unwrap();
            }
            let mut db = store.read().await.unwrap();
            assert_eq!(version_before(&mut db, &org(), &sub, (&main, 2)).await.unwrap(), Some(2));
            assert_eq!(version_before(&mut db, &org(), &sub, (&main, 3)).await.unwrap(), None);
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
