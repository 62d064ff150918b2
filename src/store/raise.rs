//! Opening alerts, one or many at once. What is accepted here is durable with two rows: the alert, and
//! the timer by which somebody will be told. Everything else follows from them.
//!
//! What comes again while its alert is open counts once more. When it is more urgent than before, the alert takes
//! its priority and its words, and the same commit sets the timer by which people are told anew.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::{
    AnyConnection, AssertSqlSafe, Row,
    any::{AnyArguments, AnyRow},
};

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
    /// It was open already, and less urgent.
    pub rise: Option<Rise>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rise {
    pub from: Priority,
    pub to: Priority,
    /// Somebody has taken it: nobody is told anew.
    pub acknowledged: bool,
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
    let keys: Vec<(AlertId, Option<Dedup>, Option<Instant>)> =
        alerts.iter().map(|alert| (alert.id.clone(), alert.dedup.clone(), alert.escalate_at)).collect();
    let answers = insert_alerts(db, org, alerts).await?;
    let (mut all, mut timers) = (Vec::with_capacity(keys.len()), Vec::new());
    for (id, dedup, escalate_at) in keys {
        let raised = answers.take(&id, dedup).ok_or_else(|| StoreError::corrupt("alerts", id.as_str()))?;
        let tells = raised.new || raised.rise.is_some_and(|rise| !rise.acknowledged);
        timers.extend(escalate_at.filter(|_| tells).map(|at| (raised.id.clone(), codec::millis(at))));
        all.push(raised);
    }
    set_timers(db, org, timers).await?;
    touch(Topic::Events);
    Ok(all)
}

/// What the database answered: an alert that was open already answers by its key, with its own id.
#[derive(Default)]
struct Answers {
    by_id: BTreeMap<AlertId, Answer>,
    by_key: BTreeMap<Dedup, AlertId>,
}

struct Answer {
    number: i64,
    count: i64,
    rise: Option<Rise>,
}

impl Answers {
    fn take(&self, given: &AlertId, dedup: Option<Dedup>) -> Option<Raised> {
        let id = dedup.and_then(|dedup| self.by_key.get(&dedup)).unwrap_or(given);
        let Answer { number, count, rise } = *self.by_id.get(id)?;
        Some(Raised { id: id.clone(), number, count, new: id == given, rise })
    }
}

/// A value of the row after a repetition. `P1` comes before `P2`, also as text.
macro_rules! when_more_urgent {
    ($then:literal, $otherwise:literal) => {
        concat!("CASE WHEN excluded.priority < alerts.priority THEN ", $then, " ELSE ", $otherwise, " END")
    };
}

async fn insert_alerts(db: &mut AnyConnection, org: &OrgId, alerts: Vec<NewAlert>) -> Result<Answers, StoreError> {
    static STATEMENTS: Statements = Statements::new(
        "INSERT INTO alerts (org_id, id, number, title, state, priority, category, source, customer_id, \
         contract_id, policy_id, policy, dedup_scope, dedup_key, count, round, opened_at, call_id, details, rev) VALUES ",
        "(?, ?, ?, ?, 'triggered', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 0)",
        // The more urgent event speaks for both. A changed `rev` makes an escalation that is deciding meanwhile
        // decide anew.
        concat!(
            " ON CONFLICT (org_id, dedup_scope, dedup_key) WHERE state <> 'resolved' ",
            "DO UPDATE SET count = alerts.count + excluded.count, priority_before = alerts.priority, priority = ",
            when_more_urgent!("excluded.priority", "alerts.priority"),
            ", title = ",
            when_more_urgent!("excluded.title", "alerts.title"),
            ", category = ",
            when_more_urgent!("COALESCE(excluded.category, alerts.category)", "alerts.category"),
            ", details = ",
            when_more_urgent!("excluded.details", "alerts.details"),
            ", risen_from = CASE WHEN excluded.priority < alerts.priority AND alerts.state = 'triggered' ",
            "THEN COALESCE(alerts.risen_from, alerts.priority) ELSE alerts.risen_from END, rev = ",
            when_more_urgent!("alerts.rev + 1", "alerts.rev"),
            " RETURNING id, number, count, state, priority, priority_before, dedup_scope, dedup_key"
        ),
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
            let answer = Answer { number: row.try_get("number")?, count: row.try_get("count")?, rise: rise(&row)? };
            answers.by_id.insert(id, answer);
        }
    }
    Ok(answers)
}

