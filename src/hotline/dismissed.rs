//! Why somebody who has picked up does not talk with the caller: somebody else does, or nobody waits any more. They
//! hear it when they press a key, and before their leg is ended: nobody who answered is cut off without a word.

use axum::{extract::State as Extract, response::Response};
use sqlx::AnyConnection;

use super::{
    State, answer, guard,
    legs::{Received, Ring, Seen, unavailable},
};
use crate::{
    languages::fill,
    model::call::LegState,
    store::{StoreError, calls::Phase},
};

/// The carrier has led them here, for `rings` to end their leg.
pub(super) async fn dismissed(Extract(state): Extract<State>, Received { ring, .. }: Received) -> Response {
    let (unit, urls) = (ring.clone(), ring.urls.clone());
    let work = async move { state.context().change(async move |db| unit.dismissed(db).await).await };
    answer("leg-dismissed", guard(work, || unavailable(&urls)).await)
}

impl Ring {
    async fn dismissed(&self, db: &mut AnyConnection) -> Result<String, StoreError> {
        let Some(seen) = self.seen(db).await? else { return Ok(self.stranger()) };
        Ok(match seen.leg.state {
            // They pressed 1 while the carrier was asked to lead them here.
            LegState::Accepted | LegState::Bridged if seen.leg.result.is_none() => self.connect(&seen, None),
            LegState::Queued
            | LegState::Ringing
            | LegState::Answered
            | LegState::Accepted
            | LegState::Bridged
            | LegState::Ended => self.too_late(&seen),
        })
    }

    /// Taken by somebody else, or nobody waits.
    pub(super) fn too_late(&self, seen: &Seen) -> String {
        let (words, language) = self.words(seen);
        let was_asked_for = seen.waiting.as_ref().is_some_and(|waiting| waiting.is_wanted(&seen.leg));
        match &seen.call.answered_by {
            Some(_) if was_asked_for && seen.call.ended_at.is_some() => self.farewell(&language, words.over),
            Some(person) if *person != seen.leg.person => {
                let name = self.acting.directory.people.get(person).map_or(person.as_str(), |person| &person.name);
                self.farewell(&language, &fill(words.taken_by, &[("name", name)]))
            }
            Some(_) => self.farewell(&language, words.taken),
            None if seen.call.phase == Phase::Waiting => self.farewell(&language, words.passed_on),
            None if seen.call.ended_at.is_none() => self.farewell(&language, words.waits_no_longer),
            None => self.farewell(&language, words.gone),
        }
    }
}
