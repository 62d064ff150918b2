//! Timers: "at this instant look at that". A subject has one timer per kind; setting it again moves
//! it, and whoever holds the old one is told so when it reports.
//!
//! A worker claims what is due for a short lease, does it, and completes it. A crash means that the
//! lease runs out and somebody else does it: at least once, never zero times.

use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

use super::{
    codec::{self, instant, opt_instant, parsed},
    db::{Claim, Dialect, claim},
    error::StoreError,
    statements::Statements,
    wake::{Topic, touch},
};
use crate::model::{Instant, id::OrgId};

/// A row that failed so often is set aside: it must not be in everybody's way for ever.
pub const TRIES_MAX: i64 = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimer {
    pub org: OrgId,
    /// What it is about: `escalate` (an alert), `connect` (a call), …
    pub kind: String,
    /// The id of the thing.
    pub subject: String,
    pub due_at: Instant,
    /// From 1.
    pub tries: i64,
    pub payload: String,
    lease: String,
}

/// Who waits for a timer. Those of each crowd are claimed by themselves: a caller on the phone is never behind
/// ten thousand escalations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crowd {
    /// Callers who wait, and technicians at their phones: the kinds `CALLERS`.
    Callers,
    Others,
}

/// The kinds that callers wait for, as the statements and an index name them.
pub const CALLERS: [&str; 7] = ["connect", "ring", "leave", "hangup", "leg-deadline", "leg-join", "callback-ring"];

macro_rules! of_callers {
    () => {
        "kind IN ('connect', 'ring', 'leave', 'hangup', 'leg-deadline', 'leg-join', 'callback-ring')"
    };
}

macro_rules! claim_of {
    ($crowd:expr) => {
        claim!(
            concat!(
                "SELECT org_id, kind, subject FROM timers WHERE set_aside = 0 AND ",
                $crowd,
                " AND ready_at <= $1 ORDER BY ready_at LIMIT $4"
            ),
            "UPDATE timers SET lease = $3, ready_at = $2, tries = tries + 1 \
             WHERE set_aside = 0 AND ready_at <= $1 \
             AND (org_id, kind, subject) IN (SELECT org_id, kind, subject FROM chosen) \
             RETURNING org_id, kind, subject, due_at, tries, payload, lease"
        )
    };
}

/// What a claim brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claimed {
    pub due: Vec<DueTimer>,
    /// Were claimed too often without an end, as if they brought down whoever took them. Nobody will
    /// see them again: somebody has to be told.
    pub set_aside: Vec<DueTimer>,
}

/// Sets the timer, or moves the one that is there.
pub async fn set(
    db: &mut AnyConnection,
    org: &OrgId,
    kind: &str,
    subject: &str,
    due_at: Instant,
    payload: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO timers (org_id, kind, subject, due_at, ready_at, tries, payload, set_aside) \
         VALUES ($1, $2, $3, $4, $4, 0, $5, 0) \
         ON CONFLICT (org_id, kind, subject) DO UPDATE SET due_at = excluded.due_at, ready_at = excluded.ready_at, \
         lease = NULL, tries = 0, payload = excluded.payload, set_aside = 0",
    )
    .bind(org.as_str())
    .bind(kind)
    .bind(subject)
    .bind(codec::millis(due_at))
    .bind(payload)
    .execute(db)
    .await?;
    touch(topic(kind));
    Ok(())
}

/// By which whoever works off this kind is woken.
fn topic(kind: &str) -> Topic {
    if CALLERS.contains(&kind) { Topic::Callers } else { Topic::Timers }
}

/// A timer that is due later than any worker sleeps: nobody has to be woken for it.
pub struct Later<'a> {
    pub org: &'a OrgId,
    pub kind: &'static str,
    pub subject: &'a str,
    pub due_at: Instant,
}

