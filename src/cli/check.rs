//! `pikett check`: would the service work with this configuration?

use clap::Args;

use super::{Common, Failure, Verdict, say};

/// Check the configuration, the database, the carriers and the flows
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett check -c /etc/pikett/pikett.toml")]
pub struct Arguments {}

pub async fn run(common: &Common, _: &Arguments) -> Result<Verdict, Failure> {
    let config = common.load()?;
    say("configuration  sound");
    for warning in config.warnings() {
        say(format_args!("warning        {warning}"));
    }
    Ok(Verdict::Sound)
}
