//! A call comes in, could not be answered, or has ended: what is set at the number itself.

use std::panic::AssertUnwindSafe;

use axum::{extract::State as Extract, response::Response};
use chrono::TimeDelta;
use futures::FutureExt;

use super::{ANSWER_WITHIN, State, answer, come_again, farewell, guard, spare, taken, turn, urls::Urls};
use crate::{
    carrier::signature::Form,
    ivr::{Attestation, Input},
    model::{id::CarrierId, language::Language, phone::Phone},
    store::{
        StoreError,
        calls::{self, CallRow, NewCall},
    },
    web::{text, webhook::Webhook},
    work::{Acting, msp},
};

/// A message that could not be kept is kept in memory and tried again.
const KEEP_AGAIN: TimeDelta = TimeDelta::seconds(5);
const KEEP_TRIES: u32 = 17_280;
/// Failures that say nothing of a database that is away.
const ODD_TRIES: u32 = 12;

/// What the carrier says of a call.
#[derive(Clone)]
pub(super) struct Arrival {
    pub carrier: CarrierId,
    pub carrier_call: String,
    pub from: Option<Phone>,
    pub to: Option<Phone>,
    pub attestation: Attestation,
}

impl Arrival {
    pub fn of(carrier: &CarrierId, form: &Form) -> Self {
        Self {
            carrier: carrier.clone(),
            carrier_call: text::key(form.get("CallSid").unwrap_or_default()).chars().take(64).collect(),
            from: form.get("From").and_then(Phone::from_caller),
            to: form.get("To").and_then(|to| to.parse().ok()),
            attestation: Attestation::from_verstat(form.get("StirVerstat")),
        }
    }

    /// Begins a sentence for the MSP, who may have to ring back.
    fn caller(&self) -> &str {
        self.from.as_ref().map_or("Somebody without a number", Phone::as_str)
    }

    fn hotline(&self) -> &str {
        self.to.as_ref().map_or("an unreadable number", Phone::as_str)
    }
}

/// The number's voice URL.
pub(super) async fn came_in(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
    let (worker, asked, work_urls) = (state.clone(), arrival.clone(), urls.clone());
    let work = async move { worker.first_turn(asked, &work_urls).await };
    answer("voice", guard(work, || state.apologise(&arrival, &urls)).await)
}

impl State {
    async fn first_turn(&self, arrival: Arrival, urls: &Urls) -> Result<String, StoreError> {
        if let Some(document) = self.begin_plainly(&arrival).await? {
            return Ok(document);
        }
        let Some(call) = self.call_of(&arrival).await? else {
            self.unknown_number(&arrival).await?;
            let caller = arrival.from.as_ref().filter(|from| from.country_code() == "49");
            let language = if caller.is_some() { "de".parse().ok() } else { None };
            return Ok(farewell(&language.unwrap_or_else(Language::english), |words| words.unknown_number, urls));
        };
        if call.turn == 0 {
            tracing::info!(call.id = %call.id, hotline = %call.hotline.masked(), "a call came in");
        }
        let scene = self.scene_of(call, arrival.attestation).await?;
        Box::pin(self.take(scene, 0, Input::Started)).await
    }

    /// `None`: no hotline has this number.
    pub(super) fn new_call(&self, acting: &Acting, arrival: &Arrival) -> Option<NewCall> {
        let to = arrival.to.as_ref()?;
        let hotline = acting.directory.hotline(to)?;
        Some(NewCall {
            id: acting.ids.id(acting.now),
            carrier: arrival.carrier.clone(),
            carrier_call: arrival.carrier_call.clone(),
            from: arrival.from.clone(),
            hotline: hotline.number.clone(),
            to: to.clone(),
            flow: hotline.flow.clone(),
            // A flow that cannot be read any more has none; see `flow`.
            flow_version: acting.directory.flows.get(&hotline.flow).map_or(0, |in_use| in_use.version),
            started_at: acting.now,
        })
    }

    /// The call's row, made when it is new. `None`: no hotline has this number.
    pub(super) async fn call_of(&self, arrival: &Arrival) -> Result<Option<CallRow>, StoreError> {
        let acting = self.context().acting();
        let new = self.new_call(&acting, arrival);
        let (carrier, sid) = (arrival.carrier.clone(), arrival.carrier_call.clone());
        let unit = async move |db: &mut sqlx::AnyConnection| {
            if let Some(new) = &new
                && let Some(created) = calls::create(db, acting.org(), new).await?
            {
                turn::watch(db, &acting, &created.id).await?;
                return Ok(Some(created));
            }
            calls::by_carrier_call(db, acting.org(), &carrier, &sid).await
        };
        self.context().store.write(unit).await
    }

    async fn unknown_number(&self, arrival: &Arrival) -> Result<(), StoreError> {
        let number = arrival.hotline();
        let text =
            format!("Somebody phoned {number}, which belongs to no hotline: apply one, or give the number back.");
        let title = format!("A call to {number}, which has no hotline");
        msp::report(self.context(), &format!("no-hotline:{number}"), &title, &text, None).await.map(|_| ())
    }
}

/// The number's status callback: the call has ended, for whatever reason.
pub(super) async fn ended(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let status = crate::carrier::status::CallStatus::parse(webhook.form.get("CallStatus").unwrap_or_default());
    if !status.is_final() {
        return taken("voice-status");
    }
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let work = tokio::spawn(async move {
        match state.call_of(&arrival).await? {
            Some(call) => state.finish(&call.id, status.meaning()).await,
            None => Ok(()),
        }
    });
    match work.await {
        Ok(Ok(())) => taken("voice-status"),
        Ok(Err(error)) => come_again("voice-status", &error),
        Err(_) => come_again("voice-status", &StoreError::Panicked),
    }
}

