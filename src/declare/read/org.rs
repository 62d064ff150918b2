//! `[org]` and `[limits]`.

use super::parsed_list;
use crate::{
    declare::{
        countries, forms,
        org::{LimitsDocument, OrgDocument},
    },
    model::{duration, id::PolicyId, source::Reader},
};

const COUNT_MAX: i64 = 1_000_000;

pub fn org(entry: &Reader) -> OrgDocument {
    let name = entry.has("name").then(|| super::name(entry, None));
    if !entry.has("name") {
        let _ = entry.item("name");
    }
    let shift_notice = entry.string("shift_notice").and_then(|lead| entry.parse_at(lead, forms::shift_notice));
    OrgDocument {
        name,
        policy: entry.parsed::<PolicyId>("policy").map(|policy| policy.value.to_string()),
        shift_notice: shift_notice.map(|lead| duration::write(lead.value)),
    }
}

pub fn limits(entry: &Reader) -> LimitsDocument {
    let countries = parsed_list(entry, "countries", countries::code);
    let count = |key: &'static str| {
        let given = entry.integer(key, 0..=COUNT_MAX)?;
        u32::try_from(given.value).ok()
    };
    LimitsDocument {
        countries: countries.map(|list| list.into_iter().map(|country| country.value).collect()),
        calls_per_hour: count("calls_per_hour"),
        sms_per_hour: count("sms_per_hour"),
        calls_per_day: count("calls_per_day"),
        sms_per_day: count("sms_per_day"),
        number_calls_per_hour: count("number_calls_per_hour"),
        number_calls_per_day: count("number_calls_per_day"),
        number_sms_per_hour: count("number_sms_per_hour"),
        number_sms_per_day: count("number_sms_per_day"),
        sudden_per_hour: count("sudden_per_hour"),
        pages_per_minute: count("pages_per_minute"),
        page_calls_per_minute: count("page_calls_per_minute"),
    }
}
