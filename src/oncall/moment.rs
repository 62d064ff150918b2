//! An instant on the wall clocks of all zones that a schedule knows, and the next instant at which
//! anything that was looked at may be another.

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use crate::model::{Instant, civil};

pub struct Moment {
    pub at: Instant,
    clocks: Vec<Clock>,
    next: Option<Instant>,
}

/// What a zone's wall clock has reached, and the next time on it that matters: civil times stay
/// civil until the soonest is known, since each conversion asks the zone's table.
struct Clock {
    zone: Tz,
    civil: NaiveDateTime,
    next: Option<NaiveDateTime>,
}

impl Moment {
    pub fn new(at: Instant) -> Self {
        Self { at, clocks: Vec::with_capacity(2), next: None }
    }

    pub fn civil(&mut self, zone: Tz) -> NaiveDateTime {
        self.clock(zone).civil
    }

    /// Something may change when this time comes.
    pub fn change_at(&mut self, zone: Tz, time: impl IntoIterator<Item = NaiveDateTime>) {
        let clock = self.clock(zone);
        clock.next = clock.next.into_iter().chain(time).min();
    }

    pub fn change_at_instant(&mut self, at: Option<Instant>) {
        self.next = self.next.into_iter().chain(at).min();
    }

    /// Whether the stretch holds this moment; notes where that ends or begins.
    pub fn is_within(&mut self, zone: Tz, from: NaiveDateTime, until: NaiveDateTime) -> bool {
        let civil = self.civil(zone);
        if until <= civil || until <= from {
            return false;
        }
        let begun = from <= civil;
        self.change_at(zone, [if begun { until } else { from }]);
        begun
    }

    /// When something may change.
    pub fn next(&self) -> Option<Instant> {
        let civil = self.clocks.iter().filter_map(|clock| Some(civil::instant(clock.zone, clock.next?)));
        civil.chain(self.next).min()
    }

    fn clock(&mut self, zone: Tz) -> &mut Clock {
        let known = self.clocks.iter().position(|clock| clock.zone == zone);
        let place = known.unwrap_or_else(|| {
            self.clocks.push(Clock { zone, civil: civil::reached(zone, self.at), next: None });
            self.clocks.len() - 1
        });
        &mut self.clocks[place]
    }
}
