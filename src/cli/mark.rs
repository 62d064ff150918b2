//! `pikett mark list|clear`: contact methods that do not work, on the database, beside a running service.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Common, Failure, Verdict, acting, say, say_json};
use crate::{
    api::{doing::actor, wire::Mark},
    config::Config,
    declare::directory::default_org,
    model::id::{MethodId, PersonId},
    store::{Store, StoreError, marks as rows},
    work::marks,
};

/// See which contact methods do not work, and use one again
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett mark list")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the contact methods that are not used, since nothing gets to them any more
    #[command(after_help = "Example:\n  pikett mark list")]
    List(ListArguments),
    /// Use a contact method again
    #[command(after_help = "Example:\n  pikett mark clear anna mobile")]
    Clear(ClearArguments),
}

#[derive(Debug, Args)]
struct ListArguments {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ClearArguments {
    /// Whose it is
    person: PersonId,
    /// The contact method's id
    method: MethodId,
    /// Who does it: a declared person's id, or any name
    #[arg(long, value_name = "NAME", default_value = "operator")]
    by: String,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (config, store) = common.open().await?;
    let verdict = match &arguments.command {
        Command::List(list) => listed(&store, list).await.map_err(|error| Failure::of("read the marks", error)),
        Command::Clear(which) => {
            let cleared = clear(common, &config, &store, which).await;
            cleared.map_err(|error| Failure::of(format!("use {} of {} again", which.method, which.person), error))
        }
    };
    store.close().await;
    verdict
}

async fn listed(store: &Store, arguments: &ListArguments) -> Result<Verdict, StoreError> {
    let found = rows::all(&mut *store.read().await?, &default_org()).await?;
    let found: Vec<Mark> = found.iter().map(Mark::from).collect();
    if arguments.json {
        let items: Result<Vec<Value>, _> = found.iter().map(serde_json::to_value).collect();
        say_json(&items.expect("strings and numbers can be written").into());
        return Ok(Verdict::Sound);
    }
    if found.is_empty() {
        say("no contact method is marked");
    }
    for mark in &found {
        say(in_words(mark));
    }
    Ok(Verdict::Sound)
}

/// `anna/mobile  sms +49…01  since 2026-03-01 02:31Z: the number is unknown to its network`
pub fn in_words(mark: &Mark) -> String {
    let since = mark.at.format("%Y-%m-%d %H:%MZ");
    format!("{}/{}  {} {}  since {since}: {}", mark.person, mark.method, mark.channel, mark.address, mark.why)
}

async fn clear(common: &Common, config: &Config, store: &Store, which: &ClearArguments) -> Result<Verdict, StoreError> {
    let context = acting::context(common, config, store).await?;
    let acting = context.acting();
    let (by, person, method) = (actor(&acting, &which.by), which.person.clone(), which.method.clone());
    let lift = async move |db: &mut sqlx::AnyConnection| {
        marks::lift(db, &acting, (&person, &method), &by, "on the command line").await
    };
    Ok(match context.change(lift).await? {
        Some(mark) => {
            say(format_args!("{}/{} ({}) is used again", which.person, which.method, mark.address.masked()));
            Verdict::Sound
        }
        None => {
            say(format_args!("{}/{} is not marked", which.person, which.method));
            Verdict::Wrong
        }
    })
}
