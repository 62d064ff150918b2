//! Tells the people whom an alert's policy names now, and sets the instant of the next decision.
//!
//! Handles the timer `escalate` of an alert. Loads the alert anew, asks `escalation::decide`, and writes
//! notifications, attempts, timeline and the next timer as one. Sends nothing: that is `deliver`.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    Acting, Context, Handler, WorkError, msp,
    opening::{self, Opening},
    record::{entry, record},
    risen::Risen,
    tell::tell,
};
use crate::{
    declare::of_call::msp_policy,
    escalation::{Decision, Hours, Policy, Progress, Stage, decide},
    model::{
        Instant,
        alert::{AlertState, Source},
        id::{AlertId, PersonId},
        priority::Urgency,
    },
    oncall::OnCall,
    store::{
        StoreError,
        alerts::{self, AlertRow},
        notifications::{self, Notification},
        raise::{ESCALATE, Raised},
        timeline::{self, Entry},
        timers::{self, DueTimer},
    },
};

/// Somebody who is faster each time is a person at work; more often it would be our bug.
const TRIES: usize = 8;
/// How soon to look again when no policy at all is declared.
const NO_POLICY_AGAIN: chrono::TimeDelta = chrono::TimeDelta::minutes(1);

pub(super) struct Escalate {
    pub context: Context,
}

/// How a unit of work ended.
enum Step {
    /// With what it raised for the MSP.
    Done(Option<Raised>),
    /// Nobody is told before the hours of its contract begin.
    Waits,
    /// The MSP must be told too, and an alert's number is reserved before a unit of work. Nothing was
    /// written.
    NeedsNumber,
}

impl Handler for Escalate {
    fn kinds(&self) -> &[&'static str] {
        &[ESCALATE]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(self.escalate(timer))
    }
}

impl Escalate {
    async fn escalate(&self, timer: &DueTimer) -> Result<(), WorkError> {
        let what = format!("the escalation of {}", timer.subject);
        let broken = |why: &str| WorkError::Broken { what: what.clone(), why: why.to_owned() };
        let alert: AlertId = timer.subject.parse().map_err(|_| broken("this is no alert's id"))?;
        let mut number = None;
        for _ in 0..TRIES {
            let (acting, timer, alert) = (self.context.acting(), timer.clone(), alert.clone());
            let org = acting.org().clone();
            let step = self.context.store.write(async move |db| step(db, &acting, &timer, &alert, number).await);
            match step.await {
                Ok(Step::NeedsNumber) => {
                    number = Some(self.context.store.alert_number(&org).await.map_err(WorkError::on(&what))?);
                }
                Ok(Step::Waits) => {
                    opening::count();
                    if let Some(number) = number {
                        self.context.store.return_alert_number(&org, number);
                    }
                    return Ok(());
                }
                Ok(Step::Done(raised)) => {
                    match (number, raised) {
                        (Some(number), Some(raised)) => msp::settle(&self.context, number, &raised),
                        (Some(number), None) => self.context.store.return_alert_number(&org, number),
                        (None, _) => {}
                    }
                    return Ok(());
                }
                // The alert changed between reading and writing: decide anew.
                Err(StoreError::Stale(_)) => {}
                Err(error) => return Err(WorkError::on(&what)(error)),
            }
        }
        Err(broken("it changed each time before it could be written"))
    }
}

