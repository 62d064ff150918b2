//! Working off the outbox: claim what is due, record what came of it, take in providers' reports.

use sqlx::{AnyConnection, Row};

use super::{
    attempts::{Attempt, AttemptState, read, with_columns},
    codec::{self, opt_instant},
    db::{Claim, Dialect},
    error::StoreError,
    timers::TRIES_MAX,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    id::{AttemptId, CarrierId, OrgId},
};

/// What a claim brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Claimed {
    pub due: Vec<Attempt>,
    /// Were claimed too often without an end, as if they brought down whoever took them. Nobody will
    /// see them again: somebody has to be told.
    pub set_aside: Vec<Attempt>,
}

/// Takes up to `limit` due attempts until the instant `until`. `lease` is a fresh nonce that names this
/// claim. One whose sender crashed comes back as `unsure`.
pub async fn claim(
    db: &mut AnyConnection,
    now: Instant,
    until: Instant,
    lease: &str,
    limit: i64,
) -> Result<Claimed, StoreError> {
    macro_rules! statement {
        ($lock:literal) => {
            with_columns!(
                concat!(
                    // Chosen once, whatever plan is made: a subquery may be run for each row, and its limit with it.
                    "WITH chosen AS MATERIALIZED (SELECT org_id, id FROM attempts \
                     WHERE state IN ('due', 'sending') AND set_aside = 0 AND ready_at <= $1 \
                     ORDER BY ready_at LIMIT $4 ",
                    $lock,
                    ") UPDATE attempts SET unsure = CASE WHEN state = 'sending' THEN 1 ELSE unsure END, \
                     state = 'sending', lease = $3, ready_at = $2, tries = tries + 1 \
                     WHERE state IN ('due', 'sending') AND set_aside = 0 AND ready_at <= $1 \
                     AND (org_id, id) IN (SELECT org_id, id FROM chosen) RETURNING"
                ),
                ""
            )
        };
    }
    const CLAIM: Claim = Claim { sqlite: statement!(""), postgres: statement!("FOR UPDATE SKIP LOCKED") };
    let rows = sqlx::query(Dialect::of(db).claiming(CLAIM))
        .bind(codec::millis(now))
        .bind(codec::millis(until))
        .bind(lease)
        .bind(limit)
        .fetch_all(&mut *db)
        .await?;
    let mut claimed = Claimed::default();
    for row in &rows {
        let attempt = read(row)?;
        if attempt.tries <= TRIES_MAX {
            claimed.due.push(attempt);
        } else {
            set_aside(db, &attempt).await?;
            claimed.set_aside.push(attempt);
        }
    }
    claimed.due.sort_by(|a, b| (a.due_at, &a.id).cmp(&(b.due_at, &b.id)));
    Ok(claimed)
}

/// Counts an attempt against a cap. `false`: it has been, at an earlier try.
pub async fn charge(db: &mut AnyConnection, attempt: &Attempt) -> Result<bool, StoreError> {
    let charged = sqlx::query("UPDATE attempts SET charged = 1 WHERE org_id = $1 AND id = $2 AND charged = 0")
        .bind(attempt.org.as_str())
        .bind(attempt.id.as_str())
        .execute(db)
        .await?;
    Ok(charged.rows_affected() == 1)
}

/// It is not sent for now, so it costs nothing.
pub async fn discharge(db: &mut AnyConnection, attempt: &Attempt) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempts SET charged = 0 WHERE org_id = $1 AND id = $2")
        .bind(attempt.org.as_str())
        .bind(attempt.id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// What came of sending an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The provider has it. `ended`: it will report nothing more.
    Sent {
        ended: bool,
        deadline_at: Option<Instant>,
    },
    /// Try the same again then. `unsure`: this try may have reached the provider.
    Again {
        at: Instant,
        unsure: bool,
    },
    /// Nothing was tried: a cap or a pause of the provider lies in between.
    Postponed {
        at: Instant,
    },
    Failed,
    /// Given up without knowing.
    Unknown,
    /// Not needed any more.
    Dropped,
}

/// What the provider said, as far as it said anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    pub carrier: Option<CarrierId>,
    pub provider_id: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub latency_ms: Option<i64>,
}

