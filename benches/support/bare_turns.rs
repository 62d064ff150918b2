//! The two rows that a turn of a call cannot do without, written straight into Pikett's own tables: the call
//! goes on by compare-and-set, and its document is kept. Start with `BareTurns::open`.

use std::{collections::VecDeque, sync::Arc};

use pikett::{
    clock::{Clock, Ids},
    model::id::Call,
};
use sqlx::{AnyConnection, AssertSqlSafe, Row, query};

use crate::{direct, skeleton::Commit};

/// Few sizes of statements, so that each is prepared once.
const ROWS_PER_STATEMENT: usize = 16;
/// More than are ever written at once, so that no call has two turns in one group.
const CALLS: usize = 1_024;

pub struct BareTurns {
    db: AnyConnection,
    /// By number of rows, from one.
    updates: Vec<Arc<str>>,
    inserts: Vec<Arc<str>>,
    /// With the number of their next turn; whose turn was longest ago comes first.
    calls: VecDeque<(String, i64)>,
    state: String,
    document: String,
}

impl BareTurns {
    /// A connection to a database with Pikett's tables, and calls in it that have the state of one of Pikett's.
    pub async fn open(url: &str, state: &str, document: &str) -> Self {
        let mut db = direct::open(url).await;
        let (ids, clock) = (Ids::random(), Clock::system());
        let mut calls = VecDeque::new();
        direct::raw(&mut db, "BEGIN").await;
        for _ in 0..CALLS {
            let now = clock.now();
            let id = ids.id::<Call>(now).to_string();
            query(
                "INSERT INTO calls (org_id, id, carrier, carrier_call, from_number, hotline, verified, last_step, phase, \
                 state, turn, waited_ms, flow_id, flow_version, started_at) \
                 VALUES ('default', $1, 'twilio', $1, '+4930555010', '+4930901820', 0, 'menu', 'ivr', $2, 0, 0, \
                 'sla-hotline', 1, $3)",
            )
            .bind(id.as_str())
            .bind(state)
            .bind(now.timestamp_millis())
            .execute(&mut db)
            .await
            .expect("the call is new");
            calls.push_back((id, 0));
        }
        direct::raw(&mut db, "COMMIT").await;
        let values = |columns| direct::values(ROWS_PER_STATEMENT, columns);
        let update = |values: String| {
            format!(
                "WITH gone (call, from_turn, new_state, step) AS (VALUES {values}) UPDATE calls SET turn = turn + 1, \
                 state = new_state, last_step = step FROM gone WHERE calls.org_id = 'default' AND calls.id = gone.call \
                 AND calls.turn = gone.from_turn AND calls.ended_at IS NULL RETURNING id"
            )
        };
        let insert = |values: String| format!("INSERT INTO turns (org_id, call_id, turn, document) VALUES {values}");
        Self {
            db,
            updates: values(4).into_iter().map(|values| update(values).into()).collect(),
            inserts: values(4).into_iter().map(|values| insert(values).into()).collect(),
            calls,
            state: state.to_owned(),
            document: document.to_owned(),
        }
    }

    async fn update(&mut self, turns: &[(String, i64)]) {
        let mut query = query(AssertSqlSafe(Arc::clone(&self.updates[turns.len() - 1])));
        for (call, turn) in turns {
            query = query.bind(call.as_str()).bind(*turn).bind(self.state.as_str()).bind("menu");
        }
        let gone = query.fetch_all(&mut self.db).await.expect("the calls go on");
        assert!(gone.iter().all(|row| row.get::<&str, _>("id").starts_with("cll_")) && gone.len() == turns.len());
    }

    async fn insert(&mut self, turns: &[(String, i64)]) {
        let mut query = query(AssertSqlSafe(Arc::clone(&self.inserts[turns.len() - 1])));
        for (call, turn) in turns {
            query = query.bind("default").bind(call.as_str()).bind(*turn).bind(self.document.as_str());
        }
        query.execute(&mut self.db).await.expect("the turns are new");
    }
}

impl Commit for BareTurns {
    async fn commit(&mut self, turns: usize) {
        let turns: Vec<(String, i64)> = self.calls.drain(..turns).collect();
        direct::raw(&mut self.db, "BEGIN").await;
        for turns in turns.chunks(ROWS_PER_STATEMENT) {
            self.update(turns).await;
            self.insert(turns).await;
        }
        direct::raw(&mut self.db, "COMMIT").await;
        self.calls.extend(turns.into_iter().map(|(call, turn)| (call, turn + 1)));
    }
}
