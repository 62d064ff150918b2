//! `/oncall`: who is on call now, or at another instant, and why.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
};

use super::{
    Api,
    query::Query,
    wire::{Page, ScheduleNow},
};
use crate::{
    model::{Instant, id::ScheduleId},
    web::problem::Problem,
};

pub async fn now(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Json<Page<ScheduleNow>>, Problem> {
    let query = Query::read(query.as_deref(), &["at", "schedule"])?;
    let at = query.parsed::<Instant>("at")?.unwrap_or_else(|| api.context.clock.now());
    let wanted = query.parsed::<ScheduleId>("schedule")?;
    let directory = api.context.directory();
    if let Some(id) = wanted.as_ref().filter(|id| !directory.schedules.contains_key(id)) {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no such schedule")
            .field("schedule", format!("no schedule is called `{id}`")));
    }
    let items = directory
        .schedules
        .values()
        .filter(|schedule| wanted.as_ref().is_none_or(|id| *id == schedule.id))
        .map(|schedule| ScheduleNow::new(&directory, schedule, at))
        .collect();
    Ok(Json(Page { items, next: None }))
}