/// Records what came of a claimed attempt; answers its state after that, since a report that was faster
/// stays. `None`: the lease ran out, another worker has it.
pub async fn record(
    db: &mut AnyConnection,
    attempt: &Attempt,
    outcome: &Outcome,
    answer: &Answer,
    now: Instant,
) -> Result<Option<AttemptState>, StoreError> {
    let end = Some(now);
    // State, when again, when its reports are missed, when it ended.
    let (state, again_at, deadline_at, ended_at) = match outcome {
        Outcome::Sent { ended, deadline_at } => (AttemptState::Sent, None, *deadline_at, end.filter(|_| *ended)),
        Outcome::Again { at, .. } | Outcome::Postponed { at } => (AttemptState::Due, Some(*at), None, None),
        Outcome::Failed => (AttemptState::Failed, None, None, end),
        Outcome::Unknown => (AttemptState::Unknown, None, None, end),
        Outcome::Dropped => (AttemptState::Dropped, None, None, end),
    };
    let unsure = matches!(outcome, Outcome::Again { unsure: true, .. } | Outcome::Unknown);
    let row = sqlx::query(
        "UPDATE attempts SET lease = NULL, state = CASE WHEN status_rank > 0 THEN state ELSE $4 END, \
         due_at = COALESCE($5, due_at), ready_at = COALESCE($5, ready_at), tries = tries - $6, \
         unsure = CASE WHEN $7 = 1 THEN 1 ELSE unsure END, \
         carrier = COALESCE($8, carrier), provider_id = COALESCE($9, provider_id), \
         code = CASE WHEN status_rank > 0 THEN code ELSE $10 END, \
         message = CASE WHEN status_rank > 0 THEN message ELSE $11 END, \
         latency_ms = COALESCE($12, latency_ms), deadline_at = COALESCE($13, deadline_at), \
         sent_at = COALESCE(sent_at, $14), ended_at = COALESCE(ended_at, $15), \
         tried_at = CASE WHEN $6 = 1 THEN tried_at ELSE $16 END \
         WHERE org_id = $1 AND id = $2 AND lease = $3 RETURNING state",
    )
    .bind(attempt.org.as_str())
    .bind(attempt.id.as_str())
    .bind(attempt.lease.as_deref())
    .bind(state.as_str())
    .bind(again_at.map(codec::millis))
    .bind(i64::from(matches!(outcome, Outcome::Postponed { .. })))
    .bind(i64::from(unsure))
    .bind(answer.carrier.as_ref().map(CarrierId::as_str))
    .bind(answer.provider_id.as_deref())
    .bind(answer.code.as_deref())
    .bind(answer.message.as_deref())
    .bind(answer.latency_ms)
    .bind(deadline_at.map(codec::millis))
    .bind((state == AttemptState::Sent).then(|| codec::millis(now)))
    .bind(ended_at.map(codec::millis))
    .bind(codec::millis(now))
    .fetch_optional(db)
    .await?;
    touch(Topic::Events);
    if again_at.is_some() {
        touch(Topic::Outbox);
    }
    row.map(|row| codec::named(&row, "state", AttemptState::named)).transpose()
}

/// A provider's report. `rank` rises on the way of a message or call (queued, sent, delivered); what is
/// no higher than an earlier report is old news: `None`.
pub async fn report(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AttemptId,
    rank: i64,
    state: AttemptState,
    answer: &Answer,
    now: Instant,
) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query(with_columns!(
        "UPDATE attempts SET status_rank = $3, state = $4, carrier = COALESCE($5, carrier), \
         provider_id = COALESCE($6, provider_id), code = COALESCE($7, code), message = COALESCE($8, message), \
         sent_at = COALESCE(sent_at, $9), ended_at = COALESCE($10, ended_at) \
         WHERE org_id = $1 AND id = $2 AND status_rank < $3 RETURNING",
        ""
    ))
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(rank)
    .bind(state.as_str())
    .bind(answer.carrier.as_ref().map(CarrierId::as_str))
    .bind(answer.provider_id.as_deref())
    .bind(answer.code.as_deref())
    .bind(answer.message.as_deref())
    .bind(codec::millis(now))
    .bind(state.is_end().then(|| codec::millis(now)))
    .fetch_optional(db)
    .await?;
    touch(Topic::Events);
    row.as_ref().map(read).transpose()
}

