//! A place that answers with the spare documents alone: whatever a carrier asks, a caller gets to a human or
//! leaves a message. For the number's fallback URL, and for a load balancer that has nobody else left.

use std::{fs, io, time::Duration};

use axum::{Router, extract::State as Extract, response::Response, routing::any};
use tokio_util::sync::CancellationToken;

use super::{Desk, Plan, What, answer, instead, is_gone, recorded, taken, urls};
use crate::{hotline::voice::Arrival, web::webhook::Webhook};

/// How often the file is looked at: the service writes it anew when the declarations change.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often a disk is asked again that took nothing.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// Every path of a call. Those of technicians' phones end by themselves.
pub fn routes(desk: Desk) -> Router {
    Router::new()
        .route(urls::VOICE, any(caller))
        .route(urls::FALLBACK, any(super::fallback))
        .route(urls::TURN, any(caller))
        .route(urls::QUEUE, any(caller))
        .route(urls::WAIT, any(waiting))
        .route(urls::RECORDING, any(report))
        .route(urls::VOICE_STATUS, any(ended))
        .with_state(desk.clone())
        .merge(super::routes(desk))
}

async fn caller(Extract(desk): Extract<Desk>, webhook: Webhook) -> Response {
    answer("voice", instead(&desk, &webhook).await)
}

async fn report(Extract(desk): Extract<Desk>, webhook: Webhook) -> Response {
    if let Some(reported) = recorded::reported(&webhook) {
        desk.happened(&Arrival::of(&webhook.carrier, &webhook.form), reported).await;
    }
    taken("recording")
}

/// Out of the queue of a service that is gone: what follows it is asked for here.
async fn waiting(Extract(desk): Extract<Desk>, webhook: Webhook) -> Response {
    answer("wait", desk.leave(&webhook.carrier))
}

async fn ended(Extract(desk): Extract<Desk>, webhook: Webhook) -> Response {
    if is_gone(&webhook.form) {
        desk.happened(&Arrival::of(&webhook.carrier, &webhook.form), What::Ended).await;
    }
    taken("voice-status")
}

/// Brings to the disk what it did not take at first, until `stop`.
pub async fn write_again(desk: Desk, stop: CancellationToken) {
    let mut pace = tokio::time::interval(WRITE_EVERY);
    while stop.run_until_cancelled(pace.tick()).await.is_some() {
        desk.disk().write_again().await;
    }
}

/// What the file says. Blocks.
pub fn load(desk: &Desk) -> Result<Plan, String> {
    let text = fs::read_to_string(desk.file()).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is none: the service writes it when it starts".to_owned(),
        _ => error.to_string(),
    })?;
    Plan::from_json(&text)
}

/// Follows the file until `stop`; one that cannot be read leaves the last one in force.
pub async fn follow(desk: Desk, stop: CancellationToken) {
    let mut last: Option<Result<Plan, String>> = None;
    let mut pace = tokio::time::interval(LOOK_EVERY);
    while stop.run_until_cancelled(pace.tick()).await.is_some() {
        let reading = desk.clone();
        let read = tokio::task::spawn_blocking(move || load(&reading)).await;
        let read = read.unwrap_or_else(|error| Err(error.to_string()));
        if last.as_ref() == Some(&read) {
            continue;
        }
        match &read {
            Ok(plan) => {
                tracing::info!(revision = plan.revision, "the spare file is in use");
                desk.prepare(plan.clone());
            }
            Err(why) => tracing::error!(why, file = %desk.file().display(), "the spare file cannot be read"),
        }
        last = Some(read);
    }
}