fn rise(row: &AnyRow) -> Result<Option<Rise>, StoreError> {
    let Some(from) = opt_parsed::<Priority>(row, "priority_before")? else { return Ok(None) };
    let to: Priority = parsed(row, "priority")?;
    let acknowledged = row.try_get::<&str, _>("state")? == "acknowledged";
    Ok((to < from).then_some(Rise { from, to, acknowledged }))
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

/// Those of alerts that have risen are set already, and moved.
async fn set_timers(db: &mut AnyConnection, org: &OrgId, timers: Vec<(AlertId, i64)>) -> Result<(), StoreError> {
    static STATEMENTS: Statements = Statements::new(
        "INSERT INTO timers (org_id, kind, subject, due_at, ready_at, tries, payload, set_aside) VALUES ",
        "(?, 'escalate', ?, ?, ?, 0, '', 0)",
        " ON CONFLICT (org_id, kind, subject) DO UPDATE SET due_at = excluded.due_at, ready_at = excluded.ready_at, \
         lease = NULL, tries = 0, payload = excluded.payload, set_aside = 0",
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
            assert_eq!(raised, Raised { id: alert.id.clone(), number: 1, count: 1, new: true, rise: None });
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
                    assert_eq!(*raised, Raised { id: open.id.clone(), number: 1, count: 8, new: false, rise: None });
                } else {
                    assert_eq!((&raised.id, raised.number, raised.new), (&alert.id, alert.number, true));
                }
            }
            let mut db = store.read().await.unwrap();
            assert_eq!(timers::count_due(&mut db, at(0)).await.unwrap(), 101);
        }

        async fn a_more_urgent_event_raises_its_open_alert_and_tells_anew(store: Store) {
            let ids = Ids::seeded(1);
            let event = |number, priority, title: &str| {
                let mut event = an_alert(&ids, number, Some("disk"));
                (event.priority, event.title, event.details) = (priority, title.to_owned(), format!("\"{title}\""));
                event.escalate_at = Some(at(number));
                event
            };
            let open = raise_one(&store, event(1, Priority::P3, "filling")).await;
            let due = async || {
                let mut db = store.read().await.unwrap();
                timers::due_at(&mut db, &org(), ESCALATE, open.id.as_str()).await.unwrap()
            };
            let row = async || alerts::by_id(&mut store.read().await.unwrap(), &org(), &open.id).await.unwrap().unwrap();
            let before = row().await;
            assert_eq!(raise_one(&store, event(2, Priority::P4, "calm")).await.rise, None, "less urgent changes nothing");
            assert_eq!((due().await, row().await.rev), (Some(at(1)), before.rev));
            let raised = raise_one(&store, event(3, Priority::P1, "full")).await;
            let rise = Rise { from: Priority::P3, to: Priority::P1, acknowledged: false };
            assert_eq!((raised.new, raised.count, raised.rise), (false, 3, Some(rise)));
            let risen = row().await;
            assert_eq!((risen.alert.priority, risen.alert.title.as_str()), (Priority::P1, "full"));
            assert_eq!((risen.details.as_str(), risen.risen_from), ("\"full\"", Some(Priority::P3)));
            assert!(risen.rev > before.rev, "whoever was deciding must decide anew");
            assert_eq!(due().await, Some(at(3)));
            assert_eq!(raise_one(&store, event(4, Priority::P2, "filling")).await.rise, None);
            assert_eq!((row().await.alert.priority, row().await.alert.title), (Priority::P1, "full".to_owned()));
        }

        async fn an_acknowledged_alert_rises_without_a_timer(store: Store) {
            let ids = Ids::seeded(1);
            let mut event = an_alert(&ids, 1, Some("disk"));
            event.priority = Priority::P3;
            let open = raise_one(&store, event).await;
            let id = open.id.clone();
            let taken = store.write(async move |db| {
                timers::clear(db, &org(), ESCALATE, id.as_str()).await?;
                alerts::acknowledge(db, &org(), &id, &Actor::System, at(1)).await
            });
            taken.await.unwrap().unwrap();
            let raised = raise_one(&store, an_alert(&ids, 2, Some("disk"))).await;
            assert_eq!(raised.rise, Some(Rise { from: Priority::P3, to: Priority::P1, acknowledged: true }));
            let mut db = store.read().await.unwrap();
            assert_eq!(timers::due_at(&mut db, &org(), ESCALATE, open.id.as_str()).await.unwrap(), None);
            let row = alerts::by_id(&mut db, &org(), &open.id).await.unwrap().unwrap();
            assert_eq!((row.alert.priority, row.risen_from), (Priority::P1, None));
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
