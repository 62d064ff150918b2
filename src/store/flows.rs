//! The versions of flows, which are never changed, and which of them is in force: the newest activation
//! counts, the ones before are the way back.
//!
//! Whoever changes anything does so inside an apply's revision (`declarations::next_revision`), so two at
//! once cannot mix.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, instant, parsed},
    error::StoreError,
};
use crate::model::{
    Instant,
    id::{FlowId, OrgId},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowVersion {
    pub flow: FlowId,
    /// From 1.
    pub version: i64,
    /// Where it came from, for messages.
    pub file: String,
    pub source: String,
    /// What its scripted calls came to, as JSON; empty where there are none.
    pub tests: String,
    pub created_at: Instant,
}

/// What is kept as a version.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub flow: &'a FlowId,
    pub file: &'a str,
    pub source: &'a str,
    pub tests: &'a str,
}

/// A version in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub flow: FlowId,
    pub version: i64,
    pub file: String,
    pub created_at: Instant,
    /// Since when it answers calls; `None`: it does not.
    pub active_since: Option<Instant>,
}

macro_rules! versions {
    ($rest:literal) => {
        concat!("SELECT v.flow_id, v.version, v.file, v.source, v.tests, v.created_at FROM flow_versions AS v ", $rest)
    };
}

/// The version with this text, kept as the next one when no version has it yet; answers which. Whoever brings
/// no test calls does not undo what came of those that were played.
pub async fn put(db: &mut AnyConnection, org: &OrgId, given: Given<'_>, at: Instant) -> Result<i64, StoreError> {
    let known = sqlx::query(
        "UPDATE flow_versions SET tests = CASE WHEN $4 = '' THEN tests ELSE $4 END WHERE org_id = $1 AND flow_id = $2 AND source = $3 AND version = \
         (SELECT MAX(version) FROM flow_versions WHERE org_id = $1 AND flow_id = $2 AND source = $3) \
         RETURNING version",
    )
    .bind(org.as_str())
    .bind(given.flow.as_str())
    .bind(given.source)
    .bind(given.tests)
    .fetch_optional(&mut *db)
    .await?;
    if let Some(row) = known {
        return Ok(row.try_get("version")?);
    }
    let row = sqlx::query(
        "INSERT INTO flow_versions (org_id, flow_id, version, file, source, tests, created_at) \
         SELECT $1, $2, COALESCE(MAX(version), 0) + 1, $3, $4, $5, $6 FROM flow_versions \
         WHERE org_id = $1 AND flow_id = $2 RETURNING version",
    )
    .bind(org.as_str())
    .bind(given.flow.as_str())
    .bind(given.file)
    .bind(given.source)
    .bind(given.tests)
    .bind(codec::millis(at))
    .fetch_one(db)
    .await?;
    Ok(row.try_get("version")?)
}

/// From here on calls begin with this version. `false`: there is no such one.
pub async fn activate(
    db: &mut AnyConnection,
    org: &OrgId,
    flow: &FlowId,
    version: i64,
    at: Instant,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO flow_activations (org_id, flow_id, n, version, at) \
         SELECT $1, $2, COALESCE((SELECT MAX(n) FROM flow_activations WHERE org_id = $1 AND flow_id = $2), 0) + 1, \
         version, $4 FROM flow_versions WHERE org_id = $1 AND flow_id = $2 AND version = $3",
    )
    .bind(org.as_str())
    .bind(flow.as_str())
    .bind(version)
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The version that a call began with.
pub async fn version(
    db: &mut AnyConnection,
    org: &OrgId,
    flow: &FlowId,
    version: i64,
) -> Result<Option<FlowVersion>, StoreError> {
    let row = sqlx::query(versions!("WHERE v.org_id = $1 AND v.flow_id = $2 AND v.version = $3"))
        .bind(org.as_str())
        .bind(flow.as_str())
        .bind(version)
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// What answers calls, of each flow.
pub async fn active(db: &mut AnyConnection, org: &OrgId) -> Result<Vec<FlowVersion>, StoreError> {
    let rows = sqlx::query(versions!(
        "JOIN flow_activations AS a ON a.org_id = v.org_id AND a.flow_id = v.flow_id AND a.version = v.version \
         WHERE v.org_id = $1 AND a.n = (SELECT MAX(n) FROM flow_activations WHERE org_id = $1 AND flow_id = v.flow_id) \
         ORDER BY v.flow_id"
    ))
    .bind(org.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// What answered calls at that instant.
pub async fn active_at(
    db: &mut AnyConnection,
    org: &OrgId,
    flow: &FlowId,
    at: Instant,
) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query(
        "SELECT version FROM flow_activations WHERE org_id = $1 AND flow_id = $2 AND at <= $3 ORDER BY n DESC LIMIT 1",
    )
    .bind(org.as_str())
    .bind(flow.as_str())
    .bind(codec::millis(at))
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.try_get("version")).transpose()?)
}

