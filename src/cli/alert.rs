//! `pikett alert ack|resolve|escalate|snooze|take-over|reassign|note`: act on one alert, on the database, beside a running
//! service, which is woken by the commit.

use chrono::TimeDelta;
use clap::{Args, Subcommand};

use super::{Common, Failure, Verdict, acting, say, say_json};
use crate::{
    api::{
        alerts::{Named, told_one},
        doing::{By, Deed, actor, declared, perform, quiet},
        wire,
    },
    config::Config,
    declare::directory::default_org,
    model::id::PersonId,
    store::{Store, StoreError, alerts::AlertRow},
    work::act::Acted,
};

/// Acknowledge, resolve, escalate, snooze, take over, reassign or note an alert
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett alert ack 7 --by anna")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Somebody has taken it: nobody is told any more
    #[command(alias = "acknowledge", after_help = "Example:\n  pikett alert ack 7 --by anna")]
    Ack(Which),
    /// It is over
    #[command(after_help = "Example:\n  pikett alert resolve 7 \"The disk was replaced\" --by anna")]
    Resolve(Which),
    /// Tell the next level now
    #[command(after_help = "Example:\n  pikett alert escalate 7")]
    Escalate(Which),
    /// Take it, and be told of it again later unless it is resolved by then
    #[command(after_help = "Example:\n  pikett alert snooze 7 --for 2h --by anna")]
    Snooze(Snoozing),
    /// Take it from whoever has it
    #[command(after_help = "Example:\n  pikett alert take-over 7 --by anna")]
    TakeOver(Which),
    /// Pass it on to somebody, who is told at once
    #[command(after_help = "Example:\n  pikett alert reassign 7 --to ben --by anna")]
    Reassign(Reassigning),
    /// Put a note on its timeline
    #[command(after_help = "Example:\n  pikett alert note 7 \"The customer has been told\"")]
    Note(Noting),
}

#[derive(Debug, Args)]
struct Which {
    /// Its id or its number
    alert: Named,
    /// A note for its timeline
    text: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct Snoozing {
    /// How long it is quiet, up to 24h
    #[arg(long = "for", value_name = "DURATION", default_value = "30m", value_parser = quiet)]
    quiet: TimeDelta,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Reassigning {
    /// A declared person's id
    #[arg(long, value_name = "ID")]
    to: PersonId,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Noting {
    /// Its id or its number
    alert: Named,
    /// What is noted
    text: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// Who does it: a declared person's id, or any name
    #[arg(long, value_name = "NAME", default_value = "operator")]
    by: String,
    /// Print the alert as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (name, deed, text, how) = match &arguments.command {
        Command::Ack(which) => (&which.alert, Deed::Acknowledge, which.text.as_ref(), &which.how),
        Command::Resolve(which) => (&which.alert, Deed::Resolve, which.text.as_ref(), &which.how),
        Command::Escalate(which) => (&which.alert, Deed::Escalate, which.text.as_ref(), &which.how),
        Command::Snooze(Snoozing { quiet, which }) => {
            (&which.alert, Deed::Snooze(*quiet), which.text.as_ref(), &which.how)
        }
        Command::TakeOver(which) => (&which.alert, Deed::TakeOver, which.text.as_ref(), &which.how),
        Command::Reassign(Reassigning { to, which }) => {
            (&which.alert, Deed::Reassign(to.clone()), which.text.as_ref(), &which.how)
        }
        Command::Note(noting) => (&noting.alert, Deed::Note(noting.text.clone()), None, &noting.how),
    };
    let (config, store) = common.open().await?;
    let acted = act(common, &config, &store, name, deed.clone(), text.cloned(), how).await;
    let shown = match &acted {
        Ok(Acted::Done(row) | Acted::Already(row)) => Some(shown(&store, row).await),
        Ok(Acted::Missing) | Err(_) => None,
    };
    store.close().await;
    let (acted, shown) = (acted?, shown.transpose());
    Ok(answer(name, &deed, &acted, shown.map_err(|error| Failure::of(format!("read alert {name}"), error))?, how))
}

async fn shown(store: &Store, row: &AlertRow) -> Result<wire::Alert, StoreError> {
    told_one(&mut *store.read().await?, &default_org(), row).await
}

async fn act(
    common: &Common,
    config: &Config,
    store: &Store,
    name: &Named,
    deed: Deed,
    text: Option<String>,
    how: &How,
) -> Result<Acted, Failure> {
    let failed = |error| Failure::of(format!("act on alert {name}"), error);
    let context = acting::context(common, config, store).await.map_err(failed)?;
    let acting = context.acting();
    if let Deed::Reassign(to) = &deed {
        declared(&acting, to.as_str()).map_err(Failure::Refused)?;
    }
    let by = By { actor: actor(&acting, &how.by), how: "on the command line" };
    let name = name.clone();
    let unit = async move |db: &mut sqlx::AnyConnection| {
        let acted = perform(db, &acting, &name, &deed, &by).await?;
        if let (Acted::Done(_), Some(text)) = (&acted, &text) {
            perform(db, &acting, &name, &Deed::Note(text.clone()), &by).await?;
        }
        Ok(acted)
    };
    context.change(unit).await.map_err(failed)
}

fn answer(name: &Named, deed: &Deed, acted: &Acted, alert: Option<wire::Alert>, how: &How) -> Verdict {
    let (Some(alert), Acted::Done(_) | Acted::Already(_)) = (alert, acted) else {
        say(format_args!("there is no alert {name}"));
        return Verdict::Wrong;
    };
    let (verdict, words) = match acted {
        Acted::Done(_) | Acted::Missing => {
            let words = match deed {
                Deed::Acknowledge => "acknowledged: nobody is told any more",
                Deed::Resolve => "resolved",
                Deed::Escalate => "escalated: the next level is told",
                Deed::Note(_) => "noted",
                Deed::Snooze(_) => "is quiet, and comes back unless it is resolved",
                Deed::TakeOver => "taken over",
                Deed::Reassign(_) => "passed on: its next owner is told",
            };
            (Verdict::Sound, words.to_owned())
        }
        Acted::Already(_) => {
            // What was wished for holds, except that nobody can be told of what is over.
            let verdict = match deed {
                Deed::Escalate | Deed::Reassign(_) | Deed::Snooze(_) => Verdict::Wrong,
                Deed::Acknowledge | Deed::Resolve | Deed::Note(_) | Deed::TakeOver => Verdict::Sound,
            };
            (verdict, already(&alert))
        }
    };
    if how.json {
        say_json(&serde_json::to_value(&alert).expect("strings and numbers can be written"));
    } else {
        say(format_args!("alert {} ({}) {words}", alert.number, alert.title));
    }
    verdict
}

fn already(alert: &wire::Alert) -> String {
    let by = alert.resolved_by.as_deref().or(alert.acknowledged_by.as_deref()).unwrap_or_default();
    format!("is {} already, by {by}", alert.state)
}
