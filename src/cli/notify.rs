//! `pikett notify test`: goes through a person's contacts for real, and says what became of each. The running
//! service sends; this waits and looks.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use clap::{Args, Subcommand};

use super::{Common, Failure, Verdict, acting, contact::known, say, say_json};
use crate::{
    api::wire::Try,
    config::Config,
    model::{
        duration,
        id::{AttemptId, MethodId, PersonId},
    },
    store::{
        Store, StoreError,
        attempts::{self, Attempt, AttemptState, NewAttempt},
    },
    work::{Context, contacts},
};

const LOOK_EVERY: TimeDelta = TimeDelta::milliseconds(300);

/// Try for real how a person is reached
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett notify test anna")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a test over each contact of a person, and tell what became of it
    ///
    /// The running service sends. A call counts when a key was pressed in it; an SMS when its network says
    /// that it arrived.
    #[command(after_help = "Example:\n  pikett notify test anna\n\n\
        The exit code is 0 when everything arrived or was taken, and 1 when something failed.")]
    Test(Testing),
}

#[derive(Debug, Args)]
struct Testing {
    /// A declared person's id
    person: PersonId,
    /// Only this contact
    #[arg(long, value_name = "ID")]
    contact: Option<MethodId>,
    /// How long to wait for what becomes of it
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration::parse)]
    wait: TimeDelta,
    /// Print the tries as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let Command::Test(testing) = &arguments.command;
    let (config, store) = common.open().await?;
    let tested = test(common, &config, &store, testing).await;
    store.close().await;
    tested
}

async fn test(common: &Common, config: &Config, store: &Store, testing: &Testing) -> Result<Verdict, Failure> {
    let failed = |error| Failure::of("send a test", error);
    let context = acting::context(common, config, store).await.map_err(failed)?;
    let acting = context.acting();
    let person = known(&acting, &testing.person)?.clone();
    if let Some(only) = testing.contact.as_ref().filter(|only| person.method(only).is_none()) {
        return Err(Failure::Refused(format!("{} has no contact `{only}` that is in use", person.id)));
    }
    let only = testing.contact.clone();
    let send = async move |db: &mut sqlx::AnyConnection| contacts::test(db, &acting, &person, only.as_ref()).await;
    let sent = context.change(send).await.map_err(failed)?;
    let became = watched(&context, &sent, testing).await.map_err(failed)?;
    if testing.json {
        let tries: Vec<Try> = became.iter().map(Try::from).collect();
        say_json(&serde_json::to_value(&tries).expect("strings and numbers can be written"));
    }
    let is_sound = !became.is_empty() && became.iter().all(|attempt| is_well(attempt.state));
    Ok(if is_sound { Verdict::Sound } else { Verdict::Wrong })
}

/// Until each has ended, or the time is over; what ends is told at once.
async fn watched(context: &Context, sent: &[NewAttempt], testing: &Testing) -> Result<Vec<Attempt>, StoreError> {
    let until = context.clock.now() + testing.wait;
    let org = context.directory().org.clone();
    let mut told: BTreeMap<AttemptId, AttemptState> = BTreeMap::new();
    loop {
        let mut became = Vec::new();
        let mut db = context.store.read().await?;
        for new in sent {
            became.extend(attempts::by_id(&mut db, &org, &new.id).await?);
        }
        drop(db);
        let is_over = became.iter().all(|attempt| attempt.state.is_end()) || context.clock.now() >= until;
        for attempt in became.iter().filter(|attempt| is_over || attempt.state.is_end()) {
            if told.insert(attempt.id.clone(), attempt.state) != Some(attempt.state) && !testing.json {
                say(in_words(attempt));
            }
        }
        if is_over {
            return Ok(became);
        }
        context.clock.sleep(LOOK_EVERY).await;
    }
}

/// `mobile  sms  +49…01  delivered  at twilio as SM1, in 120 ms`
fn in_words(attempt: &Attempt) -> String {
    let at = match (&attempt.carrier, &attempt.provider_id) {
        (Some(carrier), Some(id)) => Some(format!("at {carrier} as {id}")),
        (Some(carrier), None) => Some(format!("at {carrier}")),
        (None, Some(id)) => Some(format!("as {id}")),
        (None, None) => None,
    };
    let about = [
        at,
        attempt.latency_ms.map(|ms| format!("in {ms} ms")),
        attempt.code.as_ref().map(|code| format!("code {code}")),
        attempt.message.clone(),
        matches!(attempt.state, AttemptState::Due).then(|| "nobody has sent it: does the service run?".to_owned()),
    ];
    format!(
        "{:<12} {:<8} {:<20} {:<9} {}",
        attempt.method.as_ref().map_or("", |method| method.as_str()),
        attempt.address.channel(),
        attempt.address.masked(),
        attempt.state.as_str(),
        about.into_iter().flatten().collect::<Vec<_>>().join(", "),
    )
}

/// Whether the provider has taken it, or better.
fn is_well(state: AttemptState) -> bool {
    match state {
        AttemptState::Sent | AttemptState::Delivered => true,
        AttemptState::Due
        | AttemptState::Held
        | AttemptState::Waiting
        | AttemptState::Sending
        | AttemptState::Failed
        | AttemptState::Unknown
        | AttemptState::Dropped => false,
    }
}
