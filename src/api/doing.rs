//! `POST /alerts/{alert}/acknowledge|resolve|escalate|note|snooze|take-over|reassign`: what people do to an alert. The command
//! line calls `perform` as well, on the database, beside a running service.

use axum::{
    Extension, Json,
    extract::{OriginalUri, Path, Request, State},
    http::{HeaderMap, StatusCode},
};
use chrono::TimeDelta;
use serde_json::Value;
use sqlx::AnyConnection;

use super::{
    Api, BODY_BYTES_MAX,
    alerts::{Named, missing, told_one},
    failed,
    fields::{Fields, refused},
    idempotency::Repeatable,
    wire::Outcome,
};
use crate::{
    model::{alert::Actor, duration, fault::did_you_mean, id::PersonId},
    store::{StoreError, seen},
    web::{body, caller::Caller, problem::Problem, text},
    work::{
        Acting,
        act::{self, Acted},
        passing,
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
    /// It comes back after so long.
    Snooze(TimeDelta),
    TakeOver,
    Reassign(PersonId),
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

pub async fn snooze(api: State<Api>, caller: Extension<Caller>, path: Path<String>, request: Request) -> Answer {
    answer(api, caller, path, request, Asked::Snooze).await
}

pub async fn take_over(api: State<Api>, caller: Extension<Caller>, path: Path<String>, request: Request) -> Answer {
    answer(api, caller, path, request, Asked::TakeOver).await
}

pub async fn reassign(api: State<Api>, caller: Extension<Caller>, path: Path<String>, request: Request) -> Answer {
    answer(api, caller, path, request, Asked::Reassign).await
}

type Answer = Result<Json<Value>, Problem>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Acknowledge,
    Resolve,
    Escalate,
    Note,
    Snooze,
    TakeOver,
    Reassign,
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
        Asked::Snooze => {
            let given = fields.text("for", NAME_MAX).unwrap_or_default();
            Deed::Snooze(fields.read_as("for", &given, quiet).unwrap_or(passing::SNOOZE))
        }
        Asked::TakeOver => Deed::TakeOver,
        Asked::Reassign => {
            let given = fields.required("to", NAME_MAX);
            let Some(to) = fields.read_as("to", &given, |given| declared(&acting, given)) else {
                return Err(fields.finish().err().unwrap_or_else(Problem::unavailable));
            };
            Deed::Reassign(to)
        }
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
            .detail("nobody is told of what is resolved; open a new alert")),
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
            Acted::Already(_) if matches!(self.deed, Deed::Escalate | Deed::Reassign(_)) => return Ok(Done::Over),
            Acted::Done(row) => Outcome { changed: true, alert: told_one(db, org, &row).await? },
            Acted::Already(row) => Outcome { changed: false, alert: told_one(db, org, &row).await? },
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
        Deed::Snooze(quiet) => passing::snooze(db, acting, id, &by.actor, acting.now + *quiet, by.how).await,
        Deed::TakeOver => passing::take_over(db, acting, id, &by.actor, by.how).await,
        Deed::Reassign(to) => passing::pass_on(db, acting, id, to, &by.actor, by.how).await,
    }
}

/// How long somebody may be left alone with an alert: `30m`.
pub fn quiet(given: &str) -> Result<TimeDelta, String> {
    let quiet = duration::parse(given)?;
    let max = duration::write(passing::SNOOZE_MAX);
    if quiet <= passing::SNOOZE_MAX { Ok(quiet) } else { Err(format!("is longer than {max}")) }
}

/// Whoever it can be passed on to.
pub fn declared(acting: &Acting, given: &str) -> Result<PersonId, String> {
    let id: PersonId = given.parse().map_err(|error| format!("{error}"))?;
    if acting.directory.people.contains_key(&id) {
        return Ok(id);
    }
    let near = did_you_mean(id.as_str(), acting.directory.people.keys().map(|id| id.as_str()));
    let mend = near.unwrap_or_else(|| "`pikett apply` declares one".to_owned());
    Err(format!("there is no person `{id}`; {mend}"))
}

/// A declared person by id, else somebody of this name.
pub fn actor(acting: &Acting, name: &str) -> Actor {
    match name.parse() {
        Ok(person) if acting.directory.people.contains_key(&person) => Actor::Person(person),
        _ => Actor::Operator(text::line(name, NAME_MAX)),
    }
}
