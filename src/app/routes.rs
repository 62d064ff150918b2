//! Every path of the service, grouped by who calls. No face knows another: they meet here.

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{StatusCode, Uri},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::health::{self, Health};
use crate::{
    api::{self, Api},
    clock::Stopwatch,
    console::{self, Console},
    hotline,
    intake::{Intake, pagerduty},
    paging,
    recordings::{self, Recordings},
    telemetry::metric,
    web::{problem::Problem, refusals::refused},
};

/// What answers.
pub struct Faces {
    pub hotline: hotline::State,
    pub paging: paging::State,
    pub recordings: Recordings,
    pub intake: Intake,
    pub api: Api,
    pub console: Console,
    pub health: Health,
    /// What whoever embeds the service serves beside it: the demo's phones.
    pub beside: Router,
}

pub fn router(faces: Faces) -> Router {
    let router = Router::new()
        // Carriers, by signature. /carriers/{carrier}/voice, voice/status, voice/fallback, push, sms,
        // sms/status, and what our own documents name. People with a signed link: /a/{token}. Chats, signed, about a pressed
        // button: /slack/interactions, /telegram/updates.
        .merge(hotline::routes(faces.hotline))
        .merge(paging::routes(faces.paging))
        // People with a signed link to a recording: /r/{token}.
        .merge(recordings::routes(faces.recordings))
        // Monitoring tools, by integration key.
        .route("/v2/enqueue", post(pagerduty::enqueue).with_state(faces.intake))
        // Programs, by bearer token: alerts, calls, oncall, events, openapi.json.
        .nest("/api/v1", api::routes(faces.api.clone()))
        // People at a browser, by session. /console/api is the same API for the page.
        .route("/", get(|| async { Redirect::temporary("/console") }))
        .merge(console::routes(faces.console.clone()))
        .nest("/console/api", api::resources(faces.api).layer(from_fn_with_state(faces.console, console::guard)))
        // Whoever watches over the process.
        .merge(health::routes(faces.health))
        .merge(faces.beside);
    finished(router)
}

/// What holds for every router of ours.
pub fn finished(router: Router) -> Router {
    router.fallback(nothing).method_not_allowed_fallback(not_so).layer(from_fn(timed))
}

/// How long carriers wait for an answer, by the pattern of the path.
async fn timed(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let stopwatch = Stopwatch::start();
    let response = next.run(request).await;
    if let Some(path) = path.as_ref().and_then(|path| path.as_str().strip_prefix("/carriers/{carrier}/")) {
        metrics::histogram!(metric::WEBHOOK_SECONDS, "path" => path.to_owned()).record(stopwatch.seconds());
    }
    response
}

/// Below `/carriers/` nobody learns which paths there are.
async fn nothing(uri: Uri) -> Response {
    if uri.path().starts_with("/carriers/") {
        refused("carriers", "unknown_path");
        return StatusCode::FORBIDDEN.into_response();
    }
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here").into_response()
}

async fn not_so(request: Request) -> Response {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path takes another method")
        .detail(format!("{} is not among those that `Allow` names", request.method()))
        .into_response()
}
