//! Every store test runs on both databases, and its name says which one failed.

#[path = "../../tests/support/database.rs"]
mod database;

pub use database::Scratch;
use sqlx::{Row, any::AnyRow};

use super::{
    Store,
    raise::{Dedup, NewAlert},
};
use crate::{
    clock::Ids,
    model::{Instant, alert::Source, id::OrgId, priority::Priority},
};

/// Makes two tests of one: `name::sqlite` and `name::postgres`, each with a database of its own.
///
/// ```ignore
/// on_both! {
///     async fn an_alert_is_raised_once(store: Store) { … }
/// }
/// ```
macro_rules! on_both {
    ($(async fn $name:ident($store:ident: Store) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn test($store: crate::store::Store) $body

            #[tokio::test]
            async fn sqlite() {
                $crate::store::testing::on_sqlite(test).await;
            }

            #[tokio::test]
            async fn postgres() {
                $crate::store::testing::on_postgres(test).await;
            }
        }
    )*};
}
pub(crate) use on_both;

pub async fn on_sqlite(test: impl AsyncFnOnce(Store)) {
    on(Scratch::sqlite(), test).await;
}

pub async fn on_postgres(test: impl AsyncFnOnce(Store)) {
    on(Scratch::postgres().await, test).await;
}

async fn on(scratch: Scratch, test: impl AsyncFnOnce(Store)) {
    let store = Store::open(&scratch.url).await.expect("a fresh database opens");
    test(store.clone()).await;
    store.close().await;
    scratch.remove().await;
}

pub fn org() -> OrgId {
    "default".parse().unwrap()
}

/// Seconds after an evening on which nothing else happens.
pub fn at(seconds: i64) -> Instant {
    Instant::from_timestamp(1_772_330_400 + seconds, 0).unwrap()
}

/// An alert of the integration `acme-monitoring`, to be told about at once.
pub fn an_alert(ids: &Ids, number: i64, key: Option<&str>) -> NewAlert {
    NewAlert {
        id: ids.id(at(0)),
        number,
        title: format!("Disk {number} is full"),
        priority: Priority::P1,
        category: Some("storage".to_owned()),
        source: Source::Integration("acme-monitoring".parse().unwrap()),
        customer: Some("acme".parse().unwrap()),
        contract: Some("acme-gold".parse().unwrap()),
        policy: None,
        dedup: key.map(|key| Dedup { scope: "integration:acme-monitoring".to_owned(), key: key.to_owned() }),
        count: 1,
        call: None,
        details: r#"{"source":"db1"}"#.to_owned(),
        opened_at: at(0),
        escalate_at: Some(at(0)),
    }
}

/// How many rows are due or held under a lease, as of one moment.
pub async fn in_work(store: &Store, now: Instant) -> i64 {
    let mut db = store.read().await.expect("it is open");
    let statement = "SELECT (SELECT COUNT(*) FROM timers WHERE set_aside = 0 AND (lease IS NOT NULL OR ready_at <= $1)) \
                     + (SELECT COUNT(*) FROM attempts WHERE set_aside = 0 AND (lease IS NOT NULL \
                     OR state = 'due' AND ready_at <= $1)) AS count";
    let row = sqlx::query(statement).bind(now.timestamp_millis()).fetch_one(&mut *db).await.expect("it answers");
    row.get("count")
}

/// A page of an alert, with what a storm is judged by.
#[derive(Debug)]
pub struct Page {
    pub alert: String,
    pub is_bundle: bool,
    pub is_p1: bool,
    pub person: String,
    /// It was told by the page of a bundle.
    pub is_bundled: bool,
    pub opened_at: i64,
    pub sent_at: Option<i64>,
}

pub async fn pages(store: &Store) -> Vec<Page> {
    let mut db = store.read().await.expect("it is open");
    let statement = "SELECT alerts.id, alerts.source, alerts.priority, alerts.opened_at, attempts.person_id, \
                     attempts.bundle_id, attempts.sent_at FROM attempts JOIN alerts \
                     ON alerts.org_id = attempts.org_id AND alerts.id = attempts.alert_id \
                     WHERE attempts.kind = 'page' ORDER BY attempts.id";
    let rows = sqlx::query(statement).fetch_all(&mut *db).await.expect("it answers");
    let page = |row: &AnyRow| Page {
        alert: row.get("id"),
        is_bundle: row.get::<String, _>("source") == Source::Bundle.to_string(),
        is_p1: row.get::<String, _>("priority") == Priority::P1.as_str(),
        person: row.get("person_id"),
        is_bundled: row.get::<Option<String>, _>("bundle_id").is_some(),
        opened_at: row.get("opened_at"),
        sent_at: row.get("sent_at"),
    };
    rows.iter().map(page).collect()
}
