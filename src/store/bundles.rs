//! Pages that wait for a place on somebody's phone, and bundles: one page that says what many would have
//! said. A bundle is an alert of its own (`Source::Bundle`) with a code of its own; which attempts it covers
//! stands in `attempts.bundle_id`. What follows from all this is decided in `work::bundles`.

use sqlx::{AnyConnection, Row};

use super::{
    attempts::{Attempt, read, with_columns},
    codec::{self, parsed},
    error::StoreError,
    paces::{Lane, Whose},
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    id::{AlertId, AttemptId, OrgId},
};

/// A claimed page has no place: it waits, and this try does not count. `false`: the lease ran out.
pub async fn wait(db: &mut AnyConnection, attempt: &Attempt, lane: Lane) -> Result<bool, StoreError> {
    let waits = sqlx::query(
        "UPDATE attempts SET state = 'waiting', lane = $4, lease = NULL, tries = tries - 1 \
         WHERE org_id = $1 AND id = $2 AND lease = $3 AND state = 'sending' AND status_rank = 0",
    )
    .bind(attempt.org.as_str())
    .bind(attempt.id.as_str())
    .bind(attempt.lease.as_deref())
    .bind(lane.as_str())
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(waits.rows_affected() == 1)
}

/// A claimed attempt has its place: now, or at a later instant.
pub async fn placed(db: &mut AnyConnection, attempt: &Attempt, later: Option<Instant>) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET paced = 1, state = CASE WHEN $4 IS NULL THEN state ELSE 'due' END, \
         lease = CASE WHEN $4 IS NULL THEN lease ELSE NULL END, ready_at = COALESCE($4, ready_at), \
         due_at = COALESCE($4, due_at), tries = CASE WHEN $4 IS NULL THEN tries ELSE tries - 1 END \
         WHERE org_id = $1 AND id = $2 AND lease = $3",
    )
    .bind(attempt.org.as_str())
    .bind(attempt.id.as_str())
    .bind(attempt.lease.as_deref())
    .bind(later.map(codec::millis))
    .execute(db)
    .await?;
    touch(Topic::Outbox);
    Ok(())
}

/// It needs no place: one was taken for it before it was planned.
pub async fn has_place(db: &mut AnyConnection, org: &OrgId, attempt: &AttemptId) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempts SET paced = 1 WHERE org_id = $1 AND id = $2")
        .bind(org.as_str())
        .bind(attempt.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a page waits there already: none overtakes it.
pub async fn is_queue(db: &mut AnyConnection, whose: Whose<'_>) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT id FROM attempts WHERE org_id = $1 AND person_id = $2 AND channel = $3 AND lane = $4 \
         AND state = 'waiting' AND bundle_id IS NULL LIMIT 1",
    )
    .bind(whose.org.as_str())
    .bind(whose.person.as_str())
    .bind(whose.channel.as_str())
    .bind(whose.lane.as_str())
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Whatever waits there and is in no bundle yet, the oldest first.
pub async fn waiting(db: &mut AnyConnection, whose: Whose<'_>, limit: i64) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query(with_columns!(
        "SELECT",
        "FROM attempts WHERE org_id = $1 AND person_id = $2 AND channel = $3 AND lane = $4 \
         AND state = 'waiting' AND bundle_id IS NULL ORDER BY id LIMIT $5"
    ))
    .bind(whose.org.as_str())
    .bind(whose.person.as_str())
    .bind(whose.channel.as_str())
    .bind(whose.lane.as_str())
    .bind(limit)
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// It waits no longer: it goes out by itself, or is not needed any more.
pub async fn let_go(db: &mut AnyConnection, attempt: &Attempt, now: Instant) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET state = 'due', paced = 1, due_at = $3, ready_at = $3 \
         WHERE org_id = $1 AND id = $2 AND state = 'waiting'",
    )
    .bind(attempt.org.as_str())
    .bind(attempt.id.as_str())
    .bind(codec::millis(now))
    .execute(db)
    .await?;
    touch(Topic::Outbox);
    Ok(())
}

