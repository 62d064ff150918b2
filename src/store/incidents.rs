//! Incidents, what was told of them, and callers who follow them by SMS. Every change is a
//! compare-and-set on `rev`: `None` means that somebody was faster, or that it is resolved.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, instant, named, opt_instant, parsed},
    error::StoreError,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    alert::Actor,
    id::{IncidentId, OrgId},
    incident::{Incident, IncidentState, IncidentUpdate},
    language::Language,
    phone::Phone,
};

/// Open at once: more is no story that anybody listens to.
const OPEN_MAX: i64 = 200;

/// A caller who hears by SMS how it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    pub phone: Phone,
    /// Of their call.
    pub language: Language,
    /// Whose spending the SMS is.
    pub hotline: Phone,
}

macro_rules! with_columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, number, title, language, texts, customers, contracts, state, rev, opened_at, updated_at, resolved_at ",
            $after
        )
    };
}

/// Takes the next number itself; `number` and `rev` of what is given do not count.
pub async fn insert(
    db: &mut AnyConnection,
    org: &OrgId,
    incident: &Incident,
    by: &Actor,
) -> Result<Incident, StoreError> {
    let row = sqlx::query(with_columns!(
        "INSERT INTO incidents (org_id, id, number, title, language, texts, customers, contracts, state, rev, opened_at, \
         updated_at) SELECT $1, $2, COALESCE(MAX(number), 0) + 1, $3, $4, $5, $6, $7, $8, 0, $9, $9 \
         FROM incidents WHERE org_id = $1 ON CONFLICT DO NOTHING RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(incident.id.as_str())
    .bind(incident.title.as_str())
    .bind(incident.language.as_str())
    .bind(texts_json(&incident.texts))
    .bind(ids_json(&incident.customers))
    .bind(ids_json(&incident.contracts))
    .bind(incident.state.as_str())
    .bind(codec::millis(incident.opened_at))
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Err(StoreError::Stale("another incident took the number")) };
    let opened = read(&row)?;
    log(db, org, &opened, &opened.texts, by).await?;
    Ok(opened)
}

/// From the revision that `changed` was made of. `None`: it is another one by now, or resolved. `texts` is what
/// is told anew, if anything.
pub async fn update(
    db: &mut AnyConnection,
    org: &OrgId,
    changed: &Incident,
    texts: &BTreeMap<Language, String>,
    by: &Actor,
) -> Result<Option<Incident>, StoreError> {
    let row = sqlx::query(with_columns!(
        "UPDATE incidents SET title = $4, texts = $5, customers = $6, contracts = $7, state = $8, rev = rev + 1, \
         updated_at = $9, resolved_at = $10 \
         WHERE org_id = $1 AND id = $2 AND rev = $3 AND state <> 'resolved' RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(changed.id.as_str())
    .bind(changed.rev)
    .bind(changed.title.as_str())
    .bind(texts_json(&changed.texts))
    .bind(ids_json(&changed.customers))
    .bind(ids_json(&changed.contracts))
    .bind(changed.state.as_str())
    .bind(codec::millis(changed.updated_at))
    .bind(changed.resolved_at.map(codec::millis))
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let updated = read(&row)?;
    log(db, org, &updated, texts, by).await?;
    Ok(Some(updated))
}

async fn log(
    db: &mut AnyConnection,
    org: &OrgId,
    incident: &Incident,
    texts: &BTreeMap<Language, String>,
    by: &Actor,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO incident_updates (org_id, incident_id, rev, at, state, texts, by_whom) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(org.as_str())
    .bind(incident.id.as_str())
    .bind(incident.rev)
    .bind(codec::millis(incident.updated_at))
    .bind(incident.state.as_str())
    .bind(texts_json(texts))
    .bind(by.to_string())
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(())
}

pub async fn by_id(db: &mut AnyConnection, org: &OrgId, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
    let row = sqlx::query(with_columns!("SELECT", "FROM incidents WHERE org_id = $1 AND id = $2"))
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

pub async fn by_number(db: &mut AnyConnection, org: &OrgId, number: i64) -> Result<Option<Incident>, StoreError> {
    let row = sqlx::query(with_columns!("SELECT", "FROM incidents WHERE org_id = $1 AND number = $2"))
        .bind(org.as_str())
        .bind(number)
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The newest first. `before` is the last id of the page before.
pub async fn list(
    db: &mut AnyConnection,
    org: &OrgId,
    before: Option<&IncidentId>,
    limit: i64,
) -> Result<Vec<Incident>, StoreError> {
    let rows =
        sqlx::query(with_columns!("SELECT", "FROM incidents WHERE org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"))
            .bind(org.as_str())
            // Greater than every id, in whatever order the database sorts signs.
            .bind(before.map_or("inc_ZZZZ", IncidentId::as_str))
            .bind(limit)
            .fetch_all(db)
            .await?;
    rows.iter().map(read).collect()
}

/// The newest first.
pub async fn open(db: &mut AnyConnection, org: &OrgId) -> Result<Vec<Incident>, StoreError> {
    let rows = sqlx::query(with_columns!(
        "SELECT",
        "FROM incidents WHERE org_id = $1 AND state <> 'resolved' ORDER BY id DESC LIMIT $2"
    ))
    .bind(org.as_str())
    .bind(OPEN_MAX)
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// The oldest first.
pub async fn updates(db: &mut AnyConnection, org: &OrgId, id: &IncidentId) -> Result<Vec<IncidentUpdate>, StoreError> {
    let rows = sqlx::query(
        "SELECT rev, at, state, texts, by_whom FROM incident_updates \
         WHERE org_id = $1 AND incident_id = $2 ORDER BY rev",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .fetch_all(db)
    .await?;
    let read = |row: &AnyRow| {
        Ok(IncidentUpdate {
            rev: row.try_get("rev")?,
            at: instant(row, "at")?,
            state: named(row, "state", IncidentState::named)?,
            texts: texts(row)?,
            by: parsed(row, "by_whom")?,
        })
    };
    rows.iter().map(read).collect()
}

/// `false`: this number follows it already, or it is over by now.
pub async fn follow(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &IncidentId,
    follower: &Follower,
    at: Instant,
) -> Result<bool, StoreError> {
    let followed = sqlx::query(
        "INSERT INTO incident_followers (org_id, incident_id, phone, language, hotline, since) \
         SELECT org_id, id, $3, $4, $5, $6 FROM incidents WHERE org_id = $1 AND id = $2 AND state <> 'resolved' \
         ON CONFLICT DO NOTHING",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(follower.phone.as_str())
    .bind(follower.language.as_str())
    .bind(follower.hotline.as_str())
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    Ok(followed.rows_affected() == 1)
}

pub async fn followers(db: &mut AnyConnection, org: &OrgId, id: &IncidentId) -> Result<Vec<Follower>, StoreError> {
    let rows = sqlx::query(
        "SELECT phone, language, hotline FROM incident_followers WHERE org_id = $1 AND incident_id = $2 \
         ORDER BY since, phone",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .fetch_all(db)
    .await?;
    let read = |row: &AnyRow| {
        Ok(Follower {
            phone: parsed(row, "phone")?,
            language: parsed(row, "language")?,
            hotline: parsed(row, "hotline")?,
        })
    };
    rows.iter().map(read).collect()
}

/// It is over: nobody follows it any more.
pub async fn forget_followers(db: &mut AnyConnection, org: &OrgId, id: &IncidentId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM incident_followers WHERE org_id = $1 AND incident_id = $2")
        .bind(org.as_str())
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// This number wants no more SMS. Answers how many incidents it followed.
pub async fn unfollow(db: &mut AnyConnection, org: &OrgId, phone: &Phone) -> Result<u64, StoreError> {
    let left = sqlx::query("DELETE FROM incident_followers WHERE org_id = $1 AND phone = $2")
        .bind(org.as_str())
        .bind(phone.as_str())
        .execute(db)
        .await?;
    Ok(left.rows_affected())
}

fn texts_json(texts: &BTreeMap<Language, String>) -> String {
    let texts: BTreeMap<&str, &String> = texts.iter().map(|(language, text)| (language.as_str(), text)).collect();
    serde_json::to_string(&texts).expect("texts by name have a JSON form")
}

fn ids_json<T: ToString>(ids: &BTreeSet<T>) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    serde_json::to_string(&ids).expect("texts have a JSON form")
}

fn read(row: &AnyRow) -> Result<Incident, StoreError> {
    Ok(Incident {
        id: parsed(row, "id")?,
        number: row.try_get("number")?,
        title: row.try_get("title")?,
        language: parsed(row, "language")?,
        texts: texts(row)?,
        customers: ids(row, "customers")?,
        contracts: ids(row, "contracts")?,
        state: named(row, "state", IncidentState::named)?,
        rev: row.try_get("rev")?,
        opened_at: instant(row, "opened_at")?,
        updated_at: instant(row, "updated_at")?,
        resolved_at: opt_instant(row, "resolved_at")?,
    })
}

fn texts(row: &AnyRow) -> Result<BTreeMap<Language, String>, StoreError> {
    let json: &str = row.try_get("texts")?;
    let corrupt = || StoreError::corrupt("texts", json);
    let texts: BTreeMap<String, String> = serde_json::from_str(json).map_err(|_| corrupt())?;
    texts.into_iter().map(|(tag, text)| Ok((tag.parse().map_err(|_| corrupt())?, text))).collect()
}

fn ids<T: std::str::FromStr + Ord>(row: &AnyRow, column: &str) -> Result<BTreeSet<T>, StoreError> {
    let json: &str = row.try_get(column)?;
    let corrupt = || StoreError::corrupt(column, json);
    let ids: Vec<String> = serde_json::from_str(json).map_err(|_| corrupt())?;
    ids.iter().map(|id| id.parse().map_err(|_| corrupt())).collect()
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

    fn anna() -> Actor {
        Actor::Person("anna".parse().unwrap())
    }

    fn incident(ids: &Ids) -> Incident {
        Incident {
            id: ids.id(at(0)),
            number: 0,
            title: "Mail is down".to_owned(),
            language: "de".parse().unwrap(),
            texts: [("de".parse().unwrap(), "Die Mail \"steht\".".to_owned())].into(),
            customers: ["acme".parse().unwrap()].into(),
            contracts: BTreeSet::new(),
            state: IncidentState::Investigating,
            rev: 0,
            opened_at: at(0),
            updated_at: at(0),
            resolved_at: None,
        }
    }

    async fn opened(store: &Store, ids: &Ids) -> Incident {
        loop {
            let given = incident(ids);
            match store.write(async move |db| insert(db, &org(), &given, &anna()).await).await {
                Err(StoreError::Stale(_)) => {}
                outcome => return outcome.unwrap(),
            }
        }
    }

    async fn changed(store: &Store, incident: Incident) -> Option<Incident> {
        let texts = incident.texts.clone();
        store.write(async move |db| update(db, &org(), &incident, &texts, &anna()).await).await.unwrap()
    }

    on_both! {
        async fn many_that_open_at_once_have_numbers_of_their_own(store: Store) {
            let ids = Ids::seeded(1);
            let mut numbers: Vec<i64> =
                join_all((0..12).map(|_| opened(&store, &ids))).await.iter().map(|it| it.number).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
        }

        async fn of_many_who_update_at_once_one_does_and_what_is_resolved_stays_so(store: Store) {
            let first = opened(&store, &Ids::seeded(1)).await;
            let update = |state| Incident { state, updated_at: at(9), ..first.clone() };
            let tries = (0..20).map(|_| changed(&store, update(IncidentState::Identified)));
            let done: Vec<Incident> = join_all(tries).await.into_iter().flatten().collect();
            assert_eq!(done.len(), 1);
            assert_eq!((done[0].rev, done[0].state), (1, IncidentState::Identified));
            let over = Incident { state: IncidentState::Resolved, resolved_at: Some(at(20)), ..done[0].clone() };
            let over = changed(&store, over).await.unwrap();
            assert_eq!(changed(&store, Incident { state: IncidentState::Monitoring, ..over.clone() }).await, None);
            let mut db = store.read().await.unwrap();
            assert_eq!(by_number(&mut db, &org(), 1).await.unwrap(), Some(over.clone()));
            assert!(open(&mut db, &org()).await.unwrap().is_empty());
            let told = updates(&mut db, &org(), &over.id).await.unwrap();
            assert_eq!(told.iter().map(|it| (it.rev, it.state.as_str())).collect::<Vec<_>>(), [
                (0, "investigating"),
                (1, "identified"),
                (2, "resolved"),
            ]);
            assert_eq!(list(&mut db, &org(), None, 5).await.unwrap(), [over]);
        }

        async fn a_number_follows_an_incident_once_and_only_while_it_is_open(store: Store) {
            let ids = Ids::seeded(1);
            let (mail, disk) = (opened(&store, &ids).await, opened(&store, &ids).await);
            let petra = Follower {
                phone: "+4930555010".parse().unwrap(),
                language: "de".parse().unwrap(),
                hotline: "+4930901820".parse().unwrap(),
            };
            let (given, one, two) = (petra.clone(), mail.id.clone(), disk.id.clone());
            let followed = store.write(async move |db| {
                let first = follow(db, &org(), &one, &given, at(1)).await?;
                let again = follow(db, &org(), &one, &given, at(2)).await?;
                Ok((first, again, follow(db, &org(), &two, &given, at(3)).await?))
            });
            assert_eq!(followed.await.unwrap(), (true, false, true));
            let found = followers(&mut store.read().await.unwrap(), &org(), &mail.id).await.unwrap();
            assert_eq!(found, std::slice::from_ref(&petra));
            let over = Incident { state: IncidentState::Resolved, resolved_at: Some(at(20)), ..mail.clone() };
            changed(&store, over).await.unwrap();
            let (given, one) = (petra.clone(), mail.id.clone());
            let after = store.write(async move |db| {
                forget_followers(db, &org(), &one).await?;
                let late = follow(db, &org(), &one, &given, at(21)).await?;
                Ok((late, unfollow(db, &org(), &given.phone).await?))
            });
            assert_eq!(after.await.unwrap(), (false, 1));
        }
    }
}
