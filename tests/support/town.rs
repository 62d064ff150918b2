//! A town that keeps the sample MSP busy: monitoring tools send events, customers phone, technicians pick
//! up or do not, answer by SMS or do not. All of it by chance, from a seed.
//!
//! What the outside was promised (an event answered 202, an acknowledgement that was sent) is kept in the
//! `Ledger`; what became of it is looked up in `promises`. Start at `Town::open`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use chrono::TimeDelta;
use pikett::{
    carrier::http_client,
    clock::{Clock, Ids},
    demo::{
        night::{ANNA, BEN, CEM, PETRA, STRANGER},
        stage::{GOLD, KEY, SILVER, Stage},
    },
    model::{code, phone::Phone},
    sim::{Behaviour, Caller, Press, Sid, Sim, SmsReception, What},
};
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const TECHNICIANS: [&str; 3] = [ANNA, BEN, CEM];
const GRACE: &str = "+442079460123";
/// Anybody's keys, in both languages: "drücken Sie die 1", "Drücke 1", "Press 1".
const TAKES: [(&str, &str); 3] = [(ANNA, "e 1"), (BEN, "ress 1"), (CEM, "e 1")];
/// A tool that got no 202 sends its event again.
const AGAIN: TimeDelta = TimeDelta::seconds(2);
/// Real time: it has hung up and tries again.
const PATIENCE: Duration = Duration::from_secs(4);
/// Nobody stays on the phone for longer.
const LONGEST_CALL: TimeDelta = TimeDelta::minutes(30);

/// Numbers of one source of chance.
#[derive(Clone)]
pub struct Chance(Ids);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(Ids::seeded(seed))
    }

    pub fn happens(&self, share: f64) -> bool {
        self.0.fraction() < share
    }

    pub fn between(&self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.0.fraction()
    }

    /// Seconds of the clock.
    pub fn seconds(&self, from: f64, to: f64) -> TimeDelta {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of some minutes")]
        let millis = (self.between(from, to) * 1_000.0) as i64;
        TimeDelta::milliseconds(millis)
    }

    pub fn one_of<T: Clone>(&self, of: &[T]) -> T {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a short list"
        )]
        let place = (self.0.fraction() * of.len() as f64) as usize;
        of[place.min(of.len() - 1)].clone()
    }
}

/// What was promised to the outside.
#[derive(Default)]
pub struct Ledger {
    /// Events that were answered 202, by their keys, which are their titles too.
    pub triggered: BTreeSet<String>,
    /// Those of them whose `resolve` was answered 202.
    pub resolved: BTreeSet<String>,
    /// Acknowledgements by SMS, with the alert's number.
    pub texts: BTreeMap<Sid, i64>,
}

/// How much goes on.
#[derive(Debug, Clone, Copy)]
pub struct Busy {
    pub tools: u64,
    /// From one event of a tool to its next, in seconds.
    pub events_every_s: f64,
    pub callers: u64,
    /// From one call of a caller to the next, in seconds.
    pub calls_every_s: f64,
    /// Share of the pages by SMS that are answered.
    pub answered: f64,
}

#[derive(Clone)]
pub struct Town(Arc<Inner>);

struct Inner {
    pub sim: Sim,
    clock: Clock,
    enqueue: String,
    http: reqwest::Client,
    busy: Busy,
    ledger: Mutex<Ledger>,
    closing: CancellationToken,
    tools: TaskTracker,
}

impl Town {
    pub fn open(stage: &Stage, clock: &Clock, seed: u64, busy: Busy) -> Self {
        let town = Self(Arc::new(Inner {
            sim: stage.sim.clone(),
            clock: clock.clone(),
            enqueue: format!("{}/v2/enqueue", stage.url()),
            http: http_client(&Clock::system()),
            busy,
            ledger: Mutex::default(),
            closing: CancellationToken::new(),
            tools: TaskTracker::new(),
        }));
        let chance = |whose: u64| Chance::new(seed.wrapping_mul(1_000).wrapping_add(whose));
        tokio::spawn(town.clone().moods(chance(0)));
        tokio::spawn(town.clone().replies(chance(1)));
        for tool in 0..busy.tools {
            let own = chance(100 + tool);
            town.0.tools.spawn(town.clone().tool(tool, own));
        }
        for caller in 0..busy.callers {
            tokio::spawn(town.clone().caller(chance(200 + caller)));
        }
        town
    }

