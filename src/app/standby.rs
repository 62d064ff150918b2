//! `pikett serve --spare`: answers carriers with the spare documents alone, from the file that the service wrote,
//! without a database. A second place, for the number's fallback URL.

use std::net::SocketAddr;

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    AppError,
    health::{alive, figures, keep_up},
    listen,
    metrics::{Recorder, recorder},
    not_listening, outside, public_url, routes, server,
};
use crate::{
    carrier::http_client,
    clock::Clock,
    config::Config,
    hotline::spare::{Desk, standby},
    web::webhook::Webhooks,
};

/// Answers until `stop`.
pub struct Standby {
    address: SocketAddr,
    stopping: CancellationToken,
    requests: TaskTracker,
    workers: TaskTracker,
    desk: Desk,
}

#[derive(Clone)]
struct Health {
    desk: Desk,
    recorder: Recorder,
}

impl Standby {
    /// A spare file that is missing or broken is said, and no reason not to answer.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, AppError> {
        let recorder = recorder();
        let listener = listen(config.server.listen).await?;
        let address = listener.local_addr().map_err(not_listening(config.server.listen))?;
        let carriers = outside::carriers(&config.carriers, &http_client(&clock), &clock);
        let webhooks = Webhooks::new(carriers, &public_url(config, address), clock.clone());
        let desk = Desk::new(webhooks, clock, &config.server.spare_file);
        if let Ok(plan) = standby::load(&desk) {
            desk.prepare(plan);
        }
        let (stopping, requests, workers) = (CancellationToken::new(), TaskTracker::new(), TaskTracker::new());
        workers.spawn(standby::follow(desk.clone(), stopping.clone()));
        workers.spawn(standby::write_again(desk.clone(), stopping.clone()));
        tokio::spawn(stopping.clone().run_until_cancelled_owned(keep_up(recorder.clone())));
        let router = Router::new()
            .route("/healthz", get(alive))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(Health { desk: desk.clone(), recorder })
            .merge(standby::routes(desk.clone()));
        requests.spawn(server::serve(listener, routes::finished(router), stopping.clone(), requests.clone()));
        Ok(Self { address, stopping, requests, workers, desk })
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes nothing new, finishes what it has begun, and brings to the disk what is in memory.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.requests.close();
        self.workers.close();
        self.requests.wait().await;
        self.workers.wait().await;
        self.desk.disk().write_again().await;
    }
}

/// Whether callers get more than an apology, and whether what they leave is on the disk.
async fn ready(State(health): State<Health>) -> (StatusCode, Json<Value>) {
    let unkept = health.desk.disk().unkept_count();
    let file = tokio::task::spawn_blocking({
        let desk = health.desk.clone();
        move || standby::load(&desk)
    });
    let why = match file.await {
        _ if unkept > 0 => Some(format!("the journal cannot be written: {unkept} lines are in memory only")),
        Ok(Ok(_)) => None,
        Ok(Err(why)) => Some(format!("the spare file cannot be read: {why}")),
        Err(error) => Some(error.to_string()),
    };
    let status = if why.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let parts = json!({
        "ready": why.is_none(),
        "why": why,
        "mode": "spare",
        "file": { "path": health.desk.file().display().to_string(), "revision": health.desk.revision() },
    });
    (status, Json(parts))
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    figures(&health.recorder)
}
