//! What came of sending, as rows: the attempt, the timeline, what follows.

use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::{
    Acting, bundles,
    deadline::DEADLINE,
    failure::{self, describe},
    marks, record,
};
use crate::{
    carrier::Class,
    model::{Instant, id::CarrierId, person::Address},
    notify::channels::{Sent, Tried, because},
    store::{
        StoreError,
        attempts::{Attempt, AttemptState},
        carried,
        outbox::{self, Answer, Outcome},
        timers,
    },
    telemetry::metric,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    Ended(AttemptState),
    Going,
    /// Another worker has it.
    Stale,
}

pub(super) async fn sent(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    sent: &Sent,
) -> Result<Settled, StoreError> {
    let Some(state) = outbox::record(db, attempt, &sent.outcome, &sent.answer, acting.now).await? else {
        return Ok(Settled::Stale);
    };
    refused(db, acting, attempt, &sent.tried).await?;
    let why = sent.answer.message.as_deref();
    match &sent.outcome {
        Outcome::Sent { ended, deadline_at } => {
            bundles::sent(db, acting, attempt).await?;
            let words = [Some(handed_over(attempt, &sent.answer, acting.now)), because(&sent.tried)];
            let words = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
            note(db, acting, attempt, "sent", &words, &sent.answer).await?;
            if let Some(at) = deadline_at.filter(|_| state == AttemptState::Sent) {
                timers::set(db, acting.org(), DEADLINE, attempt.id.as_str(), at, "").await?;
            }
            return Ok(if *ended || state.is_end() { Settled::Ended(state) } else { Settled::Going });
        }
        // A report was faster than the answer, and knows better.
        _ if state == AttemptState::Delivered => return Ok(Settled::Ended(state)),
        Outcome::Postponed { .. } => return Ok(Settled::Going),
        Outcome::Again { at, .. } => {
            let again = format!(
                "failed for now ({}); it is tried again at {}",
                why.unwrap_or("no word why"),
                at.format("%H:%M:%S UTC")
            );
            note(db, acting, attempt, "retry", &again, &sent.answer).await?;
            if sent.class == Some(Class::RetryLater) {
                failure::next_rule(db, acting, attempt).await?;
            }
            return Ok(Settled::Going);
        }
        Outcome::Dropped => {
            note(db, acting, attempt, "dropped", "was not sent, as it is not needed any more", &sent.answer).await?;
        }
        Outcome::Failed => {
            marks::consider(db, acting, attempt, sent.class, &sent.answer).await?;
            failure::failed(db, acting, attempt, &worded(&sent.answer), sent.answer.code.as_deref()).await?;
        }
        Outcome::Unknown => {
            let why = format!("nobody knows whether it arrived ({})", why.unwrap_or("the provider says nothing"));
            failure::failed(db, acting, attempt, &why, sent.answer.code.as_deref()).await?;
        }
    }
    Ok(Settled::Ended(state))
}

/// Carriers that do not reach this number are not asked first for it.
async fn refused(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    tried: &[Tried],
) -> Result<(), StoreError> {
    let (Address::Sms(phone) | Address::Voice(phone)) = &attempt.address else { return Ok(()) };
    for tried in tried.iter().filter(|tried| tried.is_number) {
        let way = (attempt.address.channel(), phone);
        carried::remember(db, acting.org(), way, &tried.carrier, false, acting.now).await?;
    }
    Ok(())
}

/// The provider's words with its code.
pub(super) fn worded(answer: &Answer) -> String {
    let words = answer.message.as_deref().unwrap_or("the provider gave no reason");
    match &answer.code {
        Some(code) if !words.contains(code.as_str()) => format!("{words} (code {code})"),
        _ => words.to_owned(),
    }
}

fn handed_over(attempt: &Attempt, answer: &Answer, now: Instant) -> String {
    let tries = if attempt.tries > 1 { format!(" at try {}", attempt.tries) } else { String::new() };
    let stood = attempt.stood_since.map_or_else(String::new, |since| {
        let tenths = (now - since).num_milliseconds().max(0) / 100;
        format!(", {}.{} s after it had found the line full", tenths / 10, tenths % 10)
    });
    match (&answer.carrier, &answer.provider_id) {
        (Some(carrier), Some(id)) => format!("was handed to {carrier}{tries} as {id}{stood}"),
        (Some(carrier), None) => format!("was handed to {carrier}{tries}{stood}"),
        (None, _) => format!("was handed over{tries}{stood}"),
    }
}

pub(super) async fn note(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    kind: &str,
    what: &str,
    answer: &Answer,
) -> Result<(), StoreError> {
    let Some(alert) = &attempt.alert else { return Ok(()) };
    let detail = json!({
        "attempt": attempt.id.as_str(), "channel": attempt.address.channel().as_str(), "tries": attempt.tries,
        "code": answer.code, "latency_ms": answer.latency_ms, "carrier": answer.carrier.as_ref().map(CarrierId::as_str),
        "tried": answer.tried.as_deref().and_then(|tried| serde_json::from_str::<Value>(tried).ok()),
    });
    record(db, acting, alert, kind, format!("{} {what}.", describe(acting, attempt)), detail).await
}

pub(super) fn count(attempt: &Attempt, state: AttemptState) {
    let channel = attempt.address.channel().as_str();
    metrics::counter!(metric::ATTEMPTS, "channel" => channel, "state" => state.as_str()).increment(1);
}
