//! Technicians' legs: one phone that is rung for a waiting caller. States only go forward, whatever
//! order the carrier's reports come in.
//!
//! At most one leg of a person lives at any time: `insert` answers `false` for somebody who is busy.

use std::collections::BTreeSet;

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, instant, named, opt_instant, opt_parsed, parsed},
    error::StoreError,
    wake::{Topic, touch},
};
use crate::{
    escalation::connect::{LegResult, LegView},
    model::{
        Instant,
        call::LegState,
        id::{CallId, CallbackId, CarrierId, LegId, MethodId, OrgId, PersonId},
        phone::Phone,
    },
};

#[derive(Debug, Clone, PartialEq)]
pub struct NewLeg {
    pub id: LegId,
    pub call: CallId,
    /// Rung to keep that promise, not for a caller who waits.
    pub callback: Option<CallbackId>,
    pub person: PersonId,
    pub method: MethodId,
    pub number: Phone,
    pub carrier: CarrierId,
    pub level: u32,
    /// Why this person.
    pub reason: String,
    pub created_at: Instant,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LegRow {
    pub id: LegId,
    pub call: CallId,
    /// As in `NewLeg`.
    pub callback: Option<CallbackId>,
    pub person: PersonId,
    pub method: MethodId,
    pub number: Phone,
    pub carrier: CarrierId,
    /// `None` until the carrier has named it.
    pub carrier_call: Option<String>,
    pub state: LegState,
    pub since: Instant,
    /// Why it ended, or is being ended.
    pub result: Option<LegResult>,
    /// The carrier's error code.
    pub code: Option<String>,
    pub level: u32,
    pub reason: String,
    pub created_at: Instant,
    pub answered_at: Option<Instant>,
    pub bridged_at: Option<Instant>,
    pub ended_at: Option<Instant>,
}

macro_rules! with_columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, call_id, callback_id, person_id, method_id, number, carrier, carrier_call, state, since, result, code, level, ",
            "reason, created_at, answered_at, bridged_at, ended_at ",
            $after
        )
    };
}

/// `false`: this person has a live leg already.
pub async fn insert(db: &mut AnyConnection, org: &OrgId, leg: &NewLeg) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO legs (org_id, id, call_id, person_id, method_id, number, carrier, state, since, status_rank, level, \
         reason, created_at, callback_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, -1, $9, $10, $8, $11) ON CONFLICT DO NOTHING",
    )
    .bind(org.as_str())
    .bind(leg.id.as_str())
    .bind(leg.call.as_str())
    .bind(leg.person.as_str())
    .bind(leg.method.as_str())
    .bind(leg.number.as_str())
    .bind(leg.carrier.as_str())
    .bind(codec::millis(leg.created_at))
    .bind(i64::from(leg.level))
    .bind(leg.reason.as_str())
    .bind(leg.callback.as_ref().map(CallbackId::as_str))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(inserted.rows_affected() == 1)
}