    /// Nobody begins anything new. Returns when every event that was sent has been taken; calls go on.
    pub async fn close(&self) {
        self.0.closing.cancel();
        self.0.tools.close();
        self.0.tools.wait().await;
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap()
    }

    pub fn sim(&self) -> &Sim {
        &self.0.sim
    }

    /// `false`: the town closes.
    async fn pause(&self, length: TimeDelta) -> bool {
        self.0.closing.run_until_cancelled(self.0.clock.sleep(length)).await.is_some()
    }

    // --- monitoring tools -------------------------------------------------------------------------

    async fn tool(self, tool: u64, chance: Chance) {
        let every = self.0.busy.events_every_s;
        for event in 0.. {
            if !self.pause(chance.seconds(0.0, 2.0 * every)).await {
                return;
            }
            let key = format!("{}-{tool}-{event}", chance.one_of(&["disk", "fan", "link", "backup"]));
            let severity = chance.one_of(&["critical", "critical", "error", "warning", "info"]);
            self.insist(&json!({
                "routing_key": KEY, "event_action": "trigger", "dedup_key": key,
                "payload": { "summary": key, "source": "monitoring", "severity": severity },
            }))
            .await;
            self.ledger().triggered.insert(key.clone());
            if chance.happens(0.2) {
                let (town, wait) = (self.clone(), chance.seconds(1.0, 240.0));
                self.0.tools.spawn(async move { town.resolves(key, wait).await });
            }
        }
    }

    /// The trouble passes by itself.
    async fn resolves(self, key: String, wait: TimeDelta) {
        self.pause(wait).await;
        self.insist(&json!({ "routing_key": KEY, "event_action": "resolve", "dedup_key": key })).await;
        self.ledger().resolved.insert(key);
    }

    async fn insist(&self, event: &Value) {
        loop {
            match self
                .0
                .http
                .post(&self.0.enqueue)
                .timeout(PATIENCE)
                .json(event)
                .send()
                .await
                .map(|answer| answer.status().as_u16())
            {
                Ok(202) => return,
                Ok(status) => assert!(status >= 429, "an event was answered {status}"),
                Err(_) => {}
            }
            self.0.clock.sleep(AGAIN).await;
        }
    }

    // --- customers --------------------------------------------------------------------------------

    async fn caller(self, chance: Chance) {
        let every = self.0.busy.calls_every_s;
        while self.pause(chance.seconds(0.0, 2.0 * every)).await {
            let mut watch = self.0.sim.watch();
            let (from, to) = chance.one_of(&[(PETRA, GOLD), (PETRA, GOLD), (STRANGER, GOLD), (GRACE, SILVER)]);
            let leg = self.0.sim.call(Caller::Number(phone(from)), phone(to));
            self.0.sim.follow(&leg, words(&chance));
            let has_ended = |what: &What| matches!(what, What::Ended { leg: at, .. } if *at == leg);
            // Some have no patience: in the menu, in the queue, or while they speak.
            let gives_up = chance.happens(0.4);
            if gives_up && watch.next(has_ended, chance.seconds(0.0, 150.0)).await.is_none() {
                self.0.sim.hang_up(&leg);
            }
            watch.next(has_ended, LONGEST_CALL).await;
        }
    }

    // --- technicians ------------------------------------------------------------------------------

