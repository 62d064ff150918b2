//! `/alerts`: what needs, or needed, a human.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::StatusCode,
};
use sqlx::AnyConnection;

use super::{
    Api, explain, failed,
    query::Query,
    wire::{Alert, Explanation, Page},
};
use crate::{
    model::id::{AlertId, OrgId},
    store::{
        StoreError,
        alerts::{self, AlertRow, Which},
        voicemails,
    },
    web::problem::Problem,
};

/// The newest first.
pub async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Json<Page<Alert>>, Problem> {
    let query = Query::read(query.as_deref(), &["open", "limit", "cursor"])?;
    let which = if query.flag("open")? { Which::Open } else { Which::All };
    let (limit, before) = (query.limit()?, query.parsed::<AlertId>("cursor")?);
    let org = api.context.directory().org.clone();
    let rows = async {
        let mut db = api.context.store.read().await?;
        let rows = alerts::list(&mut db, &org, which, before.as_ref(), limit + 1).await?;
        told(&mut db, &org, &rows).await
    };
    let items = rows.await.map_err(|error| failed(&error))?;
    Ok(Json(Page::of(items, limit, |alert: &Alert| alert.id.clone())))
}

pub async fn one(State(api): State<Api>, Path(given): Path<String>) -> Result<Json<Alert>, Problem> {
    let name = Named::read(&given)?;
    let org = api.context.directory().org.clone();
    let alert = async {
        let mut db = api.context.store.read().await?;
        match name.find(&mut db, &org).await? {
            Some(row) => told_one(&mut db, &org, &row).await.map(Some),
            None => Ok(None),
        }
    };
    Ok(Json(alert.await.map_err(|error| failed(&error))?.ok_or_else(|| missing(&given))?))
}

/// With what callers answered to the questions of an intake.
pub async fn told(db: &mut AnyConnection, org: &OrgId, rows: &[AlertRow]) -> Result<Vec<Alert>, StoreError> {
    // Most alerts are none of callers.
    let of_callers: Vec<&AlertId> = rows.iter().filter(|row| row.call.is_some()).map(|row| &row.alert.id).collect();
    let said = voicemails::answers(db, org, &of_callers).await?;
    Ok(rows.iter().map(|row| Alert::new(row, &said)).collect())
}

pub async fn told_one(db: &mut AnyConnection, org: &OrgId, row: &AlertRow) -> Result<Alert, StoreError> {
    let of_caller: Vec<&AlertId> = row.call.iter().map(|_| &row.alert.id).collect();
    let said = voicemails::answers(db, org, &of_caller).await?;
    Ok(Alert::new(row, &said))
}

pub async fn timeline(State(api): State<Api>, Path(given): Path<String>) -> Result<Json<Explanation>, Problem> {
    let name = Named::read(&given)?;
    let org = api.context.directory().org.clone();
    let explanation = async {
        let mut db = api.context.store.read().await?;
        explain::load(&mut db, &org, &name).await
    };
    let explanation = explanation.await.map_err(|error| failed(&error))?;
    Ok(Json(explanation.ok_or_else(|| missing(&given))?))
}

/// How people and programs name an alert: its id or its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    Id(AlertId),
    Number(i64),
}

impl Named {
    pub fn read(given: &str) -> Result<Self, Problem> {
        given
            .parse()
            .map_err(|error: String| Problem::new(StatusCode::BAD_REQUEST, "this names no alert").field("alert", error))
    }

    pub async fn find(&self, db: &mut AnyConnection, org: &OrgId) -> Result<Option<AlertRow>, StoreError> {
        match self {
            Self::Id(id) => alerts::by_id(db, org, id).await,
            Self::Number(number) => alerts::by_number(db, org, *number).await,
        }
    }
}

impl std::str::FromStr for Named {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let number = given.strip_prefix('#').unwrap_or(given);
        if let Ok(number) = number.parse::<i64>() {
            return Ok(Self::Number(number));
        }
        given.parse().map(Self::Id).map_err(|error| format!("{error}; or write the alert's number"))
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

pub fn missing(given: &str) -> Problem {
    let given: String = given.chars().take(40).collect();
    Problem::new(StatusCode::NOT_FOUND, "there is no such alert").detail(format!("no alert is called `{given}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_named_by_id_or_number() {
        assert_eq!("7".parse(), Ok(Named::Number(7)));
        assert_eq!("#7".parse(), Ok(Named::Number(7)));
        assert!(matches!("alr_00000000000000000000000000".parse(), Ok(Named::Id(_))));
        assert!("cll_00000000000000000000000000".parse::<Named>().unwrap_err().contains("no alert id"));
        assert!("disk".parse::<Named>().is_err());
    }
}
