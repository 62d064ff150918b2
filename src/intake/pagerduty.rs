//! `POST /v2/enqueue`, compatible with PagerDuty's Events API v2: the same body, the same answers, and
//! lenient where PagerDuty is. The routing key is an integration's key.

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{
    Intake, IntakeError,
    event::{Action, Event, Trigger},
};
use crate::{
    model::priority::Priority,
    telemetry::metric,
    web::{
        body::{self, BodyError},
        problem::RETRY_AFTER_S,
        refusals::refused,
        text,
    },
};

const BODY_BYTES_MAX: usize = 512 * 1_024;
const SUMMARY_MAX: usize = 1_024;
const DEDUP_KEY_MAX: usize = 255;
const CATEGORY_MAX: usize = 64;

/// The handler.
pub async fn enqueue(State(intake): State<Intake>, request: Request) -> Response {
    let body = match body::read(request.into_body(), BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(error @ BodyError::TooLong { .. }) => {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", &[error.to_string()]);
        }
        Err(error @ BodyError::Broken) => return refuse(StatusCode::BAD_REQUEST, "broken_body", &[error.to_string()]),
    };
    let message = match Message::parse(&body) {
        Ok(message) => message,
        Err(Refusal::Unrecognized) => return unrecognized(),
        Err(Refusal::Invalid(errors)) => return refuse(StatusCode::BAD_REQUEST, "invalid", &errors),
    };
    let Message { routing_key, dedup_key, action } = message;
    // Without a key of its own every event is an alert of its own, and the sender learns its key.
    let dedup_key = dedup_key.unwrap_or_else(|| intake.0.context.ids.nonce());
    let action_name = action.as_str();
    match intake.take(&routing_key, Event { key: text::key(&dedup_key), action }).await {
        Ok(_) => {
            metrics::counter!(metric::EVENTS, "tool" => "pagerduty", "action" => action_name).increment(1);
            let answer = json!({ "status": "success", "message": "Event processed", "dedup_key": dedup_key });
            (StatusCode::ACCEPTED, Json(answer)).into_response()
        }
        Err(IntakeError::UnknownKey) => {
            refuse(StatusCode::BAD_REQUEST, "unknown_key", &["Invalid routing key".to_owned()])
        }
        Err(error) => unavailable(&error),
    }
}

fn refuse(status: StatusCode, reason: &'static str, errors: &[String]) -> Response {
    refused("intake", reason);
    let answer = json!({ "status": "invalid event", "message": "Event object is invalid", "errors": errors });
    (status, Json(answer)).into_response()
}

fn unrecognized() -> Response {
    refused("intake", "not_json");
    let answer = json!({
        "status": "Unrecognized object",
        "message": "Event object format is unrecognized",
        "errors": ["JSON parse error"],
    });
    (StatusCode::BAD_REQUEST, Json(answer)).into_response()
}

/// 503 with `Retry-After` is what every sender repeats.
fn unavailable(error: &IntakeError) -> Response {
    refused("intake", "unavailable");
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    tracing::error!(%error, cause, "an event could not be taken; its sender was told to come again");
    let answer = json!({
        "status": "unavailable",
        "message": "The event was not accepted, send it again",
        "errors": ["Service unavailable"],
    });
    let headers = [(header::RETRY_AFTER, RETRY_AFTER_S.to_string())];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(answer)).into_response()
}

/// What a body says, checked.
#[derive(Debug, PartialEq)]
struct Message {
    routing_key: String,
    dedup_key: Option<String>,
    action: Action,
}

#[derive(Debug, PartialEq)]
enum Refusal {
    /// Not JSON, or no object.
    Unrecognized,
    /// Every fault, in PagerDuty's words.
    Invalid(Vec<String>),
}

impl Message {
    fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else { return Err(Refusal::Unrecognized) };
        let mut errors = Vec::new();
        let routing_key = required(&body, "routing_key", "routing_key", &mut errors);
        let dedup_key = scalar(&body, "dedup_key").filter(|key| !key.is_empty());
        if dedup_key.as_ref().is_some_and(|key| key.chars().count() > DEDUP_KEY_MAX) {
            errors.push(format!("'dedup_key' is too long (maximum is {DEDUP_KEY_MAX} characters)"));
        }
        let action = match scalar(&body, "event_action").as_deref() {
            Some("trigger") => trigger(&mut body, &mut errors).map(Action::Trigger),
            Some(given @ ("acknowledge" | "resolve")) => {
                if dedup_key.is_none() {
                    errors.push("'dedup_key' is missing or blank".to_owned());
                }
                Some(if given == "resolve" { Action::Resolve } else { Action::Acknowledge })
            }
            None | Some("") => {
                errors.push("'event_action' is missing or blank".to_owned());
                None
            }
            Some(_) => {
                errors.push(
                    "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
                        .to_owned(),
                );
                None
            }
        };
        match (routing_key, action) {
            (Some(routing_key), Some(action)) if errors.is_empty() => Ok(Self { routing_key, dedup_key, action }),
            _ => Err(Refusal::Invalid(errors)),
        }
    }
}

