//! Ways to reach people that were added beside what is declared by file, from the first code to the proof.

use chrono::TimeDelta;
use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    attempts::{address_from_text, address_to_text},
    codec::{self, instant, named, opt_instant, parsed},
    error::StoreError,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    id::{MethodId, OrgId, PersonId},
    person::{Address, Channel},
    phone::Phone,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnContact {
    pub person: PersonId,
    pub id: MethodId,
    pub address: Address,
    /// How long after the beginning of a page it is tried; `None`: not for this urgency.
    pub after_high: Option<TimeDelta>,
    pub after_low: Option<TimeDelta>,
    pub added_at: Instant,
    /// Until when the code that was sent last is good.
    pub code_until: Option<Instant>,
    /// `None`: nothing but a code goes there.
    pub verified_at: Option<Instant>,
}

macro_rules! with_columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " person_id, method_id, channel, address, after_high_ms, after_low_ms, added_at, code_until, verified_at ",
            $after
        )
    };
}

/// Whom codes to this address are counted for: a number that is texted and phoned is one.
pub fn subject(address: &Address) -> String {
    format!("to:{}", address_to_text(address))
}

/// `false`: the person has one of this name.
pub async fn insert(db: &mut AnyConnection, org: &OrgId, contact: &OwnContact) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO own_contacts (org_id, person_id, method_id, channel, address, after_high_ms, after_low_ms, added_at, \
         code_tries) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) ON CONFLICT DO NOTHING",
    )
    .bind(org.as_str())
    .bind(contact.person.as_str())
    .bind(contact.id.as_str())
    .bind(contact.address.channel().as_str())
    .bind(address_to_text(&contact.address))
    .bind(contact.after_high.map(|after| after.num_milliseconds()))
    .bind(contact.after_low.map(|after| after.num_milliseconds()))
    .bind(codec::millis(contact.added_at))
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// In the order of people and names.
pub async fn list(db: &mut AnyConnection, org: &OrgId) -> Result<Vec<OwnContact>, StoreError> {
    let rows =
        sqlx::query(with_columns!("SELECT", "FROM own_contacts WHERE org_id = $1 ORDER BY person_id, method_id"))
            .bind(org.as_str())
            .fetch_all(db)
            .await?;
    rows.iter().map(read).collect()
}

pub async fn find(
    db: &mut AnyConnection,
    org: &OrgId,
    person: &PersonId,
    id: &MethodId,
) -> Result<Option<OwnContact>, StoreError> {
    let row = sqlx::query(with_columns!(
        "SELECT",
        "FROM own_contacts WHERE org_id = $1 AND person_id = $2 AND method_id = $3"
    ))
    .bind(org.as_str())
    .bind(person.as_str())
    .bind(id.as_str())
    .fetch_optional(db)
    .await?;
    row.as_ref().map(read).transpose()
}

/// From now on only this code is good, with all its tries. `false`: there is nothing to prove any more.
pub async fn expect_code(
    db: &mut AnyConnection,
    org: &OrgId,
    contact: &OwnContact,
    code: &str,
    until: Instant,
) -> Result<bool, StoreError> {
    let set = sqlx::query(
        "UPDATE own_contacts SET code = $4, code_until = $5, code_tries = 0 \
         WHERE org_id = $1 AND person_id = $2 AND method_id = $3 AND verified_at IS NULL",
    )
    .bind(org.as_str())
    .bind(contact.person.as_str())
    .bind(contact.id.as_str())
    .bind(code)
    .bind(codec::millis(until))
    .execute(db)
    .await?;
    Ok(set.rows_affected() == 1)
}

/// How a try at a code ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    Right,
    Wrong {
        tries_left: i64,
    },
    /// No code is good: it is too old, was tried too often, or was never sent.
    NoCode,
}

/// Counts before it compares, so that many tries at once get no more of them.
pub async fn try_code(
    db: &mut AnyConnection,
    org: &OrgId,
    contact: &OwnContact,
    given: &str,
    tries_max: i64,
    now: Instant,
) -> Result<Tried, StoreError> {
    let row = sqlx::query(
        "UPDATE own_contacts SET code_tries = code_tries + 1 \
         WHERE org_id = $1 AND person_id = $2 AND method_id = $3 AND verified_at IS NULL \
         AND code IS NOT NULL AND code_until >= $4 AND code_tries < $5 RETURNING code, code_tries",
    )
    .bind(org.as_str())
    .bind(contact.person.as_str())
    .bind(contact.id.as_str())
    .bind(codec::millis(now))
    .bind(tries_max)
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(Tried::NoCode) };
    if row.try_get::<&str, _>("code")? == given {
        return Ok(Tried::Right);
    }
    Ok(Tried::Wrong { tries_left: tries_max - row.try_get::<i64, _>("code_tries")? })
}

