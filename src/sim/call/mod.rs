//! One leg and the document that runs on it: never two documents of one leg at a time.
//!
//! A `Line` is held by the one task that lives for its leg. Whatever it waits for, it also listens for
//! what can happen meanwhile: a hang-up, a change by REST, the other side leaving. Those come as an
//! `Interrupt` that unwinds the running verbs, each of which tidies up its own. Start with `Line::live`.

mod conference;
mod dial;
mod document;
mod gather;
mod perform;
mod queue;
mod record;
mod ring;
mod run;

pub(super) use ring::Outbound;

use std::{future::Future, pin::pin};

use super::{
    Sid, Sim,
    event::{AnsweredBy, Direction, Source, What},
    signal::{Ear, Origin, Signal, Taken},
    webhook::Request,
    world::Target,
};
use crate::{
    carrier::{status::CallStatus, twiml::Place},
    model::Instant,
};

pub(super) struct Line {
    sim: Sim,
    sid: Sid,
    ear: Ear,
    /// Waits in a queue: may be taken out of it.
    queued: bool,
    /// Who is, or is about to be, on the other side.
    partner: Option<Sid>,
}

/// Why a verb did not come to its end.
#[derive(Debug)]
enum Interrupt {
    HungUp,
    /// The carrier ended the leg.
    Ended,
    Moved(Origin),
    Dequeued(Taken),
    /// The other side is off the line.
    Parted,
    /// The audio at that address cannot be fetched: the document ends there.
    Unplayable(String),
}

/// How a document came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// After its last verb.
    Document,
    Hangup,
    Rejected {
        busy: bool,
    },
    /// `Leave`, in a queue's wait document.
    Left,
}

impl Line {
    pub fn new(sim: Sim, sid: Sid, ear: Ear) -> Self {
        Self { sim, sid, ear, queued: false, partner: None }
    }

    pub fn sid(&self) -> &Sid {
        &self.sid
    }

    /// A call to one of our numbers.
    pub async fn inbound(mut self, first: Origin) {
        self.live(first).await;
    }

    /// Runs documents until the leg is over.
    async fn live(&mut self, first: Origin) {
        let mut next = first;
        let status = loop {
            match self.run(next, Place::Call).await {
                Ok(End::Rejected { busy }) if !self.is_answered() => {
                    break if busy { CallStatus::Busy } else { CallStatus::NoAnswer };
                }
                Ok(End::Document | End::Hangup | End::Left | End::Rejected { .. }) => {
                    self.pick_up();
                    break CallStatus::Completed;
                }
                Err(Interrupt::Moved(origin)) => next = origin,
                Err(
                    Interrupt::HungUp
                    | Interrupt::Ended
                    | Interrupt::Dequeued(_)
                    | Interrupt::Parted
                    | Interrupt::Unplayable(_),
                ) => break self.gone(),
            }
        };
        self.sim.advance(&self.sid, status);
    }

    fn now(&self) -> Instant {
        self.sim.0.clock.now()
    }

    fn note(&self, what: What) {
        self.sim.note(what);
    }

    fn is_answered(&self) -> bool {
        self.sim.world().leg(&self.sid).is_some_and(|leg| leg.answered_at.is_some())
    }

    /// The carrier answers a call to one of our numbers at the first verb that needs it.
    fn pick_up(&self) {
        self.sim.answered(&self.sid, AnsweredBy::Carrier);
    }

    /// The final status of a leg whose person has gone or that the carrier has ended.
    fn gone(&self) -> CallStatus {
        let world = self.sim.world();
        let Some(leg) = world.leg(&self.sid) else { return CallStatus::Completed };
        let (from, to) = (leg.from.clone(), leg.to.clone());
        let (answered, inbound) = (leg.answered_at.is_some(), leg.direction == Direction::Inbound);
        drop(world);
        if answered {
            CallStatus::Completed
        } else if inbound && self.sim.faults().between(&from, &to).abandoned_is_no_answer {
            CallStatus::NoAnswer
        } else {
            CallStatus::Canceled
        }
    }

