//! `pikett flow`: what one can do with flows without a database.

mod calls; // test files → played calls
mod check;
mod graph;
mod schema;
mod test;

use clap::{Args, Subcommand};

use super::{Common, Failure, Verdict};

/// Check flows, draw them, run their scripted calls
#[derive(Debug, Args)]
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
}

pub fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    match &arguments.command {
        Command::Check(arguments) => Ok(check::run(arguments)),
        Command::Graph(arguments) => graph::run(arguments),
        Command::Schema(arguments) => Ok(schema::run(arguments)),
        Command::Test(arguments) => test::run(common, arguments),
    }
}
