//! Connecting, and all that differs between SQLite and PostgreSQL.

use std::time::Duration;

use sqlx::{
    AnyConnection, AnyPool, ConnectOptions, Connection, Row,
    any::{AnyConnectOptions, AnyPoolOptions},
    migrate::Migrator,
};

use super::error::{StoreError, sqlite_code};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!();

/// Older ones can corrupt a WAL that two connections write (fixed in 3.51.3).
const SQLITE_OLDEST: (u32, u32, u32) = (3, 51, 3);
const READERS_SQLITE: u32 = 4;
const READERS_POSTGRES: u32 = 8;
pub(super) const WRITERS_POSTGRES: u32 = 8;
/// Longer than a group commit ever takes; then a caller is better served by "come back later".
const ACQUIRE_MAX: Duration = Duration::from_secs(5);
/// A connection that has just answered lives; one that was idle for longer is asked before it is lent.
const TRUSTED: Duration = Duration::from_millis(100);
/// Two processes may create the same database at once: the slower one finds it half made and looks again.
const OPEN_TRIES: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub fn of(db: &AnyConnection) -> Self {
        match db.backend_name() {
            "PostgreSQL" => Self::Postgres,
            _ => Self::Sqlite,
        }
    }

    /// Rows that another worker claims at this moment are passed by, where that can happen.
    pub(super) fn claiming(self, statements: Claim) -> &'static str {
        match self {
            Self::Sqlite => statements.sqlite,
            Self::Postgres => statements.postgres,
        }
    }
}

/// One claim in both dialects; made by `claim!`.
pub(super) struct Claim {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// `claim!("SELECT … LIMIT $3", "UPDATE … IN (SELECT … FROM chosen) RETURNING …")`. The rows are chosen once,
/// whatever plan is made: PostgreSQL may run a plain subquery for each row, and its limit with it.
macro_rules! claim {
    ($select:expr, $update:expr) => {
        $crate::store::db::Claim {
            sqlite: concat!("WITH chosen AS MATERIALIZED (", $select, ") ", $update),
            postgres: concat!("WITH chosen AS MATERIALIZED (", $select, " FOR UPDATE SKIP LOCKED) ", $update),
        }
    };
}
pub(super) use claim;

/// A database that can be connected to, and its kind.
#[derive(Clone)]
pub(super) struct Database {
    pub dialect: Dialect,
    options: AnyConnectOptions,
    /// For messages: without a password.
    pub shown: String,
    /// As given, for the listener, which connects on its own.
    pub url: String,
}

impl Database {
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let (dialect, url) = match url.split(':').next().unwrap_or_default() {
            "sqlite" if url.contains(":memory:") || url.contains("mode=memory") => {
                return Err(StoreError::Unfit("a database in memory ends with the process: name a file".to_owned()));
            }
            "sqlite" if url.contains("mode=") => (Dialect::Sqlite, url.to_owned()),
            "sqlite" => (Dialect::Sqlite, format!("{url}{}mode=rwc", if url.contains('?') { '&' } else { '?' })),
            "postgres" | "postgresql" => (Dialect::Postgres, url.to_owned()),
            _ => {
                return Err(StoreError::Unfit("its URL begins with neither sqlite:// nor postgres://".to_owned()));
            }
        };
        let shown = without_password(&url);
        let options: AnyConnectOptions =
            url.parse().map_err(|source| StoreError::Open { url: shown.clone(), source })?;
        // What is slow shows in the metrics; texts of statements are no news.
        Ok(Self { dialect, options: options.disable_statement_logging(), shown, url })
    }

    pub fn open_error(&self, source: sqlx::Error) -> StoreError {
        StoreError::Open { url: self.shown.clone(), source }
    }

