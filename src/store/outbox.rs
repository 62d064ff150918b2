//! Working off the outbox: claim what is due, record what came of it, take in providers' reports.

use sqlx::{AnyConnection, Row};

use super::{
    attempts::{Attempt, AttemptState, read, with_columns},
    codec::{self, opt_instant},
    db::{Claim, Dialect},
    error::StoreError,
    timers::TRIES_MAX,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    id::{AttemptId, CarrierId, OrgId},
};

/// What a claim brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Claimed {
    pub due: Vec<Attempt>,
    /// Were claimed too often without an end, as if they brought down whoever took them. Nobody will
    /// see them again: somebody has to be told.
    pub set_aside: Vec<Attempt>,
}

/// Takes up to `limit` due attempts until the instant `until`, pages about P1s first, however many others
/// are due. `lease` is a fresh nonce that names this claim. One whose sender crashed comes back as `unsure`.
pub async fn claim(
    db: &mut AnyConnection,
    now: Instant,
    until: Instant,
    lease: &str,
    limit: i64,
) -> Result<Claimed, StoreError> {
    macro_rules! statement {
        ($of:literal, $lock:literal) => {
            with_columns!(
                concat!(
                    // Chosen once, whatever plan is made: a subquery may be asked for each row, and its limit with it.
                    "WITH chosen AS MATERIALIZED (SELECT org_id, id FROM attempts \
                     WHERE state IN ('due', 'sending') AND set_aside = 0 ",
                    $of,
                    "AND ready_at <= $1 ORDER BY ready_at LIMIT $4 ",
                    $lock,
                    ") UPDATE attempts SET unsure = CASE WHEN state = 'sending' THEN 1 ELSE unsure END, \
                     state = 'sending', lease = $3, ready_at = $2, tries = tries + 1 \
                     WHERE state IN ('due', 'sending') AND set_aside = 0 AND ready_at <= $1 \
                     AND (org_id, id) IN (SELECT org_id, id FROM chosen) RETURNING"
                ),
                ""
            )
        };
    }
    const URGENT: Claim = Claim {
        sqlite: statement!("AND urgent = 1 ", ""),
        postgres: statement!("AND urgent = 1 ", "FOR UPDATE SKIP LOCKED"),
    };
    const ANY: Claim = Claim { sqlite: statement!("", ""), postgres: statement!("", "FOR UPDATE SKIP LOCKED") };
    let (mut claimed, mut left) = (Claimed::default(), limit);
    for claim in [URGENT, ANY] {
        if left <= 0 {
            break;
        }
        let rows = sqlx::query(Dialect::of(db).claiming(claim))
            .bind(codec::millis(now))
            .bind(codec::millis(until))
            .bind(lease)
            .bind(left)
            .fetch_all(&mut *db)
            .await?;
        left -= i64::try_from(rows.len()).unwrap_or(left);
        for row in &rows {
            let attempt = read(row)?;
            if attempt.tries <= TRIES_MAX {
                claimed.due.push(attempt);
            } else {
                set_aside(db, &attempt).await?;
                claimed.set_aside.push(attempt);
            }
        }
    }
    claimed.due.sort_by(|a, b| (a.due_at, &a.id).cmp(&(b.due_at, &b.id)));
    Ok(claimed)
}

/// Counts an attempt against a cap. `false`: it has been, at an earlier try.
pub async fn charge(db: &mut AnyConnection, attempt: &Attempt) -> Result<bool, StoreError> {
    let charged = sqlx::query("UPDATE attempts SET charged = 1 WHERE org_id = $1 AND id = $2 AND charged = 0")
        .bind(attempt.org.as_str())
        .bind(attempt.id.as_str())
        .execute(db)
        .await?;
    Ok(charged.rows_affected() == 1)
}

