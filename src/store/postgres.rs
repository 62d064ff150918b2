//! PostgreSQL: units of work go to a pool (it groups commits by itself), and nodes tell one another
//! what was touched: one coalesced NOTIFY after the commit, never inside it, where it was measured
//! to cost half of the insert rate.

use std::{cell::Cell, rc::Rc, time::Duration};

use sqlx::{Any, AnyPool, Transaction, postgres::PgListener};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinSet,
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use super::{
    db::{Database, WRITERS_POSTGRES},
    error::{StoreError, code},
    queue::{Lane, Order, Queue, Turns},
    unit::Job,
    wake::{Topics, Wake},
};
use crate::{
    clock::{Ids, Stopwatch},
    telemetry::metric,
};

const CHANNEL: &str = "pikett";
/// When nobody has been waited for during this time, the workers have all connections; else one.
const CALM_S: f64 = 0.02;
/// For deadlocks and serialization failures: the others have finished by then.
const TRIES: u32 = 10;
/// The first touch is told at once, those that follow closely together.
const TELL_EVERY: Duration = Duration::from_millis(10);
const RECONNECT_EVERY: Duration = Duration::from_secs(1);
/// How long closing waits for the others to be told: a server that is gone hears nothing.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(super) struct Worker {
    database: Database,
    pool: AnyPool,
    queue: Queue,
    wake: Wake,
    news: Rc<News>,
    closing: Option<oneshot::Sender<()>>,
}

/// What the other nodes have yet to be told.
#[derive(Default)]
struct News {
    touched: Cell<Topics>,
    some: Notify,
}

impl Worker {
    pub fn new(database: Database, queue: Queue, wake: Wake) -> Self {
        let pool = database.writers();
        Self { database, pool, queue, wake, news: Rc::default(), closing: None }
    }

    pub async fn run(mut self) {
        // Our own notices come back to us and are recognised by this name.
        let node = Ids::random().nonce();
        let listener = tokio::task::spawn_local(listen(self.database.url.clone(), node.clone(), self.wake.clone()));
        let ended = CancellationToken::new();
        let teller = tell(self.pool.clone(), node, Rc::clone(&self.news), ended.clone());
        let mut teller = tokio::task::spawn_local(teller);
        self.work().await;
        // Whoever applies declarations ends right after its commit, and the others must hear of it.
        ended.cancel();
        if tokio::time::timeout(LAST_WORDS, &mut teller).await.is_err() {
            teller.abort();
        }
        listener.abort();
        // Dropping a listener needs the runtime: wait until that is done.
        let _ = listener.await;
        self.pool.close().await;
        if let Some(closing) = self.closing {
            let _ = closing.send(());
        }
    }

    /// Until it is closed and nothing is left.
    async fn work(&mut self) {
        let (mut urgent, mut patient) = (JoinSet::new(), JoinSet::new());
        let (mut since_urgent, mut turns) = (Stopwatch::start(), Turns::default());
        loop {
            let is_calm = urgent.is_empty() && since_urgent.seconds() > CALM_S;
            let patient_too = match patient.len() {
                0 => is_calm || urgent.is_empty() || turns.is_patients(),
                running => is_calm && running < WRITERS_POSTGRES as usize,
            };
            tokio::select! {
                biased;
                Some(_) = urgent.join_next() => {}
                Some(_) = patient.join_next() => {}
                Some(order) = self.queue.urgent.recv() => {
                    since_urgent = Stopwatch::start();
                    turns.took(Lane::Urgent);
                    self.begin(order, &mut urgent);
                }
                Some(order) = self.queue.patient.recv(), if patient_too => {
                    turns.took(Lane::Patient);
                    self.begin(order, &mut patient);
                }
                else => return,
            }
        }
    }

    fn begin(&mut self, order: Order, lane: &mut JoinSet<()>) {
        match order {
            Order::Work(job) => {
                let (pool, wake, news) = (self.pool.clone(), self.wake.clone(), Rc::clone(&self.news));
                lane.spawn_local(async move { perform(&pool, job, &wake, &news).await });
            }
            Order::Close(closing) => {
                self.queue.close();
                self.closing = Some(closing);
            }
        }
    }
}

async fn perform(pool: &AnyPool, mut job: Box<dyn Job>, wake: &Wake, news: &News) {
    let mut tries = 1;
    loop {
        match attempt(pool, job.as_mut()).await {
            Ok(touched) => {
                job.answer(Ok(()));
                if touched != Topics::NONE {
                    wake.deliver(touched);
                    news.touched.set(news.touched.get().and(touched));
                    news.some.notify_one();
                }
                return;
            }
            Err(error) if error.may_run_again() && tries < TRIES => {
                tries += 1;
                tokio::task::yield_now().await;
            }
            Err(error) => return job.answer(Err(error)),
        }
    }
}

async fn attempt(pool: &AnyPool, job: &mut dyn Job) -> Result<Topics, StoreError> {
    let mut transaction = begin(pool).await?;
    let touched = job.run(&mut transaction).await?;
    let stopwatch = Stopwatch::start();
    transaction.commit().await.map_err(|error| StoreError::Commit(error.into()))?;
    metrics::histogram!(metric::COMMIT_SECONDS).record(stopwatch.seconds());
    Ok(touched)
}

/// After a restart of the server every connection of the pool is dead and says so once, here, when
/// nothing was done yet.
async fn begin(pool: &AnyPool) -> Result<Transaction<'static, Any>, StoreError> {
    let mut dead = 0;
    loop {
        match pool.begin().await {
            Ok(transaction) => return Ok(transaction),
            Err(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) if dead < WRITERS_POSTGRES => dead += 1,
            // 57P01 to 57P03: the server is going down or coming up.
            Err(error) if dead < WRITERS_POSTGRES && code(&error).is_some_and(|code| code.starts_with("57P")) => {
                dead += 1;
            }
            // Whatever the server says: nothing was done, and it does not serve us now.
            Err(error) => return Err(StoreError::Away(error)),
        }
    }
}

/// Until `ended`, and then what is left.
async fn tell(pool: AnyPool, node: String, news: Rc<News>, ended: CancellationToken) {
    let mut pace = tokio::time::interval(TELL_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let going_on = ended.run_until_cancelled(news.some.notified()).await.is_some();
        if going_on {
            pace.tick().await;
        }
        let touched = news.touched.take();
        if touched == Topics::NONE {
            if going_on {
                continue;
            }
            return;
        }
        // A function without a value cannot be selected through Any, but selected from.
        let told = sqlx::query("SELECT 1 FROM pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(format!("{node} {}", touched.to_text()))
            .execute(&pool)
            .await;
        if let Err(error) = told {
            // The other nodes look by themselves now and then.
            tracing::warn!(%error, "could not tell the other nodes");
        }
    }
}

async fn listen(url: String, node: String, wake: Wake) {
    let mut pace = tokio::time::interval(RECONNECT_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        if let Err(error) = hear(&url, &node, &wake).await {
            tracing::warn!(%error, "cannot hear the other nodes");
        }
    }
}

async fn hear(url: &str, node: &str, wake: &Wake) -> sqlx::Result<()> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // Whatever was said while nobody listened is made good by looking at everything.
        wake.deliver(Topics::ALL);
        while let Some(notice) = listener.try_recv().await? {
            match notice.payload().split_once(' ') {
                Some((own, _)) if own == node => {}
                Some((_, topics)) => wake.deliver(Topics::from_text(topics)),
                None => {}
            }
        }
    }
}
