//! Talks that the flow wanted recorded: the carrier tells of one when it is over, by a report alone. It is kept like
//! a message (fetched, sealed, deleted at the carrier, removed in time), and pages nobody. Start with `keep_talk`.

use serde_json::json;
use sqlx::AnyConnection;

use super::{
    State,
    effects::{FETCH_AFTER, note},
    spare::Recorded,
};
use crate::{
    model::id::CallId,
    store::{
        StoreError, calls, timers,
        voicemails::{self, FETCH, Place, Said, VoicemailRow},
    },
    work::{Acting, record},
};

#[derive(Clone)]
struct Talk {
    call: CallId,
    recorded: Recorded,
}

impl State {
    /// However often it is told.
    pub(super) async fn keep_talk(&self, call: &CallId, recorded: &Recorded) -> Result<(), StoreError> {
        let talk = Talk { call: call.clone(), recorded: recorded.clone() };
        let acting = self.context().acting();
        self.context().change(async move |db| talk.note(db, &acting).await).await
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
            recording: self.recorded.name().to_owned(),
            url: self.recorded.url.clone(),
            seconds: self.recorded.seconds,
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
        let text = format!("The talk was recorded: {} seconds.", self.recorded.seconds);
        let detail = json!({ "voicemail": row.id.as_str(), "seconds": self.recorded.seconds });
        if let Some(alert) = &call.alert {
            record(db, acting, alert, "talk", text.clone(), detail.clone()).await?;
        }
        note(db, acting, &call, "talk", text, detail).await
    }
}
