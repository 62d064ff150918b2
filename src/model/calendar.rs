//! Weekly hours and holidays in a zone, in civil time. What they mean at an instant is the answer of
//! `sla::coverage` and of `oncall`.
//!
//! Holidays are whole civil days, from midnight to midnight, and beat the hours. Hours over midnight
//! belong to the day on which they begin: the night that begins on a holiday stays closed to its end,
//! and the night before a holiday ends at midnight.

use std::{collections::BTreeSet, fmt};

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Weekday};
use chrono_tz::Tz;

use super::{civil, id::CalendarId};

#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    pub id: CalendarId,
    pub zone: Tz,
    pub open: Vec<WeeklyHours>,
    pub holidays: BTreeSet<NaiveDate>,
}

impl Calendar {
    pub fn state(&self, civil: NaiveDateTime) -> CoverageState {
        let is_holiday = |time: NaiveDateTime| self.holidays.contains(&time.date());
        if is_holiday(civil) {
            return CoverageState::Holiday;
        }
        let mut spans = civil::spans_around(&self.open, civil);
        let open = spans.any(|(from, to)| from <= civil && civil < to && !is_holiday(from));
        if open { CoverageState::Open } else { CoverageState::Closed }
    }

    /// Where hours or a holiday begin or end next.
    pub fn next_edge(&self, civil: NaiveDateTime) -> Option<NaiveDateTime> {
        civil::next_boundary(&self.open, civil).into_iter().chain(self.next_holiday_edge(civil)).min()
    }

    /// Where a holiday begins or ends next.
    pub fn next_holiday_edge(&self, civil: NaiveDateTime) -> Option<NaiveDateTime> {
        let edges = |day: &NaiveDate| [Some(civil::midnight(*day)), day.succ_opt().map(civil::midnight)];
        self.holidays.range(civil.date()..).flat_map(edges).flatten().find(|edge| *edge > civil)
    }
}

/// Where an instant stands in a calendar's hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoverageState {
    Open,
    Closed,
    Holiday,
}

/// "On these weekdays, from – to", in civil time. Minutes since midnight; `to` may be 1440 (`24:00`).
/// `to <= from` runs over midnight and belongs to the weekday on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeeklyHours {
    pub days: Days,
    pub from_minute: u16,
    pub to_minute: u16,
}

impl WeeklyHours {
    /// The span that begins on this date, if one does; its end is not part of it.
    pub fn on(&self, date: NaiveDate) -> Option<(NaiveDateTime, NaiveDateTime)> {
        if !self.days.contains(date.weekday()) {
            return None;
        }
        let (from, to) = (i64::from(self.from_minute), i64::from(self.to_minute));
        let to = if to <= from { to + 24 * 60 } else { to };
        let time = |minute| civil::midnight(date).checked_add_signed(TimeDelta::minutes(minute));
        Some((time(from)?, time(to)?))
    }

    /// Whether it takes the days on which it begins as a whole.
    pub fn is_round_the_clock(&self) -> bool {
        self.from_minute == 0 && (self.to_minute == 0 || self.to_minute == 24 * 60)
    }
}

/// A set of weekdays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Days(u8);

const NAMES: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Mon),
    ("Tue", Weekday::Tue),
    ("Wed", Weekday::Wed),
    ("Thu", Weekday::Thu),
    ("Fri", Weekday::Fri),
    ("Sat", Weekday::Sat),
    ("Sun", Weekday::Sun),
];

impl Days {
    pub const EVERY: Self = Self(0b111_1111);

    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        NAMES.into_iter().map(|(_, day)| day).filter(move |day| self.contains(*day))
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn of(days: impl IntoIterator<Item = Weekday>) -> Self {
        Self(days.into_iter().fold(0, |set, day| set | 1 << day.num_days_from_monday()))
    }

    pub fn contains(self, day: Weekday) -> bool {
        self.0 & (1 << day.num_days_from_monday()) != 0
    }

    /// `Mon-Fri`, `Sat,Sun`, `Fri-Mon` (over the week's end), `Mon,Wed-Thu`.
    pub fn parse(given: &str) -> Result<Self, String> {
        let error = || format!("`{given}` names no weekdays: write Mon-Fri, or Sat,Sun, or daily");
        if given == "daily" {
            return Ok(Self::EVERY);
        }
        let number = |name: &str| {
            NAMES
                .iter()
                .find(|(short, _)| *short == name.trim())
                .map(|(_, day)| day.num_days_from_monday())
                .ok_or_else(error)
        };
        let mut set = 0;
        for part in given.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(part)?, number(part)?),
            };
            let mut day = first;
            set |= 1 << day;
            while day != last {
                day = (day + 1) % 7;
                set |= 1 << day;
            }
        }
        Ok(Self(set))
    }
}

/// As `Days::parse` reads it: `Mon,Tue`, or `daily`.
impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::EVERY {
            return f.write_str("daily");
        }
        let names: Vec<&str> = NAMES.iter().filter(|(_, day)| self.contains(*day)).map(|(name, _)| *name).collect();
        f.write_str(&names.join(","))
    }
}

/// `08:00` → 480; `24:00` → 1440.
pub fn minute_of_day(given: &str) -> Result<u16, String> {
    let error = || format!("`{given}` is no time of day: write 08:00, from 00:00 to 24:00");
    let (hours, minutes) = given.split_once(':').ok_or_else(error)?;
    let two = |text: &str| {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u16>().ok())
            .flatten()
            .ok_or_else(error)
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    if minutes > 59 || hours * 60 + minutes > 1_440 { Err(error()) } else { Ok(hours * 60 + minutes) }
}

/// 480 → `08:00`.
pub fn time_of_day(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_read_back_as_they_are_written() {
        for days in ["Mon,Tue", "Sun", "daily", "Fri,Sat,Sun"] {
            assert_eq!(Days::parse(days).unwrap().to_string(), days);
        }
        for time in ["00:00", "08:05", "24:00"] {
            assert_eq!(time_of_day(minute_of_day(time).unwrap()), time);
        }
    }

    #[test]
    fn days_may_run_over_the_weekend() {
        let days = Days::parse("Fri-Mon").unwrap();
        for (name, day) in NAMES {
            assert_eq!(days.contains(day), matches!(name, "Fri" | "Sat" | "Sun" | "Mon"), "{name}");
        }
        assert_eq!(Days::parse("Mon,Tue,Wed,Thu,Fri,Sat,Sun"), Ok(Days::EVERY));
        assert!(Days::parse("Mo").is_err());
    }

    #[test]
    fn a_day_ends_at_24_00() {
        assert_eq!(minute_of_day("24:00"), Ok(1_440));
        assert_eq!(minute_of_day("00:00"), Ok(0));
        for bad in ["24:01", "8:00", "08:60", "0800", "aa:bb", "+8:00"] {
            assert!(minute_of_day(bad).is_err(), "{bad}");
        }
    }
}
