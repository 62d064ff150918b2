//! SQLite's one writer: units of work queue up, run under savepoints and are committed together, and
//! a caller gets its answer after the commit. Many of them share one sync of the disk.
//!
//! It lives on a thread of its own, so that units of work need not be `Send` while they run. After an
//! I/O error at commit nobody knows what the disk holds: the process ends and opens the file anew.

use std::{sync::Arc, time::Duration};

use sqlx::{AnyConnection, Connection, Row};
use tokio::{sync::oneshot, time::MissedTickBehavior};

use super::{
    db::Database,
    error::{StoreError, sqlite_code},
    queue::{Lane, Order, Queue, Turns},
    unit::Job,
    wake::{Topics, Wake},
};
use crate::{clock::Stopwatch, telemetry::metric};

/// More would let the first in a group wait longer than a sync takes.
const GROUP_MAX: usize = 64;
/// Each try waits `busy_timeout` (5 s) for the other process.
const BUSY_TRIES: u32 = 6;
/// How soon a commit of another process (`pikett apply` beside `serve`) is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// `EX_IOERR` of sysexits.h.
const EXIT_IO_ERROR: i32 = 74;

pub(super) struct Writer {
    database: Database,
    db: AnyConnection,
    queue: Queue,
    turns: Turns,
    wake: Wake,
    /// `PRAGMA data_version`: changes with every commit of another connection, never with our own.
    data_version: i64,
    closing: Option<oneshot::Sender<()>>,
}

/// A job that ran in the open group.
struct Done {
    job: Box<dyn Job>,
    touched: Topics,
}

/// Who is in a group.
#[derive(Default)]
struct Seats {
    urgent: usize,
    patient: usize,
}

impl Writer {
    pub fn new(database: Database, db: AnyConnection, queue: Queue, wake: Wake) -> Self {
        Self { database, db, queue, turns: Turns::default(), wake, data_version: 0, closing: None }
    }

