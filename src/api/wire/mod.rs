//! The JSON shapes, in one place: what the API answers is what `--json` prints. Core types have no wire
//! format of their own; they are turned into these. Fields are added, never renamed.

mod call;
mod callback;
mod contact;
mod flow;
mod incident;
mod mark;
mod voicemail;

use chrono::TimeDelta;
use serde::Serialize;
use serde_json::Value;

pub use call::{Call, Leg};
pub use callback::{Callback, CallbackOutcome};
pub use contact::Contact;
pub use flow::{Flow, FlowVersion};
pub use incident::{Incident, IncidentOutcome, IncidentStory, IncidentUpdate};
pub use mark::{Mark, MarkOutcome};
pub use voicemail::{IntakeAnswer, Voicemail};

use crate::{
    declare::Directory,
    model::{
        Instant,
        alert::{Actor, AlertState},
        details::Fact,
    },
    oncall::{self, Schedule},
    store::{
        alerts::AlertRow, attempts::Attempt, notifications::Notification, timeline::Entry, voicemails::VoicemailRow,
    },
};

/// An alert. A level counts from 1; before the first one it is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    pub id: String,
    pub number: i64,
    pub title: String,
    pub state: &'static str,
    pub priority: &'static str,
    pub category: Option<String>,
    pub customer: Option<String>,
    pub contract: Option<String>,
    pub policy: Option<String>,
    pub level: Option<u32>,
    /// How often the levels began anew.
    pub round: u32,
    /// Nobody is told before, as the hours of its contract begin only then.
    pub waits_until: Option<Instant>,
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<Instant>,
    pub resolved_by: Option<String>,
    pub resolved_at: Option<Instant>,
    pub opened_at: Instant,
    pub source: String,
    pub count: i64,
    /// What an SMS names it by.
    pub code: String,
    pub dedup_key: Option<String>,
    pub call: Option<String>,
    /// What the caller said to the five questions, in the order in which they were asked.
    pub intake: Vec<IntakeAnswer>,
    /// What the monitoring tool said beside the title, cut to what people read.
    pub details: Vec<Detail>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// As the tool calls it: `source`, `disks.1.free`; of a link its text.
    pub name: String,
    pub value: String,
}

/// One sentence of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimelineEntry {
    pub id: String,
    pub alert: Option<String>,
    pub call: Option<String>,
    pub at: Instant,
    pub kind: String,
    pub text: String,
    pub detail: Value,
}

/// The duty to tell one person, with everything that was tried for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Duty {
    pub id: String,
    pub person: String,
    pub level: u32,
    pub round: u32,
    pub urgency: &'static str,
    pub reason: String,
    pub started_at: Instant,
    pub done: bool,
    pub attempts: Vec<Try>,
}

/// One try at a provider. Addresses are shortened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Try {
    pub id: String,
    pub alert: Option<String>,
    pub person: Option<String>,
    pub method: Option<String>,
    pub channel: &'static str,
    pub kind: &'static str,
    pub to: String,
    pub state: &'static str,
    pub tries: i64,
    pub carrier: Option<String>,
    pub provider_id: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub latency_ms: Option<i64>,
    pub created_at: Instant,
    pub due_at: Instant,
    pub sent_at: Option<Instant>,
    pub ended_at: Option<Instant>,
}

/// Why who was told when.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    pub alert: Alert,
    pub timeline: Vec<TimelineEntry>,
    pub notifications: Vec<Duty>,
    /// Tries that belong to no notification: answers, and news that somebody has taken it.
    pub attempts: Vec<Try>,
}

/// How far the next handoff is looked for.
const AHEAD: TimeDelta = TimeDelta::days(31);

/// Who is on call in one schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScheduleNow {
    pub schedule: String,
    pub zone: String,
    pub at: Instant,
    pub people: Vec<OnDuty>,
    /// When the answer may be another.
    pub until: Option<Instant>,
    /// The next handoff within a month.
    pub next: Option<Handoff>,
}

/// Who is on call from an instant on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Handoff {
    pub at: Instant,
    /// Empty: nobody.
    pub people: Vec<OnDuty>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnDuty {
    /// The person's.
    pub id: String,
    pub name: String,
    /// The end of a sentence: `layer 1 of schedule primary`.
    pub why: String,
}

/// A page of a list, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// What came of acting on an alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// `false`: it was so already.
    pub changed: bool,
    pub alert: Alert,
}

