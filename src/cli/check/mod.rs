//! `pikett check`: would the service work with this configuration and this database, and do those
//! answer whom it needs? Start at `run`.

mod outside; // carriers and the mail server
mod ready; // a running service

use std::fmt::Display;

use clap::Args;

use super::{Common, Failure, Verdict, declared, flow::check::hints, mark, say};
use crate::{
    api::wire::Mark,
    config::Config,
    declare::{Directory, directory::default_org, spare_warnings, stored_faults},
    languages,
    model::{
        fault::did_you_mean,
        person::{Address, ContactMethod},
    },
    store::{declarations::Declared, marks},
};

/// Check the configuration, the database, the carriers, the mail server and the flows
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  pikett check -c /etc/pikett/pikett.toml

The exit code is 0 when everything is sound and 1 when something is wrong. Warnings change nothing.")]
pub struct Arguments {
    /// Only ask the running service whether it is ready
    #[arg(long)]
    ready: bool,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    if arguments.ready {
        // A language's file that somebody is just writing makes no running service unready.
        return Ok(ready::ask(common.config()?.server.listen).await);
    }
    let config = common.load()?;
    say("configuration  sound");
    for warning in config.warnings() {
        say(format_args!("warning        {warning}"));
    }
    let spoken: Vec<&str> = languages::spoken().all().map(|sentences| sentences.language.as_str()).collect();
    say(format_args!("languages      {}", spoken.join(", ")));
    let (_, store) = common.open().await?;
    let declared = declared::load(&store).await.map_err(|error| Failure::of("read the declarations", error));
    let marks = async { marks::all(&mut *store.read().await?, &default_org()).await };
    let marks = marks.await.map_err(|error| Failure::of("read the marks", error));
    store.close().await;
    let (declared, marks) = (declared?, marks?);
    say(format_args!("database       sound, declarations at revision {}", declared.revision));
    let verdict = declarations(&config, &declared);
    for mark in &marks {
        say(format_args!("warning        not used: {}", mark::in_words(&Mark::from(mark))));
    }
    Ok(verdict.and(outside::ask(&config, &common.clock()).await))
}

/// What is wrong, in a line of its own.
fn wrong(what: impl Display) -> Verdict {
    say(format_args!("wrong          {what}"));
    Verdict::Wrong
}

fn declarations(config: &Config, declared: &Declared) -> Verdict {
    let directory = declared::assemble(declared, &config.defaults).directory;
    let mut verdict = Verdict::Sound;
    for fault in stored_faults(&declared.documents, &declared::flow_sources(declared)) {
        verdict = wrong(fault);
    }
    if let Some(policy) = directory.org_policy.as_ref().filter(|policy| !directory.policies.contains_key(*policy)) {
        let near = did_you_mean(policy.as_str(), directory.policies.keys().map(|id| id.as_str()));
        let mend = near.unwrap_or_else(|| "declare it".to_owned());
        verdict = wrong(format_args!("[org] names the policy `{policy}`, which there is not; {mend}"));
    }
    let warnings = unreachable(config, &directory).into_iter().chain(spare_warnings(&directory));
    for warning in warnings.chain(silent(&directory)) {
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

/// Contact methods that this configuration never uses, and people who have no others.
fn unreachable(config: &Config, directory: &Directory) -> Vec<String> {
    let mut warnings = Vec::new();
    for person in directory.people.values() {
        let lost: Vec<_> =
            person.methods.iter().filter_map(|method| Some((method, why_never(config, directory, method)?))).collect();
        if lost.len() == person.methods.len() {
            warnings.push(format!("nobody can reach {}", person.id));
        }
        warnings
            .extend(lost.iter().map(|(method, why)| format!("{} of {} is never used: {why}", method.id, person.id)));
    }
    warnings
}

/// Languages of flows in which Pikett itself has nothing to say.
fn silent(directory: &Directory) -> impl Iterator<Item = String> {
    let flows = directory.flows.values().map(|in_use| &in_use.flow);
    flows.flat_map(|flow| hints(flow).into_iter().map(|hint| format!("flow `{}`: {hint}", flow.id)))
}

fn why_never(config: &Config, directory: &Directory, method: &ContactMethod) -> Option<&'static str> {
    match &method.address {
        Address::Sms(_) | Address::Voice(_) if config.carriers.is_empty() => Some("there is no carrier"),
        Address::Sms(phone) | Address::Voice(phone) => {
            let allowed = directory.countries().contains(phone.country_code());
            (!allowed).then_some("[limits] leaves out its country")
        }
        Address::Email(_) => config.email.is_none().then_some("there is no [email]"),
        Address::Push(_) => None,
    }
}