fn trigger(body: &mut Map<String, Value>, errors: &mut Vec<String>) -> Option<Trigger> {
    let Some(Value::Object(mut payload)) = body.remove("payload") else {
        errors.push("'payload' is missing or blank".to_owned());
        return None;
    };
    let title = required(&payload, "summary", "payload.summary", errors);
    let source = required(&payload, "source", "payload.source", errors);
    let severity = required(&payload, "severity", "payload.severity", errors);
    let priority = severity.and_then(|severity| {
        let priority = Priority::from_severity(&severity.to_ascii_lowercase());
        if priority.is_none() {
            errors.push(
                "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
                    .to_owned(),
            );
        }
        priority
    });
    let (title, priority) = (title?, priority?);
    source?;
    let category = scalar(&payload, "class").map(|class| text::line(&class, CATEGORY_MAX)).filter(|c| !c.is_empty());
    payload.remove("summary");
    let mut details = payload;
    for field in ["links", "images", "client", "client_url"] {
        if let Some(value) = body.remove(field) {
            details.insert(field.to_owned(), value);
        }
    }
    Some(Trigger { title: text::line(&title, SUMMARY_MAX), priority, category, details: Value::Object(details) })
}

/// A text that must be there and say something, also after control characters are taken out.
fn required(map: &Map<String, Value>, field: &str, shown: &str, errors: &mut Vec<String>) -> Option<String> {
    let given = scalar(map, field).filter(|given| !text::line(given, 1).is_empty());
    if given.is_none() {
        errors.push(format!("'{shown}' is missing or blank"));
    }
    given
}

/// A text; scripts also send numbers where a text is meant.
fn scalar(map: &Map<String, Value>, field: &str) -> Option<String> {
    match map.get(field)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger_of(body: &Value) -> Trigger {
        match Message::parse(body.to_string().as_bytes()) {
            Ok(Message { action: Action::Trigger(trigger), .. }) => trigger,
            other => panic!("{other:?}"),
        }
    }

    fn faults(body: &Value) -> Vec<String> {
        match Message::parse(body.to_string().as_bytes()) {
            Err(Refusal::Invalid(errors)) => errors,
            other => panic!("{other:?}"),
        }
    }

    fn full() -> Value {
        json!({
            "routing_key": "e93facc04764012d7bfb002500d5d1a6",
            "event_action": "trigger",
            "dedup_key": "srv01/mysql",
            "client": "Sample Monitoring Service",
            "client_url": "https://monitoring.example.com",
            "payload": {
                "summary": "DISK at 99% on machine prod-datapipe03.example.com",
                "timestamp": "2015-07-17T08:42:58.315+0000",
                "severity": "critical",
                "source": "prod-datapipe03.example.com",
                "component": "mysql",
                "class": "disk",
                "custom_details": { "free space": "1%", "load avg": 0.75 },
            },
            "links": [{ "href": "http://pagerduty.example.com", "text": "An example link." }],
        })
    }

    #[test]
    fn a_full_event_keeps_everything_that_it_says() {
        let trigger = trigger_of(&full());
        assert_eq!(trigger.title, "DISK at 99% on machine prod-datapipe03.example.com");
        assert_eq!((trigger.priority, trigger.category.as_deref()), (Priority::P1, Some("disk")));
        assert_eq!(trigger.details["custom_details"]["load avg"], 0.75);
        assert_eq!(trigger.details["links"][0]["text"], "An example link.");
        assert_eq!(trigger.details["timestamp"], "2015-07-17T08:42:58.315+0000");
        assert_eq!(trigger.details["client"], "Sample Monitoring Service");
    }

    #[test]
    fn severities_are_priorities() {
        for (severity, priority) in
            [("critical", Priority::P1), ("error", Priority::P2), ("warning", Priority::P3), ("Info", Priority::P4)]
        {
            let mut body = full();
            body["payload"]["severity"] = severity.into();
            assert_eq!(trigger_of(&body).priority, priority);
        }
    }

    #[test]
    fn what_tools_get_slightly_wrong_is_taken_all_the_same() {
        let mut body = full();
        body["payload"]["summary"] = "x".repeat(3_000).into();
        assert_eq!(trigger_of(&body).title.chars().count(), 1_024);
        body["payload"]["summary"] = "Disk\u{0} full\r\n\u{1b}[31mnow".into();
        assert_eq!(trigger_of(&body).title, "Disk full [31mnow");
        body["payload"]["timestamp"] = "yesterday".into();
        body["payload"]["custom_details"] = "no object".into();
        body["dedup_key"] = 4711.into();
        assert_eq!(trigger_of(&body).details["custom_details"], "no object");
        let message = Message::parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(message.dedup_key.as_deref(), Some("4711"));
    }

    #[test]
    fn every_fault_is_named_at_once() {
        assert_eq!(
            faults(&json!({ "event_action": "trigger", "payload": { "severity": "bad", "summary": "\u{0}" } })),
            [
                "'routing_key' is missing or blank",
                "'payload.summary' is missing or blank",
                "'payload.source' is missing or blank",
                "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
            ]
        );
        assert_eq!(
            faults(&json!({ "routing_key": "k", "event_action": "explode", "dedup_key": "x".repeat(256) })),
            [
                "'dedup_key' is too long (maximum is 255 characters)",
                "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')",
            ]
        );
        assert_eq!(
            faults(&json!({ "routing_key": "k", "event_action": "resolve" })),
            ["'dedup_key' is missing or blank"]
        );
        assert_eq!(
            faults(&json!({ "routing_key": "k", "event_action": "trigger" })),
            ["'payload' is missing or blank"]
        );
        assert_eq!(faults(&json!({})), ["'routing_key' is missing or blank", "'event_action' is missing or blank"]);
    }

    #[test]
    fn what_is_no_object_is_not_recognized() {
        for body in ["", "[]", "\"x\"", "{", "routing_key=k", "\u{ff}"] {
            assert_eq!(Message::parse(body.as_bytes()), Err(Refusal::Unrecognized), "{body}");
        }
        assert_eq!(Message::parse(b"\xff\xfe"), Err(Refusal::Unrecognized));
    }
}
