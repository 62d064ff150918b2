//! The composition root: it alone knows all modules. A configuration becomes a running service.
//!
//! Start at `Service::start`; every path stands in `routes`, how it ends in `stop`.

pub mod directory; // what is declared, kept up to date
mod health; // healthz, readyz, metrics
pub mod keys; // secrets made once
pub mod languages; // what is said, beside what is built in
mod metrics; // the recorder
pub mod outside; // carriers and the mail server
mod routes; // every path
mod server; // HTTP
pub mod standby; // the spare documents alone
pub mod stop; // signals

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::Api,
    carrier::http_client,
    clock::{Clock, Ids},
    config::{self, Config, Updates},
    console::{self, Console},
    hotline::{
        self,
        lookup::{Lookups, Settings},
        spare::{Desk, Plan},
    },
    intake::Intake,
    notify::{
        Channels,
        channels::{Pusher, email::MailerError, push::PusherError, telegram::Telegram, webhook::SigningKeyError},
        links::Links,
    },
    paging,
    recordings::{self, Recordings},
    store::{Store, StoreError},
    telemetry::Log,
    web::webhook::Webhooks,
    work::{Context, Work, heartbeat::Heartbeat},
};
use health::Health;
use routes::Faces;

/// A running service. It ends with `stop`, not by being dropped.
pub struct Service {
    address: SocketAddr,
    store: Store,
    /// Nothing new is taken.
    stopping: CancellationToken,
    requests: TaskTracker,
    workers: TaskTracker,
    desk: Desk,
}

/// What goes with a service beside its configuration.
#[derive(Default)]
pub struct Extras {
    pub console: console::Settings,
    /// Paths that are served beside Pikett's own.
    pub beside: Router,
    /// To count what it dropped.
    pub log: Option<Arc<Log>>,
}

