//! `[[schedules]]`: rosters of layers and overrides, temporary ones, absences.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;

use super::{absences, layers};
use crate::{
    declare::forms,
    model::{
        id::{PersonId, ScheduleId},
        source::{At, Reader},
    },
    oncall::{Change, Combine, Override, Roster, Schedule, Temporary},
};

pub fn read(entry: &Reader) -> Option<Schedule> {
    let id = entry.need_parsed::<ScheduleId>("id");
    let zone = entry.need_string("zone").and_then(|zone| entry.parse_at(zone, forms::zone));
    let roster = roster(entry);
    if roster.layers.is_empty() && roster.overrides.is_empty() {
        let mend = "add [[schedules.layers]] with `people`, `start` and `every`";
        entry.fault_at("layers", "there is nobody in this schedule", mend);
    }
    let temporary = entry.tables("temporary", "temporary schedule").into_iter().map(temporary).collect();
    let absences = absences::read(entry, |absence| Some(absence.need_parsed::<PersonId>("person")?.value));
    let zone = zone.map_or(Tz::UTC, |zone| zone.value);
    Some(Schedule { id: id?.value, zone, roster, temporary, absences })
}

fn roster(entry: &Reader) -> Roster {
    let combine = entry.string("combine").and_then(|combine| entry.parse_at(combine, forms::combine));
    let layers = entry.tables("layers", "layer").into_iter().map(layers::read).collect();
    let overrides = entry.tables("overrides", "override").into_iter().map(replaced).collect();
    Roster { combine: combine.map_or(Combine::Stack, |combine| combine.value), layers, overrides }
}

fn temporary(entry: Reader) -> Temporary {
    let (from, until) = stretch(&entry, "temporary schedule");
    let roster = roster(&entry);
    if roster.layers.is_empty() {
        let mend = "add [[schedules.temporary.layers]]: while it lasts, neither the other layers nor overrides count";
        entry.fault_at("layers", "there is nobody in this temporary schedule", mend);
    }
    entry.finish();
    Temporary { from, until, roster }
}

fn replaced(entry: Reader) -> Override {
    let person = entry.need_parsed::<PersonId>("person");
    let absent = entry.parsed::<PersonId>("instead_of");
    let action = entry.string("do").and_then(|action| entry.parse_at(action, forms::action));
    let action = action.map_or(forms::Action::Replace, |action| action.value);
    if let Some(absent) = &absent {
        if person.as_ref().is_some_and(|person| person.value == absent.value) {
            let what = format!("`{}` would stand in for themselves", absent.value);
            entry.source().fault(absent.span.clone(), what, "name whom `person` replaces");
        }
        match action {
            forms::Action::Replace => {}
            forms::Action::Add | forms::Action::Remove => {
                let mend = "leave out `do`: the person then comes whenever the other would be on call";
                entry.source().fault(absent.span.clone(), "`instead_of` replaces one person by another", mend);
            }
        }
    }
    let (from, until) = stretch(&entry, "override");
    entry.finish();
    let person = person.map_or_else(nobody, |person| person.value);
    let change = match (action, absent) {
        (forms::Action::Replace, Some(absent)) => Change::StandIn { person, absent: absent.value },
        (forms::Action::Replace, None) => Change::Replace(person),
        (forms::Action::Add, _) => Change::Add(person),
        (forms::Action::Remove, _) => Change::Remove(person),
    };
    Override { change, from, until }
}

/// `from` and `until`, civil times.
pub fn stretch(entry: &Reader, what: &str) -> (NaiveDateTime, NaiveDateTime) {
    let (from, until) = (civil(entry, "from"), civil(entry, "until"));
    if let (Some(from), Some(until)) = (&from, &until)
        && until.value <= from.value
    {
        let what = format!("this {what} ends before it begins");
        entry.source().fault(until.span.clone(), what, "write an `until` that is later than `from`");
    }
    let time = |time: Option<At<NaiveDateTime>>| time.map_or_else(some_time, |time| time.value);
    (time(from), time(until))
}

pub fn civil<'a>(entry: &Reader<'a>, key: &'a str) -> Option<At<NaiveDateTime>> {
    if !entry.has(key) {
        entry.missing(key, &format!("add `{key} = \"2026-01-05T09:00\"`"));
    }
    entry.string(key).and_then(|time| entry.parse_at(time, forms::civil))
}

/// A stand-in.
pub fn some_time() -> NaiveDateTime {
    NaiveDate::MIN.and_time(NaiveTime::MIN)
}

/// A stand-in that `check` passes over.
pub fn nobody() -> PersonId {
    super::STAND_IN.parse().expect("it is a plain word")
}
