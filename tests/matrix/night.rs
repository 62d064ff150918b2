//! A night in which somebody is told over one channel: the real service in a process of its own (a runtime that
//! can be killed), the providers over real sockets, and time that stands still until it is moved from one due
//! thing to the next. Start at `Night::begin`; `Night::seen` is what became of an alert.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::TimeDelta;
use pikett::{
    app::Service,
    carrier::http_client,
    cli::apply,
    clock::{Clock, Ids},
    config::Config,
    declare::{File, Flows},
    model::{Instant, id::AlertId, id::OrgId, person::Channel, source::Source},
    store::{
        Store,
        alerts::{self, AlertRow, Which},
        attempts, timeline,
    },
};
use reqwest::Client;
use serde_json::json;
use sqlx::Row;
use tokio::runtime::Runtime;

use super::{
    database::Scratch,
    msp::{self, KEY, Who},
    providers::{Mood, Providers},
    seen::Seen,
};

/// Monday, 02:30 in Berlin.
const BEGIN: &str = "2026-03-02T01:30:00Z";
/// How often the workers are looked at before they count as stuck, a millisecond each.
const LOOKS_MAX: u32 = 60_000;
/// So many looks without news while a row is in hand or due: whoever has it waits for time to pass. A database that
/// is slow to wake its workers needs less.
const QUIET_MAX: u32 = 1_000;
/// So many looks while nothing is in hand.
const IDLE: u32 = 3;
/// For sockets in cells in which somebody never answers: a provider's ten seconds are two and a half.
pub const HASTE: f64 = 4.0;
/// What does not happen within so long does not happen.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// Which cell of the matrix.
pub struct Cell {
    pub channel: Channel,
    pub scratch: Scratch,
}

/// The service with all its tasks, which end together.
struct Process {
    runtime: Runtime,
    service: Service,
}

pub struct Night {
    pub channel: Channel,
    pub providers: Providers,
    pub clock: Clock,
    pub store: Store,
    pub http: Client,
    config: Config,
    process: Option<Process>,
    lives: u64,
    /// Leases of a process that is dead.
    orphans: Vec<String>,
    _folder: tempfile::TempDir,
    scratch: Option<Scratch>,
}

pub fn org() -> OrgId {
    "default".parse().unwrap()
}

impl Night {
    pub async fn begin(cell: Cell) -> Self {
        Self::with_sockets(cell, 1.0).await
    }

    /// In which somebody will never answer.
    pub async fn in_haste(cell: Cell) -> Self {
        Self::with_sockets(cell, HASTE).await
    }

    async fn with_sockets(Cell { channel, scratch }: Cell, haste: f64) -> Self {
        let clock = Clock::manual_in_haste(BEGIN.parse().unwrap(), haste);
        let providers = Providers::start(&clock).await;
        let folder = tempfile::tempdir().unwrap();
        let text = msp::configuration(folder.path(), &scratch.url, &providers);
        let plain = |given: &str| Ok(given.to_owned());
        let config = Config::read(Some(Source::new("pikett.toml", text)), BTreeMap::new(), &plain).unwrap();
        let store = Store::open(&scratch.url).await.unwrap();
        let declared = File { name: "msp.toml".to_owned(), text: msp::declarations(channel, &providers) };
        let ids = Ids::seeded(1);
        apply::apply(&store, &[declared], Flows::PutIntoForce, false, &clock, &ids, &BTreeSet::new()).await.unwrap();
        let mut night = Self {
            channel,
            providers,
            store,
            http: http_client(&Clock::system()),
            clock,
            config,
            process: None,
            lives: 0,
            orphans: Vec::new(),
            _folder: folder,
            scratch: Some(scratch),
        };
        night.start().await;
        night
    }

    pub async fn start(&mut self) {
        self.lives += 1;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (config, clock, ids) = (self.config.clone(), self.clock.clone(), Ids::seeded(1 + self.lives));
        let service = runtime.spawn(async move { Service::start(&config, clock, ids).await.unwrap() });
        let service = service.await.unwrap();
        self.process = Some(Process { runtime, service });
    }

    /// Every task ends where it stands; nothing is finished, nothing is recorded.
    pub async fn kill(&mut self) {
        let Process { runtime, service } = self.process.take().unwrap();
        tokio::task::spawn_blocking(move || {
            runtime.shutdown_timeout(Duration::from_secs(10));
            drop(service);
        })
        .await
        .unwrap();
        while self.providers.under_way() > 0 {
            self.breathe().await;
        }
        self.orphans = self.rows().await.into_iter().filter_map(|row| row.lease).collect();
        assert_eq!(self.orphans.len(), 1, "the process died with one message in its hands");
    }

