//! `pikett calls`: the call log.

use clap::Args;
use serde_json::Value;

use super::{Common, Failure, Verdict, say, say_json};
use crate::{
    api::{
        calls::page,
        wire::{Call, Leg},
    },
    declare::directory::default_org,
    model::id::CallId,
    store::{Store, StoreError},
};

/// Calls that are read at once.
const PAGE: i64 = 200;

/// List the calls, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett calls --limit 20")]
pub struct Arguments {
    /// At most so many [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (_, store) = common.open().await?;
    let calls = list(&store, arguments.limit.unwrap_or(usize::MAX)).await;
    store.close().await;
    let calls = calls.map_err(|error| Failure::of("read the calls", error))?;
    if arguments.json {
        let items: Result<Vec<Value>, _> = calls.iter().map(serde_json::to_value).collect();
        say_json(&items.expect("strings and numbers can be written").into());
        return Ok(Verdict::Sound);
    }
    if calls.is_empty() {
        say("there are no calls");
    }
    for call in &calls {
        say(in_words(call));
        for leg in &call.legs {
            say(leg_in_words(leg));
        }
    }
    Ok(Verdict::Sound)
}

async fn list(store: &Store, wanted: usize) -> Result<Vec<Call>, StoreError> {
    let mut db = store.read().await?;
    let mut found: Vec<Call> = Vec::new();
    loop {
        let before: Option<CallId> = found.last().and_then(|call| call.id.parse().ok());
        let calls = page(&mut db, &default_org(), before.as_ref(), PAGE).await?;
        let more = calls.len() == usize::try_from(PAGE).unwrap_or(0);
        found.extend(calls);
        if !more || found.len() >= wanted {
            break;
        }
    }
    found.truncate(wanted);
    Ok(found)
}

/// `2026-03-01 02:31Z  +4930555010 → +4930901820  connected  acme, P1, answered by anna after 34 s`
fn in_words(call: &Call) -> String {
    let about = [
        call.customer.clone(),
        call.category.clone(),
        call.priority.map(str::to_owned),
        call.answered_by.as_ref().map(|person| format!("answered by {person} after {} s", call.waited_ms / 1_000)),
        call.alert.clone(),
    ];
    format!(
        "{}  {} → {}  {:<10}  {}",
        call.started_at.format("%Y-%m-%d %H:%MZ"),
        call.from.as_deref().unwrap_or("withheld"),
        call.to,
        call.outcome.unwrap_or(call.phase),
        about.into_iter().flatten().collect::<Vec<_>>().join(", "),
    )
}

fn leg_in_words(leg: &Leg) -> String {
    format!("    level {}: {}, {}, {}", leg.level, leg.person, leg.result.unwrap_or(leg.state), leg.reason)
}