/// From when on its reports are missed. `None`: more may still come, and nobody waits for it.
pub async fn expect_report(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AttemptId,
    by: Option<Instant>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempts SET deadline_at = $3 WHERE org_id = $1 AND id = $2")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(by.map(codec::millis))
        .execute(db)
        .await?;
    Ok(())
}

/// When the next one may be claimed; `None`: the outbox is empty.
pub async fn next_due(db: &mut AnyConnection) -> Result<Option<Instant>, StoreError> {
    let row = sqlx::query(
        "SELECT MIN(ready_at) AS ready_at FROM attempts WHERE state IN ('due', 'sending') AND set_aside = 0",
    )
    .fetch_one(db)
    .await?;
    opt_instant(&row, "ready_at")
}

/// How many wait, for metrics and for whoever looks after the service.
/// Since when the page that has waited longest is due, of those that nobody works on.
pub async fn oldest_due_page(db: &mut AnyConnection) -> Result<Option<Instant>, StoreError> {
    let row = sqlx::query(
        "SELECT MIN(ready_at) AS ready_at FROM attempts \
         WHERE state IN ('due', 'sending') AND set_aside = 0 AND kind = 'page'",
    )
    .fetch_one(db)
    .await?;
    opt_instant(&row, "ready_at")
}

pub async fn count_due(db: &mut AnyConnection, now: Instant) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS count FROM attempts \
         WHERE state IN ('due', 'sending') AND set_aside = 0 AND ready_at <= $1",
    )
    .bind(codec::millis(now))
    .fetch_one(db)
    .await?;
    Ok(row.try_get("count")?)
}

