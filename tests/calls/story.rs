//! A story: the real service in this process on a database of its own, the simulated carrier with its
//! phones over real HTTP, the demo's sample MSP with some hotlines more.
//!
//! Time stands still while anything happens, and is moved from one due thing to the next: nothing runs
//! out of time because the machine is slow. Start with `stories!` and `Story::until`; when a story is
//! over, `checks` looks whether everything is in order.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::atomic::{AtomicU16, Ordering},
};

use chrono::TimeDelta;
use pikett::{
    app::{Service, languages},
    clock::{Clock, Ids},
    config::Config,
    demo::stage::{GOLD, Set, Stage},
    model::Instant,
    sim::{Behaviour, Caller, Event, Hooks, Press, Settings, Sid, Sim, Times, What},
    store::{Store, StoreError},
};
use sqlx::{AnyConnection, Row};

use super::{
    database::Scratch,
    people::{
        ANNA, BEN, CEM, EVERYONE, EVERYONE_TOO, FANNY, FRENCH, HAND_OVER, HOLES, NOBODYS, OUTAGE, OUTSIDE, SHARED,
        phone,
    },
};

/// Monday, 02:30 in Berlin.
const BEGIN: &str = "2026-03-02T01:30:00Z";
/// What does not happen within so long does not happen.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(20);
/// How often the workers are looked at before they count as stuck: SQLite's writer waits half a minute for another
/// program.
const LOOKS_MAX: u32 = 60_000;
/// So many looks of a millisecond without news: whoever holds a row waits for time to pass.
const QUIET_MAX: u32 = 60;

/// Makes two tests of one: `name::sqlite` and `name::postgres`. `story: Story, |folder| …` changes the
/// declarations first.
macro_rules! stories {
    ($(async fn $name:ident($story:ident: Story $(, $change:expr)?) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn told($story: &mut Story) $body

            #[tokio::test]
            async fn sqlite() {
                let mut story = Story::begin($crate::database::Scratch::sqlite(), $crate::story::change!($($change)?)).await;
                told(&mut story).await;
                story.close().await;
            }

            #[tokio::test]
            async fn postgres() {
                let mut story = Story::begin($crate::database::Scratch::postgres().await, $crate::story::change!($($change)?)).await;
                told(&mut story).await;
                story.close().await;
            }
        }
    )*};
}
pub(crate) use stories;

/// What a story changes in the folder of declarations before they are applied.
macro_rules! change {
    () => {
        |_: &std::path::Path| {}
    };
    ($change:expr) => {
        $change
    };
}
pub(crate) use change;

/// Changes the flow `straight-through` in the folder: what stands there becomes something else.
pub fn rewritten(folder: &Path, changes: &[(&str, &str)]) {
    let file = folder.join("straight-through.toml");
    let mut flow = std::fs::read_to_string(&file).unwrap();
    for (before, after) in changes {
        assert!(flow.contains(before), "{before}");
        flow = flow.replacen(before, after, 1);
    }
    std::fs::write(&file, flow).unwrap();
}

pub struct Story {
    pub stage: Stage,
    /// Of the second carrier, where there is one.
    pub second: Option<Sim>,
    pub clock: Clock,
    pub service: Option<Service>,
    /// A connection of its own.
    pub store: Store,
    /// What happened before is old.
    pub place: u64,
    /// Codes of the carrier's warnings that belong to the story.
    pub warnings: Vec<u32>,
    _folder: tempfile::TempDir,
    pub scratch: Scratch,
}

impl Story {
    /// `change` may write other declarations into the folder before they are applied.
    pub async fn begin(scratch: Scratch, change: impl FnOnce(&Path)) -> Self {
        Self::begin_over(scratch, None, change).await
    }

