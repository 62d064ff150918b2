//! `/voicemails`: what callers said after the tone, with short-lived links to hear it.

use axum::{
    Json,
    extract::{RawQuery, State},
};

use super::{
    Api, failed,
    query::Query,
    wire::{Page, Voicemail},
};
use crate::{
    model::id::{AlertId, CallId, VoicemailId},
    notify::listen,
    store::{StoreError, voicemails},
    web::problem::Problem,
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
    let expires_at = acting.now + listen::NOW;
    let item = |row: &voicemails::VoicemailRow| {
        let link = row.place.is_here().then(|| acting.links.recording(&row.id, expires_at));
        Voicemail::new(row, link, expires_at)
    };
    Ok(Json(Page::of(rows.iter().map(item).collect(), limit, |message: &Voicemail| message.id.clone())))
}
