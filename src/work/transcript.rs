//! What a caller said has become words, wherever they were found: they go onto the timelines of the call
//! and its alert, and to those who were paged. Part of a unit of work.

use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::{Acting, marks};
use crate::{
    model::call::Question,
    notify::{
        listen,
        plan::{self, Transcript},
    },
    store::{
        StoreError, alerts, attempts, timeline, timers,
        voicemails::{self, DELETE, Said, VoicemailRow},
    },
};

/// The transcript is in the row (`voicemails::transcribe`).
pub async fn arrived(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &VoicemailRow,
    words: &str,
) -> Result<(), StoreError> {
    let org = acting.org();
    let detail = json!({
        "voicemail": row.id.as_str(), "recording": row.recording, "transcript": words,
        "question": row.said.question().map(Question::as_str),
    });
    let text = match row.said {
        Said::Answer(question) => format!("The caller's answer to `{}` says: {words}", question.as_str()),
        Said::Message => format!("The caller's message says: {words}"),
        Said::Talk => format!("In the recorded talk was said: {words}"),
    };
    note(db, acting, row, "transcript", text, detail).await?;
    let place = voicemails::by_id(db, org, &row.id).await?.map(|row| row.place);
    if place == Some(voicemails::Place::Both) {
        // The carrier was waited for.
        timers::set(db, org, DELETE, row.id.as_str(), acting.now, "").await?;
    }
    let Some(alert) = &row.alert else { return Ok(()) };
    let Some(about) = alerts::by_id(db, org, alert).await? else { return Ok(()) };
    let url =
        place.filter(|place| place.is_here()).map(|_| acting.links.recording(&row.id, acting.now + listen::LATER));
    let transcript = Transcript {
        alert: &about.alert,
        customer: acting.customer_of(&about),
        words,
        listen: url.as_deref(),
        home: acting.links.home(),
        now: acting.now,
    };
    let paged = attempts::of_alert(db, org, alert).await?;
    let marked = marks::people(db, acting).await?;
    let person = |id: &_| marked.get(id).or_else(|| acting.directory.people.get(id));
    for notice in plan::transcripts(&transcript, &paged, person, &acting.ids) {
        attempts::insert(db, org, &notice).await?;
    }
    Ok(())
}

/// An entry of the timelines of a message's call and alert.
pub async fn note(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &VoicemailRow,
    kind: &str,
    text: impl Into<String>,
    detail: Value,
) -> Result<(), StoreError> {
    let entry = timeline::Entry {
        id: acting.ids.id(acting.now),
        alert: row.alert.clone(),
        call: Some(row.call.clone()),
        at: acting.now,
        kind: kind.to_owned(),
        text: text.into(),
        detail,
    };
    timeline::write(db, acting.org(), &entry).await
}
