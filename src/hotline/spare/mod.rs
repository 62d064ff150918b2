//! The last-known-good answer: whatever fails, a caller gets to a human by static numbers, or leaves a message.
//!
//! Rendered ahead whenever the declarations change, and needs no database: the follow-ups carry what they need,
//! what happens goes to a journal. `taken_up` brings it into the database when that is back; `standby` answers
//! with nothing else. Start at `Desk`.

mod desk;
mod disk; // where what happens is kept until it is brought home
mod document; // what is heard: pure
mod entry; // what happened: pure
mod journal; // on the disk
mod meter; // money, in memory
mod plan; // whom to dial: pure
pub mod standby; // a place without a database
mod step; // where a caller stands: pure
mod taken_up; // the journal → the database

use std::sync::Arc;

use axum::{Router, extract::State as Extract, response::Response, routing::any};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{answer, recorded, taken, urls, voice::Arrival};
use crate::{
    carrier::{signature::Form, status::CallStatus},
    declare::Directory,
    model::language::Language,
    web::{text, webhook::Webhook},
};
pub use desk::Desk;
use entry::Entry;
pub use entry::{Recorded, What};
pub use plan::Plan;
use step::Step;

/// The path that a waiting caller's documents have.
const WAIT_ENDS_WITH: &str = "/wait";

/// What any place answers, with or without a database.
pub fn routes(desk: Desk) -> Router {
    Router::new()
        .route(urls::MESSAGE, any(message))
        .route(urls::SPARE_NEXT, any(next))
        .route(urls::SPARE_WHISPER, any(whisper))
        .route(urls::SPARE_KEY, any(key))
        .with_state(desk)
}

/// Renders anew whenever the declarations change, until `stop`.
pub async fn keep_ready(desk: Desk, mut directory: watch::Receiver<Arc<Directory>>, stop: CancellationToken) {
    loop {
        let now = Arc::clone(&directory.borrow_and_update());
        prepare(&desk, &now).await;
        match stop.run_until_cancelled(directory.changed()).await {
            Some(Ok(())) => {}
            // Nobody changes it any more.
            Some(Err(_)) => return stop.cancelled().await,
            None => return,
        }
    }
}

/// A file that cannot be written keeps nobody from being answered here.
async fn prepare(desk: &Desk, directory: &Directory) {
    desk.prepare(Plan::of(directory));
    let saving = desk.clone();
    let saved = tokio::task::spawn_blocking(move || saving.save()).await;
    let trouble = match saved {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(why = trouble, file = %desk.file().display(), "the spare file could not be written");
}

/// The carrier could not have or use one of our documents.
pub(super) async fn fallback(Extract(desk): Extract<Desk>, webhook: Webhook) -> Response {
    let code: String = webhook.form.get("ErrorCode").unwrap_or("none").chars().take(10).collect();
    tracing::error!(code, "the carrier fell back: one of our documents could not be had or used");
    let failed = webhook.form.get("ErrorUrl").and_then(|url| url.split('?').next());
    if failed.is_some_and(|path| path.ends_with(WAIT_ENDS_WITH)) {
        // Who waits is in the carrier's queue, where nobody can be dialled: what follows it is asked for next.
        return answer("voice-fallback", desk.leave(&webhook.carrier));
    }
    answer("voice-fallback", instead(&desk, &webhook).await)
}

/// The document in place of the one that this request asks for.
async fn instead(desk: &Desk, webhook: &Webhook) -> String {
    let said = Recorded::of(recorded::of(&webhook.form)).map(What::Message);
    desk.answer(&Arrival::of(&webhook.carrier, &webhook.form), said, is_gone(&webhook.form)).await
}

/// Nothing that we answer is heard any more.
pub fn is_gone(form: &Form) -> bool {
    CallStatus::parse(form.get("CallStatus").unwrap_or_default()).is_final()
}

/// What a caller said after a spare document.
async fn message(Extract(desk): Extract<Desk>, webhook: Webhook) -> Response {
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let language = Step::of(&webhook).map_or_else(|| desk.language(&arrival), |step| step.language);
    if let Some(recorded) = Recorded::of(recorded::of(&webhook.form)) {
        desk.happened(&arrival, What::Message(recorded)).await;
    }
    answer("voice-message", desk.farewell(&arrival, &language, true))
}

/// A dialled human has taken the call, or has not.
async fn next(Extract(desk): Extract<Desk>, webhook: Webhook) -> Response {
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let Some(step) = Step::of(&webhook) else { return answer("spare-next", instead(&desk, &webhook).await) };
    let bridged = webhook.form.bridged() == Some(true);
    if let Some(rung) = step.rung.as_ref().filter(|_| bridged) {
        desk.happened(&arrival, What::Talked(rung.number.clone())).await;
        return answer("spare-next", desk.farewell(&arrival, &step.language, false));
    }
    if is_gone(&webhook.form) {
        return answer("spare-next", desk.farewell(&arrival, &step.language, false));
    }
    answer("spare-next", desk.ring_next(&arrival, step).await)
}

async fn whisper(Extract(desk): Extract<Desk>, webhook: Webhook) -> Response {
    answer("spare-whisper", desk.whisper(&webhook.carrier, &spoken(&webhook)))
}

async fn key(Extract(desk): Extract<Desk>, webhook: Webhook) -> Response {
    let digits: String = text::key(webhook.form.get("Digits").unwrap_or_default()).chars().take(4).collect();
    let asked = webhook.queried("n").unwrap_or(u32::MAX);
    answer("spare-key", desk.pressed(&webhook.carrier, &spoken(&webhook), &digits, asked))
}

fn spoken(webhook: &Webhook) -> Language {
    webhook.queried("language").unwrap_or_else(Language::english)
}
