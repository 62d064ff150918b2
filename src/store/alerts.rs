//! Alerts after they were raised. Every change is a compare-and-set: `None` or `false` means that
//! somebody was faster, and the caller decides what that means.
//!
//! Start at `acknowledge`. What follows from a change (timers, attempts, timeline) belongs into the
//! same unit of work and stands in the caller.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, instant, opt_instant, opt_parsed, opt_small, parsed, small},
    error::StoreError,
    policies,
    raise::Dedup,
    wake::{Topic, touch},
};
use crate::{
    escalation::{self, Hours, Policy},
    model::{
        Instant,
        alert::{Actor, Alert, AlertState, Source},
        details::{self, Fact},
        id::{AlertId, CallId, OrgId, PersonId},
        priority::Priority,
    },
};

/// An alert with what its escalation remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRow {
    pub alert: Alert,
    pub round: u32,
    /// The escalation's own words.
    pub progress: Option<String>,
    /// Who took it and when, also after it was resolved.
    pub acknowledged: Option<(Actor, Instant)>,
    pub call: Option<CallId>,
    /// This call's `connect` rings people for it.
    pub held_by_call: Option<CallId>,
    /// An event has made it more urgent than this, and its escalation has not taken note yet.
    pub risen_from: Option<Priority>,
    /// JSON.
    pub details: String,
    pub rev: i64,
    policy: Option<String>,
}

impl AlertRow {
    /// What the event that opened it says beyond its title, for people. What callers say stands elsewhere.
    pub fn said(&self) -> Vec<Fact> {
        match self.alert.source {
            Source::Integration(_) => details::facts(&self.details),
            Source::Call(_) | Source::Operator | Source::Pikett | Source::Bundle => Vec::new(),
        }
    }

    /// Until when nobody is told, as the hours of its contract begin only then.
    pub fn waits_until(&self) -> Option<Instant> {
        match self.hours() {
            Hours::Until(at) if self.alert.state == AlertState::Triggered => Some(at),
            Hours::Until(_) | Hours::Unasked | Hours::Over => None,
        }
    }

    /// Nobody was told for a while, as it came outside the hours of its contract.
    pub fn has_waited(&self) -> bool {
        matches!(self.hours(), Hours::Until(_) | Hours::Over)
    }

    fn hours(&self) -> Hours {
        let progress = self.progress.as_deref().and_then(|text| escalation::Progress::from_json(text).ok());
        progress.map_or(Hours::Unasked, |progress| progress.hours)
    }

    /// The policy as it was when the alert began.
    pub fn policy(&self) -> Result<Option<Policy>, StoreError> {
        match (&self.alert.policy, &self.policy) {
            (Some(id), Some(document)) => policies::from_json(id, document).map(Some),
            _ => Ok(None),
        }
    }
}

/// One list of columns for every statement that answers with whole alerts.
macro_rules! with_columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, number, title, state, priority, category, source, customer_id, contract_id, policy_id, policy, ",
            "dedup_key, count, level, round, progress, acknowledged_by, acknowledged_at, resolved_by, resolved_at, ",
            "opened_at, call_id, held_by_call, risen_from, details, rev ",
            $after
        )
    };
}
pub(super) use with_columns;

