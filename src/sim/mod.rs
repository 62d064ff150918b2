//! The carrier simulator: a stand-in for Twilio's REST API, its webhooks and the phones behind it,
//! over real HTTP, with real signatures, in the time of a `Clock`.
//!
//! It executes the TwiML that it gets. Phones behave as scripted, or as somebody tells them to while
//! it runs; everything that happens is an `Event` in a journal. Chance comes from a seed. It knows
//! nothing of the service but its URLs. Start with `Sim`; `call/` runs documents, `rest/` is the
//! REST API, `control` the same for browsers and scripts (its JSON stands there).
//!
//! ```ignore
//! let sim = Sim::start(Settings::new(clock, Ids::seeded(1))).await?;
//! sim.number("+4930901820".parse()?, Hooks::at(&sim.account_sid(), "https://service/carriers/twilio"));
//! sim.phone("+4915110000001".parse()?, Behaviour::answers(6.0, [Press::on("drücken", "1")]));
//! let mut watch = sim.watch();
//! let leg = sim.call(Caller::Number("+4930555010".parse()?), "+4930901820".parse()?);
//! watch.next(|what| matches!(what, What::Listening { leg: at, .. } if *at == leg), within).await;
//! sim.press(&leg, "4711#");
//! ```

mod actor;
mod api;
mod call;
mod callback;
mod chance;
mod control;
mod event;
mod faults;
mod leg;
mod listener;
mod mailbox;
mod message;
mod phone;
mod push;
mod recording;
mod rest;
mod signal;
#[cfg(test)]
mod tests;
mod times;
mod under_way;
mod webhook;
mod world;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use thiserror::Error;
use tokio::{
    net::TcpListener,
    sync::{mpsc::UnboundedSender, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use crate::carrier::Sid;
pub use event::{AnsweredBy, Direction, Event, Purpose, Source, Watch, What};
pub use faults::{Board, CallbackFaults, Cut, Faults, RestFaults, WebhookFaults};
pub use mailbox::Mailbox;
pub use phone::{Behaviour, Press, SmsReception, Then, Voice};
pub use times::{Span, Times};
pub use world::{Leg, Message};

use crate::{
    clock::{Clock, Ids},
    model::{phone::Phone, secret::Secret},
};
use callback::Callback;
use chance::Chance;
use event::Journal;
use under_way::{UnderWay, Undone};
use world::World;

pub struct Settings {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub clock: Clock,
    /// Seeded: the same seed, the same run.
    pub ids: Ids,
    pub accounts: Vec<Account>,
    pub times: Times,
}

impl Settings {
    /// A free port of this machine, one account, real times.
    pub fn new(clock: Clock, ids: Ids) -> Self {
        let account = Account { sid: format!("AC{}", "0".repeat(32)), token: Secret::new("simulated-token") };
        Self { listen: (Ipv4Addr::LOCALHOST, 0).into(), clock, ids, accounts: vec![account], times: Times::default() }
    }
}

#[derive(Debug, Clone)]
pub struct Account {
    pub sid: String,
    pub token: Secret,
}

/// Where a bought number sends its webhooks; `None` is not configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hooks {
    pub account: String,
    pub voice_url: Option<String>,
    pub voice_status: Option<String>,
    pub voice_fallback: Option<String>,
    pub sms_url: Option<String>,
}

impl Hooks {
    /// The paths that Pikett serves below that URL, such as `https://service/carriers/twilio`.
    pub fn at(account: impl Into<String>, base: &str) -> Self {
        let below = |path: &str| Some(format!("{}{path}", base.trim_end_matches('/')));
        Self {
            account: account.into(),
            voice_url: below("/voice"),
            voice_status: below("/voice/status"),
            voice_fallback: below("/voice/fallback"),
            sms_url: below("/sms"),
        }
    }
}

/// Who phones in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    Number(Phone),
    Withheld,
}

#[derive(Debug, Error)]
pub enum SimError {
    #[error("the simulator has no account: give it at least one")]
    NoAccount,
    #[error("could not listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        cause: std::io::Error,
    },
    #[error("could not make an HTTP client")]
    Client(#[source] reqwest::Error),
}

/// A running simulator. Clones are the same one.
#[derive(Clone)]
pub struct Sim(Arc<Inner>);

struct Inner {
    clock: Clock,
    times: Times,
    accounts: Vec<Account>,
    chance: Chance,
    http: reqwest::Client,
    address: SocketAddr,
    world: Mutex<World>,
    journal: Journal,
    board: Board,
    couriers: Mutex<BTreeMap<Sid, UnboundedSender<Callback>>>,
    subscriptions: Mutex<BTreeMap<String, push::Subscription>>,
    /// Counts changes of queues, for legs that wait at an empty one.
    queues: watch::Sender<u64>,
    /// Requests that have no answer yet, in either direction.
    under_way: UnderWay,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Sim {
    pub async fn start(settings: Settings) -> Result<Self, SimError> {
        if settings.accounts.is_empty() {
            return Err(SimError::NoAccount);
        }
        let listen = |cause| SimError::Listen { address: settings.listen, cause };
        let listener = TcpListener::bind(settings.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        // Whoever was first has installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(webhook::CONNECT)
            .redirect(reqwest::redirect::Policy::limited(10))
            .no_proxy()
            .build()
            .map_err(SimError::Client)?;
        let sim = Self(Arc::new(Inner {
            journal: Journal::new(settings.clock.clone()),
            clock: settings.clock,
            times: settings.times,
            accounts: settings.accounts,
            chance: Chance::new(&settings.ids),
            http,
            address,
            world: Mutex::default(),
            board: Board::default(),
            couriers: Mutex::default(),
            subscriptions: Mutex::default(),
            queues: watch::Sender::new(0),
            under_way: UnderWay::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }));
        sim.spawn(listener::serve(listener, sim.router(), sim.0.stopping.clone()));
        Ok(sim)
    }

    fn router(&self) -> axum::Router {
        rest::router(self.clone()).merge(push::router(self.clone())).nest("/sim", self.control())
    }

    /// Ends every call where it is, without a word to the service, and listens no more.
    pub async fn stop(self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// How many requests have no answer yet: its own to the service, and the service's to its REST API; and
    /// how many signals their legs have not heard, how much work has not begun. While there is none of it,
    /// nothing happens before the clock moves.
    pub fn under_way(&self) -> usize {
        self.0.under_way.count()
    }

    fn one_more(&self) -> Undone {
        self.0.under_way.one_more()
    }

    /// Runs until it is done or the simulator stops.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.0.stopping.clone();
        let not_begun = self.one_more();
        self.0.tasks.spawn(async move {
            let mut work = pin!(work);
            if futures::poll!(&mut work).is_ready() {
                return;
            }
            drop(not_begun);
            tokio::select! {
                () = work => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, what: What) {
        self.0.journal.note(what);
    }

    fn account(&self, sid: &str) -> Option<&Account> {
        self.0.accounts.iter().find(|account| account.sid == sid)
    }
}
