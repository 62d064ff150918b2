//! Ringing somebody's phone: a call by REST, or one that a Dial makes.

use tokio::sync::mpsc::UnboundedSender;

use super::{End, Heard, Interrupt, Line, dial::Report, pair};
use crate::{
    carrier::{status::CallStatus, twiml::Place},
    model::Instant,
    sim::{
        Sid, actor,
        event::{AnsweredBy, Purpose, What},
        phone::{Then, Voice},
        signal::{Origin, Signal},
        times::{seconds, within},
        world::Target,
    },
};

/// A call that was asked for by REST.
pub(in crate::sim) struct Outbound {
    /// Its turn to be dialled.
    pub slot: Instant,
    pub origin: Origin,
    pub ring_s: u32,
    pub machine_detection: bool,
    /// With it the verdict comes there, and the document is not held up.
    pub machine_callback: Option<Target>,
}

/// A call that a Dial makes.
pub(super) struct Child {
    pub parent: Sid,
    pub ring_s: u32,
    pub whisper: Option<Target>,
    /// Why it cannot even be dialled.
    pub refused: Option<u32>,
}

enum Rung {
    Answered(AnsweredBy, Option<Then>),
    Unreached { status: CallStatus, code: Option<u32> },
}

impl Line {
    pub async fn outbound(mut self, plan: Outbound) {
        if self.wait_until(plan.slot).await.is_err() {
            // Cancelled while queued: no callback at all.
            if let Some(held) = self.sim.world().legs.get_mut(&self.sid) {
                held.subscription = None;
            }
            self.sim.advance(&self.sid, CallStatus::Canceled);
            return;
        }
        match self.place(plan.ring_s).await {
            Ok(Rung::Answered(by, then)) => {
                self.take_up(by, then);
                match self.detect_machine(&plan, by).await {
                    Ok(()) => self.live(plan.origin).await,
                    Err(Interrupt::Moved(origin)) => self.live(origin).await,
                    Err(_) => self.end(),
                }
            }
            Ok(Rung::Unreached { status, code }) => self.give_up(status, code),
            Err(_) => self.end(),
        }
    }

    pub(super) async fn child(mut self, plan: Child, reports: UnboundedSender<Report>) {
        let outcome = match plan.refused {
            Some(code) => {
                self.give_up(CallStatus::Failed, Some(code));
                Ok(())
            }
            None => self.serve_parent(&plan, &reports).await,
        };
        self.partner = None;
        if let Err(Interrupt::Moved(origin)) = outcome {
            let _ = reports.send(Report::Ended { leg: self.sid.clone(), status: CallStatus::Completed });
            self.live(origin).await;
            return;
        }
        self.end();
        let status = self.sim.world().leg(&self.sid).map_or(CallStatus::Failed, |leg| leg.status.clone());
        let _ = reports.send(Report::Ended { leg: self.sid.clone(), status });
    }

    /// Rings, runs the whisper document and talks, until either side goes.
    async fn serve_parent(&mut self, plan: &Child, reports: &UnboundedSender<Report>) -> Result<(), Interrupt> {
        match self.place(plan.ring_s).await? {
            Rung::Answered(by, then) => self.take_up(by, then),
            Rung::Unreached { status, code } => {
                self.give_up(status, code);
                return Ok(());
            }
        }
        if let Some(whisper) = &plan.whisper
            && self.run(Origin::url(whisper.clone()), Place::Whisper).await? != End::Document
        {
            return Ok(());
        }
        // A parent that has gone sends an end, which is listened for below.
        let _ = reports.send(Report::Ready { leg: self.sid.clone() });
        let joined = self.listen(std::future::pending::<()>(), |signal| match signal {
            Signal::Joined { .. } => Some(()),
            _ => None,
        });
        joined.await?;
        self.partner = Some(plan.parent.clone());
        match self.talk(std::future::pending::<()>(), false).await {
            Err(Interrupt::Parted) => Ok(()),
            Err(interrupt) => Err(interrupt),
            Ok(_) => Ok(()),
        }
    }

