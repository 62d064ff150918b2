//! What a schedule says. All times are civil; what they mean at an instant is `who`'s answer.

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;

use crate::model::{
    calendar::WeeklyHours,
    id::{CalendarId, PersonId, ScheduleId},
    person::Absence,
};

pub use super::week::WeekTimes;

#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub id: ScheduleId,
    pub zone: Tz,
    pub roster: Roster,
    /// Of two at once the one declared last counts.
    pub temporary: Vec<Temporary>,
    /// Civil times in the schedule's zone. They count before those that the person has.
    pub absences: Vec<(PersonId, Absence)>,
}

/// Layers, and overrides on top of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Roster {
    pub combine: Combine,
    pub layers: Vec<Layer>,
    pub overrides: Vec<Override>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Combine {
    /// The last layer with somebody wins.
    #[default]
    Stack,
    /// Everybody whom any layer has.
    Add,
}

/// A rotation. Its civil times are those of its zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// In turn; a place is one person, or several who are on call together. No place is empty.
    pub people: Vec<Vec<PersonId>>,
    /// `None`: the schedule's.
    pub zone: Option<Tz>,
    /// The first handoff.
    pub start: NaiveDateTime,
    pub handoffs: Handoffs,
    pub advance: Advance,
    /// Any of these; empty: always.
    pub only: Vec<Window>,
    /// None of these.
    pub except: Vec<Window>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handoffs {
    Every(Every),
    Weekly(WeekTimes),
}

/// Hours are elapsed time; days, weeks and months are civil. The count is from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    Hours(u32),
    Days(u32),
    Weeks(u32),
    Months(u32),
}

/// What a handoff does while restrictions keep the layer silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Advance {
    /// The rotation goes on.
    #[default]
    Always,
    /// The turn goes on, to the next handoff with a day of duty behind it (`duty_days`). Of no
    /// effect where the handoffs come by hours, which know no days.
    OnDuty,
}

/// A restriction: all that it names must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// `None`: at any time of any day.
    pub hours: Option<WeeklyHours>,
    /// The first and the last day, both within; of the day on which hours begin.
    pub first: Option<NaiveDate>,
    pub last: Option<NaiveDate>,
    pub calendar: Option<(CalendarId, When)>,
}

/// When a calendar says so, by its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Open,
    /// Holidays among it.
    Closed,
    Holiday,
}

/// For a while, civil times in the schedule's zone; `until` is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub change: Change,
    pub from: NaiveDateTime,
    pub until: NaiveDateTime,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This person instead of everybody.
    Replace(PersonId),
    /// `person` whenever it would be `absent`.
    StandIn { person: PersonId, absent: PersonId },
    /// This person as well.
    Add(PersonId),
    /// Not this person; nobody covers.
    Remove(PersonId),
}

/// Replaces layers and overrides for a while, civil times in the schedule's zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Temporary {
    pub from: NaiveDateTime,
    pub until: NaiveDateTime,
    pub roster: Roster,
}

impl Schedule {
    /// The usual one first.
    pub fn rosters(&self) -> impl Iterator<Item = &Roster> {
        std::iter::once(&self.roster).chain(self.temporary.iter().map(|temporary| &temporary.roster))
    }
}

impl Layer {
    /// One after the other, each for a week, without restrictions.
    pub fn weekly(people: Vec<PersonId>, start: NaiveDateTime) -> Self {
        Self {
            people: people.into_iter().map(|person| vec![person]).collect(),
            zone: None,
            start,
            handoffs: Handoffs::Every(Every::Weeks(1)),
            advance: Advance::Always,
            only: Vec::new(),
            except: Vec::new(),
        }
    }
}

impl Roster {
    /// Everybody whom it could put on call; one may come twice.
    pub fn people(&self) -> impl Iterator<Item = &PersonId> {
        let layers = self.layers.iter().flat_map(|layer| layer.people.iter().flatten());
        layers.chain(self.overrides.iter().filter_map(|given| given.change.brings()))
    }
}

impl Change {
    /// Whom it puts on call.
    pub fn brings(&self) -> Option<&PersonId> {
        match self {
            Self::Replace(person) | Self::Add(person) | Self::StandIn { person, .. } => Some(person),
            Self::Remove(_) => None,
        }
    }

    /// Whom it takes off.
    pub fn takes(&self) -> Option<&PersonId> {
        match self {
            Self::StandIn { absent: person, .. } | Self::Remove(person) => Some(person),
            Self::Replace(_) | Self::Add(_) => None,
        }
    }
}

impl When {
    pub const ALL: [Self; 3] = [Self::Open, Self::Closed, Self::Holiday];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Holiday => "holiday",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|when| when.as_str() == name)
    }
}
