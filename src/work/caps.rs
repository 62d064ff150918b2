//! `[limits]`: what pages may cost, and where they may go. What is over a cap, goes to a country that is left
//! out or to a number that is nobody's any more, fails before anything is sent, so that the person's next rule
//! comes at once; the MSP is told.

use chrono::TimeDelta;
use sqlx::AnyConnection;

use super::{
    Acting,
    money::{self, Purse},
};
use crate::{
    model::{
        Instant,
        person::{Address, Channel},
        phone::Phone,
    },
    notify::channels::Sent,
    store::{
        StoreError,
        attempts::{Attempt, AttemptKind},
        contacts,
        outbox::{self, Answer, Outcome},
        spent::Spending,
    },
    telemetry::metric,
};

/// Another node may have planned it by declarations that this one is about to read.
const READS_WITHIN: TimeDelta = TimeDelta::seconds(10);
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(2);

/// A reason why an attempt must not be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub why: String,
    /// Of one open alert for the MSP, however often it comes up: the matter and the title. `None`: whoever
    /// declares knows.
    pub told: Option<(String, String)>,
    /// It may be settled by then.
    again_at: Option<Instant>,
}

impl Refusal {
    /// How the attempt ended, or for how long it waits.
    pub fn outcome(&self) -> Sent {
        let answer = Answer { message: Some(self.why.clone()), ..Answer::default() };
        let outcome = self.again_at.map_or(Outcome::Failed, |at| Outcome::Postponed { at });
        Sent { outcome, answer, class: None, tried: Vec::new() }
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
    // It may be at its carrier already, which is asked first.
    if !attempt.unsure && !is_somebodys(db, acting, attempt, phone).await? {
        return Ok(Some(nobodys(acting, attempt)));
    }
    let country = phone.country_code();
    if !acting.directory.countries().contains(country) {
        metrics::counter!(metric::CAPPED, "limit" => "countries").increment(1);
        return Ok(Some(Refusal {
            why: format!("`[limits] countries` leaves out +{country}"),
            told: Some((format!("country:{country}"), format!("Pages to numbers with +{country} are not sent"))),
            again_at: None,
        }));
    }
    over_a_cap(db, acting, attempt, phone).await
}

/// A code goes to a number that counts as somebody's only once the code came back.
async fn is_somebodys(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    phone: &Phone,
) -> Result<bool, StoreError> {
    if acting.directory.person_with_phone(phone).is_some() {
        return Ok(true);
    }
    let (AttemptKind::Check, Some(person), Some(method)) = (attempt.kind, &attempt.person, &attempt.method) else {
        return Ok(false);
    };
    let contact = contacts::find(db, acting.org(), person, method).await?;
    Ok(contact.is_some_and(|contact| contact.address == attempt.address))
}

/// The number was declared when the page was planned.
fn nobodys(acting: &Acting, attempt: &Attempt) -> Refusal {
    let again_at = (acting.now < attempt.created_at + READS_WITHIN).then(|| acting.now + LOOK_AGAIN);
    if again_at.is_none() {
        metrics::counter!(metric::CAPPED, "limit" => "declared").increment(1);
    }
    Refusal { why: "nobody is declared with this number any more".to_owned(), told: None, again_at }
}

async fn over_a_cap(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    phone: &Phone,
) -> Result<Option<Refusal>, StoreError> {
    let is_call = attempt.address.channel() == Channel::Voice;
    let (what, named) = if is_call { (Spending::Call, "calls") } else { (Spending::Sms, "SMS") };
    if !outbox::charge(db, attempt).await? {
        // Counted at an earlier try.
        return Ok(None);
    }
    let Some(full) = money::spend(db, acting, what, Purse::Pages, phone).await? else { return Ok(None) };
    outbox::discharge(db, attempt).await?;
    let key = full.key();
    Ok(Some(Refusal {
        why: format!("{full} is reached (`[limits] {key}`)"),
        told: Some((format!("pages-cap:{key}"), format!("Pages by {named} have reached {full}"))),
        again_at: None,
    }))
}

#[cfg(test)]
mod tests;
