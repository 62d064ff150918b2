//! Promises to call back. A promise is settled once, by compare-and-set; until then nothing takes it out.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, instant, opt_instant, opt_parsed, parsed},
    error::StoreError,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    alert::Actor,
    callback::{Callback, CallbackState},
    id::{AlertId, CallbackId, OrgId},
};

macro_rules! with_columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, call_id, alert_id, number, hotline, language, state, due_at, overdue, tries, created_at, settled_at, ",
            "settled_by ",
            $after
        )
    };
}

/// `false`: the call has one already.
pub async fn insert(db: &mut AnyConnection, org: &OrgId, callback: &Callback) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO callbacks (org_id, id, call_id, alert_id, number, hotline, language, state, due_at, overdue, tries, \
         created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'promised', $8, 0, 0, $9) ON CONFLICT DO NOTHING",
    )
    .bind(org.as_str())
    .bind(callback.id.as_str())
    .bind(callback.call.as_str())
    .bind(callback.alert.as_str())
    .bind(callback.number.as_str())
    .bind(callback.hotline.as_str())
    .bind(callback.language.as_str())
    .bind(codec::millis(callback.due_at))
    .bind(codec::millis(callback.created_at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(inserted.rows_affected() == 1)
}

pub async fn by_id(db: &mut AnyConnection, org: &OrgId, id: &CallbackId) -> Result<Option<Callback>, StoreError> {
    let row = sqlx::query(with_columns!("SELECT", "FROM callbacks WHERE org_id = $1 AND id = $2"))
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Nobody else acts on the promise before this unit of work is over, so that what it reads of the promise's legs
/// afterwards stays true. `false`: it is settled, or unknown.
pub async fn hold(db: &mut AnyConnection, org: &OrgId, id: &CallbackId) -> Result<bool, StoreError> {
    let held = sqlx::query("UPDATE callbacks SET tries = tries WHERE org_id = $1 AND id = $2 AND state = 'promised'")
        .bind(org.as_str())
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(held.rows_affected() == 1)
}

/// The one that this alert tells of.
pub async fn of_alert(db: &mut AnyConnection, org: &OrgId, alert: &AlertId) -> Result<Option<Callback>, StoreError> {
    let row = sqlx::query(with_columns!("SELECT", "FROM callbacks WHERE org_id = $1 AND alert_id = $2"))
        .bind(org.as_str())
        .bind(alert.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// What is still promised, the most urgent first.
pub async fn open(db: &mut AnyConnection, org: &OrgId, limit: i64) -> Result<Vec<Callback>, StoreError> {
    let rows = sqlx::query(with_columns!(
        "SELECT",
        "FROM callbacks WHERE org_id = $1 AND state = 'promised' ORDER BY due_at, id LIMIT $2"
    ))
    .bind(org.as_str())
    .bind(limit)
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// The newest first. `before` is the last id of the page before.
pub async fn list(
    db: &mut AnyConnection,
    org: &OrgId,
    before: Option<&CallbackId>,
    limit: i64,
) -> Result<Vec<Callback>, StoreError> {
    let rows =
        sqlx::query(with_columns!("SELECT", "FROM callbacks WHERE org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"))
            .bind(org.as_str())
            // Greater than every id, in whatever order the database sorts signs.
            .bind(before.map_or("cbk_ZZZZ", CallbackId::as_str))
            .bind(limit)
            .fetch_all(db)
            .await?;
    rows.iter().map(read).collect()
}

/// `None`: it was settled before.
pub async fn settle(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &CallbackId,
    to: &CallbackState,
) -> Result<Option<Callback>, StoreError> {
    let settled = to.settled();
    let row = sqlx::query(with_columns!(
        "UPDATE callbacks SET state = $3, settled_by = $4, settled_at = $5 \
         WHERE org_id = $1 AND id = $2 AND state = 'promised' RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(to.as_str())
    .bind(settled.map(|(by, _)| by.to_string()))
    .bind(settled.map(|(_, at)| codec::millis(at)))
    .fetch_optional(db)
    .await?;
    touch(Topic::Events);
    row.as_ref().map(read).transpose()
}

/// Its time is over, and that is told once more.
pub async fn is_overdue(db: &mut AnyConnection, org: &OrgId, id: &CallbackId) -> Result<(), StoreError> {
    sqlx::query("UPDATE callbacks SET overdue = overdue + 1 WHERE org_id = $1 AND id = $2")
        .bind(org.as_str())
        .bind(id.as_str())
        .execute(db)
        .await?;
    touch(Topic::Events);
    Ok(())
}

/// How often somebody was rung in vain.
pub async fn set_tries(db: &mut AnyConnection, org: &OrgId, id: &CallbackId, tries: u32) -> Result<(), StoreError> {
    sqlx::query("UPDATE callbacks SET tries = $3 WHERE org_id = $1 AND id = $2")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(i64::from(tries))
        .execute(db)
        .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Callback, StoreError> {
    Ok(Callback {
        id: parsed(row, "id")?,
        call: parsed(row, "call_id")?,
        alert: parsed(row, "alert_id")?,
        number: parsed(row, "number")?,
        hotline: parsed(row, "hotline")?,
        language: parsed(row, "language")?,
        state: state(row)?,
        due_at: instant(row, "due_at")?,
        overdue: codec::small(row, "overdue")?,
        tries: codec::small(row, "tries")?,
        created_at: instant(row, "created_at")?,
    })
}

fn state(row: &AnyRow) -> Result<CallbackState, StoreError> {
    let settled: Option<(Actor, Instant)> = opt_parsed(row, "settled_by")?.zip(opt_instant(row, "settled_at")?);
    match (row.try_get::<&str, _>("state")?, settled) {
        ("promised", _) => Ok(CallbackState::Promised),
        ("kept", Some((by, at))) => Ok(CallbackState::Kept { by, at }),
        ("done", Some((by, at))) => Ok(CallbackState::Done { by, at }),
        (other, _) => Err(StoreError::corrupt("callbacks.state", other)),
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::{
        clock::Ids,
        model::call::LegState,
        store::{
            legs,
            testing::{at, on_both, org},
        },
    };

    fn a_callback(ids: &Ids) -> Callback {
        Callback {
            id: ids.id(at(0)),
            call: ids.id(at(0)),
            alert: ids.id(at(0)),
            number: "+4930555010".parse().unwrap(),
            hotline: "+4930901820".parse().unwrap(),
            language: "de".parse().unwrap(),
            state: CallbackState::Promised,
            due_at: at(1_800),
            overdue: 0,
            tries: 0,
            created_at: at(0),
        }
    }

    on_both! {
        async fn a_call_has_one_promise_and_that_is_settled_once(store: Store) {
            let ids = Ids::seeded(1);
            let callback = a_callback(&ids);
            let (first, again) = (callback.clone(), Callback { id: ids.id(at(1)), ..callback.clone() });
            let inserted = store.write(async move |db| {
                Ok((insert(db, &org(), &first).await?, insert(db, &org(), &again).await?))
            });
            assert_eq!(inserted.await.unwrap(), (true, false));
            let settles = (0..20).map(|n| {
                let id = callback.id.clone();
                let by = Actor::Person(format!("p{n}").parse().unwrap());
                store.write(async move |db| settle(db, &org(), &id, &CallbackState::Kept { by: by.clone(), at: at(9) }).await)
            });
            let settled: Vec<Callback> = join_all(settles).await.into_iter().filter_map(Result::unwrap).collect();
            assert_eq!(settled.len(), 1);
            let mut db = store.read().await.unwrap();
            assert_eq!(of_alert(&mut db, &org(), &callback.alert).await.unwrap(), Some(settled[0].clone()));
            assert!(open(&mut db, &org(), 9).await.unwrap().is_empty());
            assert_eq!(list(&mut db, &org(), None, 9).await.unwrap().len(), 1);
        }

        async fn of_many_who_press_1_at_once_one_has_the_promise_in_hand(store: Store) {
            let ids = Ids::seeded(1);
            let callback = a_callback(&ids);
            let (inserted, promise) = (callback.clone(), callback.id.clone());
            let rung: Vec<_> = (0..12).map(|n| legs::NewLeg {
                id: ids.id(at(0)),
                call: callback.call.clone(),
                callback: Some(promise.clone()),
                person: format!("p{n}").parse().unwrap(),
                method: "mobile".parse().unwrap(),
                number: "+4915110000001".parse().unwrap(),
                carrier: "twilio".parse().unwrap(),
                level: 0,
                reason: "to call a customer back".to_owned(),
                created_at: at(0),
            }).collect();
            let all = rung.clone();
            store.write(async move |db| {
                for leg in &all {
                    legs::insert(db, &org(), leg).await?;
                }
                insert(db, &org(), &inserted).await
            }).await.unwrap();
            let press_1 = rung.iter().map(|leg| {
                let (leg, promise) = (leg.id.clone(), promise.clone());
                store.write(async move |db| {
                    assert!(hold(db, &org(), &promise).await?);
                    let rung = legs::of_callback(db, &org(), &promise).await?;
                    if rung.iter().any(|leg| leg.state == LegState::Accepted) {
                        return Ok(false);
                    }
                    legs::accept(db, &org(), &leg, at(9)).await
                })
            });
            let accepted: Vec<bool> = join_all(press_1).await.into_iter().map(Result::unwrap).collect();
            assert_eq!(accepted.iter().filter(|accepted| **accepted).count(), 1, "{accepted:?}");
            let missing = ids.id(at(0));
            assert!(!store.write(async move |db| hold(db, &org(), &missing).await).await.unwrap());
        }

        async fn the_most_urgent_promise_stands_first(store: Store) {
            let ids = Ids::seeded(1);
            let late = a_callback(&ids);
            let soon = Callback { due_at: at(60), ..a_callback(&ids) };
            let both = [late.clone(), soon.clone()];
            store.write(async move |db| {
                for callback in &both {
                    insert(db, &org(), callback).await?;
                }
                is_overdue(db, &org(), &both[1].id).await?;
                set_tries(db, &org(), &both[1].id, 2).await
            }).await.unwrap();
            let found = open(&mut store.read().await.unwrap(), &org(), 9).await.unwrap();
            assert_eq!(found, [Callback { overdue: 1, tries: 2, ..soon }, late]);
        }
    }
}
