//! The follow-ups of a caller's documents: answers to questions, the queue and its waiting, recordings.

use axum::{
    extract::{Path, Request, State as Extract},
    response::Response,
};
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    State, answer, come_again, document, effects::note, facts, farewell, guard, music, spare, taken, turn::Scene,
    urls::Urls, waiting::Waiting,
};
use crate::{
    carrier::{
        signature::{Form, Verified},
        status::{QueueResult, RecordingStatus},
        twiml::{self, Gather, GatherInput, Method, Pause, Play, Prompt, Redirect, Verb},
    },
    escalation::connect::{End, GaveUp},
    ivr::{self, Attestation, ConnectEnd, Input},
    model::{
        id::{CallId, PersonId},
        language::Language,
    },
    store::{
        StoreError,
        calls::{self, Phase},
        legs::{self, LegRow},
        timers, voicemails,
    },
    work::record,
};

/// How long somebody waits who cannot be told anything new.
const LOOK_EVERY_S: u32 = 10;
const TRANSCRIPT_MAX: usize = 4_000;

/// A request that concerns a call that we know by its id.
struct Asked {
    call: CallId,
    form: Verified<Form>,
    urls: Urls,
    query: String,
}

async fn received(state: &State, carrier: &str, call: &str, request: Request) -> Result<Asked, Response> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let webhook = state.webhooks().receive(carrier, request).await?;
    let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
    let Ok(call) = call.parse() else {
        return Err(answer("unknown", farewell(&Language::english(), |words| words.goodbye, &urls)));
    };
    Ok(Asked { call, form: webhook.form, urls, query })
}

impl Asked {
    fn number(&self, name: &str) -> u32 {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(known, _)| known == name).and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
    }

    fn attestation(&self) -> Attestation {
        Attestation::from_verstat(self.form.get("StirVerstat"))
    }

    /// The caller is gone: nothing that we answer is heard.
    fn is_over(&self) -> bool {
        self.form.get("CallStatus") == Some("completed")
    }
}

