//! What spare documents may cost while no database counts: calls dialled per clock hour, per hotline and
//! altogether. Each process counts its own.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::model::{Instant, phone::Phone};

#[derive(Default)]
pub struct Meter(Mutex<Hour>);

#[derive(Default)]
struct Hour {
    hour: i64,
    all: u32,
    by_hotline: BTreeMap<Phone, u32>,
}

impl Meter {
    /// One call more. `false`: the hour's cap is reached.
    pub fn take(&self, hotline: &Phone, cap: u32, now: Instant) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now.timestamp().div_euclid(3_600);
        if counted.hour != hour {
            *counted = Hour { hour, ..Hour::default() };
        }
        let own = counted.by_hotline.get(hotline).copied().unwrap_or(0);
        if own >= cap || counted.all >= cap {
            return false;
        }
        counted.all += 1;
        counted.by_hotline.insert(hotline.clone(), own + 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_cap_nobody_is_dialled_until_the_next_hour() {
        let (meter, hotline) = (Meter::default(), "+4930901820".parse().unwrap());
        let at = |second| Instant::from_timestamp(second, 0).unwrap();
        let taken: Vec<bool> = (0..4).map(|n| meter.take(&hotline, 2, at(n))).collect();
        assert_eq!(taken, [true, true, false, false]);
        assert!(!meter.take(&"+4930901821".parse().unwrap(), 2, at(5)), "the cap is the whole house's as well");
        assert!(meter.take(&hotline, 2, at(3_600)));
        assert!(!meter.take(&hotline, 0, at(7_200)));
    }
}
