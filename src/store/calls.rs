//! Inbound calls. Every change is a compare-and-set: `false` or `None` means that somebody was faster,
//! and the caller decides what that means.
//!
//! Start at `create` and `save_turn`. A call's turn only rises, its outcome is written once.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, instant, named, opt_instant, opt_parsed, parsed},
    error::StoreError,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    call::Outcome,
    id::{AlertId, CallId, CarrierId, ContactId, ContractId, CustomerId, FlowId, OrgId, PersonId},
    language::Language,
    phone::Phone,
    priority::Priority,
};

/// What the caller's leg is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Hears prompts and answers them.
    Ivr,
    /// Speaks a voicemail.
    Recording,
    /// In the queue, while people are rung.
    Waiting,
    /// To be taken out of the queue.
    Leaving,
    /// Somebody has accepted and is being connected.
    Accepted,
    Bridged,
    /// Forwarded to an outside number.
    Away,
    Ended,
}

/// A call that has just come in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCall {
    pub id: CallId,
    pub carrier: CarrierId,
    /// The carrier's name for it.
    pub carrier_call: String,
    /// `None`: withheld.
    pub from: Option<Phone>,
    pub hotline: Phone,
    /// The one of its numbers that was phoned.
    pub to: Phone,
    pub flow: FlowId,
    pub flow_version: i64,
    pub started_at: Instant,
}

/// What a turn leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The flow engine's state, as JSON.
    pub state: String,
    pub last_step: String,
    pub phase: Phase,
    pub contract: Option<ContractId>,
    pub customer: Option<CustomerId>,
    pub contact: Option<ContactId>,
    pub verified: bool,
    pub language: Language,
    pub category: Option<String>,
    pub priority: Option<Priority>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CallRow {
    pub id: CallId,
    pub carrier: CarrierId,
    pub carrier_call: String,
    pub from: Option<Phone>,
    pub hotline: Phone,
    /// The one of its numbers that was phoned.
    pub to: Phone,
    pub contract: Option<ContractId>,
    pub customer: Option<CustomerId>,
    pub contact: Option<ContactId>,
    pub verified: bool,
    pub language: Option<Language>,
    pub category: Option<String>,
    pub priority: Option<Priority>,
    pub outcome: Option<Outcome>,
    pub last_step: String,
    pub phase: Phase,
    /// The flow engine's state, as JSON.
    pub state: String,
    pub turn: u32,
    /// The running or last `connect`, as JSON.
    pub connect: Option<String>,
    pub answered_by: Option<PersonId>,
    /// How long it took until a human spoke, or the caller had gone.
    pub waited_ms: i64,
    pub alert: Option<AlertId>,
    pub flow: FlowId,
    pub flow_version: i64,
    pub started_at: Instant,
    pub ended_at: Option<Instant>,
}

macro_rules! with_columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, carrier, carrier_call, from_number, hotline, to_number, contract_id, customer_id, contact_id, verified, language, ",
            "category, priority, outcome, last_step, phase, state, turn, connect, answered_by, waited_ms, alert_id, ",
            "flow_id, flow_version, started_at, ended_at ",
            $after
        )
    };
}

