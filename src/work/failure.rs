//! What follows when an attempt failed: the person's next rule comes at once, and when nobody of the
//! level can be reached at all, the next level does. Nobody waits for a dead number.
//!
//! Part of the unit of work that recorded the failure, whoever learnt of it: the worker that sent, a
//! provider's report, a missed deadline.

use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, bundles, escalate::progress, quiet, record};
use crate::{
    escalation::Stage,
    model::{alert::AlertState, person::Channel},
    store::{
        StoreError,
        alerts::{self, AlertRow},
        attempts::{self, Attempt, AttemptKind, AttemptState},
        notifications,
        raise::ESCALATE,
        timers,
    },
};

/// `why` ends the sentence "The SMS to Anna (+49…01) failed: …", without a full stop.
pub async fn failed(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    why: &str,
    code: Option<&str>,
) -> Result<(), StoreError> {
    let Some(alert) = &attempt.alert else { return Ok(()) };
    let detail = json!({ "attempt": attempt.id.as_str(), "channel": attempt.address.channel().as_str(), "code": code });
    let text = format!("{} failed: {}.", describe(acting, attempt), why.trim_end_matches('.'));
    record(db, acting, alert, "failed", text, detail).await?;
    bundles::failed(db, acting, attempt, why, code).await?;
    next_rule(db, acting, attempt).await
}

/// The same for an attempt that is tried again later: another way is tried meanwhile.
pub(super) async fn next_rule(db: &mut AnyConnection, acting: &Acting, attempt: &Attempt) -> Result<(), StoreError> {
    let (Some(alert), Some(notification), AttemptKind::Page) = (&attempt.alert, &attempt.notification, attempt.kind)
    else {
        return Ok(());
    };
    let row = alerts::by_id(db, acting.org(), alert).await?;
    let Some(row) = row.filter(|row| row.alert.state == AlertState::Triggered) else { return Ok(()) };
    let person = attempt.person.as_ref().and_then(|id| acting.directory.people.get(id));
    let at = person.map_or(acting.now, |person| quiet::allowed_at(person, &row.alert, acting.now));
    match attempts::bring_forward(db, acting.org(), alert, notification, at).await? {
        Some(next) => {
            let when = match person {
                Some(person) if at > acting.now => format!("when quiet hours end, at {}", quiet::time(person, at)),
                Some(_) | None => "at once".to_owned(),
            };
            let text = format!("{} comes {when}, as the one before it failed.", describe(acting, &next));
            record(db, acting, alert, "brought-forward", text, json!({ "attempt": next.id.as_str() })).await
        }
        None => next_level(db, acting, &row, attempt).await,
    }
}

/// When every try at everybody of the level that was told last has failed, its time is over.
async fn next_level(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &AlertRow,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    let mut progress = progress(row)?;
    // The fallback has its own pauses; whoever is told by it is told again.
    if !matches!(progress.stage, Stage::Level { .. }) || progress.escalate_now {
        return Ok(());
    }
    let alert = &row.alert;
    let here: Vec<_> = notifications::of_alert(db, acting.org(), &alert.id)
        .await?
        .into_iter()
        .filter(|told| Some(told.level) == alert.level && told.round == row.round && !told.done)
        .map(|told| told.id)
        .collect();
    if attempt.notification.as_ref().is_none_or(|own| !here.contains(own)) {
        return Ok(());
    }
    let tries = attempts::of_alert(db, acting.org(), &alert.id).await?;
    let of_level = |tried: &&Attempt| tried.notification.as_ref().is_some_and(|told| here.contains(told));
    if tries.iter().filter(of_level).any(|tried| may_reach(tried.state)) {
        return Ok(());
    }
    progress.escalate_now = true;
    let next = alerts::Progress { level: alert.level, round: row.round, memory: progress.to_json() };
    if !alerts::advance(db, acting.org(), &alert.id, row.rev, &next).await? {
        return Err(StoreError::Stale("the alert changed meanwhile"));
    }
    timers::set(db, acting.org(), ESCALATE, alert.id.as_str(), acting.now, "").await?;
    let level = alert.level.unwrap_or(0) + 1;
    let text = format!("Nobody of level {level} could be reached by any means, so it is not waited for.");
    record(db, acting, &alert.id, "unreachable", text, json!({ "level": level })).await
}

/// Whether a human may still learn of it, or has.
fn may_reach(state: AttemptState) -> bool {
    match state {
        AttemptState::Due
        | AttemptState::Held
        | AttemptState::Waiting
        | AttemptState::Sending
        | AttemptState::Sent
        | AttemptState::Delivered => true,
        AttemptState::Failed | AttemptState::Unknown | AttemptState::Dropped => false,
    }
}

/// `The SMS to Anna Berger (+49…01)`: begins a sentence.
pub fn describe(acting: &Acting, attempt: &Attempt) -> String {
    let what = match attempt.address.channel() {
        Channel::Sms => "The SMS",
        Channel::Voice => "The call",
        Channel::Email => "The email",
        Channel::Push => "The push",
        Channel::Slack => "The Slack message",
        Channel::Teams => "The Teams card",
        Channel::Telegram => "The Telegram message",
        Channel::Ntfy => "The ntfy message",
        Channel::Webhook => "The webhook",
    };
    let person = attempt.person.as_ref();
    let name = person.and_then(|id| acting.directory.people.get(id)).map(|person| person.name.as_str());
    match name.or(person.map(|id| id.as_str())) {
        Some(name) => format!("{what} to {name} ({})", attempt.address.masked()),
        None => format!("{what} to {}", attempt.address.masked()),
    }
}
