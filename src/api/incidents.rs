//! `/incidents`: outages as customers hear of them. Open (POST), look, update (PATCH). The command line
//! names and loads them by the same functions.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::{OriginalUri, Path, RawQuery, Request, State},
    http::StatusCode,
};
use serde_json::Value;
use sqlx::AnyConnection;

use super::{
    Api, BODY_BYTES_MAX,
    doing::actor,
    failed,
    fields::{Fields, refused},
    idempotency::Repeatable,
    query::Query,
    wire::{Incident, IncidentOutcome, IncidentStory, IncidentUpdate, Page},
};
use crate::{
    model::{
        alert::Actor,
        id::{IncidentId, OrgId},
        incident::{Incident as Row, TEXT_MAX, TITLE_MAX},
    },
    store::{StoreError, incidents, raise::Raised, seen},
    web::{body, caller::Caller, problem::Problem},
    work::{
        Acting,
        incidents::{self as work, Draft, Updated},
    },
};

const NAME_MAX: usize = 80;

/// The newest first.
pub async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Json<Page<Incident>>, Problem> {
    let query = Query::read(query.as_deref(), &["open", "limit", "cursor"])?;
    let (open, limit, before) = (query.flag("open")?, query.limit()?, query.parsed::<IncidentId>("cursor")?);
    let org = api.context.directory().org.clone();
    let rows = async {
        let mut db = api.context.store.read().await?;
        if open {
            let all = incidents::open(&mut db, &org).await?;
            return Ok(all.into_iter().filter(|row| before.as_ref().is_none_or(|before| row.id < *before)).collect());
        }
        incidents::list(&mut db, &org, before.as_ref(), limit + 1).await
    };
    let rows: Vec<Row> = rows.await.map_err(|error: StoreError| failed(&error))?;
    let items = rows.iter().map(Incident::from).collect();
    Ok(Json(Page::of(items, limit, |incident: &Incident| incident.id.clone())))
}

pub async fn one(State(api): State<Api>, Path(given): Path<String>) -> Result<Json<IncidentStory>, Problem> {
    let name = Named::read(&given)?;
    let org = api.context.directory().org.clone();
    let story = async {
        let mut db = api.context.store.read().await?;
        story(&mut db, &org, &name).await
    };
    let story = story.await.map_err(|error| failed(&error))?;
    Ok(Json(story.ok_or_else(|| missing(&given))?))
}

/// An incident with all that was told of it.
pub async fn story(db: &mut AnyConnection, org: &OrgId, name: &Named) -> Result<Option<IncidentStory>, StoreError> {
    let Some(row) = name.find(db, org).await? else { return Ok(None) };
    let updates = incidents::updates(db, org, &row.id).await?;
    let followers = incidents::followers(db, org, &row.id).await?.len();
    let updates = updates.iter().map(IncidentUpdate::from).collect();
    Ok(Some(IncidentStory { incident: Incident::from(&row), updates, followers }))
}

