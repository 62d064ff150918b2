//! Rows that were set aside and of which nobody has been told yet. Setting aside and telling are two
//! commits: a crash between them must not make it silent.

use sqlx::AnyConnection;

use super::{
    attempts::{self, Attempt, with_columns},
    codec,
    error::StoreError,
    timers::{self, DueTimer},
};
use crate::model::Instant;

/// Those that were to be worked on before this instant.
pub async fn untold_attempts(db: &mut AnyConnection, before: Instant) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query(with_columns!("SELECT", "FROM attempts WHERE set_aside = 1 AND ready_at <= $1 ORDER BY id"))
        .bind(codec::millis(before))
        .fetch_all(db)
        .await?;
    rows.iter().map(attempts::read).collect()
}

pub async fn untold_timers(db: &mut AnyConnection, before: Instant) -> Result<Vec<DueTimer>, StoreError> {
    let rows = sqlx::query(
        "SELECT org_id, kind, subject, due_at, tries, payload, COALESCE(lease, '') AS lease FROM timers \
         WHERE set_aside = 1 AND ready_at <= $1 ORDER BY kind, subject",
    )
    .bind(codec::millis(before))
    .fetch_all(db)
    .await?;
    rows.iter().map(timers::read).collect()
}

pub async fn attempt_told(db: &mut AnyConnection, attempt: &Attempt) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempts SET set_aside = 2 WHERE org_id = $1 AND id = $2 AND set_aside = 1")
        .bind(attempt.org.as_str())
        .bind(attempt.id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

pub async fn timer_told(db: &mut AnyConnection, timer: &DueTimer) -> Result<(), StoreError> {
    sqlx::query("UPDATE timers SET set_aside = 2 WHERE org_id = $1 AND kind = $2 AND subject = $3 AND set_aside = 1")
        .bind(timer.org.as_str())
        .bind(timer.kind.as_str())
        .bind(timer.subject.as_str())
        .execute(db)
        .await?;
    Ok(())
}
