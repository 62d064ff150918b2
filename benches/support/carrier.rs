//! The carrier's REST API as small as can be: it takes every message and call at once, and remembers
//! when each message came.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use pikett::clock::Stopwatch;

use crate::serve::serve;

/// A message's form, and when it came by the stopwatch.
type Came = Arc<Mutex<Vec<(Bytes, f64)>>>;

pub struct Carrier {
    pub address: SocketAddr,
    came: Came,
}

/// A message that came.
pub struct Message {
    pub to: String,
    pub text: String,
    pub at: f64,
}

impl Message {
    /// The word by which a tool knows its alert.
    pub fn word(&self) -> &str {
        let begin = self.text.find("disk-").expect("it is about a tool's alert");
        let is_of_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '-';
        let rest = &self.text[begin..];
        &rest[..rest.find(|sign| !is_of_word(sign)).unwrap_or(rest.len())]
    }
}

impl Carrier {
    pub async fn start(watch: Stopwatch) -> Self {
        let came = Came::default();
        let address = serve(Router::new().fallback(take).with_state((watch, Arc::clone(&came)))).await;
        Self { address, came }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Bytes, f64)>> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// What has come so far, which is forgotten.
    pub fn take(&self) -> Vec<Message> {
        // Read only now: whoever is measured shares the machine.
        let came = std::mem::take(&mut *self.lock());
        came.iter().map(|(form, at)| Message { to: field(form, "To"), text: field(form, "Body"), at: *at }).collect()
    }
}

fn field(form: &[u8], name: &str) -> String {
    let found = form_urlencoded::parse(form).find(|(given, _)| given == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

async fn take(State((watch, came)): State<(Stopwatch, Came)>, form: Bytes) -> Response {
    let at = watch.seconds();
    let mut came = came.lock().unwrap_or_else(PoisonError::into_inner);
    came.push((form, at));
    let answer = format!(r#"{{"sid":"SM{:032x}","status":"queued"}}"#, came.len());
    (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], answer).into_response()
}
