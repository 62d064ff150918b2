//! Restrictions of layers: `{ days = "Mon-Fri", from = "08:00", to = "18:00" }`, between dates, by a calendar.

use chrono::NaiveDate;

use super::hours;
use crate::{
    declare::forms,
    model::{
        calendar::WeeklyHours,
        id::CalendarId,
        source::{At, Reader},
    },
    oncall::{When, Window},
};

pub fn read<'a>(entry: &Reader<'a>, key: &'a str) -> Vec<Window> {
    if entry.has(key) && entry.item(key).and_then(|item| item.as_array()).is_some_and(toml_edit::Array::is_empty) {
        entry.fault_at(key, format!("`{key}` names nothing"), "leave it out, or write { days = \"Mon-Fri\" }");
    }
    entry.tables(key, &format!("{key} entry")).into_iter().map(one).collect()
}

fn one(entry: Reader) -> Window {
    if entry.is_empty() {
        let mend = "name `days`, `from` and `to`, `first`, `last` or `calendar`";
        entry.source().fault(entry.span(), "this restricts nothing", mend);
    }
    let hours = weekly(&entry);
    let (first, last) = dates(&entry);
    let calendar = entry.parsed::<CalendarId>("calendar").map(|id| id.value);
    let when = entry.string("when").and_then(|when| entry.parse_at(when, forms::when));
    if when.is_some() && !entry.has("calendar") {
        entry.fault_at("when", "`when` belongs to a calendar", "add `calendar = \"office\"`");
    }
    let when = when.map_or(When::Open, |when| when.value);
    entry.finish();
    Window { hours, first, last, calendar: calendar.map(|calendar| (calendar, when)) }
}

fn weekly(entry: &Reader) -> Option<WeeklyHours> {
    if entry.has("from") || entry.has("to") {
        return hours::one(entry);
    }
    let days = if entry.has("days") { hours::days(entry) } else { None };
    days.map(|days| WeeklyHours { days, from_minute: 0, to_minute: 24 * 60 })
}

/// `first` and `last`, days that are both within.
pub fn dates(entry: &Reader) -> (Option<NaiveDate>, Option<NaiveDate>) {
    let date = |key: &'static str| entry.string(key).and_then(|date| entry.parse_at(date, forms::date));
    let (first, last) = (date("first"), date("last"));
    if let (Some(first), Some(At { value: last, span })) = (&first, &last)
        && *last < first.value
    {
        entry.source().fault(span.clone(), "the last day lies before the first", "write a `last` that is no earlier");
    }
    (first.map(|date| date.value), last.map(|date| date.value))
}
