//! The outbox: one row per try to tell something over one contact method.
//!
//! `due → sending → sent → delivered`, or `failed`, `unknown`, `dropped`; `held` waits for a call to
//! end. A worker claims what is due (`claim`), looks at the alert again, sends, and records what came
//! of it (`record`, fenced by its lease). Providers' reports arrive in any order (`report`); they
//! overrule the worker, because they may be faster than the answer to its own request.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, flag, instant, named, opt_instant, opt_parsed, parsed},
    error::StoreError,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    id::{AlertId, AttemptId, CarrierId, MethodId, NotificationId, OrgId, PersonId},
    person::{Address, Channel, PushSubscription},
    secret::Secret,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttemptKind {
    /// Wants an acknowledgement, and is dropped by one.
    Page,
    /// Tells what has happened.
    Notice,
    /// Answers an SMS, or tells a caller something.
    Reply,
    /// Is about the contact itself: a code, or a test.
    Check,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttemptState {
    Due,
    /// Waits until a call's `connect` has ended.
    Held,
    /// Waits for a place on its reader's phone, or for the page of the bundle that says it.
    Waiting,
    Sending,
    /// The provider has it.
    Sent,
    Delivered,
    Failed,
    /// Nobody knows, and it is not tried again.
    Unknown,
    /// Not needed any more before it was sent.
    Dropped,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewAttempt {
    pub id: AttemptId,
    pub notification: Option<NotificationId>,
    pub alert: Option<AlertId>,
    pub person: Option<PersonId>,
    pub method: Option<MethodId>,
    pub address: Address,
    pub kind: AttemptKind,
    /// What is said, as JSON.
    pub text: String,
    pub held: bool,
    pub due_at: Instant,
    pub created_at: Instant,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub org: OrgId,
    pub id: AttemptId,
    pub notification: Option<NotificationId>,
    pub alert: Option<AlertId>,
    pub person: Option<PersonId>,
    pub method: Option<MethodId>,
    pub address: Address,
    pub kind: AttemptKind,
    /// What is said, as JSON.
    pub text: String,
    pub state: AttemptState,
    pub due_at: Instant,
    /// From 1 while it is being sent.
    pub tries: i64,
    /// An earlier try may have reached the provider: ask it before sending again.
    pub unsure: bool,
    /// It has its place within its reader's limits.
    pub paced: bool,
    /// Since when it found its provider's line full.
    pub stood_since: Option<Instant>,
    pub carrier: Option<CarrierId>,
    pub provider_id: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub latency_ms: Option<i64>,
    /// Through whom it was tried before, and why not through them: JSON.
    pub tried: Option<String>,
    pub created_at: Instant,
    pub sent_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    /// When the last try ended, however it did.
    pub tried_at: Option<Instant>,
    pub deadline_at: Option<Instant>,
    pub(super) lease: Option<String>,
}

/// One list of columns for every statement that answers with whole attempts.
macro_rules! with_columns {
    ($before:expr, $after:literal) => {
        concat!(
            $before,
            " org_id, id, notification_id, alert_id, person_id, method_id, channel, address, kind, text, state, due_at, ",
            "tries, unsure, paced, stood_since, carrier, provider_id, code, message, latency_ms, tried, created_at, sent_at, ",
            "ended_at, tried_at, deadline_at, lease ",
            $after
        )
    };
}
pub(super) use with_columns;

pub async fn insert(db: &mut AnyConnection, org: &OrgId, attempt: &NewAttempt) -> Result<(), StoreError> {
    let state = if attempt.held { AttemptState::Held } else { AttemptState::Due };
    sqlx::query(
        "INSERT INTO attempts (org_id, id, notification_id, alert_id, person_id, method_id, channel, address, kind, \
         text, state, due_at, ready_at, tries, unsure, status_rank, created_at, set_aside, urgent) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, 0, 0, 0, $13, 0, \
         CASE WHEN $9 = 'page' AND (SELECT priority FROM alerts WHERE org_id = $1 AND id = $4) = 'P1' \
         THEN 1 ELSE 0 END)",
    )
    .bind(org.as_str())
    .bind(attempt.id.as_str())
    .bind(attempt.notification.as_ref().map(NotificationId::as_str))
    .bind(attempt.alert.as_ref().map(AlertId::as_str))
    .bind(attempt.person.as_ref().map(PersonId::as_str))
    .bind(attempt.method.as_ref().map(MethodId::as_str))
    .bind(attempt.address.channel().as_str())
    .bind(address_to_text(&attempt.address))
    .bind(attempt.kind.as_str())
    .bind(attempt.text.as_str())
    .bind(state.as_str())
    .bind(codec::millis(attempt.due_at))
    .bind(codec::millis(attempt.created_at))
    .execute(db)
    .await?;
    touch(Topic::Outbox);
    touch(Topic::Events);
    Ok(())
}

pub async fn by_id(db: &mut AnyConnection, org: &OrgId, id: &AttemptId) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query(with_columns!("SELECT", "FROM attempts WHERE org_id = $1 AND id = $2"))
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// By the provider's name for it; two carriers may use the same one.
pub async fn by_provider_id(
    db: &mut AnyConnection,
    org: &OrgId,
    carrier: &CarrierId,
    provider_id: &str,
) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query(with_columns!(
        "SELECT",
        "FROM attempts WHERE org_id = $1 AND provider_id = $2 AND carrier = $3 ORDER BY id DESC LIMIT 1"
    ))
    .bind(org.as_str())
    .bind(provider_id)
    .bind(carrier.as_str())
    .fetch_optional(db)
    .await?;
    row.as_ref().map(read).transpose()
}

/// The oldest first.
pub async fn of_alert(db: &mut AnyConnection, org: &OrgId, alert: &AlertId) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query(with_columns!("SELECT", "FROM attempts WHERE org_id = $1 AND alert_id = $2 ORDER BY id"))
        .bind(org.as_str())
        .bind(alert.as_str())
        .fetch_all(db)
        .await?;
    rows.iter().map(read).collect()
}

