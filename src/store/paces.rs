//! Up to when a person's places on a channel are taken. What that means stands in `notify::pace`; a place
//! is taken by compare-and-set, so that many at once take no more than there are.

use sqlx::AnyConnection;

use super::{
    codec::{self, instant},
    error::StoreError,
};
use crate::model::{
    Instant,
    id::{OrgId, PersonId},
    person::Channel,
};

/// Which messages share places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// P1.
    Urgent,
    Other,
    Notice,
}

/// Whose places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whose<'a> {
    pub org: &'a OrgId,
    pub person: &'a PersonId,
    pub channel: Channel,
    pub lane: Lane,
}

pub async fn full_at(db: &mut AnyConnection, whose: Whose<'_>) -> Result<Option<Instant>, StoreError> {
    let row =
        sqlx::query("SELECT full_at FROM paces WHERE org_id = $1 AND person_id = $2 AND channel = $3 AND lane = $4")
            .bind(whose.org.as_str())
            .bind(whose.person.as_str())
            .bind(whose.channel.as_str())
            .bind(whose.lane.as_str())
            .fetch_optional(db)
            .await?;
    row.as_ref().map(|row| instant(row, "full_at")).transpose()
}

/// `before` is what was read. `Stale`: somebody else has taken a place since.
pub async fn take(
    db: &mut AnyConnection,
    whose: Whose<'_>,
    before: Option<Instant>,
    full_at: Instant,
) -> Result<(), StoreError> {
    let taken = sqlx::query(
        "INSERT INTO paces (org_id, person_id, channel, lane, full_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (org_id, person_id, channel, lane) DO UPDATE SET full_at = excluded.full_at \
         WHERE paces.full_at = $6",
    )
    .bind(whose.org.as_str())
    .bind(whose.person.as_str())
    .bind(whose.channel.as_str())
    .bind(whose.lane.as_str())
    .bind(codec::millis(full_at))
    .bind(before.map(codec::millis))
    .execute(db)
    .await?;
    if taken.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale("somebody else has taken the place")) }
}

impl Lane {
    const ALL: [Self; 3] = [Self::Urgent, Self::Other, Self::Notice];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Other => "other",
            Self::Notice => "notice",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::store::testing::{at, on_both, org};

    on_both! {
        async fn of_many_who_take_the_same_place_one_gets_it(store: Store) {
            let takes = (0..20).map(|n| {
                store.write(async move |db| {
                    let (org, person) = (org(), "anna".parse().unwrap());
                    let whose = Whose { org: &org, person: &person, channel: Channel::Sms, lane: Lane::Other };
                    take(db, whose, None, at(n)).await
                })
            });
            let taken = join_all(takes).await.into_iter().filter(Result::is_ok).count();
            assert_eq!(taken, 1);
        }
    }
}
