//! Whose a carrier's call or message is, for whoever looks for a try whose answer got lost. The carrier
//! lists what went to a number, not why.
//!
//! In doubt it is somebody else's: a phone that rings twice is better than one that never rang.

use sqlx::AnyConnection;

use super::error::StoreError;
use crate::model::{
    id::{AttemptId, CarrierId, LegId, OrgId},
    phone::Phone,
};

/// Who looks.
#[derive(Debug, Clone, Copy)]
pub enum Seeker<'a> {
    Message(&'a AttemptId),
    /// A page by phone; its number.
    Page(&'a AttemptId, &'a Phone),
    /// A technician's phone, rung for a caller.
    Leg(&'a LegId, &'a Phone),
}

impl Seeker<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Message(id) | Self::Page(id, _) => id.as_str(),
            Self::Leg(id, _) => id.as_str(),
        }
    }
}

/// Whether what the carrier calls `sid` belongs to another attempt or leg, or may.
pub async fn is_of_another(
    db: &mut AnyConnection,
    org: &OrgId,
    carrier: &CarrierId,
    sid: &str,
    seeker: Seeker<'_>,
) -> Result<bool, StoreError> {
    let named = sqlx::query(
        "SELECT id FROM attempts WHERE org_id = $1 AND carrier = $2 AND provider_id = $3 AND id <> $4 \
         UNION ALL SELECT id FROM legs WHERE org_id = $1 AND carrier = $2 AND carrier_call = $3 AND id <> $4 LIMIT 1",
    )
    .bind(org.as_str())
    .bind(carrier.as_str())
    .bind(sid)
    .bind(seeker.id())
    .fetch_optional(&mut *db)
    .await?;
    if named.is_some() {
        return Ok(true);
    }
    // A message is known by its text; every call to a number looks the same.
    let number = match seeker {
        Seeker::Message(_) => return Ok(false),
        Seeker::Page(_, number) | Seeker::Leg(_, number) => number,
    };
    let nameless = sqlx::query(
        "SELECT id FROM attempts WHERE org_id = $1 AND channel = 'voice' AND address = $2 AND provider_id IS NULL \
         AND state IN ('due', 'sending') AND (state = 'sending' OR unsure = 1) AND set_aside = 0 AND id <> $3 \
         UNION ALL SELECT id FROM legs WHERE org_id = $1 AND number = $2 AND carrier_call IS NULL \
         AND state <> 'ended' AND id <> $3 LIMIT 1",
    )
    .bind(org.as_str())
    .bind(number.as_str())
    .bind(seeker.id())
    .fetch_optional(db)
    .await?;
    Ok(nameless.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Ids,
        model::person::Address,
        store::{
            Store,
            attempts::{self, AttemptKind, NewAttempt},
            legs::{self, NewLeg},
            outbox::{self, Answer, Outcome},
            testing::{at, on_both, org},
        },
    };

    const NUMBER: &str = "+4915110000001";

    async fn page(store: &Store, ids: &Ids) -> AttemptId {
        let attempt = NewAttempt {
            id: ids.id(at(0)),
            notification: None,
            alert: None,
            person: Some("anna".parse().unwrap()),
            method: Some("mobile".parse().unwrap()),
            address: Address::Voice(NUMBER.parse().unwrap()),
            kind: AttemptKind::Page,
            text: "{}".to_owned(),
            held: false,
            due_at: at(0),
            created_at: at(0),
        };
        let id = attempt.id.clone();
        store.write(async move |db| attempts::insert(db, &org(), &attempt).await).await.unwrap();
        id
    }

    async fn claim(store: &Store) -> attempts::Attempt {
        let claimed = store.write(async |db| outbox::claim(db, at(0), at(30), "a-lease", 1).await).await.unwrap();
        claimed.due.into_iter().next().unwrap()
    }

    async fn leg(store: &Store, ids: &Ids) -> LegId {
        let leg = NewLeg {
            id: ids.id(at(0)),
            call: ids.id(at(0)),
            callback: None,
            person: "anna".parse().unwrap(),
            method: "mobile".parse().unwrap(),
            number: NUMBER.parse().unwrap(),
            carrier: "twilio".parse().unwrap(),
            level: 0,
            reason: "layer 1 of schedule primary".to_owned(),
            created_at: at(0),
        };
        let id = leg.id.clone();
        store.write(async move |db| legs::insert(db, &org(), &leg).await).await.unwrap();
        id
    }

    async fn is_foreign(store: &Store, sid: &str, seeker: Seeker<'_>) -> bool {
        let mut db = store.read().await.unwrap();
        is_of_another(&mut db, &org(), &"twilio".parse().unwrap(), sid, seeker).await.unwrap()
    }

    on_both! {
        async fn a_call_that_has_an_owner_is_nobody_elses(store: Store) {
            let ids = Ids::seeded(1);
            let (number, first) = (NUMBER.parse().unwrap(), page(&store, &ids).await);
            let claimed = claim(&store).await;
            assert_eq!(claimed.id, first);
            let answer = Answer {
                carrier: Some("twilio".parse().unwrap()),
                provider_id: Some("CA1".to_owned()),
                ..Answer::default()
            };
            let sent = Outcome::Sent { ended: false, deadline_at: None };
            store.write(async move |db| outbox::record(db, &claimed, &sent, &answer, at(1)).await).await.unwrap();
            let leg = leg(&store, &ids).await;
            assert!(is_foreign(&store, "CA1", Seeker::Leg(&leg, &number)).await);
            assert!(!is_foreign(&store, "CA2", Seeker::Leg(&leg, &number)).await);
            let placed = leg.clone();
            store.write(async move |db| legs::placed(db, &org(), &placed, "CA2", at(1)).await).await.unwrap();
            assert!(is_foreign(&store, "CA2", Seeker::Page(&first, &number)).await);
            assert!(!is_foreign(&store, "CA1", Seeker::Page(&first, &number)).await);
        }

        async fn a_call_that_may_be_anothers_is_nobodys(store: Store) {
            let ids = Ids::seeded(1);
            let number = NUMBER.parse().unwrap();
            let first = page(&store, &ids).await;
            claim(&store).await;
            assert!(!is_foreign(&store, "CA1", Seeker::Page(&first, &number)).await);
            let second = page(&store, &ids).await;
            assert!(!is_foreign(&store, "CA1", Seeker::Page(&first, &number)).await, "it was not begun yet");
            claim(&store).await;
            assert!(is_foreign(&store, "CA1", Seeker::Page(&first, &number)).await);
            assert!(is_foreign(&store, "CA1", Seeker::Page(&second, &number)).await);
            assert!(!is_foreign(&store, "SM1", Seeker::Message(&first)).await, "a message is known by its text");
        }
    }
}
