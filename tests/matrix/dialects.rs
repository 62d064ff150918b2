//! How each provider is asked, and how it says yes, no, not now and later: what its pages say of requests and
//! answers. Emails are `mail`'s.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use p256::{SecretKey, elliptic_curve::sec1::ToEncodedPoint};
use pikett::model::person::Channel;
use serde_json::{Value, json};
use web_push_native::{Auth, decrypt};

use super::providers::{Asked, Came, Mood, Providers};

pub const ACCOUNT: &str = "AC1";
pub const BOT: &str = "1:s3cret";
/// Where a member of Slack is written to; a message stands in a channel of its own.
pub const SLACK_CHAT: &str = "D0000001A";

/// Status, headers and body.
type Answer = (u16, Vec<(&'static str, String)>, String);

/// The key that only the browser knows.
fn browser() -> (SecretKey, Auth) {
    (SecretKey::from_slice(&[9; 32]).unwrap(), Auth::clone_from_slice(&[3; 16]))
}

/// A browser's subscription, as JavaScript shows it.
pub fn subscription(endpoint: &str) -> String {
    let (key, auth) = browser();
    let public = key.public_key().to_encoded_point(false);
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    json!({ "endpoint": endpoint, "keys": { "p256dh": encode(public.as_bytes()), "auth": encode(&auth) } }).to_string()
}

/// `None`: it asks for no message.
pub fn read(came: &Came) -> Option<(Channel, Asked)> {
    let (body, path) = (came.json(), came.path.as_str());
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let raw = String::from_utf8_lossy(&came.body).into_owned();
    let asked = Asked { raw, is_page: true, ..Asked::default() };
    let last = path.rsplit('/').next().unwrap_or_default();
    Some(match last {
        "Messages.json" => (Channel::Sms, Asked { to: came.field("To"), text: came.field("Body"), ..asked }),
        "Calls.json" => (Channel::Voice, Asked { to: came.field("To"), text: came.field("Url"), ..asked }),
        "chat.postMessage" => (Channel::Slack, Asked { to: text("channel"), text: text("text"), ..asked }),
        "chat.update" => (Channel::Slack, Asked { to: text("channel"), text: text("text"), is_change: true, ..asked }),
        "sendMessage" | "editMessageText" => {
            let (to, is_change) = (body["chat_id"].to_string(), last == "editMessageText");
            (Channel::Telegram, Asked { to, text: text("text"), is_change, ..asked })
        }
        "ntfy" => {
            let (said, is_page) = (format!("{}\n{}", text("title"), text("message")), body["priority"] == 5);
            (Channel::Ntfy, Asked { to: text("topic"), text: said, is_page, ..asked })
        }
        _ if path.starts_with("/teams/") => {
            let card = body["attachments"][0]["content"].to_string();
            (Channel::Teams, Asked { to: path.to_owned(), text: card, ..asked })
        }
        _ if path.starts_with("/hooks/") => {
            let (identity, is_page) = (came.header("webhook-id"), body["type"] == "alert.page");
            (
                Channel::Webhook,
                Asked { to: path.to_owned(), text: body["data"].to_string(), identity, is_page, ..asked },
            )
        }
        _ if path.starts_with("/push/") => {
            let (key, auth) = browser();
            let said = String::from_utf8(decrypt(came.body.clone(), &key, &auth).unwrap()).unwrap();
            let identity = came.header("topic");
            let asked = Asked { to: path.to_owned(), text: said.clone(), identity, raw: said, ..asked };
            (Channel::Push, asked)
        }
        _ => return None,
    })
}

/// What a provider calls its `n`th message.
pub fn id(channel: Channel, n: usize) -> String {
    match channel {
        Channel::Sms => format!("SM{n:032}"),
        Channel::Voice => format!("CA{n:032}"),
        Channel::Slack => format!("1772332200.{n:06}"),
        Channel::Telegram => n.to_string(),
        Channel::Email | Channel::Push | Channel::Teams | Channel::Ntfy | Channel::Webhook => format!("id{n}"),
    }
}

/// Only a mood in which there is an answer.
pub fn answer(channel: Channel, mood: Mood, id: &str) -> Answer {
    let (status, body) = match mood {
        Mood::Well => well(channel, id),
        Mood::Refuses => refuses(channel),
        Mood::Fails => fails(channel),
        Mood::Busy(seconds) => {
            let (status, body) = busy(channel, seconds);
            return (status, vec![("retry-after", seconds.to_string())], body);
        }
        Mood::Silent | Mood::Mute => panic!("whoever is silent answers nothing"),
    };
    (status, Vec::new(), body)
}

fn twilio(code: u32, status: u16, message: &str) -> (u16, String) {
    (status, json!({ "code": code, "message": message, "status": status }).to_string())
}

fn telegram(code: u16, description: &str, parameters: &Value) -> (u16, String) {
    let body = json!({ "ok": false, "error_code": code, "description": description, "parameters": parameters });
    (code, body.to_string())
}

fn well(channel: Channel, id: &str) -> (u16, String) {
    match channel {
        Channel::Sms | Channel::Voice => (201, json!({ "sid": id, "status": "queued" }).to_string()),
        Channel::Slack => (200, json!({ "ok": true, "channel": SLACK_CHAT, "ts": id }).to_string()),
        Channel::Telegram => {
            let id: i64 = id.parse().unwrap();
            (200, json!({ "ok": true, "result": { "message_id": id } }).to_string())
        }
        Channel::Ntfy => (200, json!({ "id": id, "event": "message" }).to_string()),
        Channel::Teams => (202, String::new()),
        Channel::Push => (201, String::new()),
        Channel::Webhook => (204, String::new()),
        Channel::Email => panic!("emails come by SMTP"),
    }
}

fn refuses(channel: Channel) -> (u16, String) {
    match channel {
        Channel::Sms | Channel::Voice => twilio(21211, 400, "Invalid 'To' Phone Number"),
        Channel::Slack => (200, json!({ "ok": false, "error": "channel_not_found" }).to_string()),
        Channel::Telegram => telegram(403, "Forbidden: bot was blocked by the user", &Value::Null),
        Channel::Ntfy => (404, json!({ "code": 40401, "http": 404, "error": "page not found" }).to_string()),
        Channel::Teams => (404, json!({ "error": { "code": "WorkflowNotFound" } }).to_string()),
        Channel::Push | Channel::Webhook => (410, "gone".to_owned()),
        Channel::Email => panic!("emails come by SMTP"),
    }
}

fn fails(channel: Channel) -> (u16, String) {
    match channel {
        Channel::Sms | Channel::Voice => twilio(20503, 503, "Service unavailable"),
        Channel::Telegram => (502, "<html>502 Bad Gateway</html>".to_owned()),
        Channel::Slack | Channel::Ntfy | Channel::Teams | Channel::Push | Channel::Webhook => {
            (503, "not just now".to_owned())
        }
        Channel::Email => panic!("emails come by SMTP"),
    }
}

fn busy(channel: Channel, seconds: u32) -> (u16, String) {
    match channel {
        Channel::Sms | Channel::Voice => twilio(20429, 429, "Too many requests"),
        Channel::Slack => (429, json!({ "ok": false, "error": "ratelimited" }).to_string()),
        Channel::Telegram => {
            let words = format!("Too Many Requests: retry after {seconds}");
            telegram(429, &words, &json!({ "retry_after": seconds }))
        }
        Channel::Ntfy => (429, json!({ "code": 42901, "http": 429, "error": "limit reached" }).to_string()),
        Channel::Teams | Channel::Push | Channel::Webhook => (429, "slow down".to_owned()),
        Channel::Email => panic!("emails come by SMTP"),
    }
}

/// Telegram's and Slack's yes to whatever is no message.
pub fn granted() -> Json<Value> {
    Json(json!({ "ok": true, "result": true }))
}

/// Twilio's lists and single resources. Whatever was taken is known to it.
pub fn looked(providers: &Providers, came: &Came) -> Response {
    let path = came.path.strip_prefix(&format!("/2010-04-01/Accounts/{ACCOUNT}/")).unwrap_or_default();
    let name = path.trim_end_matches(".json");
    let resource = |asked: &Asked| {
        let (is_call, created) = (asked.id.starts_with("CA"), asked.at.to_rfc2822());
        let status = if is_call { "in-progress" } else { "sent" };
        json!({ "sid": asked.id, "status": status, "to": asked.to, "body": asked.text,
                "direction": "outbound-api", "date_created": created })
    };
    let taken: Vec<Asked> = providers.asked().into_iter().filter(|asked| asked.taken).collect();
    if let Some((_, sid)) = name.split_once('/') {
        return match taken.iter().find(|asked| asked.id == sid) {
            Some(asked) => Json(resource(asked)).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    let to = form_urlencoded::parse(came.query.as_bytes()).find(|(given, _)| given == "To");
    let (prefix, to) =
        (if name == "Calls" { "CA" } else { "SM" }, to.map(|(_, to)| to.into_owned()).unwrap_or_default());
    let found = taken.iter().filter(|asked| asked.id.starts_with(prefix) && asked.to == to);
    let found: Vec<Value> = found.map(resource).collect();
    Json(json!({ name.to_ascii_lowercase(): found, "next_page_uri": null })).into_response()
}
