//! Times of day as patterns of a language: `{hour12}:{minute} {half}`, `{hour} h {minute}`.

use chrono::{NaiveTime, Timelike};

use super::{
    fill,
    read::{Part, blanks, no_such_blank},
};
use crate::model::source::{At, Source};

/// What callers hear; it may go to twelve.
#[derive(Debug, Clone, Copy)]
pub struct SpokenTime(&'static str);

/// What is read, and what technicians hear: around the clock.
#[derive(Debug, Clone, Copy)]
pub struct WrittenTime(&'static str);

/// How a pattern becomes a time.
pub trait Time {
    fn pattern(&self) -> &'static str;

    /// `half_day`: what the morning and the afternoon are called.
    fn say(&self, at: NaiveTime, half_day: [&str; 2]) -> String {
        let (pm, hour12) = at.hour12();
        let minute = format!("{:02}", at.minute());
        let values = [
            ("hour", at.hour().to_string()),
            ("hour2", format!("{:02}", at.hour())),
            ("hour12", hour12.to_string()),
            ("half", half_day[usize::from(pm)].to_owned()),
            ("minute", minute),
        ];
        fill(self.pattern(), &values.each_ref().map(|(name, value)| (*name, value.as_str())))
    }
}

impl Time for SpokenTime {
    fn pattern(&self) -> &'static str {
        self.0
    }
}

impl Time for WrittenTime {
    fn pattern(&self) -> &'static str {
        self.0
    }
}

impl WrittenTime {
    pub fn at(&self, at: NaiveTime) -> String {
        self.say(at, ["", ""])
    }
}

impl Part for SpokenTime {
    fn of(source: &Source, name: &str, given: At<&toml_edit::Value>, _: Option<&Self>) -> Option<Self> {
        let ways: &[&[&str]] = &[&["hour"], &["hour2"], &["hour12", "half"]];
        pattern(source, name, given, ways, "{hour}, {hour2}, or {hour12} with {half}").map(Self)
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl Part for WrittenTime {
    fn of(source: &Source, name: &str, given: At<&toml_edit::Value>, _: Option<&Self>) -> Option<Self> {
        pattern(source, name, given, &[&["hour"], &["hour2"]], "{hour} or {hour2}").map(Self)
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// A sentence with the minute, and with the hour in one of these ways.
fn pattern(
    source: &Source,
    name: &str,
    given: At<&toml_edit::Value>,
    ways: &[&[&str]],
    hours: &str,
) -> Option<&'static str> {
    let span = given.span.clone();
    let sentence = <&'static str as Part>::of(source, name, given, None)?;
    let found = blanks(sentence);
    let known: Vec<&str> = ways.iter().copied().flatten().copied().chain(["minute"]).collect();
    let mut sound = true;
    for blank in found.iter().filter(|blank| !known.contains(blank)) {
        no_such_blank(source, span.clone(), name, blank, &known);
        sound = false;
    }
    let whole = found.contains(&"minute") && ways.iter().any(|way| way.iter().all(|blank| found.contains(blank)));
    if sound && !whole {
        let mend = format!("write {{minute}}, and {hours}");
        source.fault(span, format!("`{name}` is no whole time of day"), mend);
    }
    (sound && whole).then_some(sentence)
}
