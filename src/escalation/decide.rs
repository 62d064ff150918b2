//! Moves one alert through its policy.
//!
//! Only a human ends an escalation: after the last round the fallback is told, and told again at
//! doubling intervals up to an hour, for ever; without a fallback the levels are told once more at
//! such intervals. A level with nobody on call is left at once. Whoever asks before the time is
//! due hears that nobody is to be told, and when to ask again; whoever asks late goes on with the
//! next level from then on, so that no level is skipped because the process was down.

use chrono::TimeDelta;

use super::{Level, Policy, Progress, Stage, Target};
use crate::{
    model::{
        Instant, duration,
        id::{PersonId, ScheduleId},
    },
    oncall::OnCall,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whom to tell now, each person once. Empty: nobody before `ask_again_at`.
    pub tell: Vec<Tell>,
    /// The level that was told last, from 0; one more than the last level: the fallback.
    pub level: Option<u32>,
    pub round: u32,
    /// To be stored together with the effects of this decision.
    pub next: Progress,
    /// Always later than the `now` of this decision.
    pub ask_again_at: Instant,
    /// Whole sentences for the timeline; empty when nothing happened.
    pub reasons: Vec<String>,
    /// What the MSP has to hear about its own rota, once per cause.
    pub nobody_on_call: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tell {
    pub person: PersonId,
    /// Part of a sentence: `on call by layer 1 of schedule primary`.
    pub why: String,
}

impl Decision {
    /// Nobody of those told learns of it before so much time has passed: only then does theirs begin.
    pub fn put_off(&mut self, by: TimeDelta) {
        match &mut self.next.stage {
            Stage::New => {}
            Stage::Level { since, .. } | Stage::Fallback { since, .. } | Stage::Rest { since, .. } => *since += by,
        }
        // While levels are empty, the schedules say when that may change.
        if !matches!(self.next.stage, Stage::Fallback { resume: Some(_), .. }) {
            self.ask_again_at += by;
        }
    }
}

/// How soon to look again when there is nobody at all to tell.
const NOBODY_AGAIN: TimeDelta = TimeDelta::minutes(1);
const PAUSE_MIN: TimeDelta = TimeDelta::minutes(1);
const PAUSE_MAX: TimeDelta = TimeDelta::hours(1);

pub fn decide(policy: &Policy, progress: &Progress, ask: &dyn Fn(&ScheduleId) -> OnCall, now: Instant) -> Decision {
    let mut decision = undisturbed(policy, progress, ask, now);
    if progress.stranded && decision.next.stranded {
        // Said once, not every minute.
        decision.reasons.clear();
        decision.nobody_on_call = None;
    }
    decision
}

fn undisturbed(policy: &Policy, progress: &Progress, ask: &dyn Fn(&ScheduleId) -> OnCall, now: Instant) -> Decision {
    let mut escalation = Escalation { policy, ask, now, reasons: Vec::new(), nobody: Vec::new(), empty_until: None };
    if let Some((round, passed, floor)) = moved_by_call(policy, progress) {
        return escalation.follow_call(progress, round, passed, floor);
    }
    let due = due(policy, progress.stage).filter(|due| now < *due && !progress.escalate_now);
    match (due, progress.stage) {
        (Some(due), Stage::Fallback { resume: Some(round), .. }) => escalation.resume_early(progress.stage, round, due),
        (Some(due), Stage::New | Stage::Level { .. } | Stage::Fallback { .. } | Stage::Rest { .. }) => {
            escalation.nothing(progress.stage, due)
        }
        (None, stage) => {
            let cause = cause(policy, progress);
            escalation.advance(stage, &cause)
        }
    }
}

/// When the stage has had its time; `None`: it needs none.
fn due(policy: &Policy, stage: Stage) -> Option<Instant> {
    match stage {
        Stage::New => None,
        Stage::Level { level, since, .. } => Some(since + ack_within(policy, level)),
        Stage::Fallback { told, since, .. } => Some(since + pause(policy, told)),
        Stage::Rest { round, since } => Some(since + pause(policy, round.saturating_sub(policy.repeat) + 1)),
    }
}

fn ack_within(policy: &Policy, level: u32) -> TimeDelta {
    let level: Option<&Level> = usize::try_from(level).ok().and_then(|level| policy.levels.get(level));
    // A time of nothing would make the timer run in circles.
    level.map_or(PAUSE_MIN, |level| level.ack_within.max(TimeDelta::seconds(1)))
}

/// The first pause is the time that the last level had, each further one twice as long.
fn pause(policy: &Policy, times: u32) -> TimeDelta {
    let first = policy.levels.last().map_or(PAUSE_MIN, |level| level.ack_within).clamp(PAUSE_MIN, PAUSE_MAX);
    let doublings = times.saturating_sub(1).min(6);
    (first * (1 << doublings)).min(PAUSE_MAX)
}

/// The round, and the levels (from, to) that a hotline call has reached before the timer did.
fn moved_by_call(policy: &Policy, progress: &Progress) -> Option<(u32, u32, u32)> {
    let last = count(policy).checked_sub(1)?;
    let floor = progress.floor?.min(last);
    match progress.stage {
        Stage::New => Some((0, 0, floor)),
        Stage::Level { round, level, .. } if level < floor => Some((round, level + 1, floor)),
        Stage::Level { .. } | Stage::Fallback { .. } | Stage::Rest { .. } => None,
    }
}

fn count(policy: &Policy) -> u32 {
    u32::try_from(policy.levels.len()).unwrap_or(u32::MAX)
}

/// Why the stage ends, to follow a colon.
fn cause(policy: &Policy, progress: &Progress) -> String {
    if progress.escalate_now {
        return "the next level was called for".to_owned();
    }
    match progress.stage {
        Stage::New => "the alert was raised".to_owned(),
        Stage::Level { level, .. } => {
            let within = duration::write(ack_within(policy, level));
            format!("level {} did not acknowledge within {within}", level + 1)
        }
        Stage::Fallback { .. } | Stage::Rest { .. } => "nobody has acknowledged yet".to_owned(),
    }
}

struct Escalation<'a> {
    policy: &'a Policy,
    ask: &'a dyn Fn(&ScheduleId) -> OnCall,
    now: Instant,
    reasons: Vec<String>,
    nobody: Vec<String>,
    /// The soonest instant at which a schedule that has nobody may have somebody.
    empty_until: Option<Instant>,
}

