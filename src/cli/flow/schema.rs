//! `pikett flow schema`: the form of flow files for editors.

use clap::Args;

use crate::{
    cli::{Verdict, say_json},
    ivr::schema::schema,
};

/// Print the JSON Schema of flow files, for editors
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett flow schema > flow.schema.json")]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Verdict {
    say_json(&schema());
    Verdict::Sound
}
