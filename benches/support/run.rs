//! A run is many rounds; a round gives each contestant one slice of half a second, one after the other,
//! so that all of them see the same disk and the same neighbours.

use std::{process::ExitCode, time::Duration};

use tokio::runtime::{Builder, Runtime};

pub const SLICE_S: f64 = 0.5;

/// How many rounds: the default, or the number on the command line (`cargo bench --bench intake -- 5`).
/// `None`: this is `cargo test`, for which compiling is enough.
pub fn rounds(default: usize) -> Option<usize> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return None;
    }
    Some(arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(default))
}

/// For servers that stand beside Pikett: threads as Pikett's own.
pub fn servers() -> Runtime {
    Builder::new_multi_thread().enable_all().build().expect("a runtime starts")
}

/// For whoever asks: one thread, so that the other core is the server's.
pub fn asker() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

/// Between two slices: what the one before left behind comes to rest.
pub async fn breathe() {
    let _ = tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await;
}

pub fn verdict(kept: &[bool]) -> ExitCode {
    if kept.iter().all(|kept| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
