//! Reports: how a page call went on and ended, and what became of a message. They come in any order,
//! twice, late or never.

use axum::{
    extract::State as Extract,
    response::{IntoResponse, Response},
};

use super::{State, document};
use crate::{
    carrier::{
        error_codes,
        signature::Form,
        status::{CallStatus, MessageStatus},
    },
    model::id::{AttemptId, CarrierId},
    notify::{
        channels::{sms, voice},
        urls,
    },
    store::{
        StoreError,
        attempts::{self, Attempt},
        outbox::Answer,
    },
    web::{problem::Problem, webhook::Webhook},
    work::report,
};

pub(super) async fn call(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let (Some(id), Some(word)) = (webhook.named::<AttemptId>("attempt"), webhook.form.get("CallStatus")) else {
        return document::taken("page-status");
    };
    let status = CallStatus::parse(word);
    let (rank, outcome) = voice::report_of(&status);
    // A second call about the same attempt may be on its way when the answer to the first got lost:
    // the end of one must not end the other.
    let sid = webhook.form.get("CallSid").map(str::to_owned);
    let code = code(&webhook.form, status.is_unreached().then_some("SipResponseCode"));
    let known = match find(&state, &id).await {
        Ok(Some(attempt)) => attempt,
        Ok(None) => return document::taken("page-status"),
        Err(error) => return unavailable(&error),
    };
    if outcome.is_end() && known.provider_id.is_some() && sid.is_some() && known.provider_id != sid {
        return document::taken("page-status");
    }
    let answer = Answer {
        carrier: Some(webhook.carrier),
        provider_id: sid.filter(|_| known.provider_id.is_none()),
        code,
        message: Some(status.meaning().to_owned()),
        latency_ms: None,
        tried: None,
    };
    match report::take(&state.context, &id, rank, outcome, answer).await {
        Ok(()) => document::taken("page-status"),
        Err(error) => unavailable(&error),
    }
}

pub(super) async fn message(Extract(state): Extract<State>, webhook: Webhook) -> Response {
    let form = &webhook.form;
    let word = form.get("MessageStatus").or_else(|| form.get("SmsStatus"));
    let sid = form.get("MessageSid").or_else(|| form.get("SmsSid"));
    let Some(word) = word else { return document::taken("sms-status") };
    let id = match which(&state, webhook.queried(urls::ATTEMPT), &webhook.carrier, sid).await {
        Ok(Some(id)) => id,
        Ok(None) => return document::taken("sms-status"),
        Err(error) => return unavailable(&error),
    };
    let status = MessageStatus::parse(word);
    let (rank, outcome) = sms::report_of(&status);
    let code = code(form, None);
    let words = code.as_deref().and_then(|code| error_codes::words(code.parse().ok()?));
    let answer = Answer {
        message: Some(words.unwrap_or(status.meaning()).to_owned()),
        carrier: Some(webhook.carrier.clone()),
        provider_id: sid.map(str::to_owned),
        code,
        latency_ms: None,
        tried: None,
    };
    match report::take(&state.context, &id, rank, outcome, answer).await {
        Ok(()) => document::taken("sms-status"),
        Err(error) => unavailable(&error),
    }
}

/// By our own id, or by the carrier's for a message whose callback was set elsewhere.
async fn which(
    state: &State,
    named: Option<AttemptId>,
    carrier: &CarrierId,
    sid: Option<&str>,
) -> Result<Option<AttemptId>, StoreError> {
    if named.is_some() {
        return Ok(named);
    }
    let Some(sid) = sid else { return Ok(None) };
    let org = state.context.directory().org.clone();
    let mut db = state.context.store.read().await?;
    Ok(attempts::by_provider_id(&mut db, &org, carrier, sid).await?.map(|attempt| attempt.id))
}

async fn find(state: &State, id: &AttemptId) -> Result<Option<Attempt>, StoreError> {
    let org = state.context.directory().org.clone();
    attempts::by_id(&mut *state.context.store.read().await?, &org, id).await
}

fn code(form: &Form, spare: Option<&str>) -> Option<String> {
    let given = form.get("ErrorCode").filter(|code| !code.is_empty() && *code != "0");
    let given = given.or_else(|| form.get(spare?).filter(|code| !code.is_empty()));
    given.map(|code| code.chars().take(20).collect())
}

/// A report is not lost by this: the attempt's deadline asks for it.
fn unavailable(error: &StoreError) -> Response {
    tracing::warn!(error = error as &dyn std::error::Error, "a report could not be taken");
    Problem::unavailable().into_response()
}
