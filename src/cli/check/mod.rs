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
        Instant,
        fault::did_you_mean,
        person::{Address, ContactMethod},
        phone::Phone,
    },
    store::{Store, StoreError, contacts, declarations::Declared, marks},
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
    let unused = unused(&store).await.map_err(|error| Failure::of("read which contacts are not used", error));
    store.close().await;
    let (declared, (stopped, marks)) = (declared?, unused?);
    say(format_args!("database       sound, declarations at revision {}", declared.revision));
    let verdict = declarations(&config, &declared, &stopped);
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

/// Numbers from which STOP was written, and not START since; and what is marked as not working.
async fn unused(store: &Store) -> Result<(Vec<(Phone, Instant)>, Vec<marks::Mark>), StoreError> {
    let mut db = store.read().await?;
    let stopped = contacts::stopped(&mut db, &default_org()).await?;
    Ok((stopped, marks::all(&mut db, &default_org()).await?))
}

/// The gap that a STOP leaves.
fn silenced(directory: &Directory, stopped: &[(Phone, Instant)]) -> Vec<String> {
    let method_with = |phone: &Phone| {
        let person = directory.person_with_phone(phone)?;
        Some((person, person.methods.iter().find(|method| method.address == Address::Sms(phone.clone()))?))
    };
    let gap = |(phone, at): &(Phone, Instant)| {
        let (person, method) = method_with(phone)?;
        let since = at.format("%Y-%m-%d %H:%M UTC");
        Some(format!("{} of {} gets no SMS since STOP at {since}, until START", method.id, person.id))
    };
    stopped.iter().filter_map(gap).collect()
}

fn declarations(config: &Config, declared: &Declared, stopped: &[(Phone, Instant)]) -> Verdict {
    let directory = declared::assemble(declared, &config.defaults).directory;
    let mut verdict = Verdict::Sound;
    for fault in stored_faults(&declared.documents, &declared::flow_sources(declared)) {
        verdict = wrong(fault);
    }
    let without_flow = config.numbers_without_flow();
    let lost = directory.hotlines.values().filter(|hotline| without_flow.iter().any(|number| hotline.answers(number)));
    for hotline in lost {
        verdict = wrong(format_args!(
            "hotline {} has a number at sipgate, which can run no flow; give it one at another carrier, and name that as \
             `forward_to` of [[carriers]]",
            hotline.number
        ));
    }
    if let Some(policy) = directory.org_policy.as_ref().filter(|policy| !directory.policies.contains_key(*policy)) {
        let near = did_you_mean(policy.as_str(), directory.policies.keys().map(|id| id.as_str()));
        let mend = near.unwrap_or_else(|| "declare it".to_owned());
        verdict = wrong(format_args!("[org] names the policy `{policy}`, which there is not; {mend}"));
    }
    let warnings = unreachable(config, &directory).into_iter().chain(silenced(&directory, stopped));
    let warnings = warnings.chain(spare_warnings(&directory));
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
        Address::Sms(_) | Address::Voice(_)
            if !config.carriers.iter().any(|carrier| carrier.carries(method.address.channel())) =>
        {
            Some("no carrier carries that")
        }
        Address::Sms(phone) | Address::Voice(phone) => {
            let allowed = directory.countries().contains(phone.country_code());
            (!allowed).then_some("[limits] leaves out its country")
        }
        Address::Email(_) => config.email.is_none().then_some("there is no [email]"),
        Address::Slack(_) => config.slack.is_none().then_some("there is no [slack]"),
        Address::Telegram(_) => config.telegram.is_none().then_some("there is no [telegram]"),
        Address::Webhook(_) => config.webhook.is_none().then_some("there is no [webhook]"),
        Address::Push(_) | Address::Teams(_) | Address::Ntfy(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::person::Person;

    #[test]
    fn a_number_that_wrote_stop_is_a_gap_where_somebody_is_paged_by_sms() {
        let phone = |number: &str| -> Phone { number.parse().unwrap() };
        let method = |id: &str, address| ContactMethod { id: id.parse().unwrap(), address };
        let anna = Person {
            id: "anna".parse().unwrap(),
            name: "Anna Berger".to_owned(),
            zone: chrono_tz::UTC,
            language: "en".parse().unwrap(),
            methods: vec![
                method("desk", Address::Voice(phone("+4930555020"))),
                method("text", Address::Sms(phone("+4915110000001"))),
            ],
            rules_high: Vec::new(),
            rules_low: Vec::new(),
            quiet: Vec::new(),
            shift_notice: None,
            absences: Vec::new(),
        };
        let mut directory = Directory::empty();
        directory.people.insert(anna.id.clone(), anna);
        let at = "2026-03-01T02:30:00Z".parse().unwrap();
        let stopped = ["+4915110000001", "+4930555020", "+4915119999999"].map(|number| (phone(number), at));
        let gap = "text of anna gets no SMS since STOP at 2026-03-01 02:30 UTC, until START";
        assert_eq!(silenced(&directory, &stopped), [gap]);
    }
}
