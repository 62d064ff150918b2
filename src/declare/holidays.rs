//! Holidays from an iCalendar file (RFC 5545): the days of its all-day events. Yearly events repeat
//! up to a fixed year, so that the same file always means the same days.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use icalendar::{Calendar, Component, Event};

/// How far a rule without an end reaches.
const YEAR_MAX: i32 = 2075;
/// A longer event is no holiday but a mistake.
const DAYS_MAX: i64 = 400;

/// The days, or `what: mend`.
pub fn read(text: &str) -> Result<BTreeSet<NaiveDate>, String> {
    let calendar: Calendar =
        text.parse().map_err(|_| "this is no iCalendar file: export it once more as .ics".to_owned())?;
    let mut holidays = BTreeSet::new();
    let mut count = 0;
    for event in calendar.events().filter(|event| !is_cancelled(event)) {
        // Appointments at an hour are no holidays.
        let Some(first) = event.property_value("DTSTART").and_then(day) else { continue };
        count += 1;
        let length = length(event, first)?;
        for begin in begins(event, first)? {
            holidays.extend((0..length).filter_map(|ahead| begin.checked_add_days(Days::new(ahead))));
        }
    }
    if count == 0 {
        return Err("there is no all-day event in this calendar: holidays are events that last whole days".to_owned());
    }
    Ok(holidays)
}

fn is_cancelled(event: &Event) -> bool {
    event.property_value("STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED"))
}

fn title(event: &Event) -> String {
    event.property_value("SUMMARY").unwrap_or("without a title").chars().take(60).collect()
}

/// `20261225`; anything longer has an hour.
fn day(value: &str) -> Option<NaiveDate> {
    let fits = value.len() == 8 && value.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| NaiveDate::parse_from_str(value, "%Y%m%d").ok()).flatten()
}

/// In days. `DTEND` is the day after the last; without it, it is one day.
fn length(event: &Event, first: NaiveDate) -> Result<u64, String> {
    let days = match (event.property_value("DTEND"), event.property_value("DURATION")) {
        (Some(end), _) => day(end).map(|end| (end - first).num_days().max(1)),
        (None, Some(duration)) => whole_days(duration),
        (None, None) => Some(1),
    };
    days.filter(|days| (1..=DAYS_MAX).contains(days))
        .and_then(|days| u64::try_from(days).ok())
        .ok_or_else(|| format!("the event `{}` has no sound end: give it whole days, at most {DAYS_MAX}", title(event)))
}

/// `P2D`, `P1W`.
fn whole_days(duration: &str) -> Option<i64> {
    let rest = duration.strip_prefix('P')?;
    match rest.strip_suffix('D') {
        Some(days) => days.parse().ok(),
        None => rest.strip_suffix('W')?.parse::<i64>().ok()?.checked_mul(7),
    }
}

/// The days on which an event begins: its first, those of its rule, those named; without the exceptions.
fn begins(event: &Event, first: NaiveDate) -> Result<BTreeSet<NaiveDate>, String> {
    let mut begins = BTreeSet::from([first]);
    if let Some(rule) = event.property_value("RRULE") {
        let rule = Rule::parse(rule).ok_or_else(|| {
            format!(
                "the event `{}` repeats in a way that is not read here ({rule}): use yearly rules, or name its days",
                title(event)
            )
        })?;
        begins.extend(rule.days(first));
    }
    begins.extend(listed(event, "RDATE"));
    for exception in listed(event, "EXDATE") {
        begins.remove(&exception);
    }
    Ok(begins)
}

fn listed(event: &Event, key: &str) -> Vec<NaiveDate> {
    let several = event.multi_properties().get(key).into_iter().flatten();
    let values = event.properties().get(key).into_iter().chain(several);
    values.flat_map(|property| property.value().split(',').filter_map(day)).collect()
}

