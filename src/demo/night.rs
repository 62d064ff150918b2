//! `pikett demo --script`: a night at high speed. The service is a process of its own, the carrier and its
//! phones are simulated over real HTTP, and every promise is looked for, in what people got and in what
//! the database says.

use std::path::Path;

use chrono::TimeDelta;
use futures::future::LocalBoxFuture;

use super::{
    DemoError, scenes,
    service::Service,
    stage::{GOLD, Set, Stage},
    transcript::Transcript,
};
use crate::{
    clock::Clock,
    declare::directory::default_org,
    model::{Instant, phone::Phone},
    sim::{Behaviour, Caller, Event, Faults, Sid, Times, Watch, What},
    store::{
        Store,
        alerts::{self, AlertRow},
        calls::{self, CallRow},
    },
};

/// Monday, 02:30 in Berlin.
const BEGIN: &str = "2026-03-02T01:30:00Z";
/// A minute of the night in two seconds.
const SPEED: f64 = 30.0;

pub const PETRA: &str = "+4930555010";
pub const STRANGER: &str = "+4930999001";
pub const ANNA: &str = "+4915110000001";
pub const BEN: &str = "+447700900002";
pub const CEM: &str = "+4915110000003";

/// Why a scene went wrong, in words.
pub type Broken = String;
type Scene = for<'a> fn(&'a mut Night) -> LocalBoxFuture<'a, Result<(), Broken>>;

pub struct Night {
    pub stage: Stage,
    pub service: Option<Service>,
    pub store: Store,
    pub clock: Clock,
    watch: Watch,
    printed: u64,
    transcript: Transcript,
}

/// Plays it all and prints it; answers how many scenes broke a promise.
pub async fn play(folder: &Path, seed: u64) -> Result<usize, DemoError> {
    let mut night = Night::begin(folder, seed).await?;
    let all: [(&str, Scene); 8] = [
        ("A known caller is connected at the first try", |night| Box::pin(scenes::known_caller(night))),
        ("A wrong PIN, then the right one", |night| Box::pin(scenes::wrong_pin_then_right(night))),
        ("Nobody answers at level 1, level 2 accepts", |night| Box::pin(scenes::second_level(night))),
        ("A private mailbox picks up and does not swallow the call", |night| Box::pin(scenes::mailbox(night))),
        ("Nobody at all: voicemail, pages, acknowledged by SMS", |night| Box::pin(scenes::nobody(night))),
        ("The caller hangs up in the menu", |night| Box::pin(scenes::hangs_up(night))),
        ("The carrier answers 500 for a while", |night| Box::pin(scenes::carrier_down(night))),
        ("The service is killed in the middle of a fan-out", |night| Box::pin(scenes::killed(night))),
    ];
    let mut broken = 0;
    for (place, (title, scene)) in all.into_iter().enumerate() {
        println!("\n{}. {title}", place + 1);
        night.everybody_sleeps();
        let outcome = scene(&mut night).await;
        night.print();
        match outcome {
            Ok(()) => println!("  kept"),
            Err(why) => {
                broken += 1;
                println!("  BROKEN: {why}");
            }
        }
    }
    let promises =
        if broken == 0 { "every promise held".to_owned() } else { format!("{broken} scenes broke a promise") };
    println!("\n{} scenes, {promises}.", all.len());
    night.end().await;
    Ok(broken)
}

impl Night {
    async fn begin(folder: &Path, seed: u64) -> Result<Self, DemoError> {
        let begin: Instant = BEGIN.parse().expect("it is written as an instant");
        let clock = Clock::faster(begin, SPEED);
        let times = Times { calls_per_second: f64::INFINITY, ..Times::default() };
        let listen = (std::net::Ipv4Addr::LOCALHOST, 0).into();
        let stage = Stage::set(Set { folder, listen, clock: clock.clone(), seed, times, database: None }).await?;
        stage.apply().await?;
        let service = Service::start(&stage, &clock).await?;
        let store = Store::open(stage.config.database.url.expose()).await.map_err(DemoError::Store)?;
        let watch = stage.sim.watch();
        Ok(Self { stage, service: Some(service), store, clock, watch, printed: 0, transcript: Transcript::default() })
    }

    async fn end(self) {
        drop(self.service);
        self.store.close().await;
        self.stage.sim.stop().await;
    }

    /// Nobody answers unless the scene says so; what happened before is over.
    fn everybody_sleeps(&mut self) {
        for number in [ANNA, BEN, CEM] {
            self.behaves(number, Behaviour::never_answers());
        }
        self.stage.sim.faults().set(Faults::default());
        self.watch = self.stage.sim.watch();
    }

    pub fn behaves(&self, number: &str, behaviour: Behaviour) {
        self.stage.sim.phone(phone(number), behaviour);
    }

    pub fn call(&self, from: &str) -> Sid {
        self.stage.sim.call(Caller::Number(phone(from)), phone(GOLD))
    }

    /// Something that must happen within so many seconds of the night.
    pub async fn expect(
        &mut self,
        what: &str,
        within_s: i64,
        matches: impl Fn(&What) -> bool,
    ) -> Result<Event, Broken> {
        let event = self.watch.clone().next(matches, TimeDelta::seconds(within_s)).await;
        event.ok_or_else(|| format!("within {within_s} s: {what}"))
    }

    pub async fn ended(&mut self, leg: &Sid) -> Result<(), Broken> {
        let ended = |what: &What| matches!(what, What::Ended { leg: at, .. } if at == leg);
        self.expect("the caller's call ends", 900, ended).await.map(|_| ())
    }

    /// The call's row, when it has its outcome.
    pub async fn outcome(&self, leg: &Sid) -> Result<CallRow, Broken> {
        let carrier = "twilio".parse().map_err(|error| format!("{error}"))?;
        self.until("the call has an outcome", async |db| {
            let call = calls::by_carrier_call(db, &default_org(), &carrier, leg.as_str()).await?;
            Ok(call.filter(|call| call.outcome.is_some()))
        })
        .await
    }

    pub async fn alert_of(&self, call: &CallRow) -> Result<AlertRow, Broken> {
        let id = call.alert.clone().ok_or("the call has no alert")?;
        self.until("the call's alert is there", async |db| alerts::by_id(db, &default_org(), &id).await).await
    }

    /// Looks into the database until it is so, for five minutes of the night.
    pub async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFn(&mut sqlx::AnyConnection) -> Result<Option<T>, crate::store::StoreError>,
    ) -> Result<T, Broken> {
        let last = self.clock.now() + TimeDelta::minutes(5);
        loop {
            let mut db = self.store.read().await.map_err(|error| error.to_string())?;
            if let Some(found) = look(&mut db).await.map_err(|error| error.to_string())? {
                return Ok(found);
            }
            drop(db);
            if self.clock.now() > last {
                return Err(format!("within five minutes: {what}"));
            }
            self.clock.sleep(TimeDelta::seconds(2)).await;
        }
    }

    fn print(&mut self) {
        let printed = self.printed;
        for event in self.stage.sim.log().into_iter().filter(|event| event.seq > printed) {
            if let Some(line) = self.transcript.line(&event) {
                println!("{line}");
            }
            self.printed = event.seq;
        }
    }
}

pub fn phone(number: &str) -> Phone {
    number.parse().expect("the sample's numbers are numbers")
}

/// `Err` with these words unless it is so.
pub fn check(so: bool, words: impl Into<String>) -> Result<(), Broken> {
    if so { Ok(()) } else { Err(words.into()) }
}
