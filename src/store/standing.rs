//! Open alerts, by what stands still: those that wait for the hours of their contract, and what is open by a policy
//! when somebody goes on call. Few alerts are open at a time, so every question starts from them.

use sqlx::{AnyConnection, Row};

use super::{
    alerts::{AlertRow, read, with_columns},
    error::StoreError,
};
use crate::model::id::{OrgId, PolicyId};

/// Triggered alerts of which nobody was told and whose escalation has been asked: those that wait are among them.
pub async fn before_first_level(db: &mut AnyConnection, org: &OrgId) -> Result<Vec<AlertRow>, StoreError> {
    let rows = sqlx::query(with_columns!(
        "SELECT",
        "FROM alerts WHERE org_id = $1 AND state <> 'resolved' AND state = 'triggered' AND level IS NULL \
         AND progress IS NOT NULL ORDER BY id"
    ))
    .bind(org.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// What is open by this policy, the most urgent and oldest first, and how many that are. A bundle stands for others.
pub async fn open_by(
    db: &mut AnyConnection,
    org: &OrgId,
    policy: &PolicyId,
    limit: i64,
) -> Result<(Vec<AlertRow>, i64), StoreError> {
    let rows = sqlx::query(with_columns!(
        "SELECT",
        "FROM alerts WHERE org_id = $1 AND state <> 'resolved' AND policy_id = $2 AND source <> 'bundle' \
         ORDER BY priority, id LIMIT $3"
    ))
    .bind(org.as_str())
    .bind(policy.as_str())
    .bind(limit)
    .fetch_all(&mut *db)
    .await?;
    let count = sqlx::query(
        "SELECT COUNT(*) AS count FROM alerts \
         WHERE org_id = $1 AND state <> 'resolved' AND policy_id = $2 AND source <> 'bundle'",
    )
    .bind(org.as_str())
    .bind(policy.as_str())
    .fetch_one(db)
    .await?;
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, count.try_get("count")?))
}