/// Like `set` for each. No two of them may be of one subject and kind.
pub async fn set_later(db: &mut AnyConnection, timers: &[Later<'_>]) -> Result<(), StoreError> {
    static STATEMENTS: Statements = Statements::new(
        "INSERT INTO timers (org_id, kind, subject, due_at, ready_at, tries, payload, set_aside) VALUES ",
        "(?, ?, ?, ?, ?, 0, '', 0)",
        " ON CONFLICT (org_id, kind, subject) DO UPDATE SET due_at = excluded.due_at, ready_at = excluded.ready_at, \
         lease = NULL, tries = 0, payload = excluded.payload, set_aside = 0",
    );
    let mut rest = timers;
    while let Some((statement, rows)) = STATEMENTS.for_rows(rest.len()) {
        let mut query = sqlx::query(AssertSqlSafe(statement));
        let (these, others) = rest.split_at(rows);
        for Later { org, kind, subject, due_at } in these {
            let due_at = codec::millis(*due_at);
            query = query.bind(org.as_str()).bind(*kind).bind(*subject).bind(due_at).bind(due_at);
        }
        query.execute(&mut *db).await?;
        rest = others;
    }
    Ok(())
}

/// `false`: there was none.
pub async fn clear(db: &mut AnyConnection, org: &OrgId, kind: &str, subject: &str) -> Result<bool, StoreError> {
    let cleared = sqlx::query("DELETE FROM timers WHERE org_id = $1 AND kind = $2 AND subject = $3")
        .bind(org.as_str())
        .bind(kind)
        .bind(subject)
        .execute(db)
        .await?;
    Ok(cleared.rows_affected() == 1)
}

/// When this timer is due; `None`: it is not set.
pub async fn due_at(
    db: &mut AnyConnection,
    org: &OrgId,
    kind: &str,
    subject: &str,
) -> Result<Option<Instant>, StoreError> {
    let row = sqlx::query("SELECT due_at FROM timers WHERE org_id = $1 AND kind = $2 AND subject = $3")
        .bind(org.as_str())
        .bind(kind)
        .bind(subject)
        .fetch_optional(db)
        .await?;
    row.map(|row| instant(&row, "due_at")).transpose()
}

/// Takes up to `limit` due timers of this crowd until the instant `until`. `lease` is a fresh nonce that names this
/// claim.
pub async fn claim(
    db: &mut AnyConnection,
    crowd: Crowd,
    now: Instant,
    until: Instant,
    lease: &str,
    limit: i64,
) -> Result<Claimed, StoreError> {
    const OF_CALLERS: Claim = claim_of!(of_callers!());
    const OF_OTHERS: Claim = claim_of!(concat!("NOT ", of_callers!()));
    let statements = match crowd {
        Crowd::Callers => OF_CALLERS,
        Crowd::Others => OF_OTHERS,
    };
    let rows = sqlx::query(Dialect::of(db).claiming(statements))
        .bind(codec::millis(now))
        .bind(codec::millis(until))
        .bind(lease)
        .bind(limit)
        .fetch_all(&mut *db)
        .await?;
    let mut claimed = Claimed::default();
    for row in &rows {
        let timer = read(row)?;
        if timer.tries <= TRIES_MAX {
            claimed.due.push(timer);
        } else {
            set_aside(db, &timer).await?;
            claimed.set_aside.push(timer);
        }
    }
    claimed.due.sort_by_key(|timer| timer.due_at);
    Ok(claimed)
}

/// Done. `false`: the timer was set anew meanwhile, or the lease ran out and another worker has it. In
/// the same unit of work as what it caused, that makes the whole of it happen once.
pub async fn complete(db: &mut AnyConnection, timer: &DueTimer) -> Result<bool, StoreError> {
    let completed = sqlx::query("DELETE FROM timers WHERE org_id = $1 AND kind = $2 AND subject = $3 AND lease = $4")
        .bind(timer.org.as_str())
        .bind(timer.kind.as_str())
        .bind(timer.subject.as_str())
        .bind(timer.lease.as_str())
        .execute(db)
        .await?;
    Ok(completed.rows_affected() == 1)
}

/// What became of a timer whose work failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It comes again.
    Again,
    /// It failed too often: somebody has to be told.
    SetAside,
    /// It is not ours any more.
    Stale,
}

/// The work failed; try again then.
pub async fn fail(db: &mut AnyConnection, timer: &DueTimer, again_at: Instant) -> Result<Failed, StoreError> {
    let row = sqlx::query(
        "UPDATE timers SET lease = NULL, ready_at = $5, set_aside = CASE WHEN tries >= $6 THEN 1 ELSE 0 END \
         WHERE org_id = $1 AND kind = $2 AND subject = $3 AND lease = $4 RETURNING set_aside",
    )
    .bind(timer.org.as_str())
    .bind(timer.kind.as_str())
    .bind(timer.subject.as_str())
    .bind(timer.lease.as_str())
    .bind(codec::millis(again_at))
    .bind(TRIES_MAX)
    .fetch_optional(db)
    .await?;
    touch(topic(&timer.kind));
    match row {
        None => Ok(Failed::Stale),
        Some(row) if codec::flag(&row, "set_aside")? => Ok(Failed::SetAside),
        Some(_) => Ok(Failed::Again),
    }
}

