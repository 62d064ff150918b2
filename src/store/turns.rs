//! What was answered at each turn of a call: a repeated webhook gets the same document again.

use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{error::StoreError, statements::Statements};
use crate::model::id::{CallId, OrgId};

/// In the unit of work that took the turn.
pub async fn put(
    db: &mut AnyConnection,
    org: &OrgId,
    call: &CallId,
    turn: u32,
    document: &str,
) -> Result<(), StoreError> {
    put_all(db, &[Answered { org, call, turn, document }]).await
}

/// What was answered at one turn.
pub(super) struct Answered<'a> {
    pub org: &'a OrgId,
    pub call: &'a CallId,
    pub turn: u32,
    pub document: &'a str,
}

pub(super) async fn put_all(db: &mut AnyConnection, answered: &[Answered<'_>]) -> Result<(), StoreError> {
    static STATEMENTS: Statements =
        Statements::new("INSERT INTO turns (org_id, call_id, turn, document) VALUES ", "(?, ?, ?, ?)", "");
    let mut rest = answered;
    while let Some((statement, rows)) = STATEMENTS.for_rows(rest.len()) {
        let mut query = sqlx::query(AssertSqlSafe(statement));
        let (these, others) = rest.split_at(rows);
        for Answered { org, call, turn, document } in these {
            query = query.bind(org.as_str()).bind(call.as_str()).bind(i64::from(*turn)).bind(*document);
        }
        query.execute(&mut *db).await?;
        rest = others;
    }
    Ok(())
}

pub async fn document(
    db: &mut AnyConnection,
    org: &OrgId,
    call: &CallId,
    turn: u32,
) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT document FROM turns WHERE org_id = $1 AND call_id = $2 AND turn = $3")
        .bind(org.as_str())
        .bind(call.as_str())
        .bind(i64::from(turn))
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| row.try_get("document")).transpose()?)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::{
        clock::Ids,
        store::testing::{at, on_both, org},
    };

    on_both! {
        async fn a_turn_has_one_document(store: Store) {
            let call: CallId = Ids::seeded(1).id(at(0));
            let puts = (0..5).map(|n| {
                let call = call.clone();
                store.write(async move |db| put(db, &org(), &call, 1, &format!("<Response>{n}</Response>")).await)
            });
            let kept: Vec<usize> =
                join_all(puts).await.into_iter().enumerate().filter_map(|(n, put)| put.is_ok().then_some(n)).collect();
            let [first] = kept[..] else { panic!("{kept:?}") };
            let mut db = store.read().await.unwrap();
            let found = document(&mut db, &org(), &call, 1).await.unwrap();
            assert_eq!(found, Some(format!("<Response>{first}</Response>")));
            assert_eq!(document(&mut db, &org(), &call, 2).await.unwrap(), None);
        }
    }
}
