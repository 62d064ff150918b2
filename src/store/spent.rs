//! What cost money, per clock hour and per day (UTC): calls placed and SMS sent, per org, per hotline and per
//! number that was dialled or texted.
//!
//! A cap is taken from before the money is spent, so that many at once spend no more.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{codec, error::StoreError};
use crate::model::{Instant, id::OrgId, phone::Phone};

/// The subject under which the spending of all callers is counted.
pub const ORG: &str = "org";
/// That of pages: whatever callers spend, there is money for these.
pub const PAGES: &str = "pages";
/// For how many hours `ORG` and `PAGES` are remembered, so that one can tell what is much.
pub const REMEMBERED_HOURS: i64 = 7 * 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    Call,
    Sms,
}

/// What has caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capped {
    Spent(Spending),
    /// A code that proves a contact, beside what carries it.
    Code,
}

impl From<Spending> for Capped {
    fn from(spending: Spending) -> Self {
        Self::Spent(spending)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    Hour,
    Day,
}

/// How many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    pub hour: u32,
    pub day: u32,
}

/// How a hotline's spending is counted.
pub fn spender(hotline: &Phone) -> String {
    format!("hotline:{hotline}")
}

/// How what goes to a number is counted.
pub fn destination(number: &Phone) -> String {
    format!("{DESTINATION}{number}")
}

const DESTINATION: &str = "number:";

/// One of these for each subject, or for none of them: then the cap that is reached, and whose it is.
pub async fn take(
    db: &mut AnyConnection,
    org: &OrgId,
    what: impl Into<Capped>,
    subjects: &[(&str, Cap)],
    now: Instant,
) -> Result<Option<(usize, Span)>, StoreError> {
    let what = what.into();
    let caps = subjects.iter().enumerate().flat_map(|(index, (subject, cap))| {
        [(index, *subject, Span::Hour, cap.hour), (index, *subject, Span::Day, cap.day)]
    });
    let mut taken = Vec::new();
    for (index, subject, span, cap) in caps {
        if add(db, org, (what, span, subject), cap, now).await? {
            taken.push((subject, span));
            continue;
        }
        for (subject, span) in taken {
            give_back(db, org, (what, span, subject), now).await?;
        }
        return Ok(Some((index, span)));
    }
    Ok(None)
}

/// What has been spent already, be it over the cap.
pub async fn count(
    db: &mut AnyConnection,
    org: &OrgId,
    what: Spending,
    subject: &str,
    at: Instant,
) -> Result<(), StoreError> {
    for span in [Span::Hour, Span::Day] {
        add(db, org, (what.into(), span, subject), u32::MAX, at).await?;
    }
    Ok(())
}

async fn add(
    db: &mut AnyConnection,
    org: &OrgId,
    (what, span, subject): (Capped, Span, &str),
    cap: u32,
    now: Instant,
) -> Result<bool, StoreError> {
    if cap == 0 {
        return Ok(false);
    }
    let added = sqlx::query(
        "INSERT INTO spent (org_id, kind, subject, hour, count) VALUES ($1, $2, $3, $4, 1) \
         ON CONFLICT (org_id, kind, subject, hour) DO UPDATE SET count = spent.count + 1 WHERE spent.count < $5",
    )
    .bind(org.as_str())
    .bind(kind(what, span))
    .bind(subject)
    .bind(begin(span, now))
    .bind(i64::from(cap))
    .execute(db)
    .await?;
    Ok(added.rows_affected() == 1)
}

async fn give_back(
    db: &mut AnyConnection,
    org: &OrgId,
    (what, span, subject): (Capped, Span, &str),
    now: Instant,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE spent SET count = count - 1 \
         WHERE org_id = $1 AND kind = $2 AND subject = $3 AND hour = $4 AND count > 0",
    )
    .bind(org.as_str())
    .bind(kind(what, span))
    .bind(subject)
    .bind(begin(span, now))
    .execute(db)
    .await?;
    Ok(())
}

/// What was spent in one clock hour, and in its day.
#[derive(Debug, Default)]
pub struct Spent(BTreeMap<(String, String), u32>);

/// Of these three: one question, since every turn of every call asks it.
pub async fn of(db: &mut AnyConnection, org: &OrgId, subjects: [&str; 3], now: Instant) -> Result<Spent, StoreError> {
    let rows = sqlx::query(
        "SELECT kind, subject, count FROM spent WHERE org_id = $1 AND subject IN ($2, $3, $4) \
         AND (kind IN ('call', 'sms') AND hour = $5 OR kind IN ('call/day', 'sms/day') AND hour = $6)",
    )
    .bind(org.as_str())
    .bind(subjects[0])
    .bind(subjects[1])
    .bind(subjects[2])
    .bind(begin(Span::Hour, now))
    .bind(begin(Span::Day, now))
    .fetch_all(db)
    .await?;
    let mut spent = Spent::default();
    for row in &rows {
        spent.0.insert((row.try_get("kind")?, row.try_get("subject")?), codec::small(row, "count")?);
    }
    Ok(spent)
}

