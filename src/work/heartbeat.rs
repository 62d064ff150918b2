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

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{Router, routing::get};

    use super::*;
    use crate::{carrier::http_client, store::testing::at};

    /// Until whoever runs on this clock waits for it to move.
    async fn waits_for(clock: &Clock) {
        while clock.next_wake().is_none_or(|due| due <= clock.now()) {
            Clock::system().sleep(TimeDelta::milliseconds(1)).await;
        }
    }

    /// How many beats came while what was seen, so many seconds ago, was this.
    async fn beats(seen: Option<(bool, i64)>) -> usize {
        let came = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&came);
        let check =
            Router::new().route("/check", get(async move || counted.fetch_add(1, Ordering::SeqCst).to_string()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/check", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let server = axum::serve(listener, check).with_graceful_shutdown(stop.clone().cancelled_owned());
        let server = tokio::spawn(async move { server.await.unwrap() });

        let clock = Clock::manual(at(100));
        let wellness = seen.map(|(is_well, ago)| Wellness { at: at(100 - ago), is_well });
        let (_says, heard) = watch::channel(wellness);
        let heart = Heartbeat { url: Secret::new(url), every: TimeDelta::seconds(20), http: http_client(&clock) };
        let heart = tokio::spawn(heart.run(clock.clone(), heard, stop.clone()));
        for _ in 0..4 {
            waits_for(&clock).await;
            clock.advance(TimeDelta::seconds(20));
        }
        waits_for(&clock).await;
        stop.cancel();
        heart.await.unwrap();
        server.await.unwrap();
        came.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn it_goes_out_while_all_is_well_and_somebody_has_looked_of_late() {
        // At 100, 120 and 140; from 146 on nobody knows any more.
        assert_eq!(beats(Some((true, 0))).await, 3);
        assert_eq!(beats(Some((true, 45))).await, 1);
        assert_eq!(beats(Some((true, 46))).await, 0);
    }

    #[tokio::test]
    async fn it_stays_away_when_something_is_wrong_or_nobody_has_looked() {
        assert_eq!(beats(Some((false, 0))).await, 0);
        assert_eq!(beats(None).await, 0);
    }
}
