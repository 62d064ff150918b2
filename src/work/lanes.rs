//! How many requests are under way at once, per channel: a provider that hangs leaves room for the others,
//! and nobody's storm fills the line in which the next P1 page must stand.
//!
//! The carrier takes so many a second. What is not P1, and what is one customer's, has half a second's worth
//! under way and no more; so whatever is urgent finds a line of a second at the most.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::model::{id::CustomerId, person::Channel};

const AT_ONCE_PER_CHANNEL: usize = 48;

pub(super) struct Lanes {
    /// Half a second's worth.
    shares: BTreeMap<Channel, usize>,
    busy: Mutex<BTreeMap<(Channel, Crowd), usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Crowd {
    All,
    Ordinary,
    Of(CustomerId),
}

/// A request is under way as long as this lives.
pub(super) struct Pass {
    lanes: Arc<Lanes>,
    crowds: Vec<(Channel, Crowd)>,
}

impl Lanes {
    /// `per_second` as far as a channel's provider limits it.
    pub fn new(per_second: impl Fn(Channel) -> Option<f64>) -> Arc<Self> {
        let share = |channel| per_second(channel).map_or(AT_ONCE_PER_CHANNEL, half_a_second);
        let shares = Channel::ALL.map(|channel| (channel, share(channel)));
        Arc::new(Self { shares: shares.into(), busy: Mutex::default() })
    }

    /// `None`: too many are under way just now.
    pub fn enter(self: &Arc<Self>, channel: Channel, urgent: bool, customer: Option<&CustomerId>) -> Option<Pass> {
        let share = self.shares.get(&channel).copied().unwrap_or(AT_ONCE_PER_CHANNEL);
        let ordinary = (!urgent).then_some(Crowd::Ordinary);
        let crowds: Vec<_> = [Some(Crowd::All), ordinary, customer.cloned().map(Crowd::Of)]
            .into_iter()
            .flatten()
            .map(|crowd| (channel, crowd))
            .collect();
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |crowd: &(Channel, Crowd)| {
            let limit = if crowd.1 == Crowd::All { AT_ONCE_PER_CHANNEL } else { share };
            busy.get(crowd).is_some_and(|count| *count >= limit)
        };
        if crowds.iter().any(is_full) {
            return None;
        }
        for crowd in &crowds {
            *busy.entry(crowd.clone()).or_default() += 1;
        }
        Some(Pass { lanes: Arc::clone(self), crowds })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to small positive numbers")]
fn half_a_second(per_second: f64) -> usize {
    (per_second / 2.0).clamp(1.0, 40.0) as usize
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut busy = self.lanes.busy.lock().unwrap_or_else(PoisonError::into_inner);
        for crowd in &self.crowds {
            match busy.get_mut(crowd) {
                Some(count) if *count > 1 => *count -= 1,
                _ => {
                    busy.remove(crowd);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(lanes: &Arc<Lanes>, urgent: bool, customer: &str) -> Option<Pass> {
        lanes.enter(Channel::Sms, urgent, Some(&customer.parse().unwrap()))
    }

    #[test]
    fn neither_ordinary_pages_nor_one_customers_storm_fill_the_line() {
        let lanes = Lanes::new(|_| Some(10.0));
        let ordinary: Vec<Pass> = (0..20).filter_map(|n| enter(&lanes, false, &format!("customer-{n}"))).collect();
        let storm: Vec<Pass> = (0..20).filter_map(|_| enter(&lanes, true, "acme")).collect();
        assert_eq!((ordinary.len(), storm.len()), (5, 5), "half a second's worth each");
        assert!(enter(&lanes, true, "globex").is_some(), "another customer's P1 goes on");
        assert!(lanes.enter(Channel::Voice, false, None).is_some(), "and so does another channel");
        drop(storm);
        assert!(enter(&lanes, true, "acme").is_some());
    }

    #[test]
    fn a_slow_carrier_has_one_of_each_under_way() {
        let lanes = Lanes::new(|_| Some(0.5));
        let first = enter(&lanes, false, "acme");
        assert!(first.is_some() && enter(&lanes, false, "globex").is_none());
        assert!(enter(&lanes, true, "globex").is_some());
    }
}
