//! Plain turns: the caller hears something and is asked something, and nothing changes but the call. Most turns
//! are, so those that come together are saved together, in few statements and one commit.
//!
//! A turn is run on what this process knows of its call and as if no money had been spent. Whatever that is not
//! enough for (a PIN, an alert, a number to dial, an outdated call) goes its own way from the beginning, as if
//! nothing had been tried: see `turn`. Start with `State::go_on_plainly` and `State::begin_plainly`.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use chrono::TimeDelta;
use tokio::sync::oneshot;

use super::{
    State, document,
    effects::reasons,
    facts,
    known::Known,
    turn::{Document, Scene, WATCH, WATCH_AFTER, row_of, state_of},
    voice::Arrival,
};
use crate::{
    ivr::{self, Attestation, Facts, Input, Then, Want},
    model::{Instant, id::CallId},
    store::{
        Store, StoreError,
        calls::{CallRow, NewCall, Phase},
        gather::Gather,
        incidents,
        plain::{Of, PlainTurn, save_all},
    },
};

/// A call's end is looked for some minutes after its last turn; a minute less does no harm, and saves a row.
const LOOK_ANEW: TimeDelta = TimeDelta::minutes(1);

/// Where plain turns gather.
pub type Turns = Gather<Item>;

pub struct Item {
    turn: PlainTurn,
    caller: oneshot::Sender<Result<bool, StoreError>>,
}

pub fn turns(store: Store) -> Turns {
    Gather::start(store, save)
}

async fn save(store: Store, items: Vec<Item>) {
    let (mut turns, mut callers, mut calls) = (Vec::new(), Vec::new(), BTreeSet::new());
    for Item { turn, caller } in items {
        if calls.insert(turn.call().clone()) {
            callers.push((turn.call().clone(), caller));
            turns.push(turn);
        } else {
            // The same request on its other way: it will find what the first one did. Whoever is gone needs no answer.
            let _ = caller.send(Ok(false));
        }
    }
    match store.write(async move |db| save_all(db, &turns).await).await {
        Ok(saved) => {
            for (call, caller) in callers {
                let _ = caller.send(Ok(saved.contains(&call)));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for (_, caller) in callers {
                let _ = caller.send(Err(StoreError::Together(Arc::clone(&error))));
            }
        }
    }
}

impl State {
    /// The first turn of a call, which is made with it. `None`: it goes its own way, on which the call is on
    /// record before its flow runs.
    pub(super) async fn begin_plainly(&self, arrival: &Arrival) -> Result<Option<Document>, StoreError> {
        let Some(new) = self.new_call(&self.context().acting(), arrival) else { return Ok(None) };
        own_way(self.try_to_begin(new, arrival.attestation).await)
    }

    async fn try_to_begin(&self, new: NewCall, attestation: Attestation) -> Result<Option<Document>, StoreError> {
        let scene = self.scene_of(CallRow::new(&new), attestation).await?;
        let remembered = {
            let mut db = self.context().store.read().await?;
            facts::remembered(&mut db, &scene.acting, &scene.line).await?
        };
        let facts = facts::unspent(&scene.acting, &scene.line, remembered);
        self.run_plainly(scene, Of::New(new), Input::Started, facts, None).await
    }

    /// A later turn of a call that is known here. `None`: it goes its own way.
    pub(super) async fn go_on_plainly(
        &self,
        id: &CallId,
        attestation: Attestation,
        turn: u32,
        input: &Input,
    ) -> Result<Option<Document>, StoreError> {
        let Some(known) = self.known().take(id).filter(|known| known.call.turn == turn) else { return Ok(None) };
        own_way(self.try_to_go_on(known, attestation, input.clone()).await)
    }

    async fn try_to_go_on(
        &self,
        known: Known,
        attestation: Attestation,
        input: Input,
    ) -> Result<Option<Document>, StoreError> {
        let of = Of::Known { id: known.call.id.clone(), turn: known.call.turn };
        let scene = self.scene_of(known.call, attestation).await?;
        let facts = facts::unspent(&scene.acting, &scene.line, known.remembered);
        self.run_plainly(scene, of, input, facts, Some(known.look_at)).await
    }

    async fn run_plainly(
        &self,
        scene: Scene,
        of: Of,
        input: Input,
        facts: Facts,
        look_at: Option<Instant>,
    ) -> Result<Option<Document>, StoreError> {
        let state = state_of(&scene, &facts)?;
        if ivr::wants(scene.flows(), &state, &input) != Want::Nothing || self.tells_of_incidents(&scene).await? {
            return Ok(None);
        }
        // A flow that breaks must leave its call on record.
        let Ok(ran) = catch_unwind(AssertUnwindSafe(|| self.walk(&scene, state, input, &facts))) else {
            return Ok(None);
        };
        if !is_plain(&ran) {
            return Ok(None);
        }
        let Scene { acting, call, urls, .. } = scene;
        let response = document::of_turn(&ran.verbs, &urls, &call.id, call.turn + 1);
        let document = document::text(&response, &urls, &ran.state.language);
        let anew = acting.now + WATCH_AFTER;
        let look_at = look_at.filter(|look_at| *look_at + LOOK_ANEW > anew);
        let plain = PlainTurn {
            org: acting.org().clone(),
            call: of,
            turn: row_of(&acting, &ran),
            document: document.clone(),
            entries: reasons(&acting, &call, &ran.reasons, &ran.last_step),
            look_at: look_at.is_none().then_some((WATCH, anew)),
        };
        let after = call.after(&plain.turn);
        let (caller, saved) = oneshot::channel();
        if !self.turns().add(Item { turn: plain, caller }) || !saved.await.map_err(|_| StoreError::Closed)?? {
            return Ok(None);
        }
        if after.turn == 1 {
            tracing::info!(call.id = %after.id, hotline = %after.hotline.masked(), "a call came in");
        }
        self.keep_known(Known { call: after, remembered: facts.language, look_at: look_at.unwrap_or(anew) });
        Ok(Some(document))
    }

    /// Then money has a say in what is asked: whether an SMS is offered.
    async fn tells_of_incidents(&self, scene: &Scene) -> Result<bool, StoreError> {
        if !scene.flows().tell_of_incidents() {
            return Ok(false);
        }
        let mut db = self.context().store.read().await?;
        Ok(!incidents::open(&mut db, scene.acting.org()).await?.is_empty())
    }

    /// For the next key, if that is what the call waits for.
    pub(super) fn keep_known(&self, known: Known) {
        if known.call.phase == Phase::Ivr {
            self.known().keep(known);
        }
    }
}

/// What cannot be had plainly, be it by our fault, may be had on its own way; a database that is away is away
/// there, too.
fn own_way(outcome: Result<Option<Document>, StoreError>) -> Result<Option<Document>, StoreError> {
    match outcome {
        Err(error) if !error.is_unavailable() => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a plain turn goes its own way");
            Ok(None)
        }
        outcome => outcome,
    }
}

/// Nothing follows from it, and money had no say: whatever costs some is an effect or dials.
pub fn is_plain(ran: &ivr::Turn) -> bool {
    ran.effects.is_empty()
        && match &ran.verbs.then {
            Then::Gather(_) | Then::Record(_) | Then::Continue | Then::Hangup | Then::Reject(_) => true,
            Then::Enqueue | Then::Dial(_) => false,
        }
}
