//! Events that come together are written together: one unit of work with a few long statements instead
//! of one with short ones for each event. Every sender still gets its own answer, after the commit.
//!
//! Nobody waits for others to come: while one batch is on its way to the disk, the next one gathers.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
};

use super::IntakeError;
use crate::{
    model::id::OrgId,
    store::{
        Dialect, Store, StoreError,
        raise::{Dedup, NewAlert, Raised, raise_all},
    },
};

/// More than that is answered "come again later".
const QUEUE_MAX: usize = 8_192;
/// Rows of one unit of work: enough to share a sync, few enough not to let a caller on the phone wait.
const BATCH_MAX: usize = 128;
/// One is being committed while the next one is written. More would only be smaller: a statement costs more
/// than its rows.
const FLYING_SQLITE: usize = 2;
const FLYING_POSTGRES: usize = 3;

#[derive(Clone)]
pub(super) struct Batch(mpsc::Sender<Item>);

struct Item {
    org: OrgId,
    alert: NewAlert,
    sender: Sender,
}

type Sender = oneshot::Sender<Result<Raised, Arc<StoreError>>>;

impl Batch {
    pub fn start(store: Store) -> Self {
        let (items, queue) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(store, queue));
        Self(items)
    }

    /// The alert gets its number here.
    pub async fn raise(&self, org: OrgId, alert: NewAlert) -> Result<Raised, IntakeError> {
        let (sender, answer) = oneshot::channel();
        self.0.try_send(Item { org, alert, sender }).map_err(|_| IntakeError::Busy)?;
        let answer = answer.await.map_err(|_| IntakeError::Store(Arc::new(StoreError::Closed)))?;
        answer.map_err(IntakeError::Store)
    }
}

async fn run(store: Store, mut queue: mpsc::Receiver<Item>) {
    let flying = Arc::new(Semaphore::new(match store.dialect() {
        Dialect::Sqlite => FLYING_SQLITE,
        Dialect::Postgres => FLYING_POSTGRES,
    }));
    let mut batches = JoinSet::new();
    let mut items = Vec::new();
    loop {
        // First a place, then the events: those that come while one waits for a place ride along.
        let Ok(place) = Arc::clone(&flying).acquire_owned().await else { return };
        if queue.recv_many(&mut items, BATCH_MAX).await == 0 {
            break;
        }
        let (store, items) = (store.clone(), std::mem::take(&mut items));
        batches.spawn(async move {
            write(&store, items).await;
            drop(place);
        });
        while batches.try_join_next().is_some() {}
    }
    // Accepted events are written before the service ends.
    while batches.join_next().await.is_some() {}
}

async fn write(store: &Store, items: Vec<Item>) {
    let mut orgs: BTreeMap<OrgId, Crowd> = BTreeMap::new();
    for Item { org, alert, sender } in items {
        orgs.entry(org).or_default().add(alert, sender);
    }
    for (org, crowd) in orgs {
        let (alerts, senders) = crowd.into_rows();
        match raise(store, &org, alerts).await {
            Ok(raised) => {
                for (raised, senders) in raised.into_iter().zip(senders) {
                    answer(&raised, senders);
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for sender in senders.into_iter().flatten() {
                    // Whoever sent it has gone.
                    let _ = sender.send(Err(Arc::clone(&error)));
                }
            }
        }
    }
}

/// The alerts of one org, each with those who sent it. Sorted by key, so that two nodes lock rows in
/// the same order.
#[derive(Default)]
struct Crowd {
    keyed: BTreeMap<Dedup, (NewAlert, Vec<Sender>)>,
    others: Vec<(NewAlert, Vec<Sender>)>,
}

impl Crowd {
    fn add(&mut self, alert: NewAlert, sender: Sender) {
        match &alert.dedup {
            None => self.others.push((alert, vec![sender])),
            Some(dedup) => match self.keyed.get_mut(dedup) {
                Some((first, senders)) => {
                    first.count += alert.count;
                    senders.push(sender);
                }
                None => {
                    self.keyed.insert(dedup.clone(), (alert, vec![sender]));
                }
            },
        }
    }

    fn into_rows(self) -> (Vec<NewAlert>, Vec<Vec<Sender>>) {
        self.keyed.into_values().chain(self.others).unzip()
    }
}

async fn raise(store: &Store, org: &OrgId, mut alerts: Vec<NewAlert>) -> Result<Vec<Raised>, StoreError> {
    let numbers = store.alert_numbers(org, alerts.len()).await?;
    for (alert, number) in alerts.iter_mut().zip(&numbers) {
        alert.number = *number;
    }
    let unit_org = org.clone();
    let raised = store.write(async move |db| raise_all(db, &unit_org, alerts.clone()).await).await?;
    // After an error nobody knows whether the numbers were taken: they stay unused.
    for (_, unused) in raised.iter().zip(numbers).filter(|(raised, _)| !raised.new) {
        store.return_alert_number(org, unused);
    }
    Ok(raised)
}

/// The first sender's event opened the alert; the others' counted once more.
fn answer(raised: &Raised, senders: Vec<Sender>) {
    for (place, sender) in senders.into_iter().enumerate() {
        // Whoever sent it has gone.
        let _ = sender.send(Ok(Raised { new: raised.new && place == 0, ..raised.clone() }));
    }
}