/// When the next one of this crowd may be claimed; `None`: nothing is set.
pub async fn next_due(db: &mut AnyConnection, crowd: Crowd) -> Result<Option<Instant>, StoreError> {
    let statement = match crowd {
        Crowd::Callers => {
            concat!("SELECT MIN(ready_at) AS ready_at FROM timers WHERE set_aside = 0 AND ", of_callers!())
        }
        Crowd::Others => {
            concat!("SELECT MIN(ready_at) AS ready_at FROM timers WHERE set_aside = 0 AND NOT ", of_callers!())
        }
    };
    opt_instant(&sqlx::query(statement).fetch_one(db).await?, "ready_at")
}

/// How many wait, for metrics and for whoever looks after the service.
pub async fn count_due(db: &mut AnyConnection, now: Instant) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT COUNT(*) AS count FROM timers WHERE set_aside = 0 AND ready_at <= $1")
        .bind(codec::millis(now))
        .fetch_one(db)
        .await?;
    Ok(row.try_get("count")?)
}

async fn set_aside(db: &mut AnyConnection, timer: &DueTimer) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE timers SET set_aside = 1, lease = NULL \
         WHERE org_id = $1 AND kind = $2 AND subject = $3 AND lease = $4",
    )
    .bind(timer.org.as_str())
    .bind(timer.kind.as_str())
    .bind(timer.subject.as_str())
    .bind(timer.lease.as_str())
    .execute(db)
    .await?;
    Ok(())
}

