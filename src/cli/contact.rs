//! `pikett contact`: ways to reach people beside what is declared by file. The code is sent by the running service.

use clap::{Args, Subcommand};

use super::{Common, Failure, Verdict, acting, say, say_json};
use crate::{
    api::{contacts::of_person, wire::Contact},
    config::Config,
    declare::{address, channel},
    model::{
        fault::did_you_mean,
        id::{MethodId, PersonId},
        person::{Channel, Person},
    },
    store::{Store, StoreError},
    work::{
        Acting, Context,
        contacts::{self, Refusal, Wanted},
    },
};

/// See and add ways to reach people, which they verify by a code or a link
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett contact list anna")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List them: where nothing goes yet, and where STOP keeps SMS away
    #[command(after_help = "Example:\n  pikett contact list anna")]
    List {
        /// Whose [default: everybody's]
        person: Option<PersonId>,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Add one, and send a code (by email a link) there
    #[command(after_help = "Example:\n  pikett contact add anna --id desk --kind voice --to +4930555020 --high 1m")]
    Add(Adding),
    /// Send another code
    #[command(after_help = "Example:\n  pikett contact code anna desk")]
    Code(Which),
    /// Give the code back that came: from then on it is used
    #[command(after_help = "Example:\n  pikett contact verify anna desk 012345")]
    Verify {
        #[command(flatten)]
        which: Which,
        code: String,
    },
    /// Use one no more
    #[command(after_help = "Example:\n  pikett contact remove anna desk")]
    Remove(Which),
}

#[derive(Debug, Args)]
struct Adding {
    /// A declared person's id
    person: PersonId,
    /// What it is called from now on
    #[arg(long, value_name = "ID")]
    id: MethodId,
    /// sms, voice, email, push, slack, teams, telegram, ntfy or webhook
    #[arg(long, value_name = "KIND", value_parser = channel)]
    kind: Channel,
    /// The number or address
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// How long after the beginning of an urgent page it is tried, or `never`
    #[arg(long, value_name = "AFTER", default_value = contacts::AT_ONCE)]
    high: String,
    /// The same for what can wait
    #[arg(long, value_name = "AFTER", default_value = contacts::NEVER)]
    low: String,
}

#[derive(Debug, Args)]
struct Which {
    /// A declared person's id
    person: PersonId,
    /// What the contact is called
    contact: MethodId,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (config, store) = common.open().await?;
    let done = act(common, &config, &store, &arguments.command).await;
    store.close().await;
    done
}

async fn act(common: &Common, config: &Config, store: &Store, command: &Command) -> Result<Verdict, Failure> {
    let failed = |error| Failure::of("work on the contacts", error);
    let context = acting::context(common, config, store).await.map_err(failed)?;
    let acting = context.acting();
    let (unit, words) = match command {
        Command::List { person, json } => return list(&context, person.as_ref(), *json).await,
        Command::Add(adding) => {
            let wanted = wanted(&acting, adding)?;
            let added = context.change(async move |db| contacts::add(db, &acting, &wanted).await).await;
            (added, "was added; a code is on its way there")
        }
        Command::Code(Which { person, contact }) => {
            let (person, contact) = (person.clone(), contact.clone());
            let sent = context.change(async move |db| contacts::send_code(db, &acting, &person, &contact).await).await;
            (sent, "gets another code")
        }
        Command::Verify { which, code } => {
            let (person, contact, code) = (which.person.clone(), which.contact.clone(), code.clone());
            let verify =
                async move |db: &mut sqlx::AnyConnection| contacts::verify(db, &acting, &person, &contact, &code).await;
            (context.change(verify).await, "is verified and used from now on")
        }
        Command::Remove(Which { person, contact }) => {
            let (person, contact) = (person.clone(), contact.clone());
            let removed = context.change(async move |db| contacts::remove(db, &acting, &person, &contact).await).await;
            (removed, "is used no more")
        }
    };
    match unit.map_err(failed)? {
        Ok(contact) => {
            say(format_args!("{} of {} ({}) {words}", contact.id, contact.person, contact.address.masked()));
            Ok(Verdict::Sound)
        }
        Err(refusal) => Err(refused(&refusal)),
    }
}

fn wanted(acting: &Acting, adding: &Adding) -> Result<Wanted, Failure> {
    known(acting, &adding.person)?;
    let after = |given: &str| contacts::after(given).map_err(Failure::Refused);
    Ok(Wanted {
        person: adding.person.clone(),
        id: adding.id.clone(),
        address: address(adding.kind, &adding.to).map_err(Failure::Refused)?,
        after_high: after(&adding.high)?,
        after_low: after(&adding.low)?,
    })
}

/// The person, or who may have been meant.
pub(super) fn known<'a>(acting: &'a Acting, id: &PersonId) -> Result<&'a Person, Failure> {
    acting.directory.people.get(id).ok_or_else(|| {
        let near = did_you_mean(id.as_str(), acting.directory.people.keys().map(|id| id.as_str()));
        let mend = near.unwrap_or_else(|| "`pikett apply` declares one".to_owned());
        Failure::Refused(format!("there is no person `{id}`; {mend}"))
    })
}

async fn list(context: &Context, person: Option<&PersonId>, json: bool) -> Result<Verdict, Failure> {
    let acting = context.acting();
    let people: Vec<&Person> = match person {
        Some(id) => vec![known(&acting, id)?],
        None => acting.directory.people.values().collect(),
    };
    let read = async {
        let mut db = context.store.read().await?;
        let mut found = Vec::new();
        for person in people {
            found.extend(of_person(&mut db, &acting, person).await?);
        }
        Ok(found)
    };
    let found: Vec<Contact> = read.await.map_err(|error: StoreError| Failure::of("read the contacts", error))?;
    if json {
        say_json(&serde_json::to_value(&found).expect("strings and numbers can be written"));
        return Ok(Verdict::Sound);
    }
    for contact in &found {
        say(in_words(contact));
    }
    Ok(Verdict::Sound)
}

/// `anna  desk  voice  +49…20  not verified`
fn in_words(contact: &Contact) -> String {
    let state = match (contact.declared, contact.verified) {
        (true, _) => "declared",
        (false, true) => "verified",
        (false, false) => "not verified: nothing but a code goes there",
    };
    let stopped = contact.stopped_at.map(|at| format!(", gets no SMS since STOP at {}", at.format("%Y-%m-%d %H:%MZ")));
    format!(
        "{:<12} {:<12} {:<8} {:<20} {state}{}",
        contact.person,
        contact.id,
        contact.kind,
        contact.to,
        stopped.unwrap_or_default()
    )
}

fn refused(refusal: &Refusal) -> Failure {
    Failure::Refused(refusal.to_string())
}
