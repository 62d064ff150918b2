//! Queues and who waits in them.

use axum::{
    Json,
    body::Bytes,
    extract::{OriginalUri, Path, RawQuery, State},
};
use serde_json::{Value, json};

use super::{Form, Refusal, page, rfc2822, without_suffix};
use crate::sim::{
    Sid, Sim,
    signal::{Origin, Signal},
    world::{Queue, Waiting},
};

pub(super) async fn list(
    State(sim): State<Sim>,
    Path(account): Path<String>,
    OriginalUri(uri): OriginalUri,
    RawQuery(query): RawQuery,
) -> Json<Value> {
    let query = Form::decode(query.unwrap_or_default().as_bytes());
    let world = sim.world();
    let found = world.queues.iter().map(|(name, queue)| resource(&account, name, queue)).collect();
    Json(page::page("queues", uri.path(), &query, found))
}

pub(super) async fn show(
    State(sim): State<Sim>,
    Path((account, sid)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let sid = without_suffix(&sid);
    let world = sim.world();
    let found = world.queues.iter().find(|(_, queue)| queue.sid.as_ref() == Some(&sid));
    let (name, queue) = found.ok_or_else(Refusal::not_found)?;
    Ok(Json(resource(&account, name, queue)))
}

pub(super) async fn members(
    State(sim): State<Sim>,
    Path((_, sid)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Refusal> {
    let query = Form::decode(query.unwrap_or_default().as_bytes());
    let sid = Sid::new(sid);
    let world = sim.world();
    let queue = world.queues.values().find(|queue| queue.sid.as_ref() == Some(&sid)).ok_or_else(Refusal::not_found)?;
    let found = queue.waiting.iter().enumerate().map(|(at, waiting)| member(&sim, &sid, at + 1, waiting)).collect();
    Ok(Json(page::page("queue_members", uri.path(), &query, found)))
}

/// Takes one caller, or the one in front, out of the queue and on to a document.
pub(super) async fn dequeue(
    State(sim): State<Sim>,
    Path((_, sid, call)): Path<(String, String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let form = Form::decode(&body);
    let target = form.target("Url", "Method")?.ok_or_else(|| Refusal::bad(21205, "Url parameter is required."))?;
    let (sid, call) = (Sid::new(sid), without_suffix(&call));
    let world = sim.world();
    let queue = world.queues.values().find(|queue| queue.sid.as_ref() == Some(&sid)).ok_or_else(Refusal::not_found)?;
    let at = if call.as_str() == "Front" { Some(0) } else { queue.position(&call) };
    let waiting = at.and_then(|at| queue.waiting.get(at)).cloned().ok_or_else(Refusal::not_found)?;
    let answer = member(&sim, &sid, at.unwrap_or(0) + 1, &waiting);
    if world.signal(&waiting.leg, Signal::Move(Origin::url(target))) {
        Ok(Json(answer))
    } else {
        Err(Refusal::not_found())
    }
}

fn resource(account: &str, name: &str, queue: &Queue) -> Value {
    json!({
        "sid": queue.sid.as_ref().map(Sid::as_str),
        "account_sid": account,
        "friendly_name": name,
        "current_size": queue.waiting.len(),
        "max_size": queue.max_size,
        "average_wait_time": queue.average_s(),
    })
}

fn member(sim: &Sim, queue: &Sid, position: usize, waiting: &Waiting) -> Value {
    json!({
        "call_sid": waiting.leg.as_str(),
        "queue_sid": queue.as_str(),
        "position": position,
        "date_enqueued": rfc2822(Some(waiting.since)),
        "wait_time": (sim.0.clock.now() - waiting.since).num_seconds(),
    })
}
