//! Notifications: the duty to tell one person about one alert. How that is tried stands in `attempts`.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, flag, instant, parsed, small},
    error::StoreError,
};
use crate::model::{
    Instant,
    id::{AlertId, NotificationId, OrgId, PersonId},
    priority::Urgency,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    pub id: NotificationId,
    pub alert: AlertId,
    pub person: PersonId,
    pub level: u32,
    pub round: u32,
    pub urgency: Urgency,
    /// Why this person.
    pub reason: String,
    pub started_at: Instant,
    /// Nothing more is tried for it.
    pub done: bool,
}

pub async fn insert(db: &mut AnyConnection, org: &OrgId, notification: &Notification) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO notifications (org_id, id, alert_id, person_id, level, round, urgency, reason, started_at, done) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(org.as_str())
    .bind(notification.id.as_str())
    .bind(notification.alert.as_str())
    .bind(notification.person.as_str())
    .bind(i64::from(notification.level))
    .bind(i64::from(notification.round))
    .bind(notification.urgency.as_str())
    .bind(notification.reason.as_str())
    .bind(codec::millis(notification.started_at))
    .bind(i16::from(notification.done))
    .execute(db)
    .await?;
    Ok(())
}

pub async fn by_id(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &NotificationId,
) -> Result<Option<Notification>, StoreError> {
    let row = sqlx::query(
        "SELECT id, alert_id, person_id, level, round, urgency, reason, started_at, done FROM notifications \
         WHERE org_id = $1 AND id = $2",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .fetch_optional(db)
    .await?;
    row.as_ref().map(read).transpose()
}

/// The oldest first.
pub async fn of_alert(db: &mut AnyConnection, org: &OrgId, alert: &AlertId) -> Result<Vec<Notification>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, alert_id, person_id, level, round, urgency, reason, started_at, done FROM notifications \
         WHERE org_id = $1 AND alert_id = $2 ORDER BY id",
    )
    .bind(org.as_str())
    .bind(alert.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// Nothing more is tried for this alert.
pub async fn close_all(db: &mut AnyConnection, org: &OrgId, alert: &AlertId) -> Result<(), StoreError> {
    sqlx::query("UPDATE notifications SET done = 1 WHERE org_id = $1 AND alert_id = $2 AND done = 0")
        .bind(org.as_str())
        .bind(alert.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// `false`: it was done already.
pub async fn close(db: &mut AnyConnection, org: &OrgId, id: &NotificationId) -> Result<bool, StoreError> {
    let closed = sqlx::query("UPDATE notifications SET done = 1 WHERE org_id = $1 AND id = $2 AND done = 0")
        .bind(org.as_str())
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(closed.rows_affected() == 1)
}

fn read(row: &AnyRow) -> Result<Notification, StoreError> {
    Ok(Notification {
        id: parsed(row, "id")?,
        alert: parsed(row, "alert_id")?,
        person: parsed(row, "person_id")?,
        level: small(row, "level")?,
        round: small(row, "round")?,
        urgency: parsed(row, "urgency")?,
        reason: row.try_get("reason")?,
        started_at: instant(row, "started_at")?,
        done: flag(row, "done")?,
    })
}
