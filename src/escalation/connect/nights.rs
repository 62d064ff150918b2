//! Waiting callers played on `decide` alone, for tests: each phone has a script, time passes second
//! by second, and the decision is asked when a leg changes or when it said so.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::{Candidate, Connect, Decision, GaveUp, LegResult, LegView, Plan, Progress, Target, decide};
use crate::model::{Instant, call::LegState, id::LegId, phone::Phone};

/// What a phone does, in seconds from when it is rung (or answered, or accepted).
#[derive(Debug, Clone, Copy)]
enum Fate {
    NoNumber,
    RingsOn,
    BadNumber,
    Busy(i64),
    /// The carrier does not come to it.
    NeverPlaced,
    /// In another call until then; then accepts after 5 s.
    ElsewhereUntil(i64),
    /// Answers, listens for so long, and hangs up.
    Mailbox(i64, i64),
    Accepts(i64, i64),
    /// Accepts, and the line breaks before the bridge.
    Breaks(i64, i64),
    /// As `RingsOn`, and the carrier ignores that it is to end.
    RingsForever,
}

use Fate::{Accepts, BadNumber, Breaks, Busy, ElsewhereUntil, Mailbox, NeverPlaced, NoNumber, RingsForever, RingsOn};

struct Night {
    plan: Plan,
    fates: BTreeMap<String, (Fate, Phone, bool)>,
    progress: Progress,
    legs: Vec<LegView>,
    second: i64,
    ask_again_at: Option<Instant>,
    story: Vec<String>,
    nobody: Vec<String>,
}

fn begin() -> Instant {
    "2026-03-01T02:30:00Z".parse().unwrap()
}

fn at(second: i64) -> Instant {
    begin() + TimeDelta::seconds(second)
}

impl Night {
    /// Levels of people with their fates; an empty level is a schedule with nobody.
    fn new(levels: &[&[(&str, Fate)]]) -> Self {
        let target = |(name, _): &(&str, Fate)| format!("person:{name}").parse().unwrap();
        let of_level = |level: &&[(&str, Fate)]| -> Vec<Target> {
            if level.is_empty() { vec!["schedule:hole".parse().unwrap()] } else { level.iter().map(target).collect() }
        };
        let mut fates = BTreeMap::new();
        for (name, fate) in levels.iter().copied().flatten() {
            let phone = format!("+49151100000{:02}", fates.len()).parse().unwrap();
            fates.entry((*name).to_owned()).or_insert((*fate, phone, false));
        }
        Self {
            plan: Plan {
                first_level: 0,
                levels: levels.iter().map(of_level).collect(),
                ring: TimeDelta::seconds(20),
                at_once: false,
                prefer_language: true,
                max_wait: TimeDelta::seconds(300),
                started_at: begin(),
            },
            fates,
            progress: Progress::default(),
            legs: Vec::new(),
            second: 0,
            ask_again_at: Some(begin()),
            story: Vec::new(),
            nobody: Vec::new(),
        }
    }

    fn at_once(mut self) -> Self {
        self.plan.at_once = true;
        self
    }

    fn candidates(&self, target: &Target) -> Vec<Candidate> {
        let Target::Person(person) = target else { return Vec::new() };
        let (fate, phone, speaks_language) = &self.fates[person.as_str()];
        vec![Candidate {
            person: person.clone(),
            phone: (!matches!(fate, NoNumber)).then(|| phone.clone()),
            speaks_language: *speaks_language,
            busy_elsewhere: matches!(fate, ElsewhereUntil(until) if self.second < *until),
            why: format!("is {person}"),
        }]
    }

    fn decide(&mut self) -> Decision {
        let ask = |target: &Target| self.candidates(target);
        let decision = decide(&self.plan, &self.progress, &self.legs, &ask, at(self.second));
        let kept = Connect { plan: self.plan.clone(), progress: decision.next.clone() }.to_json();
        self.progress = Connect::from_json(&kept).unwrap().progress;
        decision
    }

    fn apply(&mut self, decision: Decision) {
        for id in &decision.cancel {
            let leg = self.legs.iter_mut().find(|leg| leg.leg == *id).unwrap();
            self.story.push(format!("{} end {}", self.second, leg.person));
            if !matches!(self.fates[leg.person.as_str()].0, RingsForever) {
                leg.state = LegState::Ended;
                leg.result = Some(LegResult::NoAnswer);
            }
        }
        for ring in &decision.ring {
            self.story.push(format!("{} ring {}", self.second, ring.person));
            self.legs.push(LegView {
                leg: LegId::from_ulid(ulid::Ulid::from_parts(0, self.legs.len() as u128)),
                person: ring.person.clone(),
                phone: ring.phone.clone(),
                state: LegState::Queued,
                result: None,
                since: at(self.second),
            });
        }
        if let Some(reason) = decision.gave_up {
            self.story.push(format!("{} {}", self.second, reason.as_str()));
        }
        self.nobody.extend(decision.nobody_on_call);
        self.ask_again_at = decision.ask_again_at;
    }

