//! Technicians' phones while a caller waits, in virtual time: `escalation::connect` decides, the script says
//! what becomes of each phone.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::script::Answer;
use crate::{
    declare::{Directory, of_call},
    escalation::connect::{End, LegResult, LegView, Plan, Progress, decide},
    ivr::{Accept, Connect},
    model::{
        Instant,
        call::LegState,
        id::{LegId, PersonId},
        language::Language,
    },
};

/// A caller who waits, and whoever is rung for them.
#[derive(Debug)]
pub struct Phones {
    plan: Plan,
    progress: Progress,
    legs: Vec<Leg>,
    ask_again_at: Option<Instant>,
    announce_every: TimeDelta,
    announce_at: Instant,
    language: Language,
    busy: BTreeSet<PersonId>,
    pub accept: Accept,
    /// Who takes the call acknowledges its alert.
    pub acknowledge: bool,
}

#[derive(Debug)]
struct Leg {
    view: LegView,
    /// The script says what becomes of it.
    named: bool,
}

/// What a decision came to.
#[derive(Debug, Default)]
pub struct Decided {
    pub notes: Vec<String>,
    pub nobody_on_call: bool,
    /// Phones that rang in vain, of which the script said nothing.
    pub overlooked: Vec<PersonId>,
}

/// What happens next while somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    Decide,
    Announce,
}

impl Phones {
    pub fn new(
        directory: &Directory,
        connect: &Connect,
        language: Language,
        busy: BTreeSet<PersonId>,
        now: Instant,
    ) -> Self {
        let announce_every = TimeDelta::seconds(connect.announce_every_s.max(5).into());
        Self {
            plan: of_call::connect_plan(directory, connect, now),
            progress: Progress::default(),
            legs: Vec::new(),
            ask_again_at: Some(now),
            announce_every,
            announce_at: now + announce_every,
            language,
            busy,
            accept: connect.accept,
            acknowledge: connect.acknowledge,
        }
    }

    pub fn end(&self) -> Option<End> {
        self.progress.end
    }

    /// The soonest first; a decision before an announcement.
    pub fn next(&self) -> (Instant, Due) {
        match self.ask_again_at {
            Some(at) if at <= self.announce_at => (at, Due::Decide),
            Some(_) | None => (self.announce_at, Due::Announce),
        }
    }

    pub fn announced(&mut self) {
        self.announce_at += self.announce_every;
    }

    pub fn decide(&mut self, directory: &Directory, now: Instant) -> Decided {
        let views: Vec<_> = self.legs.iter().map(|leg| leg.view.clone()).collect();
        let (busy, language) = (&self.busy, Some(&self.language));
        let ask = |target: &_| of_call::candidates(directory, target, busy, language, now);
        let decision = decide(&self.plan, &self.progress, &views, &ask, now);
        let mut decided = Decided { notes: decision.reasons, ..Decided::default() };
        for id in &decision.cancel {
            let Some(leg) = self.legs.iter_mut().find(|leg| leg.view.leg == *id) else { continue };
            if !leg.named {
                decided.overlooked.push(leg.view.person.clone());
            }
            leg.go(LegState::Ended, Some(LegResult::NoAnswer), now);
        }
        for ring in decision.ring {
            decided.notes.push(format!("{}'s phone rings: {}", ring.person, ring.why));
            let leg = LegId::from_ulid(ulid::Ulid::from_parts(0, self.legs.len() as u128));
            let (person, phone) = (ring.person, ring.phone);
            let view = LegView { leg, person, phone, state: LegState::Ringing, result: None, since: now };
            self.legs.push(Leg { view, named: false });
        }
        decided.nobody_on_call = decision.nobody_on_call.is_some();
        self.progress = decision.next;
        self.ask_again_at = decision.ask_again_at;
        decided
    }

    /// Whose phones ring without a word of the script about them.
    pub fn unnamed(&self) -> Vec<PersonId> {
        let rings = |leg: &&Leg| !leg.named && leg.view.state == LegState::Ringing;
        self.legs.iter().filter(rings).map(|leg| leg.view.person.clone()).collect()
    }

    /// The script speaks of this phone now. `false`: it does not ring.
    pub fn name(&mut self, person: &PersonId) -> bool {
        let rings = |leg: &&mut Leg| !leg.named && leg.view.state == LegState::Ringing && leg.view.person == *person;
        match self.legs.iter_mut().find(rings) {
            Some(leg) => {
                leg.named = true;
                true
            }
            None => false,
        }
    }

    pub fn is_live(&self, person: &PersonId) -> bool {
        self.legs.iter().any(|leg| leg.view.person == *person && leg.view.state != LegState::Ended)
    }

    /// Moves a person's phone on. Afterwards it is decided anew.
    pub fn go(&mut self, person: &PersonId, state: LegState, result: Option<LegResult>, now: Instant) {
        let live = |leg: &&mut Leg| leg.view.person == *person && leg.view.state != LegState::Ended;
        if let Some(leg) = self.legs.iter_mut().find(live) {
            leg.go(state, result, now);
        }
        self.ask_again_at = Some(now);
    }
}

impl Leg {
    fn go(&mut self, state: LegState, result: Option<LegResult>, now: Instant) {
        (self.view.state, self.view.result, self.view.since) = (state, result, now);
    }
}

impl Answer {
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Yes => "answers",
            Self::No => "does not answer",
            Self::Ends(LegResult::Busy) => "is busy",
            Self::Ends(LegResult::BadNumber) => "has a number that cannot be called",
            Self::Ends(
                LegResult::NoAnswer
                | LegResult::Failed
                | LegResult::Declined
                | LegResult::HungUp
                | LegResult::Taken
                | LegResult::HandedOver,
            ) => "cannot be called right now",
        }
    }
}
