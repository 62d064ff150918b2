//! A database with Pikett's tables, written to without Pikett.

use pikett::store::Store;
use sqlx::{AnyConnection, Connection};

/// As Pikett's own writer is set up; what is committed survives a power cut.
const SQLITE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; \
    PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -8000; PRAGMA busy_timeout = 5000";

pub async fn open(url: &str) -> AnyConnection {
    Store::open(url).await.expect("the database opens").close().await;
    let mut db = AnyConnection::connect(url).await.expect("the database opens");
    if db.backend_name() == "SQLite" {
        raw(&mut db, SQLITE).await;
    }
    db
}

pub async fn raw(db: &mut AnyConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(db).await.expect(statement);
}

/// `($1, $2), ($3, $4)`, for one row, for two, and so on.
pub fn values(rows: usize, columns: usize) -> Vec<String> {
    let row = |row: usize| {
        let parameters = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", parameters.collect::<Vec<_>>().join(", "))
    };
    let all: Vec<String> = (0..rows).map(row).collect();
    (1..=rows).map(|count| all[..count].join(", ")).collect()
}
