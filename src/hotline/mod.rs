//! The hotline: a customer's call, from the carrier's first webhook to its outcome.
//!
//! Every webhook is checked before it is read, loads the call, lets the flow decide, saves state,
//! effects and document as one unit of work, and answers the document. A carrier is never answered an
//! error: whatever fails, there is a document that leads to a human, a voicemail or an apology. Start
//! with `routes`, then `turn`.

mod aside; // another technician is wanted
mod callbacks; // promises to call back
mod called; // flows that a call may call
mod calls; // turns, the end of the queue
mod connect; // the timer by which people are rung
mod dismissed; // why somebody who answered does not talk
pub mod document; // what is heard → TwiML: pure
mod effects; // what a turn does beside answering
mod ended; // the end of a call, and what comes after it
mod facts; // what a turn may know
mod handed_on; // calls that no flow answers
mod intake; // answers to the five questions
mod known; // calls that wait for the next key
mod leg_end; // why a phone is off the line, and what follows
mod legs; // technicians' phones
pub mod lookup; // what an endpoint of the MSP knows
pub mod music; // hold music of our own
mod numbers; // of alerts that a unit of work may open
mod plain; // turns that change nothing but their call
mod recorded; // what callers said
mod rings; // what the carrier is asked to do
mod room; // what a waiting caller hears
pub mod spare; // the answer when nothing else can be had
mod star; // the keys of a technician who talks
mod talk; // when a technician and the caller talk
mod talks; // those that were recorded
mod turn; // one turn of a call
mod unplayed; // audio that the carrier cannot fetch
pub mod urls; // the paths
mod voice; // a call comes in, ends, or could not be answered
mod waiting; // what is kept of a waiting caller
mod words; // what technicians hear: pure

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::FromRef,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};

use crate::{
    carrier::{
        signature::Form,
        twiml::{self, Verb},
    },
    ivr::{self, Flow},
    model::{id::FlowId, language::Language},
    store::{StoreError, flows},
    telemetry::metric,
    web::{problem::RETRY_AFTER_S, webhook::Webhooks},
    work::{Context, Handler, msp},
};
use known::KnownCalls;
use lookup::Lookups;
use spare::{Desk, Recorded, What};
use urls::Urls;
use voice::Arrival;

/// Carriers wait 15 s and then apologise in English. A real time: carriers know no other.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// Older versions of flows, for calls that began with them.
const OLD_FLOWS_MAX: usize = 64;
/// Stands in for a flow that cannot be read.
const MESSAGES_ONLY: &str = include_str!("../../ivr-flows/voicemail-only.toml");

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Parts>);

struct Parts {
    context: Context,
    webhooks: Webhooks,
    lookups: Lookups,
    /// Messages are put into words here: the carrier is not asked to.
    transcribes: bool,
    old_flows: Mutex<BTreeMap<(FlowId, i64), Arc<Flow>>>,
    known: KnownCalls,
    turns: plain::Turns,
    desk: Desk,
}

impl FromRef<State> for Webhooks {
    fn from_ref(state: &State) -> Self {
        state.webhooks().clone()
    }
}

impl State {
    /// Starts the task that saves turns which come together; it ends with the last clone.
    pub fn start(context: Context, webhooks: Webhooks, lookups: Lookups, transcribes: bool, desk: Desk) -> Self {
        let turns = plain::turns(context.store.clone());
        let (old_flows, known) = (Mutex::default(), KnownCalls::default());
        Self(Arc::new(Parts { context, webhooks, lookups, transcribes, old_flows, known, turns, desk }))
    }

    /// Answers whom nothing else answers.
    fn desk(&self) -> &Desk {
        &self.0.desk
    }

    fn context(&self) -> &Context {
        &self.0.context
    }

    fn lookups(&self) -> &Lookups {
        &self.0.lookups
    }

    fn webhooks(&self) -> &Webhooks {
        &self.0.webhooks
    }

    fn known(&self) -> &KnownCalls {
        &self.0.known
    }

    fn turns(&self) -> &plain::Turns {
        &self.0.turns
    }

    /// A version that is no longer the latest.
    async fn old_flow(&self, id: &FlowId, version: i64) -> Result<Arc<Flow>, StoreError> {
        let key = (id.clone(), version);
        let known = self.0.old_flows.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(flow) = known {
            return Ok(flow);
        }
        let mut db = self.context().store.read().await?;
        let stored = flows::version(&mut db, &self.context().directory().org, id, version).await?;
        drop(db);
        let flow = match stored.and_then(|stored| ivr::parse(&stored.file, &stored.source).ok()) {
            Some(flow) => Arc::new(flow),
            None => self.flow_in_place_of(id).await?,
        };
        let mut flows = self.0.old_flows.lock().unwrap_or_else(PoisonError::into_inner);
        if flows.len() >= OLD_FLOWS_MAX {
            flows.clear();
        }
        Ok(Arc::clone(flows.entry(key).or_insert(flow)))
    }
}

impl State {
    /// A stored flow that cannot be read, as after a change of the language: its callers leave a message,
    /// and the MSP hears of it.
    async fn flow_in_place_of(&self, id: &FlowId) -> Result<Arc<Flow>, StoreError> {
        let title = format!("Flow {id} cannot be read");
        let text = format!("Its hotlines take messages only, until `pikett apply` brings a sound flow `{id}`.");
        msp::report(self.context(), &format!("flow-unreadable:{id}"), &title, &text, None).await?;
        Ok(Arc::new(ivr::parse("voicemail-only.toml", MESSAGES_ONLY).expect("the shipped flow is sound")))
    }
}

