//! Handoffs on given weekdays and times: the same minutes of every week, numbered through all time,
//! so that the turn is counted at once.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Weekday};

use crate::model::{calendar::Days, civil::midnight};

const DAY_MINUTES: u16 = 24 * 60;

/// Minutes since Monday 00:00, ascending, none twice. Empty: no handoff ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeekTimes(Vec<u16>);

impl WeekTimes {
    /// On these days at this minute of the day, and so on. Minute 1440 is the midnight that ends the day.
    pub fn new(times: impl IntoIterator<Item = (Days, u16)>) -> Self {
        let of_day = |day: Weekday, minute: u16| minute_of_week(day, minute) % (7 * DAY_MINUTES);
        let mut minutes: Vec<u16> =
            times.into_iter().flat_map(|(days, minute)| days.iter().map(move |day| of_day(day, minute))).collect();
        minutes.sort_unstable();
        minutes.dedup();
        Self(minutes)
    }

    /// The same, by time of day.
    pub fn times(&self) -> Vec<(Days, u16)> {
        let mut of_day: Vec<u16> = self.0.iter().map(|minute| minute % DAY_MINUTES).collect();
        of_day.sort_unstable();
        of_day.dedup();
        let on_days =
            |time: u16| Days::of(Days::EVERY.iter().filter(|day| self.0.contains(&minute_of_week(*day, time))));
        of_day.into_iter().map(|time| (on_days(time), time)).collect()
    }

    pub fn per_week(&self) -> usize {
        self.0.len()
    }

    /// How many have come until `civil`, since a Monday long ago.
    pub fn come(&self, civil: NaiveDateTime) -> i64 {
        let (week, day) = week_of(civil.date());
        let minute = i64::from(day) * i64::from(DAY_MINUTES) + i64::from(civil.num_seconds_from_midnight() / 60);
        let this_week = self.0.partition_point(|time| i64::from(*time) <= minute);
        week * count(self.0.len()) + count(this_week)
    }

    /// The one with this number, which is the count of those before it.
    pub fn nth(&self, number: i64) -> Option<NaiveDateTime> {
        let per_week = count(self.0.len());
        let minute = self.0.get(usize::try_from(number.checked_rem_euclid(per_week)?).ok()?)?;
        let days = number.div_euclid(per_week).checked_mul(7)?;
        let monday = epoch().checked_add_signed(TimeDelta::try_days(days)?)?;
        midnight(monday).checked_add_signed(TimeDelta::minutes(i64::from(*minute)))
    }
}

fn minute_of_week(day: Weekday, minute: u16) -> u16 {
    u16::try_from(day.num_days_from_monday()).unwrap_or_default() * DAY_MINUTES + minute
}

fn count(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// The week's number, and the day in it from 0 on Monday.
fn week_of(date: NaiveDate) -> (i64, u32) {
    (i64::from(date.num_days_from_ce() - 1).div_euclid(7), date.weekday().num_days_from_monday())
}

/// Day 1 of the common era, a Monday.
fn epoch() -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbered_through_the_weeks() {
        let times = WeekTimes::new([(Days::parse("Mon,Thu").unwrap(), 540), (Days::parse("Sun").unwrap(), 1_440)]);
        // Sunday 24:00 is Monday 00:00.
        assert_eq!(times.times(), [(Days::parse("Mon").unwrap(), 0), (Days::parse("Mon,Thu").unwrap(), 540)]);
        let first = times.come("2026-01-05T09:00:00".parse().unwrap());
        for (ahead, expected) in [
            (-2, "2026-01-05T00:00:00"),
            (-1, "2026-01-05T09:00:00"),
            (0, "2026-01-08T09:00:00"),
            (1, "2026-01-12T00:00:00"),
            (30, "2026-03-19T09:00:00"),
        ] {
            let time = times.nth(first + ahead).unwrap();
            assert_eq!(time, expected.parse().unwrap(), "{ahead}");
            assert_eq!(times.come(time), first + ahead + 1);
            assert_eq!(times.come(time - TimeDelta::seconds(1)), first + ahead);
        }
        assert_eq!(WeekTimes::new([]).nth(7), None);
    }
}
