//! What workers and faces are given to act with.

use std::{sync::Arc, time::Duration};

use sqlx::AnyConnection;
use tokio::sync::watch;

use crate::{
    clock::{Clock, Ids},
    declare::Directory,
    model::{Instant, alert::Actor, contract::Customer, id::OrgId},
    notify::links::Links,
    store::{Store, StoreError, alerts::AlertRow, declarations},
};

/// Somebody who is faster each time is a person at work; more often it would be our bug.
const TRIES: usize = 8;

/// An apply is in force within a second.
const NEWS_MAX: Duration = Duration::from_secs(2);

/// The database, the time, what is declared now, and how links are signed. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub store: Store,
    pub clock: Clock,
    pub ids: Ids,
    pub directory: watch::Receiver<Arc<Directory>>,
    pub links: Links,
}

/// For one unit of work, which may run more than once: a fixed moment and fixed declarations.
#[derive(Clone)]
pub struct Acting {
    pub directory: Arc<Directory>,
    pub ids: Ids,
    pub links: Links,
    pub now: Instant,
}

impl Context {
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.borrow())
    }

    /// For who does not find something: the declarations of an apply that this process has not seen yet,
    /// which it waits for. `None`: there is nothing newer, or it does not come.
    pub async fn newer_directory(&self, than: &Directory) -> Result<Option<Arc<Directory>>, StoreError> {
        let applied = {
            let mut db = self.store.read().await?;
            declarations::revision(&mut db, &than.org).await?
        };
        if applied <= than.revision {
            return Ok(None);
        }
        let mut directory = self.directory.clone();
        let comes = directory.wait_for(|directory| directory.revision >= applied);
        let newer = tokio::time::timeout(NEWS_MAX, comes).await;
        Ok(newer.ok().and_then(Result::ok).map(|directory| Arc::clone(&directory)))
    }

    pub fn acting(&self) -> Acting {
        Acting { directory: self.directory(), ids: self.ids.clone(), links: self.links.clone(), now: self.clock.now() }
    }

    /// Runs a unit of work, and again when it found that somebody was faster (`StoreError::Stale`).
    pub async fn change<T, F>(&self, unit: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: AsyncFn(&mut AnyConnection) -> Result<T, StoreError> + Clone + Send + 'static,
    {
        let mut outcome = self.store.write(unit.clone()).await;
        for _ in 1..TRIES {
            if !matches!(outcome, Err(StoreError::Stale(_))) {
                break;
            }
            outcome = self.store.write(unit.clone()).await;
        }
        outcome
    }
}

impl Acting {
    /// The one whose declarations these are.
    pub fn org(&self) -> &OrgId {
        &self.directory.org
    }

    /// How people call whoever did something.
    pub fn name_of<'a>(&'a self, actor: &'a Actor) -> &'a str {
        match actor {
            Actor::Person(id) => self.directory.people.get(id).map_or(id.as_str(), |person| person.name.as_str()),
            Actor::Integration(_) | Actor::Operator(_) => actor.name(),
            Actor::System => "Pikett",
        }
    }

    /// The name of the customer whom the alert concerns.
    pub fn customer_of(&self, row: &AlertRow) -> Option<&str> {
        let id = row.alert.customer.as_ref()?;
        self.directory.customers.get(id).map(|customer: &Customer| customer.name.as_str())
    }
}
