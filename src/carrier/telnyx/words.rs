//! What Telnyx says, in the words that the rest of the house knows: Twilio's parameters and statuses.
//!
//! Pure. TeXML's requests about calls are Twilio's forms already; messages come as JSON events. Start with
//! `of_event`, `message`.

use serde_json::Value;

use crate::{
    carrier::{MessageSeen, Sid, signature::Form, status::MessageStatus},
    model::Instant,
};

/// An event about a message, as the form that Twilio would send. Of what is none it is an empty one, which every
/// handler answers without doing anything.
pub fn of_event(body: &[u8]) -> Form {
    let event: Value = serde_json::from_slice(body).unwrap_or_default();
    let payload = &event["data"]["payload"];
    let to = &payload["to"][0];
    let mut pairs = Vec::new();
    let mut say = |name: &str, value: &Value| {
        if let Some(value) = value.as_str() {
            pairs.push((name.to_owned(), value.to_owned()));
        }
    };
    say("MessageSid", &payload["id"]);
    say("From", &payload["from"]["phone_number"]);
    say("To", &to["phone_number"]);
    match event["data"]["event_type"].as_str() {
        Some("message.received") => say("Body", &payload["text"]),
        Some("message.sent" | "message.finalized") => {
            say("MessageStatus", &Value::from(status(to).as_str()));
            if let Some(code) = code(payload) {
                say("ErrorCode", &Value::from(code.to_string()));
            }
        }
        Some(_) | None => pairs.clear(),
    }
    Form::of(pairs)
}

/// A message as Telnyx describes it in its answers.
pub(super) fn message(answer: &Value) -> Option<MessageSeen> {
    let data = &answer["data"];
    let created_at = data["received_at"].as_str().and_then(|at| at.parse::<Instant>().ok());
    Some(MessageSeen { sid: sid(data)?, status: status(&data["to"][0]), created_at, error_code: code(data) })
}

pub(super) fn sid(data: &Value) -> Option<Sid> {
    data["id"].as_str().filter(|sid| !sid.is_empty()).map(Sid::new)
}

fn status(to: &Value) -> MessageStatus {
    match to["status"].as_str().unwrap_or_default() {
        "sending_failed" => MessageStatus::Failed,
        "delivery_failed" | "expired" => MessageStatus::Undelivered,
        // It left, and no network says more: no failure, and no proof.
        "delivery_unconfirmed" => MessageStatus::Sent,
        word => MessageStatus::parse(word),
    }
}

fn code(payload: &Value) -> Option<u32> {
    let code = &payload["errors"][0]["code"];
    code.as_str().and_then(|code| code.parse().ok()).or_else(|| u32::try_from(code.as_u64()?).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(event: &Value) -> Vec<(String, String)> {
        let form = of_event(event.to_string().as_bytes());
        form.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn event(kind: &str, status: &str, errors: &Value) -> Value {
        json!({"data": {"event_type": kind, "payload": {
            "id": "m1", "from": {"phone_number": "+4930901820"}, "text": "1 K7", "errors": errors,
            "to": [{"phone_number": "+4915110000001", "status": status}],
        }}})
    }

    #[test]
    fn reports_say_what_became_of_a_message() {
        for (word, errors, status, code) in [
            ("sent", json!([]), "sent", None),
            ("delivered", json!([]), "delivered", None),
            ("delivery_unconfirmed", json!([]), "sent", None),
            ("sending_failed", json!([{"code": "40300", "title": "Blocked"}]), "failed", Some("40300")),
            ("delivery_failed", json!([{"code": 40001}]), "undelivered", Some("40001")),
            ("expired", json!([{"code": "40005"}]), "undelivered", Some("40005")),
        ] {
            let form = of_event(event("message.finalized", word, &errors).to_string().as_bytes());
            assert_eq!((form.get("MessageStatus"), form.get("ErrorCode")), (Some(status), code), "{word}");
            assert_eq!((form.get("MessageSid"), form.get("Body")), (Some("m1"), None));
        }
    }

    #[test]
    fn what_is_no_event_of_a_message_says_nothing() {
        assert_eq!(pairs(&event("call.initiated", "", &json!(null))), []);
        assert_eq!(pairs(&json!([1, 2])), []);
        assert!(of_event(b"\xff no json").iter().next().is_none());
    }

    #[test]
    fn a_message_is_read_from_its_wrapping() {
        let answer = json!({"data": {"id": "m1", "received_at": "2026-03-01T02:30:00.123+00:00",
            "to": [{"status": "delivery_failed"}], "errors": [{"code": "40008"}]}});
        let seen = message(&answer).unwrap();
        assert_eq!((seen.sid.as_str(), seen.status, seen.error_code), ("m1", MessageStatus::Undelivered, Some(40_008)));
        assert_eq!(seen.created_at, "2026-03-01T02:30:00.123Z".parse().ok());
        assert_eq!(message(&json!({"data": {}})), None);
    }
}
