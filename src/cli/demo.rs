//! `pikett demo`: everything on this machine, to try it.

use clap::Args;

use super::{Common, Failure, Verdict, say, serve};
use crate::{
    app::stop::{self, Signals},
    demo::{live::Live, night},
    telemetry,
};

/// Try everything on this machine: database, service, simulated carrier, sample MSP, console
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pikett demo             opens a hotline that you phone from the browser
  pikett demo --script    plays a night of calls at high speed; exit 0 when every promise held")]
pub struct Arguments {
    /// Play a night of calls at high speed, without a browser
    #[arg(long)]
    script: bool,
    /// Of the script: the same seed, the same night
    #[arg(long, default_value_t = 1, requires = "script")]
    seed: u64,
    /// Keep what the demo wrote (configuration, database, log) in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<std::path::PathBuf>,
}

pub async fn run(_: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let folder = Folder::make(arguments.keep.as_deref())?;
    let outcome = if arguments.script { script(&folder, arguments.seed).await } else { live(&folder).await };
    if arguments.keep.is_none() && matches!(outcome, Ok(Verdict::Sound)) {
        folder.remove();
    } else {
        say(format_args!("What the demo wrote is in {}.", folder.0.display()));
    }
    outcome
}

async fn script(folder: &Folder, seed: u64) -> Result<Verdict, Failure> {
    let broken = night::play(&folder.0, seed).await.map_err(|error| Failure::of("play the night", error))?;
    Ok(if broken == 0 { Verdict::Sound } else { Verdict::Wrong })
}

async fn live(folder: &Folder) -> Result<Verdict, Failure> {
    let _log = telemetry::start("warn", false);
    let signals = Signals::catch().map_err(|error| Failure::of("catch signals", error))?;
    let Live { stage, service } = Live::start(&folder.0).await.map_err(|error| Failure::of("start the demo", error))?;
    say(format_args!("Pikett's demo runs at {}/console", stage.url()));
    say("Phone the hotline +4930901820 there as Petra Klein, and let Anna, Ben or Cem answer. Ctrl-C ends it.");
    let stopped = stop::until_signal(service.stop(), signals).await;
    stage.sim.stop().await;
    Ok(serve::verdict(stopped))
}

/// Where the demo writes.
struct Folder(std::path::PathBuf);

impl Folder {
    fn make(named: Option<&std::path::Path>) -> Result<Self, Failure> {
        let fresh = || std::env::temp_dir().join(format!("pikett-demo-{}", std::process::id()));
        let path = named.map_or_else(fresh, std::path::Path::to_path_buf);
        std::fs::create_dir_all(&path).map_err(|error| Failure::of(format!("make {}", path.display()), error))?;
        Ok(Self(path))
    }

    fn remove(&self) {
        // What stays in the temporary folder does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