pub(super) fn read(row: &AnyRow) -> Result<DueTimer, StoreError> {
    Ok(DueTimer {
        org: parsed(row, "org_id")?,
        kind: row.try_get("kind")?,
        subject: row.try_get("subject")?,
        due_at: instant(row, "due_at")?,
        tries: row.try_get("tries")?,
        payload: row.try_get("payload")?,
        lease: row.try_get("lease")?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use futures::future::join_all;

    use super::*;
    use crate::store::{
        Store,
        testing::{at, on_both, org},
    };

    async fn set_one(store: &Store, subject: &str, due_at: Instant) {
        let subject = subject.to_owned();
        store.write(async move |db| set(db, &org(), "escalate", &subject, due_at, "why").await).await.unwrap();
    }

    async fn claim_at(store: &Store, now: i64, lease: &str) -> Claimed {
        let lease = lease.to_owned();
        store.write(async move |db| claim(db, Crowd::Others, at(now), at(now + 30), &lease, 10).await).await.unwrap()
    }

    async fn complete_one(store: &Store, timer: &DueTimer) -> bool {
        let timer = timer.clone();
        store.write(async move |db| complete(db, &timer).await).await.unwrap()
    }

    async fn next(store: &Store) -> Option<Instant> {
        next_due(&mut store.read().await.unwrap(), Crowd::Others).await.unwrap()
    }

    on_both! {
        async fn no_more_is_claimed_than_there_is_room_for(store: Store) {
            for n in 0..40 {
                set_one(&store, &format!("alert-{n}"), at(n)).await;
            }
            for n in 0..4 {
                assert_eq!(claim_at(&store, 100, &format!("lease-{n}")).await.due.len(), 10);
            }
            assert_eq!(claim_at(&store, 100, "last").await, Claimed::default());
        }

        async fn what_is_due_is_claimed_once_among_many_workers(store: Store) {
            for n in 0..100 {
                set_one(&store, &format!("alert-{n}"), at(n)).await;
            }
            let claims = (0..20).map(|n| {
                let store = store.clone();
                async move { claim_at(&store, 1_000, &format!("lease-{n}")).await.due }
            });
            let claimed: Vec<DueTimer> = join_all(claims).await.into_iter().flatten().collect();
            let subjects: BTreeSet<&str> = claimed.iter().map(|timer| timer.subject.as_str()).collect();
            assert_eq!((claimed.len(), subjects.len()), (100, 100));
        }

        async fn a_timer_comes_when_it_is_due_and_is_gone_when_done(store: Store) {
            set_one(&store, "a", at(60)).await;
            assert_eq!(next(&store).await, Some(at(60)));
            assert_eq!(claim_at(&store, 59, "one").await, Claimed::default());
            let claimed = claim_at(&store, 60, "one").await;
            let [timer] = claimed.due.as_slice() else { panic!("{claimed:?}") };
            assert_eq!((timer.kind.as_str(), timer.due_at, timer.tries, timer.payload.as_str()), ("escalate", at(60), 1, "why"));
            assert_eq!(next(&store).await, Some(at(90)), "the end of the lease");
            assert!(complete_one(&store, timer).await);
            assert!(!complete_one(&store, timer).await);
            assert_eq!(next(&store).await, None);
        }

        async fn a_waiting_caller_is_not_behind_ten_thousand_escalations(store: Store) {
            let storm = store.write(async |db| {
                for n in 0..10_000 {
                    set(db, &org(), "escalate", &format!("alert-{n}"), at(0), "").await?;
                }
                set(db, &org(), "connect", "a-call", at(5), "").await
            });
            storm.await.unwrap();
            let of = async |crowd| {
                store.write(async move |db| claim(db, crowd, at(60), at(90), "one", 10).await).await.unwrap().due
            };
            let mut db = store.read().await.unwrap();
            assert_eq!(next_due(&mut db, Crowd::Callers).await.unwrap(), Some(at(5)));
            let callers = of(Crowd::Callers).await;
            let [timer] = callers.as_slice() else { panic!("{callers:?}") };
            assert_eq!((timer.kind.as_str(), timer.subject.as_str()), ("connect", "a-call"));
            assert_eq!(next_due(&mut db, Crowd::Callers).await.unwrap(), Some(at(90)), "the end of the lease");
            let others = of(Crowd::Others).await;
            assert!(others.len() == 10 && others.iter().all(|timer| timer.kind == "escalate"), "{others:?}");
        }

        async fn a_crowd_has_all_kinds_that_its_statements_name(store: Store) {
            for kind in CALLERS.into_iter().chain(["escalate", "call-watch"]) {
                store.write(async move |db| set(db, &org(), kind, "a", at(0), "").await).await.unwrap();
            }
            let kinds = async |crowd| {
                let claim = async move |db: &mut AnyConnection| claim(db, crowd, at(0), at(30), "one", 10).await;
                let claimed = store.write(claim).await.unwrap();
                claimed.due.into_iter().map(|timer| timer.kind).collect::<BTreeSet<_>>()
            };
            assert_eq!(kinds(Crowd::Callers).await, CALLERS.map(str::to_owned).into());
            assert_eq!(kinds(Crowd::Others).await, ["escalate", "call-watch"].map(str::to_owned).into());
        }

        async fn after_a_crash_the_lease_runs_out_and_the_late_worker_is_refused(store: Store) {
            set_one(&store, "a", at(0)).await;
            let first = claim_at(&store, 0, "one").await.due.remove(0);
            assert_eq!(claim_at(&store, 29, "two").await, Claimed::default());
            let second = claim_at(&store, 30, "two").await.due.remove(0);
            assert_eq!(second.tries, 2);
            assert!(!complete_one(&store, &first).await);
            assert!(complete_one(&store, &second).await);
        }

        async fn a_timer_that_was_set_anew_is_not_completed_by_its_old_holder(store: Store) {
            set_one(&store, "a", at(0)).await;
            let old = claim_at(&store, 0, "one").await.due.remove(0);
            set_one(&store, "a", at(300)).await;
            assert!(!complete_one(&store, &old).await);
            assert_eq!(next(&store).await, Some(at(300)));
        }

        async fn what_fails_five_times_is_set_aside_and_blocks_nobody(store: Store) {
            set_one(&store, "broken", at(0)).await;
            set_one(&store, "sound", at(900)).await;
            for tries in 1..=5 {
                let timer = claim_at(&store, tries * 100, "one").await.due.remove(0);
                assert_eq!((timer.subject.as_str(), timer.tries), ("broken", tries));
                let failed = store.write(async move |db| fail(db, &timer, at(tries * 100 + 1)).await).await.unwrap();
                assert_eq!(failed, if tries < 5 { Failed::Again } else { Failed::SetAside });
            }
            let rest = claim_at(&store, 1_000, "one").await;
            assert_eq!(rest.due.iter().map(|timer| timer.subject.as_str()).collect::<Vec<_>>(), ["sound"]);
            assert!(rest.set_aside.is_empty());
        }

        async fn what_brings_down_its_worker_again_and_again_is_set_aside(store: Store) {
            set_one(&store, "poison", at(0)).await;
            for n in 0..5 {
                assert_eq!(claim_at(&store, n * 30, "crashes").await.due.len(), 1);
            }
            let claimed = claim_at(&store, 150, "last").await;
            assert!(claimed.due.is_empty());
            assert_eq!(claimed.set_aside[0].subject, "poison");
            assert_eq!(next(&store).await, None);
            set_one(&store, "poison", at(0)).await;
            assert_eq!(claim_at(&store, 200, "anew").await.due.len(), 1, "set anew, it is a new duty");
        }

        async fn clearing_says_whether_there_was_one(store: Store) {
            set_one(&store, "a", at(0)).await;
            for expect in [true, false] {
                let cleared = store.write(async |db| clear(db, &org(), "escalate", "a").await).await.unwrap();
                assert_eq!(cleared, expect);
            }
        }
    }
}
