//! `pikett demo`: a sample MSP on a simulated carrier, for a person at a browser or as a scripted night.
//!
//! Like `app` it may use everything. Start with `stage` (what is played on), then `live` and `night`.

pub mod live; // for a person at a browser
pub mod night; // the script
mod scenes; // what happens in that night
mod service; // the service as a process that can be killed
pub mod stage; // simulator, configuration, sample MSP
mod transcript; // what everybody heard, got and pressed

use thiserror::Error;

use crate::{app::AppError, cli::Failure, model::fault::Fault, sim::SimError, store::StoreError};

#[derive(Debug, Error)]
pub enum DemoError {
    #[error("could not start the simulated carrier")]
    Simulator(#[source] SimError),
    #[error("could not make {what}")]
    Folder {
        what: String,
        #[source]
        cause: std::io::Error,
    },
    #[error("the demo's own configuration is wrong: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faults(Vec<Fault>),
    #[error("could not apply the sample MSP: {}", .0.in_words())]
    Apply(Failure),
    #[error("could not use the demo's database")]
    Store(#[source] StoreError),
    #[error("could not start the service")]
    App(#[source] AppError),
    #[error("the service does not become ready; {log} may say why")]
    NotReady { log: String },
}
