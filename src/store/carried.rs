//! Through which carriers a number was reached, and through which it was not.

use sqlx::AnyConnection;

use super::{
    codec::{self, flag, parsed},
    error::StoreError,
};
use crate::model::{
    Instant,
    id::{CarrierId, OrgId},
    person::Channel,
    phone::Phone,
};

pub async fn remember(
    db: &mut AnyConnection,
    org: &OrgId,
    (channel, phone): (Channel, &Phone),
    carrier: &CarrierId,
    delivered: bool,
    now: Instant,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO carried (org_id, channel, phone, carrier, delivered, at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (org_id, channel, phone, carrier) DO UPDATE SET delivered = excluded.delivered, at = excluded.at \
         WHERE carried.at <= excluded.at",
    )
    .bind(org.as_str())
    .bind(channel.as_str())
    .bind(phone.as_str())
    .bind(carrier.as_str())
    .bind(i64::from(delivered))
    .bind(codec::millis(now))
    .execute(db)
    .await?;
    Ok(())
}

/// Each carrier with what came of the last try.
pub async fn of(
    db: &mut AnyConnection,
    org: &OrgId,
    (channel, phone): (Channel, &Phone),
) -> Result<Vec<(CarrierId, bool)>, StoreError> {
    let rows = sqlx::query(
        "SELECT carrier, delivered FROM carried WHERE org_id = $1 AND channel = $2 AND phone = $3 ORDER BY carrier",
    )
    .bind(org.as_str())
    .bind(channel.as_str())
    .bind(phone.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((parsed(row, "carrier")?, flag(row, "delivered")?))).collect()
}

/// What was seen before that may have changed.
pub async fn forget(db: &mut AnyConnection, org: &OrgId, before: Instant) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM carried WHERE org_id = $1 AND at < $2")
        .bind(org.as_str())
        .bind(codec::millis(before))
        .execute(db)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{at, on_both, org};

    async fn saw(store: &crate::store::Store, channel: Channel, carrier: &str, delivered: bool, second: i64) {
        let (phone, carrier) = (phone(), carrier.parse().unwrap());
        let saw = async move |db: &mut AnyConnection| {
            remember(db, &org(), (channel, &phone), &carrier, delivered, at(second)).await
        };
        store.write(saw).await.unwrap();
    }

    fn phone() -> Phone {
        "+4915110000001".parse().unwrap()
    }

    async fn known(store: &crate::store::Store, channel: Channel) -> Vec<(String, bool)> {
        let known = of(&mut store.read().await.unwrap(), &org(), (channel, &phone())).await.unwrap();
        known.into_iter().map(|(carrier, delivered)| (carrier.to_string(), delivered)).collect()
    }

    on_both! {
        async fn what_came_of_the_last_try_is_remembered_by_channel(store: Store) {
            saw(&store, Channel::Sms, "a", true, 0).await;
            saw(&store, Channel::Sms, "b", true, 0).await;
            saw(&store, Channel::Sms, "a", false, 10).await;
            saw(&store, Channel::Sms, "a", true, 5).await;
            saw(&store, Channel::Voice, "b", false, 5).await;
            assert_eq!(known(&store, Channel::Sms).await, [("a".to_owned(), false), ("b".to_owned(), true)]);
            assert_eq!(known(&store, Channel::Voice).await, [("b".to_owned(), false)]);
        }

        async fn what_is_old_is_forgotten(store: Store) {
            saw(&store, Channel::Sms, "a", true, 0).await;
            saw(&store, Channel::Sms, "b", true, 10).await;
            store.write(async |db| forget(db, &org(), at(10)).await).await.unwrap();
            assert_eq!(known(&store, Channel::Sms).await, [("b".to_owned(), true)]);
        }
    }
}
