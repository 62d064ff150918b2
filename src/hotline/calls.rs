//! The follow-ups of a caller's documents: answers to questions, the queue and its waiting.

use axum::{
    extract::{FromRequest, Request, State as Extract},
    response::Response,
};
use chrono::TimeDelta;
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    State, answer, document, effects::note, facts, farewell, guard, music, recorded, rings::DEADLINE, turn::Scene,
    urls::Urls, voice::Arrival, waiting::Waiting,
};
use crate::{
    carrier::{
        status::QueueResult,
        twiml::{self, Gather, GatherInput, Method, Pause, Play, Prompt, Redirect, Verb},
    },
    escalation::connect::{End, GaveUp},
    ivr::{self, Attestation, ConnectEnd, Input},
    model::{
        call::LegState,
        id::{CallId, LegId},
        language::Language,
    },
    store::{
        StoreError,
        calls::{self, Phase},
        legs, timers, waiting as queued,
    },
    web::{text, webhook::Webhook},
};

/// How long somebody waits who cannot be told anything new.
const LOOK_EVERY_S: u32 = 10;
/// After so many looks in vain the caller is led out of the queue, to whoever can be had without us.
const LOOKS_IN_VAIN_MAX: u32 = 2;
/// How long somebody waits for what is about to happen.
const PATIENCE_S: u32 = 2;
/// After the longest wait, before the room itself ends it.
const OVERTIME: TimeDelta = TimeDelta::seconds(30);
/// A technician's hang-up is reported within a moment, or asked for.
const ASK_SOON: TimeDelta = TimeDelta::seconds(3);
/// How often a caller is led back to a conference that the carrier ends.
const ROOM_TRIES: u32 = 3;
const SPEECH_MAX: usize = 1_000;

/// Why a caller leaves the queue without having talked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    ByKey,
    Forgotten,
}

/// A request that concerns a call that we know by its id.
pub(super) struct Asked {
    pub call: CallId,
    /// That of the path; none is none of the call's.
    turn: u32,
    pub arrival: Arrival,
    pub webhook: Webhook,
    urls: Urls,
}

impl FromRequest<State> for Asked {
    type Rejection = Response;

    async fn from_request(request: Request, state: &State) -> Result<Self, Response> {
        let webhook = Webhook::from_request(request, state).await?;
        let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
        let Some(call) = webhook.named("call") else {
            return Err(answer("unknown", farewell(&Language::english(), |words| words.goodbye, &urls)));
        };
        let arrival = Arrival::of(&webhook.carrier, &webhook.form);
        Ok(Self { call, turn: webhook.named("turn").unwrap_or(u32::MAX), arrival, webhook, urls })
    }
}