/// The part of RFC 5545's rules that public holidays use.
#[derive(Debug)]
struct Rule {
    interval: i32,
    count: Option<usize>,
    until: Option<NaiveDate>,
    months: Vec<u32>,
    /// Negative ones count from the month's end.
    month_days: Vec<i64>,
    /// "The fourth Thursday": of the month where months are named, else of the year; 0: each.
    weekdays: Vec<(i64, Weekday)>,
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        let (months, month_days, weekdays) = Default::default();
        let mut rule = Self { interval: 1, count: None, until: None, months, month_days, weekdays };
        let mut yearly = false;
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            match name {
                "FREQ" => yearly = value == "YEARLY",
                "INTERVAL" => rule.interval = value.parse().ok().filter(|interval| (1..=1_000).contains(interval))?,
                "COUNT" => rule.count = Some(value.parse().ok()?),
                // With an hour behind it, only the day matters.
                "UNTIL" => rule.until = Some(day(value.get(..8)?)?),
                "BYMONTH" => rule.months = value.split(',').map(|month| month.parse().ok()).collect::<Option<_>>()?,
                "BYMONTHDAY" => {
                    rule.month_days = value.split(',').map(|day| day.parse().ok()).collect::<Option<_>>()?
                }
                "BYDAY" => rule.weekdays = value.split(',').map(weekday).collect::<Option<_>>()?,
                "WKST" => {}
                _ => return None,
            }
        }
        yearly.then_some(rule)
    }

    fn days(&self, first: NaiveDate) -> Vec<NaiveDate> {
        let mut days = Vec::new();
        let mut year = first.year();
        while year <= YEAR_MAX && NaiveDate::from_ymd_opt(year, 12, 31) >= Some(first) {
            let all =
                (0..366).filter_map(|ahead| NaiveDate::from_ymd_opt(year, 1, 1)?.checked_add_days(Days::new(ahead)));
            let in_year = all.filter(|day| day.year() == year && *day >= first && self.names(*day, first));
            days.extend(in_year.filter(|day| self.until.is_none_or(|until| *day <= until)));
            year += self.interval;
        }
        // The first day counts even where the rule does not name it.
        if let Some(count) = self.count {
            let others = count.saturating_sub(usize::from(!days.contains(&first)));
            days.truncate(others);
        }
        days
    }

    fn names(&self, day: NaiveDate, first: NaiveDate) -> bool {
        let month_fits = match self.months.is_empty() {
            true => !self.month_days.is_empty() || !self.weekdays.is_empty() || day.month() == first.month(),
            false => self.months.contains(&day.month()),
        };
        let day_fits = match (self.month_days.is_empty(), self.weekdays.is_empty()) {
            (true, true) => day.day() == first.day(),
            (true, false) => true,
            (false, _) => {
                let from_end = i64::from(day.day()) - i64::from(days_in_month(day)) - 1;
                self.month_days.iter().any(|named| *named == i64::from(day.day()) || *named == from_end)
            }
        };
        let weekday_fits = self.weekdays.is_empty() || self.weekdays.iter().any(|named| self.is_nth(day, *named));
        month_fits && day_fits && weekday_fits
    }

    fn is_nth(&self, day: NaiveDate, (nth, weekday): (i64, Weekday)) -> bool {
        let (place, length) = match self.months.is_empty() {
            true => (i64::from(day.ordinal0()), if day.leap_year() { 366 } else { 365 }),
            false => (i64::from(day.day0()), i64::from(days_in_month(day))),
        };
        day.weekday() == weekday && (nth == 0 || nth == place / 7 + 1 || nth == -((length - 1 - place) / 7 + 1))
    }
}

/// `TH`, `4TH`, `-1MO`.
fn weekday(value: &str) -> Option<(i64, Weekday)> {
    let at = value.len().checked_sub(2)?;
    let weekday = match value.get(at..)? {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    };
    let nth = &value[..at];
    Some((if nth.is_empty() { 0 } else { nth.parse().ok()? }, weekday))
}