pub async fn by_id(db: &mut AnyConnection, org: &OrgId, id: &LegId) -> Result<Option<LegRow>, StoreError> {
    let row = sqlx::query(with_columns!("SELECT", "FROM legs WHERE org_id = $1 AND id = $2"))
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Those that were rung for the caller, the oldest first.
pub async fn of_call(db: &mut AnyConnection, org: &OrgId, call: &CallId) -> Result<Vec<LegRow>, StoreError> {
    let rows = sqlx::query(with_columns!(
        "SELECT",
        "FROM legs WHERE org_id = $1 AND call_id = $2 AND callback_id IS NULL ORDER BY id"
    ))
    .bind(org.as_str())
    .bind(call.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// Those that were rung to keep a promise, the oldest first.
pub async fn of_callback(
    db: &mut AnyConnection,
    org: &OrgId,
    callback: &CallbackId,
) -> Result<Vec<LegRow>, StoreError> {
    let rows = sqlx::query(with_columns!("SELECT", "FROM legs WHERE org_id = $1 AND callback_id = $2 ORDER BY id"))
        .bind(org.as_str())
        .bind(callback.as_str())
        .fetch_all(db)
        .await?;
    rows.iter().map(read).collect()
}

/// Whoever has a live leg of another call, or for a promise.
pub async fn busy_elsewhere(
    db: &mut AnyConnection,
    org: &OrgId,
    call: &CallId,
) -> Result<BTreeSet<PersonId>, StoreError> {
    let rows = sqlx::query(
        "SELECT person_id FROM legs WHERE org_id = $1 AND state <> 'ended' AND (call_id <> $2 OR callback_id IS NOT NULL)",
    )
    .bind(org.as_str())
    .bind(call.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| parsed(row, "person_id")).collect()
}

/// Another carrier is to place it. `false`: this one has it after all, or somebody was faster.
pub async fn move_to(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &LegId,
    from: &CarrierId,
    to: &CarrierId,
) -> Result<bool, StoreError> {
    let moved = sqlx::query(
        "UPDATE legs SET carrier = $4 WHERE org_id = $1 AND id = $2 AND carrier = $3 AND carrier_call IS NULL \
         AND state = 'queued'",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(from.as_str())
    .bind(to.as_str())
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// The carrier has the call. `false`: it had a name already.
pub async fn placed(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &LegId,
    carrier_call: &str,
    at: Instant,
) -> Result<bool, StoreError> {
    let placed = sqlx::query(
        "UPDATE legs SET carrier_call = $3, since = CASE WHEN state = 'queued' THEN $4 ELSE since END, \
         state = CASE WHEN state = 'queued' THEN 'ringing' ELSE state END \
         WHERE org_id = $1 AND id = $2 AND carrier_call IS NULL",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(carrier_call)
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(placed.rows_affected() == 1)
}

/// The carrier dials, or it rings: only from then on its time to ring runs. `false`: no news.
pub async fn rings(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &LegId,
    rank: i16,
    at: Instant,
) -> Result<bool, StoreError> {
    let rings = sqlx::query(
        "UPDATE legs SET state = 'ringing', since = $4, status_rank = $3 \
         WHERE org_id = $1 AND id = $2 AND state IN ('queued', 'ringing') AND status_rank < $3",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(i64::from(rank))
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(rings.rows_affected() == 1)
}

pub async fn answer(db: &mut AnyConnection, org: &OrgId, id: &LegId, at: Instant) -> Result<bool, StoreError> {
    let answered = sqlx::query(
        "UPDATE legs SET state = 'answered', since = $3, answered_at = $3 \
         WHERE org_id = $1 AND id = $2 AND state IN ('queued', 'ringing')",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(answered.rows_affected() == 1)
}

/// Whoever has answered pressed a wrong key and is asked anew: their time begins anew. Not when they are being
/// ended.
pub async fn asked_anew(db: &mut AnyConnection, org: &OrgId, id: &LegId, at: Instant) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE legs SET since = $3 WHERE org_id = $1 AND id = $2 AND state = 'answered' AND result IS NULL \
         AND since < $3",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(())
}

/// Its person has won the caller (`calls::accept` in the same unit of work).
pub async fn accept(db: &mut AnyConnection, org: &OrgId, id: &LegId, at: Instant) -> Result<bool, StoreError> {
    let accepted = sqlx::query(
        "UPDATE legs SET state = 'accepted', since = $3, answered_at = COALESCE(answered_at, $3), result = NULL \
         WHERE org_id = $1 AND id = $2 AND state IN ('queued', 'ringing', 'answered')",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(accepted.rows_affected() == 1)
}

pub async fn bridge(db: &mut AnyConnection, org: &OrgId, id: &LegId, at: Instant) -> Result<bool, StoreError> {
    let bridged = sqlx::query(
        "UPDATE legs SET state = 'bridged', since = $3, bridged_at = $3 \
         WHERE org_id = $1 AND id = $2 AND state IN ('answered', 'accepted')",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(bridged.rows_affected() == 1)
}

/// They were being connected, and never talked.
pub async fn unbridge(db: &mut AnyConnection, org: &OrgId, id: &LegId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE legs SET bridged_at = NULL, result = COALESCE(result, 'hung-up') WHERE org_id = $1 AND id = $2",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(())
}

/// It is to be ended, for this reason; the carrier is told by its worker.
pub async fn condemn(db: &mut AnyConnection, org: &OrgId, id: &LegId, result: LegResult) -> Result<(), StoreError> {
    sqlx::query("UPDATE legs SET result = COALESCE(result, $3) WHERE org_id = $1 AND id = $2 AND state <> 'ended'")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(result.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// `false`: it has ended before. A reason that was given before stands.
pub async fn end(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &LegId,
    result: Option<LegResult>,
    code: Option<&str>,
    at: Instant,
) -> Result<bool, StoreError> {
    let ended = sqlx::query(
        "UPDATE legs SET state = 'ended', since = $5, ended_at = $5, result = COALESCE(result, $3), code = $4 \
         WHERE org_id = $1 AND id = $2 AND state <> 'ended'",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(result.map(LegResult::as_str))
    .bind(code)
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(ended.rows_affected() == 1)
}

impl LegRow {
    /// As `connect::decide` is told of it.
    pub fn view(&self) -> LegView {
        LegView {
            leg: self.id.clone(),
            person: self.person.clone(),
            phone: self.number.clone(),
            state: self.state,
            result: self.result,
            since: self.since,
        }
    }
}

fn read(row: &AnyRow) -> Result<LegRow, StoreError> {
    let result: Option<&str> = row.try_get("result")?;
    Ok(LegRow {
        id: parsed(row, "id")?,
        call: parsed(row, "call_id")?,
        callback: opt_parsed(row, "callback_id")?,
        person: parsed(row, "person_id")?,
        method: parsed(row, "method_id")?,
        number: parsed(row, "number")?,
        carrier: parsed(row, "carrier")?,
        carrier_call: row.try_get("carrier_call")?,
        state: named(row, "state", LegState::named)?,
        since: instant(row, "since")?,
        result: match result {
            Some(word) => Some(LegResult::named(word).ok_or_else(|| StoreError::corrupt("legs.result", word))?),
            None => None,
        },
        code: row.try_get("code")?,
        level: codec::small(row, "level")?,
        reason: row.try_get("reason")?,
        created_at: instant(row, "created_at")?,
        answered_at: opt_instant(row, "answered_at")?,
        bridged_at: opt_instant(row, "bridged_at")?,
        ended_at: opt_instant(row, "ended_at")?,
    })
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::{
        clock::Ids,
        store::{
            Store,
            testing::{at, on_both, org},
        },
    };

    fn a_leg(ids: &Ids, call: &CallId, person: &str) -> NewLeg {
        NewLeg {
            id: ids.id(at(0)),
            call: call.clone(),
            callback: None,
            person: person.parse().unwrap(),
            method: "mobile".parse().unwrap(),
            number: "+4915110000001".parse().unwrap(),
            carrier: "twilio".parse().unwrap(),
            level: 0,
            reason: "layer 1 of schedule primary".to_owned(),
            created_at: at(0),
        }
    }

    async fn inserted(store: &Store, leg: &NewLeg) -> bool {
        let leg = leg.clone();
        store.write(async move |db| insert(db, &org(), &leg).await).await.unwrap()
    }

    async fn load(store: &Store, id: &LegId) -> LegRow {
        by_id(&mut store.read().await.unwrap(), &org(), id).await.unwrap().unwrap()
    }

    on_both! {
        async fn a_person_is_rung_for_one_caller_at_a_time(store: Store) {
            let ids = Ids::seeded(1);
            let legs: Vec<NewLeg> = (0..20).map(|_| a_leg(&ids, &ids.id(at(0)), "anna")).collect();
            let inserted_ones = join_all(legs.iter().map(|leg| inserted(&store, leg))).await;
            assert_eq!(inserted_ones.iter().filter(|inserted| **inserted).count(), 1);
            let lucky = &legs[inserted_ones.iter().position(|inserted| *inserted).unwrap()];
            let other: CallId = ids.id(at(0));
            let mut db = store.read().await.unwrap();
            let busy = busy_elsewhere(&mut db, &org(), &other).await.unwrap();
            assert_eq!(busy, ["anna".parse().unwrap()].into());
            assert!(busy_elsewhere(&mut db, &org(), &lucky.call).await.unwrap().is_empty());
            let id = lucky.id.clone();
            assert!(store.write(async move |db| end(db, &org(), &id, Some(LegResult::NoAnswer), None, at(30)).await).await.unwrap());
            assert!(inserted(&store, &a_leg(&ids, &other, "anna")).await);
        }

        async fn reports_in_any_order_never_take_a_leg_back(store: Store) {
            let ids = Ids::seeded(1);
            let leg = a_leg(&ids, &ids.id(at(0)), "anna");
            assert!(inserted(&store, &leg).await);
            let id = leg.id.clone();
            let news = store.write(async move |db| {
                let news = vec![
                    placed(db, &org(), &id, "CA1", at(1)).await?,
                    placed(db, &org(), &id, "CA2", at(1)).await?,
                    rings(db, &org(), &id, 2, at(3)).await?,
                    rings(db, &org(), &id, 1, at(4)).await?,
                    answer(db, &org(), &id, at(10)).await?,
                    rings(db, &org(), &id, 2, at(11)).await?,
                    answer(db, &org(), &id, at(11)).await?,
                    accept(db, &org(), &id, at(12)).await?,
                    bridge(db, &org(), &id, at(13)).await?,
                    end(db, &org(), &id, None, None, at(60)).await?,
                    end(db, &org(), &id, Some(LegResult::Busy), None, at(61)).await?,
                    answer(db, &org(), &id, at(62)).await?,
                ];
                Ok(news)
            });
            let news = news.await.unwrap();
            assert_eq!(news, [true, false, true, false, true, false, false, true, true, true, false, false]);
            let row = load(&store, &leg.id).await;
            assert_eq!((row.carrier_call.as_deref(), row.state, row.result), (Some("CA1"), LegState::Ended, None));
            assert_eq!((row.answered_at, row.bridged_at, row.ended_at), (Some(at(10)), Some(at(13)), Some(at(60))));
            let mut db = store.read().await.unwrap();
            assert_eq!(of_call(&mut db, &org(), &leg.call).await.unwrap(), [row]);
        }

        async fn the_legs_of_a_promise_are_those_that_were_rung_for_it(store: Store) {
            let ids = Ids::seeded(1);
            let call: CallId = ids.id(at(0));
            let (promise, another): (CallbackId, CallbackId) = (ids.id(at(0)), ids.id(at(0)));
            let for_promise = |person, promise: &CallbackId| NewLeg { callback: Some(promise.clone()), ..a_leg(&ids, &call, person) };
            let legs = [for_promise("anna", &promise), for_promise("ben", &promise), for_promise("cem", &another), a_leg(&ids, &call, "dora")];
            for leg in &legs {
                assert!(inserted(&store, leg).await);
            }
            let first = legs[0].id.clone();
            store.write(async move |db| end(db, &org(), &first, Some(LegResult::NoAnswer), None, at(30)).await).await.unwrap();
            let mut db = store.read().await.unwrap();
            let rung = of_callback(&mut db, &org(), &promise).await.unwrap();
            let seen: Vec<_> = rung.iter().map(|leg| (leg.id.clone(), leg.callback.clone(), leg.state)).collect();
            let expected = [(&legs[0], LegState::Ended), (&legs[1], LegState::Queued)];
            assert_eq!(seen, expected.map(|(leg, state)| (leg.id.clone(), Some(promise.clone()), state)));
            assert!(of_callback(&mut db, &org(), &ids.id(at(0))).await.unwrap().is_empty());
            assert!(of_callback(&mut db, &"other".parse().unwrap(), &promise).await.unwrap().is_empty());
        }

        async fn a_leg_that_is_being_ended_keeps_its_reason(store: Store) {
            let ids = Ids::seeded(1);
            let leg = a_leg(&ids, &ids.id(at(0)), "anna");
            assert!(inserted(&store, &leg).await);
            let id = leg.id.clone();
            store
                .write(async move |db| {
                    condemn(db, &org(), &id, LegResult::Taken).await?;
                    end(db, &org(), &id, Some(LegResult::NoAnswer), Some("487"), at(9)).await
                })
                .await
                .unwrap();
            let row = load(&store, &leg.id).await;
            assert_eq!((row.result, row.code.as_deref()), (Some(LegResult::Taken), Some("487")));
            assert_eq!(row.view().result, Some(LegResult::Taken));
        }
    }
}