impl Asked {
    fn attestation(&self) -> Attestation {
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
                None => return Ok(farewell(&Language::english(), |words| words.goodbye, &asked.urls)),
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
    if let Some(bridged) = form.get("DialBridged") {
        return Input::Dialed { bridged: bridged == "true" };
    }
    if form.get("DialCallStatus").is_some() {
        return Input::Dialed { bridged: false };
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
        let Some(scene) = worker.scene(&asked.call, asked.attestation()).await? else {
            return Ok(farewell(&Language::english(), |words| words.goodbye, &asked.urls));
        };
        let result = QueueResult::parse(asked.webhook.form.get("QueueResult").unwrap_or_default());
        if !asked.is_over()
            && let Some(document) = worker.talk_goes_on(&scene, &asked, &result).await?
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
        let Some(leg) = self.talking_leg(scene).await? else { return Ok(None) };
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

    /// The leg of a technician who talks with the caller, as far as is known.
    async fn talking_leg(&self, scene: &Scene) -> Result<Option<LegId>, StoreError> {
        let mut db = self.context().store.read().await?;
        let legs = legs::of_call(&mut db, scene.acting.org(), &scene.call.id).await?;
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

/// What a waiting caller hears: fetched again and again, so it is cheap.
pub(super) async fn wait(Extract(state): Extract<State>, asked: Asked) -> Response {
    let (urls, call) = (asked.urls.clone(), asked.call.clone());
    let (n, in_vain): (u32, u32) =
        (asked.webhook.queried("n").unwrap_or(0), asked.webhook.queried("vain").unwrap_or(0));
    let work = async move { state.waiting_room(&asked).await };
    // Whoever cannot be told anything new goes on waiting for a while, in case it passes.
    let silence = || {
        let response = match in_vain {
            LOOKS_IN_VAIN_MAX.. => twiml::Response::new().with(Verb::Leave),
            _ => {
                let again = Redirect::to(urls.wait_in_vain(&call, n, in_vain + 1));
                twiml::Response::new().with(Pause::seconds(LOOK_EVERY_S)).with(again)
            }
        };
        super::text(&response, &urls)
    };
    answer("wait", guard(work, silence).await)
}

impl State {
    async fn waiting_room(&self, asked: &Asked) -> Result<String, StoreError> {
        let leave = || Ok(super::text(&twiml::Response::new().with(Verb::Leave), &asked.urls));
        let patience = || Ok(super::text(&twiml::Response::new().with(Pause::seconds(PATIENCE_S)), &asked.urls));
        let Some(scene) = self.scene(&asked.call, asked.attestation()).await? else { return leave() };
        let Some(waiting) = scene.call.connect.as_deref().map(Waiting::from_json).transpose()? else {
            return leave();
        };
        match scene.call.phase {
            Phase::Waiting if asked.webhook.form.get("Digits") == Some("*") => {
                if self.leave_queue(&scene, Left::ByKey).await? { leave() } else { patience() }
            }
            // Its timer should have ended the waiting by now.
            Phase::Waiting if scene.acting.now > waiting.until() + OVERTIME => {
                if self.leave_queue(&scene, Left::Forgotten).await? { leave() } else { patience() }
            }
            Phase::Waiting => self.room(asked, &scene, &waiting).await,
            // The bridge is a moment away.
            Phase::Accepted => patience(),
            Phase::Bridged => match self.talking_leg(&scene).await? {
                Some(_) if !waiting.conference => {
                    let n = asked.webhook.queried("n").unwrap_or(0);
                    let language = scene.call.language.clone().unwrap_or_else(Language::english);
                    Ok(super::star::moment(&asked.urls, &scene.call.id, n, &language))
                }
                _ => leave(),
            },
            // The carrier is being asked to move the caller. Were they to leave by themselves meanwhile, it would
            // move them out of whatever comes next.
            Phase::Leaving if self.is_being_moved(&scene).await? => patience(),
            Phase::Ivr | Phase::Recording | Phase::Leaving | Phase::Away | Phase::Ended => leave(),
        }
    }

    async fn is_being_moved(&self, scene: &Scene) -> Result<bool, StoreError> {
        let mut db = self.context().store.read().await?;
        let due = timers::due_at(&mut db, scene.acting.org(), super::rings::LEAVE, scene.call.id.as_str()).await?;
        Ok(due.is_some())
    }

    /// `false`: somebody has accepted at the same moment.
    async fn leave_queue(&self, scene: &Scene, why: Left) -> Result<bool, StoreError> {
        let (acting, id) = (scene.acting.clone(), scene.call.id.clone());
        let unit = async move |db: &mut AnyConnection| {
            let org = acting.org();
            let Some(call) = calls::by_id(db, org, &id).await? else { return Ok(true) };
            let Some(stored) = &call.connect else { return Ok(true) };
            if !calls::go(db, org, &id, Phase::Waiting, Phase::Leaving).await? {
                return Ok(false);
            }
            let mut waiting = Waiting::from_json(stored)?;
            waiting.left = why == Left::ByKey;
            waiting.connect.progress.end = Some(End::GaveUp(GaveUp::WaitOver));
            calls::set_connect(db, org, &id, &waiting.to_json()).await?;
            let waited = acting.now - waiting.connect.plan.started_at;
            calls::set_waited(db, org, &id, waited.num_milliseconds()).await?;
            super::connect::stop(db, &acting, &call).await?;
            let text = match why {
                Left::ByKey => "The caller pressed * to leave the queue.",
                Left::Forgotten => "The caller had waited for too long and was taken out of the queue.",
            };
            note(db, &acting, &call, "left", text, json!({})).await?;
            Ok(true)
        };
        self.context().change(unit).await
    }

    /// At first that they are being connected, then music or silence, and now and then where they stand.
    async fn room(&self, asked: &Asked, scene: &Scene, waiting: &Waiting) -> Result<String, StoreError> {
        let n: u32 = asked.webhook.queried("n").unwrap_or(0);
        let (facts, state) = {
            let mut db = self.context().store.read().await?;
            let mut facts = facts::gather(&mut db, &scene.acting, &scene.line).await?;
            let ahead = queued::count_ahead(&mut db, scene.acting.org(), &scene.call.id).await?;
            facts.queue_position = Some(ahead + 1);
            let state = super::turn::state_of(scene, &facts)?;
            (facts, state)
        };
        // A flow's own music may have any length; nobody is told more often than they asked for.
        let rounds = waiting.announce_every_s.div_ceil(music::SECONDS).max(1);
        let mut prompts: Vec<Prompt> = Vec::new();
        if n.is_multiple_of(rounds) {
            let said = ivr::waiting(scene.flows(), &state, &facts, n == 0);
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
