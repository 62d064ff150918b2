//! How often PINs were tried, shared by all parallel calls: per contract, per caller's number and per
//! hotline.
//!
//! A try is counted before it is checked (`take`) and given back when it was right (`right`), so that a
//! hundred calls at once try no more than one after the other. While a subject is locked nothing is
//! counted.

use chrono::TimeDelta;
use sqlx::{AnyConnection, Row};

use super::{
    codec::{self, opt_instant},
    error::StoreError,
};
use crate::model::{
    Instant,
    id::{ContractId, OrgId},
    phone::Phone,
};

/// Whose tries are counted. Sorted, since two units of work that lock the same rows in another order
/// would block each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Caller(Phone),
    Contract(ContractId),
    Hotline(Phone),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Check it.
    Try,
    /// Check nothing.
    LockedUntil(Instant),
}

/// The first lock; each further one lasts twice as long, up to a day.
const LOCK_S: i64 = 15 * 60;
const LOCK_S_MAX: i64 = 24 * 60 * 60;
/// So many since the last right one: only an MSP opens it again. Shown as a time far away.
const HARD_STOP: i64 = 20;
const FAR: TimeDelta = TimeDelta::days(365);

/// Whether only an MSP opens what is locked until then.
pub fn is_hard_stop(until: Instant, now: Instant) -> bool {
    until - now > TimeDelta::seconds(LOCK_S_MAX)
}
/// Tries at a hotline count together if they come within this time.
const HOTLINE_WINDOW: TimeDelta = TimeDelta::hours(1);

impl Subject {
    /// Tries until it is locked. A hotline serves honest people too, so it takes more of them.
    fn tries(&self) -> i64 {
        match self {
            Self::Caller(_) | Self::Contract(_) => 5,
            Self::Hotline(_) => 25,
        }
    }

    fn key(&self) -> String {
        match self {
            Self::Caller(phone) => format!("caller:{phone}"),
            Self::Contract(id) => format!("contract:{id}"),
            Self::Hotline(phone) => format!("hotline:{phone}"),
        }
    }

    /// Older tries do not count.
    fn counts_since(&self, now: Instant) -> Instant {
        match self {
            Self::Caller(_) | Self::Contract(_) => Instant::UNIX_EPOCH,
            Self::Hotline(_) => now - HOTLINE_WINDOW,
        }
    }
}

/// Whether any of them is locked, and until when the longest.
pub async fn locked(
    db: &mut AnyConnection,
    org: &OrgId,
    subjects: &[Subject],
    now: Instant,
) -> Result<Option<Instant>, StoreError> {
    let mut until = None;
    for subject in subjects {
        let row =
            sqlx::query("SELECT fails_since_success, locked_until FROM pin_locks WHERE org_id = $1 AND subject = $2")
                .bind(org.as_str())
                .bind(subject.key())
                .fetch_optional(&mut *db)
                .await?;
        let Some(row) = row else { continue };
        let stopped =
            matches!(subject, Subject::Contract(_)) && row.try_get::<i64, _>("fails_since_success")? >= HARD_STOP;
        let lock = if stopped { Some(now + FAR) } else { opt_instant(&row, "locked_until")? };
        until = until.max(lock.filter(|lock| *lock > now));
    }
    Ok(until)
}

/// Counts a try for all of them, or for none. An error of kind `Stale`: another call locked one of them
/// at this moment.
pub async fn take(
    db: &mut AnyConnection,
    org: &OrgId,
    subjects: &[Subject],
    now: Instant,
) -> Result<Taken, StoreError> {
    if let Some(until) = locked(db, org, subjects, now).await? {
        return Ok(Taken::LockedUntil(until));
    }
    for subject in subjects {
        if !count(db, org, subject, now).await? {
            return Err(StoreError::Stale("the PIN was locked meanwhile"));
        }
    }
    Ok(Taken::Try)
}

/// The last of the tries sets the lock at once; it is taken back if that one was right.
async fn count(db: &mut AnyConnection, org: &OrgId, subject: &Subject, now: Instant) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "INSERT INTO pin_locks (org_id, subject, fails, fails_since, fails_since_success, lock_s) \
         VALUES ($1, $2, 1, $3, 1, 0) ON CONFLICT (org_id, subject) DO UPDATE SET \
         fails = CASE WHEN pin_locks.fails_since < $4 THEN 1 ELSE pin_locks.fails + 1 END, \
         fails_since = CASE WHEN pin_locks.fails_since < $4 THEN $3 ELSE pin_locks.fails_since END, \
         fails_since_success = pin_locks.fails_since_success + 1, locked_until = NULL \
         WHERE pin_locks.locked_until IS NULL OR pin_locks.locked_until <= $3 \
         RETURNING fails, lock_s",
    )
    .bind(org.as_str())
    .bind(subject.key())
    .bind(codec::millis(now))
    .bind(codec::millis(subject.counts_since(now)))
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(false) };
    if row.try_get::<i64, _>("fails")? >= subject.tries() {
        let lock_s = (row.try_get::<i64, _>("lock_s")? * 2).clamp(LOCK_S, LOCK_S_MAX);
        sqlx::query(
            "UPDATE pin_locks SET fails = 0, lock_s = $3, locked_until = $4 WHERE org_id = $1 AND subject = $2",
        )
        .bind(org.as_str())
        .bind(subject.key())
        .bind(lock_s)
        .bind(codec::millis(now + TimeDelta::seconds(lock_s)))
        .execute(db)
        .await?;
    }
    Ok(true)
}

