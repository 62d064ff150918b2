//! What callers said: recordings that a turn or a report tells of, and their transcripts.

use axum::{extract::State as Extract, response::Response};
use sqlx::AnyConnection;

use super::{
    State,
    calls::Asked,
    come_again,
    effects::Applying,
    in_time, journaled,
    spare::{Recorded, What},
    taken,
    turn::Scene,
};
use crate::{
    carrier::{signature::Form, status::RecordingStatus},
    ivr::{self, Attestation, Input},
    model::{
        call::{Outcome, Question},
        id::CallId,
    },
    store::{StoreError, calls::Phase, voicemails},
    web::{text, webhook::Webhook},
    work::transcript,
};

const TRANSCRIPT_MAX: usize = 4_000;

/// The file of a recording is there, or will never be. A message whose own webhook was lost is kept.
pub(super) async fn recording(Extract(state): Extract<State>, asked: Asked) -> Response {
    let Some(reported) = reported(&asked.webhook) else { return taken("recording") };
    let of_turn = asked.webhook.queried::<u32>("turn");
    let (worker, id, told) = (state.clone(), asked.call.clone(), reported.clone());
    let work = async move {
        match told {
            What::Talk { call, recorded } => worker.keep_talk(&call, &recorded).await,
            What::Recording { recorded, question } => {
                let Some(scene) = worker.scene(&id, Attestation::NotSupplied).await? else { return Ok(()) };
                // A report that was slow belongs to a question of before.
                let is_current = of_turn.is_none_or(|turn| turn == scene.call.turn);
                worker.keep_reported(scene, recorded.input(false), question, is_current).await
            }
            What::Used | What::Dialled(_) | What::Talked(_) | What::Message(_) | What::Ended => Ok(()),
        }
    };
    if in_time(work, "the journal keeps a recording").await.is_some() {
        return taken("recording");
    }
    state.desk().happened(&asked.arrival, reported).await;
    journaled("recording")
}

/// What the caller said, or a talk, if the carrier reports that. Silence is told by the turn alone.
pub(super) fn reported(webhook: &Webhook) -> Option<What> {
    let form = &webhook.form;
    let status = RecordingStatus::parse(form.get("RecordingStatus").unwrap_or_default());
    let recorded = Recorded::of(of(form).filter(|_| status == RecordingStatus::Completed))?;
    if form.get("RecordingSource").is_none_or(|source| source == "RecordVerb") {
        let question = webhook.queried::<String>("question").and_then(|name| Question::named(&name));
        Some(What::Recording { recorded, question })
    } else {
        Some(What::Talk { call: webhook.named("call")?, recorded })
    }
}

impl State {
    /// A recording that the carrier reports beside the call's turns. `is_current`: the call may wait for it.
    pub(super) async fn keep_reported(
        &self,
        scene: Scene,
        input: Input,
        question: Option<Question>,
        is_current: bool,
    ) -> Result<(), StoreError> {
        let known = self.is_kept(&scene.call.id, &input).await?;
        match (known, scene.call.ended_at) {
            (true, _) => Ok(()),
            (false, Some(_)) if question.is_some() => self.keep_beside(&scene, &input, question).await,
            // A second message: the flow has had its one.
            (false, Some(_)) if scene.call.outcome == Some(Outcome::Voicemail) => {
                self.keep_beside(&scene, &input, None).await
            }
            (false, Some(_)) => self.late(scene, input).await.map(|_| ()),
            (false, None) if scene.call.phase == Phase::Recording && is_current => {
                let turn = scene.call.turn;
                self.take(scene, turn, input).await.map(|_| ())
            }
            // Their call is somewhere else by now, and goes on there.
            (false, None) => self.keep_beside(&scene, &input, question).await,
        }
    }

    /// Whether this recording is one of the call's messages already.
    pub(super) async fn is_kept(&self, call: &CallId, input: &Input) -> Result<bool, StoreError> {
        let Input::Recorded { url, sid, .. } = input else { return Ok(false) };
        let recording = sid.as_ref().unwrap_or(url);
        let org = self.context().directory().org.clone();
        let kept = voicemails::of_call(&mut *self.context().store.read().await?, &org, call).await?;
        Ok(kept.iter().any(|message| message.recording == *recording))
    }

    /// A message, or an answer, that the flow does not hear of: it stands beside the call's alert, and is put
    /// into words as if it had come in time.
    pub(super) async fn keep_beside(
        &self,
        scene: &Scene,
        input: &Input,
        question: Option<Question>,
    ) -> Result<(), StoreError> {
        let Input::Recorded { url, sid, seconds, spare, .. } = input.clone() else { return Ok(()) };
        let language = scene.call.language.clone().unwrap_or_else(|| scene.flow.default_language().clone());
        let effect = match question {
            Some(question) => {
                ivr::Effect::Intake(ivr::IntakeAnswer { question, url, sid, seconds, transcribe: true, language })
            }
            None => {
                let state = ivr::State::from_json(&scene.call.state);
                let transcribe = spare || state.is_ok_and(|state| ivr::transcribes(scene.flows(), &state));
                ivr::Effect::Voicemail(ivr::Voicemail { url, sid, seconds, transcribe, language, raise: None })
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

/// A recording, if the form tells of one.
pub(super) fn of(form: &Form) -> Option<Input> {
    let url = text::key(form.get("RecordingUrl").filter(|url| !url.is_empty())?);
    let duration = form.get("RecordingDuration").and_then(|seconds| seconds.trim().parse::<f64>().ok());
    if duration == Some(0.0) {
        return Some(Input::RecordedNothing);
    }
    // Of unknown length is not empty.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and clamped to an hour")]
    let seconds = duration.unwrap_or(0.0).ceil().clamp(0.0, 3_600.0) as u32;
    Some(Input::Recorded {
        url: url.chars().take(500).collect(),
        sid: form
            .get("RecordingSid")
            .or_else(|| url.rsplit('/').next())
            .map(|sid| text::key(sid).chars().take(64).collect()),
        seconds,
        hung_up: form.get("Digits") == Some("hangup") || form.get("CallStatus") == Some("completed"),
        spare: false,
    })
}
