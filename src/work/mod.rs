//! The one loop of the service: what is due or was woken is claimed by lease, done, and recorded.
//!
//! Timers go to the handler of their kind; the hotline registers its own. Start at `Context` (what
//! every worker is given) and `act` (what people do to an alert).

pub mod act; // acknowledge, resolve, escalate, note
mod context;

use futures::future::BoxFuture;
use thiserror::Error;

pub use context::{Acting, Context};

use crate::store::{StoreError, timers::DueTimer};

/// Does what a kind of timer asks for.
///
/// It looks at the state anew, decides, and calls `timers::complete` (then perhaps `timers::set`) in
/// the same unit of work as everything that follows from it: first time, retry and after a crash are
/// the same path. An error makes the timer come again later.
pub trait Handler: Send + Sync {
    fn kinds(&self) -> &[&'static str];
    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>>;
}

#[derive(Debug, Error)]
pub enum WorkError {
    #[error("could not work on {what}")]
    Store {
        what: String,
        #[source]
        cause: StoreError,
    },
    /// The row cannot be worked on, now or ever.
    #[error("{what} makes no sense: {why}")]
    Broken { what: String, why: String },
}

impl WorkError {
    /// For `map_err`: the failure of working on this thing.
    pub fn on(what: impl std::fmt::Display) -> impl FnOnce(StoreError) -> Self {
        move |cause| Self::Store { what: what.to_string(), cause }
    }
}