/// It was right: contract and caller begin anew; the hotline gets this one try back, since it is not
/// one person's.
pub async fn right(db: &mut AnyConnection, org: &OrgId, subjects: &[Subject]) -> Result<(), StoreError> {
    for subject in subjects {
        let statement = match subject {
            Subject::Caller(_) | Subject::Contract(_) => {
                "UPDATE pin_locks SET fails = 0, fails_since_success = 0, locked_until = NULL, lock_s = 0 \
                 WHERE org_id = $1 AND subject = $2"
            }
            Subject::Hotline(_) => {
                "UPDATE pin_locks SET fails = CASE WHEN fails > 0 THEN fails - 1 ELSE 0 END \
                 WHERE org_id = $1 AND subject = $2"
            }
        };
        sqlx::query(statement).bind(org.as_str()).bind(subject.key()).execute(&mut *db).await?;
    }
    Ok(())
}

/// The MSP lifts a contract's lock.
pub async fn lift(db: &mut AnyConnection, org: &OrgId, contract: &ContractId) -> Result<bool, StoreError> {
    let lifted = sqlx::query("DELETE FROM pin_locks WHERE org_id = $1 AND subject = $2")
        .bind(org.as_str())
        .bind(Subject::Contract(contract.clone()).key())
        .execute(db)
        .await?;
    Ok(lifted.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::store::{
        Store,
        testing::{at, on_both, org},
    };

    fn contract() -> Subject {
        Subject::Contract("acme-gold".parse().unwrap())
    }

    async fn try_at(store: &Store, subjects: Vec<Subject>, now: i64) -> Taken {
        match store.write(async move |db| take(db, &org(), &subjects, at(now)).await).await {
            Ok(taken) => taken,
            Err(StoreError::Stale(_)) => Taken::LockedUntil(at(now)),
            Err(error) => panic!("{error}"),
        }
    }

    on_both! {
        async fn a_hundred_calls_at_once_have_five_tries(store: Store) {
            let tries = join_all((0..100).map(|_| try_at(&store, vec![contract()], 0))).await;
            assert_eq!(tries.iter().filter(|taken| **taken == Taken::Try).count(), 5);
        }

        async fn each_lock_lasts_twice_as_long_until_a_hard_stop(store: Store) {
            let mut now = 0;
            for minutes in [15, 30, 60] {
                for _ in 0..5 {
                    assert_eq!(try_at(&store, vec![contract()], now).await, Taken::Try);
                }
                let Taken::LockedUntil(until) = try_at(&store, vec![contract()], now).await else { panic!() };
                assert_eq!(until, at(now + minutes * 60));
                now += minutes * 60;
            }
            for _ in 0..5 {
                assert_eq!(try_at(&store, vec![contract()], now).await, Taken::Try);
            }
            let Taken::LockedUntil(until) = try_at(&store, vec![contract()], now + 1_000_000).await else { panic!() };
            assert!(is_hard_stop(until, at(now + 1_000_000)), "only the MSP opens it");
            assert!(store.write(async |db| lift(db, &org(), &"acme-gold".parse().expect("a key")).await).await.unwrap());
            assert_eq!(try_at(&store, vec![contract()], now).await, Taken::Try);
        }

        async fn the_right_pin_begins_anew(store: Store) {
            let caller = Subject::Caller("+4930555010".parse().unwrap());
            for _ in 0..12 {
                assert_eq!(try_at(&store, vec![caller.clone(), contract()], 0).await, Taken::Try);
                let subjects = [caller.clone(), contract()];
                store.write(async move |db| right(db, &org(), &subjects).await).await.unwrap();
            }
            assert_eq!(locked(&mut store.read().await.unwrap(), &org(), &[caller, contract()], at(0)).await.unwrap(), None);
        }

        async fn while_one_is_locked_nothing_is_counted_for_another(store: Store) {
            let caller = Subject::Caller("+4930555010".parse().unwrap());
            for _ in 0..5 {
                try_at(&store, vec![caller.clone()], 0).await;
            }
            for _ in 0..10 {
                assert!(matches!(try_at(&store, vec![caller.clone(), contract()], 1).await, Taken::LockedUntil(_)));
            }
            for _ in 0..5 {
                assert_eq!(try_at(&store, vec![contract()], 2).await, Taken::Try);
            }
        }

        async fn tries_at_a_hotline_count_within_an_hour(store: Store) {
            let hotline = Subject::Hotline("+4930901820".parse().unwrap());
            for n in 0..60 {
                assert_eq!(try_at(&store, vec![hotline.clone()], n * 300).await, Taken::Try, "{n}");
            }
            let quick = join_all((0..60).map(|_| try_at(&store, vec![hotline.clone()], 100_000))).await;
            assert_eq!(quick.iter().filter(|taken| **taken == Taken::Try).count(), 25);
        }
    }
}
