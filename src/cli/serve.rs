//! `pikett serve`: the service, until SIGTERM or SIGINT.

use std::sync::Arc;

use clap::Args;

use super::{Common, Failure, Verdict};
use crate::{
    app::{
        Extras, Service,
        stop::{self, Signals, Stopped},
    },
    clock::Ids,
    config::LogFormat,
    telemetry,
};

/// Answer the hotlines and page people, until told to stop
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  pikett serve -c /etc/pikett/pikett.toml

SIGTERM and SIGINT (Ctrl-C) finish what was begun and end it; a second one ends it at once.")]
pub struct Arguments {}

pub async fn run(common: &Common, _: &Arguments) -> Result<Verdict, Failure> {
    let config = common.load()?;
    let log = Arc::new(telemetry::start(&config.log.level, config.log.format == LogFormat::Json));
    // From here on a signal is an orderly end, also in the middle of the start.
    let signals = Signals::catch().map_err(|error| Failure::of("catch signals", error))?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let extras = Extras { log: Some(Arc::clone(&log)), ..Extras::default() };
    let service = Service::start_with(&config, common.clock(), Ids::random(), extras).await;
    let service = service.map_err(|error| Failure::of("start the service", error))?;
    let address = service.address();
    tracing::info!(%address, public_url = config.server.public_url, "listening on http://{address}");
    Ok(match stop::until_signal(service, signals).await {
        Stopped::Finished => Verdict::Sound,
        Stopped::Abandoned => Verdict::Wrong,
    })
}