/// `None`: the carrier has told of this call before.
pub async fn create(db: &mut AnyConnection, org: &OrgId, call: &NewCall) -> Result<Option<CallRow>, StoreError> {
    let row = sqlx::query(with_columns!(
        "INSERT INTO calls (org_id, id, carrier, carrier_call, from_number, hotline, to_number, verified, last_step, \
         phase, state, turn, waited_ms, flow_id, flow_version, started_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', 'ivr', '', 0, 0, $8, $9, $10) \
         ON CONFLICT (org_id, carrier, carrier_call) DO NOTHING RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(call.id.as_str())
    .bind(call.carrier.as_str())
    .bind(call.carrier_call.as_str())
    .bind(call.from.as_ref().map(Phone::as_str))
    .bind(call.hotline.as_str())
    .bind(call.to.as_str())
    .bind(call.flow.as_str())
    .bind(call.flow_version)
    .bind(codec::millis(call.started_at))
    .fetch_optional(db)
    .await?;
    touch(Topic::Events);
    row.as_ref().map(read).transpose()
}

pub async fn by_id(db: &mut AnyConnection, org: &OrgId, id: &CallId) -> Result<Option<CallRow>, StoreError> {
    let row = sqlx::query(with_columns!("SELECT", "FROM calls WHERE org_id = $1 AND id = $2"))
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

pub async fn by_carrier_call(
    db: &mut AnyConnection,
    org: &OrgId,
    carrier: &CarrierId,
    carrier_call: &str,
) -> Result<Option<CallRow>, StoreError> {
    let row =
        sqlx::query(with_columns!("SELECT", "FROM calls WHERE org_id = $1 AND carrier = $2 AND carrier_call = $3"))
            .bind(org.as_str())
            .bind(carrier.as_str())
            .bind(carrier_call)
            .fetch_optional(db)
            .await?;
    row.as_ref().map(read).transpose()
}

/// The newest first. `before` is the last id of the page before.
pub async fn list(
    db: &mut AnyConnection,
    org: &OrgId,
    before: Option<&CallId>,
    limit: i64,
) -> Result<Vec<CallRow>, StoreError> {
    let rows =
        sqlx::query(with_columns!("SELECT", "FROM calls WHERE org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"))
            .bind(org.as_str())
            // Greater than every id, in whatever order the database sorts signs.
            .bind(before.map_or("cll_ZZZZ", CallId::as_str))
            .bind(limit)
            .fetch_all(db)
            .await?;
    rows.iter().map(read).collect()
}

/// Goes from this turn to the next. `false`: it went there already, or the call has ended.
pub async fn save_turn(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &CallId,
    from_turn: u32,
    turn: &Turn,
) -> Result<bool, StoreError> {
    let saved = sqlx::query(
        "UPDATE calls SET turn = turn + 1, state = $4, last_step = $5, phase = $6, contract_id = $7, customer_id = $8, \
         contact_id = $9, verified = $10, language = $11, category = $12, priority = $13 \
         WHERE org_id = $1 AND id = $2 AND turn = $3 AND ended_at IS NULL",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(i64::from(from_turn))
    .bind(turn.state.as_str())
    .bind(turn.last_step.as_str())
    .bind(turn.phase.as_str())
    .bind(turn.contract.as_ref().map(ContractId::as_str))
    .bind(turn.customer.as_ref().map(CustomerId::as_str))
    .bind(turn.contact.as_ref().map(ContactId::as_str))
    .bind(i64::from(turn.verified))
    .bind(turn.language.as_str())
    .bind(turn.category.as_deref())
    .bind(turn.priority.map(Priority::as_str))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(saved.rows_affected() == 1)
}

pub async fn set_alert(db: &mut AnyConnection, org: &OrgId, id: &CallId, alert: &AlertId) -> Result<(), StoreError> {
    sqlx::query("UPDATE calls SET alert_id = $3 WHERE org_id = $1 AND id = $2")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(alert.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// What a `connect` plans, and what becomes of it when the caller leaves.
pub async fn set_connect(db: &mut AnyConnection, org: &OrgId, id: &CallId, connect: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE calls SET connect = $3 WHERE org_id = $1 AND id = $2")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(connect)
        .execute(db)
        .await?;
    Ok(())
}

/// What a running `connect` has done. `false`: the call is not in that phase any more, or something else was
/// done to it.
pub async fn advance_connect(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &CallId,
    phase: Phase,
    before: &str,
    connect: &str,
) -> Result<bool, StoreError> {
    let advanced =
        sqlx::query("UPDATE calls SET connect = $3 WHERE org_id = $1 AND id = $2 AND phase = $4 AND connect = $5")
            .bind(org.as_str())
            .bind(id.as_str())
            .bind(connect)
            .bind(phase.as_str())
            .bind(before)
            .execute(db)
            .await?;
    Ok(advanced.rows_affected() == 1)
}

/// The caller leaves whom they talk with for somebody else, or to wait. `false`: the call went on meanwhile.
pub async fn hand_on(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &CallId,
    before: &str,
    (phase, person, connect): (Phase, Option<&PersonId>, String),
) -> Result<bool, StoreError> {
    let handed = sqlx::query(
        "UPDATE calls SET phase = $3, answered_by = $4, connect = $5 \
         WHERE org_id = $1 AND id = $2 AND phase = 'bridged' AND connect = $6",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(phase.as_str())
    .bind(person.map(PersonId::as_str))
    .bind(connect)
    .bind(before)
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(handed.rows_affected() == 1)
}

/// `false`: the call is not in the phase that it was thought to be in.
pub async fn go(db: &mut AnyConnection, org: &OrgId, id: &CallId, from: Phase, to: Phase) -> Result<bool, StoreError> {
    let gone = sqlx::query("UPDATE calls SET phase = $4 WHERE org_id = $1 AND id = $2 AND phase = $3")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(from.as_str())
        .bind(to.as_str())
        .execute(db)
        .await?;
    touch(Topic::Events);
    Ok(gone.rows_affected() == 1)
}

/// This person takes the waiting caller. `false`: somebody was faster, or the caller has gone.
pub async fn accept(db: &mut AnyConnection, org: &OrgId, id: &CallId, person: &PersonId) -> Result<bool, StoreError> {
    let accepted = sqlx::query(
        "UPDATE calls SET phase = 'accepted', answered_by = $3 WHERE org_id = $1 AND id = $2 AND phase = 'waiting'",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(person.as_str())
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(accepted.rows_affected() == 1)
}

/// The line of whoever accepted broke before they talked: the caller waits again.
pub async fn wait_again(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &CallId,
    person: &PersonId,
) -> Result<bool, StoreError> {
    let waiting = sqlx::query(
        "UPDATE calls SET phase = 'waiting', answered_by = NULL \
         WHERE org_id = $1 AND id = $2 AND phase = 'accepted' AND answered_by = $3",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(person.as_str())
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(waiting.rows_affected() == 1)
}

/// They talk. `false`: that is known, or the call has gone on.
pub async fn bridge(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &CallId,
    person: &PersonId,
    waited_ms: i64,
) -> Result<bool, StoreError> {
    let bridged = sqlx::query(
        "UPDATE calls SET phase = 'bridged', answered_by = $3, waited_ms = $4 \
         WHERE org_id = $1 AND id = $2 AND phase IN ('waiting', 'accepted')",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(person.as_str())
    .bind(waited_ms)
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(bridged.rows_affected() == 1)
}

/// Nobody spoke with the caller: how long that was tried.
pub async fn set_waited(db: &mut AnyConnection, org: &OrgId, id: &CallId, waited_ms: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE calls SET waited_ms = $3 WHERE org_id = $1 AND id = $2 AND answered_by IS NULL")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(waited_ms)
        .execute(db)
        .await?;
    Ok(())
}

/// From where it was thought to stand. `false`: it has gone on, or ended; its first outcome stands.
pub async fn end(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &CallId,
    (turn, phase): (u32, Phase),
    outcome: Outcome,
    at: Instant,
) -> Result<bool, StoreError> {
    let ended = sqlx::query(
        "UPDATE calls SET phase = 'ended', outcome = $3, ended_at = $4 \
         WHERE org_id = $1 AND id = $2 AND ended_at IS NULL AND turn = $5 AND phase = $6",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(outcome.as_str())
    .bind(codec::millis(at))
    .bind(i64::from(turn))
    .bind(phase.as_str())
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(ended.rows_affected() == 1)
}

/// The engine's state after the end of the call.
pub async fn keep_state(db: &mut AnyConnection, org: &OrgId, id: &CallId, state: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE calls SET state = $3 WHERE org_id = $1 AND id = $2")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(state)
        .execute(db)
        .await?;
    Ok(())
}

/// The carrier told of a message or a talk after the call had counted as less. `false`: it counts as much already,
/// or is not over.
pub async fn amend(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &CallId,
    outcome: Outcome,
    answered_by: Option<&PersonId>,
) -> Result<bool, StoreError> {
    let Some(known) = by_id(&mut *db, org, id).await?.and_then(|call| call.outcome) else { return Ok(false) };
    if !outcome.outranks(known) {
        return Ok(false);
    }
    let amended = sqlx::query(
        "UPDATE calls SET outcome = $3, answered_by = COALESCE(answered_by, $4) \
         WHERE org_id = $1 AND id = $2 AND outcome = $5",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(outcome.as_str())
    .bind(answered_by.map(PersonId::as_str))
    .bind(known.as_str())
    .execute(db)
    .await?;
    touch(Topic::Events);
    match amended.rows_affected() {
        1 => Ok(true),
        _ => Err(StoreError::Stale("the call's outcome changed meanwhile")),
    }
}

impl Phase {
    const ALL: [Self; 8] = [
        Self::Ivr,
        Self::Recording,
        Self::Waiting,
        Self::Leaving,
        Self::Accepted,
        Self::Bridged,
        Self::Away,
        Self::Ended,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ivr => "ivr",
            Self::Recording => "recording",
            Self::Waiting => "waiting",
            Self::Leaving => "leaving",
            Self::Accepted => "accepted",
            Self::Bridged => "bridged",
            Self::Away => "away",
            Self::Ended => "ended",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == name)
    }
}

fn read(row: &AnyRow) -> Result<CallRow, StoreError> {
    let outcome: Option<&str> = row.try_get("outcome")?;
    Ok(CallRow {
        id: parsed(row, "id")?,
        carrier: parsed(row, "carrier")?,
        carrier_call: row.try_get("carrier_call")?,
        from: opt_parsed(row, "from_number")?,
        hotline: parsed(row, "hotline")?,
        to: opt_parsed(row, "to_number")?.map_or_else(|| parsed(row, "hotline"), Ok)?,
        contract: opt_parsed(row, "contract_id")?,
        customer: opt_parsed(row, "customer_id")?,
        contact: opt_parsed(row, "contact_id")?,
        verified: codec::flag(row, "verified")?,
        language: opt_parsed(row, "language")?,
        category: row.try_get("category")?,
        priority: opt_parsed(row, "priority")?,
        outcome: match outcome {
            Some(word) => Some(Outcome::named(word).ok_or_else(|| StoreError::corrupt("outcome", word))?),
            None => None,
        },
        last_step: row.try_get("last_step")?,
        phase: named(row, "phase", Phase::named)?,
        state: row.try_get("state")?,
        turn: codec::small(row, "turn")?,
        connect: row.try_get("connect")?,
        answered_by: opt_parsed(row, "answered_by")?,
        waited_ms: row.try_get("waited_ms")?,
        alert: opt_parsed(row, "alert_id")?,
        flow: parsed(row, "flow_id")?,
        flow_version: row.try_get("flow_version")?,
        started_at: instant(row, "started_at")?,
        ended_at: opt_instant(row, "ended_at")?,
    })
}

#[cfg(test)]
pub(super) mod tests;