    /// Moves the legs on by their scripts; `true`: one of them changed.
    fn step_legs(&mut self) -> bool {
        let taken = self.legs.iter().any(|leg| matches!(leg.state, LegState::Accepted | LegState::Bridged));
        let mut changed = false;
        for leg in &mut self.legs {
            let fate = self.fates[leg.person.as_str()].0;
            let lasted = self.second - (leg.since - begin()).num_seconds();
            let (state, result) = match (leg.state, fate) {
                (LegState::Queued, NeverPlaced) => continue,
                (LegState::Queued, BadNumber) => (LegState::Ended, Some(LegResult::BadNumber)),
                (LegState::Queued, _) => (LegState::Ringing, None),
                (LegState::Ringing, Busy(after)) if lasted >= after => (LegState::Ended, Some(LegResult::Busy)),
                (LegState::Ringing, Mailbox(after, _) | Accepts(after, _) | Breaks(after, _)) if lasted >= after => {
                    (LegState::Answered, None)
                }
                (LegState::Ringing, ElsewhereUntil(_)) if lasted >= 2 => (LegState::Answered, None),
                (LegState::Answered, Mailbox(_, after)) if lasted >= after => {
                    (LegState::Ended, Some(LegResult::HungUp))
                }
                (LegState::Answered, Accepts(_, after) | Breaks(_, after)) if lasted >= after && taken => {
                    (LegState::Ended, Some(LegResult::Taken))
                }
                (LegState::Answered, Accepts(_, after) | Breaks(_, after)) if lasted >= after => {
                    (LegState::Accepted, None)
                }
                (LegState::Answered, ElsewhereUntil(_)) if lasted >= 3 && !taken => (LegState::Accepted, None),
                (LegState::Accepted, Breaks(..)) => (LegState::Ended, Some(LegResult::Failed)),
                (LegState::Accepted, _) => (LegState::Bridged, None),
                _ => continue,
            };
            *leg = LegView { state, result, since: at(self.second), ..leg.clone() };
            changed = true;
        }
        changed
    }

    /// Until somebody is bridged or the connect is given up.
    fn play(&mut self) -> Vec<String> {
        while self.second <= 1_000 {
            let changed = self.second > 0 && self.step_legs();
            if changed || self.ask_again_at.is_some_and(|again| again <= at(self.second)) {
                let decision = self.decide();
                self.apply(decision);
            }
            if let Some(leg) = self.legs.iter().find(|leg| leg.state == LegState::Bridged) {
                self.story.push(format!("{} bridged {}", self.second, leg.person));
                break;
            }
            if self.ask_again_at.is_none() {
                break;
            }
            self.second += 1;
        }
        self.story.clone()
    }
}

#[track_caller]
fn check(mut night: Night, expected: &[&str]) {
    assert_eq!(night.play(), expected);
}

#[test]
fn people_are_rung_one_after_the_other_and_level_by_level() {
    check(
        Night::new(&[&[("anna", RingsOn), ("ben", RingsOn)], &[("cem", Accepts(4, 3))]]),
        &["0 ring anna", "21 end anna", "21 ring ben", "42 end ben", "42 ring cem", "51 bridged cem"],
    );
}

#[test]
fn all_at_once_the_first_to_accept_ends_only_what_still_rings() {
    check(
        Night::new(&[&[("anna", Accepts(4, 6)), ("ben", RingsOn), ("cem", Mailbox(3, 40))], &[("dora", RingsOn)]])
            .at_once(),
        &["0 ring anna", "0 ring ben", "0 ring cem", "11 end ben", "12 bridged anna"],
    );
}

#[test]
fn a_bad_or_busy_number_never_holds_up_the_next() {
    check(
        Night::new(&[&[("anna", BadNumber), ("ben", Busy(2)), ("cem", NoNumber)], &[("dora", Accepts(1, 1))]]),
        &["0 ring anna", "1 ring ben", "4 ring dora", "8 bridged dora"],
    );
}

#[test]
fn a_mailbox_holds_up_the_next_for_one_ring_and_is_ended_later() {
    check(
        Night::new(&[&[("anna", Mailbox(5, 200)), ("ben", RingsOn)]]),
        &["0 ring anna", "26 ring ben", "47 end ben", "66 end anna", "66 nobody-answered"],
    );
}

