//! Opening alerts, one or many at once. What is accepted here is durable with two rows: the alert, and
//! the timer by which somebody will be told. Everything else follows from them.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyArguments};

use super::{
    codec::{self, opt_parsed, parsed},
    error::StoreError,
    policies,
    statements::Statements,
    wake::{Topic, touch},
};
use crate::{
    escalation::Policy,
    model::{
        Instant,
        alert::Source,
        id::{AlertId, CallId, ContractId, CustomerId, OrgId, PolicyId},
        priority::Priority,
    },
};

/// The kind of timer whose subject is an alert about which somebody wants to be told.
pub const ESCALATE: &str = "escalate";

#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert {
    pub id: AlertId,
    /// From `Store::alert_number`.
    pub number: i64,
    pub title: String,
    pub priority: Priority,
    pub category: Option<String>,
    pub source: Source,
    pub customer: Option<CustomerId>,
    pub contract: Option<ContractId>,
    pub policy: Option<Snapshot>,
    pub dedup: Option<Dedup>,
    /// How many events it stands for: more than 1 when equal ones came together.
    pub count: i64,
    pub call: Option<CallId>,
    /// JSON.
    pub details: String,
    pub opened_at: Instant,
    /// When to begin to tell people. `None`: somebody else sets the timer.
    pub escalate_at: Option<Instant>,
}

/// A policy as it was when the alert began. Made once per policy, since alerts come in crowds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub id: PolicyId,
    document: Arc<str>,
}

/// At most one alert per key is open; a key belongs to its scope (`integration:acme-monitoring`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dedup {
    pub scope: String,
    pub key: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    pub id: AlertId,
    pub number: i64,
    pub count: i64,
    /// `false`: one with this key was open already and counts once more.
    pub new: bool,
}

impl Snapshot {
    pub fn of(policy: &Policy) -> Self {
        Self { id: policy.id.clone(), document: policies::to_json(policy).into() }
    }
}

/// Opens an alert and sets its timer, or counts it once more if one with its key is open.
pub async fn raise(db: &mut AnyConnection, org: &OrgId, alert: NewAlert) -> Result<Raised, StoreError> {
    let mut raised = raise_all(db, org, vec![alert]).await?;
    raised.pop().ok_or_else(|| StoreError::corrupt("alerts", "no row of an insert"))
}

/// Like `raise` for each, in the same order, with few statements. No two of them may have the same key:
/// PostgreSQL refuses to touch a row twice in one statement.
pub async fn raise_all(db: &mut AnyConnection, org: &OrgId, alerts: Vec<NewAlert>) -> Result<Vec<Raised>, StoreError> {
    let keys: Vec<(AlertId, Option<Dedup>)> =
        alerts.iter().map(|alert| (alert.id.clone(), alert.dedup.clone())).collect();
    let mut due: BTreeMap<AlertId, i64> =
        alerts.iter().filter_map(|alert| Some((alert.id.clone(), codec::millis(alert.escalate_at?)))).collect();
    let answers = insert_alerts(db, org, alerts).await?;
    let raised: Vec<Raised> = keys
        .into_iter()
        .map(|(id, dedup)| answers.take(&id, dedup).ok_or_else(|| StoreError::corrupt("alerts", id.as_str())))
        .collect::<Result<_, _>>()?;
    let timers = raised.iter().filter(|raised| raised.new).filter_map(|raised| due.remove_entry(&raised.id)).collect();
    insert_timers(db, org, timers).await?;
    touch(Topic::Events);
    Ok(raised)
}

/// What the database answered: an alert that was open already answers by its key, with its own id.
#[derive(Default)]
struct Answers {
    by_id: BTreeMap<AlertId, (i64, i64)>,
    by_key: BTreeMap<Dedup, AlertId>,
}

impl Answers {
    fn take(&self, given: &AlertId, dedup: Option<Dedup>) -> Option<Raised> {
        let id = dedup.and_then(|dedup| self.by_key.get(&dedup)).unwrap_or(given);
        let (number, count) = *self.by_id.get(id)?;
        Some(Raised { id: id.clone(), number, count, new: id == given })
    }
}

async fn insert_alerts(db: &mut AnyConnection, org: &OrgId, alerts: Vec<NewAlert>) -> Result<Answers, StoreError> {
    static STATEMENTS: Statements = Statements::new(
        "INSERT INTO alerts (org_id, id, number, title, state, priority, category, source, customer_id, \
         contract_id, policy_id, policy, dedup_scope, dedup_key, count, round, opened_at, call_id, details, rev) VALUES ",
        "(?, ?, ?, ?, 'triggered', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 0)",
        " ON CONFLICT (org_id, dedup_scope, dedup_key) WHERE state <> 'resolved' \
         DO UPDATE SET count = alerts.count + excluded.count \
         RETURNING id, number, count, dedup_scope, dedup_key",
    );
    let mut answers = Answers::default();
    let mut rest = alerts.into_iter();
    while let Some((statement, rows)) = STATEMENTS.for_rows(rest.len()) {
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for alert in rest.by_ref().take(rows) {
            query = bind(query, org, alert);
        }
        for row in query.fetch_all(&mut *db).await? {
            let id: AlertId = parsed(&row, "id")?;
            if let (Some(scope), Some(key)) = (opt_parsed(&row, "dedup_scope")?, opt_parsed(&row, "dedup_key")?) {
                answers.by_key.insert(Dedup { scope, key }, id.clone());
            }
            answers.by_id.insert(id, (row.try_get("number")?, row.try_get("count")?));
        }
    }
    Ok(answers)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, AnyArguments>;

fn bind<'q>(query: Query<'q>, org: &OrgId, alert: NewAlert) -> Query<'q> {
    let (policy_id, policy) = alert.policy.map(|policy| (policy.id.to_string(), policy.document.to_string())).unzip();
    let (scope, key) = alert.dedup.map(|dedup| (dedup.scope, dedup.key)).unzip();
    query
        .bind(org.to_string())
        .bind(alert.id.to_string())
        .bind(alert.number)
        .bind(alert.title)
        .bind(alert.priority.as_str())
        .bind(alert.category)
        .bind(alert.source.to_string())
        .bind(alert.customer.map(|id| id.to_string()))
        .bind(alert.contract.map(|id| id.to_string()))
        .bind(policy_id)
        .bind(policy)
        .bind(scope)
        .bind(key)
        .bind(alert.count)
        .bind(codec::millis(alert.opened_at))
        .bind(alert.call.map(|id| id.to_string()))
        .bind(alert.details)
}

