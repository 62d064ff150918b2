//! `/healthz`: the process lives. `/readyz`: it can do its work. `/metrics`: for Prometheus.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    directory::Loaded,
    metrics::{Recorder, recorder},
};
use crate::{
    declare::directory::default_org,
    store::{StoreError, alerts, outbox, timers},
    telemetry::{Log, metric},
    work::Context,
};

/// Whoever asks gives up soon after.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often what was measured is put into its buckets, also when nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// What health is read from. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    context: Context,
    loaded: watch::Receiver<Loaded>,
    workers: TaskTracker,
    /// So many were started; each of them runs until the service stops.
    workers_started: usize,
    recorder: Recorder,
    log: Option<Arc<Log>>,
}

impl Health {
    /// To be made when all workers have been started.
    pub fn start(
        context: Context,
        loaded: watch::Receiver<Loaded>,
        workers: TaskTracker,
        log: Option<Arc<Log>>,
        stop: CancellationToken,
    ) -> Self {
        let recorder = recorder();
        tokio::spawn(stop.run_until_cancelled_owned(keep_up(recorder.clone())));
        let workers_started = workers.len();
        Self { context, loaded, workers, workers_started, recorder, log }
    }

    /// Whether a unit of work passes, through the writer, and a reader answers.
    async fn database(&self) -> Result<(), String> {
        let asked = async {
            self.context.store.write(async |_| Ok(())).await?;
            let mut db = self.context.store.read().await?;
            crate::store::declarations::revision(&mut db, &default_org()).await
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it does not answer".to_owned()),
        }
    }

    /// What is counted when somebody asks, not when it happens.
    async fn measure(&self) -> Result<(), StoreError> {
        if let Some(log) = &self.log {
            metrics::gauge!(metric::LOG_DROPPED).set(count(i64::try_from(log.dropped()).unwrap_or(i64::MAX)));
        }
        let now = self.context.clock.now();
        let mut db = self.context.store.read().await?;
        let (triggered, acknowledged) = alerts::count_open(&mut db, &default_org()).await?;
        metrics::gauge!(metric::ALERTS_OPEN, "state" => "triggered").set(count(triggered));
        metrics::gauge!(metric::ALERTS_OPEN, "state" => "acknowledged").set(count(acknowledged));
        metrics::gauge!(metric::DUE, "table" => "timers").set(count(timers::count_due(&mut db, now).await?));
        metrics::gauge!(metric::DUE, "table" => "attempts").set(count(outbox::count_due(&mut db, now).await?));
        Ok(())
    }
}

/// Puts what was measured into its buckets, now and then.
pub async fn keep_up(recorder: Recorder) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        recorder.upkeep();
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2⁵³ alerts")]
fn count(number: i64) -> f64 {
    number as f64
}

pub fn routes(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

pub async fn alive() -> Json<Value> {
    Json(json!({ "alive": true, "version": env!("CARGO_PKG_VERSION") }))
}

async fn ready(State(health): State<Health>) -> (StatusCode, Json<Value>) {
    let database = health.database().await;
    let loaded = *health.loaded.borrow();
    let running = health.workers.len();
    let workers = running >= health.workers_started && !health.workers.is_closed();
    let ready = database.is_ok() && workers && loaded.current;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let why = match &database {
        Err(why) => Some(format!("the database does not work: {why}")),
        Ok(()) if health.workers.is_closed() => Some("the service is being stopped".to_owned()),
        Ok(()) if !workers => Some("a worker has ended; the log says why".to_owned()),
        Ok(()) if !loaded.current => {
            Some("the declarations could not be read; the ones before stay in force".to_owned())
        }
        Ok(()) => None,
    };
    let parts = json!({
        "ready": ready,
        "why": why,
        "database": { "ready": database.is_ok() },
        // The store does not open before its schema is up to date.
        "migrations": { "ready": true },
        "workers": { "ready": workers, "running": running, "started": health.workers_started },
        "directory": { "ready": loaded.current, "revision": loaded.revision, "faults": loaded.faults },
    });
    (status, Json(parts))
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    match tokio::time::timeout(PATIENCE, health.measure()).await {
        Ok(Ok(())) => {}
        // The other figures are wanted most just then.
        Ok(Err(error)) => tracing::warn!(%error, "metrics that count rows are old"),
        Err(_) => tracing::warn!("metrics that count rows are old: the database does not answer"),
    }
    figures(&health.recorder)
}

pub fn figures(recorder: &Recorder) -> impl IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], recorder.text())
}
