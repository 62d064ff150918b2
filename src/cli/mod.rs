//! The command line: one file per subcommand, each with its arguments and one `run`.
//!
//! A new subcommand is a file here, a variant of `Command` and an arm of `run`. Data goes to
//! standard output, everything else to standard error. Exit codes: 0, 1 (found something wrong),
//! 2 (used wrongly, clap's own).

mod acting;
mod alert;
mod alerts;
pub mod apply;
mod callback;
mod callbacks;
mod calls;
mod check;
mod contact;
mod db;
mod demo;
mod explain;
mod failure;
mod files;
mod flow;
mod incident;
mod language;
mod mark;
mod notify;
mod oncall;
mod openapi;
mod pin;
mod serve;
mod sim;
mod token;
mod versions;

use std::{
    fmt::Display,
    future::Future,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

pub use failure::Failure;

// What the database holds, for those commands that ask it.
use crate::app::directory as declared;
use crate::{app::languages, clock::Clock, config::Config, store::Store};

/// Hotline and notification gateway: no call and no alert is ever lost, and somebody is always told.
#[derive(Debug, Parser)]
#[command(name = "pikett", version, max_term_width = 100, propagate_version = false)]
#[command(after_help = "\
Examples:
  pikett demo
  pikett check -c /etc/pikett/pikett.toml
  pikett apply -c /etc/pikett/pikett.toml msp/ ivr-flows/
  pikett serve -c /etc/pikett/pikett.toml")]
struct Line {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Check(check::Arguments),
    Apply(apply::Arguments),
    Flow(flow::Arguments),
    #[command(name = "oncall")]
    OnCall(oncall::Arguments),
    Alerts(alerts::Arguments),
    Alert(alert::Arguments),
    Calls(calls::Arguments),
    Callbacks(callbacks::Arguments),
    Callback(callback::Arguments),
    Incident(incident::Arguments),
    Mark(mark::Arguments),
    Explain(explain::Arguments),
    Language(language::Arguments),
    Contact(contact::Arguments),
    Notify(notify::Arguments),
    Pin(pin::Arguments),
    Db(db::Arguments),
    Token(token::Arguments),
    Demo(demo::Arguments),
    Sim(sim::Arguments),
    #[command(name = "openapi")]
    OpenApi(openapi::Arguments),
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// The configuration [default: pikett.toml, where it exists]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The time of tests and demos: ORIGIN_MS,START_MS,SPEED
    #[arg(long, global = true, hide = true, value_parser = clock)]
    clock: Option<Scaled>,
}

/// A clock that clap can carry.
#[derive(Clone)]
struct Scaled(Clock);

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Sound,
    /// Something is wrong, and it has been said.
    Wrong,
}

impl Verdict {
    /// Sound only when both are.
    #[must_use]
    fn and(self, other: Self) -> Self {
        match self {
            Self::Sound => other,
            Self::Wrong => Self::Wrong,
        }
    }
}

impl Common {
    /// The configuration alone.
    pub fn config(&self) -> Result<Config, Failure> {
        Config::load(self.config.as_deref()).map_err(Failure::Faults)
    }

    /// The configuration. From here on its languages are spoken.
    pub fn load(&self) -> Result<Config, Failure> {
        let config = self.config()?;
        languages::speak(config.server.languages.as_deref()).map_err(Failure::Faults)?;
        Ok(config)
    }

    /// For commands that need nothing else of the configuration: its languages. One that nobody named need not be
    /// whole for that: its secrets may be those of another machine.
    pub fn speak(&self) -> Result<(), Failure> {
        if self.config.is_some() {
            self.load()?;
            return Ok(());
        }
        let folder = Config::languages(None).map_err(Failure::Faults)?;
        languages::speak(folder.as_deref()).map_err(Failure::Faults)
    }

    /// The configuration, and its database with the schema brought up to date.
    pub async fn open(&self) -> Result<(Config, Store), Failure> {
        let config = self.load()?;
        let store = Store::open(config.database.url.expose()).await;
        Ok((config, store.map_err(|error| Failure::of("use the database", error))?))
    }

    pub fn clock(&self) -> Clock {
        self.clock.as_ref().map_or_else(Clock::system, |scaled| scaled.0.clone())
    }
}

/// Does what the command line says, and answers with the exit code.
pub fn main() -> ExitCode {
    let line = Line::parse();
    match run(&line.common, line.command) {
        Ok(Verdict::Sound) => ExitCode::SUCCESS,
        Ok(Verdict::Wrong) => ExitCode::FAILURE,
        Err(failure) => {
            // Nobody may be left to read it; the exit code still tells.
            let _ = writeln!(io::stderr(), "{}", failure.in_words());
            ExitCode::FAILURE
        }
    }
}

fn run(common: &Common, command: Command) -> Result<Verdict, Failure> {
    match command {
        Command::Serve(arguments) => wait_for(serve::run(common, &arguments)),
        Command::Check(arguments) => wait_for(check::run(common, &arguments)),
        Command::Apply(arguments) => wait_for(apply::run(common, &arguments)),
        Command::Flow(arguments) => wait_for(flow::run(common, &arguments)),
        Command::OnCall(arguments) => wait_for(oncall::run(common, &arguments)),
        Command::Alerts(arguments) => wait_for(alerts::run(common, &arguments)),
        Command::Alert(arguments) => wait_for(alert::run(common, &arguments)),
        Command::Calls(arguments) => wait_for(calls::run(common, &arguments)),
        Command::Callbacks(arguments) => wait_for(callbacks::run(common, &arguments)),
        Command::Callback(arguments) => wait_for(callback::run(common, &arguments)),
        Command::Incident(arguments) => wait_for(incident::run(common, &arguments)),
        Command::Mark(arguments) => wait_for(mark::run(common, &arguments)),
        Command::Explain(arguments) => wait_for(explain::run(common, &arguments)),
        Command::Contact(arguments) => wait_for(contact::run(common, &arguments)),
        Command::Notify(arguments) => wait_for(notify::run(common, &arguments)),
        Command::Pin(arguments) => wait_for(pin::run(common, &arguments)),
        Command::Db(arguments) => wait_for(db::run(common, &arguments)),
        Command::Token(arguments) => wait_for(token::run(common, &arguments)),
        Command::OpenApi(arguments) => Ok(openapi::run(&arguments)),
        Command::Language(arguments) => language::run(&arguments),
        Command::Demo(arguments) => wait_for(demo::run(common, &arguments)),
        Command::Sim(arguments) => wait_for(sim::run(common, &arguments)),
    }
}

const END_WITHIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs an asynchronous command to its end.
fn wait_for<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::of("start the runtime", error))?;
    let outcome = runtime.block_on(work);
    // What hangs outside of our reach (a name server, a disk) holds up no end.
    runtime.shutdown_timeout(END_WITHIN);
    outcome
}

/// One line, or several, to standard output. A reader who has gone away (`| head`) is no error.
fn say(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Data for other programs, as one JSON document.
fn say_json(data: &serde_json::Value) {
    say(format_args!("{data:#}"));
}

fn clock(argument: &str) -> Result<Scaled, String> {
    Clock::from_argument(argument).map(Scaled).ok_or_else(|| "write ORIGIN_MS,START_MS,SPEED".to_owned())
}

impl std::fmt::Debug for Scaled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scaled")
    }
}
