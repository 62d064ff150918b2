//! One turn of a call: load, find out, run, save state and effects with the document, answer it.
//!
//! A turn happens once: whoever asks for it again gets the stored document. Start with `take`.

use std::sync::Arc;

use sqlx::AnyConnection;

use super::{
    State, document,
    effects::{Applying, note_reasons},
    ended::matters_late,
    facts,
    known::Known,
    noticed,
    numbers::Used,
    plain,
    spare::Desk,
    urls::Urls,
};
use crate::{
    declare::of_call::Line,
    ivr::{self, Attestation, Called, Facts, Flow, Flows, Input, Then, Want},
    model::{
        contract::Hotline,
        id::{CallId, FlowId},
    },
    store::{
        StoreError,
        calls::{self, CallRow, Phase},
        incidents,
        spent::Spending,
        timers::{self, Later},
        turns,
    },
    telemetry::metric,
    work::{
        Acting,
        money::{self, Purse},
    },
};

/// What ends a call that the carrier never reports as ended.
pub const WATCH: &str = "call-watch";
/// A call may last an hour; after that its end is looked for.
pub const WATCH_AFTER: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// What was answered, and what it is called in metrics.
pub type Document = String;

/// A call with what its turns need.
pub struct Scene {
    pub acting: Acting,
    pub call: CallRow,
    pub flow: Arc<Flow>,
    /// What its flow may call.
    pub called: Called,
    pub line: Line,
    pub urls: Urls,
}

impl Scene {
    pub fn flows(&self) -> Flows<'_> {
        Flows { main: &self.flow, called: &self.called }
    }
}

