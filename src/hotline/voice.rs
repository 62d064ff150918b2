//! A call comes in, could not be answered, or has ended: what is set at the number itself.

use std::time::Duration;

use axum::{
    extract::{Path, Request, State as Extract},
    response::Response,
};
use chrono::TimeDelta;

use super::{
    State, answer, come_again, farewell, guard, spare, taken,
    turn::{WATCH, WATCH_AFTER, first_language},
    urls::Urls,
};
use crate::{
    carrier::signature::Form,
    ivr::{Attestation, Input},
    model::{id::CarrierId, language::Language, phone::Phone},
    store::{
        StoreError,
        calls::{self, CallRow, NewCall},
        timers,
    },
    work::msp,
};

/// A message that could not be kept is kept in memory and tried again.
const KEEP_AGAIN: TimeDelta = TimeDelta::seconds(5);
const KEEP_TRIES: u32 = 17_280;
/// The caller has finished and hears nothing meanwhile.
const KEPT_WITHIN: Duration = Duration::from_secs(3);

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
            carrier_call: form.get("CallSid").unwrap_or_default().chars().take(64).collect(),
            from: form.get("From").and_then(Phone::from_caller),
            to: form.get("To").and_then(|to| to.parse().ok()),
            attestation: Attestation::from_verstat(form.get("StirVerstat")),
        }
    }
}

/// The number's voice URL.
pub(super) async fn came_in(Extract(state): Extract<State>, Path(carrier): Path<String>, request: Request) -> Response {
    let webhook = match state.webhooks().receive(&carrier, request).await {
        Ok(webhook) => webhook,
        Err(refused) => return refused,
    };
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
    let language = arrival.to.as_ref().map_or_else(Language::english, |to| first_language(&state, to));
    let (work_urls, spare_urls) = (urls.clone(), urls);
    let work = async move { state.first_turn(arrival, &work_urls).await };
    answer("voice", guard(work, || spare(&language, &spare_urls)).await)
}

impl State {
    async fn first_turn(&self, arrival: Arrival, urls: &Urls) -> Result<String, StoreError> {
        let Some(call) = self.call_of(&arrival).await? else {
            self.unknown_number(&arrival).await?;
            let caller = arrival.from.as_ref().filter(|from| from.country_code() == "49");
            let language = if caller.is_some() { "de".parse().ok() } else { None };
            return Ok(farewell(&language.unwrap_or_else(Language::english), |words| words.unknown_number, urls));
        };
        let Some(scene) = self.scene(&call.id, arrival.attestation).await? else {
            return Err(StoreError::corrupt("calls.id", call.id.as_str()));
        };
        if call.turn == 0 {
            tracing::info!(call.id = %call.id, hotline = %call.hotline.masked(), "a call came in");
        }
        self.take(scene, 0, Input::Started).await
    }

    /// The call's row, made when it is new. `None`: no hotline has this number.
    pub(super) async fn call_of(&self, arrival: &Arrival) -> Result<Option<CallRow>, StoreError> {
        let acting = self.context().acting();
        let hotline = arrival.to.as_ref().and_then(|to| acting.directory.hotlines.get(to));
        let in_use = hotline.and_then(|hotline| acting.directory.flows.get(&hotline.flow));
        let new = hotline.zip(in_use).map(|(hotline, in_use)| NewCall {
            id: acting.ids.id(acting.now),
            carrier: arrival.carrier.clone(),
            carrier_call: arrival.carrier_call.clone(),
            from: arrival.from.clone(),
            hotline: hotline.number.clone(),
            flow: hotline.flow.clone(),
            flow_version: in_use.version,
            started_at: acting.now,
        });
        let (carrier, sid) = (arrival.carrier.clone(), arrival.carrier_call.clone());
        let unit = async move |db: &mut sqlx::AnyConnection| {
            if let Some(new) = &new
                && calls::create(db, acting.org(), new).await?
            {
                // Its first turn may never come.
                timers::set(db, acting.org(), WATCH, new.id.as_str(), acting.now + WATCH_AFTER, "").await?;
            }
            calls::by_carrier_call(db, acting.org(), &carrier, &sid).await
        };
        self.context().store.write(unit).await
    }

