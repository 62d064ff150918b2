//! A night with phones: the real workers on a real database, whose carrier is a small web server that
//! does as the test says. Time stands still until a test lets it pass.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Acting, Context, Handler, Work, escalate::Escalate};
use crate::{
    carrier::{
        carriers::{Carriers, Line},
        choose::Serves,
        http_client, signature,
        twilio::{PATIENCE, Settings, Twilio},
    },
    clock::{Clock, Ids},
    declare::Directory,
    escalation::{Level, Policy},
    model::{
        id::AlertId,
        person::{Address, ContactMethod, Person, Rule},
        secret::Secret,
    },
    notify::{Channels, channels::Pusher, links::Links},
    oncall::{Layer, Roster, Schedule},
    store::{
        Store,
        alerts::{self, AlertRow},
        attempts::{self, Attempt},
        outbox,
        raise::{self, Snapshot},
        testing::{an_alert, at, in_work, org},
        timeline,
        timers::{self, Crowd},
    },
};

pub const TOKEN: &str = "a-secret-token";
/// Real time: a carrier that hangs is waited for so long.
const PATIENCE_OF_TESTS: Duration = Duration::from_millis(400);
/// As good as at once.
const RATE: f64 = 10_000.0;
pub const PUBLIC_URL: &str = "https://hotline.example";

/// What the carrier was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    pub call: bool,
    pub to: String,
    /// The text, or the URL of the call's document.
    pub text: String,
    pub callback: String,
    pub sid: String,
}

#[derive(Default)]
struct Inside {
    rung: Vec<Rung>,
    seen: usize,
    /// Number → the status and code with which everything to it is refused.
    refused: BTreeMap<String, (u16, u32)>,
    /// SID or number → how it stands when it is asked for.
    statuses: BTreeMap<String, String>,
    mood: Mood,
    /// How often something was to be sent or rung.
    asked: usize,
    /// How often it was asked what it has.
    looked: usize,
}

/// How a carrier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    #[default]
    Well,
    /// Whatever is to be sent gets this status.
    Refuses(u16),
    /// The same, and it wants to be left alone for so many seconds.
    Patience(u16, u32),
    /// It does what is asked, and answers 500.
    Forgets,
    /// No answer comes; whether it knows of something it says.
    Hangs,
    /// No answer comes, nor does it say anything.
    Dead,
}

/// The carrier's side.
#[derive(Clone)]
pub struct Phones {
    inside: Arc<Mutex<Inside>>,
    clock: Clock,
}

impl Phones {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().expect("nobody panicked")
    }

    pub fn refuse(&self, number: &str, status: u16, code: u32) {
        self.lock().refused.insert(number.to_owned(), (status, code));
    }

    pub fn is(&self, mood: Mood) {
        self.lock().mood = mood;
    }

    pub fn asked(&self) -> usize {
        self.lock().asked
    }

    pub fn looked(&self) -> usize {
        self.lock().looked
    }

    pub fn accept(&self, number: &str) {
        self.lock().refused.remove(number);
    }

    /// How the calls and messages of this number (or SID) stand.
    pub fn stands(&self, whose: &str, status: &str) {
        self.lock().statuses.insert(whose.to_owned(), status.to_owned());
    }

    /// What was asked since the last look: `sms +49…` and `call +49…`.
    pub fn news(&self) -> Vec<String> {
        self.fresh().iter().map(|rung| format!("{} {}", if rung.call { "call" } else { "sms" }, rung.to)).collect()
    }

    /// All that was rung or written to so far; `fresh` and `news` answer it all the same.
    pub fn rung(&self) -> Vec<Rung> {
        self.lock().rung.clone()
    }

    pub fn fresh(&self) -> Vec<Rung> {
        let mut inside = self.lock();
        let fresh = inside.rung[inside.seen..].to_vec();
        inside.seen = inside.rung.len();
        fresh
    }

    async fn serve(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let router = Router::new()
            .route("/2010-04-01/Accounts/AC1/{list}", post(create).get(list))
            .route("/2010-04-01/Accounts/AC1/{list}/{sid}", get(show))
            .with_state(self);
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves until the test ends") });
        format!("http://{address}")
    }

    fn status(&self, rung: &Rung) -> String {
        let inside = self.lock();
        let spare = if rung.call { "no-answer" } else { "sent" };
        let known = inside.statuses.get(&rung.sid).or_else(|| inside.statuses.get(&rung.to));
        known.map_or(spare, String::as_str).to_owned()
    }

    fn resource(&self, rung: &Rung) -> Value {
        let created = self.clock.now().to_rfc3339();
        json!({ "sid": rung.sid, "status": self.status(rung), "to": rung.to, "body": rung.text,
                "direction": "outbound-api", "date_created": created })
    }
}

