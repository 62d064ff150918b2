//! The two rows by which an accepted event is durable, written straight into Pikett's own tables: what
//! the database can do when nothing stands before it. Start with `Rows::commit`.

use std::sync::atomic::{AtomicI64, Ordering};

use pikett::{
    clock::{Clock, Ids},
    model::id::Alert,
    store::Store,
};
use sqlx::{Any, AnyConnection, Connection, QueryBuilder};

/// As Pikett's own writer is set up; what is committed survives a power cut.
const SQLITE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; \
    PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -8000; PRAGMA busy_timeout = 5000";
/// Few sizes of statements, so that each is prepared once.
const ROWS_PER_STATEMENT: usize = 16;
const POLICY: &str = r#"{"levels":[{"notify":["schedule:second-line"],"ack_within_ms":3600000},{"notify":["schedule:primary"],"ack_within_ms":3600000}],"repeat":0,"fallback":["person:anna"]}"#;
const DETAILS: &str = r#"{"source":"db1.acme.example","severity":"critical","component":"postgres"}"#;

/// Unique per database.
static NUMBERS: AtomicI64 = AtomicI64::new(1);

pub struct Rows {
    db: AnyConnection,
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
        Store::open(url).await.expect("the database opens").close().await;
        let mut db = AnyConnection::connect(url).await.expect("the database opens");
        if db.backend_name() == "SQLite" {
            sqlx::raw_sql(SQLITE).execute(&mut db).await.expect("SQLite takes its settings");
        }
        Self { db, ids: Ids::random(), clock: Clock::system() }
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
        self.raw("BEGIN").await;
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            self.insert_alerts(rows).await;
            self.insert_timers(rows).await;
        }
        self.raw("COMMIT").await;
    }

    async fn insert_alerts(&mut self, rows: &[Row]) {
        let mut statement = QueryBuilder::<Any>::new(
            "INSERT INTO alerts (org_id, id, number, title, state, priority, category, source, customer_id, contract_id, \
             policy_id, policy, dedup_scope, dedup_key, count, round, opened_at, call_id, details, rev) ",
        );
        statement.push_values(rows, |mut values, row| {
            values.push_bind("default").push_bind(row.id.as_str()).push_bind(row.number).push_bind("disk 01 is full");
            values.push_bind("triggered").push_bind("P1").push_bind("disk").push_bind("integration:storm");
            values.push_bind(None::<String>).push_bind(None::<String>).push_bind("storm").push_bind(POLICY);
            values.push_bind("integration:storm").push_bind(row.id.as_str()).push_bind(1_i64).push_bind(0_i64);
            values.push_bind(row.now).push_bind(None::<String>).push_bind(DETAILS).push_bind(0_i64);
        });
        statement.build().execute(&mut self.db).await.expect("the alerts are new");
    }

    async fn insert_timers(&mut self, rows: &[Row]) {
        let mut statement = QueryBuilder::<Any>::new(
            "INSERT INTO timers (org_id, kind, subject, due_at, ready_at, tries, payload, set_aside) ",
        );
        statement.push_values(rows, |mut values, row| {
            values.push_bind("default").push_bind("escalate").push_bind(row.id.as_str()).push_bind(row.now);
            values.push_bind(row.now).push_bind(0_i64).push_bind("").push_bind(0_i64);
        });
        statement.build().execute(&mut self.db).await.expect("the timers are new");
    }

    async fn raw(&mut self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&mut self.db).await.expect(statement);
    }
}