/// It is not sent for now, so it costs nothing.
pub async fn discharge(db: &mut AnyConnection, attempt: &Attempt) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempts SET charged = 0 WHERE org_id = $1 AND id = $2")
        .bind(attempt.org.as_str())
        .bind(attempt.id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// A claimed attempt goes out then, and this try does not count. `false`: it is not ours any more.
pub async fn put_off(db: &mut AnyConnection, attempt: &Attempt, until: Instant) -> Result<bool, StoreError> {
    let put_off = sqlx::query(
        "UPDATE attempts SET state = 'due', due_at = $4, ready_at = $4, lease = NULL, tries = tries - 1, stood_since = NULL \
         WHERE org_id = $1 AND id = $2 AND lease = $3 AND state = 'sending' AND status_rank = 0",
    )
    .bind(attempt.org.as_str())
    .bind(attempt.id.as_str())
    .bind(attempt.lease.as_deref())
    .bind(codec::millis(until))
    .execute(db)
    .await?;
    touch(Topic::Outbox);
    touch(Topic::Events);
    Ok(put_off.rows_affected() == 1)
}

/// Its provider's line is full just now. `false`: that was so before.
pub async fn stands(db: &mut AnyConnection, attempt: &Attempt, now: Instant) -> Result<bool, StoreError> {
    let stands =
        sqlx::query("UPDATE attempts SET stood_since = $3 WHERE org_id = $1 AND id = $2 AND stood_since IS NULL")
            .bind(attempt.org.as_str())
            .bind(attempt.id.as_str())
            .bind(codec::millis(now))
            .execute(db)
            .await?;
    Ok(stands.rows_affected() == 1)
}

/// What came of sending an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The provider has it. `ended`: it will report nothing more.
    Sent {
        ended: bool,
        deadline_at: Option<Instant>,
    },
    /// Try the same again then. `unsure`: this try may have reached the provider.
    Again {
        at: Instant,
        unsure: bool,
    },
    /// Nothing was tried: a cap or a pause of the provider lies in between.
    Postponed {
        at: Instant,
    },
    Failed,
    /// Given up without knowing.
    Unknown,
    /// Not needed any more.
    Dropped,
}

/// What the provider said, as far as it said anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    pub carrier: Option<CarrierId>,
    pub provider_id: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub latency_ms: Option<i64>,
    /// Through whom else it was tried: JSON, for `attempts.tried`.
    pub tried: Option<String>,
}

/// Records what came of a claimed attempt; answers its state after that, since a report that was faster
/// stays. `None`: the lease ran out, another worker has it.
pub async fn record(
    db: &mut AnyConnection,
    attempt: &Attempt,
    outcome: &Outcome,
    answer: &Answer,
    now: Instant,
) -> Result<Option<AttemptState>, StoreError> {
    // State, when again, when its reports are missed, when it ended.
    let (state, again_at, deadline_at, ended_at) = match outcome {
        Outcome::Sent { ended, deadline_at } => (AttemptState::Sent, None, *deadline_at, ended.then_some(now)),
        Outcome::Again { at, .. } | Outcome::Postponed { at } => (AttemptState::Due, Some(*at), None, None),
        Outcome::Failed => (AttemptState::Failed, None, None, Some(now)),
        Outcome::Unknown => (AttemptState::Unknown, None, None, Some(now)),
        Outcome::Dropped => (AttemptState::Dropped, None, None, Some(now)),
    };
    let unsure = matches!(outcome, Outcome::Again { unsure: true, .. } | Outcome::Unknown);
    let row = sqlx::query(
        "UPDATE attempts SET lease = NULL, state = CASE WHEN status_rank > 0 THEN state ELSE $4 END, \
         due_at = COALESCE($5, due_at), ready_at = COALESCE($5, ready_at), tries = tries - $6, \
         unsure = CASE WHEN $7 = 1 THEN 1 ELSE unsure END, \
         carrier = COALESCE($8, carrier), provider_id = COALESCE($9, provider_id), \
         code = CASE WHEN status_rank > 0 THEN code ELSE $10 END, \
         message = CASE WHEN status_rank > 0 THEN message ELSE $11 END, \
         latency_ms = COALESCE($12, latency_ms), deadline_at = COALESCE($13, deadline_at), \
         sent_at = COALESCE(sent_at, $14), ended_at = COALESCE(ended_at, $15), \
         tried = COALESCE($16, tried), tried_at = CASE WHEN $6 = 1 THEN tried_at ELSE $17 END \
         WHERE org_id = $1 AND id = $2 AND lease = $3 RETURNING state",
    )
    .bind(attempt.org.as_str())
    .bind(attempt.id.as_str())
    .bind(attempt.lease.as_deref())
    .bind(state.as_str())
    .bind(again_at.map(codec::millis))
    .bind(i64::from(matches!(outcome, Outcome::Postponed { .. })))
    .bind(i64::from(unsure))
    .bind(answer.carrier.as_ref().map(CarrierId::as_str))
    .bind(answer.provider_id.as_deref())
    .bind(answer.code.as_deref())
    .bind(answer.message.as_deref())
    .bind(answer.latency_ms)
    .bind(deadline_at.map(codec::millis))
    .bind((state == AttemptState::Sent).then(|| codec::millis(now)))
    .bind(ended_at.map(codec::millis))
    .bind(answer.tried.as_deref())
    .bind(codec::millis(now))
    .fetch_optional(db)
    .await?;
    touch(Topic::Events);
    if again_at.is_some() {
        touch(Topic::Outbox);
    }
    row.map(|row| codec::named(&row, "state", AttemptState::named)).transpose()
}

