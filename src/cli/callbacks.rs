//! `pikett callbacks`: what customers were promised.

use clap::Args;
use serde_json::Value;

use super::{Common, Failure, Verdict, say, say_json};
use crate::{
    api::{callbacks::page, wire::Callback},
    declare::directory::default_org,
    store::{Store, StoreError},
};

/// Rows that are read at once.
const PAGE: i64 = 200;

/// List the promises to call back, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett callbacks --open")]
pub struct Arguments {
    /// Only what is still promised, the most urgent first
    #[arg(long)]
    open: bool,
    /// At most so many [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (_, store) = common.open().await?;
    let found = list(&store, arguments).await;
    store.close().await;
    let found = found.map_err(|error| Failure::of("read the callbacks", error))?;
    if arguments.json {
        let items: Result<Vec<Value>, _> = found.iter().map(serde_json::to_value).collect();
        say_json(&items.expect("strings and numbers can be written").into());
        return Ok(Verdict::Sound);
    }
    if found.is_empty() {
        say(if arguments.open { "nothing is promised" } else { "there are no callbacks" });
    }
    for callback in &found {
        say(in_words(callback));
    }
    Ok(Verdict::Sound)
}

async fn list(store: &Store, arguments: &Arguments) -> Result<Vec<Callback>, StoreError> {
    let wanted = arguments.limit.unwrap_or(usize::MAX);
    let mut db = store.read().await?;
    let mut found: Vec<Callback> = Vec::new();
    loop {
        // What is promised is one page, however long.
        let limit = if arguments.open { i64::MAX } else { PAGE };
        let before = found.last().and_then(|callback| callback.id.parse().ok());
        let rows = page(&mut db, &default_org(), arguments.open, before.as_ref(), limit).await?;
        let more = !arguments.open && rows.len() == usize::try_from(PAGE).unwrap_or(0);
        found.extend(rows);
        if !more || found.len() >= wanted {
            found.truncate(wanted);
            return Ok(found);
        }
    }
}

/// `#7     promised  by 2026-03-01 02:31Z  +4930555010  P1  acme, overdue, taken by anna`
pub fn in_words(callback: &Callback) -> String {
    let about = [
        callback.customer.clone(),
        (callback.overdue > 0).then(|| "overdue".to_owned()),
        callback.acknowledged_by.as_ref().map(|by| format!("taken by {by}")),
        callback.settled_by.as_ref().map(|by| format!("settled by {by}")),
    ];
    format!(
        "#{:<5} {:<8}  by {}  {}  {}  {}",
        callback.alert_number,
        callback.state,
        callback.due_at.format("%Y-%m-%d %H:%MZ"),
        callback.number,
        callback.priority,
        about.into_iter().flatten().collect::<Vec<_>>().join(", "),
    )
}
