//! A dead man's switch: as long as all is well, somebody outside hears so; whoever hears nothing any more
//! raises the alarm that we no longer can.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::wellness::Wellness;
use crate::{clock::Clock, model::secret::Secret, telemetry::metric};

/// Nobody has looked for longer: then nobody knows.
const KNOWN_FOR: TimeDelta = TimeDelta::seconds(45);
const PATIENCE: Duration = Duration::from_secs(10);

/// Whom to tell, and how often.
pub struct Heartbeat {
    /// It names the check, so that it is a secret.
    pub url: Secret,
    pub every: TimeDelta,
    pub http: reqwest::Client,
}

impl Heartbeat {
    pub async fn run(self, clock: Clock, wellness: watch::Receiver<Option<Wellness>>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let seen = *wellness.borrow();
            match seen {
                Some(seen) if seen.is_well && clock.now() - seen.at <= KNOWN_FOR => self.beat().await,
                Some(_) => {
                    count("withheld");
                    tracing::warn!("no heartbeat goes out: pages are late, or a worker stands still");
                }
                // Nobody has looked yet.
                None => {}
            }
            let pause = if seen.is_some() { self.every } else { TimeDelta::seconds(1) };
            tokio::select! {
                () = stop.cancelled() => {}
                () = clock.sleep(pause) => {}
            }
        }
    }

    async fn beat(&self) {
        let answer = self.http.get(self.url.expose()).timeout(PATIENCE).send().await;
        match answer.and_then(reqwest::Response::error_for_status) {
            Ok(_) => count("sent"),
            Err(error) => {
                count("failed");
                let error = error.without_url();
                tracing::warn!(error = &error as &dyn std::error::Error, "the heartbeat did not get through");
            }
        }
    }
}

fn count(outcome: &'static str) {
    metrics::counter!(metric::HEARTBEATS, "outcome" => outcome).increment(1);
}
