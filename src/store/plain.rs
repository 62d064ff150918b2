//! Turns that change nothing but their call, many at once: those of a hundred callers cost hardly more
//! statements than that of one. Start with `save_all`.

use std::collections::BTreeSet;

use sqlx::{AnyConnection, AssertSqlSafe, any::AnyArguments};

use super::{
    calls::{CallRow, NewCall, Phase, Turn},
    codec::{self, parsed},
    error::StoreError,
    statements::Statements,
    timeline::{self, Entry},
    timers::{self, Later},
    turns::{self, Answered},
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    id::{CallId, ContactId, ContractId, CustomerId, OrgId},
    phone::Phone,
    priority::Priority,
};

/// One turn with all that belongs to it.
#[derive(Debug, Clone)]
pub struct PlainTurn {
    pub org: OrgId,
    pub call: Of,
    pub turn: Turn,
    pub document: String,
    pub entries: Vec<Entry>,
    /// When to look for the call's end, if that is to be set anew.
    pub look_at: Option<(&'static str, Instant)>,
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Of {
    /// The first of a call that has just come in: the call is made with it.
    New(NewCall),
    Known {
        id: CallId,
        turn: u32,
    },
}

impl PlainTurn {
    pub fn call(&self) -> &CallId {
        match &self.call {
            Of::New(new) => &new.id,
            Of::Known { id, .. } => id,
        }
    }

    fn number(&self) -> u32 {
        match self.call {
            Of::New(_) => 0,
            Of::Known { turn, .. } => turn,
        }
    }
}

/// The calls whose turn was saved. Of the others nothing is: somebody was faster, the carrier has told of the
/// call before, or the call has ended. No two of the turns may be of one call.
pub async fn save_all(db: &mut AnyConnection, turns: &[PlainTurn]) -> Result<BTreeSet<CallId>, StoreError> {
    let (mut new, mut known) = (Vec::new(), Vec::new());
    for turn in turns {
        match &turn.call {
            Of::New(call) => new.push((turn, call)),
            Of::Known { id, turn: from } => known.push((turn, id, *from)),
        }
    }
    // Two nodes lock the rows of equal calls in the same order.
    known.sort_by_key(|(_, id, _)| *id);
    let mut saved = go_on(db, &known).await?;
    saved.append(&mut begin(db, &new).await?);
    let these: Vec<&PlainTurn> = turns.iter().filter(|turn| saved.contains(turn.call())).collect();
    let documents: Vec<Answered<'_>> = these
        .iter()
        .map(|turn| Answered { org: &turn.org, call: turn.call(), turn: turn.number(), document: &turn.document })
        .collect();
    turns::put_all(db, &documents).await?;
    let entries: Vec<(&OrgId, &Entry)> =
        these.iter().flat_map(|turn| turn.entries.iter().map(|entry| (&turn.org, entry))).collect();
    timeline::write_for_all(db, &entries).await?;
    let looks: Vec<Later<'_>> = these
        .iter()
        .filter_map(|turn| {
            let (kind, due_at) = turn.look_at?;
            Some(Later { org: &turn.org, kind, subject: turn.call().as_str(), due_at })
        })
        .collect();
    timers::set_later(db, &looks).await?;
    touch(Topic::Events);
    Ok(saved)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, AnyArguments>;

async fn begin(db: &mut AnyConnection, calls: &[(&PlainTurn, &NewCall)]) -> Result<BTreeSet<CallId>, StoreError> {
    static STATEMENTS: Statements = Statements::new(
        "INSERT INTO calls (org_id, id, carrier, carrier_call, from_number, hotline, flow_id, flow_version, started_at, \
         turn, waited_ms, state, last_step, phase, contract_id, customer_id, contact_id, verified, language, category, \
         priority) VALUES ",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        " ON CONFLICT (org_id, carrier, carrier_call) DO NOTHING RETURNING id",
    );
    let (mut rest, mut begun) = (calls, BTreeSet::new());
    while let Some((statement, rows)) = STATEMENTS.for_rows(rest.len()) {
        let mut query = sqlx::query(AssertSqlSafe(statement));
        let (these, others) = rest.split_at(rows);
        for (plain, call) in these {
            query = query
                .bind(plain.org.as_str())
                .bind(call.id.as_str())
                .bind(call.carrier.as_str())
                .bind(call.carrier_call.as_str())
                .bind(call.from.as_ref().map(Phone::as_str))
                .bind(call.hotline.as_str())
                .bind(call.flow.as_str())
                .bind(call.flow_version)
                .bind(codec::millis(call.started_at));
            query = bind(query, &plain.turn);
        }
        for row in query.fetch_all(&mut *db).await? {
            begun.insert(parsed(&row, "id")?);
        }
        rest = others;
    }
    Ok(begun)
}

async fn go_on(db: &mut AnyConnection, calls: &[(&PlainTurn, &CallId, u32)]) -> Result<BTreeSet<CallId>, StoreError> {
    static STATEMENTS: Statements = Statements::new(
        "WITH gone (org, call, from_turn, state, last_step, phase, contract, customer, contact, verified, language, \
         category, priority) AS (VALUES ",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ") UPDATE calls SET turn = calls.turn + 1, state = gone.state, last_step = gone.last_step, phase = gone.phase, \
         contract_id = gone.contract, customer_id = gone.customer, contact_id = gone.contact, \
         verified = gone.verified, language = gone.language, category = gone.category, priority = gone.priority \
         FROM gone WHERE calls.org_id = gone.org AND calls.id = gone.call AND calls.turn = gone.from_turn \
         AND calls.ended_at IS NULL RETURNING id",
    );
    let (mut rest, mut gone) = (calls, BTreeSet::new());
    while let Some((statement, rows)) = STATEMENTS.for_rows(rest.len()) {
        let mut query = sqlx::query(AssertSqlSafe(statement));
        let (these, others) = rest.split_at(rows);
        for (plain, id, from_turn) in these {
            query = query.bind(plain.org.as_str()).bind(id.as_str()).bind(i64::from(*from_turn));
            query = bind(query, &plain.turn);
        }
        for row in query.fetch_all(&mut *db).await? {
            gone.insert(parsed(&row, "id")?);
        }
        rest = others;
    }
    Ok(gone)
}

fn bind<'q>(query: Query<'q>, turn: &'q Turn) -> Query<'q> {
    query
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
}

impl CallRow {
    /// As it comes in, before its first turn.
    pub fn new(call: &NewCall) -> Self {
        Self {
            id: call.id.clone(),
            carrier: call.carrier.clone(),
            carrier_call: call.carrier_call.clone(),
            from: call.from.clone(),
            hotline: call.hotline.clone(),
            contract: None,
            customer: None,
            contact: None,
            verified: false,
            language: None,
            category: None,
            priority: None,
            outcome: None,
            last_step: String::new(),
            phase: Phase::Ivr,
            state: String::new(),
            turn: 0,
            connect: None,
            answered_by: None,
            waited_ms: 0,
            alert: None,
            flow: call.flow.clone(),
            flow_version: call.flow_version,
            started_at: call.started_at,
            ended_at: None,
        }
    }

    /// As the turn leaves it.
    #[must_use]
    pub fn after(self, turn: &Turn) -> Self {
        Self {
            turn: self.turn + 1,
            state: turn.state.clone(),
            last_step: turn.last_step.clone(),
            phase: turn.phase,
            contract: turn.contract.clone(),
            customer: turn.customer.clone(),
            contact: turn.contact.clone(),
            verified: turn.verified,
            language: Some(turn.language.clone()),
            category: turn.category.clone(),
            priority: turn.priority,
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
