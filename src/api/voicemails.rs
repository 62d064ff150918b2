//! `/voicemails`: what callers said after the tone, to the questions of an intake and in recorded talks, with
//! short-lived links to hear it.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::StatusCode,
};

use super::{
    Api, failed,
    query::Query,
    wire::{Page, Voicemail},
};
use crate::{
    model::id::{AlertId, CallId, VoicemailId},
    notify::listen,
    store::{
        StoreError,
        voicemails::{self, VoicemailRow},
    },
    web::problem::Problem,
    work::Acting,
};

/// Those of a call or an alert, the oldest first; else all, the newest first.
pub async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Json<Page<Voicemail>>, Problem> {
    let query = Query::read(query.as_deref(), &["call", "alert", "limit", "cursor"])?;
    let (call, alert) = (query.parsed::<CallId>("call")?, query.parsed::<AlertId>("alert")?);
    let (limit, before) = (query.limit()?, query.parsed::<VoicemailId>("cursor")?);
    let acting = api.context.acting();
    let rows = async {
        let mut db = api.context.store.read().await?;
        match (&call, &alert) {
            (Some(call), _) => voicemails::of_call(&mut db, acting.org(), call).await,
            (None, Some(alert)) => voicemails::of_alert(&mut db, acting.org(), alert).await,
            (None, None) => voicemails::list(&mut db, acting.org(), before.as_ref(), limit + 1).await,
        }
    };
    let rows = rows.await.map_err(|error: StoreError| failed(&error))?;
    let items = rows.iter().map(|row| with_link(&acting, row)).collect();
    Ok(Json(Page::of(items, limit, |message: &Voicemail| message.id.clone())))
}

pub async fn one(State(api): State<Api>, Path(given): Path<String>) -> Result<Json<Voicemail>, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "there is no such voicemail");
    let id: VoicemailId = given.parse().map_err(|_| missing())?;
    let acting = api.context.acting();
    let row = async { voicemails::by_id(&mut *api.context.store.read().await?, acting.org(), &id).await };
    let row = row.await.map_err(|error: StoreError| failed(&error))?.ok_or_else(missing)?;
    Ok(Json(with_link(&acting, &row)))
}

fn with_link(acting: &Acting, row: &VoicemailRow) -> Voicemail {
    let expires_at = acting.now + listen::NOW;
    let link = row.place.is_here().then(|| acting.links.recording(&row.id, expires_at));
    Voicemail::new(row, link, expires_at)
}
