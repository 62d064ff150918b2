//! `pikett alerts`: what needs, or needed, a human.

use clap::Args;
use serde_json::Value;

use super::{Common, Failure, Verdict, say, say_json};
use crate::{
    api::{alerts::told, wire::Alert},
    declare::directory::default_org,
    model::id::AlertId,
    store::{
        Store, StoreError,
        alerts::{self, Which},
    },
};

/// Rows that are read at once.
const PAGE: i64 = 500;

/// List the alerts, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett alerts --open")]
pub struct Arguments {
    /// Only those that nobody has resolved
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
    let alerts = list(&store, arguments).await;
    store.close().await;
    let alerts = alerts.map_err(|error| Failure::of("read the alerts", error))?;
    if arguments.json {
        let items: Result<Vec<Value>, _> = alerts.iter().map(serde_json::to_value).collect();
        say_json(&items.expect("strings and numbers can be written").into());
        return Ok(Verdict::Sound);
    }
    if alerts.is_empty() {
        say(if arguments.open { "no alert is open" } else { "there are no alerts" });
    }
    for alert in &alerts {
        say(in_words(alert));
    }
    Ok(Verdict::Sound)
}

async fn list(store: &Store, arguments: &Arguments) -> Result<Vec<Alert>, StoreError> {
    let which = if arguments.open { Which::Open } else { Which::All };
    let wanted = arguments.limit.unwrap_or(usize::MAX);
    let mut db = store.read().await?;
    let mut found = Vec::new();
    let mut before: Option<AlertId> = None;
    loop {
        let rows = alerts::list(&mut db, &default_org(), which, before.as_ref(), PAGE).await?;
        found.extend(told(&mut db, &default_org(), &rows).await?);
        match rows.last() {
            Some(row) if found.len() < wanted && rows.len() == usize::try_from(PAGE).unwrap_or(0) => {
                before = Some(row.alert.id.clone());
            }
            Some(_) | None => break,
        }
    }
    found.truncate(wanted);
    Ok(found)
}

/// `#7  P1  triggered     2026-03-01 02:31Z  Disk full (acme), level 2, code K7`
fn in_words(alert: &Alert) -> String {
    let customer = alert.customer.as_ref().map_or_else(String::new, |customer| format!(" ({customer})"));
    let standing = match (alert.state, alert.level) {
        ("acknowledged", _) => format!("by {}", alert.acknowledged_by.as_deref().unwrap_or("?")),
        ("resolved", _) => format!("by {}", alert.resolved_by.as_deref().unwrap_or("?")),
        (_, Some(level)) => format!("level {level}"),
        (_, None) => match alert.waits_until {
            Some(until) => format!("waits until {}", until.format("%a %Y-%m-%d %H:%MZ")),
            None => "nobody told yet".to_owned(),
        },
    };
    format!(
        "#{:<5} {}  {:<12}  {}  {}{customer}, {standing}, code {}",
        alert.number,
        alert.priority,
        alert.state,
        alert.opened_at.format("%Y-%m-%d %H:%MZ"),
        alert.title,
        alert.code,
    )
}
