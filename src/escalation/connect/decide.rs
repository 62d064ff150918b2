//! The driver of a waiting caller's connect.
//!
//! - People of a level are rung one after the other, or all at once; each number at most once.
//! - A level is left when nobody in it can be rung and nobody keeps it waiting. Whoever is in
//!   another hotline call is rung when free, whatever level has been reached by then.
//! - A phone keeps the next one waiting while it rings, then is ended; once answered (a mailbox, or
//!   somebody thinking) it keeps the next one waiting for as long again, and may go on beside it until
//!   there was time to hear twice who calls and to answer. A wrong key begins that anew (`LegView::since`).
//! - When somebody accepts, only legs that still ring are ended; who has answered hears that it is
//!   taken. When that line breaks before the bridge, the rest is rung.

use chrono::TimeDelta;

use super::{Candidate, End, GaveUp, LegResult, LegView, Plan, Progress, Target};
use crate::model::{
    Instant,
    call::LegState,
    duration,
    id::{LegId, PersonId},
    phone::Phone,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Numbers to ring now.
    pub ring: Vec<Ring>,
    /// Legs to end now. An answered one among them is told why before it is ended.
    pub cancel: Vec<LegId>,
    /// The level of the policy that was reached, from 0.
    pub level: u32,
    pub gave_up: Option<GaveUp>,
    /// When to ask again if nothing happens before; `None`: connected or given up.
    pub ask_again_at: Option<Instant>,
    /// Whole sentences for the timeline.
    pub reasons: Vec<String>,
    /// To be stored together with the legs.
    pub next: Progress,
    /// What the MSP has to hear about its own rota.
    pub nobody_on_call: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    pub person: PersonId,
    pub phone: Phone,
    pub level: u32,
    pub why: String,
}

/// How long an answered leg may be thought about, however short phones ring: the announcement twice (twenty
/// seconds, with long names), a pause, and eight seconds for a key.
const LISTENING: TimeDelta = TimeDelta::seconds(60);
/// Between the accepting key and the bridge lie one document and one queue.
const BRIDGE_WITHIN: TimeDelta = TimeDelta::seconds(30);
/// How soon to look whether a busy technician is free, should nothing say so before.
const BUSY_AGAIN: TimeDelta = TimeDelta::seconds(5);

pub fn decide(
    plan: &Plan,
    progress: &Progress,
    legs: &[LegView],
    ask: &dyn Fn(&Target) -> Vec<Candidate>,
    now: Instant,
) -> Decision {
    let mut driver = Driver {
        plan,
        legs,
        ask,
        now,
        next: progress.clone(),
        people: Vec::new(),
        ring: Vec::new(),
        cancel: Vec::new(),
        reasons: Vec::new(),
        nobody: Vec::new(),
    };
    let since_when_in = |state| legs.iter().filter(|leg| leg.state == state).map(|leg| leg.since).max();
    match progress.end {
        Some(End::GaveUp(reason)) => return driver.give_up(reason),
        Some(End::Connected) => return driver.connected(),
        None => {}
    }
    if since_when_in(LegState::Bridged).is_some() {
        return driver.connected();
    }
    if let Some(since) = since_when_in(LegState::Accepted) {
        return driver.accepted(since);
    }
    if now >= driver.wait_end() {
        return driver.give_up(GaveUp::WaitOver);
    }
    driver.end_overdue();
    driver.drive()
}

struct Driver<'a> {
    plan: &'a Plan,
    legs: &'a [LegView],
    ask: &'a dyn Fn(&Target) -> Vec<Candidate>,
    now: Instant,
    next: Progress,
    /// With their levels: everyone of the levels reached so far.
    people: Vec<(u32, Candidate)>,
    ring: Vec<Ring>,
    cancel: Vec<LegId>,
    reasons: Vec<String>,
    nobody: Vec<String>,
}

