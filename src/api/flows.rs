//! `/flows`: the versions of flows. A new one is kept first and put into force by a request of its own, so
//! that somebody can look at what it changes. Going back is activating an earlier one.

use std::{iter, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Path, RawQuery, Request, State},
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use super::{
    Api, failed,
    fields::{Fields, refused},
    flow_calls::{self, Given},
    query::Query,
    wire::{Flow, FlowVersion, Page},
};
use crate::{
    declare::{Preview, directory_from, org::Defaults},
    ivr,
    model::{
        fault::Fault,
        id::{FlowId, OrgId},
    },
    store::{StoreError, declarations, flows},
    web::{body, caller::Caller, problem::Problem},
    work::flows::{Outcome, TestCalls, Wanted, activate, keep},
};

/// 500 steps in ten languages, and the calls that test them.
const SOURCE_BYTES_MAX: usize = 2 * 1_024 * 1_024;
const BODY_BYTES_MAX: usize = 4 * 1_024;
/// What faults of a text without a file are told of.
const FILE: &str = "flow.toml";

/// The versions of all flows, flow by flow; the newest of each first.
pub async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Json<Page<FlowVersion>>, Problem> {
    let query = Query::read(query.as_deref(), &["flow", "limit", "cursor"])?;
    let (flow, limit, after) = (query.parsed::<FlowId>("flow")?, query.limit()?, query.parsed::<Cursor>("cursor")?);
    let org = api.context.directory().org.clone();
    let listed = async {
        let mut db = api.context.store.read().await?;
        let after = after.as_ref().map(|Cursor(flow, version)| (flow, *version));
        flows::list(&mut db, &org, flow.as_ref(), after, limit + 1).await
    };
    let items = listed.await.map_err(|error| failed(&error))?.iter().map(FlowVersion::from).collect();
    Ok(Json(Page::of(items, limit, |version: &FlowVersion| format!("{}:{}", version.flow, version.version))))
}

/// The version that a page ended with.
struct Cursor(FlowId, i64);

impl std::str::FromStr for Cursor {
    type Err = &'static str;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "send `next` of the page before";
        let (flow, version) = given.rsplit_once(':').ok_or(WRONG)?;
        Ok(Self(flow.parse().map_err(|_| WRONG)?, version.parse().map_err(|_| WRONG)?))
    }
}

