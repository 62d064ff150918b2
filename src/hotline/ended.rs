//! The end of a call: its outcome, exactly once; nobody rings for it any more; a missed call is told. And
//! what still comes in afterwards: a message whose webhook was slower than the hang-up.

use serde_json::json;
use sqlx::AnyConnection;

use super::{
    State,
    connect::stop,
    effects::{Applying, note},
    facts,
    numbers::Used,
    rings::{HANGUP, LEAVE},
    talk,
    turn::{Document, Scene, WATCH, may_need_number, state_of, takes_number},
    waiting::Waiting,
};
use crate::{
    escalation::connect::LegResult,
    ivr::{self, Attestation, ConnectEnd, Effect, Input},
    model::{
        alert::Actor,
        call::{LegState, Outcome},
        id::CallId,
    },
    store::{
        StoreError,
        calls::{self, CallRow, Phase},
        legs::{self, LegRow},
        timers,
    },
    telemetry::metric,
    work::Acting,
};

/// What is left to do when a call is over.
#[derive(Clone)]
struct Ending {
    acting: Acting,
    call: CallRow,
    state: ivr::State,
    effects: Vec<Effect>,
    reasons: Vec<String>,
    outcome: Outcome,
    /// Who talked with the caller.
    talk: Option<LegRow>,
    why: String,
    numbers: Vec<i64>,
}

impl State {
    /// The call is over. A second time it does nothing.
    pub(super) async fn finish(&self, id: &CallId, why: &str) -> Result<(), StoreError> {
        let mut outcome = self.try_finish(id, why).await;
        for _ in 0..3 {
            if !matches!(outcome, Err(StoreError::Stale(_))) {
                break;
            }
            outcome = self.try_finish(id, why).await;
        }
        outcome
    }

    async fn try_finish(&self, id: &CallId, why: &str) -> Result<(), StoreError> {
        self.known().take(id);
        let scene = self.scene(id, Attestation::NotSupplied).await?;
        let Some(mut scene) = scene.filter(|scene| scene.call.ended_at.is_none()) else { return Ok(()) };
        let talk = self.talk(&scene).await?;
        let inputs = match (&scene.call.phase, &talk) {
            // Whoever talked has not missed anybody.
            (Phase::Bridged | Phase::Waiting | Phase::Accepted | Phase::Leaving, Some(leg)) => {
                vec![Input::Connect(ConnectEnd::Bridged { person: Some(leg.person.clone()) }), Input::HungUp]
            }
            _ => vec![Input::HungUp],
        };
        let number = self.context().store.alert_number(scene.acting.org()).await?;
        scene.line.next_alert = number;
        let ending = self.ending(&scene, inputs, why).await.map(|ending| Ending { talk, ..ending });
        let took =
            ending.as_ref().map_or(true, |ending| ending.effects.iter().any(|effect| takes_number(effect, number)));
        if !took {
            self.context().store.return_alert_number(scene.acting.org(), number);
        }
        self.commit(ending?).await
    }

    /// The leg of whoever has talked with the caller in the running connect.
    pub(super) async fn talk(&self, scene: &Scene) -> Result<Option<LegRow>, StoreError> {
        let Some(stored) = &scene.call.connect else { return Ok(None) };
        let waiting = Waiting::from_json(stored)?;
        let legs = {
            let mut db = self.context().store.read().await?;
            legs::of_call(&mut db, scene.acting.org(), &scene.call.id).await?
        };
        let (confirmed, now) = (scene.call.phase == Phase::Bridged, scene.acting.now);
        let talked =
            |leg: &LegRow| waiting.is_of(leg) && leg.bridged_at.is_some() && (confirmed || talk::is_one(leg, now));
        Ok(legs.into_iter().rev().find(talked))
    }

    async fn ending(&self, scene: &Scene, inputs: Vec<Input>, why: &str) -> Result<Ending, StoreError> {
        let facts = {
            let mut db = self.context().store.read().await?;
            facts::gather(&mut db, &scene.acting, &scene.line).await?
        };
        let mut state = state_of(scene, &facts)?;
        let (mut effects, mut reasons) = (Vec::new(), Vec::new());
        for input in inputs {
            if state.is_over() {
                break;
            }
            let ran = ivr::run(scene.flows(), state, input, &facts);
            // Nobody is there to be connected any more.
            effects.extend(ran.effects.into_iter().filter(|effect| !matches!(effect, Effect::Connect(_))));
            reasons.extend(ran.reasons);
            state = ran.state;
        }
        let matters = effects.iter().filter(|effect| may_need_number(effect)).count();
        Ok(Ending {
            acting: scene.acting.clone(),
            call: scene.call.clone(),
            outcome: state.outcome(),
            talk: None,
            state,
            effects,
            reasons,
            why: why.to_owned(),
            numbers: self.context().store.alert_numbers(scene.acting.org(), matters).await?,
        })
    }

    async fn commit(&self, ending: Ending) -> Result<(), StoreError> {
        let numbers = ending.numbers.clone();
        let (outcome, call) = (ending.outcome, ending.call.id.clone());
        let used = self.context().change(async move |db| ending.apply(db).await).await?;
        self.settle_numbers(&numbers, used.as_ref().unwrap_or(&Used::new()));
        if used.is_none() {
            return Ok(());
        }
        metrics::counter!(metric::CALLS, "outcome" => outcome.as_str()).increment(1);
        tracing::info!(call.id = %call, outcome = outcome.as_str(), "a call has ended");
        Ok(())
    }