impl Spent {
    pub fn count(&self, what: Spending, span: Span, subject: &str) -> u32 {
        self.0.get(&(kind(what, span).to_owned(), subject.to_owned())).copied().unwrap_or(0)
    }

    /// Whether there may be one more.
    pub fn leaves(&self, what: Spending, subject: &str, cap: Cap) -> bool {
        self.count(what, Span::Hour, subject) < cap.hour && self.count(what, Span::Day, subject) < cap.day
    }
}

/// The numbers to which no more may go.
pub async fn full_numbers(
    db: &mut AnyConnection,
    org: &OrgId,
    what: Spending,
    cap: Cap,
    now: Instant,
) -> Result<Vec<Phone>, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT subject FROM spent WHERE org_id = $1 AND subject >= 'number:' AND subject < 'number;' \
         AND (kind = $2 AND hour = $3 AND count >= $4 OR kind = $5 AND hour = $6 AND count >= $7) ORDER BY subject",
    )
    .bind(org.as_str())
    .bind(kind(what, Span::Hour))
    .bind(begin(Span::Hour, now))
    .bind(i64::from(cap.hour))
    .bind(kind(what, Span::Day))
    .bind(begin(Span::Day, now))
    .bind(i64::from(cap.day))
    .fetch_all(db)
    .await?;
    let number = |row: &AnyRow| -> Result<Phone, StoreError> {
        let subject: String = row.try_get("subject")?;
        let number = subject.strip_prefix(DESTINATION).and_then(|number| number.parse().ok());
        number.ok_or_else(|| StoreError::corrupt("spent.subject", &subject))
    };
    rows.iter().map(number).collect()
}

/// What all calls (or SMS) of the org came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hours {
    pub this: u32,
    /// The busiest one of the seven days before.
    pub busiest: u32,
}

pub async fn hours(db: &mut AnyConnection, org: &OrgId, what: Spending, now: Instant) -> Result<Hours, StoreError> {
    let this = begin(Span::Hour, now);
    let rows = sqlx::query(
        "SELECT hour, CAST(SUM(count) AS BIGINT) AS count FROM spent WHERE org_id = $1 AND kind = $2 \
         AND subject IN ('org', 'pages') AND hour > $3 AND hour <= $4 GROUP BY hour",
    )
    .bind(org.as_str())
    .bind(kind(what, Span::Hour))
    .bind(this - REMEMBERED_HOURS)
    .bind(this)
    .fetch_all(db)
    .await?;
    let mut hours = Hours::default();
    for row in &rows {
        let count = codec::small(row, "count")?;
        if row.try_get::<i64, _>("hour")? == this {
            hours.this = count;
        } else {
            hours.busiest = hours.busiest.max(count);
        }
    }
    Ok(hours)
}

/// Hours that are over are of no use any more, but for the sums by which one can tell what is much.
pub async fn forget(db: &mut AnyConnection, org: &OrgId, now: Instant) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM spent WHERE org_id = $1 AND (hour < $2 OR hour < $3 AND subject NOT IN ('org', 'pages'))")
        .bind(org.as_str())
        .bind(begin(Span::Hour, now) - REMEMBERED_HOURS)
        .bind(begin(Span::Day, now))
        .execute(db)
        .await?;
    Ok(())
}

/// The first hour of the span, counted from 1970.
fn begin(span: Span, at: Instant) -> i64 {
    let hour = at.timestamp().div_euclid(3_600);
    match span {
        Span::Hour => hour,
        Span::Day => hour - hour.rem_euclid(24),
    }
}

