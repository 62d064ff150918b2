//! `POST /alerts/{alert}/acknowledge|resolve|escalate|note`: what people do to an alert. The command
//! line calls `perform` as well, on the database, beside a running service.

use axum::{
    Extension, Json,
    extract::{OriginalUri, Path, Request, State},
    http::{HeaderMap, StatusCode},
};
use serde_json::{Map, Value};
use sqlx::AnyConnection;

use super::{
    Api, BODY_BYTES_MAX,
    alerts::{Named, missing},
    failed,
    idempotency::Repeatable,
    wire::{Alert, Outcome},
};
use crate::{
    model::alert::Actor,
    store::{StoreError, seen},
    web::{
        body::{self, BodyError},
        caller::Caller,
        problem::Problem,
        text,
    },
    work::{
        Acting,
        act::{self, Acted},
    },
};

const NAME_MAX: usize = 80;
const NOTE_MAX: usize = 2_000;

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    Acknowledge,
    Resolve,
    Escalate,
    Note(String),
}

/// By whom, and how: `how` ends a sentence.
#[derive(Debug, Clone)]
pub struct By {
    pub actor: Actor,
    pub how: &'static str,
}

pub async fn acknowledge(api: State<Api>, caller: Extension<Caller>, path: Path<String>, request: Request) -> Answer {
    answer(api, caller, path, request, Asked::Acknowledge).await
}

pub async fn resolve(api: State<Api>, caller: Extension<Caller>, path: Path<String>, request: Request) -> Answer {
    answer(api, caller, path, request, Asked::Resolve).await
}

pub async fn escalate(api: State<Api>, caller: Extension<Caller>, path: Path<String>, request: Request) -> Answer {
    answer(api, caller, path, request, Asked::Escalate).await
}

pub async fn note(api: State<Api>, caller: Extension<Caller>, path: Path<String>, request: Request) -> Answer {
    answer(api, caller, path, request, Asked::Note).await
}

type Answer = Result<Json<Value>, Problem>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Acknowledge,
    Resolve,
    Escalate,
    Note,
}

