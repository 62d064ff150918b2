//! `/calls`: the call log, with the legs by which technicians were rung. Also for the command line.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use sqlx::AnyConnection;

use super::{
    Api, failed,
    query::Query,
    wire::{Call, Page},
};
use crate::{
    declare::Directory,
    model::id::{CallId, OrgId},
    store::{StoreError, calls, legs},
    web::problem::Problem,
};

/// Calls that a watcher of events is shown.
const LATEST_MAX: i64 = 30;

/// The newest first.
pub async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Json<Page<Call>>, Problem> {
    let query = Query::read(query.as_deref(), &["limit", "cursor"])?;
    let (limit, before) = (query.limit()?, query.parsed::<CallId>("cursor")?);
    let directory = api.context.directory();
    let items = async {
        let mut db = api.context.store.read().await?;
        page(&mut db, &directory.org, before.as_ref(), limit + 1).await
    };
    Ok(Json(Page::of(items.await.map_err(|error| failed(&error))?, limit, |call| call.id.clone())))
}

/// The newest calls before that one, whole.
pub async fn page(
    db: &mut AnyConnection,
    org: &OrgId,
    before: Option<&CallId>,
    limit: i64,
) -> Result<Vec<Call>, StoreError> {
    let mut items = Vec::new();
    for row in calls::list(db, org, before, limit).await? {
        let legs = legs::of_call(db, org, &row.id).await?;
        items.push(Call::new(&row, &legs));
    }
    Ok(items)
}

pub(super) async fn latest(db: &mut AnyConnection, directory: &Directory) -> Result<Vec<Call>, StoreError> {
    page(db, &directory.org, None, LATEST_MAX).await
}