#[derive(Debug, Error)]
pub enum AppError {
    #[error("could not open the database")]
    Open(#[source] StoreError),
    #[error("could not load what is declared")]
    Directory(#[source] StoreError),
    #[error("could not keep a key of ours in the database")]
    Keys(#[source] StoreError),
    #[error("could not set up email as [email] says")]
    Email(#[source] MailerError),
    #[error("could not set up webhooks as [webhook] says")]
    Webhook(#[source] SigningKeyError),
    #[error("could not set up web push as [push] says")]
    Push(#[source] PusherError),
    #[error("could not listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        cause: std::io::Error,
    },
}

impl Service {
    pub async fn start(config: &Config, clock: Clock, ids: Ids) -> Result<Self, AppError> {
        Self::start_with(config, clock, ids, Extras::default()).await
    }

    pub async fn start_with(config: &Config, clock: Clock, ids: Ids, extras: Extras) -> Result<Self, AppError> {
        // Before anything is counted, and so before the database.
        metrics::recorder();
        let listener = listen(config.server.listen).await?;
        let address = listener.local_addr().map_err(not_listening(config.server.listen))?;
        let store = Store::open(config.database.url.expose()).await.map_err(AppError::Open)?;
        let started = Self::compose(config, clock, ids, extras, (listener, address), store.clone()).await;
        if started.is_err() {
            store.close().await;
        }
        started
    }

    async fn compose(
        config: &Config,
        clock: Clock,
        ids: Ids,
        extras: Extras,
        (listener, address): (TcpListener, SocketAddr),
        store: Store,
    ) -> Result<Self, AppError> {
        let (stopping, requests, workers) = (CancellationToken::new(), TaskTracker::new(), TaskTracker::new());
        let public_url = public_url(config, address);
        let current = directory::keep(store.clone(), config.defaults.clone(), stopping.clone())
            .await
            .map_err(AppError::Directory)?;
        let link_key = keys::kept(&store, &ids, keys::LINKS).await.map_err(AppError::Keys)?;
        let console_key = keys::kept(&store, &ids, keys::CONSOLE).await.map_err(AppError::Keys)?;
        let recordings_key = match &config.voicemail.key {
            Some(key) => key.clone(),
            None => keys::kept(&store, &ids, keys::RECORDINGS).await.map_err(AppError::Keys)?,
        };
        let vapid = keys::vapid(&store, &ids, &config.push).await.map_err(AppError::Keys)?;
        let context = Context {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            directory: current.directory.clone(),
            links: Links::new(public_url.clone(), link_key),
        };
        let http = http_client(&clock);
        let carriers = outside::carriers(&config.carriers, &http, &clock);
        let pusher = Pusher::new(&vapid, config.push.subject.as_deref(), http.clone()).map_err(AppError::Push)?;
        let mailer = config.email.as_ref().map(outside::mailer).transpose().map_err(AppError::Email)?;
        let channels = Channels::new(carriers.clone(), mailer, pusher, public_url.clone(), clock.clone(), ids.clone());
        let (channels, telegram) = outside::chats(channels, config, &http, &clock).map_err(AppError::Webhook)?;
        let buttons = listen_to_telegram(config, &context, telegram, &stopping, &workers);
        let voicemail = &config.voicemail;
        let settings = recordings::Settings {
            folder: voicemail.folder.clone(),
            retention: voicemail.retention,
            transcriber: voicemail.transcriber.clone(),
            transcriber_limit: voicemail.transcriber_limit,
            key: recordings_key,
        };
        let recordings =
            Recordings::new(context.clone(), carriers.clone(), settings, stopping.clone(), workers.clone());
        let webhooks = Webhooks::new(carriers, &public_url, clock.clone());
        let lookups = Settings { allow_private: config.lookup.allow_private, token: config.lookup.token.clone() };
        let lookups = Lookups::new(&clock, lookups);
        let desk = Desk::new(webhooks.clone(), clock.clone(), &config.server.spare_file);
        // Before anybody is answered.
        desk.prepare(Plan::of(&context.directory()));
        let transcribes = voicemail.transcriber.is_some();
        let hotline = hotline::State::start(context.clone(), webhooks.clone(), lookups, transcribes, desk.clone());
        workers.spawn(hotline::spare::keep_ready(desk.clone(), context.directory.clone(), stopping.clone()));
        workers.spawn(hotline.clone().take_up(stopping.clone()));
        let handlers = [hotline::handlers(&hotline), recordings::handlers(&recordings)].concat();
        let wellness = Work::start(&context, &channels, handlers, &stopping, &workers);
        if let Some(config::Heartbeat { url, every }) = config.heartbeat.clone() {
            workers.spawn(Heartbeat { url, every, http }.run(clock.clone(), wellness, stopping.clone()));
        }
        let api = Api::start(context.clone(), stopping.clone());
        let faces = Faces {
            hotline,
            recordings,
            paging: paging::State::new(context.clone(), webhooks, buttons),
            intake: Intake::start(context.clone()),
            api: api.clone(),
            console: Console::new(context.clone(), extras.console, console_key, address, &public_url),
            health: Health::start(context, current.loaded, workers.clone(), extras.log, stopping.clone()),
            beside: extras.beside,
        };
        requests.spawn(server::serve(listener, routes::router(faces), stopping.clone(), requests.clone()));
        Ok(Self { address, store, stopping, requests, workers, desk })
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Takes nothing new, finishes what it has begun, and closes the database.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.requests.close();
        self.workers.close();
        self.requests.wait().await;
        self.workers.wait().await;
        // What callers left and the database has not taken; nobody works it off any more.
        self.desk.disk().write_again().await;
        self.store.close().await;
    }
}

/// How pressed buttons are proved, and, for Telegram, come in.
fn listen_to_telegram(
    config: &Config,
    context: &Context,
    telegram: Option<Arc<Telegram>>,
    stopping: &CancellationToken,
    workers: &TaskTracker,
) -> paging::Buttons {
    let slack = config.slack.as_ref().map(|slack| slack.signing_secret.clone());
    let mut buttons = paging::Buttons { slack, telegram: None };
    let updates = config.telegram.as_ref().map(|telegram| &telegram.updates);
    let (Some(telegram), Some(updates)) = (telegram, updates) else { return buttons };
    match updates {
        Updates::Poll => {
            workers.spawn(paging::ask_for_updates(context.clone(), telegram, stopping.clone()));
        }
        Updates::Webhook { secret } => {
            buttons.telegram = Some(secret.clone());
            let (secret, stop) = (secret.clone(), stopping.clone());
            workers.spawn(paging::have_updates_delivered(context.clone(), telegram, secret, stop));
        }
    }
    buttons
}

async fn listen(address: SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(not_listening(address))
}

fn not_listening(address: SocketAddr) -> impl Fn(std::io::Error) -> AppError {
    move |cause| AppError::Listen { address, cause }
}

/// A free port that was asked for shows in the address that was left out.
fn public_url(config: &Config, address: SocketAddr) -> String {
    let left_out = format!("http://{}", config.server.listen);
    if config.server.public_url == left_out { format!("http://{address}") } else { config.server.public_url.clone() }
}
