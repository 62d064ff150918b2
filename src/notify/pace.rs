//! How many messages a person gets on a channel in a minute, so that a phone stays usable. Pure.
//!
//! Half of a minute's places may be taken at once: the first pages of a night go out without a wait. The
//! others become free one by one, so that whatever waits is told soon. In no minute are there more than the
//! limit says.

use chrono::TimeDelta;

use crate::model::Instant;

const MINUTE_MS: i64 = 60_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    at_once: i64,
    every: TimeDelta,
}

/// A place for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// When the message may go out: now or later.
    pub at: Instant,
    /// Up to when the places are taken, if this one is.
    pub full_at: Instant,
}

impl Pace {
    /// `None`: without a limit.
    pub fn per_minute(limit: u32) -> Option<Self> {
        let limit = i64::from(limit);
        let at_once = (limit + 1) / 2;
        let every = TimeDelta::milliseconds(MINUTE_MS.checked_div(limit - at_once + 1)? + 1);
        (limit > 0).then_some(Self { at_once, every })
    }

    /// The next free place. `full_at` is that of the place that was taken last.
    pub fn place(self, full_at: Option<Instant>, now: Instant) -> Place {
        let full_at = full_at.map_or(now, |full_at| full_at.max(now)) + self.every;
        let at_once = i32::try_from(self.at_once).unwrap_or(i32::MAX);
        Place { at: (full_at - self.every * at_once).max(now), full_at }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::testing::at;

    /// When messages go out that want to at these instants.
    fn told(limit: u32, wishes: &[i64]) -> Vec<Instant> {
        let pace = Pace::per_minute(limit).unwrap();
        let mut full_at = None;
        let mut told = Vec::new();
        for wish in wishes {
            let now = at(0) + TimeDelta::milliseconds(*wish);
            let place = pace.place(full_at, now);
            if place.at == now {
                full_at = Some(place.full_at);
                told.push(now);
            }
        }
        told
    }

    #[test]
    fn the_first_few_go_out_at_once_and_the_others_one_by_one() {
        let wishes: Vec<i64> = (0..600).map(|n| n * 100).collect();
        let told: Vec<i64> = told(6, &wishes).iter().map(|told| (*told - at(0)).num_milliseconds()).collect();
        assert_eq!(told, [0, 100, 200, 15_100, 30_100, 45_100]);
    }

    #[test]
    fn nought_is_no_limit_and_one_is_one_a_minute() {
        assert_eq!(Pace::per_minute(0), None);
        assert_eq!(told(1, &[0, 1, 30_000, 59_999, 60_001]), [at(0), at(0) + TimeDelta::milliseconds(60_001)]);
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_the_limit(
            limit in 1_u32..40, mut wishes in proptest::collection::vec(0_i64..300_000, 0..400),
        ) {
            wishes.sort_unstable();
            let told = told(limit, &wishes);
            for first in &told {
                let minute = told.iter().filter(|one| *one >= first && **one < *first + TimeDelta::minutes(1));
                prop_assert!(minute.count() <= usize::try_from(limit).unwrap());
            }
        }
    }
}
