//! `/marks`: contact methods that do not work, by the word of whoever delivers. `clear` uses one again;
//! what was not marked stays as it is, so a repeated request needs no key.

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
};

use super::{
    Api, BODY_BYTES_MAX,
    doing::actor,
    failed,
    fields::{Fields, refused},
    wire::{Mark, MarkOutcome, Page},
};
use crate::{
    model::id::{MethodId, PersonId},
    store::{StoreError, marks as rows},
    web::{body, caller::Caller, problem::Problem},
    work::marks,
};

const NAME_MAX: usize = 80;

/// Few at any time: one page.
pub async fn list(State(api): State<Api>) -> Result<Json<Page<Mark>>, Problem> {
    let org = api.context.directory().org.clone();
    let found = async { rows::all(&mut *api.context.store.read().await?, &org).await };
    let found = found.await.map_err(|error: StoreError| failed(&error))?;
    Ok(Json(Page { items: found.iter().map(Mark::from).collect(), next: None }))
}

pub async fn clear(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path((person, method)): Path<(String, String)>,
    request: Request,
) -> Result<Json<MarkOutcome>, Problem> {
    caller.may_write()?;
    let body = body::read(request.into_body(), BODY_BYTES_MAX).await.map_err(|error| refused(&error))?;
    let mut fields = Fields::read(&body)?;
    let acting = api.context.acting();
    let by = fields.text("by", NAME_MAX).unwrap_or_else(|| caller.name.clone());
    fields.finish()?;
    // What is no id names nothing that is marked.
    let (Ok(person), Ok(method)) = (person.parse::<PersonId>(), method.parse::<MethodId>()) else {
        return Ok(Json(MarkOutcome { changed: false, mark: None }));
    };
    let (by, how) = (actor(&acting, &by), caller.how);
    let lift = async move |db: &mut sqlx::AnyConnection| marks::lift(db, &acting, (&person, &method), &by, how).await;
    let lifted = api.context.change(lift).await.map_err(|error| failed(&error))?;
    Ok(Json(MarkOutcome { changed: lifted.is_some(), mark: lifted.as_ref().map(Mark::from) }))
}
