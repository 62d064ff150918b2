//! Reports of recordings and of their words. A message is told by the caller's own turn, too; one whose turn got lost
//! is kept by its report. A talk that the flow wanted recorded is told by a report alone: it is kept like a message
//! (fetched, sealed, deleted at the carrier, removed in time), and pages nobody.

use axum::{extract::State as Extract, response::Response};
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    State,
    calls::{Asked, recorded},
    come_again,
    effects::{Applying, FETCH_AFTER, note},
    taken,
    turn::Scene,
};
use crate::{
    carrier::status::RecordingStatus,
    ivr::{self, Attestation, Input},
    model::{
        call::{Outcome, Question},
        id::CallId,
    },
    store::{
        StoreError,
        calls::{self, Phase},
        timers,
        voicemails::{self, FETCH, Place, Said, VoicemailRow},
    },
    web::text,
    work::{Acting, record, transcript},
};

const TRANSCRIPT_MAX: usize = 4_000;

/// The file of a recording is there, or will never be. A message whose own webhook was lost is kept.
pub(super) async fn recording(Extract(state): Extract<State>, asked: Asked) -> Response {
    let status = RecordingStatus::parse(asked.webhook.form.get("RecordingStatus").unwrap_or_default());
    let of_the_caller = asked.webhook.form.get("RecordingSource").is_none_or(|source| source == "RecordVerb");
    let kept = async {
        // Silence is told by the turn alone.
        let (RecordingStatus::Completed, Some(input @ Input::Recorded { .. })) =
            (status, recorded(&asked.webhook.form))
        else {
            return Ok(());
        };
        if !of_the_caller {
            return state.keep_talk(asked.call.clone(), input).await;
        }
        let Some(scene) = state.scene(&asked.call, Attestation::NotSupplied).await? else { return Ok(()) };
        let known = state.is_kept(&scene.call.id, &input).await?;
        let question = asked.webhook.queried::<String>("question").and_then(|name| Question::named(&name));
        // A report that was slow belongs to a question of before.
        let is_current = asked.webhook.queried::<u32>("turn").is_none_or(|turn| turn == scene.call.turn);
        match (known, scene.call.ended_at) {
            (true, _) => Ok(()),
            (false, Some(_)) if question.is_some() => state.keep_beside(&scene, &input, question).await,
            // A second message: the flow has had its one.
            (false, Some(_)) if scene.call.outcome == Some(Outcome::Voicemail) => {
                state.keep_beside(&scene, &input, None).await
            }
            (false, Some(_)) => state.late(scene, input).await.map(|_| ()),
            (false, None) if scene.call.phase == Phase::Recording && is_current => {
                let turn = scene.call.turn;
                state.take(scene, turn, input).await.map(|_| ())
            }
            // Their call is somewhere else by now, and goes on there.
            (false, None) => state.keep_beside(&scene, &input, question).await,
        }
    };
    match kept.await {
        Ok(()) => taken("recording"),
        Err(error) => come_again("recording", &error),
    }
}

impl State {
    /// Whether this recording is one of the call's messages already.
    pub(super) async fn is_kept(&self, call: &CallId, input: &Input) -> Result<bool, StoreError> {
        let Input::Recorded { url, sid, .. } = input else { return Ok(false) };
        let recording = sid.as_ref().unwrap_or(url);
        let org = self.context().directory().org.clone();
        let kept = voicemails::of_call(&mut *self.context().store.read().await?, &org, call).await?;
        Ok(kept.iter().any(|message| message.recording == *recording))
    }

    /// A message, or an answer, that the flow does not hear of: it stands beside the call's alert.
    async fn keep_beside(&self, scene: &Scene, input: &Input, question: Option<Question>) -> Result<(), StoreError> {
        let Input::Recorded { url, sid, seconds, .. } = input.clone() else { return Ok(()) };
        let language = scene.call.language.clone().unwrap_or_else(|| scene.flow.default_language().clone());
        let effect = match question {
            Some(question) => {
                ivr::Effect::Intake(ivr::IntakeAnswer { question, url, sid, seconds, transcribe: false, language })
            }
            None => {
                ivr::Effect::Voicemail(ivr::Voicemail { url, sid, seconds, transcribe: false, language, raise: None })
            }
        };
        let (acting, call) = (scene.acting.clone(), scene.call.clone());
        let reserved = self.context().store.alert_numbers(acting.org(), 1).await?;
        let numbers = reserved.clone();
        let unit = async move |db: &mut AnyConnection| {
            let mut applying = Applying::new(&acting, &call, numbers.clone());
            applying.apply(db, &effect).await?;
            Ok(applying.used)
        };
        let used = self.context().change(unit).await?;
        self.settle_numbers(&reserved, &used);
        Ok(())
    }
}

/// Comes minutes later, and only for English.
pub(super) async fn transcription(Extract(state): Extract<State>, asked: Asked) -> Response {
    let words = asked.webhook.form.get("TranscriptionText").unwrap_or_default();
    let words = text::line(words, TRANSCRIPT_MAX);
    let sid = text::key(asked.webhook.form.get("RecordingSid").unwrap_or_default());
    if words.is_empty() || asked.webhook.form.get("TranscriptionStatus") == Some("failed") {
        return taken("transcription");
    }
    let (acting, id) = (state.context().acting(), asked.call.clone());
    let unit = async move |db: &mut AnyConnection| {
        if !voicemails::transcribe(db, acting.org(), &id, &sid, &words).await? {
            return Ok(());
        }
        let messages = voicemails::of_call(db, acting.org(), &id).await?;
        match messages.iter().find(|message| message.recording == sid) {
            Some(message) => transcript::arrived(db, &acting, message, &words).await,
            None => Ok(()),
        }
    };
    match state.context().store.write(unit).await {
        Ok(()) => taken("transcription"),
        Err(error) => come_again("transcription", &error),
    }
}

impl State {
    /// Carriers tell of it once: what cannot be noted now is tried again as long as it takes.
    pub(super) async fn keep_talk(&self, call: CallId, recorded: Input) -> Result<(), StoreError> {
        let Err(error) = self.note_talk(&call, &recorded).await else { return Ok(()) };
        let state = self.clone();
        self.keeping().spawn(async move {
            let (call, recorded) = (&call, &recorded);
            state.keep_trying(|state| async move { state.note_talk(call, recorded).await }).await
        });
        Err(error)
    }

    async fn note_talk(&self, call: &CallId, recorded: &Input) -> Result<(), StoreError> {
        let Input::Recorded { url, sid, seconds, .. } = recorded.clone() else { return Ok(()) };
        let (acting, call) = (self.context().acting(), call.clone());
        let talk = Talk { recording: sid.unwrap_or_else(|| url.clone()), url, seconds };
        self.context().change(async move |db| talk.note(db, &acting, &call).await).await
    }
}

#[derive(Clone)]
struct Talk {
    recording: String,
    url: String,
    seconds: u32,
}

impl Talk {
    async fn note(&self, db: &mut AnyConnection, acting: &Acting, call: &CallId) -> Result<(), StoreError> {
        let org = acting.org();
        let Some(call) = calls::by_id(db, org, call).await? else { return Ok(()) };
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