/// The carrier could not have or use one of our documents. Answers without a database.
pub(super) async fn fallback(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
    let code: String = webhook.form.get("ErrorCode").unwrap_or("none").chars().take(10).collect();
    tracing::error!(code, "the carrier fell back: one of our documents could not be had or used");
    answer("voice-fallback", state.apologise(&arrival, &urls))
}

/// What a caller said after the spare document. Kept even when the database is away just now.
pub(super) async fn message(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
    let language = state.language(&arrival);
    if let Some(Input::Recorded { url, sid, seconds, hung_up, .. }) = super::calls::recorded(&webhook.form) {
        state.keep(arrival, Input::Recorded { url, sid, seconds, hung_up, spare: true }).await;
    }
    answer("voice-message", farewell(&language, |words| words.message_thanks, &urls))
}

impl State {
    /// Kept before this returns, if that can be done in time; else as soon as it can.
    async fn keep(&self, arrival: Arrival, recorded: Input) {
        let (state, now, later) = (self.clone(), (arrival.clone(), recorded.clone()), (arrival, recorded));
        let work = self.keeping().spawn(async move { state.keep_message(&now.0, &now.1).await });
        if matches!(tokio::time::timeout(ANSWER_WITHIN, work).await, Ok(Ok(Ok(())))) {
            return;
        }
        if let (call, Input::Recorded { sid, .. }) = (&later.0.carrier_call, &later.1) {
            // Should this process be killed now, that is where it is found.
            tracing::error!(carrier_call = call, recording = sid, "a message is kept in memory: the carrier has it");
        }
        let state = self.clone();
        self.keeping().spawn(async move {
            let (arrival, recorded) = &later;
            if !state.keep_trying(|state| async move { state.keep_message(arrival, recorded).await }).await {
                state.keep_trying(|state| async move { state.tell_of_message(arrival, recorded).await }).await;
            }
        });
    }

    /// The message pages people, whatever step the call had reached.
    async fn keep_message(&self, arrival: &Arrival, recorded: &Input) -> Result<(), StoreError> {
        let Some(call) = self.call_of(arrival).await? else { return self.tell_of_message(arrival, recorded).await };
        let (id, turn) = (call.id.clone(), call.turn);
        let scene = self.scene_of(call, arrival.attestation).await?;
        self.take(scene, turn, recorded.clone()).await?;
        // Another turn may have been faster: then the document was its own, and the message is not kept.
        if self.is_kept(&id, recorded).await? { Ok(()) } else { Err(StoreError::Stale("the call went on meanwhile")) }
    }

    /// What cannot be kept as a message is told as it is.
    async fn tell_of_message(&self, arrival: &Arrival, recorded: &Input) -> Result<(), StoreError> {
        let Input::Recorded { url, seconds, .. } = recorded else { return Ok(()) };
        let text = format!(
            "{} left a message of {seconds} seconds at {}, which could not be kept with the call: the carrier has it at \
             {url} (call {}).",
            arrival.caller(),
            arrival.hotline(),
            arrival.carrier_call
        );
        let matter = format!("message:{}", arrival.carrier_call);
        msp::report(self.context(), &matter, "A caller left a message", &text, None).await.map(|_| ())
    }

    /// The apology, and word to the MSP: whoever hears it may say nothing, and has reached nobody.
    pub(super) fn apologise(&self, arrival: &Arrival, urls: &Urls) -> String {
        let (state, told) = (self.clone(), arrival.clone());
        self.keeping().spawn(async move {
            let tell = |state: State| {
                let told = told.clone();
                async move {
                    let (caller, hotline) = (told.caller(), told.hotline());
                    let title = format!("{caller} could not be served at {hotline}");
                    let text = format!(
                        "Something failed while {caller} phoned {hotline}, and they were asked for a message \
                         (call {}). Ring them back if none came.",
                        told.carrier_call
                    );
                    msp::report(state.context(), &format!("spare:{}", told.carrier_call), &title, &text, None)
                        .await
                        .map(|_| ())
                }
            };
            state.keep_trying(tell).await;
        });
        spare(&self.language(arrival), urls)
    }

    /// The first of the hotline's flow. Needs no database.
    fn language(&self, arrival: &Arrival) -> Language {
        let directory = self.context().directory();
        let hotline = arrival.to.as_ref().and_then(|to| directory.hotline(to));
        let in_use = hotline.and_then(|hotline| directory.flows.get(&hotline.flow));
        in_use.map_or_else(Language::english, |in_use| in_use.flow.default_language().clone())
    }

    /// Until it works: what a caller said must not be lost because the database is away, and databases
    /// have many words for being away. `false`: it never will.
    async fn keep_trying<F, W>(&self, work: F) -> bool
    where
        F: Fn(Self) -> W,
        W: Future<Output = Result<(), StoreError>>,
    {
        let mut odd = 0;
        for _ in 0..KEEP_TRIES {
            let error = match AssertUnwindSafe(work(self.clone())).catch_unwind().await {
                Ok(Ok(())) => return true,
                Ok(Err(error)) => error,
                Err(_) => StoreError::Panicked,
            };
            tracing::error!(error = &error as &dyn std::error::Error, "what a caller left could not be kept yet");
            if !error.is_unavailable() {
                odd += 1;
            }
            if odd > ODD_TRIES {
                return false;
            }
            self.context().clock.sleep(KEEP_AGAIN).await;
        }
        false
    }
}