/// The caller has answered, by key, voice, message or silence.
pub(super) async fn turn(
    Extract(state): Extract<State>,
    Path((carrier, call, turn)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let asked = match received(&state, &carrier, &call, request).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let (turn, urls) = (turn.parse().unwrap_or(u32::MAX), asked.urls.clone());
    let work = async move {
        let Some(scene) = state.scene(&asked.call, asked.attestation()).await? else {
            return Ok(farewell(&Language::english(), |words| words.goodbye, &asked.urls));
        };
        let (input, over, id) = (input(&asked), asked.is_over(), scene.call.id.clone());
        let document = state.take(scene, turn, input).await?;
        if over {
            state.finish(&id, "the caller has hung up").await?;
        }
        Ok(document)
    };
    answer("turn", guard(work, || spare(&Language::english(), &urls)).await)
}

/// What the carrier reports, in the engine's words.
fn input(asked: &Asked) -> Input {
    let form = &asked.form;
    if let Some(bridged) = form.get("DialBridged") {
        return Input::Dialed { bridged: bridged == "true" };
    }
    if form.get("DialCallStatus").is_some() {
        return Input::Dialed { bridged: false };
    }
    if let Some(recorded) = recorded(form) {
        return recorded;
    }
    if asked.query.contains("recorded=nothing") {
        return Input::RecordedNothing;
    }
    if asked.query.contains("go=on") {
        return Input::Continued;
    }
    match (form.get("Digits"), form.get("SpeechResult")) {
        (Some(digits), _) if !digits.is_empty() => Input::Digits(digits.chars().take(64).collect()),
        (_, Some(speech)) if !speech.trim().is_empty() => Input::Speech {
            text: speech.chars().take(1_000).collect(),
            confidence: form.get("Confidence").and_then(|confidence| confidence.parse().ok()),
        },
        _ if asked.is_over() => Input::HungUp,
        _ => Input::Nothing,
    }
}

/// A recording, if the form tells of one.
pub(super) fn recorded(form: &Form) -> Option<Input> {
    let url = form.get("RecordingUrl").filter(|url| !url.is_empty())?;
    let seconds = form.get("RecordingDuration").and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    if seconds == 0 {
        return Some(Input::RecordedNothing);
    }
    Some(Input::Recorded {
        url: url.chars().take(500).collect(),
        sid: form.get("RecordingSid").or_else(|| url.rsplit('/').next()).map(|sid| sid.chars().take(64).collect()),
        seconds,
        hung_up: form.get("Digits") == Some("hangup") || form.get("CallStatus") == Some("completed"),
    })
}

/// The caller has left the queue, in whatever way.
pub(super) async fn queue(
    Extract(state): Extract<State>,
    Path((carrier, call, turn)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let asked = match received(&state, &carrier, &call, request).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let (turn, urls) = (turn.parse().unwrap_or(u32::MAX), asked.urls.clone());
    let work = async move {
        let Some(scene) = state.scene(&asked.call, asked.attestation()).await? else {
            return Ok(farewell(&Language::english(), |words| words.goodbye, &asked.urls));
        };
        let result = QueueResult::parse(asked.form.get("QueueResult").unwrap_or_default());
        let end = state.end_of_waiting(&scene, &result).await?;
        let gone = result == QueueResult::Hangup || asked.is_over();
        let id = scene.call.id.clone();
        let talked = matches!(end, ConnectEnd::Bridged { .. });
        if gone && !talked {
            state.finish(&id, "the caller hung up while waiting").await?;
            return Ok(farewell(&Language::english(), |words| words.goodbye, &asked.urls));
        }
        let document = state.take(scene, turn, Input::Connect(end)).await?;
        if gone {
            state.finish(&id, "the caller has hung up").await?;
        }
        Ok(document)
    };
    answer("queue", guard(work, || spare(&Language::english(), &urls)).await)
}

impl State {
    /// Our own rows know better than the carrier's word who talked with whom.
    async fn end_of_waiting(&self, scene: &Scene, result: &QueueResult) -> Result<ConnectEnd, StoreError> {
        let call = &scene.call;
        let legs = {
            let mut db = self.context().store.read().await?;
            legs::of_call(&mut db, scene.acting.org(), &call.id).await?
        };
        let bridged = legs.iter().rev().find(|leg| leg.bridged_at.is_some()).map(|leg| leg.person.clone());
        let by_carrier = matches!(result, QueueResult::Bridged | QueueResult::RedirectedFromBridged);
        if call.phase == Phase::Bridged || bridged.is_some() || by_carrier {
            let person = match bridged {
                Some(person) => Some(person),
                None => self.unheard_talk(scene, legs).await?,
            };
            return Ok(ConnectEnd::Bridged { person });
        }
        let waiting = call.connect.as_deref().map(Waiting::from_json).transpose()?;
        Ok(waiting.map_or(ConnectEnd::Failed, |waiting| waiting.end()))
    }
}

impl State {
    /// The carrier says that they talked, and what it asked us at that moment went unheard: it was with
    /// whoever picked up last.
    async fn unheard_talk(&self, scene: &Scene, legs: Vec<LegRow>) -> Result<Option<PersonId>, StoreError> {
        let picked_up = |leg: LegRow| leg.answered_at.map(|at| (leg, at));
        let Some((leg, since)) = legs.into_iter().rev().find_map(picked_up) else {
            return Ok(scene.call.answered_by.clone());
        };
        let (acting, call, person) = (scene.acting.clone(), scene.call.clone(), leg.person.clone());
        self.context().change(async move |db| super::connect::talk(db, &acting, &call, &leg, since).await).await?;
        Ok(Some(person))
    }
}

/// What a waiting caller hears: fetched again and again, so it is cheap.
pub(super) async fn wait(
    Extract(state): Extract<State>,
    Path((carrier, call)): Path<(String, String)>,
    request: Request,
) -> Response {
    let asked = match received(&state, &carrier, &call, request).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let urls = asked.urls.clone();
    let work = async move { state.waiting_room(&asked).await };
    // Whoever cannot be told anything new goes on waiting.
    let silence = || super::text(&twiml::Response::new().with(Pause::seconds(LOOK_EVERY_S)), &urls);
    answer("wait", guard(work, silence).await)
}

impl State {
    async fn waiting_room(&self, asked: &Asked) -> Result<String, StoreError> {
        let leave = || Ok(super::text(&twiml::Response::new().with(Verb::Leave), &asked.urls));
        let Some(scene) = self.scene(&asked.call, asked.attestation()).await? else { return leave() };
        let Some(waiting) = scene.call.connect.as_deref().map(Waiting::from_json).transpose()? else {
            return leave();
        };
        match scene.call.phase {
            Phase::Waiting if asked.form.get("Digits") == Some("*") => {
                self.leave_queue(&scene).await?;
                leave()
            }
            Phase::Waiting => self.room(asked, &scene, &waiting).await,
            // The bridge is a moment away.
            Phase::Accepted | Phase::Bridged => {
                Ok(super::text(&twiml::Response::new().with(Pause::seconds(LOOK_EVERY_S)), &asked.urls))
            }
            Phase::Ivr | Phase::Recording | Phase::Leaving | Phase::Away | Phase::Ended => leave(),
        }
    }

    async fn leave_queue(&self, scene: &Scene) -> Result<(), StoreError> {
        let (acting, id) = (scene.acting.clone(), scene.call.id.clone());
        let unit = async move |db: &mut AnyConnection| {
            let org = acting.org();
            let Some(call) = calls::by_id(db, org, &id).await? else { return Ok(()) };
            let Some(stored) = &call.connect else { return Ok(()) };
            if !calls::go(db, org, &id, Phase::Waiting, Phase::Leaving).await? {
                return Ok(());
            }
            let mut waiting = Waiting::from_json(stored)?;
            waiting.left = true;
            waiting.connect.progress.end = Some(End::GaveUp(GaveUp::WaitOver));
            calls::set_connect(db, org, &id, &waiting.to_json()).await?;
            let waited = acting.now - waiting.connect.plan.started_at;
            calls::set_waited(db, org, &id, waited.num_milliseconds()).await?;
            super::ended::quiet_phones(db, &acting, &call).await?;
            timers::clear(db, org, super::effects::CONNECT, id.as_str()).await?;
            super::connect::release(db, &acting, &call).await?;
            note(db, &acting, &call, "left", "The caller pressed * to leave the queue.", json!({})).await
        };
        self.context().change(unit).await
    }

    /// At first that they are being connected, then music or silence, and now and then where they stand.
    async fn room(&self, asked: &Asked, scene: &Scene, waiting: &Waiting) -> Result<String, StoreError> {
        let n = asked.number("n");
        let (facts, state) = {
            let mut db = self.context().store.read().await?;
            let mut facts = facts::gather(&mut db, &scene.acting, &scene.line).await?;
            let ahead = calls::count_ahead(&mut db, scene.acting.org(), &scene.call).await?;
            facts.queue_position = Some(ahead + 1);
            let state = super::turn::state_of(scene, &facts)?;
            (facts, state)
        };
        // A flow's own music may have any length; nobody is told more often than they asked for.
        let rounds = waiting.announce_every_s.div_ceil(music::SECONDS).max(1);
        let mut prompts: Vec<Prompt> = Vec::new();
        if n.is_multiple_of(rounds) {
            let said = ivr::waiting(&scene.flow, &state, &facts, n == 0);
            prompts.extend(said.iter().map(document::prompt));
        }
        let own = || format!("{}{}", asked.urls.public_url, music::PATH);
        prompts.push(Prompt::Play(Play::url(waiting.music.clone().unwrap_or_else(own))));
        let next = asked.urls.wait(&scene.call.id, n + 1);
        let gather = Gather {
            action: Some(next.clone()),
            method: Some(Method::Post),
            input: Some(GatherInput::Dtmf),
            timeout_s: Some(1),
            num_digits: Some(1),
            finish_on_key: Some(String::new()),
            prompts,
            ..Gather::default()
        };
        let response = twiml::Response::new().with(gather).with(Redirect::to(next));
        Ok(document::text(&response, &asked.urls, &state.language))
    }
}

/// The file of a recording is there, or will never be. A message whose own webhook was lost is kept.
pub(super) async fn recording(
    Extract(state): Extract<State>,
    Path((carrier, call)): Path<(String, String)>,
    request: Request,
) -> Response {
    let asked = match received(&state, &carrier, &call, request).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let status = RecordingStatus::parse(asked.form.get("RecordingStatus").unwrap_or_default());
    let of_the_caller = asked.form.get("RecordingSource").is_none_or(|source| source == "RecordVerb");
    let kept = async {
        let (RecordingStatus::Completed, true, Some(input)) = (status, of_the_caller, recorded(&asked.form)) else {
            return Ok(());
        };
        let Some(scene) = state.scene(&asked.call, Attestation::NotSupplied).await? else { return Ok(()) };
        let known = {
            let mut db = state.context().store.read().await?;
            let known = voicemails::of_call(&mut db, scene.acting.org(), &scene.call.id).await?;
            matches!(&input, Input::Recorded { sid: Some(sid), .. } if known.iter().any(|known| known.recording == *sid))
        };
        match (known, scene.call.ended_at) {
            (true, _) => Ok(()),
            (false, Some(_)) => state.late(scene, input).await.map(|_| ()),
            (false, None) => {
                let turn = scene.call.turn;
                state.take(scene, turn, input).await.map(|_| ())
            }
        }
    };
    match kept.await {
        Ok(()) => taken("recording"),
        Err(error) => come_again("recording", &error),
    }
}

/// Comes minutes later, and only for English.
pub(super) async fn transcription(
    Extract(state): Extract<State>,
    Path((carrier, call)): Path<(String, String)>,
    request: Request,
) -> Response {
    let asked = match received(&state, &carrier, &call, request).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let words = asked.form.get("TranscriptionText").unwrap_or_default();
    let words = crate::web::text::line(words, TRANSCRIPT_MAX);
    let sid = asked.form.get("RecordingSid").unwrap_or_default().to_owned();
    if words.is_empty() || asked.form.get("TranscriptionStatus") == Some("failed") {
        return taken("transcription");
    }
    let (acting, id) = (state.context().acting(), asked.call.clone());
    let unit = async move |db: &mut AnyConnection| {
        if !voicemails::transcribe(db, acting.org(), &id, &sid, &words).await? {
            return Ok(());
        }
        let Some(call) = calls::by_id(db, acting.org(), &id).await? else { return Ok(()) };
        if let Some(alert) = &call.alert {
            let detail = json!({ "recording": sid, "transcript": words });
            record(db, &acting, alert, "transcript", format!("The caller's message says: {words}"), detail).await?;
        }
        Ok(())
    };
    match state.context().store.write(unit).await {
        Ok(()) => taken("transcription"),
        Err(error) => come_again("transcription", &error),
    }
}
