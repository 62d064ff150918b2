//! A call comes in or has ended: what is set at the number itself. Whoever could not be answered is served by
//! `spare`.

use axum::{extract::State as Extract, response::Response};

use super::{State, answer, farewell, in_time, journaled, spare::What, taken, turn, urls::Urls};
use crate::{
    carrier::signature::Form,
    ivr::{Attestation, Input},
    model::{Instant, id::CarrierId, language::Language, phone::Phone},
    store::{
        StoreError,
        calls::{self, CallRow, NewCall},
    },
    web::{text, webhook::Webhook},
    work::{Acting, msp},
};

/// What the carrier says of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
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
    pub fn caller(&self) -> &str {
        self.from.as_ref().map_or("Somebody without a number", Phone::as_str)
    }

    pub fn hotline(&self) -> &str {
        self.to.as_ref().map_or("an unreadable number", Phone::as_str)
    }

    pub fn is_same_call(&self, other: &Self) -> bool {
        self.carrier_call == other.carrier_call && self.carrier == other.carrier
    }

    /// Where nobody says how a number's callers are spoken to.
    pub fn language(&self) -> Language {
        let german = |phone: &Phone| ["49", "43"].contains(&phone.country_code());
        let is_german = self.to.as_ref().or(self.from.as_ref()).is_some_and(german);
        is_german.then(|| "de".parse().ok()).flatten().unwrap_or_else(Language::english)
    }
}

/// The number's voice URL.
pub(super) async fn came_in(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
    let (worker, asked, work_urls) = (state.clone(), arrival.clone(), urls.clone());
    let work = async move { worker.first_turn(asked, &work_urls).await };
    answer("voice", state.or_spare(work, &arrival, &webhook.form).await)
}

impl State {
    async fn first_turn(&self, arrival: Arrival, urls: &Urls) -> Result<String, StoreError> {
        if let Some(document) = self.begin_plainly(&arrival).await? {
            return Ok(document);
        }
        let Some(call) = self.call_of(&arrival).await? else {
            self.unknown_number(&arrival).await?;
            return Ok(farewell(&arrival.language(), |words| words.unknown_number, urls));
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
        self.call_of_then(arrival, self.context().clock.now()).await
    }

    /// The same for one that came in at that time.
    pub(super) async fn call_of_then(&self, arrival: &Arrival, at: Instant) -> Result<Option<CallRow>, StoreError> {
        let acting = self.context().acting();
        let new = self.new_call(&Acting { now: at, ..acting.clone() }, arrival);
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
    if state.desk().is_over(&arrival).await {
        return taken("voice-status");
    }
    let (worker, over) = (state.clone(), arrival.clone());
    let work = async move {
        match worker.call_of(&over).await? {
            Some(call) => worker.finish(&call.id, status.meaning()).await,
            None => Ok(()),
        }
    };
    if in_time(work, "the journal keeps that a call is over").await.is_some() {
        return taken("voice-status");
    }
    state.desk().happened(&arrival, What::Ended).await;
    journaled("voice-status")
}
