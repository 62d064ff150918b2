//! What providers report about attempts, in any order, twice, late or never, and that a human pressed a
//! key: state, timeline and what follows, as one.

use sqlx::AnyConnection;

use super::{
    Acting, Context, bundles,
    deadline::DEADLINE,
    failure, marks,
    settle::{self, note, worded},
};
use crate::{
    model::{
        id::AttemptId,
        person::{Address, Channel},
    },
    notify::channels::{patience, reached},
    store::{
        StoreError,
        attempts::{self, Attempt, AttemptKind, AttemptState},
        carried,
        outbox::{self, Answer},
        timers,
    },
};

/// A key settles a call for good: whatever the provider says of its end is old news.
const RANK_OF_KEY: i64 = 100;

/// As a unit of work of its own. `rank` and `state` as `notify::channels` gives them.
pub async fn take(
    context: &Context,
    id: &AttemptId,
    rank: i64,
    state: AttemptState,
    answer: Answer,
) -> Result<(), StoreError> {
    let (acting, id) = (context.acting(), id.clone());
    let taken = context.change(async move |db| report(db, &acting, &id, rank, state, &answer).await);
    if let Some(attempt) = taken.await?.filter(|attempt| attempt.state.is_end()) {
        settle::count(&attempt, attempt.state);
    }
    Ok(())
}

/// `None`: it is no news.
pub(super) async fn report(
    db: &mut AnyConnection,
    acting: &Acting,
    id: &AttemptId,
    rank: i64,
    state: AttemptState,
    answer: &Answer,
) -> Result<Option<Attempt>, StoreError> {
    let Some(before) = attempts::by_id(db, acting.org(), id).await? else { return Ok(None) };
    let (state, answer) = understood(&before, state, answer);
    let Some(attempt) = outbox::report(db, acting.org(), id, rank, state, &answer, acting.now).await? else {
        return Ok(None);
    };
    carried_by(db, acting, &before, state, &answer).await?;
    if state.is_end() {
        timers::clear(db, acting.org(), DEADLINE, id.as_str()).await?;
    }
    match state {
        // What was known to have failed fails once.
        AttemptState::Failed | AttemptState::Unknown
            if !matches!(before.state, AttemptState::Failed | AttemptState::Unknown) =>
        {
            marks::consider(db, acting, &attempt, marks::class_of(answer.code.as_deref()), &answer).await?;
            failure::failed(db, acting, &attempt, &worded(&answer), answer.code.as_deref()).await?;
        }
        AttemptState::Delivered => {
            bundles::delivered(db, acting, &attempt).await?;
            let words = format!("arrived, which is no acknowledgement ({})", worded(&answer));
            note(db, acting, &attempt, "delivered", &words, &answer).await?;
        }
        // The answer that would have set the deadline is on its way, or was lost in a crash.
        AttemptState::Sent if matches!(before.state, AttemptState::Due | AttemptState::Sending) => {
            let deadline_at = patience(&attempt.address).map(|patience| acting.now + patience);
            outbox::expect_report(db, acting.org(), id, deadline_at).await?;
            if let Some(at) = deadline_at {
                timers::set(db, acting.org(), DEADLINE, id.as_str(), at, "").await?;
            }
        }
        AttemptState::Due
        | AttemptState::Held
        | AttemptState::Waiting
        | AttemptState::Sending
        | AttemptState::Sent
        | AttemptState::Failed
        | AttemptState::Unknown
        | AttemptState::Dropped => {}
    }
    Ok(Some(attempt))
}

/// Which carrier reached the number, or did not, is remembered for the next time.
async fn carried_by(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    state: AttemptState,
    answer: &Answer,
) -> Result<(), StoreError> {
    let (Address::Sms(phone) | Address::Voice(phone)) = &attempt.address else { return Ok(()) };
    let Some(carrier) = answer.carrier.as_ref().or(attempt.carrier.as_ref()) else { return Ok(()) };
    match reached(&attempt.address, state, answer.code.as_deref()) {
        Some(delivered) => {
            let way = (attempt.address.channel(), phone);
            carried::remember(db, acting.org(), way, carrier, delivered, acting.now).await
        }
        None => Ok(()),
    }
}

/// A human has pressed a key in this call. `false`: one was pressed already.
pub async fn key_pressed(db: &mut AnyConnection, acting: &Acting, id: &AttemptId) -> Result<bool, StoreError> {
    let answer = Answer { message: Some("somebody pressed a key".to_owned()), ..Answer::default() };
    let news = outbox::report(db, acting.org(), id, RANK_OF_KEY, AttemptState::Delivered, &answer, acting.now).await?;
    timers::clear(db, acting.org(), DEADLINE, id.as_str()).await?;
    Ok(news.is_some())
}

/// What rang and was picked up, and in which nobody pressed a key, reached perhaps a mailbox.
fn understood(attempt: &Attempt, state: AttemptState, answer: &Answer) -> (AttemptState, Answer) {
    let wants_key = match attempt.kind {
        AttemptKind::Page | AttemptKind::Check => attempt.address.channel() == Channel::Voice,
        AttemptKind::Notice | AttemptKind::Reply => false,
    };
    if wants_key && state == AttemptState::Delivered {
        let words = "it was picked up and nobody pressed a key, so it may have been a mailbox";
        (AttemptState::Unknown, Answer { message: Some(words.to_owned()), ..answer.clone() })
    } else {
        (state, answer.clone())
    }
}