impl Alert {
    /// `said` may hold what belongs to other alerts.
    pub fn new(row: &AlertRow, said: &[VoicemailRow]) -> Self {
        let alert = &row.alert;
        let resolved = match &alert.state {
            AlertState::Resolved { by, at } => Some((by, *at)),
            AlertState::Triggered | AlertState::Acknowledged { .. } => None,
        };
        let acknowledged = row.acknowledged.as_ref();
        Self {
            id: alert.id.to_string(),
            number: alert.number,
            title: alert.title.clone(),
            state: alert.state.as_str(),
            priority: alert.priority.as_str(),
            category: alert.category.clone(),
            customer: text(alert.customer.as_ref()),
            contract: text(alert.contract.as_ref()),
            policy: text(alert.policy.as_ref()),
            level: alert.level.map(|level| level + 1),
            round: row.round,
            waits_until: row.waits_until(),
            acknowledged_by: acknowledged.map(|(by, _)| name(by)),
            acknowledged_at: acknowledged.map(|(_, at)| *at),
            resolved_by: resolved.map(|(by, _)| name(by)),
            resolved_at: resolved.map(|(_, at)| at),
            opened_at: alert.opened_at,
            source: alert.source.to_string(),
            count: alert.count,
            code: alert.code(),
            dedup_key: alert.dedup_key.clone(),
            call: text(row.call.as_ref()),
            intake: said
                .iter()
                .filter(|answer| answer.alert.as_ref() == Some(&alert.id))
                .filter_map(IntakeAnswer::new)
                .collect(),
            details: row.said().into_iter().map(|Fact { name, value }| Detail { name, value }).collect(),
        }
    }
}

impl From<&Entry> for TimelineEntry {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id.to_string(),
            alert: text(entry.alert.as_ref()),
            call: text(entry.call.as_ref()),
            at: entry.at,
            kind: entry.kind.clone(),
            text: entry.text.clone(),
            detail: entry.detail.clone(),
        }
    }
}

impl From<&Attempt> for Try {
    fn from(attempt: &Attempt) -> Self {
        Self {
            id: attempt.id.to_string(),
            alert: text(attempt.alert.as_ref()),
            person: text(attempt.person.as_ref()),
            method: text(attempt.method.as_ref()),
            channel: attempt.address.channel().as_str(),
            kind: attempt.kind.as_str(),
            to: attempt.address.masked(),
            state: attempt.state.as_str(),
            tries: attempt.tries,
            carrier: text(attempt.carrier.as_ref()),
            provider_id: attempt.provider_id.clone(),
            code: attempt.code.clone(),
            message: attempt.message.clone(),
            latency_ms: attempt.latency_ms,
            created_at: attempt.created_at,
            due_at: attempt.due_at,
            sent_at: attempt.sent_at,
            ended_at: attempt.ended_at,
        }
    }
}

impl Duty {
    pub fn new(notification: &Notification, attempts: Vec<Try>) -> Self {
        Self {
            id: notification.id.to_string(),
            person: notification.person.to_string(),
            level: notification.level + 1,
            round: notification.round,
            urgency: notification.urgency.as_str(),
            reason: notification.reason.clone(),
            started_at: notification.started_at,
            done: notification.done,
            attempts,
        }
    }
}

impl ScheduleNow {
    pub fn new(directory: &Directory, schedule: &Schedule, at: Instant) -> Self {
        let on_duty = |duty: &oncall::OnDuty| OnDuty {
            id: duty.person.to_string(),
            name: directory
                .people
                .get(&duty.person)
                .map_or_else(|| duty.person.to_string(), |person| person.name.clone()),
            why: duty.why.to_string(),
        };
        let answer = oncall::who(schedule, directory.around(), at);
        let next = oncall::handoffs(schedule, directory.around(), at, at + AHEAD).next();
        Self {
            schedule: schedule.id.to_string(),
            zone: schedule.zone.to_string(),
            at,
            people: answer.people.iter().map(on_duty).collect(),
            until: answer.until,
            next: next.map(|next| Handoff { at: next.at, people: next.after.iter().map(on_duty).collect() }),
        }
    }
}

impl<T> Page<T> {
    /// From `limit` items, and one more when there is a next page.
    pub fn of(mut items: Vec<T>, limit: i64, id: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(id);
        Self { items, next }
    }
}

fn text(id: Option<&impl ToString>) -> Option<String> {
    id.map(ToString::to_string)
}

fn name(actor: &Actor) -> String {
    actor.name().to_owned()
}
