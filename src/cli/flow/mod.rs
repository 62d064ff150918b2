//! `pikett flow`: what one can do with flows: check, draw and test them without a database, and choose which
//! version of one is in force.

pub mod calls; // test files → played calls
pub mod check;
mod graph;
mod schema;
mod test;

use clap::{Args, Subcommand};

use super::{Common, Failure, Verdict, versions};

/// Check flows, draw them, run their scripted calls, choose which version answers calls
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett flow check ivr-flows/sla-hotline.toml")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Graph(graph::Arguments),
    Schema(schema::Arguments),
    Test(test::Arguments),
    Versions(versions::VersionsArguments),
    Preview(versions::PreviewArguments),
    Activate(versions::ActivateArguments),
    Rollback(versions::RollbackArguments),
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    match &arguments.command {
        Command::Check(arguments) => check::run(common, arguments),
        Command::Graph(arguments) => graph::run(common, arguments),
        Command::Schema(arguments) => Ok(schema::run(arguments)),
        Command::Test(arguments) => test::run(common, arguments),
        Command::Versions(arguments) => versions::list(common, arguments).await,
        Command::Preview(arguments) => versions::run_preview(common, arguments).await,
        Command::Activate(arguments) => versions::run_activate(common, arguments).await,
        Command::Rollback(arguments) => versions::run_rollback(common, arguments).await,
    }
}