    async fn place(&mut self, ring_s: u32) -> Result<Rung, Interrupt> {
        self.sim.advance(&self.sid, CallStatus::Initiated);
        let to = self.sim.world().leg(&self.sid).map(|leg| leg.to.clone()).unwrap_or_default();
        let sid = self.sid.as_str().to_owned();
        let chance = |what: &str| self.sim.0.chance.fraction(&[what, &sid]);
        let setup = within(self.sim.0.times.setup_s, chance("setup"));
        let slack = within(self.sim.0.times.ring_slack_s, chance("slack"));
        self.wait_until(self.now() + setup).await?;
        let voice = self.sim.world().behaviour(&to).voice;
        match &voice {
            Voice::Refused { code } => return Ok(unreached(CallStatus::Failed, Some(*code))),
            Voice::Scripted { ring_s, then } if *ring_s <= 0.0 => match then {
                Then::Fail { code } => return Ok(unreached(CallStatus::Failed, Some(*code))),
                Then::Busy => return Ok(unreached(CallStatus::Busy, None)),
                Then::Answer { .. } | Then::Mailbox { .. } | Then::NoAnswer | Then::Decline => {}
            },
            Voice::Scripted { .. } | Voice::Interactive => {}
        }
        self.sim.advance(&self.sid, CallStatus::Ringing);
        self.ring(&voice, self.now() + seconds(ring_s.into()) + slack).await
    }

    async fn ring(&mut self, voice: &Voice, deadline: Instant) -> Result<Rung, Interrupt> {
        let due = match voice {
            Voice::Scripted { ring_s, then } if *then != Then::NoAnswer => deadline.min(self.now() + seconds(*ring_s)),
            Voice::Scripted { .. } | Voice::Interactive | Voice::Refused { .. } => deadline,
        };
        let clock = self.sim.0.clock.clone();
        let told = self.listen(async move { clock.sleep_until(due).await }, |signal| match signal {
            Signal::Answer => Some(true),
            // Whoever hangs up a ringing phone declines.
            Signal::Decline | Signal::HangUp => Some(false),
            _ => None,
        });
        let told = told.await?;
        Ok(match (told, voice) {
            (Heard::Signal(true), _) => Rung::Answered(AnsweredBy::Person, None),
            (Heard::Signal(false), _) => unreached(CallStatus::Busy, None),
            (Heard::Done(()), Voice::Scripted { then, .. }) if due < deadline => match then {
                Then::Answer { .. } => Rung::Answered(AnsweredBy::Person, Some(then.clone())),
                Then::Mailbox { .. } => Rung::Answered(AnsweredBy::Mailbox, Some(then.clone())),
                Then::Busy | Then::Decline => unreached(CallStatus::Busy, None),
                Then::NoAnswer => unreached(CallStatus::NoAnswer, None),
                Then::Fail { code } => unreached(CallStatus::Failed, Some(*code)),
            },
            (Heard::Done(()), _) => unreached(CallStatus::NoAnswer, None),
        })
    }

    fn take_up(&self, by: AnsweredBy, then: Option<Then>) {
        self.sim.answered(&self.sid, by);
        if let Some(then) = then {
            self.sim.spawn(actor::play(self.sim.clone(), self.sid.clone(), then));
        }
    }

    fn give_up(&self, status: CallStatus, code: Option<u32>) {
        if let Some(code) = code {
            self.note(What::Warning {
                about: self.sid.clone(),
                code,
                text: "the number could not be reached".to_owned(),
            });
            if let Some(held) = self.sim.world().legs.get_mut(&self.sid) {
                held.error = Some(code);
            }
        }
        self.sim.advance(&self.sid, status);
    }

    /// The verdict is a guess at a real carrier; here it is right.
    async fn detect_machine(&mut self, plan: &Outbound, by: AnsweredBy) -> Result<(), Interrupt> {
        if !plan.machine_detection {
            return Ok(());
        }
        let verdict = if by == AnsweredBy::Mailbox { "machine_start" } else { "human" };
        let fraction = self.sim.0.chance.fraction(&["machine", self.sid.as_str()]);
        let length = within(self.sim.0.times.machine_detection_s, fraction);
        if let Some(target) = &plan.machine_callback {
            let mut request = self.request(target.clone(), &[pair("AnsweredBy", verdict)]);
            request.purpose = Purpose::MachineDetection;
            request.pairs.push(pair("MachineDetectionDuration", length.num_milliseconds()));
            self.sim.report(request, length);
            return Ok(());
        }
        self.wait_until(self.now() + length).await?;
        if let Some(held) = self.sim.world().legs.get_mut(&self.sid) {
            held.leg.machine = Some(verdict);
        }
        Ok(())
    }
}

fn unreached(status: CallStatus, code: Option<u32>) -> Rung {
    Rung::Unreached { status, code }
}
