//! Numbers from which STOP was written: no SMS goes there, whatever it says, until START comes. The message
//! fails before anything is sent, so that the person's next rule comes at once.

use sqlx::AnyConnection;

use crate::{
    model::person::Address,
    notify::channels::Sent,
    store::{
        StoreError,
        attempts::Attempt,
        contacts,
        outbox::{Answer, Outcome},
    },
};

/// Part of the unit of work that claims: takes out what must not be sent; the rest stays.
pub(super) async fn sieve(db: &mut AnyConnection, due: &mut Vec<Attempt>) -> Result<Vec<Attempt>, StoreError> {
    let (mut kept, mut stopped) = (Vec::with_capacity(due.len()), Vec::new());
    for attempt in due.drain(..) {
        let is_stopped = match &attempt.address {
            Address::Sms(phone) => contacts::stopped_since(db, &attempt.org, phone).await?.is_some(),
            Address::Voice(_)
            | Address::Email(_)
            | Address::Push(_)
            | Address::Slack(_)
            | Address::Teams(_)
            | Address::Telegram(_)
            | Address::Ntfy(_)
            | Address::Webhook(_) => false,
        };
        if is_stopped { stopped.push(attempt) } else { kept.push(attempt) }
    }
    *due = kept;
    Ok(stopped)
}

/// How such an attempt ends.
pub(super) fn outcome() -> Sent {
    let words = "STOP was written from this number, and START was not since";
    let answer = Answer { message: Some(words.to_owned()), ..Answer::default() };
    Sent { outcome: Outcome::Failed, answer, class: None, tried: Vec::new() }
}
