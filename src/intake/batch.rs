//! Events that come together are written together. Every sender still gets its own answer, after the
//! commit.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::AnyConnection;
use tokio::sync::oneshot;

use super::{IntakeError, again};
use crate::{
    clock::Ids,
    model::id::OrgId,
    store::{
        Store, StoreError,
        gather::Gather,
        raise::{Dedup, NewAlert, Raised, raise_all},
        timeline,
    },
};

#[derive(Clone)]
pub(super) struct Batch(Gather<Item>);

struct Item {
    org: OrgId,
    alert: NewAlert,
    sender: Sender,
}

type Sender = oneshot::Sender<Result<Raised, Arc<StoreError>>>;

impl Batch {
    pub fn start(store: Store, ids: Ids) -> Self {
        Self(Gather::start(store, move |store, items| write(store, ids.clone(), items)))
    }

    /// The alert gets its number here. More than can wait is answered "come again later".
    pub async fn raise(&self, org: OrgId, alert: NewAlert) -> Result<Raised, IntakeError> {
        let (sender, answer) = oneshot::channel();
        if !self.0.add(Item { org, alert, sender }) {
            return Err(IntakeError::Busy);
        }
        let answer = answer.await.map_err(|_| IntakeError::Store(Arc::new(StoreError::Closed)))?;
        answer.map_err(IntakeError::Store)
    }
}

async fn write(store: Store, ids: Ids, items: Vec<Item>) {
    let mut orgs: BTreeMap<OrgId, Crowd> = BTreeMap::new();
    for Item { org, alert, sender } in items {
        orgs.entry(org).or_default().add(alert, sender);
    }
    for (org, crowd) in orgs {
        let (alerts, senders) = crowd.into_rows();
        match raise(&store, &ids, &org, alerts).await {
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
                    merge(first, alert);
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

/// The most urgent of equal ones speaks for all of them, as it does when they come one after the other.
fn merge(first: &mut NewAlert, again: NewAlert) {
    let count = first.count + again.count;
    if again.priority < first.priority {
        let category = again.category.or(first.category.take());
        *first = NewAlert { id: first.id.clone(), opened_at: first.opened_at, category, ..again };
    }
    first.count = count;
}

async fn raise(store: &Store, ids: &Ids, org: &OrgId, mut alerts: Vec<NewAlert>) -> Result<Vec<Raised>, StoreError> {
    let numbers = store.alert_numbers(org, alerts.len()).await?;
    for (alert, number) in alerts.iter_mut().zip(&numbers) {
        alert.number = *number;
    }
    let (org_of_unit, ids) = (org.clone(), ids.clone());
    let unit = async move |db: &mut AnyConnection| {
        let raised = raise_all(db, &org_of_unit, alerts.clone()).await?;
        let entries = again::entries(&alerts, &raised, &ids);
        if !entries.is_empty() {
            timeline::write_all(db, &org_of_unit, &entries).await?;
        }
        Ok(raised)
    };
    let raised = store.write(unit).await?;
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
