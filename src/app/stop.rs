//! When the service ends: at SIGTERM or SIGINT it finishes what it has begun; a second signal, or a
//! stop that takes too long, ends it at once.

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
    /// Somebody was impatient. What was acknowledged is durable all the same.
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
    tokio::select! {
        finished = tokio::time::timeout(PATIENCE, stop) => match finished {
            Ok(()) => {
                tracing::info!("stopped");
                Stopped::Finished
            }
            Err(_) => {
                tracing::warn!("stopping took too long, so what is left is abandoned");
                Stopped::Abandoned
            }
        },
        () = signals.next() => {
            tracing::warn!("asked to stop twice, so what is left is abandoned");
            Stopped::Abandoned
        }
    }
}
