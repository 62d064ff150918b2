//! `absences`, of a person and of a schedule: `{ first = "2026-08-03", last = "2026-08-14", reason =
//! "holiday", substitute = "ben" }`, or by the hour with `from` and `until`.

use chrono::NaiveDateTime;

use super::{
    schedules::{nobody, some_time, stretch},
    windows::dates,
};
use crate::{
    declare::forms,
    model::{
        civil::midnight,
        id::PersonId,
        person::{Absence, AbsenceReason},
        source::Reader,
    },
};

/// `absent` says whose absence an entry is, where that is known.
pub fn read<'a>(entry: &Reader<'a>, absent: impl Fn(&Reader<'a>) -> Option<PersonId>) -> Vec<(PersonId, Absence)> {
    let one = |entry: Reader<'a>| {
        let absent = absent(&entry);
        let absence = one(&entry, absent.as_ref());
        entry.finish();
        (absent.unwrap_or_else(nobody), absence)
    };
    entry.tables("absences", "absence").into_iter().map(one).collect()
}

fn one(entry: &Reader, absent: Option<&PersonId>) -> Absence {
    let reason = entry.string("reason").and_then(|reason| entry.parse_at(reason, forms::absence_reason));
    let substitute = entry.parsed::<PersonId>("substitute");
    if let Some(substitute) = substitute.as_ref().filter(|substitute| Some(&substitute.value) == absent) {
        let what = "nobody can be their own substitute";
        let mend = "name somebody else, or leave it out: then the next in the rotation comes";
        entry.source().fault(substitute.span.clone(), what, mend);
    }
    let (from, until) = when(entry).unwrap_or((some_time(), some_time()));
    Absence {
        from,
        until,
        reason: reason.map_or(AbsenceReason::Other, |reason| reason.value),
        substitute: substitute.map(|substitute| substitute.value),
    }
}

fn when(entry: &Reader) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let by_days = entry.has("first") || entry.has("last");
    if !by_days {
        return Some(stretch(entry, "absence"));
    }
    if let Some(key) = ["from", "until"].into_iter().find(|key| entry.has(key)) {
        let _ = entry.item(key);
        let what = format!("there are both days and `{key}`");
        entry.fault_at(key, what, "write `first` and `last` for whole days, or `from` and `until`");
    }
    let (first, last) = dates(entry);
    for key in ["first", "last"].into_iter().filter(|key| !entry.has(key)) {
        entry.missing(key, &format!("add `{key} = \"2026-08-14\"`: it is within the absence"));
    }
    Some((midnight(first?), midnight(last?.succ_opt()?)))
}
