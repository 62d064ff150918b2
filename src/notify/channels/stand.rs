//! A provider's web server for tests: it keeps what comes and answers as it is told, over real HTTP;
//! without a word it answers as Slack, Telegram and ntfy do when all is well.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Came {
    /// The last part of the path: Slack's and Telegram's methods.
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub raw: String,
    pub body: Value,
}

impl Came {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("it is text")).unwrap_or_default()
    }
}

/// What is answered next: status, headers and body.
type Told = (u16, Vec<(&'static str, String)>, String);

#[derive(Default)]
struct Inside {
    came: Vec<Came>,
    told: VecDeque<Told>,
    messages: i64,
}

#[derive(Clone)]
pub struct Provider {
    pub url: String,
    inside: Arc<Mutex<Inside>>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let inside = Arc::new(Mutex::new(Inside::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves until the test ends") });
        Self { url, inside }
    }

    /// Where nobody listens.
    pub fn gone(mut self) -> Self {
        self.url = "http://127.0.0.1:1".to_owned();
        self
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().expect("nobody panicked")
    }

    /// The next request gets this answer.
    pub fn tell(&self, status: u16, headers: &[(&'static str, &str)], body: impl ToString) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.lock().told.push_back((status, headers, body.to_string()));
    }

    /// What came since the last look.
    pub fn came(&self) -> Vec<Came> {
        std::mem::take(&mut self.lock().came)
    }

    /// The one request since the last look.
    pub fn one(&self) -> Came {
        let mut came = self.came();
        assert_eq!(came.len(), 1, "{came:#?}");
        came.remove(0)
    }
}

async fn answer(State(inside): State<Arc<Mutex<Inside>>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut inside = inside.lock().expect("nobody panicked");
    let raw = String::from_utf8(body.to_vec()).expect("it is text");
    let body: Value = serde_json::from_str(&raw).unwrap_or_default();
    let path = uri.path().to_owned();
    let method = path.rsplit('/').next().unwrap_or_default().to_owned();
    inside.came.push(Came { method: method.clone(), path, headers, raw, body: body.clone() });
    if let Some((status, headers, text)) = inside.told.pop_front() {
        let mut response = (StatusCode::from_u16(status).expect("a real status"), text).into_response();
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().expect("a real header"));
        }
        return response;
    }
    inside.messages += 1;
    let number = inside.messages;
    let said = match method.as_str() {
        // A message to a member stands in a channel of its own.
        "chat.postMessage" => {
            let channel = body["channel"].as_str().unwrap_or_default().replace('U', "D");
            json!({ "ok": true, "channel": channel, "ts": format!("1772332200.{number:06}") })
        }
        "chat.update" => json!({ "ok": true, "channel": body["channel"], "ts": body["ts"] }),
        "sendMessage" | "editMessageText" => json!({ "ok": true, "result": { "message_id": number } }),
        "getUpdates" => json!({ "ok": true, "result": [] }),
        "answerCallbackQuery" | "setWebhook" | "deleteWebhook" => json!({ "ok": true, "result": true }),
        _ => json!({ "id": format!("id{number}"), "event": "message" }),
    };
    (StatusCode::OK, said.to_string()).into_response()
}