    async fn moods(self, chance: Chance) {
        for (number, _) in TAKES {
            self.0.sim.phone(phone(number), mood(&chance, number));
        }
        while self.pause(chance.seconds(10.0, 60.0)).await {
            let number = chance.one_of(&TECHNICIANS);
            self.0.sim.phone(phone(number), mood(&chance, number));
        }
        // In the end everybody is fast asleep: what is told now is told by Pikett alone.
        for number in TECHNICIANS {
            self.0.sim.phone(phone(number), Behaviour::never_answers());
        }
    }

    /// Reads the pages and answers some: `1 CODE`.
    async fn replies(self, chance: Chance) {
        let mut watch = self.0.sim.watch();
        loop {
            let asks = |what: &What| number_of(what).is_some();
            let Some(event) = self.0.closing.run_until_cancelled(watch.next(asks, TimeDelta::days(1))).await else {
                return;
            };
            let Some((to, number)) = event.and_then(|event| number_of(&event.what)) else { continue };
            if !chance.happens(self.0.busy.answered) {
                continue;
            }
            let (town, wait) = (self.clone(), chance.seconds(2.0, 90.0));
            tokio::spawn(async move {
                if town.pause(wait).await {
                    let sid = town.0.sim.text(to, phone(GOLD), &format!("1 {}", code::of(number)));
                    town.ledger().texts.insert(sid, number);
                }
            });
        }
    }
}

/// What somebody who phones presses and says, if they get that far.
fn words(chance: &Chance) -> Vec<Press> {
    let message = Press { after_s: 12.0, ..Press::saying("dem Ton", "Bei uns steht alles.") };
    let mut words = vec![Press::on("PIN ein", chance.one_of(&["730164#", "730164#", "111111#"]))];
    if chance.happens(0.7) {
        // Who is known is not asked for a PIN.
        words.clear();
    }
    words.push(Press::on("drücken Sie die 1", chance.one_of(&["1", "1", "2", "3"])));
    words.push(message);
    words
}

fn mood(chance: &Chance, number: &str) -> Behaviour {
    let heard = TAKES.into_iter().find(|(whose, _)| *whose == number).map_or("1", |(_, heard)| heard);
    let takes = Behaviour::answers(chance.between(2.0, 20.0), [Press::on(heard, "1")]);
    let takes = takes.hanging_up_after(chance.between(15.0, 90.0));
    let sms = chance.one_of(&[
        SmsReception::Delivered,
        SmsReception::Delivered,
        SmsReception::Delivered,
        SmsReception::Silent,
        SmsReception::Undelivered { code: 30003 },
    ]);
    let mood = match chance.one_of(&[0, 0, 0, 1, 1, 2, 3, 4, 5, 6]) {
        0 => takes,
        1 => Behaviour::never_answers(),
        2 => Behaviour::mailbox(chance.between(5.0, 20.0)),
        3 => Behaviour::declines(4.0),
        4 => Behaviour::busy(),
        5 => Behaviour::fails(13_224),
        // Picks up, presses nothing, and hangs up.
        _ => Behaviour::answers(5.0, []).hanging_up_after(chance.between(1.0, 30.0)),
    };
    mood.sms(sms)
}

/// A page that has arrived: at whom, and the number of its alert.
fn number_of(what: &What) -> Option<(Phone, i64)> {
    let What::Sms { to, body, status, .. } = what else { return None };
    if status != "delivered" || !TECHNICIANS.contains(&to.as_str()) {
        return None;
    }
    codes(body).into_iter().find_map(|code| code::number(&code)).map(|number| (phone(to), number))
}

/// Every CODE of a `1 CODE`.
pub fn codes(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split(|sign: char| !sign.is_ascii_alphanumeric()).collect();
    let is_code = |word: &str| word.len() >= 2 && code::number(word).is_some();
    words.windows(2).filter(|pair| pair[0] == "1" && is_code(pair[1])).map(|pair| pair[1].to_owned()).collect()
}

pub fn phone(number: &str) -> Phone {
    number.parse().unwrap()
}
