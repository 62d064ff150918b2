//! The two rows by which an accepted event is durable, written straight into Pikett's own tables: what
//! the database can do when nothing stands before it. Start with `Rows::commit`.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use pikett::{
    clock::{Clock, Ids},
    model::id::Alert,
};
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::direct;

/// Few sizes of statements, so that each is prepared once.
const ROWS_PER_STATEMENT: usize = 16;
const ALERTS: &str = "INSERT INTO alerts (org_id, id, number, title, state, priority, category, source, customer_id, \
    contract_id, policy_id, policy, dedup_scope, dedup_key, count, round, opened_at, call_id, details, rev)";
const TIMERS: &str = "INSERT INTO timers (org_id, kind, subject, due_at, ready_at, tries, payload, set_aside)";
const POLICY: &str = r#"{"levels":[{"notify":["schedule:second-line"],"ack_within_ms":3600000},{"notify":["schedule:primary"],"ack_within_ms":3600000}],"repeat":0,"fallback":["person:anna"]}"#;
const DETAILS: &str = r#"{"source":"db1.acme.example","severity":"critical","component":"postgres"}"#;

/// Unique per database.
static NUMBERS: AtomicI64 = AtomicI64::new(1);

pub struct Rows {
    db: AnyConnection,
    /// By number of rows, from one.
    alerts: Vec<Arc<str>>,
    timers: Vec<Arc<str>>,
    ids: Ids,
    clock: Clock,
}

struct Row {
    id: String,
    number: i64,
    now: i64,
}

impl Rows {
    /// A connection to a database with Pikett's tables.
    pub async fn open(url: &str) -> Self {
        let db = direct::open(url).await;
        let (alerts, timers) = (inserts(ALERTS, 20), inserts(TIMERS, 8));
        Self { db, alerts, timers, ids: Ids::random(), clock: Clock::system() }
    }

    /// So many alerts with their timers, durable when this returns.
    pub async fn commit(&mut self, alerts: usize) {
        let now = self.clock.now();
        let row = |_| Row {
            id: self.ids.id::<Alert>(now).to_string(),
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            now: now.timestamp_millis(),
        };
        let rows: Vec<Row> = (0..alerts).map(row).collect();
        direct::raw(&mut self.db, "BEGIN").await;
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            self.insert_alerts(rows).await;
            self.insert_timers(rows).await;
        }
        direct::raw(&mut self.db, "COMMIT").await;
    }

    async fn insert_alerts(&mut self, rows: &[Row]) {
        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(&self.alerts[rows.len() - 1])));
        for row in rows {
            query = query.bind("default").bind(row.id.as_str()).bind(row.number).bind("disk 01 is full");
            query = query.bind("triggered").bind("P1").bind("disk").bind("integration:storm");
            query = query.bind(None::<String>).bind(None::<String>).bind("storm").bind(POLICY);
            query = query.bind("integration:storm").bind(row.id.as_str()).bind(1_i64).bind(0_i64);
            query = query.bind(row.now).bind(None::<String>).bind(DETAILS).bind(0_i64);
        }
        query.execute(&mut self.db).await.expect("the alerts are new");
    }

    async fn insert_timers(&mut self, rows: &[Row]) {
        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(&self.timers[rows.len() - 1])));
        for row in rows {
            query = query.bind("default").bind("escalate").bind(row.id.as_str()).bind(row.now);
            query = query.bind(row.now).bind(0_i64).bind("").bind(0_i64);
        }
        query.execute(&mut self.db).await.expect("the timers are new");
    }
}

/// For one row, for two, and so on.
fn inserts(into: &str, columns: usize) -> Vec<Arc<str>> {
    let values = direct::values(ROWS_PER_STATEMENT, columns);
    values.into_iter().map(|values| format!("{into} VALUES {values}").into()).collect()
}