impl State {
    /// The call, its flow as it began, its hotline as it is declared now.
    pub(super) async fn scene(&self, id: &CallId, attestation: Attestation) -> Result<Option<Scene>, StoreError> {
        let org = self.context().directory().org.clone();
        let call = calls::by_id(&mut *self.context().store.read().await?, &org, id).await?;
        match call {
            Some(call) => self.scene_of(call, attestation).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn scene_of(&self, call: CallRow, attestation: Attestation) -> Result<Scene, StoreError> {
        let acting = self.context().acting();
        let flow = self.flow(&call.flow, call.flow_version).await?;
        let called = self.called(&call, &flow).await?;
        let declared = acting.directory.hotlines.get(&call.hotline).cloned();
        // A hotline that is gone meanwhile: the call goes on with what its flow has.
        let hotline = declared.unwrap_or_else(|| lost_hotline(&call));
        let line = Line { hotline, caller: call.from.clone(), attestation, next_alert: 0 };
        let urls = Urls::new(self.webhooks().public_url(), &call.carrier);
        Ok(Scene { acting, call, flow, called, line, urls })
    }

    pub(super) async fn flow(&self, id: &FlowId, version: i64) -> Result<Arc<Flow>, StoreError> {
        if let Some(current) = self.context().directory().flows.get(id)
            && current.version == version
        {
            return Ok(Arc::clone(&current.flow));
        }
        self.old_flow(id, version).await
    }

    /// The document of this turn: fresh, or the stored one when the turn has happened.
    pub(super) async fn take(&self, scene: Scene, turn: u32, input: Input) -> Result<Document, StoreError> {
        if scene.call.ended_at.is_some() && matters_late(&input) {
            noticed("turn", "late");
            return self.late(scene, input).await;
        }
        if let Some(document) = self.answered_before(&scene, turn).await? {
            return Ok(document);
        }
        let (id, attestation) = (scene.call.id.clone(), scene.line.attestation);
        match self.fresh(scene, turn, input.clone(), false).await {
            Err(StoreError::Stale(_)) => {}
            outcome => return outcome,
        }
        // The same request was faster on its other way, or the call has ended meanwhile. Either may share
        // our commit, so the writer looks first: readers see it only afterwards.
        if let Some(document) = self.stored_by_now(&id, turn).await? {
            noticed("turn", "repeated");
            return Ok(document);
        }
        match self.scene(&id, attestation).await? {
            Some(scene) if scene.call.ended_at.is_some() && matters_late(&input) => self.late(scene, input).await,
            Some(scene) if scene.call.ended_at.is_none() && scene.call.turn == turn => {
                self.fresh(scene, turn, input, true).await
            }
            _ => Err(StoreError::Stale("the call's turns contradict each other")),
        }
    }

    async fn stored_by_now(&self, id: &CallId, turn: u32) -> Result<Option<Document>, StoreError> {
        let (acting, id) = (self.context().acting(), id.clone());
        let look = async move |db: &mut AnyConnection| {
            let Some(call) = calls::by_id(db, acting.org(), &id).await? else { return Ok(None) };
            if call.turn == turn && call.ended_at.is_none() {
                return Ok(None);
            }
            stored(db, &acting, &call, turn).await
        };
        self.context().store.write(look).await
    }

    /// A turn that has happened, or can never happen.
    async fn answered_before(&self, scene: &Scene, turn: u32) -> Result<Option<Document>, StoreError> {
        let call = &scene.call;
        if call.ended_at.is_none() && call.turn == turn {
            return Ok(None);
        }
        let mut db = self.context().store.read().await?;
        let stored = stored(&mut db, &scene.acting, call, turn).await?;
        noticed("turn", if call.ended_at.is_some() { "late" } else { "repeated" });
        Ok(Some(stored.unwrap_or_else(|| self.goodbye(scene))))
    }

    fn goodbye(&self, scene: &Scene) -> Document {
        let language = scene.call.language.clone().unwrap_or_else(|| scene.flow.default_language().clone());
        super::farewell(&language, |words| words.goodbye, &scene.urls)
    }

    /// `again`: it was decided once, and somebody was faster.
    async fn fresh(&self, mut scene: Scene, turn: u32, input: Input, again: bool) -> Result<Document, StoreError> {
        let org = scene.acting.org().clone();
        let next_alert = self.context().store.alert_number(&org).await?;
        scene.line.next_alert = next_alert;
        let outcome = self.run(&scene, turn, input, again).await;
        let kept = match &outcome {
            Ok(done) => done.took_number,
            // Nobody knows whether it was taken: it stays unused.
            Err(_) => true,
        };
        if !kept {
            self.context().store.return_alert_number(&org, next_alert);
        }
        let done = outcome?;
        Ok(done.document)
    }

    /// What the flow makes of it, and of that what this installation asks of the carrier.
    pub(super) fn walk(&self, scene: &Scene, state: ivr::State, input: Input, facts: &Facts) -> ivr::Turn {
        let mut ran = ivr::run(scene.flows(), state, input, facts);
        if let Then::Record(record) = &mut ran.verbs.then {
            record.transcribe &= !self.0.transcribes;
        }
        ran
    }

    async fn run(&self, scene: &Scene, turn: u32, input: Input, again: bool) -> Result<Done, StoreError> {
        let mut facts = {
            let mut db = self.context().store.read().await?;
            let mut facts = facts::gather(&mut db, &scene.acting, &scene.line).await?;
            if again {
                facts.money.full = facts::full_numbers(&mut db, &scene.acting).await?;
            }
            if scene.flows().tell_of_incidents() {
                facts.incidents = incidents::open(&mut db, scene.acting.org()).await?;
            }
            facts
        };
        let state = state_of(scene, &facts)?;
        let want = ivr::wants(scene.flows(), &state, &input, &facts);
        if let Want::Lookup(lookup) = &want {
            facts.lookup = Some(self.lookups().ask(lookup).await);
        }
        facts.pin = facts::check_pin(self, &scene.acting, &facts, want).await?;
        let ran = self.walk(scene, state, input, &facts);
        let response = document::of_turn(&ran.verbs, &scene.urls, &scene.call.id, turn + 1);
        let document = document::text(&response, &scene.urls, &ran.state.language);
        let msp_matters = ran.effects.iter().filter(|effect| may_need_number(effect)).count();
        let numbers = self.context().store.alert_numbers(scene.acting.org(), msp_matters).await?;
        let took_number = ran.effects.iter().any(|effect| takes_number(effect, scene.line.next_alert));
        let known = plain::is_plain(&ran).then(|| Known {
            call: scene.call.clone().after(&row_of(&scene.acting, &ran)),
            remembered: facts.language,
            look_at: scene.acting.now + WATCH_AFTER,
        });
        let saved = Saving {
            acting: scene.acting.clone(),
            call: scene.call.clone(),
            turn,
            ran,
            document: document.clone(),
            numbers: numbers.clone(),
            desk: self.desk().clone(),
        };
        let (used, opened) = self.context().store.write(async move |db| saved.save(db).await).await?;
        self.settle_numbers(&numbers, &used);
        if let Some(known) = known {
            self.keep_known(known);
        }
        if opened > 0 {
            metrics::counter!(metric::ALERTS, "source" => "call").increment(opened.into());
        }
        Ok(Done { document, took_number })
    }
}

/// Whoever asks for an older turn is answered where the call stands.
async fn stored(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    turn: u32,
) -> Result<Option<Document>, StoreError> {
    let last = call.turn.saturating_sub(1);
    let asked = if call.ended_at.is_some() { turn } else { last };
    turns::document(db, acting.org(), &call.id, asked).await
}

struct Done {
    document: Document,
    took_number: bool,
}

struct Saving {
    acting: Acting,
    call: CallRow,
    turn: u32,
    ran: ivr::Turn,
    document: Document,
    numbers: Vec<i64>,
    desk: Desk,
}

impl Saving {
    /// One unit of work: the state, the document, and everything that follows from the turn.
    async fn save(&self, db: &mut AnyConnection) -> Result<(Used, u32), StoreError> {
        let (acting, org, call) = (&self.acting, self.acting.org(), &self.call);
        let mut row = row_of(acting, &self.ran);
        // A turn that took too long: its caller heard the spare document, and waits for nobody here.
        let in_other_hands = self.desk.has_answered(&call.carrier, &call.carrier_call);
        if in_other_hands && row.phase == Phase::Waiting {
            row.phase = Phase::Away;
        }
        if !calls::save_turn(db, org, &call.id, self.turn, &row).await? {
            return Err(StoreError::Stale("the turn was taken"));
        }
        turns::put(db, org, &call.id, self.turn, &self.document).await?;
        if matches!(call.phase, Phase::Waiting | Phase::Accepted | Phase::Leaving) {
            super::connect::stop(db, acting, call).await?;
        }
        if let (Then::Dial(dial), false) = (&self.ran.verbs.then, in_other_hands) {
            let purse = Purse::Callers(&call.hotline);
            // Others were dialled since the engine looked: it decides anew, on what is spent by now.
            if money::spend(db, acting, Spending::Call, purse, &dial.number).await?.is_some() {
                return Err(StoreError::Stale("a cap was reached meanwhile"));
            }
        }
        let known = CallRow { contract: row.contract.clone(), priority: row.priority, ..call.clone() };
        let mut applying = Applying::new(acting, &known, self.numbers.clone()).ringing_nobody(in_other_hands);
        for effect in &self.ran.effects {
            applying.apply(db, effect).await?;
        }
        note_reasons(db, acting, call, &self.ran.reasons, &self.ran.last_step).await?;
        watch(db, acting, &call.id).await?;
        Ok((applying.used, applying.opened))
    }
}

/// Whatever happens, the call's end is looked for.
pub async fn watch(db: &mut AnyConnection, acting: &Acting, call: &CallId) -> Result<(), StoreError> {
    let due_at = acting.now + WATCH_AFTER;
    timers::set_later(db, &[Later { org: acting.org(), kind: WATCH, subject: call.as_str(), due_at }]).await
}

pub fn row_of(acting: &Acting, ran: &ivr::Turn) -> calls::Turn {
    let state = &ran.state;
    let contract = state.contract.as_ref().and_then(|id| acting.directory.contracts.get(id));
    calls::Turn {
        state: state.to_json(),
        last_step: ran.last_step.clone(),
        phase: match &ran.verbs.then {
            Then::Enqueue => Phase::Waiting,
            Then::Record(_) => Phase::Recording,
            Then::Dial(_) => Phase::Away,
            Then::Gather(_) | Then::Continue | Then::Hangup | Then::Reject(_) => Phase::Ivr,
        },
        contract: state.contract.clone(),
        customer: contract.map(|contract| contract.customer.clone()),
        contact: state.contact.clone(),
        verified: state.verified,
        language: state.language.clone(),
        category: state.category.clone(),
        priority: state.priority,
    }
}

/// The stored state; a call without one has just come in.
pub fn state_of(scene: &Scene, facts: &Facts) -> Result<ivr::State, StoreError> {
    if scene.call.state.is_empty() {
        return Ok(ivr::begin(scene.flows(), facts));
    }
    ivr::State::from_json(&scene.call.state).map_err(|_| StoreError::corrupt("calls.state", scene.call.id.as_str()))
}

/// Whether this effect may need a number of its own: for the MSP, or for what comes after its alert was
/// taken.
pub fn may_need_number(effect: &ivr::Effect) -> bool {
    match effect {
        ivr::Effect::TellMsp { .. }
        | ivr::Effect::SendSms { .. }
        | ivr::Effect::AddToAlert(_)
        | ivr::Effect::Intake(_)
        | ivr::Effect::Callback(_) => true,
        ivr::Effect::Voicemail(voicemail) => voicemail.raise.is_none(),
        _ => false,
    }
}

pub fn takes_number(effect: &ivr::Effect, number: i64) -> bool {
    match effect {
        ivr::Effect::RaiseAlert(alert) => alert.number == number,
        ivr::Effect::Voicemail(voicemail) => voicemail.raise.as_ref().is_some_and(|alert| alert.number == number),
        ivr::Effect::Missed(missed) => match &missed.alert {
            ivr::MissedAlert::New(alert) => alert.number == number,
            ivr::MissedAlert::Existing { .. } => false,
        },
        _ => false,
    }
}

fn lost_hotline(call: &CallRow) -> Hotline {
    let contracts = call.contract.clone().into_iter().collect();
    Hotline {
        number: call.hotline.clone(),
        also: Vec::new(),
        contracts,
        flow: call.flow.clone(),
        vars: std::collections::BTreeMap::new(),
        spare: Vec::new(),
    }
}
