//! The REST API as Twilio's: paths, Basic authentication, errors, pages, and the faults of bad days.

mod calls;
mod messages;
mod page;
mod queues;
mod recordings;

use axum::{
    Json, Router,
    extract::{ConnectInfo, Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{Sim, event::What, faults::Cut, listener::Scissors, times::seconds};

/// The longest form that Twilio's creation takes is a few kilobytes.
const BODY_MAX: usize = 64 * 1024;

pub(super) fn router(sim: Sim) -> Router {
    let account = "/2010-04-01/Accounts/{account}";
    let below = |path: &str| format!("{account}{path}");
    Router::new()
        .route("/2010-04-01/Accounts/{account}", get(account_of))
        .route(&below("/Calls.json"), post(calls::create).get(calls::list))
        .route(&below("/Calls/{sid}"), get(calls::show).post(calls::change).delete(calls::delete))
        .route(&below("/Messages.json"), post(messages::create).get(messages::list))
        .route(&below("/Messages/{sid}"), get(messages::show).post(messages::change).delete(messages::delete))
        .route(&below("/Recordings.json"), get(recordings::list))
        .route(&below("/Recordings/{sid}"), get(recordings::show).delete(recordings::delete))
        .route(&below("/Queues.json"), get(queues::list))
        .route(&below("/Queues/{sid}"), get(queues::show))
        .route(&below("/Queues/{sid}/Members.json"), get(queues::members))
        .route(&below("/Queues/{sid}/Members/{call}"), post(queues::dequeue))
        .fallback(|| async { Refusal::not_found() })
        .layer(axum::extract::DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(sim.clone(), guard))
        .with_state(sim)
}

/// An answer that says what was wrong, as Twilio does.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: u32,
    message: String,
}

impl Refusal {
    pub fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub fn bad(code: u32, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 20404, "The requested resource was not found")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status.as_u16(),
        });
        (self.status, Json(body)).into_response()
    }
}

/// Faults, then who asks, then the work.
async fn guard(
    State(sim): State<Sim>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
    next: Next,
) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let (request, number) = destination(request).await;
    let faults = sim.faults().between("", &number).rest;
    if faults.delay_s > 0.0 {
        sim.0.clock.sleep(seconds(faults.delay_s)).await;
    }
    let _under_way = sim.one_more();
    let name = format!("{method} {path} {number}");
    let name = format!("{name} {}", sim.0.chance.next(&name));
    let struck = (faults.reads || method != "GET") && sim.0.chance.happens(faults.share, &["rest", &name]);
    let note = |status| sim.note(What::Rest { method: method.clone(), path: path.clone(), status });
    if struck && faults.cut == Some(Cut::Before) {
        scissors.cut();
        note(None);
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let response = match faults.status.filter(|_| struck) {
        Some(status) => failed(status, faults.retry_after_s),
        None => match authorised(&sim, &path, request.headers()) {
            Ok(()) => next.run(request).await,
            Err(refusal) => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"Twilio API\"")];
                (challenge, refusal).into_response()
            }
        },
    };
    if faults.answer_s > 0.0 {
        sim.0.clock.sleep(seconds(faults.answer_s)).await;
    }
    if struck && faults.cut == Some(Cut::After) {
        scissors.cut();
        note(None);
    } else {
        note(Some(response.status().as_u16()));
    }
    response
}

/// Whom a creation is for, since faults may hold for one number.
async fn destination(request: Request) -> (Request, String) {
    if request.method() != "POST" {
        return (request, String::new());
    }
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, BODY_MAX).await.unwrap_or_default();
    let to = form_urlencoded::parse(&bytes).find(|(name, _)| name == "To").map(|(_, to)| to.into_owned());
    (Request::from_parts(parts, bytes.into()), to.unwrap_or_default())
}

fn failed(status: u16, retry_after_s: Option<u32>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (code, message) = match status {
        StatusCode::TOO_MANY_REQUESTS => (20429, "Too Many Requests"),
        StatusCode::SERVICE_UNAVAILABLE => (20503, "Service Unavailable"),
        _ => (20500, "Internal Server Error"),
    };
    let mut response = Refusal::new(status, code, message).into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn authorised(sim: &Sim, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let refusal = || Refusal::new(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let encoded = given.strip_prefix("Basic ").ok_or_else(refusal)?;
    let decoded = BASE64_STANDARD.decode(encoded.trim()).map_err(|_| refusal())?;
    let decoded = String::from_utf8(decoded).map_err(|_| refusal())?;
    let (user, password) = decoded.split_once(':').ok_or_else(refusal)?;
    let account = sim.account(user).filter(|account| account.token.expose() == password).ok_or_else(refusal)?;
    let owner = path.split('/').nth(3).unwrap_or_default();
    if owner.trim_end_matches(".json") == account.sid { Ok(()) } else { Err(refusal()) }
}

async fn account_of(State(sim): State<Sim>, Path(account): Path<String>) -> Result<Json<Value>, Refusal> {
    let account = account.strip_suffix(".json").and_then(|sid| sim.account(sid)).ok_or_else(Refusal::not_found)?;
    Ok(Json(json!({
        "sid": account.sid,
        "friendly_name": "Simulated account",
        "status": "active",
        "type": "Full",
        "uri": format!("/2010-04-01/Accounts/{}.json", account.sid),
    })))
}

/// The id in `…/CA….json`.
fn without_suffix(sid: &str) -> super::Sid {
    super::Sid::new(sid.strip_suffix(".json").unwrap_or(sid))
}

/// Decoded parameters; several of one name keep their order.
struct Form(Vec<(String, String)>);

impl Form {
    fn decode(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The first value of that name that is not empty.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A number with Twilio's default.
    fn number(&self, name: &str, default: u32) -> u32 {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// A URL of the service with its method.
    fn target(&self, url: &str, method: &str) -> Result<Option<super::world::Target>, Refusal> {
        let Some(address) = self.get(url) else { return Ok(None) };
        let wrong = || Refusal::bad(21205, format!("Url is not a valid URL: {address}"));
        let parsed = url::Url::parse(address).map_err(|_| wrong())?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong());
        }
        let method = match self.get(method).map(str::to_ascii_uppercase).as_deref() {
            Some("GET") => crate::carrier::twiml::Method::Get,
            Some(_) | None => crate::carrier::twiml::Method::Post,
        };
        Ok(Some(super::world::Target { url: address.to_owned(), method }))
    }
}

fn rfc2822(at: Option<crate::model::Instant>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.to_rfc2822()))
}
