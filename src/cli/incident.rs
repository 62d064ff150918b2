//! `pikett incident open|update|resolve|list|show`: outages as customers hear of them, on the database,
//! beside a running service.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Common, Failure, Verdict, acting, say, say_json};
use crate::{
    api::{
        doing::actor,
        incidents::{Named, story},
        wire::{Incident, IncidentStory},
    },
    declare::directory::default_org,
    model::{
        id::{ContractId, CustomerId},
        incident::IncidentState,
        language::Language,
    },
    store::{Store, StoreError, incidents},
    work::{
        Context,
        incidents::{self as work, Draft, Updated},
    },
};

/// Rows that are read at once.
const PAGE: i64 = 200;

/// Tell customers of an outage: on the hotline and by SMS
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett incident open \"Mail is down\" --text en=\"Mail is down.\" --customer acme")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open an incident; flows with a `notice` step tell of it from then on
    #[command(after_help = "Example:\n  pikett incident open \"Mail is down\" --text de=\"Die Mail ist gestört.\" \
                            --text en=\"Mail is down.\" --customer acme")]
    Open(Opening),
    /// Say how it goes on; whoever follows it gets an SMS
    #[command(after_help = "Example:\n  pikett incident update 3 --state identified --text en=\"A disk has failed.\"")]
    Update(Updating),
    /// It is over: the last SMS goes out, and callers hear of it no more
    #[command(
        visible_alias = "close",
        after_help = "Example:\n  pikett incident resolve 3 --text en=\"Mail works again.\""
    )]
    Resolve(Resolving),
    /// List the incidents, the newest first
    #[command(after_help = "Example:\n  pikett incident list --open")]
    List(Listing),
    /// Show one with everything that was told of it
    #[command(after_help = "Example:\n  pikett incident show 3")]
    Show(Showing),
}

