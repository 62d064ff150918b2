//! What cost money, per clock hour: calls placed and SMS sent, per org and per hotline.
//!
//! A cap is taken from before the money is spent, so that many at once spend no more.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, Row};

use super::{codec, error::StoreError};
use crate::model::{Instant, id::OrgId, phone::Phone};

/// The subject under which the org's own spending is counted.
pub const ORG: &str = "org";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    Call,
    Sms,
    /// A code that proves a contact, beside what carries it.
    Code,
}

/// How a hotline's spending is counted.
pub fn spender(hotline: &Phone) -> String {
    format!("hotline:{hotline}")
}

/// One of these for the org or for a hotline (`hotline:+49…`). `false`: the hour's cap is reached.
pub async fn take(
    db: &mut AnyConnection,
    org: &OrgId,
    what: Spending,
    subject: &str,
    cap: u32,
    now: Instant,
) -> Result<bool, StoreError> {
    if cap == 0 {
        return Ok(false);
    }
    let taken = sqlx::query(
        "INSERT INTO spent (org_id, kind, subject, hour, count) VALUES ($1, $2, $3, $4, 1) \
         ON CONFLICT (org_id, kind, subject, hour) DO UPDATE SET count = spent.count + 1 WHERE spent.count < $5",
    )
    .bind(org.as_str())
    .bind(what.as_str())
    .bind(subject)
    .bind(hour(now))
    .bind(i64::from(cap))
    .execute(db)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// What has been spent already, be it over the cap.
pub async fn count(
    db: &mut AnyConnection,
    org: &OrgId,
    what: Spending,
    subject: &str,
    at: Instant,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO spent (org_id, kind, subject, hour, count) VALUES ($1, $2, $3, $4, 1) \
         ON CONFLICT (org_id, kind, subject, hour) DO UPDATE SET count = spent.count + 1",
    )
    .bind(org.as_str())
    .bind(what.as_str())
    .bind(subject)
    .bind(hour(at))
    .execute(db)
    .await?;
    Ok(())
}

/// What was spent in one clock hour.
#[derive(Debug, Default)]
pub struct Spent(BTreeMap<(String, String), u32>);

/// Of these two in this clock hour: one question, since every turn of every call asks it.
pub async fn of(db: &mut AnyConnection, org: &OrgId, subjects: [&str; 2], now: Instant) -> Result<Spent, StoreError> {
    let rows = sqlx::query(
        "SELECT kind, subject, count FROM spent \
         WHERE org_id = $1 AND kind IN ('call', 'sms') AND subject IN ($2, $3) AND hour = $4",
    )
    .bind(org.as_str())
    .bind(subjects[0])
    .bind(subjects[1])
    .bind(hour(now))
    .fetch_all(db)
    .await?;
    let mut spent = Spent::default();
    for row in &rows {
        spent.0.insert((row.try_get("kind")?, row.try_get("subject")?), codec::small(row, "count")?);
    }
    Ok(spent)
}

impl Spent {
    pub fn count(&self, what: Spending, subject: &str) -> u32 {
        self.0.get(&(what.as_str().to_owned(), subject.to_owned())).copied().unwrap_or(0)
    }
}

/// Hours that are over are of no use any more.
pub async fn forget(db: &mut AnyConnection, org: &OrgId, now: Instant) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM spent WHERE org_id = $1 AND hour < $2")
        .bind(org.as_str())
        .bind(hour(now))
        .execute(db)
        .await?;
    Ok(())
}

fn hour(at: Instant) -> i64 {
    at.timestamp().div_euclid(3_600)
}

impl Spending {
    fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Sms => "sms",
            Self::Code => "code",
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::store::testing::{at, on_both, org};

    on_both! {
        async fn many_at_once_spend_no_more_than_the_cap(store: Store) {
            let takes = (0..30).map(|_| store.write(async |db| take(db, &org(), Spending::Call, "org", 10, at(0)).await));
            let taken = join_all(takes).await.into_iter().filter(|taken| *taken.as_ref().unwrap()).count();
            assert_eq!(taken, 10);
            let mut db = store.read().await.unwrap();
            let spent = of(&mut db, &org(), ["org", "hotline:+4930901820"], at(0)).await.unwrap();
            assert_eq!((spent.count(Spending::Call, "org"), spent.count(Spending::Sms, "org")), (10, 0));
        }

        async fn what_was_spent_elsewhere_counts_also_over_the_cap(store: Store) {
            let taken = store.write(async |db| {
                for _ in 0..3 {
                    count(db, &org(), Spending::Call, "org", at(0)).await?;
                }
                let more = take(db, &org(), Spending::Call, "org", 2, at(0)).await?;
                Ok((more, of(db, &org(), ["org", "org"], at(0)).await?.count(Spending::Call, "org")))
            });
            assert_eq!(taken.await.unwrap(), (false, 3));
        }

        async fn the_next_hour_is_a_new_one(store: Store) {
            let taken = store.write(async |db| {
                let first = take(db, &org(), Spending::Sms, "org", 1, at(0)).await?;
                let second = take(db, &org(), Spending::Sms, "org", 1, at(1)).await?;
                let later = take(db, &org(), Spending::Sms, "org", 1, at(3_600)).await?;
                forget(db, &org(), at(3_600)).await?;
                let never = take(db, &org(), Spending::Sms, "hotline", 0, at(3_600)).await?;
                Ok((first, second, later, never, of(db, &org(), ["org", "org"], at(0)).await?.count(Spending::Sms, "org")))
            });
            assert_eq!(taken.await.unwrap(), (true, false, true, false, 0));
        }
    }
}
