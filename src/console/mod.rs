//! The web console: one page without build step or foreign resources, live by the API's events.
//!
//! Who may see it: everybody on this machine, when the whole service is this machine's business alone;
//! otherwise whoever has signed in with a token. Start at `routes`; `guard` lets people to the API.

mod assets; // the page and what it loads
mod login; // a token for a session
mod session; // who sits there, and what the page is told about the house

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::{
    model::{phone::Phone, secret::Secret},
    web::{problem::Problem, refusals::refused},
    work::Context,
};

/// What the page shows beside the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where the simulator's control API is mounted, such as `/sim`: then the page has phones.
    pub phones: Option<String>,
    /// What whoever plays a caller should know, such as a PIN.
    pub hints: BTreeMap<Phone, String>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Console(Arc<Parts>);

struct Parts {
    context: Context,
    settings: Settings,
    key: Secret,
    /// People on this machine need no token.
    open_here: bool,
    /// Cookies may travel over TLS only.
    secure: bool,
}

impl Console {
    /// `key` signs sessions; `address` is where the service listens.
    pub fn new(context: Context, settings: Settings, key: Secret, address: SocketAddr, public_url: &str) -> Self {
        // Whoever has a public address has a proxy on this machine, and through it the whole world
        // seems to come from here.
        let open_here = address.ip().is_loopback() && session::is_loopback_url(public_url);
        let secure = public_url.starts_with("https://");
        Self(Arc::new(Parts { context, settings, key, open_here, secure }))
    }
}

pub fn routes(console: Console) -> Router {
    let page = Router::new()
        .route("/console", get(assets::page))
        .route("/console/", get(assets::page))
        .route("/console/assets/{name}", get(assets::asset))
        .route("/console/session", get(session::describe))
        .route("/console/login", post(login::enter))
        .route("/console/logout", post(login::leave));
    page.layer(axum::middleware::map_response(assets::protect)).with_state(console)
}

/// Before the API below `/console/api`: lets in whoever may use the console.
pub async fn guard(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    if !is_safe(request.method()) && !session::is_same_origin(request.headers()) {
        return refuse("cross_site", StatusCode::FORBIDDEN, "this request comes from another site");
    }
    // A form of another site cannot send this header, whatever the browser tells of its origin.
    if !is_safe(request.method()) && !request.headers().contains_key("x-pikett") {
        return refuse("cross_site", StatusCode::FORBIDDEN, "the header X-Pikett is missing");
    }
    match session::caller(&console, request.extensions(), request.headers()).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => refuse("no_session", StatusCode::UNAUTHORIZED, "sign in first"),
        Err(problem) => problem.into_response(),
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn refuse(reason: &'static str, status: StatusCode, title: &'static str) -> Response {
    refused("console", reason);
    Problem::new(status, title).into_response()
}
