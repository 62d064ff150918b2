//! Calls: created, listed, shown, changed, removed from the log.

use std::collections::BTreeSet;

use axum::{
    Json,
    body::Bytes,
    extract::{OriginalUri, Path, RawQuery, State},
    http::StatusCode,
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Form, Refusal, page, rfc2822, without_suffix};
use crate::{
    carrier::{
        status::CallStatus,
        twiml::{self, CallEvent},
    },
    model::{Instant, phone::Phone},
    sim::{
        Leg, Sid, Sim, Voice,
        call::Outbound,
        event::Direction,
        leg::NewLeg,
        signal::{Origin, Signal},
        times::seconds,
        world::{Held, Subscription},
    },
};

/// Twilio's default: seconds of ringing.
const RING_S: u32 = 60;
const RING_MAX_S: u32 = 600;

pub(super) async fn create(
    State(sim): State<Sim>,
    Path(account): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let form = Form::decode(&body);
    let to = destination(&sim, form.get("To"))?;
    let from = form.get("From").ok_or_else(|| Refusal::bad(21213, "No 'From' number is specified"))?;
    if sim.world().hooks(from).is_none_or(|hooks| hooks.account != account) {
        return Err(Refusal::bad(21210, format!("The source phone number provided, {from}, is not yet verified")));
    }
    let origin = origin(&form)?.ok_or_else(|| Refusal::bad(21205, "Url parameter is required."))?;
    let subscription = form
        .target("StatusCallback", "StatusCallbackMethod")?
        .map(|target| Subscription { target, events: events(&form) });
    let line = sim.open_leg(NewLeg {
        account: account.clone(),
        from: from.to_owned(),
        to,
        direction: Direction::OutboundApi,
        parent: None,
        status: CallStatus::Queued,
        subscription,
        fallback: form.target("FallbackUrl", "FallbackMethod")?,
        verstat: None,
    });
    let slot = take_slot(&sim, &account, line.sid());
    let plan = Outbound {
        slot,
        origin,
        ring_s: form.number("Timeout", RING_S).min(RING_MAX_S),
        machine_detection: form.get("MachineDetection").is_some() && form.get("SendDigits").is_none(),
        machine_callback: if form.get("AsyncAmd") == Some("true") {
            form.target("AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod")?
        } else {
            None
        },
    };
    let leg = sim.world().leg(line.sid()).map(resource);
    sim.spawn(line.outbound(plan));
    Ok((StatusCode::CREATED, Json(leg.ok_or_else(Refusal::not_found)?)))
}

fn destination(sim: &Sim, to: Option<&str>) -> Result<String, Refusal> {
    let to = to.ok_or_else(|| Refusal::bad(21201, "No 'To' number is specified"))?;
    let wrong = |code| Refusal::bad(code, format!("The phone number you are attempting to call, {to}, is not valid."));
    if to.parse::<Phone>().is_err() {
        return Err(wrong(21211));
    }
    match sim.world().behaviour(to).voice {
        Voice::Refused { code } => Err(wrong(code)),
        Voice::Interactive | Voice::Scripted { .. } => Ok(to.to_owned()),
    }
}

fn origin(form: &Form) -> Result<Option<Origin>, Refusal> {
    if let Some(target) = form.target("Url", "Method")? {
        return Ok(Some(Origin::url(target)));
    }
    match form.get("Twiml") {
        Some(text) if text.chars().count() > twiml::MAX_INLINE_CHARS => {
            Err(Refusal::bad(32018, "Twiml is longer than 4000 characters"))
        }
        Some(text) => Ok(Some(Origin::Inline(text.to_owned()))),
        None => Ok(None),
    }
}

fn events(form: &Form) -> Vec<CallEvent> {
    let events: Vec<CallEvent> = form
        .all("StatusCallbackEvent")
        .flat_map(str::split_whitespace)
        .filter_map(|word| {
            [CallEvent::Initiated, CallEvent::Ringing, CallEvent::Answered, CallEvent::Completed]
                .into_iter()
                .find(|event| event.as_str() == word)
        })
        .collect();
    if events.is_empty() { vec![CallEvent::Completed] } else { events }
}

/// When this call is dialled: so many calls per second and account, the others wait.
fn take_slot(sim: &Sim, account: &str, sid: &Sid) -> Instant {
    let now = sim.0.clock.now();
    let between = seconds(1.0 / sim.0.times.calls_per_second);
    let mut world = sim.world();
    let slot = world.slots.get(account).copied().unwrap_or(now).max(now);
    world.slots.insert(account.to_owned(), slot + between);
    if let Some(held) = world.legs.get_mut(sid) {
        held.leg.queue_ms = (slot - now).num_milliseconds();
    }
    slot
}

