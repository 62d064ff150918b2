//! Nights played on `decide` alone, for tests: nobody acknowledges unless the story says so, and
//! time jumps from one question to the next.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::{Decision, Level, Policy, Progress, Stage, Target, decide};
use crate::{
    model::{Instant, id::ScheduleId},
    oncall::{OnCall, OnDuty, Why},
};

/// Schedules and the minutes `[from, to)` in which they have somebody.
type Rota = Vec<(&'static str, &'static str, i64, i64)>;

const ALWAYS: i64 = 1_000_000;

struct Night {
    policy: Policy,
    rota: Rota,
    progress: Progress,
    now: Instant,
}

fn begin() -> Instant {
    "2026-03-01T02:00:00Z".parse().unwrap()
}

fn minute(now: Instant) -> i64 {
    (now - begin()).num_minutes()
}

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

/// `levels`: who is notified, and the minutes to acknowledge.
fn policy(levels: &[(&[&str], i64)], repeat: u32, fallback: &[&str]) -> Policy {
    let level = |(notify, minutes): &(&[&str], i64)| Level {
        notify: notify.iter().map(|text| target(text)).collect(),
        ack_within: TimeDelta::minutes(*minutes),
    };
    Policy {
        id: "gold".parse().unwrap(),
        levels: levels.iter().map(level).collect(),
        repeat,
        fallback: fallback.iter().map(|text| target(text)).collect(),
    }
}

impl Night {
    fn new(policy: Policy, rota: Rota) -> Self {
        Self { policy, rota, progress: Progress::default(), now: begin() }
    }

    fn ask(&self, schedule: &ScheduleId) -> OnCall {
        let at = |minute: i64| begin() + TimeDelta::minutes(minute);
        let of_schedule = || self.rota.iter().filter(|(id, ..)| *id == schedule.as_str());
        let people = of_schedule()
            .filter(|(_, _, from, to)| at(*from) <= self.now && self.now < at(*to))
            .map(|(_, person, ..)| OnDuty {
                person: person.parse().unwrap(),
                why: Why::layer(schedule.clone(), 0, 0, 1),
            })
            .collect();
        let until = of_schedule().flat_map(|(_, _, from, to)| [at(*from), at(*to)]).filter(|at| *at > self.now).min();
        OnCall { people, until }
    }

    /// Asks once, and keeps what the decision says to keep.
    fn decide(&mut self) -> Decision {
        let decision = decide(&self.policy, &self.progress, &|schedule| self.ask(schedule), self.now);
        self.progress = Progress::from_json(&decision.next.to_json()).unwrap();
        decision
    }

    /// Asks whenever the last answer says so: `minute names` of those told.
    fn play(&mut self, until_minute: i64) -> Vec<String> {
        let mut told = Vec::new();
        while minute(self.now) < until_minute {
            let decision = self.decide();
            if !decision.tell.is_empty() {
                told.push(format!("{} {}", minute(self.now), names(&decision)));
            }
            self.now = decision.ask_again_at;
        }
        told
    }
}

fn names(decision: &Decision) -> String {
    decision.tell.iter().map(|tell| tell.person.as_str()).collect::<Vec<_>>().join("+")
}

fn two_levels() -> Policy {
    policy(&[(&["schedule:primary"], 5), (&["schedule:backup", "person:lead"], 10)], 1, &["person:boss"])
}

fn full_rota() -> Rota {
    vec![("primary", "anna", 0, ALWAYS), ("backup", "ben", 0, ALWAYS)]
}

#[test]
fn whoever_is_told_later_has_their_time_from_then_on() {
    let mut night = Night::new(two_levels(), vec![("primary", "anna", 0, ALWAYS), ("backup", "ben", 0, ALWAYS)]);
    let mut decision = night.decide();
    let due = decision.ask_again_at;
    decision.put_off(TimeDelta::hours(7));
    assert_eq!(decision.ask_again_at, due + TimeDelta::hours(7));
    night.progress = decision.next;
    night.now = due;
    assert_eq!((names(&night.decide()).as_str(), night.decide().ask_again_at), ("", due + TimeDelta::hours(7)));
    night.now = due + TimeDelta::hours(7);
    assert_ne!(names(&night.decide()), "", "the next level");
}

#[test]
fn levels_rounds_and_then_the_fallback_for_ever() {
    let mut night = Night::new(two_levels(), full_rota());
    let told = night.play(225);
    assert_eq!(
        told,
        [
            "0 anna",
            "5 ben+lead",
            "15 anna",
            "20 ben+lead",
            "30 boss",
            "40 boss",
            "60 boss",
            "100 boss",
            "160 boss",
            "220 boss"
        ]
    );
}

