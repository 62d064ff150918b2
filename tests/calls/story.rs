//! A story: the real service in this process on a database of its own, the simulated carrier with its
//! phones over real HTTP, the demo's sample MSP with some hotlines more.
//!
//! Time stands still while anything happens, and is moved from one due thing to the next: nothing runs
//! out of time because the machine is slow. Start with `stories!` and `Story::until`; when a story is
//! over, `checks` looks whether everything is in order.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, Ordering},
};

use chrono::TimeDelta;
use pikett::{
    app::Service,
    clock::{Clock, Ids},
    declare::directory::default_org,
    demo::stage::{GOLD, Set, Stage},
    model::{Instant, alert::Source, phone::Phone},
    sim::{Behaviour, Caller, Event, Hooks, Leg, Press, Sid, Sim, Times, What},
    store::{
        Store, StoreError,
        alerts::{self, AlertRow, Which},
        calls::{self, CallRow},
        timeline,
    },
};
use sqlx::{AnyConnection, Row};

use super::database::Scratch;

/// Monday, 02:30 in Berlin.
const BEGIN: &str = "2026-03-02T01:30:00Z";
/// What does not happen within so long does not happen.
const PATIENCE: TimeDelta = TimeDelta::minutes(20);
/// How often the workers are looked at before they count as stuck.
const LOOKS_MAX: u32 = 20_000;

pub const PETRA: &str = "+4930555010";
pub const OLAF: &str = "+4930555011";
pub const DORA: &str = "+4930555020";
pub const STRANGER: &str = "+4930999001";
pub const ANNA: &str = "+4915110000001";
pub const BEN: &str = "+447700900002";
pub const CEM: &str = "+4915110000003";
/// Rings Anna and Cem at once, then Ben.
pub const EVERYONE: &str = "+4930901821";
/// Hands over to `OUTSIDE`.
pub const HAND_OVER: &str = "+4930901822";
pub const OUTSIDE: &str = "+4930777001";
/// Belongs to Delta (4711) and Epsilon (4712).
pub const SHARED: &str = "+4930901823";
/// By its policy nobody is on call.
pub const HOLES: &str = "+4930901824";
/// Bought, and applied nowhere.
pub const NOBODYS: &str = "+4930901829";

pub const PRESS_1_DE: &str = "drücken Sie die 1";
pub const PRESS_1_EN: &str = "press 1";

/// Makes two tests of one: `name::sqlite` and `name::postgres`.
macro_rules! stories {
    ($(async fn $name:ident($story:ident: Story) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn told($story: &mut Story) $body

            #[tokio::test]
            async fn sqlite() {
                let mut story = Story::begin($crate::database::Scratch::sqlite(), |_| {}).await;
                told(&mut story).await;
                story.close().await;
            }

            #[tokio::test]
            async fn postgres() {
                let mut story = Story::begin($crate::database::Scratch::postgres().await, |_| {}).await;
                told(&mut story).await;
                story.close().await;
            }
        }
    )*};
}
pub(crate) use stories;

pub struct Story {
    pub stage: Stage,
    pub clock: Clock,
    pub service: Option<Service>,
    /// A connection of its own.
    pub store: Store,
    /// What happened before is old.
    place: u64,
    /// Codes of the carrier's warnings that belong to the story.
    pub warnings: Vec<u32>,
    _folder: tempfile::TempDir,
    pub scratch: Scratch,
}

