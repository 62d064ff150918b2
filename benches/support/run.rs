//! A benchmark's run: how long, and what came of its promises.

use std::process::ExitCode;

/// How many rounds: the default, or the number on the command line (`cargo bench --bench intake -- 5`).
/// `None`: this is `cargo test`, for which compiling is enough.
pub fn rounds(default: usize) -> Option<usize> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return None;
    }
    Some(arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(default))
}

/// Says what was promised, and whether this run kept it.
pub fn promise(kept: bool, what: &str) -> bool {
    println!("  {}: {what}", if kept { "kept" } else { "MISSED" });
    kept
}

pub fn verdict(kept: &[bool]) -> ExitCode {
    if kept.iter().all(|kept| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
