//! Schedules, policies and calendars as documents: who and when.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    Document, Kind, each, parsed,
    roster::{AbsenceDocument, RosterDocument},
};
use crate::{
    declare::forms,
    escalation::{Level, Policy},
    model::{
        calendar::{Calendar, Days, WeeklyHours, minute_of_day, time_of_day},
        duration,
        id::PersonId,
        person::Absence,
    },
    oncall::{Schedule, Temporary},
};

#[derive(Debug, Serialize, Deserialize)]
pub struct ScheduleDocument {
    zone: String,
    #[serde(flatten)]
    roster: RosterDocument,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    temporary: Vec<TemporaryDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    absences: Vec<AbsentDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TemporaryDocument {
    from: String,
    until: String,
    #[serde(flatten)]
    roster: RosterDocument,
}

#[derive(Debug, Serialize, Deserialize)]
struct AbsentDocument {
    person: String,
    #[serde(flatten)]
    absence: AbsenceDocument,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct HoursDocument {
    days: String,
    from: String,
    to: String,
}

impl Document for ScheduleDocument {
    const KIND: Kind = Kind::Schedule;
    type Thing = Schedule;

    fn of(schedule: &Schedule) -> Self {
        let temporary = |temporary: &Temporary| TemporaryDocument {
            from: forms::write_civil(temporary.from),
            until: forms::write_civil(temporary.until),
            roster: RosterDocument::of(&temporary.roster),
        };
        let absent = |(person, absence): &(PersonId, Absence)| AbsentDocument {
            person: person.to_string(),
            absence: AbsenceDocument::of(absence),
        };
        Self {
            zone: schedule.zone.name().to_owned(),
            roster: RosterDocument::of(&schedule.roster),
            temporary: schedule.temporary.iter().map(temporary).collect(),
            absences: schedule.absences.iter().map(absent).collect(),
        }
    }

    fn into_thing(self, id: &str) -> Result<Schedule, String> {
        let temporary = |temporary: TemporaryDocument| -> Result<Temporary, String> {
            Ok(Temporary {
                from: forms::civil(&temporary.from)?,
                until: forms::civil(&temporary.until)?,
                roster: temporary.roster.into_roster()?,
            })
        };
        let absent = |absent: &AbsentDocument| -> Result<(PersonId, Absence), String> {
            Ok((parsed(&absent.person)?, absent.absence.read()?))
        };
        Ok(Schedule {
            id: parsed(id)?,
            zone: forms::zone(&self.zone)?,
            roster: self.roster.into_roster()?,
            temporary: self.temporary.into_iter().map(temporary).collect::<Result<_, _>>()?,
            absences: self.absences.iter().map(absent).collect::<Result<_, _>>()?,
        })
    }
}

impl HoursDocument {
    pub fn of(hours: &WeeklyHours) -> Self {
        Self { days: hours.days.to_string(), from: time_of_day(hours.from_minute), to: time_of_day(hours.to_minute) }
    }

    pub fn read(&self) -> Result<WeeklyHours, String> {
        Ok(WeeklyHours {
            days: Days::parse(&self.days)?,
            from_minute: minute_of_day(&self.from)?,
            to_minute: minute_of_day(&self.to)?,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct PolicyDocument {
    repeat: u32,
    levels: Vec<LevelDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fallback: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LevelDocument {
    notify: Vec<String>,
    ack_within: String,
}

impl Document for PolicyDocument {
    const KIND: Kind = Kind::Policy;
    type Thing = Policy;

    fn of(policy: &Policy) -> Self {
        let level = |level: &Level| LevelDocument {
            notify: level.notify.iter().map(ToString::to_string).collect(),
            ack_within: duration::write(level.ack_within),
        };
        Self {
            repeat: policy.repeat,
            levels: policy.levels.iter().map(level).collect(),
            fallback: policy.fallback.iter().map(ToString::to_string).collect(),
        }
    }

    fn into_thing(self, id: &str) -> Result<Policy, String> {
        let level = |level: &LevelDocument| -> Result<Level, String> {
            Ok(Level { notify: each(&level.notify, parsed)?, ack_within: duration::parse(&level.ack_within)? })
        };
        Ok(Policy {
            id: parsed(id)?,
            levels: self.levels.iter().map(level).collect::<Result<_, _>>()?,
            repeat: self.repeat,
            fallback: each(&self.fallback, parsed)?,
        })
    }
}

/// Holidays are days here, wherever they came from.
#[derive(Debug, Serialize, Deserialize)]
pub struct CalendarDocument {
    zone: String,
    open: Vec<HoursDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holidays: Vec<NaiveDate>,
}

impl Document for CalendarDocument {
    const KIND: Kind = Kind::Calendar;
    type Thing = Calendar;

    fn of(calendar: &Calendar) -> Self {
        Self {
            zone: calendar.zone.name().to_owned(),
            open: calendar.open.iter().map(HoursDocument::of).collect(),
            holidays: calendar.holidays.iter().copied().collect(),
        }
    }

    fn into_thing(self, id: &str) -> Result<Calendar, String> {
        Ok(Calendar {
            id: parsed(id)?,
            zone: forms::zone(&self.zone)?,
            open: self.open.iter().map(HoursDocument::read).collect::<Result<_, _>>()?,
            holidays: self.holidays.into_iter().collect(),
        })
    }
}
