//! Schedules, policies and calendars as documents: who and when.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Document, Kind, each, parsed};
use crate::{
    declare::forms,
    escalation::{Level, Policy},
    model::{
        calendar::{Calendar, Days, WeeklyHours, minute_of_day, time_of_day},
        duration,
    },
    oncall::{Layer, Override, Schedule},
};

#[derive(Debug, Serialize, Deserialize)]
pub struct ScheduleDocument {
    zone: String,
    layers: Vec<LayerDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<OverrideDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LayerDocument {
    people: Vec<String>,
    start: String,
    every: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    only: Vec<HoursDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HoursDocument {
    days: String,
    from: String,
    to: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct OverrideDocument {
    person: String,
    from: String,
    until: String,
}

impl Document for ScheduleDocument {
    const KIND: Kind = Kind::Schedule;
    type Thing = Schedule;

    fn of(schedule: &Schedule) -> Self {
        let layer = |layer: &Layer| LayerDocument {
            people: layer.people.iter().map(ToString::to_string).collect(),
            start: forms::write_civil(layer.start),
            every: forms::write_every(layer.every),
            only: layer.only.iter().map(write_hours).collect(),
        };
        let replaced = |replaced: &Override| OverrideDocument {
            person: replaced.person.to_string(),
            from: forms::write_civil(replaced.from),
            until: forms::write_civil(replaced.until),
        };
        Self {
            zone: schedule.zone.name().to_owned(),
            layers: schedule.layers.iter().map(layer).collect(),
            overrides: schedule.overrides.iter().map(replaced).collect(),
        }
    }

    fn into_thing(self, id: &str) -> Result<Schedule, String> {
        let layer = |layer: &LayerDocument| -> Result<Layer, String> {
            Ok(Layer {
                people: each(&layer.people, parsed)?,
                start: forms::civil(&layer.start)?,
                every: forms::every(&layer.every)?,
                only: layer.only.iter().map(hours).collect::<Result<_, _>>()?,
            })
        };
        let replaced = |replaced: &OverrideDocument| -> Result<Override, String> {
            Ok(Override {
                person: parsed(&replaced.person)?,
                from: forms::civil(&replaced.from)?,
                until: forms::civil(&replaced.until)?,
            })
        };
        Ok(Schedule {
            id: parsed(id)?,
            zone: forms::zone(&self.zone)?,
            layers: self.layers.iter().map(layer).collect::<Result<_, _>>()?,
            overrides: self.overrides.iter().map(replaced).collect::<Result<_, _>>()?,
        })
    }
}

pub(super) fn write_hours(hours: &WeeklyHours) -> HoursDocument {
    HoursDocument {
        days: hours.days.to_string(),
        from: time_of_day(hours.from_minute),
        to: time_of_day(hours.to_minute),
    }
}

pub(super) fn hours(document: &HoursDocument) -> Result<WeeklyHours, String> {
    Ok(WeeklyHours {
        days: Days::parse(&document.days)?,
        from_minute: minute_of_day(&document.from)?,
        to_minute: minute_of_day(&document.to)?,
    })
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
            open: calendar.open.iter().map(write_hours).collect(),
            holidays: calendar.holidays.iter().copied().collect(),
        }
    }

    fn into_thing(self, id: &str) -> Result<Calendar, String> {
        Ok(Calendar {
            id: parsed(id)?,
            zone: forms::zone(&self.zone)?,
            open: self.open.iter().map(hours).collect::<Result<_, _>>()?,
            holidays: self.holidays.into_iter().collect(),
        })
    }
}
