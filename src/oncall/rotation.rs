//! Handoffs, numbered from 0 at the start. The number is computed at once, so a rotation of ten
//! years costs what one of a day costs.

use chrono::{Datelike, Months, NaiveDateTime, TimeDelta};

use super::{Every, Handoffs, Layer};
use crate::model::Instant;

/// The handoffs of a layer whose times are civil.
#[derive(Clone, Copy)]
pub struct Rotation<'a> {
    start: NaiveDateTime,
    steps: Steps<'a>,
}

#[derive(Clone, Copy)]
enum Steps<'a> {
    Days(i64),
    Months(i64),
    Weekly(&'a super::WeekTimes),
}

impl<'a> Rotation<'a> {
    /// `None`: the handoffs come by hours.
    pub fn of(layer: &'a Layer) -> Option<Self> {
        let steps = match &layer.handoffs {
            Handoffs::Every(Every::Hours(_)) => return None,
            Handoffs::Every(Every::Days(days)) => Steps::Days(i64::from((*days).max(1))),
            Handoffs::Every(Every::Weeks(weeks)) => Steps::Days(7 * i64::from((*weeks).max(1))),
            Handoffs::Every(Every::Months(months)) => Steps::Months(i64::from((*months).max(1))),
            Handoffs::Weekly(times) => Steps::Weekly(times),
        };
        Some(Self { start: layer.start, steps })
    }

    /// The number of the latest handoff that has come.
    pub fn number(self, civil: NaiveDateTime) -> i64 {
        match self.steps {
            Steps::Days(days) => turns_in(civil - self.start, TimeDelta::days(days)),
            Steps::Weekly(times) => times.come(civil) - times.come(self.start),
            Steps::Months(months) => {
                let month = |time: NaiveDateTime| i64::from(time.year()) * 12 + i64::from(time.month0());
                let latest = (month(civil) - month(self.start)).div_euclid(months);
                // In the month of a handoff, the handoff itself may still be ahead.
                if self.handoff(latest).is_some_and(|handoff| handoff <= civil) { latest } else { latest - 1 }
            }
        }
    }

    /// `None`: beyond the calendar's end, or there is none.
    pub fn handoff(self, number: i64) -> Option<NaiveDateTime> {
        if number == 0 {
            return Some(self.start);
        }
        match self.steps {
            Steps::Days(days) => {
                let elapsed = number.checked_mul(days).and_then(TimeDelta::try_days)?;
                self.start.checked_add_signed(elapsed)
            }
            Steps::Weekly(times) => times.nth(times.come(self.start).checked_add(number - 1)?),
            // Counted from the start each time, so a short month does not pull later ones forward.
            Steps::Months(months) => {
                let months = u32::try_from(number.checked_mul(months)?).ok()?;
                self.start.checked_add_months(Months::new(months))
            }
        }
    }

    /// Whether each day has one handoff, and each stretch one day.
    pub fn is_daily(self) -> bool {
        match self.steps {
            Steps::Days(days) => days == 1,
            Steps::Months(_) | Steps::Weekly(_) => false,
        }
    }

    /// After how many handoffs the weekdays come round again; `None`: each stretch is longer than a week.
    pub fn cycle(self) -> Option<i64> {
        match self.steps {
            Steps::Months(_) => None,
            Steps::Days(days) if days % 7 == 0 => None,
            Steps::Days(_) => Some(7),
            Steps::Weekly(times) => i64::try_from(times.per_week()).ok().filter(|per_week| *per_week > 0),
        }
    }
}

/// By hours, which are elapsed time: the number, and when the next one comes.
pub fn by_hours(start: Instant, every: u32, at: Instant) -> (i64, Option<Instant>) {
    let every = i64::from(every.max(1));
    let number = turns_in(at - start, TimeDelta::hours(every));
    let next = (number + 1).checked_mul(every).and_then(TimeDelta::try_hours);
    (number, next.and_then(|elapsed| start.checked_add_signed(elapsed)))
}

fn turns_in(elapsed: TimeDelta, every: TimeDelta) -> i64 {
    elapsed.num_seconds().div_euclid(every.num_seconds())
}
