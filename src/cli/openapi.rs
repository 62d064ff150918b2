//! `pikett openapi`: the description of the API, as the service answers it.

use clap::Args;

use super::{Verdict, say_json};
use crate::api::openapi;

/// Print the API's OpenAPI document
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett openapi > pikett-openapi.json")]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Verdict {
    say_json(&openapi::describe());
    Verdict::Sound
}
