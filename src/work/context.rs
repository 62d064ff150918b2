//! What workers and faces are given to act with.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    clock::{Clock, Ids},
    declare::Directory,
    model::{Instant, id::OrgId},
    store::Store,
};

/// The database, the time, and what is declared now. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub store: Store,
    pub clock: Clock,
    pub ids: Ids,
    pub directory: watch::Receiver<Arc<Directory>>,
}

/// For one unit of work, which may run more than once: a fixed moment and fixed declarations.
#[derive(Clone)]
pub struct Acting {
    pub directory: Arc<Directory>,
    pub ids: Ids,
    pub now: Instant,
}

impl Context {
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.borrow())
    }

    pub fn acting(&self) -> Acting {
        Acting { directory: self.directory(), ids: self.ids.clone(), now: self.clock.now() }
    }
}

impl Acting {
    pub fn org(&self) -> &OrgId {
        &self.directory.org
    }
}
