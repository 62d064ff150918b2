//! Events from monitoring tools. Each tool has a small pure mapping to `event::Event`; one handler
//! takes what they made, and answers after the commit only: what was accepted is durable.
//!
//! Start at `pagerduty::enqueue`, then `Intake::take`.

mod again; // what the timeline says of an event that comes again
mod batch; // events that come together are written together
pub mod event; // what every tool's message becomes
pub mod pagerduty; // POST /v2/enqueue
mod settle; // a tool acknowledges or resolves its alert

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    declare::Directory,
    model::{
        alert::Source,
        contract::{Integration, IntegrationTarget},
        id::{ContractId, CustomerId, PolicyId},
        priority::Priority,
    },
    store::{
        StoreError,
        raise::{Dedup, NewAlert, Raised, Snapshot},
    },
    telemetry::metric,
    work::Context,
};
use batch::Batch;
use event::{Action, Event, Trigger};

/// Takes events. Cheap to clone.
#[derive(Clone)]
pub struct Intake(Arc<Parts>);

struct Parts {
    context: Context,
    batch: Batch,
    snapshots: Mutex<Snapshots>,
}

/// The policies of one revision, as alerts keep them.
#[derive(Default)]
struct Snapshots {
    revision: i64,
    of: BTreeMap<PolicyId, Snapshot>,
}

#[derive(Debug, Error)]
pub enum IntakeError {
    #[error("no integration has this key")]
    UnknownKey,
    #[error("more events wait than can be written")]
    Busy,
    #[error("could not write the event")]
    Store(#[source] Arc<StoreError>),
}

/// What became of an accepted event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    Raised(Raised),
    /// Acknowledged or resolved.
    Settled,
    /// Nothing open has its key: accepted and dropped, as the tools expect.
    Nothing,
}

impl Intake {
    /// Starts the task that writes events in batches; it ends with the last clone.
    pub fn start(context: Context) -> Self {
        let batch = Batch::start(context.store.clone(), context.ids.clone());
        Self(Arc::new(Parts { context, batch, snapshots: Mutex::default() }))
    }

    /// Takes an event with an integration's key, durably.
    pub async fn take(&self, key: &str, event: Event) -> Result<Taken, IntakeError> {
        let key = hex::encode(Sha256::digest(key));
        let mut directory = self.0.context.directory();
        if directory.integration_with_key(&key).is_none() {
            // Senders drop what is refused, also when its key was applied a moment ago.
            let newer = self.0.context.newer_directory(&directory).await;
            directory = newer.map_err(|error| IntakeError::Store(Arc::new(error)))?.ok_or(IntakeError::UnknownKey)?;
        }
        let integration = directory.integration_with_key(&key).ok_or(IntakeError::UnknownKey)?;
        let dedup = Dedup { scope: format!("integration:{}", integration.id), key: event.key };
        match event.action {
            Action::Trigger(trigger) => {
                let alert = self.alert(&directory, integration, dedup, trigger);
                let raised = self.0.batch.raise(directory.org.clone(), alert).await?;
                if raised.new {
                    metrics::counter!(metric::ALERTS, "source" => "integration").increment(1);
                    tracing::info!(alert.id = %raised.id, alert.number = raised.number, integration = %integration.id, "an alert was opened");
                }
                Ok(Taken::Raised(raised))
            }
            Action::Acknowledge | Action::Resolve => {
                let how = settle::Settle {
                    acting: self.0.context.acting(),
                    integration: integration.id.clone(),
                    dedup,
                    resolve: event.action == Action::Resolve,
                };
                let settled = self.0.context.store.write(async move |db| settle::settle(db, &how).await).await;
                match settled.map_err(|error| IntakeError::Store(Arc::new(error)))? {
                    true => Ok(Taken::Settled),
                    false => Ok(Taken::Nothing),
                }
            }
        }
    }

    fn alert(&self, directory: &Directory, integration: &Integration, dedup: Dedup, trigger: Trigger) -> NewAlert {
        let now = self.0.context.clock.now();
        let whose = whose(directory, integration, trigger.priority);
        NewAlert {
            id: self.0.context.ids.id(now),
            // The batch gives it one.
            number: 0,
            title: trigger.title,
            priority: trigger.priority,
            category: trigger.category,
            source: Source::Integration(integration.id.clone()),
            customer: whose.customer.cloned(),
            contract: whose.contract.cloned(),
            policy: whose.policy.and_then(|id| self.snapshot(directory, id)),
            dedup: Some(dedup),
            count: 1,
            call: None,
            details: trigger.details.to_string(),
            opened_at: now,
            escalate_at: Some(now),
        }
    }

    fn snapshot(&self, directory: &Directory, id: &PolicyId) -> Option<Snapshot> {
        let policy = directory.policies.get(id)?;
        let mut snapshots = self.0.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        if snapshots.revision != directory.revision {
            *snapshots = Snapshots { revision: directory.revision, of: BTreeMap::new() };
        }
        Some(snapshots.of.entry(id.clone()).or_insert_with(|| Snapshot::of(policy)).clone())
    }
}

/// Whom an integration's alert concerns.
struct Whose<'a> {
    customer: Option<&'a CustomerId>,
    contract: Option<&'a ContractId>,
    policy: Option<&'a PolicyId>,
}

fn whose<'a>(directory: &'a Directory, integration: &'a Integration, priority: Priority) -> Whose<'a> {
    match &integration.target {
        IntegrationTarget::Policy(policy) => Whose { customer: None, contract: None, policy: Some(policy) },
        IntegrationTarget::Contract(id) => {
            let customer = directory.contracts.get(id).map(|contract| &contract.customer);
            Whose { customer, contract: Some(id), policy: directory.policy_of(id, priority) }
        }
    }
}

#[cfg(test)]
mod tests;