pub async fn open(
    api: State<Api>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Problem> {
    Ok((StatusCode::CREATED, answer(api, caller, None, request).await?))
}

pub async fn update(
    api: State<Api>,
    caller: Extension<Caller>,
    Path(given): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    answer(api, caller, Some(given), request).await
}

/// `given`: which one is updated; without it one is opened.
async fn answer(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    given: Option<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    caller.may_write()?;
    let name = given.as_deref().map(Named::read).transpose()?;
    let path = request.extensions().get::<OriginalUri>().map_or_else(String::new, |uri| uri.path().to_owned());
    let headers = request.headers().clone();
    let body = body::read(request.into_body(), BODY_BYTES_MAX).await.map_err(|error| refused(&error))?;
    let repeatable = Repeatable::read(&headers, &caller, &path, &body)?;
    let acting = api.context.acting();
    let mut fields = Fields::read(&body)?;
    let by = fields.text("by", NAME_MAX).unwrap_or_else(|| caller.name.clone());
    let draft = draft(&mut fields);
    // What could not be read is told once.
    if fields.is_sound() {
        for (field, message) in draft.faults(&acting.directory, name.is_none()) {
            fields.wrong(field, message);
        }
    }
    fields.finish()?;
    let org = acting.org().clone();
    let number = api.context.store.alert_number(&org).await.map_err(|error| failed(&error))?;
    let doing = Doing { by: actor(&acting, &by), acting, name, draft, repeatable, number };
    let unit = doing.clone();
    let done = api.context.change(async move |db| unit.run(db).await).await;
    let told = done.as_ref().ok().and_then(|(_, told)| told.as_ref());
    work::settle(&api.context, number, told);
    match done.map(|(done, _)| done) {
        Ok(Done::Now(outcome)) => Ok(Json(outcome)),
        Ok(Done::Before(kept)) => {
            let repeatable = doing.repeatable.as_ref().expect("only what is repeatable was kept");
            repeatable.recall(&kept).map(Json)
        }
        Ok(Done::Missing) => Err(missing(given.as_deref().unwrap_or_default())),
        Ok(Done::Over) => Err(Problem::new(StatusCode::CONFLICT, "the incident is resolved")
            .detail("what is resolved stays so; open a new incident")),
        Ok(Done::Newer(rev)) => Err(Problem::new(StatusCode::CONFLICT, "the incident has changed meanwhile")
            .detail(format!("its revision is {rev} by now"))
            .field("/rev", "look at it again, then say what shall change")),
        Err(StoreError::Stale(_)) => Err(Problem::unavailable()),
        Err(error) => Err(failed(&error)),
    }
}

fn draft(fields: &mut Fields) -> Draft {
    let mut draft = Draft {
        title: fields.text("title", TITLE_MAX),
        language: fields.parsed("language"),
        customers: fields.all_parsed("customers"),
        contracts: fields.all_parsed("contracts"),
        state: fields.parsed("state"),
        ..Draft::default()
    };
    match fields.taken("rev") {
        None => {}
        Some(Value::Number(rev)) if rev.is_i64() => draft.rev = rev.as_i64(),
        Some(_) => fields.wrong("rev", "must be a whole number"),
    }
    match (fields.taken("text"), fields.taken("texts")) {
        (None, None) => {}
        (Some(_), Some(_)) => fields.wrong("texts", "is the same as `text`: send one of the two"),
        (Some(Value::String(text)), None) => draft.text = Some(text),
        (Some(Value::Object(texts)), None) => draft.texts = texts_of(fields, "text", texts),
        (Some(_), None) => fields.wrong("text", "must be a text, or an object of language and text"),
        (None, Some(Value::Object(texts))) => draft.texts = texts_of(fields, "texts", texts),
        (None, Some(_)) => fields.wrong("texts", "must be an object of language and text"),
    }
    draft
}

fn texts_of(
    fields: &mut Fields,
    name: &str,
    given: serde_json::Map<String, Value>,
) -> BTreeMap<crate::model::language::Language, String> {
    let mut texts = BTreeMap::new();
    for (tag, text) in given {
        match (tag.parse(), text) {
            (Ok(language), Value::String(text)) if text.chars().count() <= TEXT_MAX => {
                texts.insert(language, text);
            }
            (Ok(_), Value::String(_)) => fields.wrong(name, format!("is longer than {TEXT_MAX} characters")),
            (Ok(_), _) => fields.wrong(name, "has a value that is no text"),
            (Err(error), _) => fields.wrong(name, error),
        }
    }
    texts
}

#[derive(Clone)]
struct Doing {
    acting: Acting,
    name: Option<Named>,
    draft: Draft,
    by: Actor,
    repeatable: Option<Repeatable>,
    /// Reserved, should the MSP have to be told.
    number: i64,
}

enum Done {
    Now(Value),
    /// The same request was answered already.
    Before(String),
    Missing,
    Over,
    Newer(i64),
}

impl Doing {
    async fn run(&self, db: &mut AnyConnection) -> Result<(Done, Option<Raised>), StoreError> {
        let org = self.acting.org();
        if let Some(repeatable) = &self.repeatable
            && let Some(kept) = seen::answer(db, org, &repeatable.key).await?
        {
            return Ok((Done::Before(kept), None));
        }
        let (outcome, told) = match self.perform(db).await? {
            Ok(performed) => performed,
            Err(done) => return Ok((done, None)),
        };
        let answer = serde_json::to_value(outcome).expect("strings and numbers can be written");
        if let Some(repeatable) = &self.repeatable
            && !seen::remember(db, org, &repeatable.key, &repeatable.keep(&answer), self.acting.now).await?
        {
            return Err(StoreError::Stale("the same request is being answered"));
        }
        Ok((Done::Now(answer), told))
    }

    async fn perform(
        &self,
        db: &mut AnyConnection,
    ) -> Result<Result<(IncidentOutcome, Option<Raised>), Done>, StoreError> {
        let outcome = |changed, texted, row: &Row| IncidentOutcome { changed, texted, incident: Incident::from(row) };
        let Some(name) = &self.name else {
            let opened = work::open(db, &self.acting, &self.draft, &self.by).await?;
            return Ok(Ok((outcome(true, 0, &opened), None)));
        };
        let Some(row) = name.find(db, self.acting.org()).await? else { return Ok(Err(Done::Missing)) };
        Ok(match work::update(db, &self.acting, &row.id, &self.draft, &self.by, self.number).await? {
            Updated::Done { incident, news } => Ok((outcome(true, news.texted, &incident), news.told)),
            Updated::Unchanged(row) => Ok((outcome(false, 0, &row), None)),
            Updated::Over(_) => Err(Done::Over),
            Updated::Newer(row) => Err(Done::Newer(row.rev)),
            Updated::Missing => Err(Done::Missing),
        })
    }
}

/// How people and programs name an incident: its id or its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    Id(IncidentId),
    Number(i64),
}

impl Named {
    fn read(given: &str) -> Result<Self, Problem> {
        given.parse().map_err(|error: String| {
            Problem::new(StatusCode::BAD_REQUEST, "this names no incident").field("incident", error)
        })
    }

    pub async fn find(&self, db: &mut AnyConnection, org: &OrgId) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Id(id) => incidents::by_id(db, org, id).await,
            Self::Number(number) => incidents::by_number(db, org, *number).await,
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
        given.parse().map(Self::Id).map_err(|error| format!("{error}; or write the incident's number"))
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

fn missing(given: &str) -> Problem {
    let given: String = given.chars().take(40).collect();
    Problem::new(StatusCode::NOT_FOUND, "there is no such incident").detail(format!("no incident is called `{given}`"))
}
