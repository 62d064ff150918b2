//! `pikett serve`: the service, until SIGTERM or SIGINT.

use std::sync::Arc;

use clap::Args;

use super::{Common, Failure, Verdict};
use crate::{
    app::{
        Extras, Service,
        standby::Standby,
        stop::{self, Signals, Stopped},
    },
    clock::Ids,
    config::{Config, LogFormat},
    telemetry,
};

/// Answer the hotlines and page people, until told to stop
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  pikett serve -c /etc/pikett/pikett.toml
  pikett serve --spare -c /etc/pikett/pikett.toml   # at the number's fallback URL

SIGTERM and SIGINT (Ctrl-C) finish what was begun, for 25 seconds at most, and end it with 0; a second one ends it
at once, with 1.")]
pub struct Arguments {
    /// Answer carriers with the spare documents alone; needs no database
    #[arg(long)]
    spare: bool,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let config = common.load()?;
    let log = Arc::new(telemetry::start(&config.log.level, config.log.format == LogFormat::Json));
    // From here on a signal is an orderly end, also in the middle of the start.
    let signals = Signals::catch().map_err(|error| Failure::of("catch signals", error))?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    if arguments.spare {
        return spare(common, &config, signals).await;
    }
    let extras = Extras { log: Some(Arc::clone(&log)), ..Extras::default() };
    let service = Service::start_with(&config, common.clock(), Ids::random(), extras).await;
    let service = service.map_err(|error| Failure::of("start the service", error))?;
    let address = service.address();
    tracing::info!(%address, public_url = config.server.public_url, "listening on http://{address}");
    Ok(verdict(stop::until_signal(service.stop(), signals).await))
}

async fn spare(common: &Common, config: &Config, signals: Signals) -> Result<Verdict, Failure> {
    let standby = Standby::start(config, common.clock()).await;
    let standby = standby.map_err(|error| Failure::of("start the service", error))?;
    let address = standby.address();
    tracing::info!(
        %address, public_url = config.server.public_url, mode = "spare",
        "listening on http://{address} with the spare documents alone"
    );
    Ok(verdict(stop::until_signal(standby.stop(), signals).await))
}

pub(super) fn verdict(stopped: Stopped) -> Verdict {
    match stopped {
        // Whoever stops a service asks whether it stopped in order: nothing that was accepted is lost.
        Stopped::Finished | Stopped::Late => Verdict::Sound,
        Stopped::Abandoned => Verdict::Wrong,
    }
}