fn days_in_month(day: NaiveDate) -> u8 {
    day.num_days_in_month()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(events: &str) -> String {
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//\n{events}END:VCALENDAR\n");
        text.replace('\n', "\r\n")
    }

    fn event(lines: &str) -> String {
        format!("BEGIN:VEVENT\nUID:1@test\nDTSTAMP:20260101T000000Z\nSUMMARY:Feiertag\n{lines}END:VEVENT\n")
    }

    /// The holidays of the years 2026 to 2028.
    fn days(lines: &str) -> String {
        let holidays = read(&calendar(&event(lines))).unwrap();
        let near = holidays.iter().filter(|day| (2026..=2028).contains(&day.year()));
        near.map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn all_day_events_last_to_the_day_before_their_end() {
        assert_eq!(days("DTSTART;VALUE=DATE:20261225\n"), "2026-12-25");
        assert_eq!(days("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261227\n"), "2026-12-25 2026-12-26");
        assert_eq!(days("DTSTART;VALUE=DATE:20261225\nDURATION:P2D\n"), "2026-12-25 2026-12-26");
    }

    #[test]
    fn yearly_rules_name_the_usual_holidays() {
        let new_year = "DTSTART;VALUE=DATE:20240101\nRRULE:FREQ=YEARLY\n";
        assert_eq!(days(new_year), "2026-01-01 2027-01-01 2028-01-01");
        let thanksgiving = "DTSTART;VALUE=DATE:20241128\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\n";
        assert_eq!(days(thanksgiving), "2026-11-26 2027-11-25 2028-11-23");
        let spring = "DTSTART;VALUE=DATE:20240527\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO\n";
        assert_eq!(days(spring), "2026-05-25 2027-05-31 2028-05-29");
        let repentance =
            "DTSTART;VALUE=DATE:20241120\nRRULE:FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=16,17,18,19,20,21,22;BYDAY=WE\n";
        assert_eq!(days(repentance), "2026-11-18 2027-11-17 2028-11-22");
        let leap = "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY\n";
        assert_eq!(days(leap), "2028-02-29");
        let ended = "DTSTART;VALUE=DATE:20260501\nRRULE:FREQ=YEARLY;UNTIL=20270501\n";
        assert_eq!(days(ended), "2026-05-01 2027-05-01");
        let twice = "DTSTART;VALUE=DATE:20260501\nRRULE:FREQ=YEARLY;COUNT=2\nEXDATE;VALUE=DATE:20260501\n";
        assert_eq!(days(twice), "2027-05-01");
        let every_other = "DTSTART;VALUE=DATE:20260501\nRRULE:FREQ=YEARLY;INTERVAL=2\n";
        assert_eq!(days(every_other), "2026-05-01 2028-05-01");
    }

    #[test]
    fn what_is_no_holiday_is_passed_over_and_what_cannot_be_read_is_said() {
        let both =
            event("DTSTART;VALUE=DATE:20261225\n") + &event("DTSTART:20261224T090000Z\nDTEND:20261224T100000Z\n");
        assert_eq!(read(&calendar(&both)).unwrap().len(), 1);
        for (text, part) in [
            ("nonsense".to_owned(), "no iCalendar file"),
            (calendar(&event("DTSTART:20261224T090000Z\n")), "no all-day event"),
            (calendar(&event("DTSTART;VALUE=DATE:20261225\nSTATUS:CANCELLED\n")), "no all-day event"),
            (calendar(&event("DTSTART;VALUE=DATE:20261225\nRRULE:FREQ=WEEKLY\n")), "repeats in a way"),
            (calendar(&event("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20361225\n")), "no sound end"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(part) && error.contains(": "), "{error}");
        }
    }

    #[test]
    fn a_rule_without_an_end_ends_with_the_years_that_are_kept() {
        let forever = read(&calendar(&event("DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=YEARLY\n"))).unwrap();
        assert_eq!(forever.len(), 56);
    }
}