impl Story {
    /// `change` may write other declarations into the folder before they are applied.
    pub async fn begin(scratch: Scratch, change: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(BEGIN.parse().unwrap());
        let times = Times { calls_per_second: f64::INFINITY, ..Times::default() };
        let set = Set {
            folder: folder.path(),
            listen: address(),
            clock: clock.clone(),
            seed: 1,
            times,
            database: Some(&scratch.url),
        };
        let stage = Stage::set(set).await.unwrap();
        let more = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls/msp");
        for name in ["more.toml", "straight-through.toml", "hand-over.toml"] {
            std::fs::copy(more.join(name), folder.path().join(name)).unwrap();
        }
        change(folder.path());
        stage.apply().await.unwrap();
        let hooks = Hooks::at(stage.sim.account_sid(), &format!("{}/carriers/twilio", stage.url()));
        for number in [EVERYONE, HAND_OVER, SHARED, HOLES, NOBODYS] {
            stage.sim.number(phone(number), hooks.clone());
        }
        for number in [ANNA, BEN, CEM, OUTSIDE] {
            stage.sim.phone(phone(number), Behaviour::never_answers());
        }
        let service = Service::start(&stage.config, clock.clone(), Ids::seeded(2)).await.unwrap();
        let store = Store::open(&scratch.url).await.unwrap();
        Self {
            stage,
            clock,
            service: Some(service),
            store,
            place: 0,
            warnings: Vec::new(),
            _folder: folder,
            scratch,
        }
    }

    pub fn sim(&self) -> &Sim {
        &self.stage.sim
    }

    pub fn folder(&self) -> PathBuf {
        self.stage.folder.clone()
    }

    pub fn behaves(&self, number: &str, behaviour: Behaviour) {
        self.sim().phone(phone(number), behaviour);
    }

    /// Somebody phones the gold hotline, and does this.
    pub fn phones(&self, from: &str, script: impl IntoIterator<Item = Press>) -> Sid {
        self.phones_at(from, GOLD, script)
    }

    pub fn phones_at(&self, from: &str, to: &str, script: impl IntoIterator<Item = Press>) -> Sid {
        let leg = self.sim().call(Caller::Number(phone(from)), phone(to));
        self.sim().follow(&leg, script);
        leg
    }

    /// Moves time until this happens, and no further.
    pub async fn until(&mut self, what: &str, matches: impl Fn(&What) -> bool) -> Event {
        let last = self.clock.now() + PATIENCE;
        loop {
            self.settle().await;
            if let Some(event) = self.sim().log_after(self.place).into_iter().find(|event| matches(&event.what)) {
                self.place = event.seq;
                return event;
            }
            assert!(self.clock.now() < last, "it did not happen within {PATIENCE}: {what}");
            self.step(last);
        }
    }

    /// Moves time until the database says so.
    pub async fn until_stored<T>(
        &mut self,
        what: &str,
        look: impl AsyncFn(&mut AnyConnection) -> Result<Option<T>, StoreError>,
    ) -> T {
        let last = self.clock.now() + PATIENCE;
        loop {
            self.settle().await;
            let found = look(&mut *self.store.read().await.unwrap()).await.unwrap();
            if let Some(found) = found {
                return found;
            }
            assert!(self.clock.now() < last, "it was not so within {PATIENCE}: {what}");
            self.step(last);
        }
    }

    /// Lets so many seconds pass.
    pub async fn pass(&mut self, seconds: i64) {
        let until = self.clock.now() + TimeDelta::seconds(seconds);
        loop {
            self.settle().await;
            if self.clock.now() >= until {
                return;
            }
            self.step(until);
        }
    }

    /// To the next instant at which somebody wakes.
    pub fn step(&self, last: Instant) {
        let now = self.clock.now();
        let next = self.clock.next_wake().unwrap_or(last).min(last);
        self.clock.advance((next - now).max(TimeDelta::zero()));
    }

    /// Until nobody has anything to do at this instant: no request is under way, no row is due or in
    /// somebody's hands. Who holds a row and waits for time to pass is known by nothing changing.
    pub async fn settle(&self) {
        let (mut quiet, mut before) = (0, (0, 0));
        for _ in 0..LOOKS_MAX {
            let now = self.clock.now();
            let awake = self.clock.next_wake().is_some_and(|due| due <= now);
            let events = self.sim().log_after(self.place).len();
            let rows = if awake || self.sim().under_way() > 0 { -1 } else { self.rows_in_work(now).await };
            quiet = match rows {
                -1 => 0,
                _ if (events, rows) != before => 0,
                0 => quiet + 10,
                _ => quiet + 1,
            };
            before = (events, rows);
            if quiet >= 20 {
                return;
            }
            if quiet == 0 || rows > 0 {
                Clock::system().sleep(TimeDelta::milliseconds(1)).await;
            }
        }
        panic!("the workers find no end");
    }