#[test]
fn however_short_phones_ring_there_is_time_to_hear_it_twice_and_to_accept() {
    let mut night = Night::new(&[&[("anna", Accepts(2, 55)), ("ben", RingsOn)]]);
    night.plan.ring = TimeDelta::seconds(5);
    check(night, &["0 ring anna", "8 ring ben", "14 end ben", "59 bridged anna"]);
}

#[test]
fn somebody_who_thinks_can_accept_while_the_next_is_rung() {
    check(
        Night::new(&[&[("anna", Mailbox(5, 25)), ("ben", Accepts(3, 30))], &[("cem", RingsOn)]]),
        &["0 ring anna", "26 ring ben", "50 ring cem", "60 end cem", "61 bridged ben"],
    );
}

#[test]
fn a_line_that_breaks_before_the_bridge_leads_on_to_the_rest() {
    check(
        Night::new(&[&[("anna", Breaks(2, 2)), ("ben", Accepts(1, 1))]]),
        &["0 ring anna", "6 ring ben", "10 bridged ben"],
    );
}

#[test]
fn a_technician_in_another_call_is_rung_when_free() {
    check(
        Night::new(&[&[("anna", ElsewhereUntil(47))], &[("ben", RingsOn)]]),
        &["0 ring ben", "21 end ben", "51 ring anna", "58 bridged anna"],
    );
}

#[test]
fn a_number_is_rung_once_however_often_it_is_named() {
    let mut night = Night::new(&[&[("anna", RingsOn), ("ben", Busy(1))], &[("anna", RingsOn), ("cem", RingsOn)]]);
    let shared = night.fates["ben"].1.clone();
    night.fates.get_mut("cem").unwrap().1 = shared;
    check(night, &["0 ring anna", "21 end anna", "21 ring ben", "23 nobody-answered"]);
}

#[test]
fn a_carrier_that_does_not_come_to_a_leg_does_not_keep_the_caller() {
    check(
        Night::new(&[&[("anna", NeverPlaced), ("ben", Accepts(1, 1))]]),
        &["0 ring anna", "20 end anna", "20 ring ben", "24 bridged ben"],
    );
}

#[test]
fn people_who_speak_the_callers_language_are_rung_first_if_wished() {
    let night = || {
        let mut night = Night::new(&[&[("anna", Busy(0)), ("ben", Busy(0))]]);
        night.fates.get_mut("ben").unwrap().2 = true;
        night
    };
    check(night(), &["0 ring ben", "2 ring anna", "4 nobody-answered"]);
    let mut indifferent = night();
    indifferent.plan.prefer_language = false;
    check(indifferent, &["0 ring anna", "2 ring ben", "4 nobody-answered"]);
}

#[test]
fn nobody_on_call_gives_up_at_once_and_says_so() {
    let mut night = Night::new(&[&[], &[]]);
    assert_eq!(night.play(), ["0 nobody-on-call"]);
    assert_eq!(
        night.nobody,
        ["nobody is on call for level 1 while a caller waits (schedule:hole); \
          nobody is on call for level 2 while a caller waits (schedule:hole)"]
    );
    check(Night::new(&[]), &["0 nobody-on-call"]);
}

#[test]
fn nobody_who_can_be_called_is_told_to_the_msp_too() {
    for levels in [[("anna", NoNumber)], [("anna", BadNumber)]] {
        let mut night = Night::new(&[&levels]);
        assert_eq!(night.play().last().unwrap().split(' ').next_back(), Some("nobody-reachable"));
        assert_eq!(night.nobody.len(), 1, "{:?}", night.nobody);
    }
    let mut answered = Night::new(&[&[("anna", Busy(1))]]);
    answered.play();
    assert!(answered.nobody.is_empty());
}

#[test]
fn a_level_with_nobody_is_left_at_once() {
    check(Night::new(&[&[], &[("anna", Accepts(1, 1))]]), &["0 ring anna", "4 bridged anna"]);
}

#[test]
fn at_the_longest_wait_everything_is_ended() {
    let mut night = Night::new(&[&[("anna", RingsOn)], &[("ben", ElsewhereUntil(900))]]);
    night.plan.max_wait = TimeDelta::seconds(15);
    check(night, &["0 ring anna", "15 end anna", "15 wait-over"]);
    let mut patient = Night::new(&[&[("anna", ElsewhereUntil(900))]]);
    patient.plan.max_wait = TimeDelta::seconds(60);
    check(patient, &["60 wait-over"]);
}

#[test]
fn what_was_given_up_stays_given_up() {
    let mut night = Night::new(&[&[("anna", RingsForever)]]);
    assert_eq!(night.play(), ["0 ring anna", "21 end anna", "21 nobody-answered"]);
    night.fates.insert("anna".to_owned(), (Accepts(0, 0), "+4915110000099".parse().unwrap(), true));
    let again = night.decide();
    assert_eq!((again.gave_up, again.ask_again_at), (Some(GaveUp::NobodyAnswered), None));
    assert!(again.ring.is_empty() && again.cancel.is_empty() && again.reasons.is_empty());
}