    async fn unknown_number(&self, arrival: &Arrival) -> Result<(), StoreError> {
        let number = arrival.to.as_ref().map_or_else(|| "an unreadable number".to_owned(), Phone::to_string);
        let text =
            format!("Somebody phoned {number}, which belongs to no hotline: apply one, or give the number back.");
        let title = format!("A call to {number}, which has no hotline");
        msp::report(self.context(), &format!("no-hotline:{number}"), &title, &text, None).await.map(|_| ())
    }
}

/// The number's status callback: the call has ended, for whatever reason.
pub(super) async fn ended(Extract(state): Extract<State>, Path(carrier): Path<String>, request: Request) -> Response {
    let webhook = match state.webhooks().receive(&carrier, request).await {
        Ok(webhook) => webhook,
        Err(refused) => return refused,
    };
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
pub(super) async fn fallback(
    Extract(state): Extract<State>,
    Path(carrier): Path<String>,
    request: Request,
) -> Response {
    let webhook = match state.webhooks().receive(&carrier, request).await {
        Ok(webhook) => webhook,
        Err(refused) => return refused,
    };
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
    let language = arrival.to.as_ref().map_or_else(Language::english, |to| first_language(&state, to));
    let code: String = webhook.form.get("ErrorCode").unwrap_or("none").chars().take(10).collect();
    tracing::error!(code, "the carrier fell back: one of our documents could not be had or used");
    let hotline = arrival.to.as_ref().map_or_else(|| "unknown".to_owned(), Phone::to_string);
    tokio::spawn(async move {
        let text = format!(
            "The carrier could not use a document for hotline {hotline} (error {code}); the caller got the spare one."
        );
        let matter = format!("carrier-fallback:{hotline}");
        let report = |state: State| {
            let (matter, text) = (matter.clone(), text.clone());
            async move {
                let title = "A hotline answered with its spare document";
                msp::report(state.context(), &matter, title, &text, None).await.map(|_| ())
            }
        };
        state.keep_trying(report).await;
    });
    answer("voice-fallback", spare(&language, &urls))
}

/// What a caller said after the spare document. Kept even when the database is away just now.
pub(super) async fn message(Extract(state): Extract<State>, Path(carrier): Path<String>, request: Request) -> Response {
    let webhook = match state.webhooks().receive(&carrier, request).await {
        Ok(webhook) => webhook,
        Err(refused) => return refused,
    };
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let urls = Urls::new(state.webhooks().public_url(), &webhook.carrier);
    let language = arrival.to.as_ref().map_or_else(Language::english, |to| first_language(&state, to));
    if let Some(recorded) = super::calls::recorded(&webhook.form) {
        let keeping = tokio::spawn(async move {
            let keep = |state: State| {
                let (arrival, recorded) = (arrival.clone(), recorded.clone());
                async move { state.keep_message(&arrival, &recorded).await }
            };
            state.keep_trying(keep).await;
        });
        // What is answered is not lost by a crash, unless the database is away: then it goes on by itself.
        let _ = tokio::time::timeout(KEPT_WITHIN, keeping).await;
    }
    answer("voice-message", farewell(&language, |words| words.message_thanks, &urls))
}

impl State {
    /// As the flow's own end of a failed call: the MSP hears of it, and the message pages people.
    async fn keep_message(&self, arrival: &Arrival, recorded: &Input) -> Result<(), StoreError> {
        let Some(call) = self.call_of(arrival).await? else { return self.unknown_number(arrival).await };
        let scene = |call: CallRow| async move { self.scene(&call.id, arrival.attestation).await };
        if call.ended_at.is_none() {
            if let Some(scene) = scene(call.clone()).await? {
                self.take(scene, call.turn, Input::Failed).await?;
            }
            let Some(failed) = self.call_of(arrival).await? else { return Ok(()) };
            if let Some(scene) = scene(failed.clone()).await? {
                self.take(scene, failed.turn, recorded.clone()).await?;
            }
            return Ok(());
        }
        match scene(call).await? {
            Some(scene) => self.late(scene, recorded.clone()).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Until it works: what a caller said must not be lost because the database is away.
    async fn keep_trying<F, W>(&self, work: F)
    where
        F: Fn(Self) -> W,
        W: Future<Output = Result<(), StoreError>>,
    {
        for _ in 0..KEEP_TRIES {
            match work(self.clone()).await {
                Ok(()) => return,
                Err(error) if error.is_unavailable() || matches!(error, StoreError::Stale(_)) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "what a caller left is kept in memory");
                    self.context().clock.sleep(KEEP_AGAIN).await;
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "what a caller left could not be kept");
                    return;
                }
            }
        }
    }
}
