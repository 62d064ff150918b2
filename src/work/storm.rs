//! `[limits]` per person and channel: a phone stays usable in a storm. A page that finds no place waits as a
//! row, is told by a page for all that wait (`bundles`), and says so on its alert's timeline; a notice goes
//! out later, or is left out when that would be too late to help anybody.
//!
//! Part of the unit of work that claims. P1 pages have places of their own: no storm of others delays them.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, bundles, failure::describe, record};
use crate::{
    declare::Limits,
    model::{Instant, id::PersonId, person::Channel, priority::Priority},
    notify::pace::{Pace, Place},
    store::{
        StoreError, alerts,
        attempts::{Attempt, AttemptKind},
        bundles as rows,
        paces::{self, Lane, Whose},
    },
    telemetry::metric,
};

/// News that is older helps nobody.
const NOTICE_LATE: TimeDelta = TimeDelta::minutes(5);

/// What was held back: for the metrics, once it is committed.
#[derive(Debug, Default)]
pub(super) struct Held {
    waits: Vec<Channel>,
    later: Vec<Channel>,
    left_out: Vec<Channel>,
}

impl Held {
    pub fn count(&self) {
        for (what, channels) in [("waits", &self.waits), ("later", &self.later), ("left-out", &self.left_out)] {
            for channel in channels {
                metrics::counter!(metric::HELD_BACK, "channel" => channel.as_str(), "what" => what).increment(1);
            }
        }
    }
}

/// Takes out what has no place just now; the rest has one each.
pub(super) async fn sieve(db: &mut AnyConnection, acting: &Acting, due: &mut Vec<Attempt>) -> Result<Held, StoreError> {
    let (mut kept, mut held) = (Vec::new(), Held::default());
    for attempt in due.drain(..) {
        let goes = match (attempt.kind, &attempt.person) {
            // It has its place, or may be at its provider already.
            _ if attempt.paced || attempt.unsure => true,
            (AttemptKind::Page, Some(person)) => page(db, acting, &attempt, person, &mut held).await?,
            (AttemptKind::Notice, Some(person)) => notice(db, acting, &attempt, person, &mut held).await?,
            (AttemptKind::Page | AttemptKind::Notice | AttemptKind::Reply | AttemptKind::Check, _) => true,
        };
        if goes {
            kept.push(attempt);
        }
    }
    *due = kept;
    Ok(held)
}

/// The pace of a channel. `None`: without a limit.
pub(super) fn pace(limits: &Limits, channel: Channel) -> Option<Pace> {
    match channel {
        Channel::Voice => Pace::per_minute(limits.page_calls_per_minute),
        Channel::Sms
        | Channel::Email
        | Channel::Push
        | Channel::Slack
        | Channel::Teams
        | Channel::Telegram
        | Channel::Ntfy => Pace::per_minute(limits.pages_per_minute),
        // A machine reads it.
        Channel::Webhook => None,
    }
}

/// The next place of this person; whoever uses it takes it by `paces::take` with what stands beside it.
pub(super) async fn place(
    db: &mut AnyConnection,
    pace: Pace,
    whose: Whose<'_>,
    now: Instant,
) -> Result<(Place, Option<Instant>), StoreError> {
    let before = paces::full_at(db, whose).await?;
    Ok((pace.place(before, now), before))
}

async fn page(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    person: &PersonId,
    held: &mut Held,
) -> Result<bool, StoreError> {
    let channel = attempt.address.channel();
    let Some(pace) = pace(&acting.directory.limits, channel) else { return Ok(true) };
    let Some(alert) = &attempt.alert else { return Ok(true) };
    let row = match alerts::by_id(db, acting.org(), alert).await {
        // Whatever it is about, it is told, by whoever finds what is wrong with it.
        Ok(None) | Err(StoreError::Corrupt { .. }) => return Ok(true),
        row => row?,
    };
    let lane = row.map_or(Lane::Other, |row| lane(row.alert.priority));
    let whose = Whose { org: acting.org(), person, channel, lane };
    let (place, before) = place(db, pace, whose, acting.now).await?;
    let queue = rows::is_queue(db, whose).await?;
    if place.at <= acting.now && !queue {
        paces::take(db, whose, before, place.full_at).await?;
        rows::placed(db, attempt, None).await?;
        return Ok(true);
    }
    if !rows::wait(db, attempt, lane).await? {
        // A report was faster, or somebody else has it: whoever sends sees that.
        return Ok(true);
    }
    held.waits.push(channel);
    bundles::expect(db, acting, whose, place.at).await?;
    let why = "waits, as the person has as many messages as `[limits]` allows in a minute; one page will say all";
    let text = format!("{} {why}.", describe(acting, attempt));
    let detail = json!({ "attempt": attempt.id.as_str(), "until": place.at });
    record(db, acting, alert, "held-back", text, detail).await?;
    Ok(false)
}

pub(super) fn lane(priority: Priority) -> Lane {
    match priority {
        Priority::P1 => Lane::Urgent,
        Priority::P2 | Priority::P3 | Priority::P4 => Lane::Other,
    }
}

async fn notice(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    person: &PersonId,
    held: &mut Held,
) -> Result<bool, StoreError> {
    let channel = attempt.address.channel();
    let Some(pace) = pace(&acting.directory.limits, channel) else { return Ok(true) };
    let whose = Whose { org: acting.org(), person, channel, lane: Lane::Notice };
    let (place, before) = place(db, pace, whose, acting.now).await?;
    if place.at > acting.now + NOTICE_LATE {
        held.left_out.push(channel);
        let why = "too many messages in a few minutes";
        rows::drop_one(db, attempt, why, acting.now).await?;
        if let Some(alert) = &attempt.alert {
            let text = format!("{} is left out: {why}.", describe(acting, attempt));
            record(db, acting, alert, "left-out", text, json!({ "attempt": attempt.id.as_str() })).await?;
        }
        return Ok(false);
    }
    paces::take(db, whose, before, place.full_at).await?;
    if place.at <= acting.now {
        rows::placed(db, attempt, None).await?;
        return Ok(true);
    }
    held.later.push(channel);
    rows::placed(db, attempt, Some(place.at)).await?;
    if let Some(alert) = &attempt.alert {
        let at = place.at.format("%H:%M:%S UTC");
        let text = format!("{} goes out at {at}: too many messages in a minute.", describe(acting, attempt));
        record(db, acting, alert, "held-back", text, json!({ "attempt": attempt.id.as_str() })).await?;
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
