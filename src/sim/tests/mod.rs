//! Stories with the simulator: a small service answers documents, phones behave as told. Time is
//! moved by hand, and only while a story waits for something.

mod bad_days;
mod bridges;
mod mail_and_push;
mod messages;
mod rest;
mod verbs;

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;

use super::*;
use crate::carrier::{
    signature::{self, Keys},
    twiml,
};

pub(super) const HOTLINE: &str = "+4930901820";
pub(super) const CUSTOMER: &str = "+4930555010";
pub(super) const ANNA: &str = "+4915110000001";
pub(super) const BEN: &str = "+4915110000002";

pub(super) fn phone(number: &str) -> Phone {
    number.parse().unwrap()
}

/// A request that the service got.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub path: String,
    pub pairs: Vec<(String, String)>,
    pub genuine: bool,
    pub token: String,
}

impl Asked {
    pub fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

type Answers = Arc<dyn Fn(&Asked) -> (u16, String) + Send + Sync>;

#[derive(Clone)]
struct Service {
    base: String,
    token: Secret,
    answers: Answers,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The carrier, a service and a story's place in what happens.
pub(super) struct Stage {
    pub sim: Sim,
    service: Service,
    watch: Watch,
}

impl Stage {
    pub async fn new(answers: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::with(Times::none(), answers).await
    }

    pub async fn with(times: Times, answers: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        let clock = Clock::manual("2026-03-01T02:30:00Z".parse().unwrap());
        let settings = Settings { times, ..Settings::new(clock, Ids::seeded(1)) };
        let token = settings.accounts[0].token.clone();
        let sim = Sim::start(settings).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let service = Service { base: base.clone(), token, answers: Arc::new(answers), asked: Arc::default() };
        let router = Router::new().fallback(answer).with_state(service.clone());
        sim.spawn(async move { axum::serve(listener, router).await.unwrap() });
        sim.number(phone(HOTLINE), Hooks::at(sim.account_sid(), &base));
        let watch = sim.watch_all();
        Self { sim, service, watch }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.service.base)
    }

    pub fn ring_in(&self) -> Sid {
        self.sim.call(Caller::Number(phone(CUSTOMER)), phone(HOTLINE))
    }

    /// Lets time pass until that happens.
    pub async fn until(&mut self, matches: impl Fn(&What) -> bool) -> What {
        match self.watch.seek(matches, TimeDelta::minutes(10)).await {
            Some(event) => event.what,
            None => panic!("it did not happen; what did:\n{}", self.transcript()),
        }
    }

    pub async fn heard(&mut self, leg: &Sid, words: &str) {
        self.until(|what| matches!(what, What::Heard { leg: at, text, .. } if at == leg && text.contains(words))).await;
    }

    pub async fn listening(&mut self, leg: &Sid) {
        self.until(|what| matches!(what, What::Listening { leg: at, .. } if at == leg)).await;
    }

    pub async fn ended(&mut self, leg: &Sid) -> String {
        let what = self.until(|what| matches!(what, What::Ended { leg: at, .. } if at == leg)).await;
        let What::Ended { status, .. } = what else { unreachable!() };
        status
    }

    /// The next leg to that number.
    pub async fn leg_to(&mut self, number: &str) -> Sid {
        let what = self.until(|what| matches!(what, What::CallStarted { to, .. } if to == number)).await;
        let What::CallStarted { leg, .. } = what else { unreachable!() };
        leg
    }

    /// The next request for that path, letting time pass until it has been answered.
    pub async fn asked(&mut self, path: &str) -> Asked {
        let url = self.url(path);
        self.until(|what| matches!(what, What::Webhook { url: at, .. } if at.starts_with(&url))).await;
        self.all_asked(path).pop().unwrap()
    }

    pub fn all_asked(&self, path: &str) -> Vec<Asked> {
        self.service.asked.lock().unwrap().iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// Some time, in which requests come and go.
    pub async fn pass(&mut self, seconds: i64) {
        let mut watch = self.sim.watch();
        assert!(watch.seek(|_| false, TimeDelta::seconds(seconds)).await.is_none());
    }

    fn transcript(&self) -> String {
        self.sim.log().iter().map(|event| format!("{event:?}\n")).collect()
    }
}

async fn answer(State(service): State<Service>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let url = format!("{}{uri}", service.base);
    let request = signature::Request {
        url: &url,
        content_type: text("content-type"),
        body: &body,
        signature: text(signature::HEADER),
        settings: None,
    };
    let genuine = signature::check(&Keys::token(service.token.clone()), &request).is_ok();
    let encoded = if body.is_empty() { uri.query().unwrap_or_default().as_bytes() } else { &body };
    let asked = Asked {
        path: uri.path().to_owned(),
        pairs: form_urlencoded::parse(encoded).into_owned().collect(),
        genuine,
        token: text("i-twilio-idempotency-token").unwrap_or_default().to_owned(),
    };
    service.asked.lock().unwrap().push(asked.clone());
    let (status, body) = (service.answers)(&asked);
    let status = StatusCode::from_u16(status).unwrap();
    if body.is_empty() {
        return status.into_response();
    }
    (status, [(header::CONTENT_TYPE, twiml::CONTENT_TYPE)], body).into_response()
}

pub(super) fn ok(verbs: &str) -> (u16, String) {
    (200, format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{verbs}</Response>"))
}

pub(super) fn nothing() -> (u16, String) {
    (204, String::new())
}

#[tokio::test]
async fn the_same_seed_tells_the_same_story() {
    let mut stories = Vec::new();
    for _ in 0..2 {
        let mut stage = Stage::new(|asked| match asked.path.as_str() {
            "/voice" => ok("<Gather numDigits=\"1\" action=\"/turn\"><Say>Drücken Sie die 1.</Say></Gather>"),
            "/turn" => ok("<Say>Danke.</Say>"),
            _ => nothing(),
        })
        .await;
        stage.sim.faults().set(Faults {
            callbacks: CallbackFaults { duplicate: 0.5, drop: 0.3, ..CallbackFaults::default() },
            ..Faults::default()
        });
        for _ in 0..3 {
            let leg = stage.ring_in();
            stage.listening(&leg).await;
            stage.sim.press(&leg, "1");
            stage.ended(&leg).await;
            stage.pass(2).await;
        }
        let base = stage.url("");
        let story: Vec<String> =
            stage.sim.log().iter().map(|event| format!("{:?}", event.what).replace(&base, "")).collect();
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
}