/// Carriers' paths take any method: whoever is no carrier learns nothing, not even which ones exist.
pub fn routes(state: State) -> Router {
    let spare = spare::routes(state.desk().clone());
    Router::new()
        .route(urls::VOICE, any(voice::came_in))
        .route(urls::VOICE_STATUS, any(voice::ended))
        .route(urls::FALLBACK, any(unplayed::fallback))
        .route(urls::TURN, any(calls::turn))
        .route(urls::WAIT, any(room::wait))
        .route(urls::QUEUE, any(calls::queue))
        .route(urls::RECORDING, any(recorded::recording))
        .route(urls::TRANSCRIPTION, any(recorded::transcription))
        .route(urls::LEG, any(legs::answered))
        .route(urls::LEG_KEY, any(legs::key))
        .route(urls::LEG_WHISPER, any(legs::whisper))
        .route(urls::LEG_TALKED, any(legs::talked))
        .route(urls::LEG_STAR, any(star::key))
        .route(urls::LEG_JOIN, any(star::join))
        .route(urls::LEG_STATUS, any(legs::status))
        .route(urls::LEG_DISMISSED, any(dismissed::dismissed))
        .route(urls::PUSH, any(handed_on::push))
        .route(music::PATH, get(music::hold))
        .with_state(state)
        .merge(spare)
}

/// The timers that the hotline works off.
pub fn handlers(state: &State) -> Vec<Arc<dyn Handler>> {
    vec![
        Arc::new(connect::Connecting(state.clone())),
        Arc::new(rings::Ringing(state.clone())),
        Arc::new(callbacks::CallingBack(state.clone())),
    ]
}

fn answer(kind: &'static str, document: String) -> Response {
    metrics::counter!(metric::WEBHOOKS, "kind" => kind, "answer" => "document").increment(1);
    ([(header::CONTENT_TYPE, twiml::CONTENT_TYPE)], document).into_response()
}

/// What is odd about a request, beside the document that it is answered with: `repeated`, `late` or `unknown`.
fn noticed(kind: &'static str, what: &'static str) {
    metrics::counter!(metric::WEBHOOKS, "kind" => kind, "answer" => what).increment(1);
}

/// A report was taken.
fn taken(kind: &'static str) -> Response {
    metrics::counter!(metric::WEBHOOKS, "kind" => kind, "answer" => "taken").increment(1);
    StatusCode::NO_CONTENT.into_response()
}

/// A report could not be kept. Nobody hears this answer; who repeats it helps, else we ask later.
fn come_again(kind: &'static str, error: &StoreError) -> Response {
    metrics::counter!(metric::WEBHOOKS, "kind" => kind, "answer" => "unavailable").increment(1);
    tracing::error!(error = error as &dyn std::error::Error, kind, "a carrier's report could not be kept");
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, RETRY_AFTER_S.to_string())]).into_response()
}

/// A report that the database did not take is in the journal of the spare documents: few carriers repeat it.
fn journaled(kind: &'static str) -> Response {
    metrics::counter!(metric::WEBHOOKS, "kind" => kind, "answer" => "journaled").increment(1);
    StatusCode::NO_CONTENT.into_response()
}

/// Does the work, and answers another document when it fails, panics or takes too long.
async fn guard<F>(work: F, spare: impl FnOnce() -> String) -> String
where
    F: Future<Output = Result<String, StoreError>> + Send + 'static,
{
    served(work).await.unwrap_or_else(spare)
}

/// The work's document, if it comes in time.
async fn served<F>(work: F) -> Option<String>
where
    F: Future<Output = Result<String, StoreError>> + Send + 'static,
{
    let document = in_time(work, "the spare document answers").await;
    if document.is_none() {
        metrics::counter!(metric::WEBHOOKS, "kind" => "spare", "answer" => "spare").increment(1);
    }
    document
}

/// Does the work on a task of its own, so that a carrier who goes away does not break it off. `None`: it fails,
/// panics, or takes too long and may still come to its end; `instead` says what is done about that.
async fn in_time<T, F>(work: F, instead: &'static str) -> Option<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    match tokio::time::timeout(ANSWER_WITHIN, tokio::spawn(work)).await {
        Ok(Ok(Ok(done))) => return Some(done),
        Ok(Ok(Err(error))) => {
            tracing::error!(error = &error as &dyn std::error::Error, instead, "a webhook's work failed");
        }
        Ok(Err(error)) => tracing::error!(%error, instead, "a webhook's work panicked"),
        Err(_) => tracing::error!(instead, "a webhook's work takes too long"),
    }
    None
}

impl State {
    /// The work's document for a caller, or the one that leads to a human without the database; what the caller
    /// said with this request is kept then.
    async fn or_spare<F>(&self, work: F, arrival: &Arrival, form: &Form) -> String
    where
        F: Future<Output = Result<String, StoreError>> + Send + 'static,
    {
        match served(work).await {
            Some(document) => document,
            None => {
                let said = Recorded::of(recorded::of(form)).map(What::Message);
                self.desk().answer(arrival, said, spare::is_gone(form)).await
            }
        }
    }
}

fn text(response: &twiml::Response, urls: &Urls) -> String {
    document::text(response, urls, &Language::english())
}

/// A sentence and the end of the call.
fn farewell(language: &Language, sentence: impl Fn(&words::Words) -> &'static str, urls: &Urls) -> String {
    let (words, language) = words::words(language);
    let response = twiml::Response::new().with(document::say(&language, sentence(words))).with(Verb::Hangup);
    document::text(&response, urls, &language)
}