    /// What is learned of a call that is over already: it talked, or left a message.
    pub(super) async fn late(&self, mut scene: Scene, input: Input) -> Result<Document, StoreError> {
        let org = scene.acting.org().clone();
        let number = self.context().store.alert_number(&org).await?;
        scene.line.next_alert = number;
        let learned = match &input {
            Input::Recorded { .. } => Outcome::Voicemail,
            Input::Dialed { .. } => Outcome::Forwarded,
            _ => Outcome::Connected,
        };
        let talked_with = match &input {
            Input::Connect(ConnectEnd::Bridged { person }) => person.clone(),
            _ => None,
        };
        let facts = {
            let mut db = self.context().store.read().await?;
            facts::gather(&mut db, &scene.acting, &scene.line).await?
        };
        let ran = ivr::run(scene.flows(), state_of(&scene, &facts)?, input, &facts);
        if !ran.effects.iter().any(|effect| takes_number(effect, number)) {
            self.context().store.return_alert_number(&org, number);
        }
        let matters = ran.effects.iter().filter(|effect| may_need_number(effect)).count();
        let numbers = self.context().store.alert_numbers(&org, matters).await?;
        let reserved = numbers.clone();
        let (acting, call, state) = (scene.acting.clone(), scene.call.clone(), ran.state.clone());
        let effects = ran.effects.clone();
        let reached = state.reached;
        let unit = async move |db: &mut AnyConnection| {
            let mut applying = Applying::new(&acting, &call, numbers.clone());
            for effect in &effects {
                applying.apply(db, effect).await?;
            }
            calls::keep_state(db, acting.org(), &call.id, &state.to_json()).await?;
            if reached == Some(learned) {
                calls::amend(db, acting.org(), &call.id, learned, talked_with.as_ref()).await?;
                if let Some(person) = &talked_with {
                    talk::acknowledge(db, &acting, &call, &Actor::Person(person.clone())).await?;
                    talk::tell_number(db, &acting, &call, person).await?;
                }
            }
            Ok(applying.used)
        };
        let used = self.context().change(unit).await?;
        self.settle_numbers(&reserved, &used);
        Ok(super::farewell(&ran.state.language, |words| words.goodbye, &scene.urls))
    }
}

impl Ending {
    /// One unit of work. `None`: somebody was faster.
    async fn apply(&self, db: &mut AnyConnection) -> Result<Option<Used>, StoreError> {
        let (acting, org, call) = (&self.acting, self.acting.org(), &self.call);
        let Some(fresh) = calls::by_id(db, org, &call.id).await? else { return Ok(None) };
        if fresh.ended_at.is_some() {
            return Ok(None);
        }
        let mut phase = call.phase;
        if let Some(leg) = &self.talk {
            talk::confirm(db, acting, &fresh, leg).await?;
            if matches!(phase, Phase::Waiting | Phase::Accepted) {
                phase = Phase::Bridged;
            }
        } else if let Some(person) = fresh.answered_by.as_ref().filter(|_| fresh.phase == Phase::Accepted) {
            // They accepted, and the caller was gone before they talked.
            if calls::wait_again(db, org, &call.id, person).await? {
                phase = Phase::Waiting;
            }
        }
        // What was decided holds for where the call stood: a turn may have gone on meanwhile.
        if !calls::end(db, org, &call.id, (call.turn, phase), self.outcome, acting.now).await? {
            return Err(StoreError::Stale("the call went on meanwhile"));
        }
        calls::keep_state(db, org, &call.id, &self.state.to_json()).await?;
        let mut applying = Applying::new(acting, &fresh, self.numbers.clone());
        for effect in &self.effects {
            applying.apply(db, effect).await?;
        }
        for reason in &self.reasons {
            note(db, acting, call, "turn", reason.as_str(), json!({ "step": self.state.step })).await?;
        }
        self.waited(db).await?;
        stop(db, acting, &fresh).await?;
        for kind in [LEAVE, WATCH] {
            timers::clear(db, org, kind, call.id.as_str()).await?;
        }
        let text = format!("The call has ended: {} ({}).", self.outcome.as_str(), self.why);
        note(db, acting, call, "ended", text, json!({ "outcome": self.outcome.as_str() })).await?;
        Ok(Some(applying.used))
    }

    /// How long somebody waited in vain.
    async fn waited(&self, db: &mut AnyConnection) -> Result<(), StoreError> {
        let (Phase::Waiting | Phase::Accepted, Some(stored)) = (self.call.phase, &self.call.connect) else {
            return Ok(());
        };
        let since = Waiting::from_json(stored)?.connect.plan.started_at;
        let waited = (self.acting.now - since).num_milliseconds();
        calls::set_waited(db, self.acting.org(), &self.call.id, waited).await
    }
}

/// Ends what rings for the caller. Who has picked up already hears why.
pub async fn quiet_phones(db: &mut AnyConnection, acting: &Acting, call: &CallRow) -> Result<(), StoreError> {
    for leg in legs::of_call(db, acting.org(), &call.id).await? {
        match leg.state {
            LegState::Queued | LegState::Ringing => {
                legs::condemn(db, acting.org(), &leg.id, LegResult::NoAnswer).await?;
                timers::set(db, acting.org(), HANGUP, leg.id.as_str(), acting.now, "").await?;
            }
            LegState::Answered | LegState::Accepted | LegState::Bridged | LegState::Ended => {}
        }
    }
    Ok(())
}

/// Whether this still matters after the end of its call.
pub fn matters_late(input: &Input) -> bool {
    matches!(
        input,
        Input::Recorded { .. } | Input::Connect(ConnectEnd::Bridged { .. }) | Input::Dialed { bridged: true }
    )
}