    async fn rows_in_work(&self, now: Instant) -> i64 {
        const COUNT: &str = "SELECT (SELECT COUNT(*) FROM timers WHERE set_aside = 0 AND (lease IS NOT NULL \
                             OR ready_at <= $1)) + (SELECT COUNT(*) FROM attempts WHERE set_aside = 0 \
                             AND (lease IS NOT NULL OR state = 'due' AND ready_at <= $1)) AS count";
        let Ok(mut db) = self.store.read().await else { return 0 };
        let row = sqlx::query(COUNT).bind(now.timestamp_millis()).fetch_one(&mut *db).await;
        row.map_or(0, |row| row.get("count"))
    }

    /// Until this leg has heard that, or somebody at it.
    pub async fn hears(&mut self, leg: &Sid, words: &str) {
        let heard = |what: &What| matches!(what, What::Heard { leg: at, text, .. } if at == leg && text.contains(words));
        self.until(&format!("{leg} hears \"{words}\""), heard).await;
    }

    /// Until that phone rings; answers its leg.
    pub async fn rings(&mut self, number: &str) -> Sid {
        self.next_leg(number, |what, leg| matches!(what, What::Ringing { leg: at } if at == leg)).await
    }

    async fn next_leg(&mut self, number: &str, matches: impl Fn(&What, &Sid) -> bool) -> Sid {
        let last = self.clock.now() + PATIENCE;
        loop {
            self.settle().await;
            let legs = self.legs_to(number);
            for event in self.sim().log_after(self.place) {
                if let Some(leg) = legs.iter().find(|leg| matches(&event.what, &leg.sid)) {
                    self.place = event.seq;
                    return leg.sid.clone();
                }
            }
            assert!(self.clock.now() < last, "{number} was not rung within {PATIENCE}");
            self.step(last);
        }
    }

    /// Until these two talk.
    pub async fn talk(&mut self, caller: &Sid) -> Event {
        let talk = |what: &What| matches!(what, What::Bridged { a, b } if a == caller || b == caller);
        self.until("the caller talks with somebody", talk).await
    }

    /// Until the caller's line is dead, and the call has its outcome.
    pub async fn over(&mut self, caller: &Sid) -> CallRow {
        self.line_dead(caller).await;
        self.outcome(caller).await
    }

    pub async fn line_dead(&mut self, leg: &Sid) {
        let sid = leg.clone();
        let last = self.clock.now() + PATIENCE;
        while self.sim().live_legs().iter().any(|live| live.sid == sid) {
            self.settle().await;
            assert!(self.clock.now() < last, "the line of {leg} is still open after {PATIENCE}");
            self.step(last);
        }
    }

    pub async fn outcome(&mut self, caller: &Sid) -> CallRow {
        let sid = caller.as_str().to_owned();
        self.until_stored("the call has an outcome", async move |db| {
            let call = calls::by_carrier_call(db, &default_org(), &"twilio".parse().unwrap(), &sid).await?;
            Ok(call.filter(|call| call.outcome.is_some()))
        })
        .await
    }

    pub async fn call_row(&self, caller: &Sid) -> CallRow {
        let mut db = self.store.read().await.unwrap();
        let carrier = "twilio".parse().unwrap();
        calls::by_carrier_call(&mut db, &default_org(), &carrier, caller.as_str()).await.unwrap().expect("a call")
    }

    pub async fn alert_of(&self, call: &CallRow) -> AlertRow {
        let id = call.alert.clone().expect("the call has an alert");
        let mut db = self.store.read().await.unwrap();
        alerts::by_id(&mut db, &default_org(), &id).await.unwrap().expect("the alert is there")
    }

    /// Whom a call's alert belongs to: `anna`, or nobody yet.
    pub async fn owner(&self, call: &CallRow) -> Option<String> {
        let alert = self.alert_of(call).await;
        match alert.alert.state {
            pikett::model::alert::AlertState::Acknowledged { by, .. } => Some(by.name().to_owned()),
            _ => None,
        }
    }

    pub async fn alerts(&self) -> Vec<AlertRow> {
        let mut db = self.store.read().await.unwrap();
        alerts::list(&mut db, &default_org(), Which::All, None, 200).await.unwrap()
    }

