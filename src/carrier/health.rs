//! Whether a carrier works just now, by what came of real requests: a circuit breaker with a window of rates.
//!
//! Pure: time is an argument, nothing is asked here. It is left after three failures in a row, when it has
//! failed for eight seconds on end, or when half of what it was asked within a minute failed or took too long;
//! one request at a time then tries whether it is back. Start with `Health::standing`, then `Health::end`.

use std::collections::VecDeque;

use chrono::TimeDelta;

use super::{CarrierError, Class};
use crate::model::Instant;

/// Failures in a row.
const STREAK: u32 = 3;
/// A carrier that answers late fails seldom: it is left within ten seconds all the same.
const FAILING_MAX: TimeDelta = TimeDelta::seconds(8);
/// Failures that are further apart have nothing to do with one another.
const STREAK_APART: TimeDelta = TimeDelta::seconds(60);
/// Whoever is asked meanwhile and could go elsewhere does.
const HANGS: TimeDelta = TimeDelta::milliseconds(2_500);
/// A good answer that comes later counts as bad in the rate.
const SLOW: TimeDelta = TimeDelta::seconds(3);
const WINDOW: TimeDelta = TimeDelta::seconds(60);
const WINDOW_MAX: usize = 200;
/// Of fewer results no rate is made.
const RATE_OF: usize = 10;
const PROBE_FIRST: TimeDelta = TimeDelta::seconds(10);
const PROBE_LONGEST: TimeDelta = TimeDelta::minutes(5);
/// A request lasts less: a probe of which nobody hears again gives way.
const PROBE_LASTS: TimeDelta = TimeDelta::seconds(20);
/// Whoever fails again so soon was not well.
const RELAPSE: TimeDelta = TimeDelta::minutes(10);

#[derive(Debug, Clone, Default)]
pub struct Health {
    state: State,
    streak: Option<Streak>,
    window: VecDeque<(Instant, bool)>,
    /// When requests began that have no answer yet.
    under_way: Vec<Instant>,
    has_worked: bool,
}

#[derive(Debug, Clone)]
enum State {
    /// `before`: it was out until then, and had last been waited for that long.
    Well {
        before: Option<(Instant, TimeDelta)>,
    },
    Out {
        why: String,
        wait: TimeDelta,
        probe_at: Instant,
    },
    Probed {
        why: String,
        wait: TimeDelta,
        since: Instant,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Well { before: None }
    }
}

#[derive(Debug, Clone, Copy)]
struct Streak {
    /// When the first of them was asked.
    since: Instant,
    last: Instant,
    count: u32,
}

/// How a carrier stands at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Well,
    /// It is out, and somebody should try whether it is back.
    Probe,
    /// It has not answered for a while.
    Hanging,
    Out {
        why: String,
    },
}

/// What a result says about the carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It did what was asked, or had a reason not to.
    Works,
    Fails,
    /// Nothing, as when our own pace lay in between or we ask too fast.
    Silent,
}

/// A change that somebody should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    Out {
        why: String,
    },
    Back,
    /// Its first success that this process has seen: an outage of which an earlier one told is over.
    Works,
}

/// What a request's outcome says about whoever was asked; `None`: it succeeded.
pub fn verdict(error: Option<&CarrierError>) -> Verdict {
    let Some(error) = error else { return Verdict::Works };
    match error.class {
        Class::Paced => Verdict::Silent,
        Class::Retry if error.status == Some(429) => Verdict::Silent,
        Class::Retry | Class::Unsure => Verdict::Fails,
        // Not to this country: that is no word about the others.
        Class::Account if error.code.is_some_and(|code| COUNTRY_REFUSED.contains(&code)) => Verdict::Works,
        Class::Account => Verdict::Fails,
        Class::RetryLater | Class::Destination | Class::Content | Class::State | Class::Bug => Verdict::Works,
    }
}

/// The account may not reach this country.
const COUNTRY_REFUSED: [u32; 4] = [13_227, 21_215, 21_408, 32_205];