/// Of all alerts, the newest first.
pub async fn latest(db: &mut AnyConnection, org: &OrgId, limit: i64) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query(with_columns!("SELECT", "FROM attempts WHERE org_id = $1 ORDER BY id DESC LIMIT $2"))
        .bind(org.as_str())
        .bind(limit)
        .fetch_all(db)
        .await?;
    rows.iter().map(read).collect()
}

/// Everyone whom a page about this alert has reached, or may have reached: who is told that
/// somebody has taken it.
pub async fn people_paged(db: &mut AnyConnection, org: &OrgId, alert: &AlertId) -> Result<Vec<PersonId>, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT person_id FROM attempts WHERE org_id = $1 AND alert_id = $2 AND kind = 'page' \
         AND person_id IS NOT NULL AND (state IN ('sending', 'sent', 'delivered', 'unknown') OR unsure = 1) \
         ORDER BY person_id",
    )
    .bind(org.as_str())
    .bind(alert.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| parsed(row, "person_id")).collect()
}

/// Takes every page of the alert that was not sent yet out of the outbox; answers which.
pub async fn drop_pages(
    db: &mut AnyConnection,
    org: &OrgId,
    alert: &AlertId,
    why: &str,
    now: Instant,
) -> Result<Vec<AttemptId>, StoreError> {
    let rows = sqlx::query(
        "UPDATE attempts SET state = 'dropped', message = $3, ended_at = $4 \
         WHERE org_id = $1 AND alert_id = $2 AND kind = 'page' AND state IN ('due', 'held', 'waiting') RETURNING id",
    )
    .bind(org.as_str())
    .bind(alert.as_str())
    .bind(why)
    .bind(codec::millis(now))
    .fetch_all(db)
    .await?;
    touch(Topic::Events);
    rows.iter().map(|row| parsed(row, "id")).collect()
}

/// Takes what is left of one notification out of the outbox, since another one of the same person
/// begins anew; answers how many.
pub async fn drop_rest(
    db: &mut AnyConnection,
    org: &OrgId,
    alert: &AlertId,
    notification: &NotificationId,
    why: &str,
    now: Instant,
) -> Result<u64, StoreError> {
    let dropped = sqlx::query(
        "UPDATE attempts SET state = 'dropped', message = $4, ended_at = $5 \
         WHERE org_id = $1 AND alert_id = $2 AND notification_id = $3 AND state IN ('due', 'held', 'waiting')",
    )
    .bind(org.as_str())
    .bind(alert.as_str())
    .bind(notification.as_str())
    .bind(why)
    .bind(codec::millis(now))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(dropped.rows_affected())
}

/// A call's `connect` rings people for this alert: voice pages wait until it has ended.
pub async fn hold_voice_pages(db: &mut AnyConnection, org: &OrgId, alert: &AlertId) -> Result<u64, StoreError> {
    let held = sqlx::query(
        "UPDATE attempts SET state = 'held' \
         WHERE org_id = $1 AND alert_id = $2 AND kind = 'page' AND channel = 'voice' AND state = 'due'",
    )
    .bind(org.as_str())
    .bind(alert.as_str())
    .execute(db)
    .await?;
    Ok(held.rows_affected())
}

/// What was held is due: at its own instant, or now if that has passed.
pub async fn release_held(
    db: &mut AnyConnection,
    org: &OrgId,
    alert: &AlertId,
    now: Instant,
) -> Result<u64, StoreError> {
    let released = sqlx::query(
        "UPDATE attempts SET state = 'due', due_at = CASE WHEN due_at < $3 THEN $3 ELSE due_at END, \
         ready_at = CASE WHEN due_at < $3 THEN $3 ELSE due_at END \
         WHERE org_id = $1 AND alert_id = $2 AND state = 'held'",
    )
    .bind(org.as_str())
    .bind(alert.as_str())
    .bind(codec::millis(now))
    .execute(db)
    .await?;
    touch(Topic::Outbox);
    Ok(released.rows_affected())
}