pub async fn drop_one(db: &mut AnyConnection, attempt: &Attempt, why: &str, now: Instant) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET state = 'dropped', message = $3, ended_at = $4, lease = NULL \
         WHERE org_id = $1 AND id = $2 AND state IN ('waiting', 'sending')",
    )
    .bind(attempt.org.as_str())
    .bind(attempt.id.as_str())
    .bind(why)
    .bind(codec::millis(now))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(())
}

/// From now on what becomes of the bundle's page becomes of it. `false`: it waits no longer.
pub async fn cover(db: &mut AnyConnection, attempt: &Attempt, bundle: &AlertId) -> Result<bool, StoreError> {
    let covered = sqlx::query(
        "UPDATE attempts SET bundle_id = $3 WHERE org_id = $1 AND id = $2 AND state = 'waiting' AND bundle_id IS NULL",
    )
    .bind(attempt.org.as_str())
    .bind(attempt.id.as_str())
    .bind(bundle.as_str())
    .execute(db)
    .await?;
    Ok(covered.rows_affected() == 1)
}

/// The alerts that a bundle stands for, the oldest first.
pub async fn members(db: &mut AnyConnection, org: &OrgId, bundle: &AlertId) -> Result<Vec<AlertId>, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT alert_id FROM attempts WHERE org_id = $1 AND bundle_id = $2 AND alert_id IS NOT NULL \
         ORDER BY alert_id",
    )
    .bind(org.as_str())
    .bind(bundle.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| parsed(row, "alert_id")).collect()
}

/// The bundles that stand for this alert among others.
pub async fn of_alert(db: &mut AnyConnection, org: &OrgId, alert: &AlertId) -> Result<Vec<AlertId>, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT bundle_id FROM attempts WHERE org_id = $1 AND alert_id = $2 AND bundle_id IS NOT NULL \
         ORDER BY bundle_id",
    )
    .bind(org.as_str())
    .bind(alert.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| parsed(row, "bundle_id")).collect()
}

/// How many of a bundle's alerts wait for somebody, and how many are not resolved.
pub async fn standing(db: &mut AnyConnection, org: &OrgId, bundle: &AlertId) -> Result<(i64, i64), StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(CASE WHEN state = 'triggered' THEN 1 END) AS waiting, \
         COUNT(CASE WHEN state <> 'resolved' THEN 1 END) AS open FROM alerts WHERE org_id = $1 AND id IN \
         (SELECT alert_id FROM attempts WHERE org_id = $1 AND bundle_id = $2)",
    )
    .bind(org.as_str())
    .bind(bundle.as_str())
    .fetch_one(db)
    .await?;
    Ok((row.try_get("waiting")?, row.try_get("open")?))
}

/// The bundle's page is with the provider.
pub async fn sent(db: &mut AnyConnection, org: &OrgId, bundle: &AlertId, now: Instant) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET state = 'sent', sent_at = $3 WHERE org_id = $1 AND bundle_id = $2 AND state = 'waiting'",
    )
    .bind(org.as_str())
    .bind(bundle.as_str())
    .bind(codec::millis(now))
    .execute(db)
    .await?;
    Ok(())
}

/// The bundle's page has arrived.
pub async fn delivered(db: &mut AnyConnection, org: &OrgId, bundle: &AlertId, now: Instant) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET state = 'delivered', sent_at = COALESCE(sent_at, $3), ended_at = $3 \
         WHERE org_id = $1 AND bundle_id = $2 AND state IN ('waiting', 'sent')",
    )
    .bind(org.as_str())
    .bind(bundle.as_str())
    .bind(codec::millis(now))
    .execute(db)
    .await?;
    Ok(())
}

/// The bundle's page did not arrive: answers what it was to say.
pub async fn failed(
    db: &mut AnyConnection,
    org: &OrgId,
    bundle: &AlertId,
    why: &str,
    now: Instant,
) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query(with_columns!(
        "UPDATE attempts SET state = 'failed', message = $3, ended_at = $4 \
         WHERE org_id = $1 AND bundle_id = $2 AND state IN ('waiting', 'sent', 'delivered') RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(bundle.as_str())
    .bind(why)
    .bind(codec::millis(now))
    .fetch_all(db)
    .await?;
    let mut failed: Vec<Attempt> = rows.iter().map(read).collect::<Result<_, _>>()?;
    failed.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(failed)
}