/// What answers calls, and where a rollback leads.
pub async fn flow(
    State(api): State<Api>,
    Path(flow): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Flow>, Problem> {
    Query::read(query.as_deref(), &[])?;
    let Ok(flow) = flow.parse::<FlowId>() else { return Err(missing()) };
    let org = api.context.directory().org.clone();
    let found = async {
        let mut db = api.context.store.read().await?;
        let newest = flows::list(&mut db, &org, Some(&flow), None, 1).await?.pop();
        let before = flows::before(&mut db, &org, &flow).await?;
        Ok::<_, StoreError>((newest, before, declarations::load(&mut db, &org).await?))
    };
    let (newest, before, declared) = found.await.map_err(|error| failed(&error))?;
    let newest = newest.ok_or_else(missing)?;
    let active = declared.flows.iter().find(|active| active.flow == flow);
    let directory =
        directory_from(&declared.documents, iter::empty(), &Defaults::default(), declared.revision).directory;
    let runs = directory.hotlines.values().filter(|hotline| hotline.flow == flow);
    Ok(Json(Flow {
        flow: flow.to_string(),
        version: active.map(|active| active.version),
        file: active.map(|active| active.file.clone()),
        source: active.map(|active| active.source.clone()),
        newest: newest.version,
        rollback_to: before,
        hotlines: runs.map(|hotline| hotline.number.to_string()).collect(),
    }))
}

/// One version with its text.
pub async fn one(
    State(api): State<Api>,
    Path((flow, version)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    Query::read(query.as_deref(), &[])?;
    let (Ok(flow), Ok(version)) = (flow.parse::<FlowId>(), version.parse::<i64>()) else { return Err(missing()) };
    let org = api.context.directory().org.clone();
    let found = async {
        let mut db = api.context.store.read().await?;
        flows::version(&mut db, &org, &flow, version).await
    };
    let found = found.await.map_err(|error| failed(&error))?.ok_or_else(missing)?;
    Ok(Json(json!({
        "flow": found.flow.as_str(), "version": found.version, "file": found.file, "created_at": found.created_at,
        "source": found.source,
    })))
}

/// Keeps a flow as its next version, which answers no calls yet; the same text again is the same version. The body
/// is the flow's file, or `{"flow": "…", "tests": "…", "declarations": "…"}` as JSON: then its test calls are played
/// first, and a version whose calls go otherwise than expected is kept, and never put into force.
pub async fn add(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    caller.may_write()?;
    let given = given(request).await?;
    let calls = match &given {
        Brought::Flow(_) => None,
        Brought::WithTests(given) => Some(play(&api, given).await?),
    };
    let source = match &given {
        Brought::Flow(source) => source,
        Brought::WithTests(given) => &given.flow,
    };
    let (context, org) = (&api.context, api.context.directory().org.clone());
    let none = TestCalls::default();
    let kept = keep(&context.store, &context.clock, &org, FILE, source, calls.as_ref().unwrap_or(&none)).await;
    match kept {
        Ok(Ok((flow, version))) => {
            let sentences = |calls: &TestCalls| calls.failed.iter().map(ToString::to_string).collect::<Vec<_>>();
            let calls = calls.map(|calls| json!({ "played": calls.played, "failed": sentences(&calls) }));
            Ok(Json(json!({ "flow": flow.as_str(), "version": version, "test_calls": calls })))
        }
        Ok(Err(faults)) => Err(faulty("the flow does not check", &faults)),
        Err(StoreError::Stale(_)) => Err(Problem::unavailable()),
        Err(error) => Err(failed(&error)),
    }
}

enum Brought {
    Flow(String),
    WithTests(Arc<Given>),
}

async fn given(request: Request) -> Result<Brought, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    let body = body::read(request.into_body(), SOURCE_BYTES_MAX).await.map_err(|error| refused(&error))?;
    if !is_json {
        let text = String::from_utf8(body.to_vec())
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body is no text").detail("a flow file is UTF-8"))?;
        return Ok(Brought::Flow(text));
    }
    let mut fields = Fields::read(&body)?;
    let flow = fields.long_text("flow").unwrap_or_default();
    if flow.is_empty() && fields.is_sound() {
        fields.wrong("flow", "is missing: the text of a flow's file");
    }
    let (tests, declarations) = (fields.long_text("tests"), fields.long_text("declarations"));
    if tests.is_none() && declarations.is_some() {
        fields.wrong("declarations", "are for test calls: send `tests` as well");
    }
    fields.finish()?;
    Ok(match tests {
        Some(tests) => Brought::WithTests(Arc::new(Given { file: FILE, flow, tests, declarations })),
        None => Brought::Flow(flow),
    })
}

/// Whatever they come to; a problem when they cannot be played.
async fn play(api: &Api, given: &Arc<Given>) -> Result<TestCalls, Problem> {
    let flow = ivr::parse(FILE, &given.flow).map_err(|faults| faulty("the flow does not check", &faults))?;
    let org = api.context.directory().org.clone();
    let here = async {
        let mut db = api.context.store.read().await?;
        declarations::load(&mut db, &org).await
    };
    let here = here.await.map_err(|error| failed(&error))?;
    let given = Arc::clone(given);
    let played = tokio::task::spawn_blocking(move || flow_calls::come_to(&given, &flow, &here)).await;
    let played = played.map_err(|error| flow_calls::broken_off(&error))?;
    played.map_err(|faults| faulty("the test calls cannot be played", &faults))
}

/// `{"version": 3, "dry_run": true}`: puts a version into force, or says what that would change.
pub async fn put_into_force(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(flow): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    caller.may_write()?;
    let body = body::read(request.into_body(), BODY_BYTES_MAX).await.map_err(|error| refused(&error))?;
    let mut fields = Fields::read(&body)?;
    let version = fields.number("version");
    let dry_run = fields.flag("dry_run");
    fields.finish()?;
    change(&api, &flow, Wanted::Version(version), dry_run).await
}

/// `{"dry_run": true}`, or nothing: back to the version that answered calls before, or what that would change.
pub async fn roll_back(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(flow): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    caller.may_write()?;
    let body = body::read(request.into_body(), BODY_BYTES_MAX).await.map_err(|error| refused(&error))?;
    let mut fields = Fields::read(&body)?;
    let dry_run = fields.flag("dry_run");
    fields.finish()?;
    change(&api, &flow, Wanted::Before, dry_run).await
}

async fn change(api: &Api, flow: &str, wanted: Wanted, dry_run: bool) -> Result<Json<Value>, Problem> {
    let Ok(flow) = flow.parse::<FlowId>() else { return Err(missing()) };
    let org: OrgId = api.context.directory().org.clone();
    let (store, clock) = (&api.context.store, &api.context.clock);
    match activate(store, clock, &org, &flow, wanted, dry_run).await {
        Ok(Outcome::Active { version, changed, previews }) => Ok(Json(json!({
            "flow": flow.as_str(), "version": version, "changed": changed, "dry_run": dry_run,
            "hotlines": previews.iter().map(hotline).collect::<Vec<_>>(),
        }))),
        Ok(Outcome::Missing) if wanted == Wanted::Before => {
            Err(Problem::new(StatusCode::NOT_FOUND, "there is no version to go back to")
                .detail("no other version of such a flow was in force before"))
        }
        Ok(Outcome::Missing) => Err(missing()),
        Ok(Outcome::Refused(faults)) => Err(faulty("this version cannot be put into force", &faults)),
        Err(StoreError::Stale(_)) => Err(Problem::unavailable()),
        Err(error) => Err(failed(&error)),
    }
}

fn hotline(preview: &Preview) -> Value {
    json!({ "hotline": preview.number.as_str(), "changes": preview.changes })
}

fn missing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such flow or version").detail("GET /flows lists them")
}

/// Each fault with its place, as the command line says it.
fn faulty(title: &'static str, faults: &[Fault]) -> Problem {
    let place = |fault: &Fault| match (fault.line, fault.file.as_str()) {
        (0, file) => file.to_owned(),
        (line, FILE) => format!("{line}:{}", fault.column),
        (line, file) => format!("{file}:{line}:{}", fault.column),
    };
    let say = |fault: &Fault| {
        if fault.mend.is_empty() { fault.what.clone() } else { format!("{}; {}", fault.what, fault.mend) }
    };
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, title);
    faults.iter().fold(problem, |problem, fault| problem.field(place(fault), say(fault)))
}