    /// Where the service listens.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.process.as_ref().unwrap().service.address())
    }

    pub fn mood(&self, who: Who, mood: Mood) {
        self.providers.always(&who.recipient(self.channel), mood);
    }

    pub fn next(&self, who: Who, mood: Mood) {
        self.providers.next(&who.recipient(self.channel), mood);
    }

    // --- time -------------------------------------------------------------------------------------

    async fn breathe(&self) {
        Clock::system().sleep(TimeDelta::milliseconds(1)).await;
    }

    /// Until nobody has anything to do at this instant.
    pub async fn settle(&self) {
        let (mut quiet, mut before) = (0, (0, 0));
        for _ in 0..LOOKS_MAX {
            let now = self.clock.now();
            let is_awake = self.clock.next_wake().is_none_or(|due| due <= now);
            let rows = if is_awake || self.providers.under_way() > 0 { None } else { Some(self.in_work(now).await) };
            let news = (self.providers.asked().len(), rows.unwrap_or_default());
            quiet = if rows.is_none() || news != before { 0 } else { quiet + 1 };
            before = news;
            if quiet >= QUIET_MAX || rows == Some(0) && quiet >= IDLE {
                return;
            }
            self.breathe().await;
        }
        panic!("the workers find no end");
    }

    async fn in_work(&self, now: Instant) -> usize {
        let is_orphan = |row: &Held| row.lease.as_ref().is_some_and(|lease| self.orphans.contains(lease));
        let is_due = |row: &Held| row.ready_at <= now.timestamp_millis();
        self.rows().await.iter().filter(|row| is_due(row) || row.lease.is_some() && !is_orphan(row)).count()
    }

    async fn rows(&self) -> Vec<Held> {
        const ROWS: &str = "SELECT lease, ready_at FROM timers WHERE set_aside = 0 UNION ALL \
                            SELECT lease, ready_at FROM attempts WHERE set_aside = 0 AND state IN ('due', 'sending')";
        let mut db = self.store.read().await.unwrap();
        let rows = sqlx::query(ROWS).fetch_all(&mut *db).await.unwrap();
        rows.iter().map(|row| Held { lease: row.get("lease"), ready_at: row.get("ready_at") }).collect()
    }

    /// Lets time pass from one due thing to the next.
    pub async fn pass_to(&self, until: Instant) {
        loop {
            self.settle().await;
            let now = self.clock.now();
            if now >= until {
                return;
            }
            let next = self.clock.next_wake().unwrap_or(until).min(until);
            self.clock.advance(next - now);
        }
    }

    pub async fn pass(&self, seconds: i64) {
        self.pass_to(self.clock.now() + TimeDelta::seconds(seconds)).await;
    }

    /// Lets time pass until these have been asked so often, and no further.
    pub async fn until_asked(&self, who: Who, count: usize) {
        let last = self.clock.now() + PATIENCE;
        loop {
            self.settle().await;
            if self.count(who) >= count {
                return;
            }
            assert!(self.clock.now() < last, "{who:?} was asked {} times, not {count}", self.count(who));
            let next = self.clock.next_wake().unwrap_or(last).min(last);
            self.clock.advance(next - self.clock.now());
        }
    }

    fn count(&self, who: Who) -> usize {
        let to = who.recipient(self.channel);
        self.providers.asked().iter().filter(|asked| asked.to == to).count()
    }

    /// Until somebody waits for an answer that will not come.
    pub async fn until_nobody_answers(&self) {
        for _ in 0..LOOKS_MAX {
            if self.providers.waiting_in_vain() > 0 {
                return;
            }
            self.breathe().await;
        }
        panic!("nobody was asked");
    }

    // --- the alert --------------------------------------------------------------------------------

    async fn event(&self, title: &str, action: &str) {
        let body = json!({
            "routing_key": KEY, "event_action": action, "dedup_key": title,
            "payload": { "summary": title, "source": "db1", "severity": "critical" },
        });
        let answer = self.http.post(self.url("/v2/enqueue")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 202);
    }

    /// A monitoring tool sends an event; whether anybody is told is not waited for.
    pub async fn raises(&self, title: &str) -> AlertRow {
        self.event(title, "trigger").await;
        self.alerts().await.into_iter().find(|row| row.alert.title == title).unwrap()
    }

    pub async fn raise(&self, title: &str) -> AlertRow {
        let row = self.raises(title).await;
        self.settle().await;
        row
    }

    /// The trouble passes by itself.
    pub async fn passes(&self, title: &str) {
        self.event(title, "resolve").await;
        self.settle().await;
    }

    pub async fn alerts(&self) -> Vec<AlertRow> {
        let mut db = self.store.read().await.unwrap();
        alerts::list(&mut db, &org(), Which::All, None, 100).await.unwrap()
    }

    pub async fn seen(&self, alert: &AlertId) -> Seen {
        let mut db = self.store.read().await.unwrap();
        let row = alerts::by_id(&mut db, &org(), alert).await.unwrap().unwrap();
        let attempts = attempts::of_alert(&mut db, &org(), alert).await.unwrap();
        let entries = timeline::of_alert(&mut db, &org(), alert).await.unwrap();
        Seen { channel: self.channel, asked: self.providers.asked(), row, attempts, entries }
    }

    /// Nobody got the same message twice, page or notice.
    pub async fn nothing_came_twice(&self, alert: &AlertId) {
        let (seen, mut known) = (self.seen(alert).await, BTreeSet::new());
        for asked in seen.asked.iter().filter(|asked| asked.taken) {
            let is_new = known.insert((&asked.to, &asked.text, asked.is_change));
            assert!(is_new, "{} got the same twice: {}\n{seen}", asked.to, asked.text);
        }
    }

    pub async fn close(mut self) {
        let Process { runtime, service } = self.process.take().unwrap();
        runtime.spawn(service.stop()).await.unwrap();
        runtime.shutdown_background();
        self.store.close().await;
        self.scratch.take().unwrap().remove().await;
    }
}

struct Held {
    lease: Option<String>,
    ready_at: i64,
}

/// A runtime must not be waited for where a test has failed.
impl Drop for Night {
    fn drop(&mut self) {
        if let Some(Process { runtime, .. }) = self.process.take() {
            runtime.shutdown_background();
        }
    }
}
