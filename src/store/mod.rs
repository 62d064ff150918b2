//! All SQL, one file per aggregate; one text for SQLite and PostgreSQL. Decides nothing: instants, ids
//! and states come in as arguments.
//!
//! Start at `Store`: `write` runs a unit of work, which is durable when it returns; `read` lends a
//! connection. The aggregates' files hold free functions on a connection, for both.

pub mod alerts; // acknowledge, resolve, escalate, list
pub mod aside; // set aside, and nobody told yet
pub mod attempts; // the outbox: one try over one contact method
pub mod backup; // a copy of an SQLite database
pub mod bundles; // pages that wait, and one page for many
pub mod callbacks; // promises to call back
pub mod calls; // inbound calls, turn by turn
pub mod carried; // through whom a number was reached
pub mod codec; // rows ⇄ the core's types
pub mod contacts; // ways to reach people that were added, and numbers that STOP keeps SMS from
#[cfg(test)]
mod crash; // what was answered survives kill -9
mod db; // connecting; what differs between the databases
pub mod declarations; // documents
pub mod error; // what can go wrong
pub mod flows; // their versions, and which is in force
pub mod gather; // what comes together is written together
pub mod incidents; // outages as customers hear of them, and who follows them
pub mod languages; // what a number chose
pub mod legs; // technicians' phones, rung for a caller
pub mod marks; // contact methods that do not work
pub mod notifications; // the duty to tell one person
mod numbers; // alert numbers, reserved in blocks
pub mod outbox; // claim, record, report
pub mod overdue; // what should have happened and did not
pub mod owners; // whose a carrier's call is
pub mod paces; // how many messages a person gets
pub mod pin_locks; // tries of PINs
pub mod plain; // turns of calls, many at once
mod policies; // the policy that an alert began with
mod postgres; // units of work on a pool, NOTIFY and LISTEN
mod queue; // who waits for whom
pub mod raise; // opening alerts, one or many
pub mod secrets; // what Pikett made for itself
pub mod seen; // requests that were answered already
pub mod spent; // what cost money, per hour
pub mod standing; // what is open, and what waits
mod statements; // many rows in one statement
pub mod taking; // who has an acknowledged alert in hand
#[cfg(test)]
pub mod testing; // every test on both databases
pub mod timeline; // what happened, in sentences
pub mod timers; // "at this instant look at that"
pub mod tokens; // of the API
pub mod turns; // what was answered at each turn
mod unit; // a unit of work on its way
pub mod voicemails; // recordings that callers left
pub mod waiting; // whose turn it is
pub mod wake; // a commit wakes whoever waits
mod writer; // SQLite's one writer, group commits

use std::sync::Arc;

use sqlx::{Any, AnyConnection, AnyPool, pool::PoolConnection};
use tokio::{sync::oneshot, task::LocalSet};

use self::{
    db::Database,
    numbers::Numbers,
    queue::{Lane, Lanes, Order, Queue},
};
pub use self::{
    db::Dialect,
    error::StoreError,
    wake::{Topic, Wake, Watch},
};

/// The database. Cheap to clone; the last `close` ends it for all clones.
#[derive(Clone)]
pub struct Store(Arc<Inner>, Lane);

struct Inner {
    dialect: Dialect,
    lanes: Lanes,
    readers: AnyPool,
    wake: Wake,
    numbers: Numbers,
}

