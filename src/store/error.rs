//! What can go wrong in the store, and whether it may be tried again.

use std::{borrow::Cow, sync::Arc};

use thiserror::Error;

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("could not open the database {url}")]
    Open { url: String, source: sqlx::Error },
    #[error("could not bring the database's schema up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    #[error("this database does not keep what it was given: {0}")]
    Unfit(String),
    #[error("the database refused a statement")]
    Statement(#[from] sqlx::Error),
    /// One commit may answer for many units of work.
    #[error("the database could not commit")]
    Commit(#[source] Arc<sqlx::Error>),
    /// Nothing was asked yet, so this says nothing about what would have been.
    #[error("the database could not be reached")]
    Away(#[source] sqlx::Error),
    #[error("another process holds the database")]
    Busy,
    #[error("{place} holds `{found}`, which means nothing")]
    Corrupt { place: String, found: String },
    /// One unit of work may write for many.
    #[error("what was written together with others failed")]
    Together(#[source] Arc<Self>),
    /// For units of work that must leave nothing behind when somebody was faster.
    #[error("somebody was faster: {0}")]
    Stale(&'static str),
    #[error("a unit of work panicked")]
    Panicked,
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// A row that holds what the program cannot read.
    pub fn corrupt(place: impl Into<String>, found: &str) -> Self {
        Self::Corrupt { place: place.into(), found: found.chars().take(80).collect() }
    }

    /// The database is away, full or held: the same request may succeed later. Otherwise it is our bug
    /// or a broken row, and would fail again.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Open { .. } | Self::Away(_) | Self::Commit(_) | Self::Busy | Self::Closed => true,
            Self::Statement(error) => is_unavailable(error),
            Self::Together(error) => error.is_unavailable(),
            Self::Migrate(_) | Self::Unfit(_) | Self::Corrupt { .. } | Self::Stale(_) | Self::Panicked => false,
        }
    }

    /// PostgreSQL chose this transaction to give way (serialization failure, deadlock).
    pub(super) fn may_run_again(&self) -> bool {
        matches!(self.cause().and_then(code).as_deref(), Some("40001" | "40P01"))
    }

    /// What the database itself said.
    pub(super) fn cause(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Open { source, .. } | Self::Away(source) | Self::Statement(source) => Some(source),
            Self::Commit(source) => Some(source),
            Self::Together(error) => error.cause(),
            Self::Migrate(sqlx::migrate::MigrateError::Execute(source)) => Some(source),
            Self::Migrate(_)
            | Self::Unfit(_)
            | Self::Busy
            | Self::Corrupt { .. }
            | Self::Stale(_)
            | Self::Panicked
            | Self::Closed => None,
        }
    }
}

/// The code of the database: of SQLite its extended result code, of PostgreSQL its SQLSTATE.
pub(super) fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(|error| error.code())
}

/// SQLite's primary result code (https://sqlite.org/rescode.html).
pub(super) fn sqlite_code(error: &sqlx::Error) -> Option<i64> {
    code(error)?.parse::<i64>().ok().map(|extended| extended & 0xff)
}

fn is_unavailable(error: &sqlx::Error) -> bool {
    const SQLITE: [i64; 6] = [
        5,  /* BUSY */
        6,  /* LOCKED */
        8,  /* READONLY */
        10, /* IOERR */
        13, /* FULL */
        14, /* CANTOPEN */
    ];
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(_) => {
            // SQLSTATE classes: 08 connection, 53 resources, 57 operator intervention, 40 rollback; 25006: it only
            // reads, as one that has not taken over yet.
            let postgres = code(error).is_some_and(|code| {
                code.len() == 5 && ["08", "53", "57", "40", "25006"].iter().any(|class| code.starts_with(class))
            });
            postgres || sqlite_code(error).is_some_and(|code| SQLITE.contains(&code))
        }
        _ => false,
    }
}