    /// Ends the leg before its last requests are made: they tell `CallStatus=completed`.
    fn end(&self) {
        self.sim.advance(&self.sid, self.gone());
    }

    /// Does some work, unless something happens to the leg before it is done.
    async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Interrupt> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                signal = self.ear.hear() => { self.mind(signal)?; }
                done = &mut work => return Ok(done),
            }
        }
    }

    /// Waits for a signal that `pick` takes, or until some work is done: then `None`.
    async fn listen<T, U>(
        &mut self,
        until: impl Future<Output = U>,
        mut pick: impl FnMut(&Signal) -> Option<T>,
    ) -> Result<Heard<T, U>, Interrupt> {
        let mut until = pin!(until);
        loop {
            tokio::select! {
                biased;
                signal = self.ear.hear() => match signal.as_ref().and_then(&mut pick) {
                    Some(picked) => return Ok(Heard::Signal(picked)),
                    None => self.mind(signal)?,
                },
                done = &mut until => return Ok(Heard::Done(done)),
            }
        }
    }

    async fn wait_until(&mut self, due: Instant) -> Result<(), Interrupt> {
        let clock = self.sim.0.clock.clone();
        self.during(async move { clock.sleep_until(due).await }).await
    }

    /// What a signal means for whatever runs. Keys and words that nobody listens for are lost.
    fn mind(&mut self, signal: Option<Signal>) -> Result<(), Interrupt> {
        match signal {
            Some(Signal::HangUp) => Err(Interrupt::HungUp),
            Some(Signal::End) | None => Err(Interrupt::Ended),
            Some(Signal::Move(origin)) => Err(Interrupt::Moved(origin)),
            Some(Signal::Dequeued(taken)) if self.queued => Err(Interrupt::Dequeued(taken)),
            Some(Signal::Dequeued(taken)) => {
                // Too late: this caller has left the queue meanwhile.
                self.part_from(&taken.by);
                Ok(())
            }
            Some(Signal::Parted { partner }) if self.partner.as_ref() == Some(&partner) => Err(Interrupt::Parted),
            Some(
                Signal::Parted { .. }
                | Signal::Closed { .. }
                | Signal::Joined { .. }
                | Signal::Key(_)
                | Signal::Speech { .. }
                | Signal::Answer
                | Signal::Decline,
            ) => Ok(()),
        }
    }

    fn part_from(&self, partner: &Sid) {
        self.sim.world().signal(partner, Signal::Parted { partner: self.sid.clone() });
    }

    /// Talks with the other side until something happens to either, or until `limit`. What is said
    /// here is heard there; `star` ends it when a document wants that.
    async fn talk<U>(&mut self, until: impl Future<Output = U>, star: bool) -> Result<Heard<(), U>, Interrupt> {
        let mut until = pin!(until);
        loop {
            let heard = self.listen(&mut until, |signal| match signal {
                Signal::Speech { text, .. } => Some(Some(text.clone())),
                Signal::Key('*') if star => Some(None),
                _ => None,
            });
            match heard.await? {
                Heard::Signal(Some(text)) => {
                    if let Some(partner) = self.partner.clone() {
                        let (language, voice) = (None, None);
                        self.note(What::Heard { leg: partner, text, language, voice, source: Source::Person });
                    }
                }
                Heard::Signal(None) => return Ok(Heard::Signal(())),
                Heard::Done(done) => return Ok(Heard::Done(done)),
            }
        }
    }

    /// A request about this leg, with what a verb adds to it.
    fn request(&self, target: Target, extra: &[(String, String)]) -> Request {
        let mut pairs = self.sim.parameters(&self.sid);
        pairs.extend_from_slice(extra);
        let world = self.sim.world();
        let held = &world.legs[&self.sid];
        Request {
            about: self.sid.clone(),
            purpose: super::event::Purpose::Document,
            target,
            pairs,
            account: held.leg.account.clone(),
            between: (held.leg.from.clone(), held.leg.to.clone()),
            cookies: held.cookies.clone(),
        }
    }
}

/// What came first: a signal, or the end of the waiting.
enum Heard<T, U> {
    Signal(T),
    Done(U),
}

fn pair(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}
