//! Messages: created, listed, shown, redacted.

use axum::{
    Json,
    body::Bytes,
    extract::{OriginalUri, Path, RawQuery, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{Form, Refusal, page, rfc2822, without_suffix};
use crate::{
    model::phone::Phone,
    sim::{
        Message, Sim,
        message::{NewMessage, OPTED_OUT, segments},
    },
};

/// Twilio: Message resource.
const BODY_MAX: usize = 1_600;
const VALIDITY_S: u32 = 36_000;

pub(super) async fn create(
    State(sim): State<Sim>,
    Path(account): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let form = Form::decode(&body);
    let to = form.get("To").ok_or_else(|| Refusal::bad(21604, "A 'To' phone number is required."))?;
    if to.parse::<Phone>().is_err() {
        return Err(Refusal::bad(21211, format!("Invalid 'To' Phone Number: {to}")));
    }
    let from = form.get("From").ok_or_else(|| Refusal::bad(21603, "A 'From' phone number is required."))?;
    if sim.world().hooks(from).is_none_or(|hooks| hooks.account != account) {
        return Err(Refusal::bad(21606, format!("The 'From' phone number {from} is not a valid, SMS-capable number")));
    }
    let text = form.get("Body").ok_or_else(|| Refusal::bad(21602, "Message body is required."))?;
    if text.chars().count() > BODY_MAX {
        return Err(Refusal::bad(21617, "The concatenated message body exceeds the 1600 character limit"));
    }
    let validity_s = form.number("ValidityPeriod", VALIDITY_S);
    let accepted = sim.accept_message(NewMessage {
        account,
        from: from.to_owned(),
        to: to.to_owned(),
        body: text.to_owned(),
        status_callback: form.target("StatusCallback", "StatusCallbackMethod")?,
        validity_s,
    });
    let sid = accepted.map_err(|code| match code {
        OPTED_OUT => Refusal::bad(code, "Attempt to send to unsubscribed recipient"),
        code => Refusal::bad(code, format!("The message to {to} is refused")),
    })?;
    let message = sim.messages().into_iter().find(|message| message.sid == sid).ok_or_else(Refusal::not_found)?;
    let mut answer = resource(&message);
    // The answer tells the state at creation; what follows comes by callback.
    answer["status"] = json!("queued");
    Ok((StatusCode::CREATED, Json(answer)))
}

pub(super) async fn list(
    State(sim): State<Sim>,
    Path(account): Path<String>,
    OriginalUri(uri): OriginalUri,
    RawQuery(query): RawQuery,
) -> Json<Value> {
    let query = Form::decode(query.unwrap_or_default().as_bytes());
    let is = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
    let mut messages = sim.messages();
    messages.reverse();
    let found = messages
        .iter()
        .filter(|message| message.account == account && is("To", &message.to) && is("From", &message.from))
        .filter(|message| page::is_within(&query, "DateSent", message.sent_at.or(Some(message.created_at))))
        .map(resource)
        .collect();
    Json(page::page("messages", uri.path(), &query, found))
}

fn found(sim: &Sim, account: &str, sid: &str) -> Result<Message, Refusal> {
    let sid = without_suffix(sid);
    let message = sim.messages().into_iter().find(|message| message.sid == sid && message.account == account);
    message.ok_or_else(Refusal::not_found)
}

pub(super) async fn show(
    State(sim): State<Sim>,
    Path((account, sid)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(resource(&found(&sim, &account, &sid)?)))
}

/// An empty `Body` removes the text.
pub(super) async fn change(
    State(sim): State<Sim>,
    Path((account, sid)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let mut message = found(&sim, &account, &sid)?;
    if Form::decode(&body).all("Body").next() == Some("") {
        message.body = String::new();
        let mut world = sim.world();
        if let Some(kept) = world.messages.iter_mut().find(|kept| kept.sid == message.sid) {
            kept.body.clear();
        }
    }
    Ok(Json(resource(&message)))
}

pub(super) async fn delete(
    State(sim): State<Sim>,
    Path((account, sid)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let message = found(&sim, &account, &sid)?;
    if !message.status.is_final() {
        return Err(Refusal::bad(20009, "Cannot delete this resource before it is finished"));
    }
    sim.world().messages.retain(|kept| kept.sid != message.sid);
    Ok(StatusCode::NO_CONTENT)
}

fn resource(message: &Message) -> Value {
    json!({
        "sid": message.sid.as_str(),
        "account_sid": message.account,
        "messaging_service_sid": null,
        "from": message.from,
        "to": message.to,
        "body": message.body,
        "direction": if message.inbound { "inbound" } else { "outbound-api" },
        "status": message.status.as_str(),
        "num_segments": segments(&message.body).to_string(),
        "num_media": "0",
        "error_code": message.code,
        "error_message": null,
        "date_created": rfc2822(Some(message.created_at)),
        "date_updated": rfc2822(Some(message.sent_at.unwrap_or(message.created_at))),
        "date_sent": rfc2822(message.sent_at),
        "price": null,
        "price_unit": "USD",
        "api_version": "2010-04-01",
        "uri": format!("/2010-04-01/Accounts/{}/Messages/{}.json", message.account, message.sid),
        "subresource_uris": {},
    })
}
