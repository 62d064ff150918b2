//! Callers who wait for a human, in the order in which they are served: by priority, then by how long they
//! have waited. Without a priority a call counts as P3.

use sqlx::AnyConnection;

use super::{
    codec::{self, parsed},
    error::StoreError,
};
use crate::model::{
    Instant,
    id::{CallId, OrgId},
};

/// More than a technician gets through in a night.
const AHEAD_MAX: i64 = 50;

/// Whoever waits before `own`, which `$2` names.
macro_rules! ahead {
    ($what:literal, $after:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM calls JOIN calls own ON own.org_id = calls.org_id AND own.id = $2 \
             WHERE calls.org_id = $1 AND calls.phase = 'waiting' AND calls.ended_at IS NULL AND calls.id <> own.id \
             AND (COALESCE(calls.priority, 'P3'), COALESCE(calls.waits_since, calls.started_at), calls.id) \
             < (COALESCE(own.priority, 'P3'), COALESCE(own.waits_since, own.started_at), own.id) ",
            $after
        )
    };
}

/// A caller begins to wait: what the `connect` plans, and since when.
pub async fn begin(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &CallId,
    connect: &str,
    since: Instant,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE calls SET connect = $3, waits_since = $4 WHERE org_id = $1 AND id = $2")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(connect)
        .bind(codec::millis(since))
        .execute(db)
        .await?;
    Ok(())
}

/// How many callers of the same hotline are served before.
pub async fn count_ahead(db: &mut AnyConnection, org: &OrgId, call: &CallId) -> Result<u32, StoreError> {
    let row = sqlx::query(ahead!("COUNT(*) AS count", "AND calls.hotline = own.hotline"))
        .bind(org.as_str())
        .bind(call.as_str())
        .fetch_one(db)
        .await?;
    codec::small(&row, "count")
}

/// Those whose turn comes before, on whatever hotline: whoever is free is theirs.
pub async fn ahead(db: &mut AnyConnection, org: &OrgId, call: &CallId) -> Result<Vec<CallId>, StoreError> {
    let rows = sqlx::query(ahead!(
        "calls.id AS id",
        "ORDER BY COALESCE(calls.priority, 'P3'), COALESCE(calls.waits_since, calls.started_at), calls.id LIMIT $3"
    ))
    .bind(org.as_str())
    .bind(call.as_str())
    .bind(AHEAD_MAX)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| parsed(row, "id")).collect()
}

/// Whose callers wait for somebody: when a technician is free again, they are looked after.
pub async fn all(db: &mut AnyConnection, org: &OrgId) -> Result<Vec<CallId>, StoreError> {
    let rows = sqlx::query(
        "SELECT id FROM calls WHERE org_id = $1 AND phase = 'waiting' AND ended_at IS NULL \
         ORDER BY COALESCE(priority, 'P3'), COALESCE(waits_since, started_at), id",
    )
    .bind(org.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| parsed(row, "id")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Ids,
        model::{language::Language, priority::Priority},
        store::{
            calls::{self, NewCall, Phase, Turn},
            testing::{at, on_both, org},
        },
    };

    async fn waits(
        db: &mut AnyConnection,
        call: &NewCall,
        priority: Option<Priority>,
        since: i64,
    ) -> Result<(), StoreError> {
        calls::create(db, &org(), call).await?;
        let turn = Turn {
            state: String::new(),
            last_step: "connect".to_owned(),
            phase: Phase::Waiting,
            contract: None,
            customer: None,
            contact: None,
            verified: false,
            language: Language::english(),
            category: None,
            priority,
        };
        calls::save_turn(db, &org(), &call.id, 0, &turn).await?;
        begin(db, &org(), &call.id, "{}", at(since)).await
    }

    on_both! {
        async fn the_more_urgent_is_served_first_and_then_who_has_waited_longer(store: Store) {
            let ids = Ids::seeded(1);
            let calls: Vec<NewCall> = (0..5).map(|n| NewCall {
                id: ids.id(at(n)),
                carrier: "twilio".parse().unwrap(),
                carrier_call: format!("CA{n}"),
                from: None,
                hotline: if n == 4 { "+4930901821" } else { "+4930901820" }.parse().unwrap(),
                to: "+4930901820".parse().unwrap(),
                flow: "sla-hotline".parse().unwrap(),
                flow_version: 1,
                started_at: at(n),
            }).collect();
            let waiting = calls.clone();
            store.write(async move |db| {
                // Who has phoned first was asked for longer: the waiting counts.
                let order = [(None, 20), (Some(Priority::P2), 30), (Some(Priority::P3), 10), (Some(Priority::P1), 90), (Some(Priority::P1), 60)];
                for (call, (priority, since)) in waiting.iter().zip(order) {
                    waits(db, call, priority, since).await?;
                }
                Ok(())
            }).await.unwrap();
            let mut db = store.read().await.unwrap();
            let order: Vec<CallId> = [4, 3, 1, 2, 0].map(|n: usize| calls[n].id.clone()).into();
            assert_eq!(all(&mut db, &org()).await.unwrap(), order);
            for (place, call) in order.iter().enumerate() {
                assert_eq!(ahead(&mut db, &org(), call).await.unwrap(), order[..place]);
                // Whoever waits on another hotline is no part of what a caller is told.
                let here = u32::try_from(place.saturating_sub(1)).unwrap();
                assert_eq!(count_ahead(&mut db, &org(), call).await.unwrap(), here);
            }
        }
    }
}
