//! What happened to an alert or a call, in whole sentences with their reasons. Only grows.

use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

use super::{
    codec::{self, instant, opt_parsed, parsed},
    error::StoreError,
    statements::Statements,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    id::{AlertId, CallId, EntryId, OrgId},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub id: EntryId,
    pub alert: Option<AlertId>,
    pub call: Option<CallId>,
    pub at: Instant,
    /// A word for programs: `opened`, `told`, `acknowledged`, …
    pub kind: String,
    /// The sentence for people.
    pub text: String,
    /// The fields behind the sentence.
    pub detail: Value,
}

pub async fn write(db: &mut AnyConnection, org: &OrgId, entry: &Entry) -> Result<(), StoreError> {
    write_all(db, org, std::slice::from_ref(entry)).await
}

pub async fn write_all(db: &mut AnyConnection, org: &OrgId, entries: &[Entry]) -> Result<(), StoreError> {
    let entries: Vec<(&OrgId, &Entry)> = entries.iter().map(|entry| (org, entry)).collect();
    write_for_all(db, &entries).await
}

/// Of several orgs.
pub(super) async fn write_for_all(db: &mut AnyConnection, entries: &[(&OrgId, &Entry)]) -> Result<(), StoreError> {
    static STATEMENTS: Statements = Statements::new(
        "INSERT INTO timeline (org_id, id, alert_id, call_id, at, kind, text, detail) VALUES ",
        "(?, ?, ?, ?, ?, ?, ?, ?)",
        "",
    );
    let mut rest = entries;
    while let Some((statement, rows)) = STATEMENTS.for_rows(rest.len()) {
        let mut query = sqlx::query(AssertSqlSafe(statement));
        let (these, others) = rest.split_at(rows);
        for (org, entry) in these {
            query = query
                .bind(org.as_str())
                .bind(entry.id.as_str())
                .bind(entry.alert.as_ref().map(AlertId::as_str))
                .bind(entry.call.as_ref().map(CallId::as_str))
                .bind(codec::millis(entry.at))
                .bind(entry.kind.as_str())
                .bind(entry.text.as_str())
                .bind(entry.detail.to_string());
        }
        query.execute(&mut *db).await?;
        rest = others;
    }
    touch(Topic::Events);
    Ok(())
}

/// The oldest first.
pub async fn of_alert(db: &mut AnyConnection, org: &OrgId, alert: &AlertId) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, alert_id, call_id, at, kind, text, detail FROM timeline \
         WHERE org_id = $1 AND alert_id = $2 ORDER BY id",
    )
    .bind(org.as_str())
    .bind(alert.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// The oldest first.
pub async fn of_call(db: &mut AnyConnection, org: &OrgId, call: &CallId) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, alert_id, call_id, at, kind, text, detail FROM timeline \
         WHERE org_id = $1 AND call_id = $2 ORDER BY id",
    )
    .bind(org.as_str())
    .bind(call.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// Of everything, the newest first.
pub async fn latest(db: &mut AnyConnection, org: &OrgId, limit: i64) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, alert_id, call_id, at, kind, text, detail FROM timeline \
         WHERE org_id = $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(org.as_str())
    .bind(limit)
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Entry, StoreError> {
    let detail: &str = row.try_get("detail")?;
    Ok(Entry {
        id: parsed(row, "id")?,
        alert: opt_parsed(row, "alert_id")?,
        call: opt_parsed(row, "call_id")?,
        at: instant(row, "at")?,
        kind: row.try_get("kind")?,
        text: row.try_get("text")?,
        detail: serde_json::from_str(detail).map_err(|_| StoreError::corrupt("timeline.detail", detail))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Ids,
        store::testing::{at, on_both, org},
    };

    on_both! {
        async fn the_latest_entries_come_first_and_no_more_than_asked_for(store: Store) {
            let ids = Ids::seeded(1);
            let entries: Vec<Entry> = (0..4)
                .map(|n| Entry {
                    id: ids.id(at(n)),
                    alert: None,
                    call: None,
                    at: at(n),
                    kind: "noted".to_owned(),
                    text: n.to_string(),
                    detail: Value::Null,
                })
                .collect();
            let written = store.write(async move |db| {
                for entry in &entries {
                    write(db, &org(), entry).await?;
                }
                latest(db, &org(), 3).await
            });
            let texts: Vec<String> = written.await.unwrap().into_iter().map(|entry| entry.text).collect();
            assert_eq!(texts, ["3", "2", "1"]);
        }
    }
}