/// It is used from now on. `false`: somebody has proved the same address before.
pub async fn verify(
    db: &mut AnyConnection,
    org: &OrgId,
    contact: &OwnContact,
    now: Instant,
) -> Result<bool, StoreError> {
    let verified = sqlx::query(
        "UPDATE own_contacts SET verified_at = $4, code = NULL, code_until = NULL \
         WHERE org_id = $1 AND person_id = $2 AND method_id = $3 AND verified_at IS NULL AND NOT EXISTS \
         (SELECT 1 FROM own_contacts other WHERE other.org_id = $1 AND other.channel = $5 AND other.address = $6 \
         AND other.verified_at IS NOT NULL)",
    )
    .bind(org.as_str())
    .bind(contact.person.as_str())
    .bind(contact.id.as_str())
    .bind(codec::millis(now))
    .bind(contact.address.channel().as_str())
    .bind(address_to_text(&contact.address))
    .execute(&mut *db)
    .await?;
    if verified.rows_affected() == 0 {
        return Ok(false);
    }
    changed(db, org).await.map(|()| true)
}

/// `false`: there was none.
pub async fn remove(db: &mut AnyConnection, org: &OrgId, person: &PersonId, id: &MethodId) -> Result<bool, StoreError> {
    let removed = sqlx::query("DELETE FROM own_contacts WHERE org_id = $1 AND person_id = $2 AND method_id = $3")
        .bind(org.as_str())
        .bind(person.as_str())
        .bind(id.as_str())
        .execute(&mut *db)
        .await?;
    if removed.rows_affected() == 0 {
        return Ok(false);
    }
    changed(db, org).await.map(|()| true)
}

/// Every process reads anew how people are reached.
async fn changed(db: &mut AnyConnection, org: &OrgId) -> Result<(), StoreError> {
    sqlx::query("UPDATE orgs SET revision = revision + 1 WHERE org_id = $1").bind(org.as_str()).execute(db).await?;
    touch(Topic::Directory);
    Ok(())
}

