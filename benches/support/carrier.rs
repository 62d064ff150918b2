//! The carrier's REST API as small as can be: it takes every message and call at once, and remembers
//! when each message came.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
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

/// Message text → when it came, by the stopwatch.
type Came = Arc<Mutex<Vec<(String, f64)>>>;

pub struct Carrier {
    pub address: SocketAddr,
    came: Came,
}

impl Carrier {
    pub async fn start(watch: Stopwatch) -> Self {
        let came = Came::default();
        let address = serve(Router::new().fallback(take).with_state((watch, Arc::clone(&came)))).await;
        Self { address, came }
    }

    /// When the message with this word in it came.
    pub fn came(&self, word: &str) -> Option<f64> {
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.iter().find(|(text, _)| text.contains(word)).map(|(_, at)| *at)
    }

    pub fn forget(&self) {
        self.came.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

async fn take(State((watch, came)): State<(Stopwatch, Came)>, form: Bytes) -> Response {
    let at = watch.seconds();
    let text = form_urlencoded::parse(&form).find(|(name, _)| name == "Body").map(|(_, text)| text.into_owned());
    let mut came = came.lock().unwrap_or_else(PoisonError::into_inner);
    came.extend(text.map(|text| (text, at)));
    let answer = format!(r#"{{"sid":"SM{:032x}","status":"queued"}}"#, came.len());
    (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], answer).into_response()
}