impl Store {
    /// Connects (`sqlite://FILE`, `postgres://…`), brings the schema up to date and asserts that what
    /// is committed survives a power cut.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let database = Database::parse(url)?;
        let wake = Wake::new();
        let (lanes, queue) = queue::lanes();
        let (ready, opened) = oneshot::channel();
        let readers = database.readers();
        let dialect = database.dialect;
        let waker = wake.clone();
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || serve(database, queue, waker, ready))
            .map_err(|error| StoreError::Unfit(format!("no thread for it: {error}")))?;
        opened.await.map_err(|_| StoreError::Closed)??;
        let inner = Inner { dialect, lanes, readers, wake, numbers: Numbers::default() };
        Ok(Self(Arc::new(inner), Lane::Urgent))
    }

    /// The same database for workers: while somebody waits for an answer, their units of work get a share
    /// of each commit and no more.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self(Arc::clone(&self.0), Lane::Patient)
    }

    pub fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// Runs a unit of work: all of it is durable when this returns `Ok`, and nothing of it stays when
    /// it returns an error. It may run more than once (PostgreSQL resolves deadlocks by making one side
    /// repeat), so it must not take what it captures apart. It goes on when the caller goes away.
    ///
    /// Never `write` or await anything but the database inside: on SQLite everybody waits.
    ///
    /// ```ignore
    /// let alert = store.write(async move |db| alerts::by_id(db, &org, &id).await).await?;
    /// ```
    pub async fn write<T, F>(&self, unit: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: AsyncFn(&mut AnyConnection) -> Result<T, StoreError> + Send + 'static,
    {
        let (job, answer) = unit::job(unit);
        if !self.0.lanes.send(self.1, Order::Work(job)).await {
            return Err(StoreError::Closed);
        }
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// A connection for reading. It sees everything that `write` has answered.
    pub async fn read(&self) -> Result<PoolConnection<Any>, StoreError> {
        self.0.readers.acquire().await.map_err(StoreError::Away)
    }

    pub fn wake(&self) -> &Wake {
        &self.0.wake
    }

    /// Finishes what is queued, closes, and refuses what comes later.
    pub async fn close(&self) {
        let (sender, closed) = oneshot::channel();
        if self.0.lanes.send(Lane::Urgent, Order::Close(sender)).await {
            // Failing means that the thread has ended already.
            let _ = closed.await;
        }
        self.0.readers.close().await;
    }
}

/// The store's own thread: opens the database and works off the queue until it is closed.
fn serve(database: Database, queue: Queue, wake: Wake, ready: oneshot::Sender<Result<(), StoreError>>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    match database.dialect {
        // Sleeps without asking the system for sockets that there are none of: it wakes sooner.
        Dialect::Sqlite => runtime.enable_time(),
        Dialect::Postgres => runtime.enable_all(),
    };
    let runtime = match runtime.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(StoreError::Unfit(format!("no runtime for it: {error}"))));
            return;
        }
    };
    // Whatever is dropped last (a panicking thread's connections) needs the runtime as well.
    let _context = runtime.enter();
    LocalSet::new().block_on(&runtime, async move {
        let db = match database.prepare().await {
            Ok(db) => db,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let _ = ready.send(Ok(()));
        match database.dialect {
            Dialect::Sqlite => writer::Writer::new(database, db, queue, wake).run().await,
            Dialect::Postgres => {
                drop(db);
                postgres::Worker::new(database, queue, wake).run().await;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use sqlx::Row;

    use super::{testing::on_both, *};

    async fn revision(store: &Store) -> i64 {
        let mut db = store.read().await.unwrap();
        sqlx::query("SELECT revision FROM orgs WHERE org_id = 'default'")
            .fetch_one(&mut *db)
            .await
            .unwrap()
            .get("revision")
    }

    async fn raise_revision(db: &mut AnyConnection) -> Result<i64, StoreError> {
        let row = sqlx::query("UPDATE orgs SET revision = revision + 1 WHERE org_id = 'default' RETURNING revision")
            .fetch_one(db)
            .await?;
        Ok(row.try_get("revision")?)
    }

    on_both! {
        async fn no_update_is_lost_among_two_hundred(store: Store) {
            let updates = (0..200).map(|_| store.write(async |db| raise_revision(db).await));
            let mut seen: Vec<i64> = join_all(updates).await.into_iter().map(Result::unwrap).collect();
            seen.sort_unstable();
            assert_eq!(seen, (1..=200).collect::<Vec<_>>());
            assert_eq!(revision(&store).await, 200);
        }

        async fn a_failed_unit_leaves_nothing_and_harms_no_neighbour(store: Store) {
            let units = (0..60).map(|n| {
                store.write(async move |db| {
                    raise_revision(db).await?;
                    match n % 3 {
                        0 => Ok(()),
                        1 => Err(StoreError::Stale("on purpose")),
                        _ => {
                            sqlx::query("INSERT INTO no_such_table VALUES (1)").execute(db).await?;
                            Ok(())
                        }
                    }
                })
            });
            let outcomes = join_all(units).await;
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 20);
            assert!(matches!(outcomes[1], Err(StoreError::Stale("on purpose"))));
            assert!(matches!(outcomes[2], Err(StoreError::Statement(_))));
            assert_eq!(revision(&store).await, 20);
        }

        async fn a_panic_in_a_unit_is_an_error_for_its_caller_only(store: Store) {
            async fn broken(db: &mut AnyConnection) -> Result<(), StoreError> {
                raise_revision(db).await?;
                panic!("on purpose");
            }
            let broken = store.write(async |db| broken(db).await);
            let sound = store.write(async |db| raise_revision(db).await);
            let (broken, sound) = tokio::join!(broken, sound);
            assert!(matches!(broken, Err(StoreError::Panicked)));
            assert_eq!(sound.unwrap(), 1);
        }

        async fn a_touch_is_delivered_after_the_commit_and_not_without_one(store: Store) {
            let mut directory = store.wake().watch(Topic::Directory);
            let mut outbox = store.wake().watch(Topic::Outbox);
            // Whoever opens or listens anew is woken once for everything.
            while tokio::time::timeout(std::time::Duration::from_millis(300), directory.notified()).await.is_ok() {}
            while tokio::time::timeout(std::time::Duration::from_millis(10), outbox.notified()).await.is_ok() {}
            let failed: Result<(), _> = store.write(async |_| { wake::touch(Topic::Outbox); Err(StoreError::Stale("on purpose")) }).await;
            assert!(failed.is_err());
            store.write(async |db| { wake::touch(Topic::Directory); raise_revision(db).await }).await.unwrap();
            directory.notified().await;
            assert_eq!(revision(&store).await, 1);
            let woken = tokio::time::timeout(std::time::Duration::from_millis(50), outbox.notified()).await;
            assert!(woken.is_err(), "what was rolled back woke somebody");
        }

        async fn closing_finishes_what_is_queued(store: Store) {
            let queued: Vec<_> = (0..50)
                .map(|_| {
                    let store = store.clone();
                    tokio::spawn(async move { store.write(async |db| raise_revision(db).await).await })
                })
                .collect();
            tokio::task::yield_now().await;
            store.close().await;
            let outcomes = join_all(queued).await;
            assert!(outcomes.iter().all(|outcome| matches!(outcome.as_ref().unwrap(), Ok(_) | Err(StoreError::Closed))));
            assert!(outcomes.iter().any(|outcome| outcome.as_ref().unwrap().is_ok()));
            let late = store.write(async |db| raise_revision(db).await).await;
            assert!(matches!(late, Err(StoreError::Closed)));
        }

        async fn whoever_is_waited_for_goes_first_and_the_patient_still_get_on(store: Store) {
            let workers = store.patient();
            let patient: Vec<_> = (0..300)
                .map(|_| {
                    let workers = workers.clone();
                    tokio::spawn(async move { workers.write(async |db| raise_revision(db).await).await.unwrap() })
                })
                .collect();
            tokio::task::yield_now().await;
            let mut urgent = Vec::new();
            for _ in 0..20 {
                urgent.push(store.write(async |db| raise_revision(db).await).await.unwrap());
            }
            let mut patient: Vec<i64> =
                join_all(patient).await.into_iter().map(Result::unwrap).filter(|at| *at < urgent[19]).collect();
            assert!(patient.len() < 300, "the urgent waited for all of the patient");
            patient.extend(urgent);
            assert!(patient.len() > 20, "the patient waited for all of the urgent");
        }

        async fn alert_numbers_are_never_given_twice(store: Store) {
            let org = "default".parse().unwrap();
            let first = store.alert_number(&org).await.unwrap();
            assert_eq!(first, 1);
            store.return_alert_number(&org, first);
            let numbers = join_all((0..300).map(|_| store.alert_number(&org))).await;
            let mut numbers: Vec<i64> = numbers.into_iter().map(Result::unwrap).collect();
            numbers.extend(store.alert_numbers(&org, 2_000).await.unwrap());
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), 2_300);
        }
    }

    async fn wakes_the_other(scratch: testing::Scratch) {
        let (here, there) = (Store::open(&scratch.url).await.unwrap(), Store::open(&scratch.url).await.unwrap());
        let mut watch = there.wake().watch(Topic::Directory);
        while tokio::time::timeout(std::time::Duration::from_millis(400), watch.notified()).await.is_ok() {}
        here.write(async |db| {
            wake::touch(Topic::Directory);
            raise_revision(db).await
        })
        .await
        .unwrap();
        // As `pikett apply` does.
        here.close().await;
        tokio::time::timeout(std::time::Duration::from_secs(5), watch.notified())
            .await
            .expect("it wakes the other one");
        assert_eq!(revision(&there).await, 1);
        there.close().await;
        scratch.remove().await;
    }

    #[tokio::test]
    async fn a_commit_wakes_another_process_on_the_same_file() {
        wakes_the_other(testing::Scratch::sqlite()).await;
    }

    #[tokio::test]
    async fn a_commit_wakes_another_node_on_the_same_server() {
        wakes_the_other(testing::Scratch::postgres().await).await;
    }

    #[tokio::test]
    async fn a_server_that_lets_nobody_in_or_only_reads_is_away() {
        let scratch = testing::Scratch::postgres().await;
        let store = Store::open(&scratch.url).await.unwrap();
        let unit = async |db: &mut AnyConnection| {
            sqlx::raw_sql("SET TRANSACTION READ ONLY").execute(&mut *db).await?;
            raise_revision(db).await
        };
        assert!(store.write(unit).await.unwrap_err().is_unavailable());
        // Its words for that have no class of their own.
        scratch.remove().await;
        for _ in 0..20 {
            assert!(store.write(async |db| raise_revision(db).await).await.unwrap_err().is_unavailable());
            if let Err(error) = store.read().await {
                assert!(error.is_unavailable(), "{error:?}");
            }
        }
        assert!(store.read().await.is_err());
        store.close().await;
    }

    #[tokio::test]
    async fn what_keeps_nothing_is_refused() {
        for url in ["sqlite::memory:", "mysql://localhost/x", "pikett.db"] {
            assert!(matches!(Store::open(url).await, Err(StoreError::Unfit(_))), "{url}");
        }
        let error = Store::open("postgres://anna:secret@127.0.0.1:1/x").await.err().unwrap();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        assert!(error.is_unavailable());
    }
}