async fn step(
    db: &mut AnyConnection,
    acting: &Acting,
    timer: &DueTimer,
    alert: &AlertId,
    number: Option<i64>,
) -> Result<Step, StoreError> {
    let row = alerts::by_id(db, acting.org(), alert).await?;
    let Some(row) = row.filter(|row| row.alert.state == AlertState::Triggered) else {
        timers::complete(db, timer).await?;
        return Ok(Step::Done(None));
    };
    let risen = Risen::of(acting, &row);
    let other = risen.as_ref().and_then(|risen| risen.policy.clone());
    let Some(policy) = other.or(row.policy()?).or_else(|| msp_policy(&acting.directory, None)) else {
        return without_policy(db, acting, timer, &row).await;
    };
    let progress = if risen.as_ref().is_some_and(|risen| risen.anew) { Progress::default() } else { progress(&row)? };
    let waited = match opening::look(acting, &row, &progress) {
        Opening::Goes { why } => why,
        Opening::Waits { until, zone } => {
            if !timers::complete(db, timer).await? {
                return Ok(Step::Done(None));
            }
            let row = noted(db, acting, risen, row).await?;
            let begins = opening::wait(db, acting, &row, &progress, (until, zone)).await?;
            return Ok(if begins { Step::Waits } else { Step::Done(None) });
        }
    };
    let decision = decide(&policy, &progress, &|schedule| on_call(acting, schedule), acting.now);
    // What concerns an alert about the MSP itself is said in its own timeline: one more alert would
    // find nobody either.
    let nobody = decision.nobody_on_call.clone().filter(|_| row.alert.source != Source::Pikett);
    if nobody.is_some() && number.is_none() {
        return Ok(Step::NeedsNumber);
    }
    if !timers::complete(db, timer).await? {
        return Ok(Step::Done(None));
    }
    let row = noted(db, acting, risen, row).await?;
    write(db, acting, &row, (&policy, &progress), decision, waited).await?;
    let raised = match (nobody, number) {
        (Some(nobody), Some(number)) => Some(tell_msp(db, acting, number, &row, &policy, &nobody).await?),
        _ => None,
    };
    Ok(Step::Done(raised))
}

/// The row as it is once it is noted that it became more urgent.
async fn noted(
    db: &mut AnyConnection,
    acting: &Acting,
    risen: Option<Risen>,
    row: AlertRow,
) -> Result<AlertRow, StoreError> {
    match risen {
        Some(risen) => risen.note(db, acting, &row).await,
        None => Ok(row),
    }
}

fn on_call(acting: &Acting, schedule: &crate::model::id::ScheduleId) -> OnCall {
    acting.directory.on_call(schedule, acting.now)
}

pub(super) fn progress(row: &AlertRow) -> Result<Progress, StoreError> {
    match row.progress.as_deref() {
        Some(text) => Progress::from_json(text).map_err(|_| StoreError::corrupt("alerts.progress", text)),
        None => Ok(Progress::default()),
    }
}

/// The decision and its effects, as one. `waited`: why it waits no longer for the hours of its contract.
async fn write(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &AlertRow,
    (policy, progress): (&Policy, &Progress),
    mut decision: Decision,
    waited: Option<String>,
) -> Result<(), StoreError> {
    let alert = &row.alert;
    let first = if row.progress.is_none() { opened(acting, row) } else { None };
    let detail = json!({ "level": decision.level.map(|level| level + 1), "round": decision.round + 1 });
    let reasons = waited.iter().chain(&decision.reasons);
    let reason = |reason: &String| entry(acting, &alert.id, "escalation", reason.clone(), detail.clone());
    let mut entries: Vec<Entry> = first.into_iter().chain(reasons.map(reason)).collect();
    // Whoever was told of it was told by a decision that it remembers.
    let earlier = match row.progress {
        Some(_) => notifications::of_alert(db, acting.org(), &alert.id).await?,
        None => Vec::new(),
    };
    let told_here = told_here(&earlier, alert.urgency(), policy, &decision, progress);
    // From when on somebody has the time that the level has. `None`: nobody is reached.
    let mut from: Option<Instant> = None;
    for told in &decision.tell {
        let reached = if told_here.contains(&told.person) {
            Some(acting.now)
        } else {
            let notification = Notification {
                id: acting.ids.id(acting.now),
                alert: alert.id.clone(),
                person: told.person.clone(),
                level: decision.level.unwrap_or(0),
                round: decision.round,
                urgency: alert.urgency(),
                reason: told.why.clone(),
                started_at: acting.now,
                done: false,
            };
            tell(db, acting, row, &notification, &earlier, &mut entries).await?
        };
        from = from.into_iter().chain(reached).min();
    }
    if let Some(from) = from.filter(|from| *from > acting.now) {
        decision.put_off(from - acting.now);
        let text = "Everybody who is told has quiet hours: their time begins when the first of these end.";
        entries.push(entry(acting, &alert.id, "escalation", text, json!({ "until": from, "why": "quiet hours" })));
    }
    timeline::write_all(db, acting.org(), &entries).await?;
    let Decision { mut next, mut ask_again_at, .. } = decision;
    if !decision.tell.is_empty() && from.is_none() && matches!(next.stage, Stage::Level { .. }) {
        // Nobody waits for people who cannot be told: the next level comes at once.
        (next.escalate_now, ask_again_at) = (true, acting.now);
    }
    next.hours = match progress.hours {
        Hours::Until(_) | Hours::Over => Hours::Over,
        Hours::Unasked => Hours::Unasked,
    };
    let memory = alerts::Progress { level: decision.level, round: decision.round, memory: next.to_json() };
    if !alerts::advance(db, acting.org(), &alert.id, row.rev, &memory).await? {
        return Err(StoreError::Stale("the alert changed while its escalation was decided"));
    }
    timers::set(db, acting.org(), ESCALATE, alert.id.as_str(), ask_again_at, "").await
}