    pub async fn run(mut self) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = self.queue.next() => match order {
                    Some((lane, order)) => if let Some(job) = self.take(order) { self.group(lane, job).await },
                    None => break,
                },
                _ = look.tick() => self.look_for_others().await,
            }
        }
        if let Err(error) = self.db.close().await {
            tracing::warn!(%error, "the database did not close cleanly");
        }
        if let Some(closing) = self.closing {
            let _ = closing.send(());
        }
    }

    fn take(&mut self, order: Order) -> Option<Box<dyn Job>> {
        match order {
            Order::Work(job) => Some(job),
            Order::Close(closing) => {
                // What is queued already is still received and done.
                self.queue.close();
                self.closing = Some(closing);
                None
            }
        }
    }

    fn next(&mut self, seats: &mut Seats) -> Option<Box<dyn Job>> {
        while seats.urgent + seats.patient < GROUP_MAX {
            // Among themselves the patient have all seats.
            let patient_too = seats.urgent == 0 || (seats.patient == 0 && self.turns.is_patients());
            let (lane, order) = self.queue.waiting(patient_too)?;
            if let Some(job) = self.take(order) {
                self.seat(seats, lane);
                return Some(job);
            }
        }
        None
    }

    fn seat(&mut self, seats: &mut Seats, lane: Lane) {
        self.turns.took(lane);
        match lane {
            Lane::Urgent => seats.urgent += 1,
            Lane::Patient => seats.patient += 1,
        }
    }

    /// Runs this job and whatever queues up meanwhile, and commits all of them at once.
    async fn group(&mut self, lane: Lane, first: Box<dyn Job>) {
        let begun = self.begin().await;
        if let Err(error) = begun {
            first.answer(Err(error));
            return;
        }
        let mut done: Vec<Done> = Vec::new();
        let mut waiting = Some(first);
        let mut seats = Seats::default();
        self.seat(&mut seats, lane);
        while let Some(mut job) = waiting {
            match job.run(&mut self.db).await {
                Ok(touched) => done.push(Done { job, touched }),
                Err(error) => {
                    end_if_disk_failed(&error);
                    if let Err(lost) = self.execute("ROLLBACK TO unit").await {
                        // SQLite rolled back everything by itself, as it does when the disk is full.
                        self.lose(done, lost).await;
                        job.answer(Err(error));
                        return;
                    }
                    job.answer(Err(error));
                }
            }
            waiting = self.next(&mut seats);
            if waiting.is_some()
                && let Err(error) = self.execute("RELEASE unit; SAVEPOINT unit").await
            {
                if let Some(job) = waiting {
                    job.answer(Err(StoreError::Busy));
                }
                self.lose(done, error).await;
                return;
            }
        }
        self.commit(done).await;
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        let mut tries = 1;
        loop {
            match self.execute("BEGIN IMMEDIATE; SAVEPOINT unit").await {
                Ok(()) => return Ok(()),
                Err(error) if sqlite_code(&error) == Some(5) && tries < BUSY_TRIES => {
                    tracing::warn!(tries, "another process holds the database");
                    tries += 1;
                }
                Err(error) if sqlite_code(&error) == Some(5) => return Err(StoreError::Busy),
                Err(error) => {
                    self.recover().await;
                    return Err(StoreError::Statement(error));
                }
            }
        }
    }

    async fn commit(&mut self, done: Vec<Done>) {
        if done.is_empty() {
            return self.recover().await;
        }
        let stopwatch = Stopwatch::start();
        if let Err(error) = self.execute("COMMIT").await {
            return self.lose(done, error).await;
        }
        metrics::histogram!(metric::COMMIT_SECONDS).record(stopwatch.seconds());
        #[expect(clippy::cast_precision_loss, reason = "a group has at most 64 units")]
        metrics::histogram!(metric::COMMIT_UNITS).record(done.len() as f64);
        let mut touched = Topics::NONE;
        for Done { job, touched: by_job } in done {
            touched = touched.and(by_job);
            job.answer(Ok(()));
        }
        self.wake.deliver(touched);
    }

    /// Nothing of the group was committed.
    async fn lose(&mut self, done: Vec<Done>, error: sqlx::Error) {
        let error = Arc::new(error);
        end_if_disk_failed(&StoreError::Commit(Arc::clone(&error)));
        tracing::error!(%error, units = done.len(), "the database could not commit");
        for Done { job, .. } in done {
            job.answer(Err(StoreError::Commit(Arc::clone(&error))));
        }
        self.recover().await;
    }

    /// Leaves no transaction open; opens the file anew if that cannot be had.
    async fn recover(&mut self) {
        match self.execute("ROLLBACK").await {
            Ok(()) => {}
            // "no transaction is active" (SQLITE_ERROR) is what we want.
            Err(error) if sqlite_code(&error) == Some(1) => {}
            Err(error) => {
                tracing::error!(%error, "the database did not roll back");
                match self.database.connect().await {
                    Ok(db) => self.db = db,
                    Err(error) => tracing::error!(%error, "the database did not open"),
                }
            }
        }
    }

    /// Another process may have changed anything: wakes everybody.
    async fn look_for_others(&mut self) {
        let row = sqlx::query("PRAGMA data_version").fetch_one(&mut self.db).await;
        let Ok(version) = row.and_then(|row| row.try_get::<i64, _>(0)) else { return };
        if version != self.data_version {
            self.data_version = version;
            self.wake.deliver(Topics::ALL);
        }
    }

    async fn execute(&mut self, statement: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(statement).execute(&mut self.db).await.map(|_| ())
    }
}

/// After a failed sync the system may believe that pages are on disk which are not: only a new
/// process reads what is really there.
fn end_if_disk_failed(error: &StoreError) {
    const IOERR: i64 = 10;
    const CORRUPT: i64 = 11;
    const NOTADB: i64 = 26;
    let code = error.cause().and_then(sqlite_code);
    if let Some(IOERR | CORRUPT | NOTADB) = code {
        tracing::error!(%error, code, "the disk failed: ending, so that the database is opened anew");
        // The log is written in the background and may not come to it.
        eprintln!("pikett: the disk failed under the database ({error}): ending, so that it is opened anew");
        std::process::exit(EXIT_IO_ERROR);
    }
}