impl Driver<'_> {
    fn drive(mut self) -> Decision {
        for (level, targets) in (0u32..).zip(&self.plan.levels) {
            let found: Vec<Candidate> = targets.iter().flat_map(|target| (self.ask)(target)).collect();
            if self.next.level.is_none_or(|reached| reached < level) {
                self.next.level = Some(level);
                self.announce(level, targets, &found);
            }
            self.gather(level, found);
            // Levels below the one that was reached only add their people.
            if self.next.level == Some(level) {
                self.ring_whoever_is_free();
                if !self.ring.is_empty() || self.legs.iter().any(|leg| self.keeps_waiting(leg)) {
                    return self.wait();
                }
            }
        }
        if self.legs.iter().any(|leg| self.is_live(leg)) || self.somebody_is_busy() {
            return self.wait();
        }
        let reason = self.why_exhausted();
        self.give_up(reason)
    }

    /// Ends what has rung or listened too long. The next is rung without waiting for it to be gone.
    fn end_overdue(&mut self) {
        let overdue = |leg: &&LegView| match leg.state {
            LegState::Queued | LegState::Ringing => self.now >= leg.since + self.plan.ring,
            LegState::Answered => self.now >= self.thought_about_until(leg),
            LegState::Accepted | LegState::Bridged | LegState::Ended => false,
        };
        let overdue: Vec<LegView> = self.legs.iter().filter(overdue).cloned().collect();
        for leg in overdue {
            if !self.cancel(&leg.leg) {
                continue;
            }
            let waited = duration::write(self.now - leg.since);
            let person = &leg.person;
            self.reasons.push(match leg.state {
                LegState::Queued => format!("The call to {person} could not be placed within {waited} and is ended."),
                LegState::Ringing => format!("{person} did not answer within {waited} and is rung no longer."),
                LegState::Answered | LegState::Accepted | LegState::Bridged | LegState::Ended => {
                    format!("The phone of {person} was answered, but nobody accepted within {waited}.")
                }
            });
        }
    }

    fn thought_about_until(&self, leg: &LegView) -> Instant {
        leg.since + self.plan.ring.max(LISTENING)
    }

    /// Says once what is to be said of a level as it begins.
    fn announce(&mut self, level: u32, targets: &[Target], found: &[Candidate]) {
        if level > 0 {
            let number = self.number(level);
            self.reasons.push(format!("Level {number} is rung: level {} has nobody left to ring.", number - 1));
        }
        let asked = targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let number = self.number(level);
        let place = format!("level {number} while a caller waits ({asked})");
        if found.is_empty() {
            self.nobody.push(format!("nobody is on call for {place}"));
            self.reasons.push(format!("Nobody is on call for level {number} ({asked}): it is left at once."));
        } else if found.iter().all(|candidate| candidate.phone.is_none()) {
            self.nobody.push(format!("nobody has a number for voice on {place}"));
        }
        for candidate in found {
            if candidate.phone.is_none() {
                self.reasons.push(format!("{} has no number for voice and is passed over.", candidate.person));
            } else if candidate.busy_elsewhere {
                self.reasons.push(format!("{} is in another call and is rung when free.", candidate.person));
            }
        }
    }

    /// As people count the policy's levels.
    fn number(&self, level: u32) -> u32 {
        self.plan.first_level + level + 1
    }

    fn gather(&mut self, level: u32, mut found: Vec<Candidate>) {
        if self.plan.prefer_language {
            found.sort_by_key(|candidate| !candidate.speaks_language);
        }
        self.people.extend(found.into_iter().map(|candidate| (level, candidate)));
    }

    fn ring_whoever_is_free(&mut self) {
        for (level, candidate) in &self.people {
            let in_turn =
                self.plan.at_once || (self.ring.is_empty() && !self.legs.iter().any(|leg| self.keeps_waiting(leg)));
            if !in_turn {
                return;
            }
            let Some(phone) = self.untried(candidate).filter(|_| !candidate.busy_elsewhere) else { continue };
            // A person whose number was changed meanwhile is still ringing at the old one.
            if self.legs.iter().any(|leg| leg.person == candidate.person && leg.state != LegState::Ended) {
                continue;
            }
            self.ring.push(Ring {
                person: candidate.person.clone(),
                phone: phone.clone(),
                level: self.plan.first_level + *level,
                why: candidate.why.clone(),
            });
            self.next.tried.insert(phone.clone());
        }
    }

    fn untried<'c>(&self, candidate: &'c Candidate) -> Option<&'c Phone> {
        candidate.phone.as_ref().filter(|phone| !self.next.tried.contains(*phone))
    }

    fn somebody_is_busy(&self) -> bool {
        self.people.iter().any(|(_, candidate)| candidate.busy_elsewhere && self.untried(candidate).is_some())
    }

    /// Not ended, and not about to be.
    fn is_live(&self, leg: &LegView) -> bool {
        leg.state != LegState::Ended && !self.next.cancelled.contains(&leg.leg)
    }

    fn keeps_waiting(&self, leg: &LegView) -> bool {
        self.is_live(leg) && self.now < leg.since + self.plan.ring
    }

    fn wait_end(&self) -> Instant {
        self.plan.started_at + self.plan.max_wait
    }

    fn wait(self) -> Decision {
        let of_legs = self
            .legs
            .iter()
            .filter(|leg| self.is_live(leg))
            .flat_map(|leg| [leg.since + self.plan.ring, self.thought_about_until(leg)]);
        let of_rings = self.ring.iter().map(|_| self.now + self.plan.ring);
        let of_busy = self.somebody_is_busy().then(|| self.now + BUSY_AGAIN);
        let soonest = of_legs.chain(of_rings).chain(of_busy).filter(|at| *at > self.now).min();
        let again = soonest.into_iter().chain([self.wait_end()]).min();
        self.decision(None, again)
    }

    fn accepted(mut self, since: Instant) -> Decision {
        self.cancel_ringing();
        let bridged_by = since + BRIDGE_WITHIN;
        let again = if bridged_by > self.now { bridged_by } else { self.now + BRIDGE_WITHIN };
        self.decision(None, Some(again))
    }

    fn connected(mut self) -> Decision {
        self.cancel_ringing();
        self.next.end = Some(End::Connected);
        self.decision(None, None)
    }

    fn give_up(mut self, reason: GaveUp) -> Decision {
        for leg in self.legs.iter().filter(|leg| leg.state != LegState::Ended) {
            self.cancel(&leg.leg);
        }
        if self.next.end.is_none() {
            self.next.end = Some(End::GaveUp(reason));
            self.reasons.push(format!("The connect is given up: {reason}."));
        }
        self.decision(Some(reason), None)
    }

    fn why_exhausted(&mut self) -> GaveUp {
        let reason = if !self.next.tried.is_empty() {
            let bad = |leg: &LegView| match leg.result {
                Some(LegResult::BadNumber | LegResult::Failed) => true,
                Some(
                    LegResult::NoAnswer
                    | LegResult::Busy
                    | LegResult::Declined
                    | LegResult::HungUp
                    | LegResult::Taken
                    | LegResult::HandedOver,
                )
                | None => false,
            };
            if self.legs.iter().all(bad) { GaveUp::NobodyReachable } else { GaveUp::NobodyAnswered }
        } else if self.people.is_empty() {
            GaveUp::NobodyOnCall
        } else {
            GaveUp::NobodyReachable
        };
        match reason {
            GaveUp::NobodyOnCall | GaveUp::NobodyReachable if self.nobody.is_empty() => {
                self.nobody.push(format!("{reason} while a caller waits"));
            }
            GaveUp::NobodyOnCall | GaveUp::NobodyReachable | GaveUp::NobodyAnswered | GaveUp::WaitOver => {}
        }
        reason
    }

    fn cancel_ringing(&mut self) {
        for leg in self.legs {
            match leg.state {
                LegState::Queued | LegState::Ringing => {
                    self.cancel(&leg.leg);
                }
                LegState::Answered | LegState::Accepted | LegState::Bridged | LegState::Ended => {}
            }
        }
    }

    /// `false`: ordered before.
    fn cancel(&mut self, leg: &LegId) -> bool {
        let new = self.next.cancelled.insert(leg.clone());
        if new {
            self.cancel.push(leg.clone());
        }
        new
    }

    fn decision(self, gave_up: Option<GaveUp>, ask_again_at: Option<Instant>) -> Decision {
        Decision {
            ring: self.ring,
            cancel: self.cancel,
            level: self.plan.first_level + self.next.level.unwrap_or(0),
            gave_up,
            ask_again_at,
            reasons: self.reasons,
            next: self.next,
            nobody_on_call: (!self.nobody.is_empty()).then(|| self.nobody.join("; ")),
        }
    }
}
