//! `{ days = "Mon-Fri", from = "08:00", to = "18:00" }`: in calendars, in layers' restrictions, and as quiet
//! hours.

use crate::model::{
    calendar::{Days, WeeklyHours, minute_of_day},
    source::Reader,
};

pub fn read<'a>(entry: &Reader<'a>, key: &'a str) -> Vec<WeeklyHours> {
    let hours = |entry: Reader| {
        let hours = one(&entry);
        entry.finish();
        hours
    };
    entry.tables(key, &format!("{key} entry")).into_iter().filter_map(hours).collect()
}

pub fn one(entry: &Reader) -> Option<WeeklyHours> {
    let days = days(entry);
    let time = |key: &'static str| entry.need_string(key).and_then(|time| entry.parse_at(time, minute_of_day));
    let (from, to) = (time("from"), time("to"));
    if let Some(from) = from.as_ref().filter(|from| from.value == 24 * 60) {
        entry.source().fault(from.span.clone(), "nothing begins at 24:00", "write 00:00, and the day after");
    }
    Some(WeeklyHours { days: days?, from_minute: from?.value, to_minute: to?.value })
}

/// Left out: every day.
pub fn days(entry: &Reader) -> Option<Days> {
    match entry.has("days") {
        true => entry.string("days").and_then(|days| entry.parse_at(days, Days::parse)).map(|days| days.value),
        false => Some(Days::EVERY),
    }
}
