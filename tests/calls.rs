//! Calls from the first ringing to their outcome, as callers, technicians and the carrier live them: the
//! real service and the simulated carrier over real HTTP, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "the whole crate is tests")]

#[path = "calls/checks.rs"]
mod checks;
#[path = "calls/connected.rs"]
mod connected;
#[path = "support/database.rs"]
mod database;
#[path = "calls/story.rs"]
mod story;
