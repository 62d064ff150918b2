//! Scripted calls of a flow: `name.test.toml` is read and played on the real engine, with phones that ring
//! in virtual time. Pure: files and secrets are handed in, nothing is sent, nobody waits.
//!
//! Start with `script` (what a test says), then `play` (how it is played). `org` makes a fixture's
//! declarations and the flow under test into the directory that calls are played on.

mod act; // what callers and technicians do
mod alerts; // what a call leaves behind
mod answer; // of an endpoint that a call asks
mod expect; // what should have come of it
mod org; // fixtures → Directory
mod phones; // technicians' phones in virtual time
mod pins; // whose PIN it is, looked up once
mod play; // one call, from entry to entry
mod read; // the file
mod script; // what a test says
mod transcript; // what was heard and done, and up to where it has been looked at
mod walked; // which exits no call took

pub use org::{directory_of, hotline_of};
pub use pins::Pins;
pub use play::{Failure, Played, play};
pub use read::read;
pub use script::TestCall;
pub use walked::untested;

#[cfg(test)]
mod tests;