pub async fn by_id(db: &mut AnyConnection, org: &OrgId, id: &AlertId) -> Result<Option<AlertRow>, StoreError> {
    let row = sqlx::query(with_columns!("SELECT", "FROM alerts WHERE org_id = $1 AND id = $2"))
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

pub async fn by_number(db: &mut AnyConnection, org: &OrgId, number: i64) -> Result<Option<AlertRow>, StoreError> {
    let row = sqlx::query(with_columns!("SELECT", "FROM alerts WHERE org_id = $1 AND number = $2"))
        .bind(org.as_str())
        .bind(number)
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The open alert with this key; there is at most one.
pub async fn open_with_key(db: &mut AnyConnection, org: &OrgId, dedup: &Dedup) -> Result<Option<AlertRow>, StoreError> {
    let row = sqlx::query(with_columns!(
        "SELECT",
        "FROM alerts WHERE org_id = $1 AND dedup_scope = $2 AND dedup_key = $3 AND state <> 'resolved'"
    ))
    .bind(org.as_str())
    .bind(dedup.scope.as_str())
    .bind(dedup.key.as_str())
    .fetch_optional(db)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Which alerts a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    All,
    /// Triggered or acknowledged.
    Open,
}

/// The newest first. `before` is the last id of the page before.
pub async fn list(
    db: &mut AnyConnection,
    org: &OrgId,
    which: Which,
    before: Option<&AlertId>,
    limit: i64,
) -> Result<Vec<AlertRow>, StoreError> {
    let statement = match which {
        Which::All => {
            with_columns!("SELECT", "FROM alerts WHERE org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
        }
        // `id || ''` keeps SQLite from walking through all alerts there ever were: few are open.
        Which::Open => with_columns!(
            "SELECT",
            "FROM alerts WHERE org_id = $1 AND state <> 'resolved' AND id || '' < $2 ORDER BY id || '' DESC LIMIT $3"
        ),
    };
    let rows = sqlx::query(statement)
        .bind(org.as_str())
        // Greater than every id, in whatever order the database sorts signs.
        .bind(before.map_or("alr_ZZZZ", AlertId::as_str))
        .bind(limit)
        .fetch_all(db)
        .await?;
    rows.iter().map(read).collect()
}

/// The alerts that wait for an acknowledgement and about which this person was told, the oldest first.
pub async fn waiting_for(db: &mut AnyConnection, org: &OrgId, person: &PersonId) -> Result<Vec<AlertRow>, StoreError> {
    let rows = sqlx::query(with_columns!(
        "SELECT",
        "FROM alerts WHERE org_id = $1 AND state <> 'resolved' AND state = 'triggered' AND EXISTS \
         (SELECT 1 FROM notifications WHERE notifications.org_id = alerts.org_id \
         AND notifications.alert_id = alerts.id AND notifications.person_id = $2) ORDER BY id LIMIT 100"
    ))
    .bind(org.as_str())
    .bind(person.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// How many are triggered, and how many acknowledged.
pub async fn count_open(db: &mut AnyConnection, org: &OrgId) -> Result<(i64, i64), StoreError> {
    let rows = sqlx::query(
        "SELECT state, COUNT(*) AS count FROM alerts WHERE org_id = $1 AND state <> 'resolved' GROUP BY state",
    )
    .bind(org.as_str())
    .fetch_all(db)
    .await?;
    let mut counts = (0, 0);
    for row in rows {
        let count: i64 = row.try_get("count")?;
        if row.try_get::<&str, _>("state")? == "triggered" { counts.0 = count } else { counts.1 = count }
    }
    Ok(counts)
}

/// `None`: it is acknowledged or resolved already.
pub async fn acknowledge(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AlertId,
    by: &Actor,
    at: Instant,
) -> Result<Option<AlertRow>, StoreError> {
    let row = sqlx::query(with_columns!(
        "UPDATE alerts SET state = 'acknowledged', acknowledged_by = $3, acknowledged_at = $4, risen_from = NULL, \
         rev = rev + 1 \
         WHERE org_id = $1 AND id = $2 AND state = 'triggered' RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(by.to_string())
    .bind(codec::millis(at))
    .fetch_optional(db)
    .await?;
    changed(row)
}

/// `None`: it is resolved already.
pub async fn resolve(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AlertId,
    by: &Actor,
    at: Instant,
) -> Result<Option<AlertRow>, StoreError> {
    let row = sqlx::query(with_columns!(
        "UPDATE alerts SET state = 'resolved', resolved_by = $3, resolved_at = $4, rev = rev + 1 \
         WHERE org_id = $1 AND id = $2 AND state <> 'resolved' RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(by.to_string())
    .bind(codec::millis(at))
    .fetch_optional(db)
    .await?;
    changed(row)
}

/// Back to triggered, for whoever wants the next level to be told, also after an acknowledgement.
/// `None`: it is resolved.
pub async fn reopen(db: &mut AnyConnection, org: &OrgId, id: &AlertId) -> Result<Option<AlertRow>, StoreError> {
    let row = sqlx::query(with_columns!(
        "UPDATE alerts SET state = 'triggered', acknowledged_by = NULL, acknowledged_at = NULL, rev = rev + 1 \
         WHERE org_id = $1 AND id = $2 AND state <> 'resolved' RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(id.as_str())
    .fetch_optional(db)
    .await?;
    changed(row)
}

/// How far the escalation got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub level: Option<u32>,
    pub round: u32,
    /// The escalation's own words.
    pub memory: String,
}

/// `false`: the alert changed since it was read with this `rev`, or needs nobody any more; whoever
/// decided must decide anew.
pub async fn advance(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AlertId,
    rev: i64,
    progress: &Progress,
) -> Result<bool, StoreError> {
    let advanced = sqlx::query(
        "UPDATE alerts SET level = $4, round = $5, progress = $6, rev = rev + 1 \
         WHERE org_id = $1 AND id = $2 AND rev = $3 AND state = 'triggered'",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(rev)
    .bind(progress.level.map(i64::from))
    .bind(i64::from(progress.round))
    .bind(progress.memory.as_str())
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(advanced.rows_affected() == 1)
}

/// Its escalation has taken note that the alert became more urgent, and begins anew when there is a `progress`,
/// by the `policy` if that is another one. `None`: the alert changed since it was read with this `rev`.
pub async fn note_rise(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AlertId,
    rev: i64,
    anew: Option<&Progress>,
    policy: Option<&Policy>,
) -> Result<Option<AlertRow>, StoreError> {
    let row = sqlx::query(with_columns!(
        "UPDATE alerts SET risen_from = NULL, policy_id = COALESCE($4, policy_id), policy = COALESCE($5, policy), \
         progress = COALESCE($6, progress), level = CASE WHEN $6 IS NULL THEN level ELSE $7 END, \
         round = CASE WHEN $6 IS NULL THEN round ELSE $8 END, rev = rev + 1 \
         WHERE org_id = $1 AND id = $2 AND rev = $3 AND state = 'triggered' RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(rev)
    .bind(policy.map(|policy| policy.id.as_str()))
    .bind(policy.map(policies::to_json))
    .bind(anew.map(|progress| progress.memory.as_str()))
    .bind(anew.and_then(|progress| progress.level).map(i64::from))
    .bind(anew.map_or(0, |progress| i64::from(progress.round)))
    .fetch_optional(db)
    .await?;
    changed(row)
}

/// From now on this call rings people for the alert. `false`: it is resolved, or another call does.
pub async fn hold(db: &mut AnyConnection, org: &OrgId, id: &AlertId, call: &CallId) -> Result<bool, StoreError> {
    let held = sqlx::query(
        "UPDATE alerts SET held_by_call = $3, rev = rev + 1 \
         WHERE org_id = $1 AND id = $2 AND state <> 'resolved' AND (held_by_call IS NULL OR held_by_call = $3)",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(call.as_str())
    .execute(db)
    .await?;
    Ok(held.rows_affected() == 1)
}

/// `false`: this call did not hold it.
pub async fn release(db: &mut AnyConnection, org: &OrgId, id: &AlertId, call: &CallId) -> Result<bool, StoreError> {
    let released = sqlx::query(
        "UPDATE alerts SET held_by_call = NULL, rev = rev + 1 WHERE org_id = $1 AND id = $2 AND held_by_call = $3",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(call.as_str())
    .execute(db)
    .await?;
    Ok(released.rows_affected() == 1)
}

/// What became known later: a caller's category, the title of a voicemail.
pub async fn describe(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AlertId,
    title: &str,
    details: &str,
) -> Result<bool, StoreError> {
    let described = sqlx::query(
        "UPDATE alerts SET title = $3, details = $4, rev = rev + 1 \
         WHERE org_id = $1 AND id = $2 AND state <> 'resolved'",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(title)
    .bind(details)
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(described.rows_affected() == 1)
}

/// A more urgent priority wins; a less urgent one changes nothing.
pub async fn raise_priority(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AlertId,
    priority: Priority,
) -> Result<bool, StoreError> {
    // `P1` comes before `P2`, also as text.
    let raised = sqlx::query(
        "UPDATE alerts SET priority = $3, rev = rev + 1 \
         WHERE org_id = $1 AND id = $2 AND state <> 'resolved' AND priority > $3",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(priority.as_str())
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(raised.rows_affected() == 1)
}

fn changed(row: Option<AnyRow>) -> Result<Option<AlertRow>, StoreError> {
    touch(Topic::Events);
    row.as_ref().map(read).transpose()
}

pub(super) fn read(row: &AnyRow) -> Result<AlertRow, StoreError> {
    let alert = Alert {
        id: parsed(row, "id")?,
        number: row.try_get("number")?,
        title: row.try_get("title")?,
        state: state(row)?,
        priority: parsed(row, "priority")?,
        category: row.try_get("category")?,
        source: parsed(row, "source")?,
        customer: opt_parsed(row, "customer_id")?,
        contract: opt_parsed(row, "contract_id")?,
        policy: opt_parsed(row, "policy_id")?,
        dedup_key: row.try_get("dedup_key")?,
        count: row.try_get("count")?,
        level: opt_small(row, "level")?,
        opened_at: instant(row, "opened_at")?,
    };
    Ok(AlertRow {
        alert,
        round: small(row, "round")?,
        progress: row.try_get("progress")?,
        acknowledged: acknowledged(row)?,
        call: opt_parsed(row, "call_id")?,
        held_by_call: opt_parsed(row, "held_by_call")?,
        risen_from: opt_parsed(row, "risen_from")?,
        details: row.try_get("details")?,
        rev: row.try_get("rev")?,
        policy: row.try_get("policy")?,
    })
}

fn acknowledged(row: &AnyRow) -> Result<Option<(Actor, Instant)>, StoreError> {
    Ok(opt_parsed(row, "acknowledged_by")?.zip(opt_instant(row, "acknowledged_at")?))
}

fn state(row: &AnyRow) -> Result<AlertState, StoreError> {
    let by = |who: &str, when: &str| -> Result<(Actor, Instant), StoreError> {
        let at = opt_instant(row, when)?.ok_or_else(|| StoreError::corrupt(when, "NULL"))?;
        Ok((parsed(row, who)?, at))
    };
    match row.try_get::<&str, _>("state")? {
        "triggered" => Ok(AlertState::Triggered),
        "acknowledged" => {
            let (by, at) = by("acknowledged_by", "acknowledged_at")?;
            Ok(AlertState::Acknowledged { by, at })
        }
        "resolved" => {
            let (by, at) = by("resolved_by", "resolved_at")?;
            Ok(AlertState::Resolved { by, at })
        }
        other => Err(StoreError::corrupt("alerts.state", other)),
    }
}

#[cfg(test)]
mod tests;