/// What answered calls before the version that does: where a rollback leads.
pub async fn before(db: &mut AnyConnection, org: &OrgId, flow: &FlowId) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query(
        "SELECT version FROM flow_activations AS a WHERE org_id = $1 AND flow_id = $2 AND version <> \
         (SELECT version FROM flow_activations WHERE org_id = $1 AND flow_id = $2 ORDER BY n DESC LIMIT 1) \
         ORDER BY n DESC LIMIT 1",
    )
    .bind(org.as_str())
    .bind(flow.as_str())
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.try_get("version")).transpose()?)
}

/// The versions of one flow or of all, flow by flow, of each the newest first; those behind `after`.
pub async fn list(
    db: &mut AnyConnection,
    org: &OrgId,
    flow: Option<&FlowId>,
    after: Option<(&FlowId, i64)>,
    limit: i64,
) -> Result<Vec<Listed>, StoreError> {
    let (after_flow, after_version) = after.map_or(("", 0), |(flow, version)| (flow.as_str(), version));
    let rows = sqlx::query(
        "SELECT v.flow_id, v.version, v.file, v.created_at, a.at FROM flow_versions AS v \
         LEFT JOIN flow_activations AS a ON a.org_id = v.org_id AND a.flow_id = v.flow_id AND a.version = v.version \
         AND a.n = (SELECT MAX(n) FROM flow_activations WHERE org_id = v.org_id AND flow_id = v.flow_id) \
         WHERE v.org_id = $1 AND (v.flow_id = $2 OR $2 = '') \
         AND (v.flow_id > $3 OR (v.flow_id = $3 AND v.version < $4)) ORDER BY v.flow_id, v.version DESC LIMIT $5",
    )
    .bind(org.as_str())
    .bind(flow.map_or("", FlowId::as_str))
    .bind(after_flow)
    .bind(after_version)
    .bind(limit)
    .fetch_all(db)
    .await?;
    let listed = |row: &AnyRow| -> Result<_, StoreError> {
        Ok(Listed {
            flow: parsed(row, "flow_id")?,
            version: row.try_get("version")?,
            file: row.try_get("file")?,
            created_at: instant(row, "created_at")?,
            active_since: codec::opt_instant(row, "at")?,
        })
    };
    rows.iter().map(listed).collect()
}