impl Health {
    pub fn standing(&self, now: Instant) -> Standing {
        match &self.state {
            State::Well { .. } if self.hangs(now) => Standing::Hanging,
            State::Well { .. } => Standing::Well,
            State::Out { probe_at, .. } if *probe_at <= now => Standing::Probe,
            State::Probed { since, .. } if *since + PROBE_LASTS <= now => Standing::Probe,
            State::Out { why, .. } | State::Probed { why, .. } => Standing::Out { why: why.clone() },
        }
    }

    fn hangs(&self, now: Instant) -> bool {
        self.under_way.iter().any(|began| *began + HANGS <= now)
    }

    /// A request is made. The first one after a while tries whether a carrier that is out is back.
    pub fn begin(&mut self, now: Instant) {
        self.under_way.retain(|began| *began + PROBE_LASTS > now);
        self.under_way.push(now);
        if self.standing(now) == Standing::Probe
            && let State::Out { why, wait, .. } | State::Probed { why, wait, .. } = &self.state
        {
            self.state = State::Probed { why: why.clone(), wait: *wait, since: now };
        }
    }

    /// What came of the request that was made then. `words` is what the carrier said.
    pub fn end(&mut self, began: Instant, now: Instant, verdict: Verdict, words: &str) -> Option<Turn> {
        if let Some(at) = self.under_way.iter().position(|under_way| *under_way == began) {
            self.under_way.swap_remove(at);
        }
        match verdict {
            Verdict::Silent => {
                self.not_probed(now);
                None
            }
            Verdict::Works => self.worked(now, now - began > SLOW),
            Verdict::Fails => self.failed(began, now, words),
        }
    }

    /// Nobody knows more: somebody else tries soon.
    fn not_probed(&mut self, now: Instant) {
        if let State::Probed { why, wait, .. } = &self.state {
            self.state = State::Out { why: why.clone(), wait: *wait, probe_at: now + PROBE_FIRST };
        }
    }

    fn worked(&mut self, now: Instant, slow: bool) -> Option<Turn> {
        self.streak = None;
        let is_first = !std::mem::replace(&mut self.has_worked, true);
        match &self.state {
            State::Well { .. } => {
                self.note(now, slow);
                self.leave_if_bad(now).or(is_first.then_some(Turn::Works))
            }
            State::Out { wait, .. } | State::Probed { wait, .. } => {
                self.state = State::Well { before: Some((now, *wait)) };
                self.window.clear();
                Some(Turn::Back)
            }
        }
    }

    fn failed(&mut self, began: Instant, now: Instant, words: &str) -> Option<Turn> {
        let streak = match self.streak {
            Some(streak) if now - streak.last <= STREAK_APART => {
                Streak { since: streak.since.min(began), last: now, count: streak.count + 1 }
            }
            Some(_) | None => Streak { since: began, last: now, count: 1 },
        };
        self.streak = Some(streak);
        match &self.state {
            State::Well { .. } => {
                self.note(now, true);
                if streak.count >= STREAK {
                    return self.leave(now, format!("it failed {} times in a row ({words})", streak.count));
                }
                if streak.count > 1 && now - streak.since >= FAILING_MAX {
                    let seconds = (now - streak.since).num_seconds();
                    return self.leave(now, format!("it has failed for {seconds} seconds ({words})"));
                }
                self.leave_if_bad(now)
            }
            State::Probed { why, wait, .. } => {
                let wait = (*wait * 2).min(PROBE_LONGEST);
                self.state = State::Out { why: why.clone(), wait, probe_at: now + wait };
                None
            }
            State::Out { .. } => None,
        }
    }

    fn note(&mut self, now: Instant, bad: bool) {
        self.window.push_back((now, bad));
        while self.window.len() > WINDOW_MAX || self.window.front().is_some_and(|(at, _)| *at + WINDOW < now) {
            self.window.pop_front();
        }
    }

    fn leave_if_bad(&mut self, now: Instant) -> Option<Turn> {
        let bad = self.window.iter().filter(|(_, bad)| *bad).count();
        if self.window.len() < RATE_OF || bad * 2 < self.window.len() {
            return None;
        }
        self.leave(now, format!("{bad} of {} requests failed or took too long", self.window.len()))
    }