/// The alerts are new, so none of them has a timer yet.
async fn insert_timers(db: &mut AnyConnection, org: &OrgId, timers: Vec<(AlertId, i64)>) -> Result<(), StoreError> {
    static STATEMENTS: Statements = Statements::new(
        "INSERT INTO timers (org_id, kind, subject, due_at, ready_at, tries, payload, set_aside) VALUES ",
        "(?, 'escalate', ?, ?, ?, 0, '', 0)",
        "",
    );
    if !timers.is_empty() {
        touch(Topic::Timers);
    }
    let mut rest = timers.into_iter();
    while let Some((statement, rows)) = STATEMENTS.for_rows(rest.len()) {
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for (alert, due_at) in rest.by_ref().take(rows) {
            query = query.bind(org.to_string()).bind(alert.to_string()).bind(due_at).bind(due_at);
        }
        query.execute(&mut *db).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::{
        clock::Ids,
        model::alert::Actor,
        store::{
            Store, alerts,
            testing::{an_alert, at, on_both, org},
            timers,
        },
    };

    async fn raise_one(store: &Store, alert: NewAlert) -> Raised {
        store.write(async move |db| raise(db, &org(), alert.clone()).await).await.unwrap()
    }

    on_both! {
        async fn an_accepted_event_is_an_alert_and_a_timer(store: Store) {
            let alert = an_alert(&Ids::seeded(1), 1, Some("disk"));
            let raised = raise_one(&store, alert.clone()).await;
            assert_eq!(raised, Raised { id: alert.id.clone(), number: 1, count: 1, new: true });
            let mut db = store.read().await.unwrap();
            let row = alerts::by_number(&mut db, &org(), 1).await.unwrap().unwrap();
            assert_eq!((row.alert.id, row.alert.title), (alert.id.clone(), alert.title));
            let due = timers::due_at(&mut db, &org(), ESCALATE, alert.id.as_str()).await.unwrap();
            assert_eq!(due, Some(at(0)));
        }

        async fn equal_events_at_once_open_one_alert(store: Store) {
            let ids = Ids::seeded(1);
            let events = (1..=60).map(|number| raise_one(&store, an_alert(&ids, number, Some("disk"))));
            let raised = join_all(events).await;
            assert_eq!(raised.iter().filter(|raised| raised.new).count(), 1);
            assert!(raised.windows(2).all(|pair| pair[0].id == pair[1].id));
            let mut counts: Vec<i64> = raised.iter().map(|raised| raised.count).collect();
            counts.sort_unstable();
            assert_eq!(counts, (1..=60).collect::<Vec<_>>());
        }

        async fn a_crowd_of_events_is_answered_one_by_one_and_in_order(store: Store) {
            let ids = Ids::seeded(1);
            let open = raise_one(&store, an_alert(&ids, 1, Some("key-40"))).await;
            let mut crowd: Vec<NewAlert> =
                (2..=100).map(|number| an_alert(&ids, number, Some(&format!("key-{number}")))).collect();
            crowd.push(an_alert(&ids, 101, None));
            crowd.push(an_alert(&ids, 102, None));
            crowd[38].count = 7;
            let given = crowd.clone();
            let raised = store.write(async move |db| raise_all(db, &org(), crowd.clone()).await).await.unwrap();
            for (alert, raised) in given.iter().zip(&raised) {
                if alert.number == 40 {
                    assert_eq!(*raised, Raised { id: open.id.clone(), number: 1, count: 8, new: false });
                } else {
                    assert_eq!((&raised.id, raised.number, raised.new), (&alert.id, alert.number, true));
                }
            }
            let mut db = store.read().await.unwrap();
            assert_eq!(timers::count_due(&mut db, at(0)).await.unwrap(), 101);
        }

        async fn after_resolving_the_same_key_opens_a_new_alert(store: Store) {
            let ids = Ids::seeded(1);
            let first = raise_one(&store, an_alert(&ids, 1, Some("disk"))).await;
            let id = first.id.clone();
            store
                .write(async move |db| alerts::resolve(db, &org(), &id, &Actor::System, at(5)).await)
                .await
                .unwrap()
                .unwrap();
            let second = raise_one(&store, an_alert(&ids, 2, Some("disk"))).await;
            assert!(second.new && second.id != first.id);
        }

        async fn equal_keys_of_two_senders_are_two_alerts(store: Store) {
            let ids = Ids::seeded(1);
            let mut other = an_alert(&ids, 2, Some("disk"));
            other.dedup = Some(Dedup { scope: "integration:other".to_owned(), key: "disk".to_owned() });
            assert!(raise_one(&store, an_alert(&ids, 1, Some("disk"))).await.new);
            assert!(raise_one(&store, other).await.new);
        }
    }
}
