//! What should have happened and did not: the questions of the watcher. Few rows are open at a time,
//! so every question starts from the open alerts.

use sqlx::AnyConnection;

use super::{
    codec::{self, instant, parsed},
    error::StoreError,
};
use crate::model::{
    Instant,
    id::{AlertId, AttemptId, OrgId},
};

/// Open alerts that wait for somebody and have no timer by which anybody would be told. Fresh ones
/// (opened after `opened_before`) are in somebody's hands, and so are those for which a call rings
/// people, up to `held_before`. A timer that was set aside counts until `aside_before`.
pub async fn without_timer(
    db: &mut AnyConnection,
    org: &OrgId,
    opened_before: Instant,
    held_before: Instant,
    aside_before: Instant,
) -> Result<Vec<AlertId>, StoreError> {
    let rows = sqlx::query(
        "SELECT id FROM alerts WHERE org_id = $1 AND state <> 'resolved' AND state = 'triggered' \
         AND source <> 'bundle' AND opened_at < $2 AND (held_by_call IS NULL OR opened_at < $3) AND NOT EXISTS \
         (SELECT 1 FROM timers WHERE timers.org_id = alerts.org_id AND timers.kind = 'escalate' \
         AND timers.subject = alerts.id AND (timers.set_aside = 0 OR timers.due_at >= $4)) ORDER BY id LIMIT 1000",
    )
    .bind(org.as_str())
    .bind(codec::millis(opened_before))
    .bind(codec::millis(held_before))
    .bind(codec::millis(aside_before))
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| parsed(row, "id")).collect()
}

/// Pages of open alerts that a provider has, whose deadline passed before then without anybody asking
/// it; with their deadlines.
pub async fn unreported(
    db: &mut AnyConnection,
    org: &OrgId,
    before: Instant,
) -> Result<Vec<(AttemptId, Instant)>, StoreError> {
    let rows = sqlx::query(
        "SELECT attempts.id AS id, attempts.deadline_at AS deadline_at FROM attempts \
         JOIN alerts ON alerts.org_id = attempts.org_id AND alerts.id = attempts.alert_id \
         WHERE alerts.org_id = $1 AND alerts.state <> 'resolved' AND alerts.state = 'triggered' \
         AND attempts.kind = 'page' AND attempts.state = 'sent' AND attempts.ended_at IS NULL \
         AND attempts.deadline_at < $2 AND NOT EXISTS (SELECT 1 FROM timers WHERE timers.org_id = attempts.org_id \
         AND timers.kind = 'deadline' AND timers.subject = attempts.id) ORDER BY attempts.id LIMIT 1000",
    )
    .bind(org.as_str())
    .bind(codec::millis(before))
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((parsed(row, "id")?, instant(row, "deadline_at")?))).collect()
}

/// Open alerts that no call holds and whose voice pages wait for a call all the same.
pub async fn held_for_nothing(db: &mut AnyConnection, org: &OrgId) -> Result<Vec<AlertId>, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT alerts.id AS id FROM attempts \
         JOIN alerts ON alerts.org_id = attempts.org_id AND alerts.id = attempts.alert_id \
         WHERE alerts.org_id = $1 AND alerts.state <> 'resolved' AND alerts.state = 'triggered' \
         AND alerts.held_by_call IS NULL AND attempts.state = 'held' ORDER BY alerts.id LIMIT 1000",
    )
    .bind(org.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| parsed(row, "id")).collect()
}
