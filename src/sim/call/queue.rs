//! Queues: a caller waits with a document in a loop, a technician's leg takes the one in front.

use chrono::TimeDelta;

use super::{End, Heard, Interrupt, Line, dial::Dialled, document::Document, pair, run::Flow};
use crate::{
    carrier::{
        status::CallStatus,
        twiml::{Dial, DialQueue, Enqueue, Place},
    },
    model::Instant,
    sim::{
        Sid,
        event::{Source, What},
        signal::{Origin, Signal, Taken},
        world::{Queue, Target, Waiting},
    },
};

/// Twilio's defaults.
const SIZE_MAX: usize = 1_000;
const AGENT_WAITS_S: u32 = 30;
/// A wait document that takes no time at all is asked for once a second.
const LOOP_MIN: TimeDelta = TimeDelta::seconds(1);
/// How often the carrier's own music is mentioned again.
const MUSIC: TimeDelta = TimeDelta::seconds(60);

/// How the waiting ended, in the carrier's word, and what follows.
struct Waited {
    result: &'static str,
    then: Result<(), Interrupt>,
}

impl Line {
    pub(super) async fn enqueue(&mut self, enqueue: &Enqueue, document: &Document) -> Result<Flow, Interrupt> {
        let action = enqueue.action.as_ref().and_then(|action| document.target(action, enqueue.method));
        let since = self.now();
        let waited = match self.join_queue(enqueue, since) {
            Some(position) => {
                self.note(What::Waiting { leg: self.sid.clone(), queue: enqueue.name.clone(), position });
                self.queued = true;
                let waited = self.wait_in_queue(enqueue, document, since).await;
                self.queued = false;
                self.partner = None;
                waited
            }
            None => Waited { result: "queue-full", then: Ok(()) },
        };
        let queue_sid = self.sim.world().queues.get(&enqueue.name).and_then(|queue| queue.sid.clone());
        let extra = vec![
            pair("QueueResult", waited.result),
            pair("QueueSid", queue_sid.map(|sid| sid.to_string()).unwrap_or_default()),
            pair("QueueTime", (self.now() - since).num_seconds()),
        ];
        match waited.then {
            Ok(()) => Ok(match action {
                Some(target) => self.goto(Some(target), extra),
                None => Flow::Next,
            }),
            Err(interrupt) => {
                if matches!(interrupt, Interrupt::HungUp | Interrupt::Ended) {
                    self.end();
                }
                self.farewell(action, &extra);
                Err(interrupt)
            }
        }
    }

    /// The place in the queue, or none when it is full.
    fn join_queue(&self, enqueue: &Enqueue, since: Instant) -> Option<usize> {
        let mut world = self.sim.world();
        let queue = world.queues.entry(enqueue.name.clone()).or_default();
        queue.sid.get_or_insert_with(|| self.sim.0.chance.sid("QU", &enqueue.name));
        queue.max_size = enqueue.max_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(SIZE_MAX);
        if queue.waiting.len() >= queue.max_size {
            return None;
        }
        queue.waiting.push_back(Waiting { leg: self.sid.clone(), since });
        let position = queue.waiting.len();
        drop(world);
        self.sim.0.queues.send_modify(|changes| *changes += 1);
        Some(position)
    }

    async fn wait_in_queue(&mut self, enqueue: &Enqueue, document: &Document, since: Instant) -> Waited {
        let ended = self.loop_wait_document(enqueue, document, since).await;
        let taken = match ended {
            Err(Interrupt::Dequeued(taken)) => taken,
            ended => {
                let was_waiting =
                    self.sim.world().queues.get_mut(&enqueue.name).is_some_and(|queue| queue.leave(&self.sid));
                self.sim.0.queues.send_modify(|changes| *changes += 1);
                if !was_waiting {
                    self.turn_taker_away();
                }
                return match ended {
                    Ok(End::Left) => Waited { result: "leave", then: Ok(()) },
                    Err(Interrupt::Moved(origin)) => {
                        Waited { result: "redirected", then: Err(Interrupt::Moved(origin)) }
                    }
                    // A wait document that hangs up ends the call.
                    Ok(_) => Waited { result: "hangup", then: Err(Interrupt::Ended) },
                    Err(interrupt) => Waited { result: "hangup", then: Err(interrupt) },
                };
            }
        };
        self.queued = false;
        self.partner = Some(taken.by.clone());
        let outcome = self.meet(&enqueue.name, &taken, since).await;
        match outcome {
            Ok(()) | Err(Interrupt::Parted) => Waited { result: "bridged", then: Ok(()) },
            Err(interrupt) => {
                self.part_from(&taken.by);
                let result = match interrupt {
                    Interrupt::Moved(_) => "redirected-from-bridged",
                    _ => "bridged",
                };
                Waited { result, then: Err(interrupt) }
            }
        }
    }

    /// Somebody has taken this caller at the moment of leaving: the signal is under way or here.
    fn turn_taker_away(&mut self) {
        let told: Vec<_> = self.ear.rest().collect();
        for signal in told {
            if let Signal::Dequeued(taken) = signal {
                self.part_from(&taken.by);
            }
        }
    }

    async fn loop_wait_document(
        &mut self,
        enqueue: &Enqueue,
        document: &Document,
        since: Instant,
    ) -> Result<End, Interrupt> {
        loop {
            let started = self.now();
            match enqueue.wait_url.as_deref() {
                Some("") => self.during(std::future::pending::<()>()).await?,
                None => {
                    let (language, voice, text) = (None, None, "music".to_owned());
                    self.note(What::Heard { leg: self.sid.clone(), text, language, voice, source: Source::Music });
                    self.wait_until(started + MUSIC).await?;
                }
                Some(url) => {
                    let Some(target) = document.target(url, enqueue.wait_method) else { return Ok(End::Hangup) };
                    let extra = self.queue_pairs(&enqueue.name, since);
                    match self.run(Origin::Url { target, extra }, Place::QueueWait).await? {
                        End::Document => self.wait_until(started + LOOP_MIN).await?,
                        end => return Ok(end),
                    }
                }
            }
        }
    }