#[derive(Debug, Args)]
struct Opening {
    title: String,
    #[command(flatten)]
    told: Told,
    #[command(flatten)]
    whom: Whom,
    /// How far it is: investigating (the default), identified, monitoring, resolved
    #[arg(long)]
    state: Option<IncidentState>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct Updating {
    /// Its id or its number
    incident: Named,
    /// How far it is: investigating, identified, monitoring, resolved
    #[arg(long)]
    state: Option<IncidentState>,
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    told: Told,
    #[command(flatten)]
    whom: Whom,
    /// Only if nobody has changed it since this revision
    #[arg(long, value_name = "N")]
    rev: Option<i64>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct Resolving {
    /// Its id or its number
    incident: Named,
    #[command(flatten)]
    told: Told,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct Listing {
    /// Only those that are not resolved
    #[arg(long)]
    open: bool,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Showing {
    /// Its id or its number
    incident: Named,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Told {
    /// What callers hear, once per language; replaces what was told before
    #[arg(long = "text", value_name = "LANGUAGE=TEXT", value_parser = text)]
    texts: Vec<(Language, String)>,
    /// Of the texts, the one for callers whose language has none
    #[arg(long)]
    language: Option<Language>,
}

#[derive(Debug, Args)]
struct Whom {
    /// Whom it touches; may be given several times [default: everybody]
    #[arg(long = "customer", value_name = "ID")]
    customers: Vec<CustomerId>,
    #[arg(long = "contract", value_name = "ID")]
    contracts: Vec<ContractId>,
}

#[derive(Debug, Args)]
struct How {
    /// Who does it: a declared person's id, or any name
    #[arg(long, value_name = "NAME", default_value = "operator")]
    by: String,
    /// Print the incident as JSON
    #[arg(long)]
    json: bool,
}

fn text(given: &str) -> Result<(Language, String), String> {
    let (language, text) = given.split_once('=').ok_or("write LANGUAGE=TEXT, such as de=\"Die Mail ist gestört.\"")?;
    Ok((language.trim().parse()?, text.to_owned()))
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (config, store) = common.open().await?;
    let done = async {
        match &arguments.command {
            Command::List(listing) => return list(&store, listing).await,
            Command::Show(showing) => return show(&store, showing).await,
            Command::Open(_) | Command::Update(_) | Command::Resolve(_) => {}
        }
        let context =
            acting::context(common, &config, &store).await.map_err(|error| Failure::of("work on incidents", error))?;
        match &arguments.command {
            Command::Open(opening) => open(&context, opening).await,
            Command::Update(updating) => {
                let draft = Draft {
                    title: updating.title.clone(),
                    state: updating.state,
                    rev: updating.rev,
                    ..draft(&updating.told, Some(&updating.whom))
                };
                update(&context, &updating.incident, draft, &updating.how).await
            }
            Command::Resolve(resolving) => {
                let draft = Draft { state: Some(IncidentState::Resolved), ..draft(&resolving.told, None) };
                update(&context, &resolving.incident, draft, &resolving.how).await
            }
            Command::List(_) | Command::Show(_) => Ok(Verdict::Sound),
        }
    };
    let verdict = done.await;
    store.close().await;
    verdict
}

fn draft(told: &Told, whom: Option<&Whom>) -> Draft {
    let given = |is_any: bool| is_any.then_some(());
    Draft {
        language: told.language.clone(),
        texts: told.texts.iter().cloned().collect::<BTreeMap<_, _>>(),
        customers: whom
            .and_then(|whom| given(!whom.customers.is_empty()).map(|()| whom.customers.iter().cloned().collect())),
        contracts: whom
            .and_then(|whom| given(!whom.contracts.is_empty()).map(|()| whom.contracts.iter().cloned().collect())),
        ..Draft::default()
    }
}

async fn open(context: &Context, opening: &Opening) -> Result<Verdict, Failure> {
    let draft =
        Draft { title: Some(opening.title.clone()), state: opening.state, ..draft(&opening.told, Some(&opening.whom)) };
    let acting = context.acting();
    refuse(&draft, context, true)?;
    let by = actor(&acting, &opening.how.by);
    let opened = context.change(async move |db| work::open(db, &acting, &draft, &by).await).await;
    let opened = opened.map_err(|error| Failure::of("open the incident", error))?;
    tell(&Incident::from(&opened), opening.how.json, "is open");
    Ok(Verdict::Sound)
}

fn refuse(draft: &Draft, context: &Context, is_new: bool) -> Result<(), Failure> {
    let faults = draft.faults(&context.directory(), is_new);
    if faults.is_empty() {
        return Ok(());
    }
    let faults: Vec<String> = faults.into_iter().map(|(field, message)| format!("{field}: {message}")).collect();
    Err(Failure::Refused(faults.join("; ")))
}

async fn update(context: &Context, name: &Named, draft: Draft, how: &How) -> Result<Verdict, Failure> {
    let failed = |error| Failure::of(format!("update incident {name}"), error);
    refuse(&draft, context, false)?;
    let acting = context.acting();
    let by = actor(&acting, &how.by);
    let number = context.store.alert_number(acting.org()).await.map_err(failed)?;
    let unit = {
        let name = name.clone();
        async move |db: &mut sqlx::AnyConnection| {
            let Some(row) = name.find(db, acting.org()).await? else { return Ok(Updated::Missing) };
            work::update(db, &acting, &row.id, &draft, &by, number).await
        }
    };
    let updated = context.change(unit).await;
    let told = match &updated {
        Ok(Updated::Done { news, .. }) => news.told.as_ref(),
        Ok(_) | Err(_) => None,
    };
    work::settle(context, number, told);
    let (incident, words, verdict) = match updated.map_err(failed)? {
        Updated::Done { incident, news } => {
            let words = format!("is {}; SMS sent: {}", incident.state.as_str(), news.texted);
            (incident, words, Verdict::Sound)
        }
        Updated::Unchanged(incident) => (incident, "says so already".to_owned(), Verdict::Sound),
        Updated::Over(incident) => (incident, "is resolved, and stays so".to_owned(), Verdict::Wrong),
        Updated::Newer(incident) => {
            let words = format!("has changed meanwhile: its revision is {}", incident.rev);
            (incident, words, Verdict::Wrong)
        }
        Updated::Missing => return Ok(nothing(name)),
    };
    tell(&Incident::from(&incident), how.json, &words);
    Ok(verdict)
}

fn tell(incident: &Incident, json: bool, words: &str) {
    if json {
        print(incident);
    } else {
        say(format_args!("incident {} ({}) {words}", incident.number, incident.title));
    }
}

fn nothing(name: &Named) -> Verdict {
    say(format_args!("there is no incident {name}"));
    Verdict::Wrong
}

fn print(value: &impl Serialize) {
    say_json(&serde_json::to_value(value).expect("strings and numbers can be written"));
}

async fn list(store: &Store, listing: &Listing) -> Result<Verdict, Failure> {
    let found = all(store, listing.open).await.map_err(|error| Failure::of("read the incidents", error))?;
    if listing.json {
        print(&found);
        return Ok(Verdict::Sound);
    }
    if found.is_empty() {
        say(if listing.open { "no incident is open" } else { "there are no incidents" });
    }
    for incident in &found {
        say(in_words(incident));
    }
    Ok(Verdict::Sound)
}

async fn all(store: &Store, only_open: bool) -> Result<Vec<Incident>, StoreError> {
    let mut db = store.read().await?;
    if only_open {
        return Ok(incidents::open(&mut db, &default_org()).await?.iter().map(Incident::from).collect());
    }
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let rows = incidents::list(&mut db, &default_org(), before.as_ref(), PAGE).await?;
        found.extend(rows.iter().map(Incident::from));
        match rows.last() {
            Some(row) if rows.len() == usize::try_from(PAGE).unwrap_or(0) => before = Some(row.id.clone()),
            Some(_) | None => return Ok(found),
        }
    }
}

/// `#3     identified     2026-03-01 02:31Z  Mail is down (acme)`
fn in_words(incident: &Incident) -> String {
    let whom: Vec<&str> = incident.customers.iter().chain(&incident.contracts).map(String::as_str).collect();
    let whom = if whom.is_empty() { "everybody".to_owned() } else { whom.join(", ") };
    format!(
        "#{:<5} {:<13}  {}  {} ({whom})",
        incident.number,
        incident.state,
        incident.opened_at.format("%Y-%m-%d %H:%MZ"),
        incident.title
    )
}

async fn show(store: &Store, showing: &Showing) -> Result<Verdict, Failure> {
    let found = async {
        let mut db = store.read().await?;
        story(&mut db, &default_org(), &showing.incident).await
    };
    let found = found.await.map_err(|error| Failure::of("read the incident", error))?;
    let Some(IncidentStory { incident, updates, followers }) = &found else { return Ok(nothing(&showing.incident)) };
    if showing.json {
        print(&found);
        return Ok(Verdict::Sound);
    }
    say(in_words(incident));
    for update in updates {
        say(format_args!("  {}  {:<13}  {}", update.at.format("%Y-%m-%d %H:%MZ"), update.state, update.by));
        for (language, text) in &update.texts {
            say(format_args!("      {language}: {text}"));
        }
    }
    say(format_args!("  followed by {followers} callers, revision {}", incident.rev));
    Ok(Verdict::Sound)
}