/// Who was told at this very level and round by the same rules already: a call that moved on told them before the
/// timer did. The fallback is told again and again.
fn told_here(
    earlier: &[Notification],
    urgency: Urgency,
    policy: &Policy,
    decision: &Decision,
    progress: &Progress,
) -> BTreeSet<PersonId> {
    let is_level = decision.level.is_some_and(|level| usize::try_from(level).is_ok_and(|at| at < policy.levels.len()));
    if !is_level || matches!(progress.stage, Stage::Fallback { .. }) {
        return BTreeSet::new();
    }
    let here = |notification: &&Notification| {
        Some(notification.level) == decision.level
            && notification.round == decision.round
            && notification.urgency == urgency
            && !notification.done
    };
    earlier.iter().filter(here).map(|notification| notification.person.clone()).collect()
}

/// The first entry of every timeline. Pikett's own alerts have theirs from the beginning.
pub(super) fn opened(acting: &Acting, row: &AlertRow) -> Option<Entry> {
    let alert = &row.alert;
    let from = match &alert.source {
        Source::Call(_) => "by a call to the hotline",
        Source::Integration(id) => &format!("by integration {id}"),
        Source::Operator => "by hand",
        Source::Pikett | Source::Bundle => return None,
    };
    let category = alert.category.as_ref().map(|category| format!(", category {category}")).unwrap_or_default();
    let times = if alert.count > 1 { format!(" and came {} times by now", alert.count) } else { String::new() };
    let text = format!(
        "Alert {} ({}{category}) was opened {from} at {}{times}: {}",
        alert.number,
        alert.priority,
        alert.opened_at.format("%Y-%m-%d %H:%M:%S UTC"),
        alert.title
    );
    Some(entry(acting, &alert.id, "opened", text, json!({ "source": alert.source.to_string() })))
}

/// Nothing is declared by which anybody could be told.
async fn without_policy(
    db: &mut AnyConnection,
    acting: &Acting,
    timer: &DueTimer,
    row: &AlertRow,
) -> Result<Step, StoreError> {
    if !timers::complete(db, timer).await? {
        return Ok(Step::Done(None));
    }
    let mut next = progress(row)?;
    if !next.stranded {
        tracing::error!(alert.id = %row.alert.id, "no policy is declared, so nobody is told about an alert");
        let text = "Nobody can be told: no policy is declared. As soon as there is one, its people are told.";
        record(db, acting, &row.alert.id, "escalation", text, json!({})).await?;
        next.stranded = true;
        let memory = alerts::Progress { level: row.alert.level, round: row.round, memory: next.to_json() };
        if !alerts::advance(db, acting.org(), &row.alert.id, row.rev, &memory).await? {
            return Err(StoreError::Stale("the alert changed while its escalation was decided"));
        }
    }
    let again_at = acting.now + NO_POLICY_AGAIN;
    timers::set(db, acting.org(), ESCALATE, row.alert.id.as_str(), again_at, "").await?;
    Ok(Step::Done(None))
}

async fn tell_msp(
    db: &mut AnyConnection,
    acting: &Acting,
    number: i64,
    row: &AlertRow,
    policy: &Policy,
    nobody: &str,
) -> Result<Raised, StoreError> {
    let title = format!("Nobody is on call by policy {}", policy.id);
    let text = format!("For alert {} ({}), {nobody}.", row.alert.number, row.alert.title);
    let matter = format!("nobody-on-call:{}", policy.id);
    msp::tell(db, acting, number, &matter, &title, &text, Some(&policy.id)).await
}
