//! `/callbacks`: what customers were promised. The list; `call` rings a technician and then the customer;
//! `done` says that it was done otherwise. The command line does the same by the same functions.

use axum::{
    Extension, Json,
    extract::{OriginalUri, Path, RawQuery, Request, State},
    http::StatusCode,
};
use serde_json::Value;
use sqlx::AnyConnection;

use super::{
    Api, BODY_BYTES_MAX,
    doing::{By, actor},
    failed,
    fields::{Fields, refused},
    idempotency::Repeatable,
    query::Query,
    wire::{Callback, CallbackOutcome, Page},
};
use crate::{
    model::{
        alert::{Actor, AlertState},
        callback::Callback as Row,
        id::{CallbackId, OrgId, PersonId},
    },
    store::{
        StoreError,
        alerts::{self, AlertRow},
        callbacks, seen,
    },
    web::{body, caller::Caller, problem::Problem},
    work::{
        Acting,
        callbacks::{self as work, Settled},
    },
};

const NAME_MAX: usize = 80;

/// The newest first; with `open` the most urgent first.
pub async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Json<Page<Callback>>, Problem> {
    let query = Query::read(query.as_deref(), &["open", "limit", "cursor"])?;
    let (open, limit, before) = (query.flag("open")?, query.limit()?, query.parsed::<CallbackId>("cursor")?);
    let org = api.context.directory().org.clone();
    let page = async {
        let mut db = api.context.store.read().await?;
        page(&mut db, &org, open, before.as_ref(), limit + 1).await
    };
    let mut page = Page::of(page.await.map_err(|error| failed(&error))?, limit, |callback| callback.id.clone());
    if open {
        // By urgency there is no place to go on from: what is settled makes room for the next.
        page.next = None;
    }
    Ok(Json(page))
}

/// The newest before that one; with `open` the most urgent.
pub async fn page(
    db: &mut AnyConnection,
    org: &OrgId,
    open: bool,
    before: Option<&CallbackId>,
    limit: i64,
) -> Result<Vec<Callback>, StoreError> {
    let rows = match open {
        true => callbacks::open(db, org, limit).await?,
        false => callbacks::list(db, org, before, limit).await?,
    };
    let mut found = Vec::new();
    for row in &rows {
        found.push(Callback::new(row, &alert_of(db, org, row).await?));
    }
    Ok(found)
}

async fn alert_of(db: &mut AnyConnection, org: &OrgId, row: &Row) -> Result<AlertRow, StoreError> {
    let alert = alerts::by_id(db, org, &row.alert).await?;
    alert.ok_or_else(|| StoreError::corrupt("callbacks.alert_id", row.alert.as_str()))
}

/// What is done about a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// This person is rung; `None`: whoever has taken the alert.
    Call(Option<PersonId>),
    Done,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Acted {
    Done(Callback),
    Already(Callback),
    /// Nobody was named, and nobody has taken it.
    NobodyToRing,
    Missing,
}

pub async fn call(api: State<Api>, caller: Extension<Caller>, path: Path<String>, request: Request) -> Answer {
    answer(api, caller, path, request, true).await
}

pub async fn done(api: State<Api>, caller: Extension<Caller>, path: Path<String>, request: Request) -> Answer {
    answer(api, caller, path, request, false).await
}

type Answer = Result<Json<Value>, Problem>;

async fn answer(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(given): Path<String>,
    request: Request,
    rings: bool,
) -> Answer {
    caller.may_write()?;
    let name = Named::read(&given)?;
    let path = request.extensions().get::<OriginalUri>().map_or_else(String::new, |uri| uri.path().to_owned());
    let headers = request.headers().clone();
    let body = body::read(request.into_body(), BODY_BYTES_MAX).await.map_err(|error| refused(&error))?;
    let repeatable = Repeatable::read(&headers, &caller, &path, &body)?;
    let acting = api.context.acting();
    let mut fields = Fields::read(&body)?;
    let by = fields.text("by", NAME_MAX).unwrap_or_else(|| caller.name.clone());
    let person = if rings { fields.parsed::<PersonId>("person") } else { None };
    if let Some(person) = &person
        && !acting.directory.people.contains_key(person)
    {
        fields.wrong("person", "there is no such person; `pikett apply` declares one");
    }
    fields.finish()?;
    let by = By { actor: actor(&acting, &by), how: caller.how };
    let deed = if rings { Deed::Call(person) } else { Deed::Done };
    let doing = Doing { acting, name, deed, by, repeatable };
    let unit = doing.clone();
    match api.context.change(async move |db| unit.run(db).await).await {
        Ok(Ok(outcome)) => Ok(Json(outcome)),
        Ok(Err(Not::Before(kept))) => {
            let repeatable = doing.repeatable.as_ref().expect("only what is repeatable was kept");
            repeatable.recall(&kept).map(Json)
        }
        Ok(Err(Not::Missing)) => Err(missing(&given)),
        Ok(Err(Not::Settled)) => Err(Problem::new(StatusCode::CONFLICT, "the callback is settled")
            .detail("nobody is rung for what is kept or done")),
        Ok(Err(Not::NobodyToRing)) => {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the request's fields are wrong")
                .field("/person", "is missing, and nobody has taken the callback yet"))
        }
        Err(StoreError::Stale(_)) => Err(Problem::unavailable()),
        Err(error) => Err(failed(&error)),
    }
}

