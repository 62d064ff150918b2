//! Audio that the carrier cannot fetch ends a document: the caller hears the text beside it and goes on where they
//! are, as if it had been spoken at first. The flow has no part in it, and no turn is taken. Whatever else makes
//! the carrier fall back, or cannot be answered here, leads to `spare`.

use axum::{extract::State as Extract, response::Response};
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    State, answer, document, effects::note, room, served, spare, turn::Scene, voice::Arrival, waiting::Waiting,
};
use crate::{
    carrier::twiml,
    ivr,
    store::{
        StoreError,
        calls::{self, Phase},
        turns,
    },
    web::webhook::Webhook,
};

/// A carrier's address of something else than a document of ours, at most so long.
const URL_MAX: usize = 2_048;

/// The number's fallback URL.
pub(super) async fn fallback(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let failed = webhook.form.get("ErrorUrl").filter(|url| url.len() <= URL_MAX && state.is_of_others(url));
    if let Some(url) = failed.map(str::to_owned) {
        let arrival = Arrival::of(&webhook.carrier, &webhook.form);
        // The carrier says so in requests for whoever waits.
        let waits = webhook.form.get("QueueSid").is_some();
        let worker = state.clone();
        let work = async move { worker.without_audio(&arrival, &url, waits).await.map(Option::unwrap_or_default) };
        if let Some(document) = served(work).await.filter(|document| !document.is_empty()) {
            return answer("voice-fallback", document);
        }
    }
    spare::fallback(Extract(state.desk().clone()), webhook).await
}

impl State {
    fn is_of_others(&self, url: &str) -> bool {
        let ours = self.webhooks().public_url();
        url.starts_with("http") && !url.strip_prefix(ours).is_some_and(|rest| rest.starts_with('/'))
    }

    /// `None`: the call plays nothing.
    async fn without_audio(&self, arrival: &Arrival, url: &str, waits: bool) -> Result<Option<String>, StoreError> {
        let org = self.context().directory().org.clone();
        let (call, last) = {
            let mut db = self.context().store.read().await?;
            let call = calls::by_carrier_call(&mut db, &org, &arrival.carrier, &arrival.carrier_call).await?;
            let Some(call) = call.filter(|call| call.ended_at.is_none() && call.turn > 0) else { return Ok(None) };
            let last = turns::document(&mut db, &org, &call.id, call.turn - 1).await?;
            (call, last)
        };
        let scene = self.scene_of(call, arrival.attestation).await?;
        let last = last.and_then(|last| twiml::read(&last).ok()).map(|read| read.response);
        let names = last.as_ref().is_some_and(|last| document::plays(last, url));
        let music = if names && !waits { None } else { music(&scene, url, waits)? };
        let response = music.or_else(|| in_words(&scene, last?, url));
        let Some(response) = response else { return Ok(None) };
        let language = scene.call.language.clone().unwrap_or_else(|| scene.flow.default_language().clone());
        let document = document::text(&response, &scene.urls, &language);
        tracing::warn!(call.id = %scene.call.id, flow = %scene.call.flow, url, "the carrier cannot fetch an audio");
        let (url, Scene { acting, call, .. }) = (url.to_owned(), scene);
        let unit = async move |db: &mut AnyConnection| {
            let text = "The carrier could not fetch an audio of the flow; what stands in for it was heard.";
            note(db, &acting, &call, "audio", text, json!({ "url": url })).await
        };
        // Whether that can be noted or not, the caller goes on.
        if let Err(error) = self.context().store.write(unit).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a missing audio could not be noted");
        }
        Ok(Some(document))
    }
}

/// For whoever waits with the flow's own music.
fn music(scene: &Scene, url: &str, waits: bool) -> Result<Option<twiml::Response>, StoreError> {
    let in_queue = matches!(scene.call.phase, Phase::Waiting | Phase::Accepted | Phase::Bridged | Phase::Leaving);
    let waiting = scene.call.connect.as_deref().filter(|_| in_queue).map(Waiting::from_json).transpose()?;
    let waiting = waiting.filter(|waiting| waits || waiting.music.as_deref() == Some(url));
    Ok(waiting.map(|waiting| room::without_music(scene, &waiting)))
}

fn in_words(scene: &Scene, last: twiml::Response, url: &str) -> Option<twiml::Response> {
    let state = ivr::State::from_json(&scene.call.state).ok()?;
    document::without_audio(last, url, &ivr::in_place_of(&state, url))
}
