//! `[limits]`: what pages may cost. What is over the hour's cap, or goes to a country that is left out,
//! fails before anything is sent, so that the person's next rule comes at once; the MSP is told.
//!
//! Pages have a cap of their own beside those of the hotlines: nobody who phones can silence them.

use sqlx::AnyConnection;

use super::Acting;
use crate::{
    model::person::{Address, Channel},
    notify::channels::Sent,
    store::{
        StoreError,
        attempts::{Attempt, AttemptKind},
        outbox::{self, Answer, Outcome},
        spent::{self, Spending},
    },
};

/// Whose spending this is, beside `org` and `hotline:+49…`, which are those of callers.
const SUBJECT: &str = "pages";

/// A reason why an attempt must not be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// One open alert for the MSP, however often it comes up.
    pub matter: String,
    pub title: String,
    pub why: String,
}

impl Refusal {
    /// How the attempt ended.
    pub fn outcome(&self) -> Sent {
        let answer = Answer { message: Some(self.why.clone()), ..Answer::default() };
        Sent { outcome: Outcome::Failed, answer, class: None, tried: Vec::new() }
    }
}

/// Part of the unit of work that claims: takes out what must not be sent and answers why; the rest stays.
pub(super) async fn sieve(
    db: &mut AnyConnection,
    acting: &Acting,
    due: &mut Vec<Attempt>,
) -> Result<Vec<(Attempt, Refusal)>, StoreError> {
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for attempt in due.drain(..) {
        match refusal(db, acting, &attempt).await? {
            None => kept.push(attempt),
            Some(refusal) => refused.push((attempt, refusal)),
        }
    }
    *due = kept;
    Ok(refused)
}

async fn refusal(db: &mut AnyConnection, acting: &Acting, attempt: &Attempt) -> Result<Option<Refusal>, StoreError> {
    // A caller's SMS was counted when the flow asked for it.
    if attempt.kind == AttemptKind::Reply {
        return Ok(None);
    }
    let (Address::Sms(phone) | Address::Voice(phone)) = &attempt.address else { return Ok(None) };
    let country = phone.country_code();
    if !acting.directory.countries().contains(country) {
        return Ok(Some(Refusal {
            matter: format!("country:{country}"),
            title: format!("Pages to numbers with +{country} are not sent"),
            why: format!("`[limits] countries` leaves out +{country}"),
        }));
    }
    let limits = &acting.directory.limits;
    let (spending, cap, key, what) = match attempt.address.channel() {
        Channel::Voice => (Spending::Call, limits.calls_per_hour, "calls_per_hour", "calls"),
        _ => (Spending::Sms, limits.sms_per_hour, "sms_per_hour", "SMS"),
    };
    let is_counted = !outbox::charge(db, attempt).await?;
    if is_counted || spent::take(db, acting.org(), spending, SUBJECT, cap, acting.now).await? {
        return Ok(None);
    }
    outbox::discharge(db, attempt).await?;
    Ok(Some(Refusal {
        matter: format!("pages-cap:{key}"),
        title: format!("Pages by {what} have reached the hour's cap of {cap}"),
        why: format!("the hour's cap of {cap} {what} is reached (`[limits] {key}`)"),
    }))
}
