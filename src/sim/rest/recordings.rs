//! Recordings: what is known of them, their files when they are ready, and their end.

use axum::{
    Json,
    extract::{OriginalUri, Path, RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Form, Refusal, page, rfc2822, without_suffix};
use crate::sim::{
    Sid, Sim,
    recording::{mp3, wav},
    world::Recording,
};

pub(super) async fn list(
    State(sim): State<Sim>,
    Path(account): Path<String>,
    OriginalUri(uri): OriginalUri,
    RawQuery(query): RawQuery,
) -> Json<Value> {
    let query = Form::decode(query.unwrap_or_default().as_bytes());
    let world = sim.world();
    let mut kept: Vec<(&Sid, &Recording)> =
        world.recordings.iter().filter(|(_, recording)| recording.account == account).collect();
    kept.sort_by_key(|(_, recording)| std::cmp::Reverse(recording.created_at));
    let found = kept
        .into_iter()
        .filter(|(_, recording)| query.get("CallSid").is_none_or(|wanted| recording.call.as_str() == wanted))
        .map(|(sid, recording)| resource(&sim, sid, recording))
        .collect();
    Json(page::page("recordings", uri.path(), &query, found))
}

/// `RE….wav` and `RE….mp3` are the file, `RE….json` what is known of it, `RE…` the WAV as well.
pub(super) async fn show(
    State(sim): State<Sim>,
    Path((account, name)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (sid, kind) = name.rsplit_once('.').unwrap_or((&name, "wav"));
    let sid = Sid::new(sid);
    let world = sim.world();
    let recording =
        world.recordings.get(&sid).filter(|recording| recording.account == account).ok_or_else(Refusal::not_found)?;
    if kind == "json" {
        return Ok(Json(resource(&sim, &sid, recording)).into_response());
    }
    if recording.ready_at.is_none_or(|ready_at| sim.0.clock.now() < ready_at) {
        return Err(Refusal::not_found());
    }
    let (content_type, file) = match kind {
        "wav" => ("audio/x-wav", wav(recording.duration_s)),
        "mp3" => ("audio/mpeg", mp3(recording.duration_s)),
        _ => return Err(Refusal::not_found()),
    };
    Ok(([(header::CONTENT_TYPE, content_type)], file).into_response())
}

pub(super) async fn delete(
    State(sim): State<Sim>,
    Path((account, sid)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let sid = without_suffix(&sid);
    let mut world = sim.world();
    let is_there = world.recordings.get(&sid).is_some_and(|recording| recording.account == account);
    if !is_there {
        return Err(Refusal::not_found());
    }
    world.recordings.remove(&sid);
    Ok(StatusCode::NO_CONTENT)
}

fn resource(sim: &Sim, sid: &Sid, recording: &Recording) -> Value {
    let status = match recording.ready_at {
        None => "absent",
        Some(ready_at) if sim.0.clock.now() < ready_at => "processing",
        Some(_) => "completed",
    };
    json!({
        "sid": sid.as_str(),
        "account_sid": recording.account,
        "call_sid": recording.call.as_str(),
        "status": status,
        "duration": recording.duration_s.to_string(),
        "channels": 1,
        "source": recording.source,
        "date_created": rfc2822(Some(recording.created_at)),
        "start_time": rfc2822(Some(recording.created_at)),
        "error_code": null,
        "uri": format!("/2010-04-01/Accounts/{}/Recordings/{sid}.json", recording.account),
    })
}