#[derive(Clone)]
struct Doing {
    acting: Acting,
    name: Named,
    deed: Deed,
    by: By,
    repeatable: Option<Repeatable>,
}

/// Why nothing was done.
enum Not {
    /// The same request was answered already.
    Before(String),
    Missing,
    Settled,
    NobodyToRing,
}

impl Doing {
    async fn run(&self, db: &mut AnyConnection) -> Result<Result<Value, Not>, StoreError> {
        let org = self.acting.org();
        if let Some(repeatable) = &self.repeatable
            && let Some(kept) = seen::answer(db, org, &repeatable.key).await?
        {
            return Ok(Err(Not::Before(kept)));
        }
        let outcome = match perform(db, &self.acting, &self.name, &self.deed, &self.by).await? {
            Acted::Done(callback) => CallbackOutcome { changed: true, callback },
            Acted::Already(callback) if self.deed == Deed::Done => CallbackOutcome { changed: false, callback },
            Acted::Already(_) => return Ok(Err(Not::Settled)),
            Acted::NobodyToRing => return Ok(Err(Not::NobodyToRing)),
            Acted::Missing => return Ok(Err(Not::Missing)),
        };
        let answer = serde_json::to_value(outcome).expect("strings and numbers can be written");
        if let Some(repeatable) = &self.repeatable
            && !seen::remember(db, org, &repeatable.key, &repeatable.keep(&answer), self.acting.now).await?
        {
            return Err(StoreError::Stale("the same request is being answered"));
        }
        Ok(Ok(answer))
    }
}

/// Part of a unit of work.
pub async fn perform(
    db: &mut AnyConnection,
    acting: &Acting,
    name: &Named,
    deed: &Deed,
    by: &By,
) -> Result<Acted, StoreError> {
    let org = acting.org();
    let Some(row) = name.find(db, org).await? else { return Ok(Acted::Missing) };
    let is_done = match deed {
        Deed::Done => matches!(work::done(db, acting, &row.id, &by.actor, by.how).await?, Settled::Done(_)),
        Deed::Call(_) if !row.is_open() => false,
        Deed::Call(person) => {
            let alert = alert_of(db, org, &row).await?;
            let taker = match &alert.alert.state {
                AlertState::Acknowledged { by: Actor::Person(person), .. } => Some(person.clone()),
                AlertState::Triggered | AlertState::Acknowledged { .. } | AlertState::Resolved { .. } => None,
            };
            let Some(person) = person.clone().or(taker) else { return Ok(Acted::NobodyToRing) };
            work::ring(db, acting, &row, &person, acting.now).await?;
            true
        }
    };
    let row = callbacks::by_id(db, org, &row.id).await?.unwrap_or(row);
    let callback = Callback::new(&row, &alert_of(db, org, &row).await?);
    Ok(if is_done { Acted::Done(callback) } else { Acted::Already(callback) })
}

/// How people and programs name a promise: its id, or the number of its alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    Id(CallbackId),
    Alert(i64),
}

impl Named {
    fn read(given: &str) -> Result<Self, Problem> {
        given.parse().map_err(|error: String| {
            Problem::new(StatusCode::BAD_REQUEST, "this names no callback").field("callback", error)
        })
    }

    pub async fn find(&self, db: &mut AnyConnection, org: &OrgId) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Id(id) => callbacks::by_id(db, org, id).await,
            Self::Alert(number) => match alerts::by_number(db, org, *number).await? {
                Some(row) => callbacks::of_alert(db, org, &row.alert.id).await,
                None => Ok(None),
            },
        }
    }
}

impl std::str::FromStr for Named {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let number = given.strip_prefix('#').unwrap_or(given);
        if let Ok(number) = number.parse::<i64>() {
            return Ok(Self::Alert(number));
        }
        given.parse().map(Self::Id).map_err(|error| format!("{error}; or write the number of its alert"))
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Alert(number) => write!(f, "{number}"),
        }
    }
}

fn missing(given: &str) -> Problem {
    let given: String = given.chars().take(40).collect();
    Problem::new(StatusCode::NOT_FOUND, "there is no such callback").detail(format!("no callback is called `{given}`"))
}