impl Escalation<'_> {
    fn advance(&mut self, stage: Stage, cause: &str) -> Decision {
        let repeat = self.policy.repeat;
        match stage {
            Stage::New => self.levels_from(stage, 0, 0, cause),
            Stage::Level { round, level, .. } => self.levels_from(stage, round, level.saturating_add(1), cause),
            Stage::Rest { round, .. } => self.levels_from(stage, round.saturating_add(1), 0, cause),
            Stage::Fallback { resume: Some(round), .. } => self.levels_from(stage, round, 0, cause),
            Stage::Fallback { resume: None, .. } => match self.fallback() {
                people if people.is_empty() => self.levels_from(stage, repeat.saturating_add(1), 0, cause),
                people => self.tell_fallback(people, stage, None, cause),
            },
        }
    }

    /// Tells the first level from here on that has somebody. Each level is looked at once: when all
    /// of them are empty, further rounds at this same instant would be, too.
    fn levels_from(&mut self, stage: Stage, mut round: u32, mut level: u32, cause: &str) -> Decision {
        for _ in 0..count(self.policy) {
            if level >= count(self.policy) {
                if round >= self.policy.repeat {
                    return self.after_all_rounds(stage, round, cause);
                }
                (round, level) = (round + 1, 0);
            }
            let people = self.level(level);
            if !people.is_empty() {
                let rounds = self.policy.repeat.saturating_add(1).max(round.saturating_add(1));
                self.reasons.push(format!(
                    "Level {} of policy {} is told (round {} of {rounds}): {cause}.",
                    level + 1,
                    self.policy.id,
                    round + 1,
                ));
                let next = Stage::Level { round, level, since: self.now };
                return self.decision(people, next, self.now + ack_within(self.policy, level));
            }
            level += 1;
        }
        match self.fallback() {
            people if people.is_empty() => self.nobody_at_all(stage),
            people => self.tell_fallback(people, stage, Some(round), cause),
        }
    }

    fn after_all_rounds(&mut self, stage: Stage, round: u32, cause: &str) -> Decision {
        let people = self.fallback();
        if !people.is_empty() {
            return self.tell_fallback(people, stage, None, cause);
        }
        let pause = pause(self.policy, round.saturating_sub(self.policy.repeat) + 1);
        self.reasons.push(format!(
            "Policy {} has nobody to fall back on; its levels are told once more in {}: {cause}.",
            self.policy.id,
            duration::write(pause)
        ));
        self.decision(Vec::new(), Stage::Rest { round, since: self.now }, self.now + pause)
    }

    fn tell_fallback(&mut self, people: Vec<Tell>, stage: Stage, resume: Option<u32>, cause: &str) -> Decision {
        let told = match stage {
            Stage::Fallback { told, .. } => told.saturating_add(1),
            Stage::New | Stage::Level { .. } | Stage::Rest { .. } => 1,
        };
        let again = if told > 1 { format!(" again ({told} times by now)") } else { String::new() };
        self.reasons.push(format!("The fallback of policy {} is told{again}: {cause}.", self.policy.id));
        let due = self.now + pause(self.policy, told);
        // While levels are empty, the schedules say when that may change.
        let soonest = self.empty_until.filter(|_| resume.is_some()).into_iter().chain([due]).min().unwrap_or(due);
        self.decision(people, Stage::Fallback { told, since: self.now, resume }, soonest)
    }

    fn nobody_at_all(&mut self, stage: Stage) -> Decision {
        self.reasons.push(format!(
            "Nobody at all can be told by policy {}; it is asked again every {}.",
            self.policy.id,
            duration::write(NOBODY_AGAIN)
        ));
        let again = self.now + NOBODY_AGAIN;
        let mut decision = self.decision(Vec::new(), stage, again);
        decision.next.stranded = true;
        decision
    }

    fn follow_call(&mut self, progress: &Progress, round: u32, passed: u32, floor: u32) -> Decision {
        let mut people: Vec<Tell> = Vec::new();
        for level in passed..=floor {
            for tell in self.level(level) {
                if people.iter().all(|told| told.person != tell.person) {
                    people.push(tell);
                }
            }
        }
        let cause = "the hotline call has moved on to it";
        if people.is_empty() {
            return self.levels_from(progress.stage, round, floor + 1, cause);
        }
        self.reasons.push(format!(
            "Level {} of policy {} is told (round {}): {cause}.",
            floor + 1,
            self.policy.id,
            round + 1
        ));
        let next = Stage::Level { round, level: floor, since: self.now };
        self.decision(people, next, self.now + ack_within(self.policy, floor))
    }

    /// The fallback was told because all levels were empty; its pause ends when they no longer are.
    fn resume_early(&mut self, stage: Stage, round: u32, due: Instant) -> Decision {
        let somebody = (0..count(self.policy)).any(|level| !self.level(level).is_empty());
        self.reasons.clear();
        self.nobody.clear();
        if somebody {
            return self.levels_from(stage, round, 0, "somebody is on call again");
        }
        let soonest = self.empty_until.into_iter().chain([due]).min().unwrap_or(due);
        self.nothing(stage, soonest)
    }

    fn nothing(&mut self, stage: Stage, ask_again_at: Instant) -> Decision {
        self.decision(Vec::new(), stage, ask_again_at)
    }

    /// Whom a level tells now. Notes it when that is nobody.
    fn level(&mut self, level: u32) -> Vec<Tell> {
        let place = format!("level {} of policy {}", level + 1, self.policy.id);
        let targets: &[Target] = usize::try_from(level)
            .ok()
            .and_then(|level| self.policy.levels.get(level))
            .map_or(&[], |level| level.notify.as_slice());
        self.people(targets, &place)
    }

    fn fallback(&mut self) -> Vec<Tell> {
        if self.policy.fallback.is_empty() {
            return Vec::new();
        }
        let place = format!("the fallback of policy {}", self.policy.id);
        self.people(&self.policy.fallback, &place)
    }

    fn people(&mut self, targets: &[Target], place: &str) -> Vec<Tell> {
        let mut people: Vec<Tell> = Vec::new();
        for target in targets {
            let named = match target {
                Target::Person(person) => vec![Tell { person: person.clone(), why: format!("named by {place}") }],
                Target::Schedule(schedule) => self.on_call(schedule, place),
            };
            for tell in named {
                if people.iter().all(|told| told.person != tell.person) {
                    people.push(tell);
                }
            }
        }
        if people.is_empty() {
            let asked = targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            self.nobody.push(format!("nobody is on call for {place} ({asked})"));
            self.reasons.push(format!("Nobody is on call for {place} ({asked}): it is left at once."));
        }
        people
    }

    fn on_call(&mut self, schedule: &ScheduleId, place: &str) -> Vec<Tell> {
        let answer = (self.ask)(schedule);
        if answer.people.is_empty() {
            let until = answer.until.filter(|until| *until > self.now);
            self.empty_until = self.empty_until.into_iter().chain(until).min();
        }
        let why = |why| format!("on call by {why} ({place})");
        answer.people.into_iter().map(|on_duty| Tell { why: why(on_duty.why), person: on_duty.person }).collect()
    }

    fn decision(&mut self, tell: Vec<Tell>, stage: Stage, ask_again_at: Instant) -> Decision {
        let levels = count(self.policy);
        let (level, round) = match stage {
            Stage::New => (None, 0),
            Stage::Level { round, level, .. } => (Some(level), round),
            Stage::Fallback { resume, .. } => (Some(levels), resume.unwrap_or(self.policy.repeat)),
            Stage::Rest { round, .. } => (levels.checked_sub(1), round),
        };
        Decision {
            tell,
            level,
            round,
            next: Progress { stage, ..Progress::default() },
            ask_again_at,
            reasons: std::mem::take(&mut self.reasons),
            nobody_on_call: (!self.nobody.is_empty()).then(|| self.nobody.join("; ")),
        }
    }
}