#[test]
fn without_a_fallback_the_levels_are_told_once_more_at_growing_intervals() {
    let mut night = Night::new(policy(&[(&["person:anna"], 5)], 0, &[]), Vec::new());
    assert_eq!(night.play(226), ["0 anna", "10 anna", "25 anna", "50 anna", "95 anna", "160 anna", "225 anna"]);
}

#[test]
fn a_level_with_nobody_on_call_is_left_at_once_and_the_msp_hears_of_it() {
    let mut night = Night::new(two_levels(), vec![("backup", "ben", 0, ALWAYS)]);
    let decision = night.decide();
    assert_eq!(names(&decision), "ben+lead");
    assert_eq!((decision.level, decision.round), (Some(1), 0));
    assert_eq!(
        decision.nobody_on_call.as_deref(),
        Some("nobody is on call for level 1 of policy gold (schedule:primary)")
    );
    assert_eq!(decision.reasons.len(), 2, "{:?}", decision.reasons);
}

#[test]
fn when_all_levels_are_empty_the_fallback_is_told_until_somebody_comes_on_call() {
    let mut night = Night::new(
        policy(&[(&["schedule:primary"], 5), (&["schedule:backup"], 5)], 0, &["person:boss"]),
        vec![("primary", "anna", 33, ALWAYS)],
    );
    assert_eq!(night.play(60), ["0 boss", "5 boss", "15 boss", "33 anna", "38 boss", "43 boss", "53 boss"]);
}

#[test]
fn nobody_at_all_is_said_once_and_asked_again_every_minute() {
    let mut night = Night::new(policy(&[(&["schedule:primary"], 5)], 2, &[]), vec![("primary", "anna", 7, ALWAYS)]);
    let first = night.decide();
    assert!(first.nobody_on_call.is_some() && !first.reasons.is_empty());
    assert_eq!(first.ask_again_at, night.now + TimeDelta::minutes(1));
    night.now = first.ask_again_at;
    let second = night.decide();
    assert_eq!((second.nobody_on_call, second.reasons), (None, Vec::new()));
    assert_eq!(night.play(13), ["7 anna", "12 anna"]);
}

#[test]
fn a_person_named_twice_is_told_once() {
    let twice = policy(&[(&["schedule:primary", "person:anna", "schedule:primary"], 5)], 0, &[]);
    let decision = Night::new(twice, full_rota()).decide();
    assert_eq!(names(&decision), "anna");
    assert_eq!(decision.tell[0].why, "on call by layer 1 of schedule primary (level 1 of policy gold)");
}

#[test]
fn a_late_timer_goes_on_with_the_next_level() {
    let mut night = Night::new(two_levels(), full_rota());
    night.decide();
    night.now += TimeDelta::minutes(60);
    let late = night.decide();
    assert_eq!((names(&late).as_str(), late.level), ("ben+lead", Some(1)));
    assert_eq!(late.ask_again_at, night.now + TimeDelta::minutes(10));
}

#[test]
fn asked_before_it_is_due_nothing_happens() {
    let mut night = Night::new(two_levels(), full_rota());
    let first = night.decide();
    night.now += TimeDelta::seconds(299);
    let early = night.decide();
    assert!(early.tell.is_empty() && early.reasons.is_empty());
    assert_eq!((early.ask_again_at, early.next), (first.ask_again_at, first.next));
}

#[test]
fn whoever_asks_for_the_next_level_gets_it_at_once_and_once() {
    let mut night = Night::new(two_levels(), full_rota());
    night.decide();
    night.now += TimeDelta::seconds(10);
    night.progress.escalate_now = true;
    let decision = night.decide();
    assert_eq!(names(&decision), "ben+lead");
    assert_eq!(decision.reasons, ["Level 2 of policy gold is told (round 1 of 2): the next level was called for."]);
    assert!(night.decide().tell.is_empty());
}

#[test]
fn a_call_that_has_moved_on_takes_the_alert_along() {
    let levels: &[(&[&str], i64)] = &[(&["person:anna"], 5), (&["person:ben"], 5), (&["person:cem"], 5)];
    let mut night = Night::new(policy(levels, 0, &[]), Vec::new());
    night.decide();
    night.now += TimeDelta::seconds(30);
    night.progress.floor = Some(2);
    let moved = night.decide();
    // The call rang ben and went on; he is not skipped.
    assert_eq!((names(&moved).as_str(), moved.level), ("ben+cem", Some(2)));
    night.progress.floor = Some(1);
    assert!(night.decide().tell.is_empty(), "a call never moves an alert back");

    let mut fresh = Night::new(policy(levels, 0, &[]), Vec::new());
    fresh.progress.floor = Some(0);
    assert_eq!(names(&fresh.decide()), "anna");
}

