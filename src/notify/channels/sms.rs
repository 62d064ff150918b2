//! SMS over a carrier: sent with a validity, followed by delivery reports.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::{Looked, Provider, Seen, Taken, Trouble, line_of};
use crate::{
    carrier::{Carrier, CarrierError, Class, NewSms, Sid, carriers::Carriers, error_codes, status::MessageStatus},
    clock::Clock,
    model::{id::CarrierId, person::Address, phone::Phone},
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

pub(super) struct Sms {
    pub carriers: Carriers,
    pub public_url: Arc<str>,
    pub clock: Clock,
}

impl Provider for Sms {
    fn send<'a>(&'a self, attempt: &'a Attempt, said: &'a Said) -> BoxFuture<'a, Result<Taken, Trouble>> {
        Box::pin(async move {
            let Address::Sms(to) = &attempt.address else { return Err(super::misdirected()) };
            let carrier = preferred(&self.carriers)?;
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
            let sid = carrier.send_sms(&sms).await?;
            let deadline_at = super::deadline(&self.clock, &attempt.address);
            Ok(Taken { provider_id: Some(sid.to_string()), ended: false, deadline_at })
        })
    }

    fn look<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Vec<Looked>> {
        Box::pin(async move {
            let (Address::Sms(to), Some(line)) = (&attempt.address, line_of(&self.carriers, attempt)) else {
                return vec![Looked::Unclear];
            };
            let carrier = line.carrier.as_ref();
            super::looked(carrier.id(), look(carrier, attempt, to).await)
        })
    }

    fn counted_as(&self) -> Option<&'static str> {
        None
    }

    fn carrier(&self) -> Option<CarrierId> {
        Some(self.carriers.preferred()?.carrier.id().clone())
    }
}

pub(super) fn preferred(carriers: &Carriers) -> Result<&dyn Carrier, Trouble> {
    let line = carriers.preferred().ok_or_else(|| Trouble::of(Class::Account, "no carrier is configured"))?;
    Ok(line.carrier.as_ref())
}

async fn look(carrier: &dyn Carrier, attempt: &Attempt, to: &Phone) -> Result<Vec<Seen>, CarrierError> {
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
