//! Reports that stay away: asks the provider about what it was handed, and treats what did not arrive
//! as failed, so that nobody waits for a phone that never rang.
//!
//! Handles the timer `deadline` of an attempt. Its payload counts the looks.

use chrono::TimeDelta;
use futures::future::BoxFuture;
use sqlx::AnyConnection;

use super::{Acting, Context, Handler, WorkError, failure, report, settle};
use crate::{
    model::{id::AttemptId, person::Channel},
    notify::{Channels, channels::Looked},
    store::{
        StoreError,
        attempts::{self, Attempt, AttemptState},
        outbox::{self, Answer},
        timers::{self, DueTimer},
    },
};

pub(super) const DEADLINE: &str = "deadline";
/// How soon to look again while a call goes on or the provider cannot say.
const AGAIN: TimeDelta = TimeDelta::seconds(30);
/// Beyond any rank of a provider: what we found out by waiting stays, whatever is reported later.
const RANK_OF_SILENCE: i64 = 50;
/// A call that lasts longer has somebody listening, or a mailbox that recorded enough.
const LOOKS_MAX: u32 = 10;
/// The network has taken it; many never report more (`sent` of `carrier::status`, counted from 1).
const RANK_TAKEN: i64 = 4;

pub(super) struct Deadline {
    pub context: Context,
    pub channels: Channels,
}

impl Handler for Deadline {
    fn kinds(&self) -> &[&'static str] {
        &[DEADLINE]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(self.look(timer))
    }
}

impl Deadline {
    async fn look(&self, timer: &DueTimer) -> Result<(), WorkError> {
        let what = format!("the missing report of {}", timer.subject);
        let id: AttemptId = timer
            .subject
            .parse()
            .map_err(|_| WorkError::Broken { what: what.clone(), why: "this is no attempt's id".to_owned() })?;
        let org = self.context.directory().org.clone();
        let attempt = self.attempt(&org, &id).await.map_err(WorkError::on(&what))?;
        let looked = match &attempt {
            Some(attempt) if attempt.state == AttemptState::Sent => Some(self.channels.look(attempt).await),
            _ => None,
        };
        let (acting, timer) = (self.context.acting(), timer.clone());
        let ended = self
            .context
            .change(async move |db| {
                if !timers::complete(db, &timer).await? {
                    return Ok(None);
                }
                match (&attempt, &looked) {
                    (Some(attempt), Some(looked)) => conclude(db, &acting, &timer, attempt, looked).await,
                    _ => Ok(None),
                }
            })
            .await
            .map_err(WorkError::on(&what))?;
        if let Some(attempt) = ended {
            settle::count(&attempt, attempt.state);
        }
        Ok(())
    }

    async fn attempt(&self, org: &crate::model::id::OrgId, id: &AttemptId) -> Result<Option<Attempt>, StoreError> {
        attempts::by_id(&mut *self.context.store.read().await?, org, id).await
    }
}

/// Answers the attempt if it has ended by this.
async fn conclude(
    db: &mut AnyConnection,
    acting: &Acting,
    timer: &DueTimer,
    attempt: &Attempt,
    looked: &Looked,
) -> Result<Option<Attempt>, StoreError> {
    let looks = timer.payload.parse().unwrap_or(0_u32) + 1;
    let silent = |why: &str| Answer { message: Some(why.to_owned()), ..Answer::default() };
    match looked {
        Looked::Found { rank, state: AttemptState::Sent, answer } => {
            report::report(db, acting, &attempt.id, *rank, AttemptState::Sent, answer).await?;
            match attempt.address.channel() {
                // Rung for long enough: somebody may be listening just now, or a mailbox.
                Channel::Voice if looks < LOOKS_MAX => again(db, acting, attempt, looks).await,
                Channel::Voice => fail(db, acting, attempt, &silent("the call did not end in time")).await,
                Channel::Sms
                | Channel::Email
                | Channel::Push
                | Channel::Slack
                | Channel::Teams
                | Channel::Telegram
                | Channel::Ntfy
                | Channel::Webhook => {
                    if *rank < RANK_TAKEN && looks == 1 {
                        // It may still arrive; nobody waits for that.
                        failure::next_rule(db, acting, attempt).await?;
                        return again(db, acting, attempt, looks).await;
                    }
                    // Nothing more may ever come, and there is nothing more to ask.
                    outbox::expect_report(db, acting.org(), &attempt.id, None).await?;
                    Ok(None)
                }
            }
        }
        Looked::Found { rank, state, answer } => report::report(db, acting, &attempt.id, *rank, *state, answer).await,
        Looked::Missing => fail(db, acting, attempt, &silent("the provider does not know of it")).await,
        Looked::Unclear if looks < 3 => again(db, acting, attempt, looks).await,
        Looked::Unclear => fail(db, acting, attempt, &silent("the provider does not say what became of it")).await,
    }
}

async fn again(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    looks: u32,
) -> Result<Option<Attempt>, StoreError> {
    let at = acting.now + AGAIN;
    timers::set(db, acting.org(), DEADLINE, attempt.id.as_str(), at, &looks.to_string()).await?;
    Ok(None)
}

async fn fail(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    answer: &Answer,
) -> Result<Option<Attempt>, StoreError> {
    report::report(db, acting, &attempt.id, RANK_OF_SILENCE, AttemptState::Failed, answer).await
}