    fn leave(&mut self, now: Instant, why: String) -> Option<Turn> {
        let wait = match &self.state {
            State::Well { before: Some((back, wait)) } if now - *back < RELAPSE => (*wait * 2).min(PROBE_LONGEST),
            State::Well { .. } | State::Out { .. } | State::Probed { .. } => PROBE_FIRST,
        };
        self.state = State::Out { why: why.clone(), wait, probe_at: now + wait };
        self.window.clear();
        Some(Turn::Out { why })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Instant {
        Instant::UNIX_EPOCH + TimeDelta::milliseconds(millis)
    }

    /// Asked at that second, answered so much later.
    fn asked(health: &mut Health, second: i64, took_ms: i64, verdict: Verdict) -> Option<Turn> {
        health.begin(at(second * 1_000));
        health.end(at(second * 1_000), at(second * 1_000 + took_ms), verdict, "status 500")
    }

    fn out_at(second: i64) -> Health {
        let mut health = Health::default();
        for _ in 0..3 {
            asked(&mut health, second, 0, Verdict::Fails);
        }
        health
    }

    fn is_out(health: &Health, second: i64) -> bool {
        matches!(health.standing(at(second * 1_000)), Standing::Out { .. })
    }

    #[test]
    fn it_is_left_after_three_failures_and_told_once() {
        let mut health = Health::default();
        assert_eq!(asked(&mut health, 0, 100, Verdict::Fails), None);
        assert_eq!(asked(&mut health, 1, 100, Verdict::Fails), None);
        assert_eq!(health.standing(at(2_000)), Standing::Well);
        let why = "it failed 3 times in a row (status 500)".to_owned();
        assert_eq!(asked(&mut health, 2, 100, Verdict::Fails), Some(Turn::Out { why: why.clone() }));
        assert_eq!(health.standing(at(3_000)), Standing::Out { why });
        assert_eq!(asked(&mut health, 3, 100, Verdict::Fails), None, "whoever asks all the same says nothing new");
    }

    #[test]
    fn a_carrier_that_answers_nothing_is_left_within_ten_seconds() {
        let mut health = Health::default();
        health.begin(at(0));
        assert_eq!(health.standing(at(2_000)), Standing::Well);
        assert_eq!(health.standing(at(2_500)), Standing::Hanging, "others need not wait for it");
        assert_eq!(health.end(at(0), at(4_000), Verdict::Fails, "no answer"), None);
        health.begin(at(5_000));
        let turn = health.end(at(5_000), at(9_000), Verdict::Fails, "no answer");
        assert_eq!(turn, Some(Turn::Out { why: "it has failed for 9 seconds (no answer)".to_owned() }));
    }

    #[test]
    fn the_first_success_is_said_once() {
        let mut health = Health::default();
        assert_eq!(asked(&mut health, 0, 100, Verdict::Fails), None);
        assert_eq!(asked(&mut health, 1, 100, Verdict::Works), Some(Turn::Works));
        assert_eq!(asked(&mut health, 2, 100, Verdict::Works), None);
    }

    #[test]
    fn failures_far_apart_or_with_a_success_between_are_no_outage() {
        let mut health = Health::default();
        for second in [0, 100, 200, 300] {
            assert_eq!(asked(&mut health, second, 0, Verdict::Fails), None);
        }
        for second in [1_000, 1_100, 1_200] {
            assert_eq!(asked(&mut health, second, 0, Verdict::Fails), None);
            assert_eq!(asked(&mut health, second + 1, 0, Verdict::Fails), None);
            let turn = asked(&mut health, second + 2, 0, Verdict::Works);
            assert!(!matches!(turn, Some(Turn::Out { .. })), "{turn:?}");
        }
    }

    #[test]
    fn half_of_a_minutes_requests_failed_or_late_is_an_outage() {
        for (took_ms, verdict) in [(0, Verdict::Fails), (3_500, Verdict::Works)] {
            let mut health = Health::default();
            let turns: Vec<_> = (0..20)
                .filter_map(|second| match second % 2 {
                    0 => asked(&mut health, second, took_ms, verdict),
                    _ => asked(&mut health, second, 0, Verdict::Works),
                })
                .collect();
            let why = "5 of 10 requests failed or took too long".to_owned();
            assert_eq!(turns[..2], [Turn::Works, Turn::Out { why }], "{verdict:?}");
        }
    }

    #[test]
    fn one_request_at_a_time_tries_whether_it_is_back() {
        let mut health = out_at(0);
        assert!(is_out(&health, 9) && health.standing(at(10_000)) == Standing::Probe);
        health.begin(at(10_000));
        assert!(is_out(&health, 10), "the others do not wait for the probe");
        assert_eq!(health.end(at(10_000), at(10_100), Verdict::Fails, "status 500"), None);
        assert!(is_out(&health, 30) && health.standing(at(30_100)) == Standing::Probe, "it is waited for longer");
        assert_eq!(asked(&mut health, 31, 100, Verdict::Works), Some(Turn::Back));
        assert_eq!(health.standing(at(32_000)), Standing::Well);
    }

    #[test]
    fn a_probe_of_which_nobody_hears_gives_way() {
        let mut health = out_at(0);
        health.begin(at(10_000));
        assert!(is_out(&health, 29) && health.standing(at(30_000)) == Standing::Probe);
        health.begin(at(30_000));
        assert_eq!(health.end(at(30_000), at(30_000), Verdict::Silent, ""), None);
        assert!(is_out(&health, 39) && health.standing(at(40_000)) == Standing::Probe);
    }

    #[test]
    fn whoever_relapses_is_waited_for_longer() {
        let mut health = out_at(0);
        assert_eq!(asked(&mut health, 10, 0, Verdict::Works), Some(Turn::Back));
        for _ in 0..3 {
            asked(&mut health, 20, 0, Verdict::Fails);
        }
        assert!(is_out(&health, 39) && health.standing(at(40_000)) == Standing::Probe);
    }

    #[test]
    fn a_refusal_with_a_reason_is_no_failure_of_the_carrier() {
        let error = |class, code, status| CarrierError { code, status, ..CarrierError::of(class, "no") };
        for (error, expect) in [
            (error(Class::Retry, Some(20_503), Some(503)), Verdict::Fails),
            (error(Class::Unsure, None, Some(500)), Verdict::Fails),
            (error(Class::Account, Some(20_003), Some(401)), Verdict::Fails),
            (error(Class::Account, Some(21_408), Some(400)), Verdict::Works),
            (error(Class::Destination, Some(21_211), Some(400)), Verdict::Works),
            (error(Class::Retry, Some(20_429), Some(429)), Verdict::Silent),
            (error(Class::Paced, None, None), Verdict::Silent),
        ] {
            assert_eq!(verdict(Some(&error)), expect, "{error:?}");
        }
        assert_eq!(verdict(None), Verdict::Works);
    }

    proptest! {
        /// Whatever happened: it says out and back in turn, a carrier that always fails is out after three
        /// requests and is tried again within five minutes, and one success is enough to come back.
        #[test]
        fn it_is_always_left_and_always_tried_again(
            results in proptest::collection::vec((0_i64..30_000, 0_i64..12_000, 0_u8..3), 0..80),
        ) {
            let (mut health, mut now, mut is_out) = (Health::default(), 0, false);
            let mut hear = |turn: Option<Turn>| match turn {
                Some(Turn::Out { .. }) => !std::mem::replace(&mut is_out, true),
                Some(Turn::Back) => std::mem::replace(&mut is_out, false),
                Some(Turn::Works) | None => true,
            };
            for (pause, took, kind) in results {
                now += pause;
                health.begin(at(now));
                let verdict = [Verdict::Works, Verdict::Fails, Verdict::Silent][usize::from(kind)];
                prop_assert!(hear(health.end(at(now), at(now + took), verdict, "")));
                now += took;
            }
            for _ in 0..3 {
                health.begin(at(now));
                prop_assert!(hear(health.end(at(now), at(now), Verdict::Fails, "")));
            }
            let standing = health.standing(at(now));
            let is_left = matches!(standing, Standing::Out { .. } | Standing::Probe);
            prop_assert!(is_left, "{:?}", standing);
            let later = now + PROBE_LONGEST.num_milliseconds();
            prop_assert_eq!(health.standing(at(later)), Standing::Probe);
            health.begin(at(later));
            prop_assert_eq!(health.end(at(later), at(later), Verdict::Works, ""), Some(Turn::Back));
            prop_assert_eq!(health.standing(at(later)), Standing::Well);
        }
    }
}
