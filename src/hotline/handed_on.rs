//! Calls at a carrier that runs no flow: they are led to a hotline at another carrier, or wherever the operator
//! says, and the MSP hears of each that nobody took.
//!
//! All its events come to one path, signed with a key that others' calls are signed with as well: what is believed
//! is what concerns one of our numbers. Nothing is kept of such a call, so an event may come late, twice or never.

use axum::{
    extract::State as Extract,
    http::header,
    response::{IntoResponse, Response},
};

use super::{State, come_again, noticed, urls, voice::Arrival};
use crate::{
    carrier::{
        Answers, HandsOn,
        sipgate::document::{self, CONTENT_TYPE},
        status::CallStatus,
    },
    model::phone::Phone,
    store::StoreError,
    telemetry::metric,
    web::webhook::Webhook,
    work::msp,
};

const KIND: &str = "push";

pub(super) async fn push(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let arrival = Arrival::of(&webhook.carrier, &webhook.form);
    let Some(to) = forwarded(&state, &arrival, &webhook) else {
        noticed(KIND, "unknown");
        return answer(document::own_way());
    };
    let status = CallStatus::parse(webhook.form.get("CallStatus").unwrap_or_default());
    if !status.is_final() {
        tracing::info!(carrier = %arrival.carrier, to = to.masked(), "a call is handed on");
        let path = urls::PUSH.replace("{carrier}", arrival.carrier.as_str());
        return answer(document::hand_on(&to, &format!("{}{path}", state.webhooks().public_url())));
    }
    if webhook.form.bridged() == Some(false)
        && let Err(error) = state.not_handed_on(&arrival, &to, &status).await
    {
        return come_again(KIND, &error);
    }
    // What is answered to the end of a call is read by nobody.
    answer(document::own_way())
}

/// Where a call to one of our numbers goes. `None`: it is none of ours, goes out, or goes its own way.
fn forwarded(state: &State, arrival: &Arrival, webhook: &Webhook) -> Option<Phone> {
    let line = state.webhooks().carriers().get(&webhook.carrier)?;
    let Answers::HandsOn(HandsOn { numbers, to }) = line.carrier.answers() else { return None };
    let is_ours = arrival.to.as_ref().is_some_and(|called| numbers.contains(called));
    let comes_in = webhook.form.get("Direction") != Some("outbound");
    to.clone().filter(|_| is_ours && comes_in)
}

fn answer(document: String) -> Response {
    metrics::counter!(metric::WEBHOOKS, "kind" => KIND, "answer" => "document").increment(1);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], document).into_response()
}

impl State {
    /// Once for each call, however often its end is reported.
    async fn not_handed_on(&self, arrival: &Arrival, to: &Phone, status: &CallStatus) -> Result<(), StoreError> {
        let (caller, called) = (arrival.caller(), arrival.hotline());
        let title = format!("A call of {caller} to {called} reached nobody");
        let text =
            format!("{caller} phoned {called} and was to be put through to {to}: {}. Ring back.", reason(status));
        let matter = format!("not-handed-on:{}:{}", arrival.carrier, arrival.carrier_call);
        msp::report(self.context(), &matter, &title, &text, None).await.map(|_| ())
    }
}

fn reason(status: &CallStatus) -> &'static str {
    match status {
        CallStatus::Busy => "the line was busy or the call was declined",
        CallStatus::NoAnswer => "they hung up before anybody answered",
        CallStatus::Completed => "the call was forwarded from there, and the carrier does not say to whom",
        CallStatus::Failed | CallStatus::Canceled => "it could not be reached",
        CallStatus::Queued
        | CallStatus::Initiated
        | CallStatus::Ringing
        | CallStatus::InProgress
        | CallStatus::Other(_) => "the carrier does not say what became of it",
    }
}