    /// A connection that may write, checked and brought up to date.
    pub async fn prepare(&self) -> Result<AnyConnection, StoreError> {
        let mut tries = 1;
        loop {
            match self.try_prepare().await {
                Err(error) if tries < OPEN_TRIES && is_race(&error) => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn try_prepare(&self) -> Result<AnyConnection, StoreError> {
        let mut db = self.connect().await?;
        match self.dialect {
            Dialect::Sqlite => assert_sqlite(&mut db).await?,
            Dialect::Postgres => assert_postgres(&mut db).await?,
        }
        MIGRATIONS.run(&mut db).await.map_err(StoreError::Migrate)?;
        Ok(db)
    }

    /// A connection that may write.
    pub async fn connect(&self) -> Result<AnyConnection, StoreError> {
        let mut db = AnyConnection::connect_with(&self.options).await.map_err(|source| self.open_error(source))?;
        self.set_up(&mut db).await.map_err(|source| self.open_error(source))?;
        Ok(db)
    }

    async fn set_up(&self, db: &mut AnyConnection) -> sqlx::Result<()> {
        let settings = match self.dialect {
            // Only FULL survives a power cut. A WAL that is carried over later costs fewer syncs.
            Dialect::Sqlite => {
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -8000"
            }
            // Whatever stricter the operator chose stays.
            Dialect::Postgres => {
                "SELECT set_config('synchronous_commit', 'on', false) \
                 WHERE current_setting('synchronous_commit') = 'off'"
            }
        };
        sqlx::raw_sql(settings).execute(db).await.map(|_| ())
    }

    /// Connections for reading, made as they are needed.
    pub fn readers(&self) -> AnyPool {
        let pool = AnyPoolOptions::new().acquire_timeout(ACQUIRE_MAX);
        match self.dialect {
            Dialect::Sqlite => pool
                .max_connections(READERS_SQLITE)
                .test_before_acquire(false)
                .after_connect(|db, _| {
                    Box::pin(async move {
                        sqlx::raw_sql("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON").execute(db).await?;
                        Ok(())
                    })
                })
                .connect_lazy_with(self.options.clone()),
            Dialect::Postgres => pool
                .max_connections(READERS_POSTGRES)
                .test_before_acquire(false)
                .before_acquire(|db, used| {
                    Box::pin(async move {
                        if used.idle_for > TRUSTED {
                            db.ping().await?;
                        }
                        Ok(true)
                    })
                })
                .connect_lazy_with(self.options.clone()),
        }
    }

    /// PostgreSQL only: connections for units of work.
    pub fn writers(&self) -> AnyPool {
        let database = self.clone();
        AnyPoolOptions::new()
            .acquire_timeout(ACQUIRE_MAX)
            .max_connections(WRITERS_POSTGRES)
            // A dead connection shows at BEGIN, when nothing was done yet: asking first costs a round trip.
            .test_before_acquire(false)
            .after_connect(move |db, _| {
                let database = database.clone();
                Box::pin(async move { database.set_up(db).await })
            })
            .connect_lazy_with(self.options.clone())
    }
}

async fn assert_sqlite(db: &mut AnyConnection) -> Result<(), StoreError> {
    let version: String = sqlx::query("SELECT sqlite_version()").fetch_one(&mut *db).await?.try_get(0)?;
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    if (part(), part(), part()) < SQLITE_OLDEST {
        return Err(StoreError::Unfit(format!("SQLite {version} can lose a WAL; 3.51.3 is the oldest that is safe")));
    }
    let mode: String = sqlx::query("PRAGMA journal_mode").fetch_one(&mut *db).await?.try_get(0)?;
    let synchronous: i64 = sqlx::query("PRAGMA synchronous").fetch_one(&mut *db).await?.try_get(0)?;
    if mode != "wal" || synchronous < 2 {
        return Err(StoreError::Unfit(format!(
            "journal_mode is {mode} and synchronous {synchronous}, not wal and 2; is it on a network file system?"
        )));
    }
    Ok(())
}

async fn assert_postgres(db: &mut AnyConnection) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages, \
         current_setting('synchronous_commit') AS synchronous",
    )
    .fetch_one(db)
    .await?;
    for (setting, column) in [("fsync", "fsync"), ("full_page_writes", "pages"), ("synchronous_commit", "synchronous")]
    {
        if row.try_get::<&str, _>(column)? == "off" {
            return Err(StoreError::Unfit(format!("PostgreSQL runs with {setting} = off; switch it on")));
        }
    }
    Ok(())
}

/// Whether another process that opens the same fresh database may have caused it.
fn is_race(error: &StoreError) -> bool {
    matches!(error, StoreError::Migrate(_)) || matches!(error.cause().and_then(sqlite_code), Some(5 | 6))
}

fn without_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            // Refused only by URLs that cannot have a password.
            let _ = parsed.set_password(Some("…"));
            parsed.to_string()
        }
        _ => url.trim_end_matches("?mode=rwc").to_owned(),
    }
}
