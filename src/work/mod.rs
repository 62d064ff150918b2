//! The one loop of the service: what is due or was woken is claimed by lease, done, and recorded.
//!
//! Timers go to the handler of their kind; the hotline registers its own. Start at `Work::start`, then
//! `Context` (what every worker is given) and `act` (what people do to an alert).

pub mod act; // acknowledge, resolve, escalate, note
mod aside; // rows that failed too often
mod bundles; // one page for many
pub mod callbacks; // promises to call back
mod caps; // what pages may cost
pub mod carriers; // that one is out, or back
pub mod contacts; // proving that a contact is somebody's
mod context;
mod cost; // much more than usual
mod deadline; // reports that stay away
mod deliver; // the outbox
mod escalate; // whom to tell next
pub mod failure; // the next rule, the next level
pub mod flows; // versions of flows, and which is in force
pub mod heartbeat; // to whoever listens outside
pub mod incidents; // opening, updating, telling who follows
mod lanes; // how many requests are under way
pub mod marks; // contact methods that do not work
pub mod money; // what calls and SMS may cost
pub mod msp; // what concerns the MSP itself
mod opening; // outside a contract's hours
pub mod passing; // from hand to hand, and back later
mod pulse; // workers that go round
mod quiet; // hours in which low urgency waits
mod record; // the timeline
mod redeclared; // other declarations, other instants
pub mod report; // what providers report, and that a key was pressed
mod risen; // more urgent than before: told anew
mod settle; // what came of sending, as rows
mod shifts; // who goes on call is told
mod stopped; // numbers that wrote STOP
mod storm; // how many messages a person gets
mod tell; // one person, over all their rules
mod timers; // claim, handle, put back
pub mod transcript; // what callers said, in words
mod watch; // what should have happened and did not
pub mod wellness; // whether all is well

#[cfg(test)]
pub mod testing; // a night with phones
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::future::BoxFuture;
use thiserror::Error;
use tokio::sync::watch::Receiver;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use context::{Acting, Context};
pub use record::record;

use pulse::Pulses;
use wellness::{Watchman, Wellness};

use crate::notify::Channels;
use crate::store::{
    StoreError,
    timers::{Crowd, DueTimer},
};

/// The workers of a process.
pub struct Work;

impl Work {
    /// Starts them on this tracker; with `stop` they take nothing new, finish what they have begun, and
    /// end. `handlers` are those of other modules' timers. Answers with whether all is well, from time to time.
    pub fn start(
        context: &Context,
        channels: &Channels,
        handlers: Vec<Arc<dyn Handler>>,
        stop: &CancellationToken,
        tracker: &TaskTracker,
    ) -> Receiver<Option<Wellness>> {
        let urgent = context.clone();
        // Nobody holds a line for the others.
        let context = &Context { store: context.store.patient(), ..context.clone() };
        let own: [Arc<dyn Handler>; 7] = [
            Arc::new(passing::SnoozeOver { context: context.clone() }),
            Arc::new(bundles::Bundle { context: context.clone() }),
            Arc::new(marks::Marked { context: context.clone() }),
            Arc::new(callbacks::CallbackDue { context: context.clone() }),
            Arc::new(shifts::ShiftBegins { context: context.clone() }),
            Arc::new(escalate::Escalate { context: context.clone() }),
            Arc::new(deadline::Deadline { context: context.clone(), channels: channels.clone() }),
        ];
        let handlers: Vec<Arc<dyn Handler>> = own.into_iter().chain(handlers).collect();
        let pulses = Pulses::from(context.clock.now());
        for (crowd, context) in [(Crowd::Callers, &urgent), (Crowd::Others, context)] {
            tracker.spawn(timers::Timers::new(context.clone(), crowd, &handlers, &pulses).run(stop.clone()));
        }
        tracker.spawn(deliver::Deliver::new(context.clone(), channels.clone(), &pulses).run(stop.clone()));
        tracker.spawn(redeclared::run(context.clone(), stop.clone()));
        let (watchman, wellness) = Watchman::new(pulses);
        tracker.spawn(watch::run(context.clone(), watchman, stop.clone()));
        wellness
    }
}

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
