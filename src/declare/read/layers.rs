//! `[[schedules.layers]]`: whose turn it is, when it is handed over, and what restricts it.

use toml_edit::Value;

use super::{
    hours,
    schedules::{self, civil, some_time},
    windows,
};
use crate::{
    declare::forms,
    model::{
        calendar::{Days, minute_of_day},
        id::PersonId,
        source::{At, Reader},
    },
    oncall::{Advance, Every, Handoffs, Layer, WeekTimes},
};

pub fn read(entry: Reader) -> Layer {
    let people = people(&entry);
    let zone = entry.string("zone").and_then(|zone| entry.parse_at(zone, forms::zone));
    let start = civil(&entry, "start").map_or_else(some_time, |start| start.value);
    let handoffs = handoffs(&entry, people.len());
    let advance = entry.string("advance").and_then(|advance| entry.parse_at(advance, forms::advance));
    let advance = advance.map_or(Advance::Always, |advance| advance.value);
    if let (Advance::OnDuty, Handoffs::Every(Every::Hours(_))) = (advance, &handoffs) {
        let what = "a rotation by hours cannot wait for days of duty";
        let mend = "write the times: `handoffs = [ { at = \"08:00\" }, { at = \"20:00\" } ]`";
        entry.fault_at("advance", what, mend);
    }
    let (only, except) = (windows::read(&entry, "only"), windows::read(&entry, "except"));
    entry.finish();
    Layer { people, zone: zone.map(|zone| zone.value), start, handoffs, advance, only, except }
}

/// `["anna", ["ben", "cem"]]`
fn people(entry: &Reader) -> Vec<Vec<PersonId>> {
    let item = entry.item("people");
    let Some(places) = item.and_then(|item| item.as_array()) else {
        match item {
            None => nobody(entry),
            Some(_) => entry.fault_at("people", "`people` is no list", "write `people = [\"anna\", \"ben\"]`"),
        }
        return Vec::new();
    };
    if places.is_empty() {
        nobody(entry);
    }
    let person = |value: &Value| match value.as_str() {
        Some(text) => entry.parse_at(At { value: text.to_owned(), span: value.span() }, str::parse::<PersonId>),
        None => {
            entry.source().fault(value.span(), "an entry of `people` is no string", "write it in quotes");
            None
        }
    };
    let stand_in = |value: &Value| person(value).unwrap_or(At { value: schedules::nobody(), span: value.span() });
    let place = |value: &Value| {
        let Some(group) = value.as_array() else { return vec![stand_in(value).value] };
        if group.is_empty() {
            entry.source().fault(value.span(), "there is nobody in this group", "name them, or take it out");
        }
        let members: Vec<At<PersonId>> = group.iter().map(stand_in).collect();
        super::no_twins(entry, &members);
        members.into_iter().map(|member| member.value).collect()
    };
    places.iter().map(place).collect()
}

fn nobody(entry: &Reader) {
    let mend = "name them: `people = [\"anna\", \"ben\"]`";
    entry.fault_at("people", "there is nobody in this layer", mend);
}

fn handoffs(entry: &Reader, people: usize) -> Handoffs {
    let every = entry.string("every");
    if entry.has("handoffs") {
        if let Some(every) = every {
            let what = "there are both `every` and `handoffs`";
            entry.source().fault(every.span, what, "keep one: handoffs come at intervals, or on weekdays and times");
        }
        return Handoffs::Weekly(weekly(entry));
    }
    if every.is_none() && people > 1 && !entry.has("every") {
        entry.missing("every", "add `every = \"1 week\"`, or `handoffs = [ { days = \"Mon\", at = \"09:00\" } ]`");
    }
    let every = every.and_then(|every| entry.parse_at(every, forms::every));
    // With one person the length of a turn changes nothing.
    Handoffs::Every(every.map_or(Every::Weeks(1), |every| every.value))
}

fn weekly(entry: &Reader) -> WeekTimes {
    let entries = entry.tables("handoffs", "handoff");
    if entries.is_empty() && entry.item("handoffs").is_some_and(|item| item.as_array().is_some()) {
        let mend = "add one, `{ days = \"Mon\", at = \"09:00\" }`, or write `every`";
        entry.fault_at("handoffs", "this layer is never handed over", mend);
    }
    let time = |entry: Reader| -> Option<(Days, u16)> {
        let days = hours::days(&entry);
        let at = entry.need_string("at").and_then(|at| entry.parse_at(at, minute_of_day));
        entry.finish();
        Some((days?, at?.value))
    };
    WeekTimes::new(entries.into_iter().filter_map(time))
}
