//! What callers answer to the questions of an intake: kept like messages, and put on the call's alert, be
//! it raised before or after. They page nobody by themselves, unless nothing else would.

use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::effects::{Applying, FETCH_AFTER};
use crate::{
    ivr::IntakeAnswer,
    model::{call::Question, id::AlertId},
    store::{
        StoreError, timers,
        voicemails::{self, FETCH, Place, Said, VoicemailRow},
    },
    work::record,
};

impl Applying<'_> {
    pub async fn intake(&mut self, db: &mut AnyConnection, answer: &IntakeAnswer) -> Result<(), StoreError> {
        let (acting, org) = (self.acting, self.acting.org());
        let recording = answer.sid.clone().unwrap_or_else(|| answer.url.clone());
        // The carrier tells of a recording twice: in the call's own turn and by a report.
        if voicemails::of_call(db, org, &self.call.id).await?.iter().any(|known| known.recording == recording) {
            return Ok(());
        }
        // The call is over, and nobody was told of it: its rule `abandoned` did not know of this.
        if self.call.ended_at.is_some() && self.alert.is_none() {
            self.raise_for_message(db).await?;
        }
        let row = VoicemailRow {
            id: acting.ids.id(acting.now),
            call: self.call.id.clone(),
            alert: self.alert.clone(),
            carrier: self.call.carrier.clone(),
            recording,
            url: answer.url.clone(),
            seconds: answer.seconds,
            transcript: None,
            language: Some(answer.language.clone()),
            transcribe: answer.transcribe,
            place: Place::AtCarrier,
            remove_at: None,
            said: Said::Answer(answer.question),
            created_at: acting.now,
        };
        if !voicemails::insert(db, org, &row).await? {
            return Err(StoreError::Stale("the same answer was kept meanwhile"));
        }
        timers::set(db, org, FETCH, row.id.as_str(), acting.now + FETCH_AFTER, "").await?;
        let (text, detail) = told(&row);
        if let Some(alert) = &self.alert {
            record(db, acting, alert, "intake", text.clone(), detail.clone()).await?;
        }
        self.note(db, "intake", text, detail).await
    }

    /// The call has an alert from here on: what was answered before belongs to it.
    pub async fn attach_intake(&self, db: &mut AnyConnection, alert: &AlertId) -> Result<(), StoreError> {
        let rows = voicemails::attach(db, self.acting.org(), &self.call.id, alert).await?;
        for row in rows.iter().filter(|row| row.said.question().is_some()) {
            let (text, detail) = told(row);
            record(db, self.acting, alert, "intake", text, detail).await?;
        }
        Ok(())
    }
}

fn told(row: &VoicemailRow) -> (String, Value) {
    let question = row.said.question().map_or("", Question::as_str);
    let said = row.transcript.as_ref().map_or_else(String::new, |words| format!(": {words}"));
    let text = format!("The caller's answer to `{question}`: a recording of {} seconds{said}", row.seconds);
    let detail = json!({
        "question": question, "voicemail": row.id.as_str(), "recording": row.recording, "seconds": row.seconds,
        "transcript": row.transcript,
    });
    (format!("{}.", text.trim_end_matches('.')), detail)
}