async fn set_aside(db: &mut AnyConnection, attempt: &Attempt) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET set_aside = 1, state = 'unknown', ended_at = ready_at, lease = NULL \
         WHERE org_id = $1 AND id = $2 AND lease = $3",
    )
    .bind(attempt.org.as_str())
    .bind(attempt.id.as_str())
    .bind(attempt.lease.as_deref())
    .execute(db)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use futures::future::join_all;

    use super::*;
    use crate::{
        clock::Ids,
        model::{
            id::{AlertId, NotificationId},
            person::{Address, PushSubscription},
        },
        store::{
            Store,
            attempts::{self, AttemptKind, NewAttempt},
            testing::{at, on_both, org},
        },
    };

    fn sms() -> Address {
        Address::Sms("+4915110000001".parse().unwrap())
    }

    fn voice() -> Address {
        Address::Voice("+4915110000001".parse().unwrap())
    }

    async fn put(store: &Store, ids: &Ids, change: impl FnOnce(&mut NewAttempt)) -> AttemptId {
        let mut attempt = NewAttempt {
            id: ids.id(at(0)),
            notification: None,
            alert: None,
            person: Some("anna".parse().unwrap()),
            method: Some("mobile".parse().unwrap()),
            address: sms(),
            kind: AttemptKind::Page,
            text: "{}".to_owned(),
            held: false,
            due_at: at(0),
            created_at: at(0),
        };
        change(&mut attempt);
        let id = attempt.id.clone();
        store.write(async move |db| attempts::insert(db, &org(), &attempt).await).await.unwrap();
        id
    }

    async fn claim_at(store: &Store, now: i64, lease: &str) -> Vec<Attempt> {
        let lease = lease.to_owned();
        store.write(async move |db| claim(db, at(now), at(now + 30), &lease, 10).await).await.unwrap().due
    }

    async fn record_one(store: &Store, attempt: &Attempt, outcome: Outcome) -> Option<AttemptState> {
        let attempt = attempt.clone();
        let answer = Answer { provider_id: Some("SM1".to_owned()), ..Answer::default() };
        store.write(async move |db| record(db, &attempt, &outcome, &answer, at(1)).await).await.unwrap()
    }

    async fn report_one(store: &Store, id: &AttemptId, rank: i64, state: AttemptState) -> bool {
        let id = id.clone();
        store
            .write(async move |db| report(db, &org(), &id, rank, state, &Answer::default(), at(2)).await)
            .await
            .unwrap()
            .is_some()
    }

    async fn get(store: &Store, id: &AttemptId) -> Attempt {
        attempts::by_id(&mut store.read().await.unwrap(), &org(), id).await.unwrap().unwrap()
    }

    const SENT: Outcome = Outcome::Sent { ended: false, deadline_at: None };

    on_both! {
        async fn no_more_is_claimed_than_there_is_room_for(store: Store) {
            let ids = Ids::seeded(1);
            for n in 0..40 {
                put(&store, &ids, |attempt| attempt.due_at = at(n)).await;
            }
            for n in 0..4 {
                assert_eq!(claim_at(&store, 100, &format!("lease-{n}")).await.len(), 10);
            }
            assert!(claim_at(&store, 100, "last").await.is_empty());
        }

        async fn what_is_due_is_claimed_once_among_many_senders(store: Store) {
            let ids = Ids::seeded(1);
            for n in 0..60 {
                put(&store, &ids, |attempt| attempt.due_at = at(n)).await;
            }
            let claims = (0..12).map(|n| {
                let store = store.clone();
                async move { claim_at(&store, 100, &format!("lease-{n}")).await }
            });
            let claimed: Vec<Attempt> = join_all(claims).await.into_iter().flatten().collect();
            let distinct: BTreeSet<&AttemptId> = claimed.iter().map(|attempt| &attempt.id).collect();
            assert_eq!((claimed.len(), distinct.len()), (60, 60));
        }

        async fn what_a_crashed_sender_left_comes_back_unsure_and_its_late_answer_is_refused(store: Store) {
            let id = put(&store, &Ids::seeded(1), |_| {}).await;
            let first = claim_at(&store, 0, "one").await.remove(0);
            assert!(!first.unsure);
            assert_eq!(next_due(&mut store.read().await.unwrap()).await.unwrap(), Some(at(30)));
            let second = claim_at(&store, 30, "two").await.remove(0);
            assert!(second.unsure && second.tries == 2);
            assert_eq!(record_one(&store, &first, SENT).await, None);
            assert_eq!(record_one(&store, &second, SENT).await, Some(AttemptState::Sent));
            let sent = get(&store, &id).await;
            assert_eq!((sent.provider_id.as_deref(), sent.sent_at, sent.ended_at), (Some("SM1"), Some(at(1)), None));
            assert_eq!(next_due(&mut store.read().await.unwrap()).await.unwrap(), None);
        }

        async fn a_report_that_is_faster_than_the_answer_stays(store: Store) {
            let id = put(&store, &Ids::seeded(1), |_| {}).await;
            let attempt = claim_at(&store, 0, "one").await.remove(0);
            assert!(report_one(&store, &id, 3, AttemptState::Delivered).await);
            let again = Outcome::Again { at: at(5), unsure: true };
            assert_eq!(record_one(&store, &attempt, again).await, Some(AttemptState::Delivered));
            assert_eq!(claim_at(&store, 100, "two").await, [], "what was delivered is not sent again");
            assert_eq!(get(&store, &id).await.provider_id.as_deref(), Some("SM1"));
        }

        async fn reports_count_by_rank_in_any_order_and_twice(store: Store) {
            let id = put(&store, &Ids::seeded(1), |_| {}).await;
            let attempt = claim_at(&store, 0, "one").await.remove(0);
            record_one(&store, &attempt, SENT).await;
            assert!(report_one(&store, &id, 1, AttemptState::Sent).await);
            assert!(report_one(&store, &id, 3, AttemptState::Delivered).await);
            assert!(!report_one(&store, &id, 3, AttemptState::Delivered).await);
            assert!(!report_one(&store, &id, 2, AttemptState::Sent).await);
            let attempt = get(&store, &id).await;
            assert_eq!((attempt.state, attempt.ended_at), (AttemptState::Delivered, Some(at(2))));
        }

        async fn a_retry_waits_and_a_postponed_try_does_not_count(store: Store) {
            let id = put(&store, &Ids::seeded(1), |_| {}).await;
            let attempt = claim_at(&store, 0, "one").await.remove(0);
            record_one(&store, &attempt, Outcome::Again { at: at(5), unsure: false }).await;
            assert_eq!(claim_at(&store, 4, "two").await, []);
            let attempt = claim_at(&store, 5, "two").await.remove(0);
            assert_eq!((attempt.tries, attempt.unsure), (2, false));
            record_one(&store, &attempt, Outcome::Postponed { at: at(60) }).await;
            assert_eq!(get(&store, &id).await.tries, 1);
        }

        async fn an_acknowledgement_drops_pages_and_leaves_notices(store: Store) {
            let ids = Ids::seeded(1);
            let alert: AlertId = ids.id(at(0));
            let of_alert = |kind, held, due_at| {
                let alert = alert.clone();
                move |attempt: &mut NewAttempt| {
                    (attempt.alert, attempt.kind) = (Some(alert), kind);
                    (attempt.held, attempt.due_at) = (held, due_at);
                }
            };
            let sending = put(&store, &ids, of_alert(AttemptKind::Page, false, at(0))).await;
            assert_eq!(claim_at(&store, 0, "one").await.len(), 1);
            let due = put(&store, &ids, of_alert(AttemptKind::Page, false, at(60))).await;
            let held = put(&store, &ids, of_alert(AttemptKind::Page, true, at(0))).await;
            let notice = put(&store, &ids, of_alert(AttemptKind::Notice, false, at(60))).await;
            let other = put(&store, &ids, |_| {}).await;
            let dropped = alert.clone();
            let mut dropped = store
                .write(async move |db| attempts::drop_pages(db, &org(), &dropped, "anna has taken it", at(9)).await)
                .await
                .unwrap();
            dropped.sort();
            assert_eq!(dropped, [due.clone(), held]);
            assert_eq!(get(&store, &due).await.message.as_deref(), Some("anna has taken it"));
            assert_eq!(get(&store, &sending).await.state, AttemptState::Sending);
            assert_eq!(get(&store, &notice).await.state, AttemptState::Due);
            assert_eq!(get(&store, &other).await.state, AttemptState::Due);
            let mut db = store.read().await.unwrap();
            let anna = "anna".parse().unwrap();
            assert_eq!(attempts::people_paged(&mut db, &org(), &alert).await.unwrap(), [anna]);
        }

        async fn voice_pages_wait_while_a_call_rings_people(store: Store) {
            let ids = Ids::seeded(1);
            let alert: AlertId = ids.id(at(0));
            let text = put(&store, &ids, |attempt| attempt.alert = Some(alert.clone())).await;
            let phone = put(&store, &ids, |attempt| {
                attempt.alert = Some(alert.clone());
                attempt.address = voice();
            })
            .await;
            let held = alert.clone();
            store.write(async move |db| attempts::hold_voice_pages(db, &org(), &held).await).await.unwrap();
            assert_eq!(claim_at(&store, 10, "one").await.iter().map(|a| &a.id).collect::<Vec<_>>(), [&text]);
            store.write(async move |db| attempts::release_held(db, &org(), &alert, at(20)).await).await.unwrap();
            let claimed = claim_at(&store, 20, "one").await;
            assert_eq!((&claimed[0].id, claimed[0].due_at), (&phone, at(20)));
        }

        async fn when_a_rule_fails_the_next_one_comes_at_once(store: Store) {
            let ids = Ids::seeded(1);
            let (alert, notification): (AlertId, NotificationId) = (ids.id(at(0)), ids.id(at(0)));
            let mut rules = Vec::new();
            for seconds in [0, 300, 600] {
                rules.push(put(&store, &ids, |attempt| {
                    (attempt.alert, attempt.notification) = (Some(alert.clone()), Some(notification.clone()));
                    attempt.due_at = at(seconds);
                }).await);
            }
            for expect in [Some(&rules[1]), Some(&rules[2]), None] {
                let (alert, notification) = (alert.clone(), notification.clone());
                let brought = store
                    .write(async move |db| attempts::bring_forward(db, &org(), &alert, &notification, at(10)).await)
                    .await
                    .unwrap();
                assert_eq!(brought.as_ref().map(|attempt| &attempt.id), expect);
            }
        }

        async fn an_address_is_kept_as_it_was(store: Store) {
            let ids = Ids::seeded(1);
            let push = PushSubscription {
                endpoint: "https://push.example/x".to_owned(),
                p256dh: "BK".to_owned(),
                auth: "aa".to_owned(),
            };
            for address in [sms(), voice(), Address::Email("anna@msp.example".to_owned()), Address::Push(push)] {
                let id = put(&store, &ids, |attempt| attempt.address = address.clone()).await;
                assert_eq!(get(&store, &id).await.address, address);
            }
        }
    }
}