#[test]
fn a_call_on_a_level_that_is_empty_for_the_alert_leads_on() {
    let mut night = Night::new(two_levels(), full_rota());
    night.policy.levels[1].notify = vec![target("schedule:gone")];
    night.decide();
    night.progress.floor = Some(9);
    assert_eq!(names(&night.decide()), "anna");
    assert_eq!(night.progress.stage, Stage::Level { round: 1, level: 0, since: night.now });
}

#[test]
fn a_policy_without_levels_still_tells_the_fallback() {
    assert_eq!(Night::new(policy(&[], 0, &["person:boss"]), Vec::new()).play(4), ["0 boss", "1 boss", "3 boss"]);
}

fn some_targets() -> impl Strategy<Value = Vec<Target>> {
    let one = prop::sample::select(vec!["schedule:s1", "schedule:s2", "schedule:s3", "person:p1", "person:p2"]);
    prop::collection::vec(one.prop_map(target), 1..3)
}

fn some_policy() -> impl Strategy<Value = Policy> {
    let level = (some_targets(), 1i64..90)
        .prop_map(|(notify, minutes)| Level { notify, ack_within: TimeDelta::minutes(minutes) });
    let fallback = prop_oneof![Just(Vec::new()), some_targets()];
    (prop::collection::vec(level, 1..4), 0u32..3, fallback).prop_map(|(levels, repeat, fallback)| Policy {
        id: "gold".parse().unwrap(),
        levels,
        repeat,
        fallback,
    })
}

fn some_rota() -> impl Strategy<Value = Rota> {
    let stretch = (
        prop::sample::select(vec!["s1", "s2", "s3"]),
        prop::sample::select(vec!["anna", "ben", "cem"]),
        0i64..3_000,
        1i64..2_000,
    );
    prop::collection::vec(stretch.prop_map(|(id, person, from, length)| (id, person, from, from + length)), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the rota and however late the timers: as long as the policy leads to somebody,
    /// nobody stays untold for longer than the longest wait and the longest pause.
    #[test]
    fn an_escalation_never_falls_silent(
        policy in some_policy(),
        rota in some_rota(),
        nudges in prop::collection::vec((0i64..400, 0u8..6, 0u32..4), 1..60),
    ) {
        let longest = policy.levels.iter().map(|level| level.ack_within).max().unwrap() + TimeDelta::hours(1);
        let mut night = Night::new(policy, rota);
        let mut reachable_since = None;
        for (late_s, nudge, floor) in nudges.into_iter().cycle().take(300) {
            night.progress.escalate_now = nudge == 0;
            night.progress.floor = (nudge == 1).then_some(floor);
            let decision = night.decide();
            prop_assert!(decision.ask_again_at > night.now);
            prop_assert_eq!((night.progress.floor, night.progress.escalate_now), (None, false));

            let again = night.decide();
            prop_assert!(again.tell.is_empty(), "told twice: {:?}", again);

            let everyone = night.policy.levels.iter().flat_map(|level| &level.notify).chain(&night.policy.fallback);
            let reachable = everyone.clone().any(|target| match target {
                Target::Person(_) => true,
                Target::Schedule(id) => !night.ask(id).people.is_empty(),
            });
            reachable_since = match (reachable, reachable_since) {
                (true, None) => Some(night.now),
                (true, Some(_)) if !decision.tell.is_empty() => Some(night.now),
                (true, since) => since,
                (false, _) => None,
            };
            let slack = TimeDelta::seconds(800);
            prop_assert!(reachable_since.is_none_or(|since| night.now - since <= longest + slack), "{:?}", night.progress);
            night.now = decision.ask_again_at.min(again.ask_again_at) + TimeDelta::seconds(late_s);
        }
    }

    /// With everybody on call, the levels come in order, none left out.
    #[test]
    fn no_level_is_skipped(policy in some_policy(), late_s in prop::collection::vec(0i64..10_000, 40)) {
        let rota = vec![("s1", "anna", 0, ALWAYS), ("s2", "ben", 0, ALWAYS), ("s3", "cem", 0, ALWAYS)];
        let (levels, repeat, falls_back) = (policy.levels.len(), policy.repeat as usize, !policy.fallback.is_empty());
        let mut night = Night::new(policy, rota);
        let mut told = Vec::new();
        for late_s in late_s {
            let decision = night.decide();
            if !decision.tell.is_empty() {
                told.push(decision.level.unwrap() as usize);
            }
            night.now = decision.ask_again_at + TimeDelta::seconds(late_s);
        }
        let rounds = (0..=repeat).flat_map(|_| 0..levels);
        let expected: Vec<usize> = if falls_back {
            rounds.chain(std::iter::repeat(levels)).take(told.len()).collect()
        } else {
            (0..levels).cycle().take(told.len()).collect()
        };
        prop_assert_eq!(told, expected);
    }
}