pub(super) async fn list(
    State(sim): State<Sim>,
    Path(account): Path<String>,
    OriginalUri(uri): OriginalUri,
    RawQuery(query): RawQuery,
) -> Json<Value> {
    let query = Form::decode(query.unwrap_or_default().as_bytes());
    let is = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
    let mut legs = sim.legs();
    legs.reverse();
    let hidden: BTreeSet<Sid> =
        sim.world().legs.values().filter(|held| held.hidden).map(|held| held.leg.sid.clone()).collect();
    let found = legs
        .iter()
        .filter(|leg| !hidden.contains(&leg.sid))
        .filter(|leg| leg.account == account && is("To", &leg.to) && is("From", &leg.from))
        .filter(|leg| is("Status", leg.status.as_str()))
        .filter(|leg| {
            query.get("ParentCallSid").is_none_or(|wanted| leg.parent.as_ref().is_some_and(|p| p.as_str() == wanted))
        })
        .filter(|leg| page::is_within(&query, "StartTime", Some(leg.created_at)))
        .map(resource)
        .collect();
    Json(page::page("calls", uri.path(), &query, found))
}

pub(super) async fn show(
    State(sim): State<Sim>,
    Path((account, sid)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let stale = seconds(sim.faults().now().rest.stale_s);
    let sid = without_suffix(&sid);
    let world = sim.world();
    let held = world
        .legs
        .get(&sid)
        .filter(|held| held.leg.account == account && !held.hidden)
        .ok_or_else(Refusal::not_found)?;
    let mut leg = held.leg.clone();
    if stale > TimeDelta::zero() {
        let seen_at = sim.0.clock.now() - stale;
        let past = held.past.iter().rev().find(|(at, _)| *at <= seen_at).or(held.past.first());
        if let Some((_, status)) = past {
            leg.ended_at = leg.ended_at.filter(|_| status.is_final());
            leg.status = status.clone();
        }
    }
    Ok(Json(resource(&leg)))
}

pub(super) async fn change(
    State(sim): State<Sim>,
    Path((account, sid)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let form = Form::decode(&body);
    let sid = without_suffix(&sid);
    let gone = || Refusal::bad(21220, "Call is not in-progress. Cannot redirect.");
    let moved = origin(&form)?;
    let callback = form.target("StatusCallback", "StatusCallbackMethod")?;
    let mut world = sim.world();
    let held = world.legs.get_mut(&sid).filter(|held| held.leg.account == account).ok_or_else(Refusal::not_found)?;
    let status = held.leg.status.clone();
    if let Some(target) = callback {
        held.subscription = Some(Subscription { target, events: events(&form) });
    }
    if status.is_final() {
        return Err(gone());
    }
    let unanswered = status.rank() < CallStatus::InProgress.rank();
    match (form.get("Status"), moved) {
        (Some("completed"), _) => drop(held.teller.tell(Signal::End)),
        (Some("canceled"), _) if unanswered => drop(held.teller.tell(Signal::End)),
        (Some("canceled"), _) => {}
        (Some(other), _) => return Err(Refusal::bad(21218, format!("Status {other} is not one to set"))),
        (None, Some(_)) if status != CallStatus::InProgress && held.leg.direction != Direction::Inbound => {
            return Err(gone());
        }
        (None, Some(origin)) => drop(held.teller.tell(Signal::Move(origin))),
        (None, None) => {}
    }
    Ok(Json(resource(&held.leg)))
}

pub(super) async fn delete(
    State(sim): State<Sim>,
    Path((account, sid)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let sid = without_suffix(&sid);
    let mut world = sim.world();
    let shown = |held: &&mut Held| held.leg.account == account && !held.hidden;
    let held = world.legs.get_mut(&sid).filter(shown).ok_or_else(Refusal::not_found)?;
    if !held.leg.status.is_final() {
        return Err(Refusal::bad(20009, "Cannot delete this resource: the call has not ended"));
    }
    held.hidden = true;
    Ok(StatusCode::NO_CONTENT)
}

fn resource(leg: &Leg) -> Value {
    let uri = format!("/2010-04-01/Accounts/{}/Calls/{}", leg.account, leg.sid);
    json!({
        "sid": leg.sid.as_str(),
        "account_sid": leg.account,
        "parent_call_sid": leg.parent.as_ref().map(Sid::as_str),
        "date_created": rfc2822(Some(leg.created_at)),
        "date_updated": rfc2822(Some(leg.ended_at.or(leg.answered_at).unwrap_or(leg.created_at))),
        "to": leg.to,
        "to_formatted": leg.to,
        "from": leg.from,
        "from_formatted": leg.from,
        "phone_number_sid": null,
        "status": leg.status.as_str(),
        "start_time": rfc2822(leg.answered_at),
        "end_time": rfc2822(leg.ended_at),
        "duration": leg.ended_at.map(|_| leg.duration_s().to_string()),
        "price": null,
        "price_unit": "USD",
        "direction": leg.direction.as_str(),
        "answered_by": leg.machine,
        "api_version": "2010-04-01",
        "forwarded_from": null,
        "group_sid": null,
        "caller_name": null,
        "queue_time": leg.queue_ms.to_string(),
        "trunk_sid": null,
        "uri": format!("{uri}.json"),
        "subresource_uris": { "recordings": format!("{uri}/Recordings.json") },
    })
}
