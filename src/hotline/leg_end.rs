//! The end of a technician's leg: why, and who is looked after then. What ended before stays as it is.

use sqlx::AnyConnection;

use super::{
    aside, callbacks,
    effects::note,
    rings::{DEADLINE, detail, wake},
    talk,
};
use crate::{
    carrier::{Class, error_codes::class_of, status::CallStatus},
    escalation::connect::LegResult,
    model::call::LegState,
    store::{
        StoreError,
        calls::{self, Phase},
        legs::{self, LegRow},
        timers, waiting,
    },
    work::{Acting, marks},
};

/// Why a leg is over.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    pub result: Option<LegResult>,
    pub code: Option<String>,
}

impl Ended {
    pub fn of(result: LegResult, code: Option<String>) -> Self {
        Self { result: Some(result), code }
    }

    pub fn by_status(status: &CallStatus, leg: &LegRow, code: Option<u32>) -> Self {
        let bad = code.is_some_and(|code| class_of(Some(code), None) == Class::Destination);
        let result = match status {
            CallStatus::Busy => Some(LegResult::Busy),
            CallStatus::NoAnswer | CallStatus::Canceled => Some(LegResult::NoAnswer),
            CallStatus::Failed if bad => Some(LegResult::BadNumber),
            CallStatus::Failed => Some(LegResult::Failed),
            _ if leg.state == LegState::Bridged => None,
            _ => Some(LegResult::HungUp),
        };
        Self { result, code: code.map(|code| code.to_string()) }
    }
}

/// A leg is over: whoever waits is looked after, in this call and wherever its person is wanted.
pub async fn leg_ended(db: &mut AnyConnection, acting: &Acting, leg: &LegRow, ended: &Ended) -> Result<(), StoreError> {
    let org = acting.org();
    // A promise is kept by the carrier's word alone: whoever hears our greeting has not talked yet.
    if leg.callback.is_none()
        && talk::is_one(leg, acting.now)
        && let Some(call) = calls::by_id(db, org, &leg.call).await?
    {
        talk::confirm(db, acting, &call, leg).await?;
    }
    if !legs::end(db, org, &leg.id, ended.result, ended.code.as_deref(), acting.now).await? {
        return Ok(());
    }
    timers::clear(db, org, DEADLINE, leg.id.as_str()).await?;
    if ended.result == Some(LegResult::BadNumber) {
        let method = (&leg.person, &leg.method);
        marks::consider_phone(db, acting, method, &leg.number, ended.code.as_deref()).await?;
    }
    let call = calls::by_id(db, org, &leg.call).await?;
    if let (Some(call), Some(_)) = (&call, &leg.callback) {
        callbacks::over(db, acting, call, leg).await?;
    } else if let Some(call) = call {
        let fresh = legs::by_id(db, org, &leg.id).await?;
        let result = fresh.and_then(|leg| leg.result).map_or("talked", LegResult::as_str);
        let code = ended.code.as_deref().map(|code| format!(", code {code}")).unwrap_or_default();
        note(
            db,
            acting,
            &call,
            "leg-ended",
            format!("The call to {} is over: {result}{code}.", leg.person),
            detail(leg),
        )
        .await?;
        // Whoever accepted and was gone before the bridge: the caller waits for the next.
        calls::wait_again(db, org, &call.id, &leg.person).await?;
        aside::ended(db, acting, &call, leg).await?;
        if call.ended_at.is_none() && matches!(call.phase, Phase::Waiting | Phase::Accepted | Phase::Bridged) {
            wake(db, acting, &call.id).await?;
        }
    }
    for other in waiting::all(db, org).await? {
        if other != leg.call {
            wake(db, acting, &other).await?;
        }
    }
    Ok(())
}
