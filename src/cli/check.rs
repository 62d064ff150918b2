//! `pikett check`: would the service work with this configuration and this database?

use clap::Args;

use super::{Common, Failure, Verdict, declared, say};
use crate::{
    config::Config,
    declare::{Assembled, Directory},
    model::{
        fault::did_you_mean,
        person::{Channel, Person},
    },
};

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
    let (_, store) = common.open().await?;
    let declared = declared::load(&store).await.map_err(|error| Failure::of("read the declarations", error));
    store.close().await;
    let declared = declared?;
    say(format_args!("database       sound, declarations at revision {}", declared.revision));
    Ok(declarations(&config, &declared::directory(&declared, &config)))
}

fn declarations(config: &Config, Assembled { directory, faults }: &Assembled) -> Verdict {
    let mut verdict = Verdict::Sound;
    let mut wrong = |text: String| {
        verdict = Verdict::Wrong;
        say(format_args!("wrong          {text}"));
    };
    for fault in faults {
        wrong(fault.to_string());
    }
    if let Some(policy) = directory.org_policy.as_ref().filter(|policy| !directory.policies.contains_key(*policy)) {
        let near = did_you_mean(policy.as_str(), directory.policies.keys().map(|id| id.as_str()));
        let mend = near.unwrap_or_else(|| "declare it".to_owned());
        wrong(format!("[org] names the policy `{policy}`, which there is not; {mend}"));
    }
    for warning in unreachable(config, directory) {
        say(format_args!("warning        {warning}"));
    }
    say(format_args!(
        "declarations   {} people, {} schedules, {} policies, {} customers, {} contracts, {} hotlines, {} integrations",
        directory.people.len(),
        directory.schedules.len(),
        directory.policies.len(),
        directory.customers.len(),
        directory.contracts.len(),
        directory.hotlines.len(),
        directory.integrations.len(),
    ));
    say(format_args!("flows          {} sound", directory.flows.len()));
    verdict
}

/// People whom this configuration cannot reach at all.
fn unreachable(config: &Config, directory: &Directory) -> Vec<String> {
    let works = |channel: Channel| match channel {
        Channel::Sms | Channel::Voice => !config.carriers.is_empty(),
        Channel::Email => config.email.is_some(),
        Channel::Push => true,
    };
    let reached = |person: &&Person| person.methods.iter().any(|method| works(method.address.channel()));
    let people = directory.people.values().filter(|person| !reached(person));
    people.map(|person| format!("nobody can reach {}: the configuration has none of their channels", person.id)).collect()
}