    /// With a second carrier, whose section this makes: of its simulator's address, account and token.
    pub async fn begin_over(
        scratch: Scratch,
        second: Option<fn(&str, &str, &str) -> String>,
        change: impl FnOnce(&Path),
    ) -> Self {
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
        let mut stage = Stage::set(set).await.unwrap();
        let second = match second {
            Some(section) => Some(another(&stage, &clock, section).await),
            None => None,
        };
        let more = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls/msp");
        for name in ["more.toml", "straight-through.toml", "hand-over.toml", "french.toml", "en-francais.toml"] {
            std::fs::copy(more.join(name), folder.path().join(name)).unwrap();
        }
        change(folder.path());
        stage.config = Config::load(Some(&stage.config_file)).unwrap();
        // What this process speaks it speaks in every story.
        let languages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/languages");
        languages::speak(Some(&languages)).unwrap();
        stage.apply().await.unwrap();
        let hooks = Hooks::at(stage.sim.account_sid(), &format!("{}/carriers/twilio", stage.url()));
        for number in [EVERYONE, EVERYONE_TOO, HAND_OVER, SHARED, HOLES, OUTAGE, FRENCH, NOBODYS] {
            stage.sim.number(phone(number), hooks.clone());
        }
        for number in [ANNA, BEN, CEM, FANNY, OUTSIDE] {
            stage.sim.phone(phone(number), Behaviour::never_answers());
        }
        let service = Service::start(&stage.config, clock.clone(), Ids::seeded(2)).await.unwrap();
        let store = Store::open(&scratch.url).await.unwrap();
        let (service, warnings) = (Some(service), Vec::new());
        Self { stage, second, clock, service, store, place: 0, warnings, _folder: folder, scratch }
    }

    pub fn sim(&self) -> &Sim {
        &self.stage.sim
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
            // While nobody sleeps, everybody is at work: after an outage all connect anew at the same instant.
            let busy = self.service.is_some();
            let awake = self.clock.next_wake().map_or(busy, |due| due <= now);
            let events = self.sim().log_after(self.place).len();
            let asked = self.sim().under_way() + self.second.as_ref().map_or(0, Sim::under_way);
            let rows = if awake || asked > 0 { -1 } else { self.rows_in_work(now).await };
            quiet = match rows {
                -1 => 0,
                _ if (events, rows) != before => 0,
                0 => quiet + QUIET_MAX / 2,
                _ => quiet + 1,
            };
            before = (events, rows);
            if quiet >= QUIET_MAX {
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
        row.map_or(0, |row| row.get::<i64, _>("count") + self.journals())
    }

    /// Files of what happened by spare documents, which wait to be taken up.
    pub fn journals(&self) -> i64 {
        let entries = std::fs::read_dir(&self.stage.folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let waits = |name: &String| name.ends_with(".journal") || name.contains(".journal.taken-");
        i64::try_from(names.filter(waits).count()).unwrap()
    }

    /// Looks after everything, and ends.
    pub async fn close(mut self) {
        super::checks::everything_is_in_order(&mut self).await;
        if let Some(service) = self.service.take() {
            service.stop().await;
        }
        self.store.close().await;
        self.stage.sim.clone().stop().await;
        if let Some(second) = self.second.take() {
            second.stop().await;
        }
        let Scratch { .. } = &self.scratch;
        let scratch = std::mem::replace(&mut self.scratch, Scratch::sqlite());
        scratch.remove().await;
    }
}

/// A number that the second carrier has.
pub const SECOND: &str = "+4930901899";

async fn another(stage: &Stage, clock: &Clock, section: fn(&str, &str, &str) -> String) -> Sim {
    let times = Times { calls_per_second: f64::INFINITY, ..Times::default() };
    let settings = Settings { times, ..Settings::new(clock.clone(), Ids::seeded(3)) };
    let token = settings.accounts[0].token.expose().to_owned();
    let sim = Sim::start(settings).await.unwrap();
    let mut config = std::fs::read_to_string(&stage.config_file).unwrap();
    config.push_str(&section(&sim.base_url(), &sim.account_sid(), &token));
    std::fs::write(&stage.config_file, config).unwrap();
    sim.number(phone(SECOND), Hooks::at(sim.account_sid(), &format!("{}/carriers/second", stage.url())));
    for number in [ANNA, BEN, CEM, OUTSIDE] {
        sim.phone(phone(number), Behaviour::never_answers());
    }
    sim
}

/// A failed story shows what happened.
impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for event in self.stage.sim.log() {
                let told = match &event.what {
                    What::Webhook { status: Some(200 | 204), .. } | What::Rest { status: Some(200 | 201), .. } => {
                        continue;
                    }
                    What::Mail { to, subject, .. } => format!("Mail to {to:?}: {subject}"),
                    What::Push { subscription, .. } => format!("Push to {subscription}"),
                    what => format!("{what:?}"),
                };
                eprintln!("{} {told}", event.at.format("%H:%M:%S%.3f"));
            }
        }
    }
}

/// Below the ports that the system gives to outgoing connections, each test its own.
fn address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % 150).unwrap();
    let port = 12_000 + process * 120 + NEXT.fetch_add(1, Ordering::Relaxed) % 120;
    (Ipv4Addr::LOCALHOST, port).into()
}