#[test]
fn after_the_bridge_nothing_is_rung() {
    let mut night = Night::new(&[&[("anna", Accepts(1, 1)), ("ben", RingsOn)]]);
    night.play();
    for leg in &mut night.legs {
        leg.state = LegState::Ended;
    }
    let after = night.decide();
    assert!(after.ring.is_empty() && after.gave_up.is_none() && after.ask_again_at.is_none());
}

fn some_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(NoNumber),
        Just(RingsOn),
        Just(RingsForever),
        Just(BadNumber),
        Just(NeverPlaced),
        (0i64..25).prop_map(Busy),
        (0i64..400).prop_map(ElsewhereUntil),
        (0i64..25, 0i64..80).prop_map(|(answer, listen)| Mailbox(answer, listen)),
        (0i64..25, 0i64..60).prop_map(|(answer, think)| Accepts(answer, think)),
        (0i64..25, 0i64..60).prop_map(|(answer, think)| Breaks(answer, think)),
    ]
}

fn some_night() -> impl Strategy<Value = Night> {
    let name = prop::sample::select(vec!["anna", "ben", "cem", "dora", "eve"]);
    let level = prop::collection::vec((name, some_fate()), 0..4);
    (prop::collection::vec(level, 0..4), any::<bool>(), 0i64..400, prop::collection::vec(0usize..5, 0..2)).prop_map(
        |(levels, at_once, max_wait_s, shared)| {
            let levels: Vec<&[(&str, Fate)]> = levels.iter().map(Vec::as_slice).collect();
            let mut night = Night::new(&levels);
            night.plan.at_once = at_once;
            night.plan.max_wait = TimeDelta::seconds(max_wait_s);
            // Some share a phone.
            for (index, (_, (_, phone, speaks))) in night.fates.iter_mut().enumerate() {
                *speaks = index % 2 == 0;
                if shared.contains(&index) {
                    *phone = "+4915110000088".parse().unwrap();
                }
            }
            night
        },
    )
}

impl std::fmt::Debug for Night {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.plan, self.fates)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_connect_always_ends_and_rings_each_number_once(mut night in some_night()) {
        let max_wait_s = night.plan.max_wait.num_seconds();
        let mut ended = false;
        while !ended {
            let changed = night.second > 0 && night.step_legs();
            if changed || night.ask_again_at.is_some_and(|again| again <= at(night.second)) {
                let taken = night.legs.iter().any(|leg| matches!(leg.state, LegState::Accepted | LegState::Bridged));
                let decision = night.decide();
                prop_assert!(!taken || decision.ring.is_empty(), "rang after somebody had accepted");
                prop_assert!(night.plan.at_once || decision.ring.len() <= 1);
                prop_assert!(decision.ask_again_at.is_none_or(|again| again > at(night.second)));
                let bridged = night.legs.iter().any(|leg| leg.state == LegState::Bridged);
                ended = decision.gave_up.is_some() || bridged;
                prop_assert_eq!(decision.ask_again_at.is_none(), ended);
                night.apply(decision);

                // Asked again at the same instant, there is nothing more to do.
                let again = night.decide();
                prop_assert!(again.ring.is_empty() && again.cancel.is_empty(), "{:?}", again);
            }
            night.second += 1;
            let accepting = night.legs.iter().any(|leg| leg.state == LegState::Accepted);
            prop_assert!(ended || accepting || night.second <= max_wait_s + 2, "waits for ever: {:?}", night.story);
        }
        let mut phones: Vec<&Phone> = night.legs.iter().map(|leg| &leg.phone).collect();
        phones.sort();
        phones.dedup();
        prop_assert_eq!(phones.len(), night.legs.len(), "a number was rung twice: {:?}", night.story);
    }

    /// Somebody who would answer and accept within the ring time is reached, unless the wait is too
    /// short. Lines that break are left out: who was ended because of one is not rung a second time.
    #[test]
    fn whoever_would_accept_is_reached(mut night in some_night(), answer_s in 0i64..15, think_s in 0i64..15) {
        night.plan.max_wait = TimeDelta::hours(1);
        for (fate, ..) in night.fates.values_mut().filter(|(fate, ..)| matches!(fate, Breaks(..))) {
            *fate = RingsOn;
        }
        night.plan.levels.push(vec!["person:zoe".parse().unwrap()]);
        night.fates.insert("zoe".to_owned(), (Accepts(answer_s, think_s), "+4915110000077".parse().unwrap(), false));
        let story = night.play();
        prop_assert!(story.iter().any(|line| line.contains("bridged")), "{:?}", story);
    }
}
