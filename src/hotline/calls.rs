//! The follow-ups of a caller's documents: answers to questions, and the end of the queue. What is heard in it
//! stands in `room`.

use axum::{
    extract::{FromRequest, Request, State as Extract},
    response::Response,
};
use chrono::TimeDelta;
use sqlx::AnyConnection;

use super::{
    State, answer, document, farewell, noticed, recorded, rings::DEADLINE, turn::Scene, urls::Urls, voice::Arrival,
    waiting::Waiting,
};
use crate::{
    carrier::status::QueueResult,
    ivr::{self, Attestation, ConnectEnd, Input},
    model::{
        call::LegState,
        id::{CallId, LegId},
        language::Language,
    },
    store::{
        StoreError,
        calls::{self, Phase},
        legs, timers,
    },
    web::{text, webhook::Webhook},
};

/// A technician's hang-up is reported within a moment, or asked for.
const ASK_SOON: TimeDelta = TimeDelta::seconds(3);
/// How often a caller is led back to a conference that the carrier ends.
const ROOM_TRIES: u32 = 3;
const SPEECH_MAX: usize = 1_000;

/// A request that concerns a call that we know by its id.
pub(super) struct Asked {
    pub call: CallId,
    /// That of the path; none is none of the call's.
    turn: u32,
    pub arrival: Arrival,
    pub webhook: Webhook,
    pub urls: Urls,
}

impl FromRequest<State> for Asked {
    type Rejection = Response;

    async fn from_request(request: Request, state: &State) -> Result<Self, Response> {
        let webhook = Webhook::from_request(request, state).await?;
        let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
        let Some(call) = webhook.named("call") else {
            noticed("call", "unknown");
            return Err(answer("call", farewell(&Language::english(), |words| words.goodbye, &urls)));
        };
        let arrival = Arrival::of(&webhook.carrier, &webhook.form);
        Ok(Self { call, turn: webhook.named("turn").unwrap_or(u32::MAX), arrival, webhook, urls })
    }
}

impl Asked {
    pub fn attestation(&self) -> Attestation {
        Attestation::from_verstat(self.webhook.form.get("StirVerstat"))
    }

    /// The caller is gone: nothing that we answer is heard.
    fn is_over(&self) -> bool {
        self.webhook.form.get("CallStatus") == Some("completed")
    }
}

/// The caller has answered, by key, voice, message or silence.
pub(super) async fn turn(Extract(state): Extract<State>, asked: Asked) -> Response {
    let (turn, worker) = (asked.turn, state.clone());
    let (arrival, form) = (asked.arrival.clone(), asked.webhook.form.clone());
    let work = async move {
        let (input, id) = (input(&asked), &asked.call);
        let document = match worker.go_on_plainly(id, asked.attestation(), turn, &input).await? {
            Some(document) => document,
            None => match worker.scene(id, asked.attestation()).await? {
                Some(scene) => Box::pin(worker.take(scene, turn, input)).await?,
                None => {
                    noticed("turn", "unknown");
                    return Ok(farewell(&Language::english(), |words| words.goodbye, &asked.urls));
                }
            },
        };
        if asked.is_over() {
            Box::pin(worker.finish(id, "the caller has hung up")).await?;
        }
        Ok(document)
    };
    answer("turn", state.or_spare(work, &arrival, &form).await)
}

/// What the carrier reports, in the engine's words. Whoever is gone has answered nothing: what the flow
/// would say next is no goodbye that they have heard.
fn input(asked: &Asked) -> Input {
    match said(asked) {
        Input::Dialed { bridged: false } | Input::RecordedNothing | Input::Nothing if asked.is_over() => Input::HungUp,
        input => input,
    }
}

fn said(asked: &Asked) -> Input {
    let form = &asked.webhook.form;
    if let Some(bridged) = form.bridged() {
        return Input::Dialed { bridged };
    }
    if let Some(recorded) = recorded::of(form) {
        return recorded;
    }
    if asked.webhook.queried::<String>("recorded").is_some() {
        return Input::RecordedNothing;
    }
    if asked.webhook.queried::<String>("go").is_some() {
        return Input::Continued;
    }
    match (form.get("Digits"), form.get("SpeechResult")) {
        (Some(digits), _) if !digits.is_empty() => Input::Digits(text::key(digits).chars().take(64).collect()),
        (_, Some(speech)) if !speech.trim().is_empty() => Input::Speech {
            text: text::line(speech, SPEECH_MAX),
            confidence: form.get("Confidence").and_then(|confidence| confidence.parse().ok()),
        },
        _ => Input::Nothing,
    }
}