/// The person's next rule comes now instead of later. `None`: there is no later one.
pub async fn bring_forward(
    db: &mut AnyConnection,
    org: &OrgId,
    alert: &AlertId,
    notification: &NotificationId,
    now: Instant,
) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query(with_columns!(
        "UPDATE attempts SET due_at = $4, ready_at = $4 WHERE org_id = $1 AND state = 'due' AND id = \
         (SELECT id FROM attempts WHERE org_id = $1 AND alert_id = $2 AND notification_id = $3 AND state = 'due' \
         AND tries = 0 AND due_at > $4 ORDER BY due_at, id LIMIT 1) RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(alert.as_str())
    .bind(notification.as_str())
    .bind(codec::millis(now))
    .fetch_optional(db)
    .await?;
    touch(Topic::Outbox);
    row.as_ref().map(read).transpose()
}

impl AttemptKind {
    const ALL: [Self; 4] = [Self::Page, Self::Notice, Self::Reply, Self::Check];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Notice => "notice",
            Self::Reply => "reply",
            Self::Check => "check",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl AttemptState {
    pub const ALL: [Self; 9] = [
        Self::Due,
        Self::Held,
        Self::Waiting,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Failed,
        Self::Unknown,
        Self::Dropped,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Dropped => "dropped",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Nothing more will be done for it.
    pub fn is_end(self) -> bool {
        match self {
            Self::Delivered | Self::Failed | Self::Unknown | Self::Dropped => true,
            Self::Due | Self::Held | Self::Waiting | Self::Sending | Self::Sent => false,
        }
    }
}

pub(super) fn read(row: &AnyRow) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        org: parsed(row, "org_id")?,
        id: parsed(row, "id")?,
        notification: opt_parsed(row, "notification_id")?,
        alert: opt_parsed(row, "alert_id")?,
        person: opt_parsed(row, "person_id")?,
        method: opt_parsed(row, "method_id")?,
        address: address_from_text(named(row, "channel", Channel::named)?, row.try_get("address")?)?,
        kind: named(row, "kind", AttemptKind::named)?,
        text: row.try_get("text")?,
        state: named(row, "state", AttemptState::named)?,
        due_at: instant(row, "due_at")?,
        tries: row.try_get("tries")?,
        unsure: flag(row, "unsure")?,
        paced: flag(row, "paced")?,
        stood_since: opt_instant(row, "stood_since")?,
        carrier: opt_parsed(row, "carrier")?,
        provider_id: row.try_get("provider_id")?,
        code: row.try_get("code")?,
        message: row.try_get("message")?,
        latency_ms: row.try_get("latency_ms")?,
        tried: row.try_get("tried")?,
        created_at: instant(row, "created_at")?,
        sent_at: opt_instant(row, "sent_at")?,
        ended_at: opt_instant(row, "ended_at")?,
        tried_at: opt_instant(row, "tried_at")?,
        deadline_at: opt_instant(row, "deadline_at")?,
        lease: row.try_get("lease")?,
    })
}

pub(super) fn address_to_text(address: &Address) -> String {
    match address {
        Address::Sms(phone) | Address::Voice(phone) => phone.to_string(),
        Address::Email(mailbox) => mailbox.clone(),
        Address::Push(PushSubscription { endpoint, p256dh, auth }) => {
            serde_json::json!({ "endpoint": endpoint, "keys": { "p256dh": p256dh, "auth": auth } }).to_string()
        }
        Address::Slack(id) => id.clone(),
        Address::Telegram(chat) => chat.to_string(),
        Address::Teams(secret) | Address::Ntfy(secret) | Address::Webhook(secret) => secret.expose().to_owned(),
    }
}

pub(super) fn address_from_text(channel: Channel, text: &str) -> Result<Address, StoreError> {
    // What it holds is somebody's number or mailbox, which no error may carry into a log.
    let corrupt = || StoreError::corrupt("attempts.address", channel.as_str());
    Ok(match channel {
        Channel::Sms => Address::Sms(text.parse().map_err(|_| corrupt())?),
        Channel::Voice => Address::Voice(text.parse().map_err(|_| corrupt())?),
        Channel::Email => Address::Email(text.to_owned()),
        Channel::Push => {
            let document: serde_json::Value = serde_json::from_str(text).map_err(|_| corrupt())?;
            let field = |pointer: &str| {
                document.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned).ok_or_else(corrupt)
            };
            Address::Push(PushSubscription {
                endpoint: field("/endpoint")?,
                p256dh: field("/keys/p256dh")?,
                auth: field("/keys/auth")?,
            })
        }
        Channel::Slack => Address::Slack(text.to_owned()),
        Channel::Telegram => Address::Telegram(text.parse().map_err(|_| corrupt())?),
        Channel::Teams => Address::Teams(Secret::new(text)),
        Channel::Ntfy => Address::Ntfy(Secret::new(text)),
        Channel::Webhook => Address::Webhook(Secret::new(text)),
    })
}
