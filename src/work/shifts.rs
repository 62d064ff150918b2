//! Tells whoever goes on call: before their shift begins, and when it does, with what is still open by the policies that
//! their schedule serves.
//!
//! Handles the timer `shift` of a schedule, which asks `oncall::notices`. What was said is remembered by a key in the
//! same commit, so that a restart, another node or an apply says nothing twice.

use futures::future::BoxFuture;
use sqlx::AnyConnection;

use super::{Acting, Context, Handler, WorkError, marks};
use crate::{
    escalation::{Policy, Target},
    model::{
        contract::Customer,
        id::{PersonId, ScheduleId},
    },
    notify::{
        shift,
        texts::{About, Shift},
    },
    oncall::{Moment, Notice, Schedule, notices},
    store::{
        StoreError,
        alerts::AlertRow,
        attempts, seen, standing,
        timers::{self, DueTimer},
    },
};

const SHIFT: &str = "shift";
/// More is only counted.
const OPEN_MAX: usize = 10;

pub(super) struct ShiftBegins {
    pub context: Context,
}

impl Handler for ShiftBegins {
    fn kinds(&self) -> &[&'static str] {
        &[SHIFT]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move {
            let what = format!("the shifts of {}", timer.subject);
            let id: ScheduleId = timer
                .subject
                .parse()
                .map_err(|_| WorkError::Broken { what: what.clone(), why: "this is no schedule's id".to_owned() })?;
            let (acting, timer) = (self.context.acting(), timer.clone());
            let unit = async move |db: &mut AnyConnection| tell_due(db, &acting, &timer, &id).await;
            self.context.change(unit).await.map_err(WorkError::on(what))
        })
    }
}

/// Sets the timers of all schedules: at the start, and when something else is declared.
pub(super) async fn follow(db: &mut AnyConnection, acting: &Acting) -> Result<(), StoreError> {
    for schedule in acting.directory.schedules.values() {
        let asked = notices(schedule, acting.directory.around(), &lead(acting), acting.now);
        let now = (!asked.due.is_empty()).then_some(acting.now);
        if let Some(at) = now.or(asked.ask_again_at) {
            timers::set(db, acting.org(), SHIFT, schedule.id.as_str(), at, "").await?;
        }
    }
    Ok(())
}

fn lead(acting: &Acting) -> impl Fn(&PersonId) -> Option<chrono::TimeDelta> {
    move |person: &PersonId| acting.directory.shift_notice_of(person)
}

async fn tell_due(
    db: &mut AnyConnection,
    acting: &Acting,
    timer: &DueTimer,
    id: &ScheduleId,
) -> Result<(), StoreError> {
    if !timers::complete(db, timer).await? {
        return Ok(());
    }
    let Some(schedule) = acting.directory.schedules.get(id) else { return Ok(()) };
    let asked = notices(schedule, acting.directory.around(), &lead(acting), acting.now);
    for notice in &asked.due {
        if seen::remember(db, acting.org(), &key(schedule, notice), "", acting.now).await? {
            tell(db, acting, schedule, notice).await?;
        }
    }
    match asked.ask_again_at {
        Some(at) => timers::set(db, acting.org(), SHIFT, id.as_str(), at, "").await,
        None => Ok(()),
    }
}

/// The same shift is the same key, whoever asks and however often.
fn key(schedule: &Schedule, notice: &Notice) -> String {
    let moment = match notice.moment {
        Moment::Ahead => "ahead",
        Moment::Handover => "handover",
    };
    let begins = notice.beginning.at.timestamp_millis();
    format!("shift/{}/{}/{begins}/{moment}", schedule.id, notice.beginning.person)
}

async fn tell(db: &mut AnyConnection, acting: &Acting, schedule: &Schedule, notice: &Notice) -> Result<(), StoreError> {
    let beginning = &notice.beginning;
    let Some(person) = marks::usable(db, acting, &beginning.person).await? else { return Ok(()) };
    let (rows, count) = open(db, acting, schedule).await?;
    let customer = |row: &AlertRow| {
        let id = row.alert.customer.as_ref()?;
        acting.directory.customers.get(id).map(|customer: &Customer| customer.name.clone())
    };
    let names: Vec<Option<String>> = rows.iter().map(customer).collect();
    let open: Vec<About<'_>> = rows
        .iter()
        .zip(&names)
        .map(|(row, customer)| About { alert: &row.alert, customer: customer.as_deref() })
        .collect();
    let said = Shift {
        schedule: schedule.id.as_str(),
        from: beginning.at,
        until: beginning.until,
        zone: person.zone,
        open: &open,
        count,
        now: acting.now,
    };
    let planned = shift::plan(&person, &said, acting.links.home(), &acting.ids);
    if planned.is_empty() {
        tracing::warn!(person = %person.id, schedule = %schedule.id, "nobody can write to whoever goes on call");
    }
    for attempt in &planned {
        attempts::insert(db, acting.org(), attempt).await?;
    }
    Ok(())
}

/// The most urgent open alerts of the policies that name this schedule, and how many there are.
async fn open(
    db: &mut AnyConnection,
    acting: &Acting,
    schedule: &Schedule,
) -> Result<(Vec<AlertRow>, usize), StoreError> {
    let (mut rows, mut count) = (Vec::new(), 0);
    for policy in acting.directory.policies.values().filter(|policy| serves(policy, &schedule.id)) {
        let limit = i64::try_from(OPEN_MAX).unwrap_or(i64::MAX);
        let (some, all) = standing::open_by(db, acting.org(), &policy.id, limit).await?;
        rows.extend(some);
        count += usize::try_from(all).unwrap_or(0);
    }
    rows.sort_by_key(|row| (row.alert.priority, row.alert.number));
    rows.truncate(OPEN_MAX);
    Ok((rows, count))
}

fn serves(policy: &Policy, schedule: &ScheduleId) -> bool {
    let targets = policy.levels.iter().flat_map(|level| &level.notify).chain(&policy.fallback);
    targets.into_iter().any(|target| match target {
        Target::Schedule(id) => id == schedule,
        Target::Person(_) => false,
    })
}

#[cfg(test)]
mod tests;
