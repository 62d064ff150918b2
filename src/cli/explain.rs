//! `pikett explain ALERT`: why who was told when, in the order in which it happened.

use chrono::TimeDelta;
use clap::Args;

use super::{Common, Failure, Verdict, say, say_json};
use crate::{
    api::{
        explain::{Named, load},
        wire::{Explanation, Try},
    },
    declare::directory::default_org,
    model::Instant,
};

/// Tell why who was told when
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett explain 7")]
pub struct Arguments {
    /// Its id or its number
    alert: Named,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (_, store) = common.open().await?;
    let story = async {
        let mut db = store.read().await?;
        load(&mut db, &default_org(), &arguments.alert).await
    };
    let story = story.await;
    store.close().await;
    let story = story.map_err(|error| Failure::of(format!("read alert {}", arguments.alert), error))?;
    let Some(story) = story else {
        say(format_args!("there is no alert {}", arguments.alert));
        return Ok(Verdict::Wrong);
    };
    if arguments.json {
        say_json(&serde_json::to_value(&story).expect("strings and numbers can be written"));
    } else {
        say(in_words(&story));
    }
    Ok(Verdict::Sound)
}

/// A sentence of the timeline, or what came of a try, at its instant.
struct Happened {
    at: Instant,
    text: String,
}

fn in_words(story: &Explanation) -> String {
    let alert = &story.alert;
    let mut lines = vec![format!("#{} {} ({}, {})", alert.number, alert.title, alert.priority, alert.state)];
    let about = [
        alert.customer.as_ref().map(|id| format!("customer {id}")),
        alert.contract.as_ref().map(|id| format!("contract {id}")),
        alert.policy.as_ref().map(|id| format!("policy {id}")),
        Some(format!("source {}", alert.source)),
        Some(format!("code {}", alert.code)),
        Some(alert.id.clone()),
    ];
    lines.push(about.into_iter().flatten().collect::<Vec<_>>().join(", "));
    lines.push(format!("opened {} UTC", alert.opened_at.format("%Y-%m-%d %H:%M:%S")));
    if let Some(until) = alert.waits_until {
        lines.push(format!(
            "waits until {} UTC, when the hours of its contract begin",
            until.format("%a %Y-%m-%d %H:%M")
        ));
    }
    lines.extend(alert.details.iter().map(|detail| format!("  {}: {}", detail.name, detail.value)));
    lines.push(String::new());
    let mut happened: Vec<Happened> =
        story.timeline.iter().map(|entry| Happened { at: entry.at, text: entry.text.clone() }).collect();
    let duties = story.notifications.iter().flat_map(|duty| duty.attempts.iter().map(|attempt| (attempt, duty.level)));
    happened.extend(duties.map(|(attempt, level)| tried(attempt, Some(level))));
    happened.extend(story.attempts.iter().map(|attempt| tried(attempt, None)));
    // Stable: what happened at one instant stays in the order in which it was written.
    happened.sort_by_key(|happened| happened.at);
    for Happened { at, text } in happened {
        lines.push(format!("{}  {:>9}  {text}", at.format("%H:%M:%S"), offset(at - alert.opened_at)));
    }
    lines.join("\n")
}

/// `  sms to +49…01 (anna, level 1): delivered in 320 ms`
fn tried(attempt: &Try, level: Option<u32>) -> Happened {
    let at = attempt.sent_at.or(attempt.ended_at).unwrap_or(attempt.due_at);
    let whom = match (&attempt.person, level) {
        (Some(person), Some(level)) => format!(" ({person}, level {level})"),
        (Some(person), None) => format!(" ({person}, {})", attempt.kind),
        (None, _) => format!(" ({})", attempt.kind),
    };
    let mut text = format!("  {} to {}{whom}: {}", attempt.channel, attempt.to, attempt.state);
    if let Some(latency) = attempt.latency_ms {
        text.push_str(&format!(" in {latency} ms"));
    }
    if attempt.tries > 1 {
        text.push_str(&format!(", try {}", attempt.tries));
    }
    if let Some(code) = &attempt.code {
        text.push_str(&format!(", code {code}"));
    }
    if let Some(message) = &attempt.message {
        text.push_str(&format!(": {message}"));
    }
    Happened { at, text }
}

/// `+00:05:07`
fn offset(since: TimeDelta) -> String {
    let seconds = since.num_seconds().max(0);
    format!("+{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
