//! Dial: other phones ring, one is bridged. `DialBridged` says whether anybody talked.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::{Heard, Interrupt, Line, document::Document, pair, ring::Child, run::Flow};
use crate::{
    carrier::{
        status::CallStatus,
        twiml::{CallEvent, Dial, DialParty, DialRecord, DialTarget, Number},
    },
    model::{Instant, phone::Phone},
    sim::{
        Sid,
        event::{Direction, What},
        leg::NewLeg,
        recording::Made,
        signal::Signal,
        world::{Subscription, Target},
    },
};

/// Twilio's default: seconds of ringing.
const RING_S: u32 = 30;
/// "Dial: Invalid callerId".
const CALLER_ID: u32 = 13214;
const NOT_PLAYED: u32 = 12200;

/// What a called leg tells the leg that dialled it.
#[derive(Debug)]
pub(super) enum Report {
    /// Answered, and its whisper document has come to its end.
    Ready {
        leg: Sid,
    },
    Ended {
        leg: Sid,
        status: CallStatus,
    },
}

/// How a Dial ended.
pub(super) struct Dialled {
    pub status: CallStatus,
    pub leg: Option<Sid>,
    pub bridged_at: Option<Instant>,
}

impl Dialled {
    pub fn nobody(status: CallStatus) -> Self {
        Self { status, leg: None, bridged_at: None }
    }

    fn pairs(&self, now: Instant) -> Vec<(String, String)> {
        let talked = self.bridged_at.map_or(0, |since| (now - since).num_seconds());
        let mut pairs = vec![
            pair("DialCallStatus", self.status.as_str()),
            pair("DialBridged", self.bridged_at.is_some()),
            pair("DialCallDuration", talked),
        ];
        pairs.extend(self.leg.as_ref().map(|leg| pair("DialCallSid", leg)));
        pairs
    }
}

impl Line {
    pub(super) async fn dial(&mut self, dial: &Dial, document: &Document) -> Result<Flow, Interrupt> {
        if dial.answer_on_bridge != Some(true) {
            self.pick_up();
        }
        let mut dialled = Dialled::nobody(CallStatus::Failed);
        let outcome = match &dial.to {
            DialTarget::Plain(number) => {
                let parties = [DialParty::Number(Number::new(number))];
                self.dial_parties(dial, &parties, document, &mut dialled).await
            }
            DialTarget::Parties(parties) => self.dial_parties(dial, parties, document, &mut dialled).await,
            DialTarget::Queue(queue) => self.dial_queue(dial, queue, document, &mut dialled).await,
            DialTarget::Conference(conference) => self.confer(dial, conference).await,
        };
        self.partner = None;
        let gone = matches!(outcome, Err(Interrupt::HungUp | Interrupt::Ended));
        if gone {
            self.end();
        }
        let mut extra = match &dial.to {
            DialTarget::Conference(_) => Dialled::of_conference(),
            DialTarget::Plain(_) | DialTarget::Parties(_) | DialTarget::Queue(_) => dialled.pairs(self.now()),
        };
        extra.extend(self.keep_conversation(dial, &dialled, document));
        let action = dial.action.as_ref().map(|action| document.target(action, dial.method));
        if let Err(interrupt) = outcome {
            if gone {
                self.farewell(action.flatten(), &extra);
            }
            return Err(interrupt);
        }
        Ok(match action {
            Some(target) => self.goto(target, extra),
            None => Flow::Next,
        })
    }

