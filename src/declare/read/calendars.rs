//! `[[calendars]]`: weekly hours and holidays, by date or from an iCalendar file.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{Outside, hours};
use crate::{
    declare::{document::ALWAYS, forms, holidays},
    model::{
        calendar::Calendar,
        id::CalendarId,
        source::{At, Reader},
    },
};

pub fn read(entry: &Reader, outside: &Outside) -> Option<Calendar> {
    let id = entry.need_parsed::<CalendarId>("id").filter(|id| {
        if id.value.as_str() == ALWAYS {
            let what = "a calendar cannot be called `always`: contracts mean round the clock by it";
            entry.source().fault(id.span.clone(), what, "give it another id");
        }
        id.value.as_str() != ALWAYS
    });
    let zone = entry.need_string("zone").and_then(|zone| entry.parse_at(zone, forms::zone));
    let open = hours::read(entry, "open");
    if entry.item("open").is_none_or(|open| open.as_array().is_some_and(toml_edit::Array::is_empty)) {
        let mend = "add `open = [ { days = \"Mon-Fri\", from = \"08:00\", to = \"18:00\" } ]`";
        entry.fault_at("open", "this calendar never opens", mend);
    }
    let mut holidays = BTreeSet::new();
    for given in entry.strings("holidays").unwrap_or_default() {
        if given.value.starts_with("file:") {
            holidays.extend(from_file(entry, given, outside));
        } else {
            holidays.extend(entry.parse_at(given, forms::date).map(|date| date.value));
        }
    }
    if let Some(At { value, span }) = entry.string("holidays_ics") {
        let value = if value.starts_with("file:") { value } else { format!("file:{value}") };
        holidays.extend(from_file(entry, At { value, span }, outside));
    }
    Some(Calendar { id: id?.value, zone: zone.map_or(Tz::UTC, |zone| zone.value), open, holidays })
}

fn from_file(entry: &Reader, reference: At<String>, outside: &Outside) -> BTreeSet<NaiveDate> {
    let name = entry.source().file();
    let read = |reference: &str| holidays::read(&(outside.file)(name, reference)?);
    entry.parse_at(reference, read).map(|days| days.value).unwrap_or_default()
}
