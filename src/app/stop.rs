//! When the service ends: at SIGTERM or SIGINT it finishes what it has begun, for as long as whoever stops it
//! waits; a second signal ends it at once.

use std::{io, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Systemd waits 90 seconds and Kubernetes 30 before they kill.
const PATIENCE: Duration = Duration::from_secs(25);

/// The signals that end a service. They are caught from the moment this is made.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Everything that was begun is finished and durable.
    Finished,
    /// It took too long. What was accepted is durable, and what is unfinished is taken up at the next start.
    Late,
    /// A second signal: somebody was impatient. What was accepted is durable all the same.
    Abandoned,
}

impl Signals {
    pub fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits for a signal, then stops the service.
pub async fn until_signal(stop: impl Future<Output = ()>, mut signals: Signals) -> Stopped {
    signals.next().await;
    tracing::info!("asked to stop; what was begun is finished first");
    ended(stop, PATIENCE, signals.next()).await
}

async fn ended(stop: impl Future<Output = ()>, patience: Duration, again: impl Future<Output = ()>) -> Stopped {
    tokio::select! {
        finished = tokio::time::timeout(patience, stop) => match finished {
            Ok(()) => {
                tracing::info!("stopped");
                Stopped::Finished
            }
            Err(_) => {
                tracing::warn!("stopping took too long; what was accepted is durable and is gone on with at the next start");
                Stopped::Late
            }
        },
        () = again => {
            tracing::warn!("asked to stop twice, so what is left is abandoned");
            Stopped::Abandoned
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const MOMENT: Duration = Duration::from_millis(5);

    #[tokio::test]
    async fn a_stop_ends_finished_late_or_abandoned() {
        assert_eq!(ended(ready(()), MOMENT, pending()).await, Stopped::Finished);
        assert_eq!(ended(pending(), MOMENT, pending()).await, Stopped::Late);
        assert_eq!(ended(pending(), PATIENCE, ready(())).await, Stopped::Abandoned);
    }
}