    /// Groups that ring at the same time, one group after the other, until somebody was bridged.
    async fn dial_parties(
        &mut self,
        dial: &Dial,
        parties: &[DialParty],
        document: &Document,
        dialled: &mut Dialled,
    ) -> Result<(), Interrupt> {
        let together = if dial.sequential == Some(true) { 1 } else { parties.len().max(1) };
        for group in parties.chunks(together) {
            let (sender, mut reports) = mpsc::unbounded_channel();
            let mut live = BTreeSet::new();
            for party in group {
                let Some((line, plan)) = self.called(dial, party, document) else { continue };
                live.insert(line.sid().clone());
                self.sim.spawn(line.child(plan, sender.clone()));
            }
            drop(sender);
            let outcome = self.follow_children(dial, &mut reports, &mut live, dialled).await;
            let world = self.sim.world();
            for leg in &live {
                world.signal(leg, Signal::End);
            }
            drop(world);
            outcome?;
            if dialled.bridged_at.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Until the last child has ended, or the conversation is over.
    async fn follow_children(
        &mut self,
        dial: &Dial,
        reports: &mut UnboundedReceiver<Report>,
        live: &mut BTreeSet<Sid>,
        dialled: &mut Dialled,
    ) -> Result<(), Interrupt> {
        loop {
            match self.during(reports.recv()).await? {
                None => return Ok(()),
                Some(Report::Ended { leg, status }) => {
                    live.remove(&leg);
                    if rank(&status) >= rank(&dialled.status) {
                        (dialled.status, dialled.leg) = (status, Some(leg));
                    }
                }
                Some(Report::Ready { leg }) => {
                    for loser in live.iter().filter(|other| **other != leg) {
                        self.sim.world().signal(loser, Signal::End);
                    }
                    (dialled.status, dialled.leg) = (CallStatus::Completed, Some(leg.clone()));
                    dialled.bridged_at = Some(self.now());
                    self.bridge(&leg);
                    let over = self.converse(dial, reports, live, &leg).await;
                    self.note(What::Parted { a: self.sid.clone(), b: leg.clone() });
                    return over;
                }
            }
        }
    }

    fn bridge(&mut self, partner: &Sid) {
        self.pick_up();
        self.partner = Some(partner.clone());
        self.note(What::Bridged { a: self.sid.clone(), b: partner.clone() });
        self.sim.world().signal(partner, Signal::Joined { partner: self.sid.clone() });
    }

    async fn converse(
        &mut self,
        dial: &Dial,
        reports: &mut UnboundedReceiver<Report>,
        live: &mut BTreeSet<Sid>,
        partner: &Sid,
    ) -> Result<(), Interrupt> {
        let limit = self.limit(dial);
        let clock = self.sim.0.clock.clone();
        let gone = async {
            while let Some(report) = reports.recv().await {
                if let Report::Ended { leg, .. } = report {
                    live.remove(&leg);
                    if leg == *partner {
                        return;
                    }
                }
            }
        };
        let until = async {
            tokio::select! {
                () = gone => {}
                () = clock.sleep_until(limit) => {}
            }
        };
        match self.talk(until, dial.hangup_on_star == Some(true)).await? {
            Heard::Signal(()) | Heard::Done(()) => Ok(()),
        }
    }

    /// When the conversation is cut.
    pub(super) fn limit(&self, dial: &Dial) -> Instant {
        self.now() + TimeDelta::seconds(dial.time_limit_s.unwrap_or(14_400).into())
    }

    /// The leg for one party, not yet dialled.
    fn called(&self, dial: &Dial, party: &DialParty, document: &Document) -> Option<(Line, Child)> {
        let DialParty::Number(number) = party else {
            self.sim.warn(&self.sid, NOT_PLAYED, "the simulator dials numbers only");
            return None;
        };
        let caller_id = self.caller_id(dial);
        let target = |url: &Option<String>, method| url.as_ref().and_then(|url| document.target(url, method));
        let subscription = target(&number.status_callback, number.status_callback_method).map(|target| Subscription {
            target,
            events: number.status_callback_events.clone().unwrap_or_else(|| vec![CallEvent::Completed]),
        });
        let account = self.sim.world().leg(&self.sid).map(|leg| leg.account.clone()).unwrap_or_default();
        let line = self.sim.open_leg(NewLeg {
            account,
            from: caller_id.clone().unwrap_or_default(),
            to: number.number.clone(),
            direction: Direction::OutboundDial,
            parent: Some(self.sid.clone()),
            status: CallStatus::Queued,
            subscription,
            fallback: None,
            verstat: None,
        });
        let plan = Child {
            parent: self.sid.clone(),
            ring_s: dial.timeout_s.unwrap_or(RING_S),
            whisper: target(&number.url, number.method),
            refused: match (&caller_id, number.number.parse::<Phone>()) {
                (None, _) => Some(CALLER_ID),
                (Some(_), Err(_)) => Some(13223),
                (Some(_), Ok(_)) => None,
            },
        };
        Some((line, plan))
    }

    /// Whose number the called party sees: the caller's or called one of this leg, or a bought one.
    /// A withheld number cannot be shown.
    fn caller_id(&self, dial: &Dial) -> Option<String> {
        let world = self.sim.world();
        let leg = world.leg(&self.sid)?;
        let wanted = dial.caller_id.clone().unwrap_or_else(|| leg.from.clone());
        let is_ours = wanted == leg.to || wanted == leg.from || world.hooks(&wanted).is_some();
        (Phone::from_caller(&wanted).is_some() && is_ours).then_some(wanted)
    }

    fn keep_conversation(&self, dial: &Dial, dialled: &Dialled, document: &Document) -> Vec<(String, String)> {
        let recorded = !matches!(dial.record, None | Some(DialRecord::DoNotRecord));
        let (true, Some(since)) = (recorded, dialled.bridged_at) else { return Vec::new() };
        let sid = self.sim.keep_recording(Made {
            leg: self.sid.clone(),
            source: "DialVerb",
            length: self.now() - since,
            text: String::new(),
            status: dial
                .recording_status_callback
                .as_ref()
                .and_then(|url| document.target(url, dial.recording_status_callback_method)),
            events: dial.recording_status_callback_events.clone(),
            transcribe: false,
            transcription: None::<Target>,
        });
        vec![pair("RecordingUrl", self.sim.recording_url(&sid))]
    }
}

/// The best outcome of the children counts.
fn rank(status: &CallStatus) -> u8 {
    match status {
        CallStatus::Completed => 4,
        CallStatus::Busy => 3,
        CallStatus::NoAnswer => 2,
        CallStatus::Canceled => 1,
        _ => 0,
    }
}
