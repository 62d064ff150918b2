//! `pikett oncall`: who is on call, why, and until when. The same answer as for paging.

use chrono::NaiveDateTime;
use clap::Args;

use super::{Common, Failure, Verdict, declared, say, say_json};
use crate::{
    api::wire::{OnDuty, ScheduleNow},
    declare::Directory,
    model::{Instant, civil, fault::did_you_mean},
    oncall::Schedule,
};

/// Say who is on call, and why
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  pikett oncall --schedule primary --at 2026-12-24T02:30:00+01:00")]
pub struct Arguments {
    /// When: an instant, or a time on the schedule's own clock (2026-12-24T02:30) [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = at)]
    at: Option<At>,
    /// Only this schedule
    #[arg(long, value_name = "ID")]
    schedule: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Instant(Instant),
    Civil(NaiveDateTime),
}

fn at(given: &str) -> Result<At, String> {
    if let Ok(instant) = chrono::DateTime::parse_from_rfc3339(given) {
        return Ok(At::Instant(instant.to_utc()));
    }
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(given, form).ok())
        .map(At::Civil)
        .ok_or_else(|| "write 2026-12-24T02:30:00+01:00, or 2026-12-24T02:30 on the schedule's clock".to_owned())
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (config, store) = common.open().await?;
    let declared = declared::load(&store).await.map_err(|error| Failure::of("read the declarations", error));
    store.close().await;
    let directory = declared::assemble(&declared?, &config.defaults).directory;
    let chosen = chosen(&directory, arguments.schedule.as_deref())?;
    let now = common.clock().now();
    let mut answers = Vec::new();
    for schedule in chosen {
        let at = match arguments.at {
            None => now,
            Some(At::Instant(at)) => at,
            Some(At::Civil(time)) => civil::instant(schedule.zone, time),
        };
        let answer = ScheduleNow::new(&directory, schedule, at);
        if arguments.json {
            answers.push(serde_json::to_value(answer).expect("strings can be written"));
        } else {
            say(in_words(schedule, &answer));
        }
    }
    if arguments.json {
        say_json(&answers.into());
    }
    Ok(Verdict::Sound)
}

fn chosen<'a>(directory: &'a Directory, id: Option<&str>) -> Result<Vec<&'a Schedule>, Failure> {
    let Some(id) = id else {
        if directory.schedules.is_empty() {
            return Err(Failure::Refused("there is no schedule; declare one and `pikett apply` it".to_owned()));
        }
        return Ok(directory.schedules.values().collect());
    };
    let found = directory.schedules.values().find(|schedule| schedule.id.as_str() == id);
    found.map(|schedule| vec![schedule]).ok_or_else(|| {
        let known = directory.schedules.keys().map(|id| id.as_str());
        let mend = did_you_mean(id, known).unwrap_or_else(|| "`pikett oncall` lists them all".to_owned());
        Failure::Refused(format!("there is no schedule `{id}`; {mend}"))
    })
}

/// `primary: Anna Berger (anna), by layer 1 of schedule primary, turn 1 of 3; until 2026-01-12 09:00 CET,
/// then Ben Vogel (ben)`
fn in_words(schedule: &Schedule, answer: &ScheduleNow) -> String {
    let time = |at: Instant| at.with_timezone(&schedule.zone).format("%Y-%m-%d %H:%M %Z").to_string();
    let people = listed(&answer.people, |duty| format!("{} ({}), by {}", duty.name, duty.id, duty.why));
    let until = match (&answer.next, answer.until) {
        (Some(next), _) => {
            let people = listed(&next.people, |duty| format!("{} ({})", duty.name, duty.id));
            format!("until {}, then {people}", time(next.at))
        }
        (None, Some(_)) => "for a month at least".to_owned(),
        (None, None) => "and it stays so".to_owned(),
    };
    format!("{}: {people}; {until}", schedule.id)
}

fn listed(people: &[OnDuty], word: impl Fn(&OnDuty) -> String) -> String {
    let words: Vec<String> = people.iter().map(word).collect();
    if words.is_empty() { "nobody".to_owned() } else { words.join("; ") }
}