async fn create(State(phones): State<Phones>, Path(list): Path<String>, body: String) -> Response {
    let form: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let call = list == "Calls.json";
    let (to, callback) = (field("To").unwrap_or_default(), field("StatusCallback").unwrap_or_default());
    let text = field(if call { "Url" } else { "Body" }).unwrap_or_default();
    let mood = phones.lock().mood;
    phones.lock().asked += 1;
    match mood {
        Mood::Well | Mood::Forgets => {}
        Mood::Refuses(status) => return StatusCode::from_u16(status).expect("a real status").into_response(),
        Mood::Patience(status, seconds) => {
            let status = StatusCode::from_u16(status).expect("a real status");
            return (status, [(header::RETRY_AFTER, seconds.to_string())]).into_response();
        }
        Mood::Hangs | Mood::Dead => std::future::pending().await,
    }
    let mut inside = phones.lock();
    if let Some((status, code)) = inside.refused.get(&to) {
        let status = StatusCode::from_u16(*status).expect("a test gave a real status");
        return (status, Json(json!({ "code": code, "message": "no", "status": status.as_u16() }))).into_response();
    }
    let sid = format!("{}{}", if call { "CA" } else { "SM" }, inside.rung.len());
    inside.rung.push(Rung { call, to, text, callback, sid: sid.clone() });
    if mood == Mood::Forgets {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    (StatusCode::CREATED, Json(json!({ "sid": sid, "status": "queued" }))).into_response()
}

async fn list(
    State(phones): State<Phones>,
    Path(list): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Json<Value> {
    phones.lock().looked += 1;
    if phones.lock().mood == Mood::Dead {
        std::future::pending::<()>().await;
    }
    let (call, all) = (list == "Calls.json", phones.lock().rung.clone());
    let found = all.iter().filter(|rung| rung.call == call && query.get("To") == Some(&rung.to));
    let found: Vec<Value> = found.map(|rung| phones.resource(rung)).collect();
    Json(if call { json!({ "calls": found }) } else { json!({ "messages": found }) })
}

async fn show(State(phones): State<Phones>, Path((_, sid)): Path<(String, String)>) -> Response {
    let all = phones.lock().rung.clone();
    match all.iter().find(|rung| sid == format!("{}.json", rung.sid)) {
        Some(rung) => Json(phones.resource(rung)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The service without its faces.
pub struct Night {
    pub context: Context,
    pub channels: Channels,
    pub carriers: Carriers,
    pub phones: Phones,
    pub directory: watch::Sender<Arc<Directory>>,
    pub stop: CancellationToken,
    pub tracker: TaskTracker,
}

impl Night {
    /// Its workers do not run yet.
    pub async fn quiet(store: &Store) -> Self {
        Self::over(store, &["twilio"], PATIENCE, Clock::manual(at(0)), RATE).await.0
    }

    /// The same with a carrier that takes so many messages and calls a second, which are those of the system's
    /// clock.
    pub async fn at_pace(store: &Store, clock: Clock, per_second: f64) -> Self {
        Self::over(store, &["twilio"], PATIENCE, clock, per_second).await.0
    }

    /// With a second carrier to go to and no limit to one's pages; the workers run.
    pub async fn between(store: &Store) -> (Self, Phones) {
        let names = ["twilio", "second"];
        let (night, mut phones) = Self::over(store, &names, PATIENCE_OF_TESTS, Clock::manual(at(0)), RATE).await;
        night.declare(|directory| directory.limits.pages_per_minute = 0);
        night.begin(Vec::new());
        (night, phones.remove(1))
    }

    async fn over(
        store: &Store,
        names: &[&str],
        patience: Duration,
        clock: Clock,
        per_second: f64,
    ) -> (Self, Vec<Phones>) {
        // Sockets and paces live in real time.
        let http = http_client(&Clock::system());
        let (mut lines, mut all) = (Vec::new(), Vec::new());
        for name in names {
            let phones = Phones { inside: Arc::default(), clock: clock.clone() };
            lines.push(line(name, phones.clone().serve().await, (patience, per_second), &http));
            all.push(phones);
        }
        let (carriers, phones) = (Carriers::new(lines), all[0].clone());
        let ids = Ids::seeded(1);
        let pusher = Pusher::new(&[7; 32], None, http).expect("32 bytes are a key");
        let channels = Channels::new(carriers.clone(), None, pusher, PUBLIC_URL.to_owned(), clock.clone(), ids.clone());
        let (directory, receiver) = watch::channel(Arc::new(directory()));
        let links = Links::new(PUBLIC_URL, Secret::new("key"));
        let context = Context { store: store.clone(), clock, ids, directory: receiver, links };
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        (Self { context, channels, carriers, phones, directory, stop, tracker }, all)
    }

    pub async fn on(store: &Store) -> Self {
        let night = Self::quiet(store).await;
        night.begin(Vec::new());
        night
    }

    pub fn begin(&self, handlers: Vec<Arc<dyn Handler>>) {
        Work::start(&self.context, &self.channels, handlers, &self.stop, &self.tracker);
    }

    pub fn declare(&self, change: impl FnOnce(&mut Directory)) {
        self.directory.send_modify(|directory| change(Arc::make_mut(directory)));
    }

    /// An alert for policy `gold`; its people are told before this returns, if workers run.
    pub async fn raise(&self, title: &str) -> AlertId {
        let number = self.context.store.alert_number(&org()).await.expect("it is open");
        let policy = self.context.directory().policies.get(&"gold".parse().expect("a word")).map(Snapshot::of);
        let now = self.context.clock.now();
        let mut alert = an_alert(&self.context.ids, number, None);
        (alert.title, alert.policy, alert.opened_at, alert.escalate_at) = (title.to_owned(), policy, now, Some(now));
        let raised = self.context.store.write(async move |db| raise::raise(db, &org(), alert.clone()).await).await;
        if !self.tracker.is_empty() {
            self.settle().await;
        }
        raised.expect("it is raised").id
    }

    /// Where no worker runs: whom the alerts raised so far tell first.
    pub async fn escalates(&self) {
        let now = self.context.clock.now();
        let claim = async move |db: &mut sqlx::AnyConnection| {
            timers::claim(db, Crowd::Others, now, now + TimeDelta::seconds(30), "test", 10).await
        };
        let escalate = Escalate { context: self.context.clone() };
        for timer in self.context.store.write(claim).await.expect("it is open").due {
            escalate.handle(&timer).await.expect("it can be worked on");
        }
    }

    pub fn acting(&self) -> Acting {
        self.context.acting()
    }

    /// Until the workers have nothing to do at this instant.
    pub async fn settle(&self) {
        let mut idle = 0;
        for _ in 0..4_000 {
            let working = in_work(&self.context.store, self.context.clock.now()).await;
            idle = if working == 0 { idle + 1 } else { 0 };
            // What was set aside is told about by whoever held it, with no row in hand.
            if idle == 3 {
                return;
            }
            Clock::system().sleep(TimeDelta::milliseconds(2)).await;
        }
        panic!("the workers find no end");
    }

    /// Lets so many seconds pass, from one due thing to the next.
    pub async fn pass(&self, seconds: i64) {
        let until = self.context.clock.now() + TimeDelta::seconds(seconds);
        loop {
            let mut db = self.context.store.read().await.expect("it is open");
            let next = [
                timers::next_due(&mut db, Crowd::Callers).await,
                timers::next_due(&mut db, Crowd::Others).await,
                outbox::next_due(&mut db).await,
            ];
            drop(db);
            let next = next.into_iter().filter_map(|next| next.expect("it answers")).min();
            let now = self.context.clock.now();
            let step = next.filter(|next| *next < until).unwrap_or(until).max(now);
            self.context.clock.advance(step - now);
            self.settle().await;
            if step == until {
                return;
            }
        }
    }

    pub async fn alert(&self, id: &AlertId) -> AlertRow {
        let mut db = self.context.store.read().await.expect("it is open");
        alerts::by_id(&mut db, &org(), id).await.expect("it answers").expect("it is there")
    }

    pub async fn open(&self) -> Vec<AlertRow> {
        let mut db = self.context.store.read().await.expect("it is open");
        alerts::list(&mut db, &org(), alerts::Which::Open, None, 100).await.expect("it answers")
    }

    pub async fn attempts(&self, id: &AlertId) -> Vec<Attempt> {
        let mut db = self.context.store.read().await.expect("it is open");
        attempts::of_alert(&mut db, &org(), id).await.expect("it answers")
    }

    /// The alert's timeline.
    pub async fn story(&self, id: &AlertId) -> String {
        let mut db = self.context.store.read().await.expect("it is open");
        let entries = timeline::of_alert(&mut db, &org(), id).await.expect("it answers");
        entries.iter().map(|entry| format!("{}: {}\n", entry.kind, entry.text)).collect()
    }

    /// Ends the workers, as a service does.
    pub async fn end(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

fn line(name: &str, base_url: String, (patience, per_second): (Duration, f64), http: &reqwest::Client) -> Line {
    let settings = Settings {
        id: name.parse().expect("a word"),
        account_sid: "AC1".to_owned(),
        auth_token: Secret::new(TOKEN),
        from: "+4930901820".parse().expect("a number"),
        base_url,
        calls_per_second: per_second,
        messages_per_second: per_second,
        patience,
    };
    Line {
        carrier: Arc::new(Twilio::new(settings, http.clone(), Clock::system())),
        serves: Serves::default(),
        signer: signature::Keys::token(Secret::new(TOKEN)).into(),
        account_sid: "AC1".to_owned(),
    }
}

pub const ANNA: &str = "+4915110000001";
pub const BEN: &str = "+4915110000002";
pub const LEAD: &str = "+4915110000003";

/// Anna is on call, Ben stands behind her, and the lead is who is left.
fn directory() -> Directory {
    let people = [
        person("anna", "Anna Berger", "de", ANNA),
        person("ben", "Ben Ode", "en", BEN),
        person("lead", "Lea Dahl", "en", LEAD),
    ];
    let level = |target: &str, minutes| Level {
        notify: vec![target.parse().expect("a target")],
        ack_within: TimeDelta::minutes(minutes),
    };
    let gold = Policy {
        id: "gold".parse().expect("a word"),
        levels: vec![level("schedule:primary", 5), level("person:ben", 5)],
        repeat: 1,
        fallback: vec!["person:lead".parse().expect("a target")],
    };
    let primary = Schedule {
        id: "primary".parse().expect("a word"),
        zone: chrono_tz::Europe::Berlin,
        roster: Roster {
            layers: vec![Layer::weekly(
                vec!["anna".parse().expect("a word")],
                "2026-01-05T09:00:00".parse().expect("a time"),
            )],
            ..Roster::default()
        },
        temporary: Vec::new(),
        absences: Vec::new(),
    };
    let mut directory = Directory::empty();
    directory.people = people.map(|person| (person.id.clone(), person)).into();
    directory.schedules.insert(primary.id.clone(), primary);
    directory.policies.insert(gold.id.clone(), gold);
    directory
}

/// An SMS at once, a call after a minute.
fn person(id: &str, name: &str, language: &str, phone: &str) -> Person {
    let phone = || phone.parse().expect("a number");
    let method = |id: &str, address| ContactMethod { id: id.parse().expect("a word"), address };
    let rule = |via: &str, seconds| Rule { via: via.parse().expect("a word"), after: TimeDelta::seconds(seconds) };
    Person {
        id: id.parse().expect("a word"),
        name: name.to_owned(),
        zone: chrono_tz::Europe::Berlin,
        language: language.parse().expect("a language"),
        methods: vec![method("text", Address::Sms(phone())), method("phone", Address::Voice(phone()))],
        rules_high: vec![rule("text", 0), rule("phone", 60)],
        rules_low: vec![rule("text", 0)],
        quiet: Vec::new(),
        shift_notice: None,
        absences: Vec::new(),
    }
}