    /// What concerns the MSP itself.
    pub async fn told_to_msp(&self) -> Vec<String> {
        let own = |row: &AlertRow| row.alert.source == Source::Pikett;
        self.alerts().await.into_iter().filter(own).map(|row| row.alert.title).collect()
    }

    /// The call's timeline: `kind: text`.
    pub async fn tale(&self, call: &CallRow) -> Vec<String> {
        let mut db = self.store.read().await.unwrap();
        let entries = timeline::of_call(&mut db, &default_org(), &call.id).await.unwrap();
        entries.into_iter().map(|entry| format!("{}: {}", entry.kind, entry.text)).collect()
    }

    pub async fn tale_of_alert(&self, alert: &AlertRow) -> Vec<String> {
        let mut db = self.store.read().await.unwrap();
        let entries = timeline::of_alert(&mut db, &default_org(), &alert.alert.id).await.unwrap();
        entries.into_iter().map(|entry| format!("{}: {}", entry.kind, entry.text)).collect()
    }

    /// Every leg to that number.
    pub fn legs_to(&self, number: &str) -> Vec<Leg> {
        self.sim().legs().into_iter().filter(|leg| leg.to == number).collect()
    }

    /// The hotline's legs to that number: without calls that page.
    pub async fn rung(&self, number: &str) -> Vec<String> {
        let mut db = self.store.read().await.unwrap();
        let rows = sqlx::query("SELECT result, state FROM legs WHERE number = $1 ORDER BY id")
            .bind(number)
            .fetch_all(&mut *db)
            .await
            .unwrap();
        let word = |row: &sqlx::any::AnyRow| row.get::<Option<String>, _>("result");
        rows.iter().map(|row| word(row).unwrap_or_else(|| format!("{}, talked", row.get::<String, _>("state")))).collect()
    }

    /// Everything that a leg has heard.
    pub fn heard(&self, leg: &Sid) -> String {
        let heard = self.sim().log().into_iter().filter_map(|event| match event.what {
            What::Heard { leg: at, text, .. } if at == *leg => Some(text),
            _ => None,
        });
        heard.collect::<Vec<_>>().join(" | ")
    }

    pub async fn number(&self, statement: &'static str) -> i64 {
        let mut db = self.store.read().await.unwrap();
        sqlx::query(statement).fetch_one(&mut *db).await.unwrap().get(0)
    }

    /// Looks after everything, and ends.
    pub async fn close(mut self) {
        super::checks::everything_is_in_order(&mut self).await;
        if let Some(service) = self.service.take() {
            service.stop().await;
        }
        self.store.close().await;
        self.stage.sim.clone().stop().await;
        let Scratch { .. } = &self.scratch;
        let scratch = std::mem::replace(&mut self.scratch, Scratch::sqlite());
        scratch.remove().await;
    }
}

/// A failed story shows what happened.
impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for event in self.stage.sim.log() {
                let quiet = matches!(event.what, What::Webhook { status: Some(200 | 204), .. });
                if !quiet {
                    eprintln!("{} {:?}", event.at.format("%H:%M:%S%.3f"), event.what);
                }
            }
        }
    }
}

pub fn phone(number: &str) -> Phone {
    number.parse().unwrap()
}

/// Below the ports that the system gives to outgoing connections, each test its own.
fn address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % 150).unwrap();
    let port = 12_000 + process * 120 + NEXT.fetch_add(1, Ordering::Relaxed) % 120;
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A technician who picks up, takes the caller, and talks for a while.
pub fn takes(ring_s: f64, words: &str) -> Behaviour {
    Behaviour::answers(ring_s, [Press::on(words, "1")]).hanging_up_after(60.0)
}

/// A caller who chooses that in the gold hotline's menu.
pub fn chooses(key: &str) -> Press {
    Press::on("Für einen Ausfall", key)
}

/// Speaks after the beep and lets silence or a hang-up end it.
pub fn message(words: &str) -> Press {
    Press { after_s: 12.0, ..Press::saying("nach dem Ton", words) }
}
