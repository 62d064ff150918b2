//! Talks that the flow wanted recorded: the carrier tells of one when it is over, by a report alone. It is kept like
//! a message (fetched, sealed, deleted at the carrier, removed in time), and pages nobody. Start with `told`.

use axum::response::Response;
use chrono::TimeDelta;
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    State,
    calls::Asked,
    come_again,
    effects::{FETCH_AFTER, note},
    recorded, taken,
};
use crate::{
    carrier::status::RecordingStatus,
    ivr::Input,
    model::id::CallId,
    store::{
        StoreError, calls, timers,
        voicemails::{self, FETCH, Place, Said, VoicemailRow},
    },
    work::{Acting, record},
};

/// What cannot be noted now is tried again for a day.
const AGAIN: TimeDelta = TimeDelta::seconds(5);
const TRIES: u32 = 17_280;

#[derive(Clone)]
struct Talk {
    call: CallId,
    recording: String,
    url: String,
    seconds: u32,
}

/// The answer to a report of a recorded talk. `None`: it is no such report.
pub(super) async fn told(state: &State, asked: &Asked) -> Option<Response> {
    let form = &asked.webhook.form;
    form.get("RecordingSource").filter(|source| *source != "RecordVerb")?;
    let is_there =
        RecordingStatus::parse(form.get("RecordingStatus").unwrap_or_default()) == RecordingStatus::Completed;
    let Some(Input::Recorded { url, sid, seconds, .. }) = recorded::of(form).filter(|_| is_there) else {
        return Some(taken("recording"));
    };
    let talk = Talk { call: asked.call.clone(), recording: sid.unwrap_or_else(|| url.clone()), url, seconds };
    Some(match state.note_talk(&talk).await {
        Ok(()) => taken("recording"),
        Err(error) => {
            state.note_talk_later(talk);
            come_again("recording", &error)
        }
    })
}

impl State {
    async fn note_talk(&self, talk: &Talk) -> Result<(), StoreError> {
        let (acting, talk) = (self.context().acting(), talk.clone());
        self.context().change(async move |db| talk.note(db, &acting).await).await
    }

    /// Carriers tell of it once.
    fn note_talk_later(&self, talk: Talk) {
        let state = self.clone();
        self.keeping().spawn(async move {
            for _ in 0..TRIES {
                state.context().clock.sleep(AGAIN).await;
                match state.note_talk(&talk).await {
                    Err(error) if error.is_unavailable() => {}
                    Err(error) => {
                        let (call, error) = (&talk.call, &error as &dyn std::error::Error);
                        tracing::error!(error, call.id = %call, talk.recording, "a recorded talk cannot be kept");
                        return;
                    }
                    Ok(()) => return,
                }
            }
        });
    }
}

impl Talk {
    async fn note(&self, db: &mut AnyConnection, acting: &Acting) -> Result<(), StoreError> {
        let org = acting.org();
        let Some(call) = calls::by_id(db, org, &self.call).await? else { return Ok(()) };
        let row = VoicemailRow {
            id: acting.ids.id(acting.now),
            call: call.id.clone(),
            alert: call.alert.clone(),
            carrier: call.carrier.clone(),
            recording: self.recording.clone(),
            url: self.url.clone(),
            seconds: self.seconds,
            transcript: None,
            said: Said::Talk,
            language: call.language.clone(),
            transcribe: false,
            place: Place::AtCarrier,
            remove_at: None,
            created_at: acting.now,
        };
        if !voicemails::insert(db, org, &row).await? {
            // Told before.
            return Ok(());
        }
        timers::set(db, org, FETCH, row.id.as_str(), acting.now + FETCH_AFTER, "").await?;
        let text = format!("The talk was recorded: {} seconds.", self.seconds);
        let detail = json!({ "voicemail": row.id.as_str(), "seconds": self.seconds });
        if let Some(alert) = &call.alert {
            record(db, acting, alert, "talk", text.clone(), detail.clone()).await?;
        }
        note(db, acting, &call, "talk", text, detail).await
    }
}
