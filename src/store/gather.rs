//! What comes together is written together: one unit of work with a few long statements instead of many
//! with short ones.
//!
//! Nobody waits for others to come: while one batch is on its way to the disk, the next one gathers.

use std::sync::Arc;

use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use super::{Dialect, Store};

/// Whatever comes beyond has to go another way, or to come again.
const QUEUE_MAX: usize = 8_192;
/// Rows of one unit of work: enough to share a sync, few enough not to let a caller on the phone wait.
const BATCH_MAX: usize = 128;
/// One is being committed while the next one is written. More would only be smaller: a statement costs more
/// than its rows.
const FLYING_SQLITE: usize = 2;
const FLYING_POSTGRES: usize = 3;

/// Where items gather. Cheap to clone; ends with the last clone, when what it was given is written.
pub struct Gather<I>(mpsc::Sender<I>);

impl<I> Clone for Gather<I> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<I: Send + 'static> Gather<I> {
    /// `write` answers everybody whose item it is given.
    pub fn start<W, F>(store: Store, write: W) -> Self
    where
        W: Fn(Store, Vec<I>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (items, queue) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(store, queue, write));
        Self(items)
    }

    /// `false`: too many wait already, and this one was not taken.
    pub fn add(&self, item: I) -> bool {
        self.0.try_send(item).is_ok()
    }
}

async fn run<I, W, F>(store: Store, mut queue: mpsc::Receiver<I>, write: W)
where
    W: Fn(Store, Vec<I>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let flying = Arc::new(Semaphore::new(match store.dialect() {
        Dialect::Sqlite => FLYING_SQLITE,
        Dialect::Postgres => FLYING_POSTGRES,
    }));
    let mut batches = JoinSet::new();
    let mut items = Vec::new();
    loop {
        // First a place, then the items: those that come while one waits for a place ride along.
        let Ok(place) = Arc::clone(&flying).acquire_owned().await else { return };
        if queue.recv_many(&mut items, BATCH_MAX).await == 0 {
            break;
        }
        let written = write(store.clone(), std::mem::take(&mut items));
        batches.spawn(async move {
            written.await;
            drop(place);
        });
        while batches.try_join_next().is_some() {}
    }
    // What was taken is written before the service ends.
    while batches.join_next().await.is_some() {}
}
