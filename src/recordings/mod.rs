//! What callers said after the tone: fetched from the carrier, kept sealed, deleted there, put into words,
//! handed out by signed links, and removed when its time is over.
//!
//! A page never waits for any of this. Each step is a timer of its own, so a crash repeats it and loses
//! nothing: `fetch` (with the deletion at the carrier and the end of the keeping), then `transcribe`;
//! `listen` plays it. The bytes on disk mean nothing without the key.

mod fetch; // from the carrier, away from there, and away from here
mod listen; // the signed link
mod seal; // encryption: pure
mod transcribe; // the command that turns speech into words
mod vault; // the files

use std::{path::PathBuf, sync::Arc};

use axum::{Router, routing::get};
use chrono::TimeDelta;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    carrier::carriers::Carriers,
    model::secret::Secret,
    notify::urls,
    work::{Context, Handler},
};
use seal::Sealer;
use vault::Vault;

/// Speech is turned into words with all the machine has: not many at a time.
const TRANSCRIBED_AT_ONCE: usize = 2;

/// A talk of four hours is 230 MB, in memory while it is sealed.
const LONG_FETCHED_AT_ONCE: usize = 1;

/// How recordings are kept.
#[derive(Debug, Clone)]
pub struct Settings {
    pub folder: PathBuf,
    /// Where a contract says nothing else.
    pub retention: TimeDelta,
    /// A program and its arguments, with `{file}` and `{language}`. `None`: the carrier's words, or none.
    pub transcriber: Option<Vec<String>>,
    /// Then it is ended.
    pub transcriber_limit: TimeDelta,
    pub key: Secret,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Recordings(Arc<Parts>);

struct Parts {
    context: Context,
    carriers: Carriers,
    settings: Settings,
    vault: Vault,
    transcribers: Arc<Semaphore>,
    fetchers: Arc<Semaphore>,
    stopping: CancellationToken,
    workers: TaskTracker,
}

impl Recordings {
    pub fn new(
        context: Context,
        carriers: Carriers,
        settings: Settings,
        stopping: CancellationToken,
        workers: TaskTracker,
    ) -> Self {
        let vault = Vault::new(&settings.folder, Sealer::new(&settings.key));
        let transcribers = Arc::new(Semaphore::new(TRANSCRIBED_AT_ONCE));
        let fetchers = Arc::new(Semaphore::new(LONG_FETCHED_AT_ONCE));
        Self(Arc::new(Parts { context, carriers, settings, vault, transcribers, fetchers, stopping, workers }))
    }

    fn context(&self) -> &Context {
        &self.0.context
    }
}

pub fn routes(recordings: Recordings) -> Router {
    Router::new().route(urls::RECORDING, get(listen::play)).with_state(recordings)
}

/// The timers that recordings go by.
pub fn handlers(recordings: &Recordings) -> Vec<Arc<dyn Handler>> {
    vec![Arc::new(fetch::Fetching(recordings.clone())), Arc::new(transcribe::Transcribing(recordings.clone()))]
}
