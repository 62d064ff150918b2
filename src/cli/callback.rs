//! `pikett callback call|done`: act on one promise to call back, on the database, beside a running service,
//! which is woken by the commit and does the ringing.

use clap::{Args, Subcommand};

use super::{Common, Failure, Verdict, acting, callbacks::in_words, say, say_json};
use crate::{
    api::{
        callbacks::{Acted, Deed, Named, perform},
        doing::{By, actor},
    },
    config::Config,
    model::{fault::did_you_mean, id::PersonId},
    store::Store,
};

/// Call a customer back, or say that it was done
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett callback call 7 --person anna")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ring a technician and connect them with the customer, who sees the hotline's number
    #[command(after_help = "Example:\n  pikett callback call 7 --person anna")]
    Call(Calling),
    /// Say that it was done otherwise
    #[command(after_help = "Example:\n  pikett callback done 7 --by anna")]
    Done(Which),
}

#[derive(Debug, Args)]
struct Calling {
    /// Whose phone is rung [default: whoever has taken its alert]
    #[arg(long, value_name = "ID")]
    person: Option<PersonId>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Which {
    /// Its id, or the number of its alert
    callback: Named,
    /// Who does it: a declared person's id, or any name
    #[arg(long, value_name = "NAME", default_value = "operator")]
    by: String,
    /// Print the callback as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (which, deed) = match &arguments.command {
        Command::Call(calling) => (&calling.which, Deed::Call(calling.person.clone())),
        Command::Done(which) => (which, Deed::Done),
    };
    let (config, store) = common.open().await?;
    let acted = act(common, &config, &store, which, deed.clone()).await;
    store.close().await;
    Ok(answer(which, &deed, acted?))
}

async fn act(common: &Common, config: &Config, store: &Store, which: &Which, deed: Deed) -> Result<Acted, Failure> {
    let failed = |error| Failure::of(format!("act on callback {}", which.callback), error);
    let context = acting::context(common, config, store).await.map_err(failed)?;
    let acting = context.acting();
    if let Deed::Call(Some(person)) = &deed
        && !acting.directory.people.contains_key(person)
    {
        let known = acting.directory.people.keys().map(|id| id.as_str());
        let mend = did_you_mean(person.as_str(), known).unwrap_or_else(|| "`pikett apply` declares one".to_owned());
        return Err(Failure::Refused(format!("there is no person `{person}`; {mend}")));
    }
    let by = By { actor: actor(&acting, &which.by), how: "on the command line" };
    let name = which.callback.clone();
    context.change(async move |db| perform(db, &acting, &name, &deed, &by).await).await.map_err(failed)
}

fn answer(which: &Which, deed: &Deed, acted: Acted) -> Verdict {
    let (callback, verdict) = match acted {
        Acted::Missing => {
            say(format_args!("there is no callback {}", which.callback));
            return Verdict::Wrong;
        }
        Acted::NobodyToRing => {
            say("nobody has taken it: say whom to ring by --person");
            return Verdict::Wrong;
        }
        Acted::Done(callback) => (callback, Verdict::Sound),
        // What was wished for holds, except that nobody is rung for what is over.
        Acted::Already(callback) => (callback, if *deed == Deed::Done { Verdict::Sound } else { Verdict::Wrong }),
    };
    if which.json {
        say_json(&serde_json::to_value(&callback).expect("strings and numbers can be written"));
    } else {
        say(in_words(&callback));
    }
    verdict
}
