//! `pikett language`: what Pikett itself says, for whoever adds a language: the file to start from, and
//! whether the new one is sound.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failure, Verdict, say};
use crate::{
    app::languages::read,
    languages::{Languages, shipped},
    model::fault::did_you_mean,
};

/// What Pikett itself says: print a language that comes along, check files that add some
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  pikett language show en > languages/fr.toml
  pikett language check languages/fr.toml

The folder is named by `languages` in [server]; it is read when the service starts.")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the file of a language that comes along: English explains what each sentence is for
    #[command(after_help = "Example:\n  pikett language show en > languages/fr.toml")]
    Show {
        #[arg(value_name = "TAG")]
        language: String,
    },
    /// Say all that is wrong with files of languages
    #[command(after_help = "Example:\n  pikett language check languages/fr.toml")]
    Check {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

pub fn run(arguments: &Arguments) -> Result<Verdict, Failure> {
    match &arguments.command {
        Command::Show { language } => show(language),
        Command::Check { files } => check(files),
    }
}

fn show(language: &str) -> Result<Verdict, Failure> {
    let found = shipped().into_iter().find(|(tag, _)| *tag == language);
    let Some((_, text)) = found else {
        let tags = shipped().map(|(tag, _)| tag);
        let mend = did_you_mean(language, tags).unwrap_or_else(|| format!("use one of {}", tags.join(", ")));
        return Err(Failure::Refused(format!("`{language}` does not come along; {mend}")));
    };
    say(text.trim_end());
    Ok(Verdict::Sound)
}

fn check(files: &[PathBuf]) -> Result<Verdict, Failure> {
    let read = files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>().map_err(Failure::Faults)?;
    Languages::with(&read).map_err(Failure::Faults)?;
    for file in read {
        say(format_args!("{}: sound", file.name));
    }
    Ok(Verdict::Sound)
}