/// A provider's report. `rank` rises on the way of a message or call (queued, sent, delivered); what is
/// no higher than an earlier report is old news: `None`.
pub async fn report(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AttemptId,
    rank: i64,
    state: AttemptState,
    answer: &Answer,
    now: Instant,
) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query(with_columns!(
        "UPDATE attempts SET status_rank = $3, state = $4, carrier = COALESCE($5, carrier), \
         provider_id = COALESCE($6, provider_id), code = COALESCE($7, code), message = COALESCE($8, message), \
         sent_at = COALESCE(sent_at, $9), ended_at = COALESCE($10, ended_at) \
         WHERE org_id = $1 AND id = $2 AND status_rank < $3 RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(rank)
    .bind(state.as_str())
    .bind(answer.carrier.as_ref().map(CarrierId::as_str))
    .bind(answer.provider_id.as_deref())
    .bind(answer.code.as_deref())
    .bind(answer.message.as_deref())
    .bind(codec::millis(now))
    .bind(state.is_end().then(|| codec::millis(now)))
    .fetch_optional(db)
    .await?;
    touch(Topic::Events);
    row.as_ref().map(read).transpose()
}

/// From when on its reports are missed. `None`: more may still come, and nobody waits for it.
pub async fn expect_report(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AttemptId,
    by: Option<Instant>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempts SET deadline_at = $3 WHERE org_id = $1 AND id = $2")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(by.map(codec::millis))
        .execute(db)
        .await?;
    Ok(())
}

/// When the next one may be claimed; `None`: the outbox is empty.
pub async fn next_due(db: &mut AnyConnection) -> Result<Option<Instant>, StoreError> {
    let row = sqlx::query(
        "SELECT MIN(ready_at) AS ready_at FROM attempts WHERE state IN ('due', 'sending') AND set_aside = 0",
    )
    .fetch_one(db)
    .await?;
    opt_instant(&row, "ready_at")
}

/// Since when the page that has waited longest is due, of those that nobody works on. One that finds its provider's
/// line full again and again has waited since the first time.
pub async fn oldest_due_page(db: &mut AnyConnection) -> Result<Option<Instant>, StoreError> {
    let row = sqlx::query(
        "SELECT MIN(CASE WHEN tries = 0 THEN COALESCE(stood_since, ready_at) ELSE ready_at END) AS ready_at FROM attempts \
         WHERE state IN ('due', 'sending') AND set_aside = 0 AND kind = 'page'",
    )
    .fetch_one(db)
    .await?;
    opt_instant(&row, "ready_at")
}

/// How many wait, for metrics and for whoever looks after the service.
pub async fn count_due(db: &mut AnyConnection, now: Instant) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS count FROM attempts \
         WHERE state IN ('due', 'sending') AND set_aside = 0 AND ready_at <= $1",
    )
    .bind(codec::millis(now))
    .fetch_one(db)
    .await?;
    Ok(row.try_get("count")?)
}

async fn set_aside(db: &mut AnyConnection, attempt: &Attempt) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET set_aside = 1, state = 'unknown', ended_at = ready_at, lease = NULL \
         WHERE org_id = $1 AND id = $2 AND lease = $3",
    )
    .bind(attempt.org.as_str())
    .bind(attempt.id.as_str())
    .bind(attempt.lease.as_deref())
    .execute(db)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
