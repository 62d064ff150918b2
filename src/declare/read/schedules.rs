//! `[[schedules]]`: layers, restrictions, overrides.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;

use super::{hours, parsed_list};
use crate::{
    declare::forms,
    model::{
        id::{PersonId, ScheduleId},
        source::{At, Reader},
    },
    oncall::{Every, Layer, Override, Schedule},
};

pub fn read(entry: &Reader) -> Option<Schedule> {
    let id = entry.need_parsed::<ScheduleId>("id");
    let zone = entry.need_string("zone").and_then(|zone| entry.parse_at(zone, forms::zone));
    let layers: Vec<Layer> = entry.tables("layers", "layer").into_iter().map(layer).collect();
    let overrides: Vec<Override> = entry.tables("overrides", "override").into_iter().map(replaced).collect();
    if layers.is_empty() && overrides.is_empty() {
        let mend = "add [[schedules.layers]] with `people`, `start` and `every`";
        entry.fault_at("layers", "there is nobody in this schedule", mend);
    }
    Some(Schedule { id: id?.value, zone: zone.map_or(Tz::UTC, |zone| zone.value), layers, overrides })
}

fn layer(entry: Reader) -> Layer {
    let people = parsed_list(&entry, "people", str::parse::<PersonId>);
    if people.as_ref().is_none_or(Vec::is_empty) && !is_faulty_list(&entry) {
        let mend = "name them: `people = [\"anna\", \"ben\"]`";
        entry.fault_at("people", "there is nobody in this layer", mend);
    }
    let people: Vec<PersonId> = people.unwrap_or_default().into_iter().map(|person| person.value).collect();
    let start = civil(&entry, "start");
    let every = match entry.string("every") {
        Some(every) => entry.parse_at(every, forms::every).map(|every| every.value),
        None => {
            if people.len() > 1 && !entry.has("every") {
                entry.missing("every", "add `every = \"1 week\"`");
            }
            None
        }
    };
    let only = hours::read(&entry, "only");
    entry.finish();
    let start = start.map_or_else(some_time, |start| start.value);
    // With one person the length of a turn changes nothing.
    Layer { people, start, every: every.unwrap_or(Every::Weeks(1)), only }
}

/// Whether `people` holds something that has been complained about already.
fn is_faulty_list(entry: &Reader) -> bool {
    entry.item("people").is_some_and(|people| people.as_array().is_none_or(|people| !people.is_empty()))
}

fn replaced(entry: Reader) -> Override {
    let person = entry.need_parsed::<PersonId>("person");
    let (from, until) = (civil(&entry, "from"), civil(&entry, "until"));
    if let (Some(from), Some(until)) = (&from, &until)
        && until.value <= from.value
    {
        let what = "this override ends before it begins";
        entry.source().fault(until.span.clone(), what, "write an `until` that is later than `from`");
    }
    entry.finish();
    let time = |time: Option<At<NaiveDateTime>>| time.map_or_else(some_time, |time| time.value);
    Override { person: person.map_or_else(nobody, |person| person.value), from: time(from), until: time(until) }
}

fn civil<'a>(entry: &Reader<'a>, key: &'a str) -> Option<At<NaiveDateTime>> {
    if !entry.has(key) {
        entry.missing(key, &format!("add `{key} = \"2026-01-05T09:00\"`"));
    }
    entry.string(key).and_then(|time| entry.parse_at(time, forms::civil))
}

/// A stand-in.
fn some_time() -> NaiveDateTime {
    NaiveDate::MIN.and_time(NaiveTime::MIN)
}

/// A stand-in that `check` passes over.
fn nobody() -> PersonId {
    super::STAND_IN.parse().expect("it is a plain word")
}
