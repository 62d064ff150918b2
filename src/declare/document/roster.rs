//! Layers, overrides and absences as documents.

use serde::{Deserialize, Serialize};

use super::{each, parsed, schedule::HoursDocument};
use crate::{
    declare::forms::{self, Action},
    model::{
        calendar::{Days, minute_of_day, time_of_day},
        id::PersonId,
        person::Absence,
    },
    oncall::{Advance, Change, Combine, Handoffs, Layer, Override, Roster, WeekTimes, When, Window},
};

#[derive(Debug, Serialize, Deserialize)]
pub struct RosterDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    combine: Option<String>,
    layers: Vec<LayerDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<OverrideDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LayerDocument {
    people: Vec<PlaceDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    start: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    handoffs: Vec<HandoffDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advance: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    only: Vec<WindowDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    except: Vec<WindowDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum PlaceDocument {
    One(String),
    Together(Vec<String>),
}

#[derive(Debug, Serialize, Deserialize)]
struct HandoffDocument {
    days: String,
    at: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct WindowDocument {
    #[serde(flatten)]
    hours: Option<HoursDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calendar: Option<String>,
    /// Missing: open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    when: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OverrideDocument {
    person: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instead_of: Option<String>,
    /// Missing: it replaces.
    #[serde(default, rename = "do", skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    from: String,
    until: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct AbsenceDocument {
    from: String,
    until: String,
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    substitute: Option<String>,
}

impl RosterDocument {
    pub fn of(roster: &Roster) -> Self {
        Self {
            combine: match roster.combine {
                Combine::Stack => None,
                Combine::Add => Some("add".to_owned()),
            },
            layers: roster.layers.iter().map(LayerDocument::of).collect(),
            overrides: roster.overrides.iter().map(OverrideDocument::of).collect(),
        }
    }

    pub fn into_roster(self) -> Result<Roster, String> {
        Ok(Roster {
            combine: self.combine.as_deref().map_or(Ok(Combine::Stack), forms::combine)?,
            layers: self.layers.into_iter().map(LayerDocument::into_layer).collect::<Result<_, _>>()?,
            overrides: self.overrides.iter().map(OverrideDocument::read).collect::<Result<_, _>>()?,
        })
    }
}

impl LayerDocument {
    fn of(layer: &Layer) -> Self {
        let place = |place: &Vec<PersonId>| match place.as_slice() {
            [person] => PlaceDocument::One(person.to_string()),
            several => PlaceDocument::Together(several.iter().map(ToString::to_string).collect()),
        };
        let handoff = |(days, minute): (Days, u16)| HandoffDocument { days: days.to_string(), at: time_of_day(minute) };
        let (every, handoffs) = match &layer.handoffs {
            Handoffs::Every(every) => (Some(forms::write_every(*every)), Vec::new()),
            Handoffs::Weekly(times) => (None, times.times().into_iter().map(handoff).collect()),
        };
        Self {
            people: layer.people.iter().map(place).collect(),
            zone: layer.zone.map(|zone| zone.name().to_owned()),
            start: forms::write_civil(layer.start),
            every,
            handoffs,
            advance: match layer.advance {
                Advance::Always => None,
                Advance::OnDuty => Some("on-duty".to_owned()),
            },
            only: layer.only.iter().map(WindowDocument::of).collect(),
            except: layer.except.iter().map(WindowDocument::of).collect(),
        }
    }

    fn into_layer(self) -> Result<Layer, String> {
        let place = |place: PlaceDocument| match place {
            PlaceDocument::One(person) => Ok(vec![parsed(&person)?]),
            PlaceDocument::Together(people) => each(&people, parsed),
        };
        let handoff = |handoff: &HandoffDocument| -> Result<(Days, u16), String> {
            Ok((Days::parse(&handoff.days)?, minute_of_day(&handoff.at)?))
        };
        let handoffs = match &self.every {
            Some(every) => Handoffs::Every(forms::every(every)?),
            None => {
                let times: Vec<_> = self.handoffs.iter().map(handoff).collect::<Result<_, String>>()?;
                Handoffs::Weekly(WeekTimes::new(times))
            }
        };
        Ok(Layer {
            people: self.people.into_iter().map(place).collect::<Result<_, String>>()?,
            zone: self.zone.as_deref().map(forms::zone).transpose()?,
            start: forms::civil(&self.start)?,
            handoffs,
            advance: self.advance.as_deref().map_or(Ok(Advance::Always), forms::advance)?,
            only: self.only.iter().map(WindowDocument::read).collect::<Result<_, _>>()?,
            except: self.except.iter().map(WindowDocument::read).collect::<Result<_, _>>()?,
        })
    }
}

impl WindowDocument {
    fn of(window: &Window) -> Self {
        let when = |(_, when): &(_, When)| (*when != When::Open).then(|| when.as_str().to_owned());
        Self {
            hours: window.hours.as_ref().map(HoursDocument::of),
            first: window.first.map(|date| date.to_string()),
            last: window.last.map(|date| date.to_string()),
            calendar: window.calendar.as_ref().map(|(id, _)| id.to_string()),
            when: window.calendar.as_ref().and_then(when),
        }
    }

    fn read(&self) -> Result<Window, String> {
        let when = self.when.as_deref().map_or(Ok(When::Open), forms::when)?;
        let calendar = self.calendar.as_deref().map(parsed).transpose()?;
        Ok(Window {
            hours: self.hours.as_ref().map(HoursDocument::read).transpose()?,
            first: self.first.as_deref().map(forms::date).transpose()?,
            last: self.last.as_deref().map(forms::date).transpose()?,
            calendar: calendar.map(|calendar| (calendar, when)),
        })
    }
}

impl OverrideDocument {
    fn of(given: &Override) -> Self {
        let (person, instead_of, action) = match &given.change {
            Change::Replace(person) => (person, None, None),
            Change::StandIn { person, absent } => (person, Some(absent.to_string()), None),
            Change::Add(person) => (person, None, Some("add".to_owned())),
            Change::Remove(person) => (person, None, Some("remove".to_owned())),
        };
        Self {
            person: person.to_string(),
            instead_of,
            action,
            from: forms::write_civil(given.from),
            until: forms::write_civil(given.until),
        }
    }

    fn read(&self) -> Result<Override, String> {
        let person = parsed(&self.person)?;
        let absent = self.instead_of.as_deref().map(parsed).transpose()?;
        let action = self.action.as_deref().map_or(Ok(Action::Replace), forms::action)?;
        let change = match (action, absent) {
            (Action::Replace, Some(absent)) => Change::StandIn { person, absent },
            (Action::Replace, None) => Change::Replace(person),
            (Action::Add, _) => Change::Add(person),
            (Action::Remove, _) => Change::Remove(person),
        };
        Ok(Override { change, from: forms::civil(&self.from)?, until: forms::civil(&self.until)? })
    }
}

impl AbsenceDocument {
    pub fn of(absence: &Absence) -> Self {
        Self {
            from: forms::write_civil(absence.from),
            until: forms::write_civil(absence.until),
            reason: absence.reason.as_str().to_owned(),
            substitute: absence.substitute.as_ref().map(ToString::to_string),
        }
    }

    pub fn read(&self) -> Result<Absence, String> {
        Ok(Absence {
            from: forms::civil(&self.from)?,
            until: forms::civil(&self.until)?,
            reason: forms::absence_reason(&self.reason)?,
            substitute: self.substitute.as_deref().map(parsed).transpose()?,
        })
    }
}