fn kind(what: impl Into<Capped>, span: Span) -> &'static str {
    match (what.into(), span) {
        (Capped::Spent(Spending::Call), Span::Hour) => "call",
        (Capped::Spent(Spending::Call), Span::Day) => "call/day",
        (Capped::Spent(Spending::Sms), Span::Hour) => "sms",
        (Capped::Spent(Spending::Sms), Span::Day) => "sms/day",
        (Capped::Code, Span::Hour) => "code",
        (Capped::Code, Span::Day) => "code/day",
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::store::testing::{at, on_both, org};

    const HOTLINE: &str = "hotline:+4930901820";
    const HOUR: i64 = 3_600;

    fn cap(hour: u32) -> Cap {
        Cap { hour, day: 100 }
    }

    async fn spend(db: &mut AnyConnection, subject: &str, cap: Cap, at: Instant) -> Result<Option<Span>, StoreError> {
        Ok(take(db, &org(), Spending::Sms, &[(subject, cap)], at).await?.map(|(_, span)| span))
    }

    on_both! {
        async fn many_at_once_spend_no_more_than_the_cap(store: Store) {
            let takes = (0..30).map(|_| {
                store.write(async |db| take(db, &org(), Spending::Call, &[(ORG, cap(10))], at(0)).await)
            });
            let taken = join_all(takes).await;
            assert_eq!(taken.into_iter().filter(|taken| taken.as_ref().unwrap().is_none()).count(), 10);
            let mut db = store.read().await.unwrap();
            let spent = of(&mut db, &org(), [ORG, HOTLINE, HOTLINE], at(0)).await.unwrap();
            assert_eq!(spent.count(Spending::Call, Span::Hour, ORG), 10);
            assert_eq!(spent.count(Spending::Call, Span::Day, ORG), 10, "what was refused is not counted");
            assert_eq!(spent.count(Spending::Sms, Span::Hour, ORG), 0);
            assert!(!spent.leaves(Spending::Call, ORG, cap(10)) && spent.leaves(Spending::Call, HOTLINE, cap(10)));
        }

        async fn what_one_subject_refuses_costs_the_others_nothing(store: Store) {
            let refused = store.write(async |db| {
                let both = [(ORG, cap(9)), (HOTLINE, cap(1))];
                let first = take(db, &org(), Spending::Sms, &both, at(0)).await?;
                Ok((first, take(db, &org(), Spending::Sms, &both, at(0)).await?))
            });
            assert_eq!(refused.await.unwrap(), (None, Some((1, Span::Hour))));
            let mut db = store.read().await.unwrap();
            let spent = of(&mut db, &org(), [ORG, HOTLINE, HOTLINE], at(0)).await.unwrap();
            let counts = |span| [ORG, HOTLINE].map(|subject| spent.count(Spending::Sms, span, subject));
            assert_eq!((counts(Span::Hour), counts(Span::Day)), ([1, 1], [1, 1]));
        }

        async fn what_was_spent_elsewhere_counts_also_over_the_cap(store: Store) {
            let taken = store.write(async |db| {
                for _ in 0..3 {
                    count(db, &org(), Spending::Sms, ORG, at(0)).await?;
                }
                let more = spend(db, ORG, cap(2), at(0)).await?;
                Ok((more, of(db, &org(), [ORG; 3], at(0)).await?.count(Spending::Sms, Span::Hour, ORG)))
            });
            assert_eq!(taken.await.unwrap(), (Some(Span::Hour), 3));
        }

        async fn the_next_hour_is_a_new_one_and_so_is_the_next_day(store: Store) {
            let taken = store.write(async |db| {
                let day = Cap { hour: 1, day: 2 };
                let mut taken = Vec::new();
                for seconds in [0, 1, HOUR, 2 * HOUR, 24 * HOUR] {
                    taken.push(spend(db, ORG, day, at(seconds)).await?);
                }
                taken.push(spend(db, HOTLINE, cap(0), at(0)).await?);
                Ok(taken)
            });
            let taken = taken.await.unwrap();
            assert_eq!(taken, [None, Some(Span::Hour), None, Some(Span::Day), None, Some(Span::Hour)]);
        }

        async fn a_number_that_had_its_share_is_known(store: Store) {
            let (often, seldom): (Phone, Phone) =
                ("+4915110000001".parse().unwrap(), "+4915110000002".parse().unwrap());
            let (one, two) = (destination(&often), destination(&seldom));
            store.write(async move |db| {
                for subject in [&one, &one, &two] {
                    spend(db, subject, cap(9), at(0)).await?;
                }
                Ok(())
            }).await.unwrap();
            let mut db = store.read().await.unwrap();
            let mut full = async |cap, seconds| full_numbers(&mut db, &org(), Spending::Sms, cap, at(seconds)).await.unwrap();
            assert_eq!(full(cap(2), 0).await, vec![often.clone()]);
            assert_eq!(full(cap(2), HOUR).await, vec![]);
            assert_eq!(full(Cap { hour: 9, day: 1 }, HOUR).await, vec![often, seldom]);
        }

        async fn an_hour_is_compared_with_the_busiest_of_seven_days(store: Store) {
            let spent = store.write(async |db| {
                for (seconds, subject, times) in [(0, ORG, 3), (HOUR, PAGES, 2), (HOUR, ORG, 2), (2 * HOUR, PAGES, 9)] {
                    for _ in 0..times {
                        count(db, &org(), Spending::Sms, subject, at(seconds)).await?;
                    }
                }
                count(db, &org(), Spending::Sms, HOTLINE, at(0)).await?;
                forget(db, &org(), at(24 * HOUR)).await?;
                let gone = of(db, &org(), [HOTLINE; 3], at(0)).await?.count(Spending::Sms, Span::Hour, HOTLINE);
                let now = hours(db, &org(), Spending::Sms, at(2 * HOUR)).await?;
                let later = at((REMEMBERED_HOURS + 2) * HOUR);
                forget(db, &org(), later).await?;
                Ok((gone, now, hours(db, &org(), Spending::Sms, later).await?))
            });
            let expected = (0, Hours { this: 9, busiest: 4 }, Hours { this: 0, busiest: 0 });
            assert_eq!(spent.await.unwrap(), expected);
        }
    }
}
