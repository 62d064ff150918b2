//! The JSON API, version 1: one file per resource. Asks the store and calls `work::act`; decides nothing.
//!
//! `resources` is the API without a guard, for whoever has let its caller in by other means (the
//! console); `routes` is the same behind bearer tokens. The shapes stand in `wire`, the description for
//! others in `openapi`.

pub mod alerts; // the list, one alert, its timeline; also for the command line
mod auth; // bearer tokens
pub mod callbacks; // what customers were promised; also for the command line
pub mod calls; // the call log; also for the command line
pub mod contacts; // ways to reach people; also for the command line
pub mod doing; // acknowledge, resolve, escalate, note; also for the command line
pub mod events; // what changes, as it changes
pub mod explain; // why who was told when; also for the command line
mod fields; // of a request's body
mod flow_calls; // the test calls that come with a flow
mod flows; // versions of flows, and which is in force
mod idempotency; // a repeated request gets the same answer
pub mod incidents; // outages as customers hear of them; also for the command line
pub mod marks; // contact methods that do not work
mod oncall; // who is on call, and why
pub mod openapi; // the description of all this
mod query; // parameters
mod voicemails; // what callers said, and links to hear it
pub mod wire; // the shapes

use axum::{
    Router,
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::{delete, get, post},
};
use tokio_util::sync::CancellationToken;

use crate::{store::StoreError, web::problem::Problem, work::Context};
use events::Feed;

/// Bodies of the API are small: a name, a note.
const BODY_BYTES_MAX: usize = 64 * 1_024;

/// What the resources work with. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    context: Context,
    feed: Feed,
    stopping: CancellationToken,
}

impl Api {
    /// Starts the task that watches for changes; it ends with `stopping`, as do all event streams.
    pub fn start(context: Context, stopping: CancellationToken) -> Self {
        let feed = Feed::start(context.clone(), stopping.clone());
        Self { context, feed, stopping }
    }
}

/// Every path below `/api/v1`, for callers with a token.
pub fn routes(api: Api) -> Router {
    let guarded = resources(api.clone()).layer(from_fn_with_state(api, auth::bearer));
    Router::new().route("/openapi.json", get(openapi::document)).merge(guarded)
}

/// The same without a guard: whoever mounts it puts a `web::caller::Caller` into each request.
pub fn resources(api: Api) -> Router {
    Router::new()
        .route("/alerts", get(alerts::list))
        .route("/alerts/{alert}", get(alerts::one))
        .route("/alerts/{alert}/timeline", get(alerts::timeline))
        .route("/alerts/{alert}/acknowledge", post(doing::acknowledge))
        .route("/alerts/{alert}/resolve", post(doing::resolve))
        .route("/alerts/{alert}/escalate", post(doing::escalate))
        .route("/alerts/{alert}/note", post(doing::note))
        .route("/alerts/{alert}/snooze", post(doing::snooze))
        .route("/alerts/{alert}/take-over", post(doing::take_over))
        .route("/alerts/{alert}/reassign", post(doing::reassign))
        .route("/calls", get(calls::list))
        .route("/flows", get(flows::list))
        .route("/flows", post(flows::add))
        .route("/flows/{flow}", get(flows::flow))
        .route("/flows/{flow}/versions/{version}", get(flows::one))
        .route("/flows/{flow}/activate", post(flows::put_into_force))
        .route("/flows/{flow}/rollback", post(flows::roll_back))
        .route("/callbacks", get(callbacks::list))
        .route("/callbacks/{callback}/call", post(callbacks::call))
        .route("/callbacks/{callback}/done", post(callbacks::done))
        .route("/incidents", get(incidents::list).post(incidents::open))
        .route("/incidents/{incident}", get(incidents::one).patch(incidents::update))
        .route("/voicemails", get(voicemails::list))
        .route("/voicemails/{voicemail}", get(voicemails::one))
        .route("/marks", get(marks::list))
        .route("/marks/{person}/{method}/clear", post(marks::clear))
        .route("/people/{person}/contacts", get(contacts::list).post(contacts::add))
        .route("/people/{person}/contacts/{contact}", delete(contacts::remove))
        .route("/people/{person}/contacts/{contact}/code", post(contacts::send_code))
        .route("/people/{person}/contacts/{contact}/verify", post(contacts::verify))
        .route("/oncall", get(oncall::now))
        .route("/events", get(events::stream))
        .with_state(api)
}

/// What a caller sees when the store could not do it: whether to come again, and no more.
fn failed(error: &StoreError) -> Problem {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    if error.is_unavailable() {
        tracing::warn!(%error, cause, "a request of the API could not be served; its sender was told to come again");
        return Problem::unavailable();
    }
    tracing::error!(%error, cause, "a request of the API failed");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something is wrong inside").detail("the log says what")
}
