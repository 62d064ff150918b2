//! The simulator by HTTP, for browsers and scripts: below `/sim/` of its own address, or wherever
//! `Sim::control` is mounted. Everything is JSON; an empty body is `{}`.
//!
//! ```text
//! GET  /events                      server-sent events: id = seq, data = the event; resumes after
//!                                   `Last-Event-ID` or `?after=SEQ`; `?after=now` begins here
//! GET  /log?after=SEQ               the events so far, as a list
//! GET  /state                       {numbers, phones, legs (live), calls (all), messages, now, seq}
//! POST /calls                       {from: "+49…" | null, to: "+49…", verstat?}  → {leg}
//!      verstat: what the network says of the caller, such as "TN-Validation-Passed-A"
//! POST /legs/{sid}/press            {keys: "1#"}                          → {done}
//! POST /legs/{sid}/speak            {text, confidence?}                   → {done}
//! POST /legs/{sid}/answer|decline|hangup                                  → {done}
//! POST /sms                         {from, to, body}                      → {message}
//! POST /phones/{number}             Behaviour, such as
//!      {"voice": {"is": "scripted", "ring_s": 6, "then": {"do": "answer", "keys": [{"heard": "press 1", "keys": "1"}]}},
//!       "sms": {"is": "undelivered", "code": 30003}}
//!      voice.is: interactive | scripted | refused; then.do: answer | mailbox | busy | no-answer | decline | fail
//! POST /faults                      Faults; with ?number=%2B49… for one number. `{}` is a good day
//! GET  /faults
//! POST /push/{id}                   {status: 410 | null}: what that browser's push service answers
//! GET  /push/{id}                   the PushSubscription of that browser
//! ```
//!
//! An event is `{seq, at, kind, …}`; the kinds and their fields are those of `What`, in kebab-case
//! (`call-started`, `heard`, `listening`, `bridged`, `ended`, `sms`, `sms-to-us`, `mail`, `push`, …).

use std::convert::Infallible;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Behaviour, Caller, Event, Faults, Sid, Sim};
use crate::model::phone::Phone;

impl Sim {
    /// The control API as a router, to be mounted beside something else.
    pub fn control(&self) -> Router {
        Router::new()
            .route("/events", get(events))
            .route("/log", get(log))
            .route("/state", get(state))
            .route("/calls", post(call))
            .route("/legs/{sid}/{action}", post(act))
            .route("/sms", post(sms))
            .route("/phones/{number}", post(phone))
            .route("/faults", post(set_faults).get(faults))
            .route("/push/{id}", get(subscription).post(push))
            .with_state(self.clone())
    }
}

/// What was wrong with a request, in words.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

fn number(given: &str) -> Result<Phone, Refused> {
    given.parse().map_err(|error| Refused(StatusCode::UNPROCESSABLE_ENTITY, format!("{error}")))
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

fn place(sim: &Sim, query: &After, headers: &HeaderMap) -> u64 {
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    match query.after.as_deref() {
        _ if resumed.is_some() => resumed.unwrap_or(0),
        Some("now") => sim.0.journal.last(),
        Some(seq) => seq.parse().unwrap_or(0),
        None => 0,
    }
}

async fn events(
    State(sim): State<Sim>,
    Query(query): Query<After>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let after = place(&sim, &query, &headers);
    Sse::new(sim.events_after(after).map(|event| Ok(sent(&event)))).keep_alive(KeepAlive::default())
}

fn sent(event: &Event) -> sse::Event {
    let data = serde_json::to_string(event).expect("an event is plain data");
    sse::Event::default().id(event.seq.to_string()).data(data)
}

async fn log(State(sim): State<Sim>, Query(query): Query<After>, headers: HeaderMap) -> Json<Vec<Event>> {
    Json(sim.0.journal.since(place(&sim, &query, &headers)))
}

async fn state(State(sim): State<Sim>) -> Json<Value> {
    let world = sim.world();
    let numbers: Vec<&str> = world.numbers.keys().map(Phone::as_str).collect();
    let phones: serde_json::Map<String, Value> =
        world.phones.iter().map(|(number, behaviour)| (number.to_string(), json!(behaviour))).collect();
    let calls = world.legs_in_order();
    let legs: Vec<_> = calls.iter().filter(|leg| leg.ended_at.is_none()).collect();
    Json(json!({
        "numbers": numbers,
        "phones": phones,
        "legs": legs,
        "calls": calls,
        "messages": world.messages,
        "now": sim.0.clock.now().timestamp_millis(),
        "seq": sim.0.journal.last(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCall {
    from: Option<String>,
    to: String,
    verstat: Option<String>,
}

async fn call(State(sim): State<Sim>, Json(new): Json<NewCall>) -> Result<Json<Value>, Refused> {
    let from = match new.from.as_deref() {
        Some(from) => Caller::Number(number(from)?),
        None => Caller::Withheld,
    };
    let leg = sim.call_attested(from, number(&new.to)?, new.verstat.as_deref());
    Ok(Json(json!({ "leg": leg.as_str() })))
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Action {
    keys: String,
    text: String,
    confidence: Option<f64>,
}

async fn act(
    State(sim): State<Sim>,
    Path((sid, action)): Path<(String, String)>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refused> {
    let sid = Sid::new(sid);
    let wrong = |error: serde_json::Error| Refused(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
    let given: Action =
        if body.is_empty() { Action::default() } else { serde_json::from_slice(&body).map_err(wrong)? };
    if sim.world().leg(&sid).is_none() {
        return Err(Refused(StatusCode::NOT_FOUND, format!("there is no leg {sid}")));
    }
    let done = match action.as_str() {
        "press" => sim.press(&sid, &given.keys),
        "speak" => sim.speak(&sid, &given.text, given.confidence.unwrap_or(0.9)),
        "answer" => sim.answer(&sid),
        "decline" => sim.decline(&sid),
        "hangup" => sim.hang_up(&sid),
        other => return Err(Refused(StatusCode::NOT_FOUND, format!("nobody can {other} a leg"))),
    };
    Ok(Json(json!({ "done": done })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSms {
    from: String,
    to: String,
    body: String,
}

async fn sms(State(sim): State<Sim>, Json(new): Json<NewSms>) -> Result<Json<Value>, Refused> {
    let sid = sim.text(number(&new.from)?, number(&new.to)?, &new.body);
    Ok(Json(json!({ "message": sid.as_str() })))
}

async fn phone(
    State(sim): State<Sim>,
    Path(given): Path<String>,
    Json(behaviour): Json<Behaviour>,
) -> Result<StatusCode, Refused> {
    sim.phone(number(&given)?, behaviour);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct For {
    number: Option<String>,
}

async fn set_faults(
    State(sim): State<Sim>,
    Query(query): Query<For>,
    Json(faults): Json<Faults>,
) -> Result<StatusCode, Refused> {
    match query.number {
        Some(given) => sim.faults().set_for(number(&given)?, faults),
        None => sim.faults().set(faults),
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn faults(State(sim): State<Sim>) -> Json<Faults> {
    Json(sim.faults().now())
}

async fn subscription(State(sim): State<Sim>, Path(id): Path<String>) -> Response {
    ([("content-type", "application/json")], sim.push_subscription(&id)).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushAnswer {
    status: Option<u16>,
}

async fn push(State(sim): State<Sim>, Path(id): Path<String>, Json(answer): Json<PushAnswer>) -> StatusCode {
    sim.push_answers(&id, answer.status);
    StatusCode::NO_CONTENT
}
