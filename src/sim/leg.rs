//! The life of a leg: made, moved from status to status, ended; and what the service is told of it.
//!
//! A final status never changes. Every status that the service subscribed to becomes a callback.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{
    Sid, Sim,
    call::Line,
    event::{AnsweredBy, Direction, Purpose, What},
    signal::line_to_a_leg,
    webhook::Request,
    world::{Held, Leg, Subscription, Target},
};
use crate::carrier::{status::CallStatus, twiml::CallEvent};

pub(super) struct NewLeg {
    pub account: String,
    pub from: String,
    pub to: String,
    pub direction: Direction,
    pub parent: Option<Sid>,
    pub status: CallStatus,
    pub subscription: Option<Subscription>,
    pub fallback: Option<Target>,
    /// `StirVerstat`: what the network says of the caller's number. Mostly nothing.
    pub verstat: Option<String>,
}

impl Sim {
    pub(super) fn open_leg(&self, new: NewLeg) -> Line {
        let sid = self.0.chance.sid("CA", &format!("{} {}", new.from, new.to));
        let (teller, ear) = line_to_a_leg(self.0.under_way.clone());
        let now = self.0.clock.now();
        let leg = Leg {
            sid: sid.clone(),
            account: new.account,
            from: new.from,
            to: new.to,
            direction: new.direction,
            parent: new.parent,
            status: new.status.clone(),
            created_at: now,
            answered_at: None,
            ended_at: None,
            queue_ms: 0,
            machine: None,
        };
        let started = What::CallStarted {
            leg: sid.clone(),
            from: leg.from.clone(),
            to: leg.to.clone(),
            direction: leg.direction,
            parent: leg.parent.clone(),
        };
        let since = self.0.journal.last();
        let mut world = self.world();
        let held = Held {
            leg,
            number: world.legs.len(),
            since,
            teller,
            subscription: new.subscription,
            fallback: new.fallback,
            verstat: new.verstat,
            sequence: 0,
            error: None,
            past: vec![(now, new.status)],
            cookies: BTreeMap::new(),
            hidden: false,
        };
        world.legs.insert(sid.clone(), held);
        drop(world);
        self.note(started);
        Line::new(self.clone(), sid, ear)
    }

    /// Moves a leg on, tells it and calls back. Nothing happens to a leg that has ended.
    pub(super) fn advance(&self, sid: &Sid, status: CallStatus) {
        let now = self.0.clock.now();
        let mut world = self.world();
        let Some(held) = world.legs.get_mut(sid).filter(|held| !held.leg.status.is_final()) else { return };
        if !held.leg.status.goes_to(&status) {
            return;
        }
        held.leg.status = status.clone();
        held.past.push((now, status.clone()));
        if status == CallStatus::InProgress {
            held.leg.answered_at = Some(now);
        }
        if status.is_final() {
            held.leg.ended_at = Some(now);
        }
        let duration_s = held.leg.duration_s();
        let report = held.callback(&status, now);
        drop(world);
        if status == CallStatus::Ringing {
            self.note(What::Ringing { leg: sid.clone() });
        }
        if status.is_final() {
            self.note(What::Ended { leg: sid.clone(), status: status.as_str().to_owned(), duration_s });
        }
        if let Some(request) = report {
            self.report(request, TimeDelta::zero());
        }
        if status.is_final() {
            // Nothing more is told about this leg.
            self.0.couriers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(sid);
        }
    }

    pub(super) fn answered(&self, sid: &Sid, by: AnsweredBy) {
        let is_first = self.world().leg(sid).is_some_and(|leg| leg.answered_at.is_none());
        if is_first {
            self.note(What::Answered { leg: sid.clone(), by });
            self.advance(sid, CallStatus::InProgress);
        }
    }

    /// The parameters of every request about that leg (`reference: what Twilio sends`).
    pub(super) fn parameters(&self, sid: &Sid) -> Vec<(String, String)> {
        self.world().legs.get(sid).map(Held::parameters).unwrap_or_default()
    }
}

impl Held {
    fn parameters(&self) -> Vec<(String, String)> {
        let leg = &self.leg;
        let country = |number: &str| if number.starts_with("+49") { "DE" } else { "" };
        let mut pairs = vec![
            ("CallSid", leg.sid.as_str()),
            ("AccountSid", &leg.account),
            ("From", &leg.from),
            ("To", &leg.to),
            ("Caller", &leg.from),
            ("Called", &leg.to),
            ("CallStatus", leg.status.as_str()),
            ("Direction", leg.direction.as_str()),
            ("ApiVersion", "2010-04-01"),
            ("FromCity", ""),
            ("FromState", ""),
            ("FromZip", ""),
            ("FromCountry", country(&leg.from)),
            ("ToCity", ""),
            ("ToState", ""),
            ("ToZip", ""),
            ("ToCountry", country(&leg.to)),
        ];
        if let Some(parent) = &leg.parent {
            pairs.push(("ParentCallSid", parent.as_str()));
        }
        if let Some(machine) = leg.machine {
            pairs.push(("AnsweredBy", machine));
        }
        if let Some(verstat) = &self.verstat {
            pairs.push(("StirVerstat", verstat));
        }
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The callback for a status, when somebody subscribed to it.
    fn callback(&mut self, status: &CallStatus, now: crate::model::Instant) -> Option<Request> {
        let event = match status {
            CallStatus::Initiated => CallEvent::Initiated,
            CallStatus::Ringing => CallEvent::Ringing,
            CallStatus::InProgress => CallEvent::Answered,
            status if status.is_final() => CallEvent::Completed,
            _ => return None,
        };
        let subscription = self.subscription.clone().filter(|subscription| subscription.events.contains(&event))?;
        let mut pairs = self.parameters();
        pairs.push(("CallbackSource".to_owned(), "call-progress-events".to_owned()));
        pairs.push(("SequenceNumber".to_owned(), self.sequence.to_string()));
        pairs.push(("Timestamp".to_owned(), now.to_rfc2822()));
        self.sequence += 1;
        if event == CallEvent::Completed {
            let seconds = self.leg.duration_s();
            pairs.push(("CallDuration".to_owned(), seconds.to_string()));
            pairs.push(("Duration".to_owned(), seconds.div_ceil(60).to_string()));
            pairs.push(("SipResponseCode".to_owned(), sip_code(status).to_owned()));
            if let Some(code) = self.error {
                pairs.push(("ErrorCode".to_owned(), code.to_string()));
            }
        }
        Some(Request {
            about: self.leg.sid.clone(),
            purpose: Purpose::CallStatus,
            target: subscription.target,
            pairs,
            account: self.leg.account.clone(),
            between: (self.leg.from.clone(), self.leg.to.clone()),
            cookies: self.cookies.clone(),
        })
    }
}

fn sip_code(status: &CallStatus) -> &'static str {
    match status {
        CallStatus::Busy => "486",
        CallStatus::NoAnswer | CallStatus::Canceled => "487",
        CallStatus::Failed => "404",
        _ => "200",
    }
}