async fn answer(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(given): Path<String>,
    request: Request,
    asked: Asked,
) -> Answer {
    caller.may_write()?;
    let name = Named::read(&given)?;
    let path = request.extensions().get::<OriginalUri>().map_or_else(String::new, |uri| uri.path().to_owned());
    let headers: HeaderMap = request.headers().clone();
    let body = body::read(request.into_body(), BODY_BYTES_MAX).await.map_err(|error| refused(&error))?;
    let repeatable = Repeatable::read(&headers, &caller, &path, &body)?;
    let mut fields = Fields::read(&body)?;
    let acting = api.context.acting();
    let by = fields.text("by", NAME_MAX).unwrap_or_else(|| caller.name.clone());
    let by = By { actor: actor(&acting, &by), how: caller.how };
    let deed = match asked {
        Asked::Acknowledge => Deed::Acknowledge,
        Asked::Resolve => Deed::Resolve,
        Asked::Escalate => Deed::Escalate,
        Asked::Note => Deed::Note(fields.required("text", NOTE_MAX)),
    };
    fields.finish()?;
    let doing = Doing { acting, name, deed, by, repeatable };
    let unit = doing.clone();
    match api.context.change(async move |db| unit.run(db).await).await {
        Ok(Done::Now(outcome)) => Ok(Json(outcome)),
        Ok(Done::Before(kept)) => {
            let repeatable = doing.repeatable.as_ref().expect("only what is repeatable was kept");
            repeatable.recall(&kept).map(Json)
        }
        Ok(Done::Missing) => Err(missing(&given)),
        Ok(Done::Over) => Err(Problem::new(StatusCode::CONFLICT, "the alert is resolved")
            .detail("what is resolved is not escalated; open a new alert")),
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

enum Done {
    Now(Value),
    /// The same request was answered already.
    Before(String),
    Missing,
    Over,
}

impl Doing {
    async fn run(&self, db: &mut AnyConnection) -> Result<Done, StoreError> {
        let org = self.acting.org();
        if let Some(repeatable) = &self.repeatable
            && let Some(kept) = seen::answer(db, org, &repeatable.key).await?
        {
            return Ok(Done::Before(kept));
        }
        let outcome = match perform(db, &self.acting, &self.name, &self.deed, &self.by).await? {
            Acted::Missing => return Ok(Done::Missing),
            Acted::Already(_) if self.deed == Deed::Escalate => return Ok(Done::Over),
            Acted::Done(row) => Outcome { changed: true, alert: Alert::from(&row) },
            Acted::Already(row) => Outcome { changed: false, alert: Alert::from(&row) },
        };
        let answer = serde_json::to_value(outcome).expect("strings and numbers can be written");
        if let Some(repeatable) = &self.repeatable
            && !seen::remember(db, org, &repeatable.key, &repeatable.keep(&answer), self.acting.now).await?
        {
            return Err(StoreError::Stale("the same request is being answered"));
        }
        Ok(Done::Now(answer))
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
    let Some(row) = name.find(db, acting.org()).await? else { return Ok(Acted::Missing) };
    let id = &row.alert.id;
    match deed {
        Deed::Acknowledge => act::acknowledge(db, acting, id, &by.actor, by.how).await,
        Deed::Resolve => act::resolve(db, acting, id, &by.actor, by.how).await,
        Deed::Escalate => act::escalate(db, acting, id, &by.actor, by.how).await,
        Deed::Note(text) => act::note(db, acting, id, &by.actor, text).await,
    }
}

/// A declared person by id, else somebody of this name.
pub fn actor(acting: &Acting, name: &str) -> Actor {
    match name.parse() {
        Ok(person) if acting.directory.people.contains_key(&person) => Actor::Person(person),
        _ => Actor::Operator(text::line(name, NAME_MAX)),
    }
}

/// The fields of a JSON object, taken one by one; what is left over is refused.
pub(super) struct Fields {
    rest: Map<String, Value>,
    problem: Problem,
}

impl Fields {
    /// No body is an empty object.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the request's fields are wrong");
        if body.is_empty() {
            return Ok(Self { rest: Map::new(), problem });
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(rest)) => Ok(Self { rest, problem }),
            Ok(_) => Err(not_json("the body must be a JSON object")),
            Err(error) => Err(not_json(&format!("line {}, column {}: {error}", error.line(), error.column()))),
        }
    }

    fn text(&mut self, name: &str, max: usize) -> Option<String> {
        match self.rest.remove(name)? {
            Value::String(given) if given.chars().count() <= max => {
                Some(text::line(&given, max)).filter(|text| !text.is_empty())
            }
            Value::String(_) => {
                self.wrong(name, format!("is longer than {max} characters"));
                None
            }
            Value::Null => None,
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.wrong(name, "must be a text");
                None
            }
        }
    }

    fn required(&mut self, name: &str, max: usize) -> String {
        let before = self.problem.errors.len();
        self.text(name, max).unwrap_or_else(|| {
            if self.problem.errors.len() == before {
                self.wrong(name, "is missing");
            }
            String::new()
        })
    }

    /// 0 when it is missing or wrong, which `finish` tells.
    pub fn number(&mut self, name: &str) -> i64 {
        let given = self.rest.remove(name);
        given.as_ref().and_then(Value::as_i64).unwrap_or_else(|| {
            self.wrong(name, if given.is_some() { "must be a whole number" } else { "is missing" });
            0
        })
    }

    pub fn flag(&mut self, name: &str) -> bool {
        match self.rest.remove(name) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.wrong(name, "must be true or false");
                false
            }
        }
    }

    fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.problem = self.problem.clone().field(format!("/{name}"), message);
    }

    pub fn finish(mut self) -> Result<(), Problem> {
        let unknown: Vec<String> = self.rest.keys().map(|name| name.chars().take(40).collect()).collect();
        for name in unknown {
            self.wrong(&name, "is no field here");
        }
        if self.problem.errors.is_empty() { Ok(()) } else { Err(self.problem) }
    }
}

fn not_json(what: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the body is no JSON object").detail(what)
}

pub(super) fn refused(error: &BodyError) -> Problem {
    match error {
        BodyError::TooLong { .. } => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"),
        BodyError::Broken => Problem::new(StatusCode::BAD_REQUEST, "the body broke off"),
    }
    .detail(error.to_string())
}