/// No SMS goes to this number any more. `false`: so it was before.
pub async fn stop(db: &mut AnyConnection, org: &OrgId, phone: &Phone, now: Instant) -> Result<bool, StoreError> {
    let stopped =
        sqlx::query("INSERT INTO stopped_numbers (org_id, phone, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(org.as_str())
            .bind(phone.as_str())
            .bind(codec::millis(now))
            .execute(db)
            .await?;
    Ok(stopped.rows_affected() == 1)
}

/// `false`: it was not stopped.
pub async fn start(db: &mut AnyConnection, org: &OrgId, phone: &Phone) -> Result<bool, StoreError> {
    let started = sqlx::query("DELETE FROM stopped_numbers WHERE org_id = $1 AND phone = $2")
        .bind(org.as_str())
        .bind(phone.as_str())
        .execute(db)
        .await?;
    Ok(started.rows_affected() == 1)
}

/// Since when no SMS goes to this number.
pub async fn stopped_since(db: &mut AnyConnection, org: &OrgId, phone: &Phone) -> Result<Option<Instant>, StoreError> {
    let row = sqlx::query("SELECT at FROM stopped_numbers WHERE org_id = $1 AND phone = $2")
        .bind(org.as_str())
        .bind(phone.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(|row| instant(row, "at")).transpose()
}

/// All of them, and since when.
pub async fn stopped(db: &mut AnyConnection, org: &OrgId) -> Result<Vec<(Phone, Instant)>, StoreError> {
    let rows = sqlx::query("SELECT phone, at FROM stopped_numbers WHERE org_id = $1 ORDER BY phone")
        .bind(org.as_str())
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| Ok((parsed(row, "phone")?, instant(row, "at")?))).collect()
}

fn read(row: &AnyRow) -> Result<OwnContact, StoreError> {
    let after = |column: &str| -> Result<Option<TimeDelta>, StoreError> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(TimeDelta::milliseconds))
    };
    Ok(OwnContact {
        person: parsed(row, "person_id")?,
        id: parsed(row, "method_id")?,
        address: address_from_text(named(row, "channel", Channel::named)?, row.try_get("address")?)?,
        after_high: after("after_high_ms")?,
        after_low: after("after_low_ms")?,
        added_at: instant(row, "added_at")?,
        code_until: opt_instant(row, "code_until")?,
        verified_at: opt_instant(row, "verified_at")?,
    })
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::store::{
        Store,
        testing::{at, on_both, org},
    };

    fn contact(person: &str) -> OwnContact {
        OwnContact {
            person: person.parse().unwrap(),
            id: "desk".parse().unwrap(),
            address: Address::Voice("+4930555020".parse().unwrap()),
            after_high: Some(TimeDelta::zero()),
            after_low: None,
            added_at: at(0),
            code_until: None,
            verified_at: None,
        }
    }

    async fn added(store: &Store, person: &str) -> OwnContact {
        let contact = contact(person);
        let row = contact.clone();
        let added = store.write(async move |db| {
            let inserted = insert(db, &org(), &row).await?;
            Ok(inserted && expect_code(db, &org(), &row, "123456", at(60)).await?)
        });
        assert!(added.await.unwrap());
        contact
    }

    async fn tried(store: &Store, contact: &OwnContact, given: &'static str, seconds: i64) -> Tried {
        let contact = contact.clone();
        store.write(async move |db| try_code(db, &org(), &contact, given, 5, at(seconds)).await).await.unwrap()
    }

    on_both! {
        async fn many_tries_at_once_get_no_more_than_there_are(store: Store) {
            let contact = added(&store, "anna").await;
            let outcomes = join_all((0..20).map(|_| tried(&store, &contact, "000000", 1))).await;
            let wrong = outcomes.iter().filter(|outcome| matches!(outcome, Tried::Wrong { .. })).count();
            assert_eq!(wrong, 5);
            assert_eq!(tried(&store, &contact, "123456", 1).await, Tried::NoCode, "also the right one comes too late");
            let again = contact.clone();
            store.write(async move |db| expect_code(db, &org(), &again, "654321", at(60)).await).await.unwrap();
            assert_eq!(tried(&store, &contact, "654321", 61).await, Tried::NoCode);
            assert_eq!(tried(&store, &contact, "123456", 60).await, Tried::Wrong { tries_left: 4 });
            assert_eq!(tried(&store, &contact, "654321", 60).await, Tried::Right);
        }

        async fn an_address_is_proved_by_one_person_and_everybody_reads_anew(store: Store) {
            let (anna, ben) = (added(&store, "anna").await, added(&store, "ben").await);
            let mut watch = store.wake().watch(Topic::Directory);
            let proved = store.write(async move |db| {
                let first = verify(db, &org(), &anna, at(5)).await?;
                Ok((first, verify(db, &org(), &anna, at(6)).await?, verify(db, &org(), &ben, at(6)).await?))
            });
            assert_eq!(proved.await.unwrap(), (true, false, false));
            watch.notified().await;
            let mut db = store.read().await.unwrap();
            let rows = list(&mut db, &org()).await.unwrap();
            let verified: Vec<_> = rows.iter().map(|row| (row.person.as_str(), row.verified_at)).collect();
            assert_eq!(verified, [("anna", Some(at(5))), ("ben", None)]);
            drop(db);
            let (person, id) = (rows[0].person.clone(), rows[0].id.clone());
            let gone = store.write(async move |db| {
                Ok((remove(db, &org(), &person, &id).await?, remove(db, &org(), &person, &id).await?))
            });
            assert_eq!(gone.await.unwrap(), (true, false));
        }

        async fn a_stopped_number_starts_again(store: Store) {
            let phone: Phone = "+4915110000001".parse().unwrap();
            let story = store.write(async move |db| {
                let stopped = (stop(db, &org(), &phone, at(1)).await?, stop(db, &org(), &phone, at(2)).await?);
                let since = stopped_since(db, &org(), &phone).await?;
                assert_eq!(super::stopped(db, &org()).await?, [(phone.clone(), at(1))]);
                let started = (start(db, &org(), &phone).await?, start(db, &org(), &phone).await?);
                Ok((stopped, since, started, stopped_since(db, &org(), &phone).await?))
            });
            assert_eq!(story.await.unwrap(), ((true, false), Some(at(1)), (true, false), None));
        }
    }
}
