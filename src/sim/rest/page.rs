//! Lists in pages, newest first, as Twilio hands them out: follow `next_page_uri`.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::Form;
use crate::model::Instant;

const SIZE: usize = 50;
const SIZE_MAX: usize = 1_000;

/// `items` newest first; `path` is the list's own, without a query.
pub(super) fn page(collection: &str, path: &str, query: &Form, items: Vec<Value>) -> Value {
    let number = |name: &str, default: usize| query.get(name).and_then(|value| value.parse().ok()).unwrap_or(default);
    let size = number("PageSize", SIZE).clamp(1, SIZE_MAX);
    let page = number("Page", 0);
    let total = items.len();
    let start = page.saturating_mul(size).min(total);
    let shown: Vec<Value> = items.into_iter().skip(start).take(size).collect();
    let end = start + shown.len();
    let uri = |page: usize| {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &query.0 {
            if name != "Page" && name != "PageSize" && name != "PageToken" {
                pairs.append_pair(name, value);
            }
        }
        pairs.append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        format!("{path}?{}", pairs.finish())
    };
    json!({
        collection: shown,
        "page": page,
        "page_size": size,
        "start": start,
        "end": end.saturating_sub(1),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "previous_page_uri": if page > 0 { Value::String(uri(page - 1)) } else { Value::Null },
        "next_page_uri": if end < total { Value::String(uri(page + 1)) } else { Value::Null },
    })
}

/// Whether an instant is one that `StartTime`, `StartTime>` and `StartTime<` ask for.
pub(super) fn is_within(query: &Form, name: &str, at: Option<Instant>) -> bool {
    let wanted = |suffix: &str| query.get(&format!("{name}{suffix}")).and_then(from_text);
    // `StartTime>=2026-09-01` arrives as the name `StartTime>` with the value.
    let (after, before, on) = (wanted(">"), wanted("<"), wanted(""));
    let Some(at) = at else { return after.is_none() && before.is_none() && on.is_none() };
    after.is_none_or(|(from, _)| at >= from)
        && before.is_none_or(|(_, until)| at <= until)
        && on.is_none_or(|(from, until)| (from..=until).contains(&at))
}

/// A day, or an instant of which only the second counts.
fn from_text(text: &str) -> Option<(Instant, Instant)> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        let start = day.and_hms_opt(0, 0, 0)?.and_utc();
        return Some((start, start + chrono::TimeDelta::days(1) - chrono::TimeDelta::milliseconds(1)));
    }
    let at = chrono::DateTime::parse_from_rfc3339(text)
        .or_else(|_| chrono::DateTime::parse_from_rfc2822(text))
        .ok()?
        .to_utc();
    Some((at, at + chrono::TimeDelta::milliseconds(999)))
}
