//! The providers' side: one web server that is Twilio, Slack, Telegram, Teams, ntfy, a push service and any
//! webhook's receiver, over real HTTP; emails come to `mail`. It keeps what is asked of it and is in the mood that
//! a test gives it, for each recipient. How each says so is `dialects`.
//!
//! What it takes has reached its reader, whatever it answers then. Start at `Providers::start`.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use pikett::{
    clock::Clock,
    model::{Instant, person::Channel},
};
use serde_json::Value;

use super::{dialects, mail};

/// How a provider meets the next request for a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    #[default]
    Well,
    /// The address is none, and never will be.
    Refuses,
    /// It cannot just now.
    Fails,
    /// 429, to be left alone for so many seconds.
    Busy(u32),
    /// It takes nothing, and never answers.
    Silent,
    /// It takes the message, and never answers.
    Mute,
}

/// A request, in the words that all providers share.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub to: String,
    /// What its reader gets. A call has the address of what will be said.
    pub text: String,
    /// By which its receiver could tell that it came before, where the channel has such a thing.
    pub identity: Option<String>,
    /// A message that is there already is changed.
    pub is_change: bool,
    /// Somebody is to act; otherwise it only tells.
    pub is_page: bool,
    /// As it came, for what stands in it beside the text: links, buttons, where to report to.
    pub raw: String,
    /// The provider's name for it, once it is taken.
    pub id: String,
    pub at: Instant,
    pub taken: bool,
}

#[derive(Default)]
struct Inside {
    asked: Vec<Asked>,
    moods: BTreeMap<String, VecDeque<Mood>>,
    /// Until further notice, once `moods` are used up.
    always: BTreeMap<String, Mood>,
    /// How often the carrier was asked what it has.
    looked: usize,
    under_way: usize,
    waiting_in_vain: usize,
}

#[derive(Clone)]
pub struct Providers {
    pub url: String,
    /// Where the mail server listens.
    pub mail: String,
    pub clock: Clock,
    inside: Arc<Mutex<Inside>>,
}

/// A request that has no answer yet; gone as well when whoever asked has given up.
pub struct UnderWay {
    inside: Arc<Mutex<Inside>>,
    in_vain: bool,
}

impl UnderWay {
    /// It will have none.
    pub fn waits_in_vain(&mut self) {
        self.in_vain = true;
        self.inside.lock().unwrap().waiting_in_vain += 1;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap();
        inside.under_way -= 1;
        inside.waiting_in_vain -= usize::from(self.in_vain);
    }
}

impl Providers {
    pub async fn start(clock: &Clock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut providers = Self { url, mail: String::new(), clock: clock.clone(), inside: Arc::default() };
        providers.mail = mail::start(&providers).await;
        let router = Router::new().fallback(answer).with_state(providers.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        providers
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// For the next request to this recipient, after those that were said before.
    pub fn next(&self, to: &str, mood: Mood) {
        self.lock().moods.entry(to.to_owned()).or_default().push_back(mood);
    }

    pub fn always(&self, to: &str, mood: Mood) {
        self.lock().always.insert(to.to_owned(), mood);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    pub fn looked(&self) -> usize {
        self.lock().looked
    }

    pub fn under_way(&self) -> usize {
        self.lock().under_way
    }

    /// Requests that never get an answer, and still wait for one.
    pub fn waiting_in_vain(&self) -> usize {
        self.lock().waiting_in_vain
    }

    pub fn begin(&self) -> UnderWay {
        self.lock().under_way += 1;
        UnderWay { inside: Arc::clone(&self.inside), in_vain: false }
    }

    /// The mood in which this request is met.
    pub fn mood(&self, to: &str) -> Mood {
        let mut inside = self.lock();
        let next = inside.moods.get_mut(to).and_then(VecDeque::pop_front);
        next.or_else(|| inside.always.get(to).copied()).unwrap_or_default()
    }

    /// Answers what the provider calls it.
    pub fn keep(&self, mut asked: Asked, channel: Channel, mood: Mood) -> String {
        let mut inside = self.lock();
        asked.at = self.clock.now();
        asked.taken = matches!(mood, Mood::Well | Mood::Mute);
        asked.id = dialects::id(channel, inside.asked.len() + 1);
        let id = asked.id.clone();
        inside.asked.push(asked);
        id
    }
}

/// A request as it came.
pub struct Came {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Came {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn field(&self, name: &str) -> String {
        let found = form_urlencoded::parse(&self.body).find(|(given, _)| given == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        Some(self.headers.get(name)?.to_str().unwrap().to_owned())
    }
}

async fn answer(
    State(providers): State<Providers>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut under_way = providers.begin();
    let query = uri.query().unwrap_or_default().to_owned();
    let came = Came { method, path: uri.path().to_owned(), query, headers, body: body.to_vec() };
    if came.method == Method::GET {
        providers.lock().looked += 1;
        return dialects::looked(&providers, &came);
    }
    // Where updates are to be delivered, and the like.
    let Some((channel, asked)) = dialects::read(&came) else { return dialects::granted().into_response() };
    let to = asked.to.clone();
    let is_change = asked.is_change;
    let mood = if is_change { Mood::Well } else { providers.mood(&to) };
    let id = providers.keep(asked, channel, mood);
    if matches!(mood, Mood::Silent | Mood::Mute) {
        under_way.waits_in_vain();
        std::future::pending::<()>().await;
    }
    let (status, headers, text) = dialects::answer(channel, mood, &id);
    let mut response = (StatusCode::from_u16(status).unwrap(), text).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
