//! Contact methods that do not work, by the word of whoever delivers. Few at any time, so they are read
//! all at once. Which failure marks a method is decided in `work::marks`.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    attempts::{address_from_text, address_to_text},
    codec::{self, instant, named, parsed},
    error::StoreError,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    id::{MethodId, OrgId, PersonId},
    person::{Address, Channel},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub person: PersonId,
    pub method: MethodId,
    /// The one that failed.
    pub address: Address,
    /// The provider's.
    pub code: Option<String>,
    pub why: String,
    pub at: Instant,
}

/// `false`: this address was marked already. A mark of another address gives way.
pub async fn put(db: &mut AnyConnection, org: &OrgId, mark: &Mark) -> Result<bool, StoreError> {
    let put = sqlx::query(
        "INSERT INTO marks (org_id, person_id, method_id, channel, address, code, why, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (org_id, person_id, method_id) DO UPDATE SET \
         channel = excluded.channel, address = excluded.address, code = excluded.code, why = excluded.why, \
         at = excluded.at WHERE marks.channel <> excluded.channel OR marks.address <> excluded.address",
    )
    .bind(org.as_str())
    .bind(mark.person.as_str())
    .bind(mark.method.as_str())
    .bind(mark.address.channel().as_str())
    .bind(address_to_text(&mark.address))
    .bind(mark.code.as_deref())
    .bind(mark.why.as_str())
    .bind(codec::millis(mark.at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(put.rows_affected() == 1)
}

/// By person and method.
pub async fn all(db: &mut AnyConnection, org: &OrgId) -> Result<Vec<Mark>, StoreError> {
    let rows = sqlx::query(
        "SELECT person_id, method_id, channel, address, code, why, at FROM marks WHERE org_id = $1 \
         ORDER BY person_id, method_id",
    )
    .bind(org.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

pub async fn of_method(
    db: &mut AnyConnection,
    org: &OrgId,
    person: &PersonId,
    method: &MethodId,
) -> Result<Option<Mark>, StoreError> {
    let row = sqlx::query(
        "SELECT person_id, method_id, channel, address, code, why, at FROM marks \
         WHERE org_id = $1 AND person_id = $2 AND method_id = $3",
    )
    .bind(org.as_str())
    .bind(person.as_str())
    .bind(method.as_str())
    .fetch_optional(db)
    .await?;
    row.as_ref().map(read).transpose()
}

/// `None`: it was not marked.
pub async fn remove(
    db: &mut AnyConnection,
    org: &OrgId,
    person: &PersonId,
    method: &MethodId,
) -> Result<Option<Mark>, StoreError> {
    let row = sqlx::query(
        "DELETE FROM marks WHERE org_id = $1 AND person_id = $2 AND method_id = $3 \
         RETURNING person_id, method_id, channel, address, code, why, at",
    )
    .bind(org.as_str())
    .bind(person.as_str())
    .bind(method.as_str())
    .fetch_optional(db)
    .await?;
    touch(Topic::Events);
    row.as_ref().map(read).transpose()
}

fn read(row: &AnyRow) -> Result<Mark, StoreError> {
    Ok(Mark {
        person: parsed(row, "person_id")?,
        method: parsed(row, "method_id")?,
        address: address_from_text(named(row, "channel", Channel::named)?, row.try_get("address")?)?,
        code: row.try_get("code")?,
        why: row.try_get("why")?,
        at: instant(row, "at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{at, on_both, org};

    fn mark(number: &str) -> Mark {
        Mark {
            person: "anna".parse().unwrap(),
            method: "text".parse().unwrap(),
            address: Address::Sms(number.parse().unwrap()),
            code: Some("30005".to_owned()),
            why: "the number is unknown to its network".to_owned(),
            at: at(7),
        }
    }

    on_both! {
        async fn a_method_is_marked_once_until_it_has_another_address(store: Store) {
            let (old, new) = (mark("+4915110000001"), mark("+4915110000002"));
            let (first, second) = (old.clone(), new.clone());
            let put = store.write(async move |db| {
                Ok([put(db, &org(), &first).await?, put(db, &org(), &first).await?, put(db, &org(), &second).await?])
            });
            assert_eq!(put.await.unwrap(), [true, false, true]);
            assert_eq!(all(&mut store.read().await.unwrap(), &org()).await.unwrap(), std::slice::from_ref(&new));
            let gone = store.write(async move |db| {
                let gone = remove(db, &org(), &old.person, &old.method).await?;
                Ok((gone, remove(db, &org(), &old.person, &old.method).await?))
            });
            assert_eq!(gone.await.unwrap(), (Some(new), None));
        }
    }
}