fn read(row: &AnyRow) -> Result<FlowVersion, StoreError> {
    Ok(FlowVersion {
        flow: parsed(row, "flow_id")?,
        version: row.try_get("version")?,
        file: row.try_get("file")?,
        source: row.try_get("source")?,
        tests: row.try_get("tests")?,
        created_at: instant(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{at, on_both, org};

    fn hotline() -> FlowId {
        "hotline".parse().unwrap()
    }

    async fn keep(db: &mut AnyConnection, source: &str) -> Result<i64, StoreError> {
        let given = Given { flow: &hotline(), file: "hotline.toml", source, tests: "" };
        let version = put(db, &org(), given, at(0)).await?;
        activate(db, &org(), &hotline(), version, at(version)).await?;
        Ok(version)
    }

    on_both! {
        async fn the_version_that_was_activated_last_answers_and_the_others_stay(store: Store) {
            for (source, expected) in [("one", 1), ("two", 2), ("three", 3), ("two", 2)] {
                let version = store.write(async move |db| keep(db, source).await).await.unwrap();
                assert_eq!(version, expected, "{source}");
            }
            let mut db = store.read().await.unwrap();
            assert_eq!(version(&mut db, &org(), &hotline(), 1).await.unwrap().unwrap().source, "one");
            let active = active(&mut db, &org()).await.unwrap();
            assert_eq!(active.iter().map(|flow| (flow.version, flow.source.as_str())).collect::<Vec<_>>(), [(2, "two")]);
            for (second, answered) in [(0, None), (1, Some(1)), (9, Some(2))] {
                assert_eq!(active_at(&mut db, &org(), &hotline(), at(second)).await.unwrap(), answered);
            }
            let listed = list(&mut db, &org(), Some(&hotline()), None, 9).await.unwrap();
            let listed: Vec<_> = listed.iter().map(|listed| (listed.version, listed.active_since)).collect();
            assert_eq!(listed, [(3, None), (2, Some(at(2))), (1, None)]);
        }

        async fn the_same_text_without_test_calls_keeps_what_came_of_them(store: Store) {
            for (tests, kept) in [("failed", "failed"), ("", "failed"), ("passed", "passed")] {
                let found = store.write(async move |db| {
                    let given = Given { flow: &hotline(), file: "hotline.toml", source: "one", tests };
                    let number = put(db, &org(), given, at(0)).await?;
                    Ok(version(db, &org(), &hotline(), number).await?.unwrap().tests)
                });
                assert_eq!(found.await.unwrap(), kept);
            }
        }

        async fn a_list_goes_on_where_a_page_ended(store: Store) {
            store.write(async |db| {
                for (id, source) in [("after", "a"), ("after", "b"), ("before", "a"), ("before-hours", "a")] {
                    let flow: FlowId = id.parse().unwrap();
                    put(db, &org(), Given { flow: &flow, file: "f.toml", source, tests: "" }, at(0)).await?;
                }
                Ok(())
            }).await.unwrap();
            let mut db = store.read().await.unwrap();
            let (mut after, mut found) = (None::<(FlowId, i64)>, Vec::new());
            loop {
                let place = after.as_ref().map(|(flow, version)| (flow, *version));
                let page = list(&mut db, &org(), None, place, 2).await.unwrap();
                assert!(page.len() <= 2);
                let Some(last) = page.last() else { break };
                after = Some((last.flow.clone(), last.version));
                found.extend(page.iter().map(|listed| format!("{} {}", listed.flow, listed.version)));
            }
            let all = list(&mut db, &org(), None, None, 99).await.unwrap();
            assert_eq!(found, all.iter().map(|listed| format!("{} {}", listed.flow, listed.version)).collect::<Vec<_>>());
            assert_eq!(found.len(), 4);
            assert_eq!(found[..2], ["after 2", "after 1"]);
        }

        async fn the_way_back_is_what_answered_before(store: Store) {
            for source in ["one", "two", "two"] {
                store.write(async move |db| keep(db, source).await).await.unwrap();
            }
            let found = before(&mut store.read().await.unwrap(), &org(), &hotline()).await.unwrap();
            assert_eq!(found, Some(1));
            let nothing = store.write(async |db| activate(db, &org(), &hotline(), 9, at(9)).await).await.unwrap();
            assert!(!nothing);
            let other: FlowId = "other".parse().unwrap();
            assert_eq!(before(&mut store.read().await.unwrap(), &org(), &other).await.unwrap(), None);
        }
    }
}
