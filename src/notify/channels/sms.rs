//! SMS over a carrier: sent with a validity, followed by delivery reports.

use super::{Seen, Taken, carried::Carrying};
use crate::{
    carrier::{Carrier, CarrierError, NewSms, Sid, error_codes, status::MessageStatus},
    model::phone::Phone,
    notify::{said::Said, urls},
    store::attempts::{Attempt, AttemptKind, AttemptState},
};

/// A page that comes later wakes somebody for what others have long taken.
const PAGE_VALID_S: u32 = 15 * 60;
const OTHER_VALID_S: u32 = 4 * 60 * 60;
/// Reports usually come within seconds; many networks never send one.
pub const PATIENCE_S: i64 = 120;

/// What a carrier's word for a message means for its attempt, with the rank for `outbox::report`.
pub fn report_of(status: &MessageStatus) -> (i64, AttemptState) {
    let state = match status {
        MessageStatus::Accepted
        | MessageStatus::Scheduled
        | MessageStatus::Queued
        | MessageStatus::Sending
        | MessageStatus::Sent
        | MessageStatus::Receiving
        | MessageStatus::Other(_) => AttemptState::Sent,
        MessageStatus::Delivered
        | MessageStatus::PartiallyDelivered
        | MessageStatus::Read
        | MessageStatus::Received => AttemptState::Delivered,
        MessageStatus::Undelivered | MessageStatus::Failed | MessageStatus::Canceled => AttemptState::Failed,
    };
    // An attempt without a report has rank 0.
    (i64::from(status.rank()) + 1, state)
}

impl Carrying {
    pub(super) async fn send_sms(
        &self,
        carrier: &dyn Carrier,
        attempt: &Attempt,
        to: &Phone,
        said: &Said,
    ) -> Result<Taken, CarrierError> {
        let sms = NewSms {
            to: to.clone(),
            from: None,
            body: said.text.clone(),
            status_callback: Some(urls::sms_status(&self.public_url, carrier.id(), &attempt.id)),
            validity_s: match attempt.kind {
                AttemptKind::Page | AttemptKind::Check => PAGE_VALID_S,
                AttemptKind::Notice | AttemptKind::Reply => OTHER_VALID_S,
            },
        };
        let Some(sid) = carrier.send_sms(&sms).await? else {
            // Nothing to wait for, and nothing to ask by.
            return Ok(Taken::for_good(None));
        };
        let deadline_at = super::deadline(&self.clock, &attempt.address);
        Ok(Taken { provider_id: Some(sid.to_string()), ended: false, deadline_at })
    }
}

pub(super) async fn look(carrier: &dyn Carrier, attempt: &Attempt, to: &Phone) -> Result<Vec<Seen>, CarrierError> {
    let found = match &attempt.provider_id {
        Some(sid) => vec![carrier.sms_status(&Sid::new(sid)).await?],
        None => {
            let body = Said::from_json(&attempt.text).unwrap_or_default().text;
            carrier.find_sms(to, &body, super::since(attempt)).await?
        }
    };
    let seen = found.into_iter().map(|seen| {
        let (rank, state) = report_of(&seen.status);
        let words = seen.error_code.and_then(error_codes::words).unwrap_or(seen.status.meaning());
        Seen {
            rank,
            state,
            provider_id: seen.sid.to_string(),
            code: seen.error_code.map(|code| code.to_string()),
            message: words.to_owned(),
        }
    });
    Ok(seen.collect())
}
