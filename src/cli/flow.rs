//! `pikett flow`: what one can do with flows: check them without a database, and choose which version of
//! one is in force.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Common, Failure, Verdict, apply::is_passed_over, say, say_json, versions};
use crate::{ivr, model::fault::Fault};

/// Check flows, and choose which version answers calls
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(CheckArguments),
    Versions(versions::VersionsArguments),
    Activate(versions::ActivateArguments),
    Rollback(versions::RollbackArguments),
}

/// Read flows and say all that is wrong with them
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett flow check ivr-flows/*.toml")]
struct CheckArguments {
    /// Flow files; *.test.toml are passed over
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print the faults as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    match &arguments.command {
        Command::Check(arguments) => Ok(check(arguments)),
        Command::Versions(arguments) => versions::list(common, arguments).await,
        Command::Activate(arguments) => versions::run_activate(common, arguments).await,
        Command::Rollback(arguments) => versions::run_rollback(common, arguments).await,
    }
}

fn check(arguments: &CheckArguments) -> Verdict {
    let mut verdict = Verdict::Sound;
    let mut answers = Vec::new();
    for path in arguments.files.iter().filter(|path| !is_passed_over(path)) {
        let name = path.display().to_string();
        let read = fs::read_to_string(path).map_err(|error| {
            let what = format!("the file could not be read: {error}");
            vec![Fault { file: name.clone(), line: 0, column: 0, what, mend: String::new() }]
        });
        match read.and_then(|text| ivr::parse(&name, &text)) {
            Ok(flow) if arguments.json => answers.push(json!({ "file": name, "flow": flow.id.as_str(), "faults": [] })),
            Ok(flow) => say(format_args!("{name}: flow {} is sound, {} steps", flow.id, flow.steps().count())),
            Err(faults) => {
                verdict = Verdict::Wrong;
                if arguments.json {
                    answers.push(json!({ "file": name, "faults": faults.iter().map(fault).collect::<Vec<_>>() }));
                } else {
                    faults.iter().for_each(say);
                }
            }
        }
    }
    if arguments.json {
        say_json(&answers.into());
    }
    verdict
}

fn fault(fault: &Fault) -> serde_json::Value {
    json!({ "line": fault.line, "column": fault.column, "what": fault.what, "mend": fault.mend })
}
