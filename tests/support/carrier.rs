//! A carrier's web server for tests: it keeps what it is asked and answers as it is told, over real
//! HTTP. Start with `Stand::start`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub form: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub headers: HeaderMap,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All values of a name in the form.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.form.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

struct Told {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

#[derive(Default)]
struct Inside {
    asked: Vec<Asked>,
    told: VecDeque<Told>,
}

#[derive(Clone)]
pub struct Stand {
    pub base_url: String,
    inside: Arc<Mutex<Inside>>,
}

impl Stand {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let inside = Arc::new(Mutex::new(Inside::default()));
        let router = Router::new().fallback(answer).with_state(inside.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves until the test ends") });
        Self { base_url, inside }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().expect("nobody panicked")
    }

    /// The next request that has no answer yet gets this one.
    pub fn tell(&self, status: u16, body: impl Into<Vec<u8>>) -> &Self {
        self.tell_with(status, &[], body)
    }

    pub fn tell_with(&self, status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> &Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.lock().told.push_back(Told { status, headers, body: body.into() });
        self
    }

    /// What was asked since the last look.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.lock().asked)
    }

    /// The one request since the last look.
    pub fn one(&self) -> Asked {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:#?}");
        asked.remove(0)
    }
}

async fn answer(
    State(inside): State<Arc<Mutex<Inside>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let pairs = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect();
    let mut inside = inside.lock().expect("nobody panicked");
    inside.asked.push(Asked {
        method,
        path: uri.path().to_owned(),
        query: pairs(uri.query().unwrap_or_default().as_bytes()),
        form: pairs(&body),
        body: body.to_vec(),
        headers,
    });
    let Some(told) = inside.told.pop_front() else {
        return (StatusCode::IM_A_TEAPOT, "nobody told what to answer").into_response();
    };
    let mut response =
        (StatusCode::from_u16(told.status).expect("a test told a real status"), told.body).into_response();
    for (name, value) in told.headers {
        response.headers_mut().insert(name, value.parse().expect("a test told a real header"));
    }
    response
}