/// The caller has left the queue, in whatever way.
pub(super) async fn queue(Extract(state): Extract<State>, asked: Asked) -> Response {
    let (turn, worker) = (asked.turn, state.clone());
    let (arrival, form) = (asked.arrival.clone(), asked.webhook.form.clone());
    let work = async move {
        let talking = worker.talking_leg(&asked.call).await?;
        let Some(scene) = worker.scene(&asked.call, asked.attestation()).await? else {
            noticed("queue", "unknown");
            return Ok(farewell(&Language::english(), |words| words.goodbye, &asked.urls));
        };
        let result = QueueResult::parse(asked.webhook.form.get("QueueResult").unwrap_or_default());
        if !asked.is_over()
            && let Some(document) = worker.talk_goes_on(&scene, talking, &asked, &result).await?
        {
            return Ok(document);
        }
        let end = worker.end_of_waiting(&scene, &result).await?;
        let gone = result == QueueResult::Hangup || asked.is_over();
        let id = scene.call.id.clone();
        let talked = matches!(end, Some(ConnectEnd::Bridged { .. }));
        if gone && !talked {
            worker.finish(&id, "the caller hung up while waiting").await?;
            return Ok(farewell(&Language::english(), |words| words.goodbye, &asked.urls));
        }
        let Some(end) = end else { return worker.wait_on(&scene, turn).await };
        let document = worker.take(scene, turn, Input::Connect(end)).await?;
        if gone {
            worker.finish(&id, "the caller has hung up").await?;
        }
        Ok(document)
    };
    answer("queue", state.or_spare(work, &arrival, &form).await)
}

impl State {
    /// The bridge is over, and the talk is not: three are to talk, the technician presses keys, or somebody
    /// takes over. `None`: it is over, or there was none.
    async fn talk_goes_on(
        &self,
        scene: &Scene,
        talking: Option<LegId>,
        asked: &Asked,
        result: &QueueResult,
    ) -> Result<Option<String>, StoreError> {
        let call = &scene.call;
        let Some(stored) = &call.connect else { return Ok(None) };
        let mut waiting = Waiting::from_json(stored)?;
        let from_bridge = matches!(result, QueueResult::Bridged | QueueResult::RedirectedFromBridged);
        if waiting.comes_from_talk && from_bridge && matches!(call.phase, Phase::Waiting | Phase::Accepted) {
            waiting.comes_from_talk = false;
            let (org, id, phase) = (scene.acting.org().clone(), call.id.clone(), call.phase);
            let (before, after) = (stored.clone(), waiting.to_json());
            let unit =
                async move |db: &mut AnyConnection| calls::advance_connect(db, &org, &id, phase, &before, &after).await;
            // Should that come to nothing, the next bridge that ends is looked at once more.
            self.context().store.write(unit).await?;
            return Ok(Some(self.enqueued(scene, asked.turn)));
        }
        if call.phase != Phase::Bridged {
            return Ok(None);
        }
        let Some(leg) = talking else { return Ok(None) };
        let again: u32 = asked.webhook.queried("again").unwrap_or(0);
        if waiting.conference && again < ROOM_TRIES {
            return Ok(Some(super::star::for_caller(&scene.urls, &call.id, asked.turn, again)));
        }
        if waiting.conference || !from_bridge {
            return Ok(None);
        }
        // Pressing keys, or hanging up: the carrier is asked should it not say so.
        let (org, at) = (scene.acting.org().clone(), scene.acting.now + ASK_SOON);
        let unit = async move |db: &mut AnyConnection| timers::set(db, &org, DEADLINE, leg.as_str(), at, "").await;
        self.context().store.write(unit).await?;
        Ok(Some(self.enqueued(scene, asked.turn)))
    }

    /// The leg of a technician who talks with the caller, as far as is known. It is asked for before the call is
    /// read: the leg's end and where that leaves the caller are one commit, and a call from before it beside legs
    /// from after it would look as if the talk were over.
    pub(super) async fn talking_leg(&self, call: &CallId) -> Result<Option<LegId>, StoreError> {
        let org = self.context().directory().org.clone();
        let legs = legs::of_call(&mut *self.context().store.read().await?, &org, call).await?;
        Ok(legs.into_iter().find(|leg| leg.state == LegState::Bridged).map(|leg| leg.id))
    }

    fn enqueued(&self, scene: &Scene, turn: u32) -> String {
        let verbs = ivr::Verbs { prompts: Vec::new(), then: ivr::Then::Enqueue };
        super::text(&document::of_turn(&verbs, &scene.urls, &scene.call.id, turn), &scene.urls)
    }

    /// Our own rows know better than the carrier's word who talked with whom. `None`: whoever accepted was
    /// gone before they talked.
    async fn end_of_waiting(&self, scene: &Scene, result: &QueueResult) -> Result<Option<ConnectEnd>, StoreError> {
        let call = &scene.call;
        let talk = self.talk(scene).await?;
        if call.phase == Phase::Bridged || talk.is_some() {
            let person = talk.map(|leg| leg.person).or_else(|| call.answered_by.clone());
            return Ok(Some(ConnectEnd::Bridged { person }));
        }
        let Some(waiting) = call.connect.as_deref().map(Waiting::from_json).transpose()? else {
            return Ok(Some(ConnectEnd::Failed));
        };
        let by_carrier = matches!(result, QueueResult::Bridged | QueueResult::RedirectedFromBridged);
        let waits = matches!(call.phase, Phase::Waiting | Phase::Accepted);
        Ok(if by_carrier && waits { None } else { Some(waiting.end()) })
    }

    /// Back into the queue, in the same turn: for the flow nothing has happened.
    async fn wait_on(&self, scene: &Scene, turn: u32) -> Result<String, StoreError> {
        let (acting, id) = (scene.acting.clone(), scene.call.id.clone());
        self.context().change(async move |db| super::talk::broke(db, &acting, &id).await).await?;
        Ok(self.enqueued(scene, turn))
    }
}
