//! The page and what it loads: compiled in, served with a policy that allows nothing else.

use axum::{
    Extension,
    extract::{Path, State},
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::{Console, session};
use crate::web::{peer::Peer, problem::Problem};

const PAGE: &str = include_str!("assets/page.html");
const LOGIN: &str = include_str!("assets/login.html");

/// Name, type, text.
const ASSETS: [(&str, &str, &str); 14] = [
    ("console.css", "text/css", include_str!("assets/console.css")),
    ("phones.css", "text/css", include_str!("assets/phones.css")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
    ("console.js", "text/javascript", include_str!("assets/console.js")),
    ("dom.js", "text/javascript", include_str!("assets/dom.js")),
    ("alerts.js", "text/javascript", include_str!("assets/alerts.js")),
    ("detail.js", "text/javascript", include_str!("assets/detail.js")),
    ("calls.js", "text/javascript", include_str!("assets/calls.js")),
    ("callbacks.js", "text/javascript", include_str!("assets/callbacks.js")),
    ("incidents.js", "text/javascript", include_str!("assets/incidents.js")),
    ("contacts.js", "text/javascript", include_str!("assets/contacts.js")),
    ("marks.js", "text/javascript", include_str!("assets/marks.js")),
    ("phones.js", "text/javascript", include_str!("assets/phones.js")),
    ("voice.js", "text/javascript", include_str!("assets/voice.js")),
];

/// Own scripts, styles and requests only, and nobody frames the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The console, or the form to sign in.
pub async fn page(
    State(console): State<Console>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut extensions = Extensions::new();
    if let Some(Extension(peer)) = peer {
        extensions.insert(peer);
    }
    Ok(match session::caller(&console, &extensions, &headers).await? {
        Some(_) => Html(PAGE).into_response(),
        None => login(None),
    })
}

pub fn login(trouble: Option<&'static str>) -> Response {
    Html(LOGIN.replace("<!-- trouble -->", trouble.unwrap_or_default())).into_response()
}

pub async fn asset(Path(name): Path<String>) -> Result<Response, Problem> {
    let found = ASSETS.iter().find(|(known, _, _)| *known == name);
    let (_, kind, text) = found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is nothing here"))?;
    Ok(([(header::CONTENT_TYPE, format!("{kind}; charset=utf-8"))], *text).into_response())
}

/// On every answer of the console.
pub async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set("content-security-policy", POLICY);
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "no-referrer");
    // After an update the page and its scripts belong together.
    set("cache-control", "no-cache");
    response
}
