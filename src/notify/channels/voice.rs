//! A phone that rings: the call is placed here, what it says and which keys it takes is paging's.

use super::{Seen, Taken, carried::Carrying};
use crate::{
    carrier::{Carrier, CarrierError, NewCall, Sid, status::CallStatus},
    model::phone::Phone,
    notify::urls,
    store::attempts::{Attempt, AttemptState},
};

/// Long enough to wake somebody; most mailboxes pick up later.
const RING_S: u32 = 28;
/// The carrier may ring five seconds longer (Twilio: `Timeout`), a queued call waits for its turn, and
/// a cancelled one may send no report at all.
pub const PATIENCE_S: i64 = RING_S as i64 + 5 + 27;

/// What a carrier's word for a call means for its attempt, with the rank for `outbox::report`. Picked
/// up is no acknowledgement: it may be a mailbox.
pub fn report_of(status: &CallStatus) -> (i64, AttemptState) {
    let state = match status {
        CallStatus::Queued
        | CallStatus::Initiated
        | CallStatus::Ringing
        | CallStatus::InProgress
        | CallStatus::Other(_) => AttemptState::Sent,
        CallStatus::Completed => AttemptState::Delivered,
        CallStatus::Busy | CallStatus::NoAnswer | CallStatus::Failed | CallStatus::Canceled => AttemptState::Failed,
    };
    // An attempt without a report has rank 0.
    (i64::from(status.rank()) + 1, state)
}

impl Carrying {
    pub(super) async fn place_call(
        &self,
        carrier: &dyn Carrier,
        attempt: &Attempt,
        to: &Phone,
    ) -> Result<Taken, CarrierError> {
        let call = NewCall {
            to: to.clone(),
            from: None,
            url: urls::page(&self.public_url, carrier.id(), &attempt.id),
            status_callback: urls::page_status(&self.public_url, carrier.id(), &attempt.id),
            ring_s: RING_S,
        };
        let sid = carrier.place_call(&call).await?;
        let deadline_at = super::deadline(&self.clock, &attempt.address);
        Ok(Taken { provider_id: Some(sid.to_string()), ended: false, deadline_at })
    }
}

pub(super) async fn look(carrier: &dyn Carrier, attempt: &Attempt, to: &Phone) -> Result<Vec<Seen>, CarrierError> {
    let found = match &attempt.provider_id {
        Some(sid) => vec![carrier.call_status(&Sid::new(sid)).await?],
        None => carrier.find_calls(to, super::since(attempt)).await?,
    };
    let seen = found.into_iter().map(|seen| {
        let (rank, state) = report_of(&seen.status);
        let message = seen.status.meaning().to_owned();
        Seen { rank, state, provider_id: seen.sid.to_string(), code: None, message }
    });
    Ok(seen.collect())
}