    fn queue_pairs(&self, name: &str, since: Instant) -> Vec<(String, String)> {
        let world = self.sim.world();
        let Some(queue) = world.queues.get(name) else { return Vec::new() };
        vec![
            pair("QueuePosition", queue.position(&self.sid).map_or(0, |at| at + 1)),
            pair("QueueSid", queue.sid.as_ref().map(ToString::to_string).unwrap_or_default()),
            pair("QueueTime", (self.now() - since).num_seconds()),
            pair("AvgQueueTime", queue.average_s()),
            pair("CurrentQueueSize", queue.waiting.len()),
            pair("MaxQueueSize", queue.max_size),
        ]
    }

    /// The caller who was taken: hears the whisper, then talks.
    async fn meet(&mut self, name: &str, taken: &Taken, since: Instant) -> Result<(), Interrupt> {
        if let Some(target) = &taken.whisper {
            let mut extra = self.queue_pairs(name, since);
            extra.retain(|(name, _)| matches!(name.as_str(), "QueueSid" | "QueueTime"));
            extra.push(pair("DequeingCallSid", &taken.by));
            let origin = Origin::Url { target: target.clone(), extra };
            if self.run(origin, Place::Whisper).await? == End::Hangup {
                return Err(Interrupt::Ended);
            }
        }
        self.sim.world().signal(&taken.by, Signal::Joined { partner: self.sid.clone() });
        self.talk(std::future::pending::<()>(), false).await.map(|_| ())
    }

    /// A technician's leg takes the caller in front, waiting for one when nobody is there.
    pub(super) async fn dial_queue(
        &mut self,
        dial: &Dial,
        noun: &DialQueue,
        document: &Document,
        dialled: &mut Dialled,
    ) -> Result<(), Interrupt> {
        let until = self.now() + TimeDelta::seconds(dial.timeout_s.unwrap_or(AGENT_WAITS_S).into());
        match self.sim.world().queues.get_mut(&noun.name) {
            None => {
                *dialled = Dialled::nobody(CallStatus::Failed);
                return Ok(());
            }
            Some(queue) => queue.agents.push_back(self.sid.clone()),
        }
        let whisper = noun.url.as_ref().and_then(|url| document.target(url, noun.method));
        let caller = self.take_front(&noun.name, whisper, until).await;
        if let Some(queue) = self.sim.world().queues.get_mut(&noun.name) {
            queue.agents.retain(|agent| *agent != self.sid);
        }
        self.sim.0.queues.send_modify(|changes| *changes += 1);
        let Some(caller) = caller? else {
            *dialled = Dialled::nobody(CallStatus::NoAnswer);
            return Ok(());
        };
        *dialled = Dialled { status: CallStatus::Completed, leg: Some(caller.clone()), bridged_at: None };
        self.partner = Some(caller.clone());
        let outcome = self.talk_with_caller(dial, &caller, dialled).await;
        if dialled.bridged_at.is_some() {
            self.note(What::Parted { a: caller.clone(), b: self.sid.clone() });
        }
        match outcome {
            Err(Interrupt::Parted) => Ok(()),
            outcome => {
                self.part_from(&caller);
                outcome
            }
        }
    }

    async fn take_front(
        &mut self,
        name: &str,
        whisper: Option<Target>,
        until: Instant,
    ) -> Result<Option<Sid>, Interrupt> {
        let mut changes = self.sim.0.queues.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(caller) = self.taken_now(name, whisper.clone()) {
                return Ok(Some(caller));
            }
            let clock = self.sim.0.clock.clone();
            let changed = async {
                tokio::select! {
                    _ = changes.changed() => true,
                    () = clock.sleep_until(until) => false,
                }
            };
            if !self.during(changed).await? {
                return Ok(None);
            }
        }
    }

    /// The front caller, when it is this leg's turn and somebody waits. Taking and telling the caller
    /// are one: nobody is taken twice.
    fn taken_now(&self, name: &str, whisper: Option<Target>) -> Option<Sid> {
        let mut world = self.sim.world();
        let now = self.now();
        let queue = world.queues.get_mut(name)?;
        if queue.agents.front() != Some(&self.sid) {
            return None;
        }
        let front = queue.waiting.pop_front()?;
        queue.agents.pop_front();
        queue.taken += 1;
        queue.waited_s += (now - front.since).num_seconds();
        world.signal(&front.leg, Signal::Dequeued(Taken { by: self.sid.clone(), whisper }));
        Some(front.leg)
    }

    async fn talk_with_caller(&mut self, dial: &Dial, caller: &Sid, dialled: &mut Dialled) -> Result<(), Interrupt> {
        let joined = self.listen(std::future::pending::<()>(), |signal| match signal {
            Signal::Joined { partner } if partner == caller => Some(()),
            _ => None,
        });
        joined.await?;
        dialled.bridged_at = Some(self.now());
        self.note(What::Bridged { a: caller.clone(), b: self.sid.clone() });
        let (clock, limit) = (self.sim.0.clock.clone(), self.limit(dial));
        let until = async move { clock.sleep_until(limit).await };
        match self.talk(until, dial.hangup_on_star == Some(true)).await? {
            Heard::Signal(()) | Heard::Done(()) => Ok(()),
        }
    }
}

impl Queue {
    pub fn average_s(&self) -> i64 {
        if self.taken == 0 { 0 } else { self.waited_s / i64::from(self.taken) }
    }
}
