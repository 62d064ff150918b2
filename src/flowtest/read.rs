//! Reads `name.test.toml`: all faults at once, each with its place and its mend.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, TimeDelta};

use super::answer;
use super::script::{Act, AlertExpectation, Answer, Entry, Expectation, Expected, Ring, TestCall, Who};
use crate::{
    escalation::connect::LegResult,
    ivr::{Attestation, Matter},
    model::{
        call::Outcome,
        fault::{Fault, did_you_mean},
        id::PersonId,
        phone::Phone,
        source::{At, Reader, Source, Span},
    },
};

/// How long a phone rings before it is answered, unless the script says.
const AFTER: TimeDelta = TimeDelta::seconds(3);

/// What one does of these an entry says at most one.
const ACTS: [&str; 9] = ["press", "say", "silence", "wait", "record", "ring", "nobody", "fails", "hang_up"];

/// The calls of a test file, in its order.
pub fn read(file: &str, text: &str) -> Result<Vec<TestCall>, Vec<Fault>> {
    let source = Source::new(file, text);
    let calls = source.parse().map(|document| {
        let root = source.root(document.as_table());
        let defaults = defaults(&root);
        let entries = root.tables("call", "call");
        if entries.is_empty() {
            root.missing("call", "add [[call]] with `name`, `at`, `from` and `script`");
        }
        let calls: Vec<_> = entries.into_iter().map(|entry| call(entry, &defaults)).collect();
        root.finish();
        calls
    });
    match calls {
        Some(calls) if source.is_sound() => Ok(calls.into_iter().flatten().collect()),
        Some(_) | None => Err(source.into_faults()),
    }
}

/// What holds for every call that does not say otherwise.
struct Defaults {
    org: Option<At<String>>,
    at: Option<DateTime<FixedOffset>>,
    to: Option<At<Phone>>,
    from: Option<Phone>,
}

fn defaults(root: &Reader) -> Defaults {
    Defaults { org: root.string("org"), at: instant(root), to: root.parsed("to"), from: caller(root) }
}

fn call(entry: Reader, defaults: &Defaults) -> Option<TestCall> {
    let name = entry.need_string("name");
    let org = entry.string("org").or_else(|| defaults.org.clone());
    if org.is_none() && !entry.has("org") {
        entry.missing("org", "add `org = \"fixtures/msp.toml\"`, the declarations that the call is played on");
    }
    let at = instant(&entry).or(defaults.at);
    if at.is_none() && !entry.has("at") {
        entry.missing("at", "add `at = \"2026-12-24T02:30:00+01:00\"`");
    }
    let to = entry.parsed("to").or_else(|| defaults.to.clone());
    let from = if entry.has("from") { caller(&entry) } else { defaults.from.clone() };
    let attestation = attestation(&entry);
    let language = entry.parsed("language").map(|language| language.value);
    let flag = |key| entry.boolean(key).is_some_and(|flag| flag.value);
    let (pins_locked, over_cap) = (flag("pins_locked"), flag("over_cap"));
    let busy = people(&entry, "busy");
    let incidents = texts(&entry, "incidents");
    let lookup = answer::of(entry.item("lookup"));
    if !entry.has("script") {
        entry.missing("script", "add `script = [ { hear = \"…\", press = \"1\" } ]`");
    }
    let script = entry.tables("script", "script entry").into_iter().filter_map(script_entry).collect();
    let mut expect = Vec::new();
    if let Some(table) = entry.table("expect", "`expect`") {
        expectations(&table, &mut expect);
        table.finish();
    }
    let line = line_of(&entry, entry.span());
    entry.finish();
    Some(TestCall {
        name: name?.value,
        line,
        org: org?,
        at: at?,
        to,
        from,
        attestation,
        language,
        pins_locked,
        busy,
        over_cap,
        incidents,
        lookup,
        script,
        expect,
    })
}

fn line_of(reader: &Reader, span: Span) -> usize {
    span.map_or(0, |span| reader.source().place(span.start).0)
}

/// In quotes, or as TOML writes an instant.
fn instant(reader: &Reader) -> Option<DateTime<FixedOffset>> {
    let item = reader.item("at")?;
    let text = match item.as_datetime() {
        Some(datetime) => At { value: datetime.to_string(), span: item.span() },
        None => reader.string("at")?,
    };
    let parse = |text: &str| {
        DateTime::parse_from_rfc3339(text)
            .map_err(|_| format!("`{text}` is no instant: write 2026-12-24T02:30:00+01:00, with the offset"))
    };
    reader.parse_at(text, parse).map(|at| at.value)
}

/// `anonymous` is a caller without a number.
fn caller(reader: &Reader) -> Option<Phone> {
    let text = reader.string("from")?;
    if text.value == "anonymous" {
        return None;
    }
    reader.parse_at(text, str::parse).map(|phone| phone.value)
}

fn attestation(entry: &Reader) -> Attestation {
    let words = [
        ("none", Attestation::NotSupplied),
        ("A", Attestation::A),
        ("B", Attestation::B),
        ("C", Attestation::C),
        ("failed", Attestation::Failed),
    ];
    word(entry, "attestation", &words).unwrap_or(Attestation::NotSupplied)
}

fn word<'a, T: Copy>(reader: &Reader<'a>, key: &'a str, words: &[(&str, T)]) -> Option<T> {
    let given = reader.string(key)?;
    let found = words.iter().find(|(word, _)| *word == given.value);
    if found.is_none() {
        no_such_word(reader, key, &given, words.iter().map(|(word, _)| *word));
    }
    found.map(|(_, value)| *value)
}

fn no_such_word<'w>(reader: &Reader, key: &str, given: &At<String>, words: impl Iterator<Item = &'w str>) {
    let words: Vec<&str> = words.collect();
    let mend =
        did_you_mean(&given.value, words.iter().copied()).unwrap_or_else(|| format!("use one of {}", words.join(", ")));
    reader.source().fault(given.span.clone(), format!("`{key}` is `{}`", given.value), mend);
}

fn people<'a>(reader: &Reader<'a>, key: &'a str) -> BTreeSet<PersonId> {
    let names = reader.strings(key).unwrap_or_default();
    names.into_iter().filter_map(|name| reader.parse_at(name, str::parse)).map(|id| id.value).collect()
}

/// One text, or several that are heard one after the other.
fn texts<'a>(reader: &Reader<'a>, key: &'a str) -> Vec<String> {
    let Some(item) = reader.item(key) else { return Vec::new() };
    let found = match item.is_array() {
        true => reader.strings(key).unwrap_or_default(),
        false => reader.string(key).into_iter().collect(),
    };
    for empty in found.iter().filter(|text| text.value.trim().is_empty()) {
        reader.source().fault(empty.span.clone(), "the text is empty", "write what is heard");
    }
    found.into_iter().map(|text| text.value).collect()
}

fn script_entry(entry: Reader) -> Option<Entry> {
    let line = line_of(&entry, entry.span());
    let (hear, not_hear) = (texts(&entry, "hear"), texts(&entry, "not_hear"));
    let bridged = entry.parsed("bridged").map(|person| person.value);
    let given: Vec<&str> = ACTS.into_iter().filter(|act| entry.has(act)).collect();
    let act = match given.as_slice() {
        [] => None,
        ["press", "ring"] => ring(&entry),
        ["record", "hang_up"] => record(&entry, true),
        [one] => act(&entry, one),
        [first, second, ..] => {
            let what = format!("the entry says both `{first}` and `{second}`");
            entry.source().fault(entry.key_span(second), what, "write one entry for each");
            None
        }
    };
    let says_nothing = given.is_empty() && hear.is_empty() && not_hear.is_empty() && bridged.is_none();
    if says_nothing && entry.is_empty() {
        entry.source().fault(entry.span(), "the entry says nothing", "write `hear`, `press`, `ring` or another");
    }
    // So that the nearest right name of a misspelt key is known.
    for key in ACTS.into_iter().chain(["answer", "after"]) {
        entry.item(key);
    }
    entry.finish();
    Some(Entry { line, hear, not_hear, bridged, act })
}

fn act(entry: &Reader, which: &str) -> Option<Act> {
    let truly = |key: &'static str, act: Act| {
        let given = entry.boolean(key)?;
        if !given.value {
            entry.source().fault(given.span, format!("`{key}` is false"), "write true, or take it out");
        }
        Some(act)
    };
    match which {
        "press" => keys(entry).map(Act::Press),
        "say" => entry.string("say").map(|words| Act::Say(words.value)),
        "silence" => truly("silence", Act::Silence),
        "wait" => entry.duration("wait").map(|time| Act::Wait(time.value)),
        "record" => record(entry, false),
        "ring" => ring(entry),
        "nobody" => truly("nobody", Act::Nobody),
        "fails" => truly("fails", Act::Fails),
        _ => truly("hang_up", Act::HangUp),
    }
}

fn record(entry: &Reader, hang_up: bool) -> Option<Act> {
    if hang_up {
        entry.boolean("hang_up");
    }
    let time = entry.duration("record")?;
    Some(Act::Record { seconds: u32::try_from(time.value.num_seconds()).unwrap_or(u32::MAX), hang_up })
}

fn keys(entry: &Reader) -> Option<String> {
    let keys = entry.string("press")?;
    let fits = !keys.value.is_empty() && keys.value.chars().all(|key| key.is_ascii_digit() || "*#".contains(key));
    if !fits {
        let what = format!("`{}` are no keys of a telephone", keys.value);
        entry.source().fault(keys.span, what, "use 0-9, * and #");
        return None;
    }
    Some(keys.value)
}

fn ring(entry: &Reader) -> Option<Act> {
    let who = entry.string("ring")?;
    let who = match who.value.starts_with('+') {
        true => Who::Outside(entry.parse_at(who, str::parse)?.value),
        false => Who::Person(entry.parse_at(who, str::parse)?.value),
    };
    let answer = answer(entry);
    let after = entry.duration("after").map_or(AFTER, |after| after.value);
    let press = if entry.has("press") { keys(entry)? } else { String::new() };
    Some(Act::Ring(Ring { who, answer, after, press }))
}

fn answer(entry: &Reader) -> Answer {
    if !entry.has("answer") {
        entry.missing("answer", "add `answer = true`, false, \"busy\", \"bad_number\" or \"failed\"");
        return Answer::No;
    }
    match entry.item("answer").and_then(toml_edit::Item::as_bool) {
        Some(true) => Answer::Yes,
        Some(false) => Answer::No,
        None => {
            let words = [
                ("busy", Answer::Ends(LegResult::Busy)),
                ("bad_number", Answer::Ends(LegResult::BadNumber)),
                ("failed", Answer::Ends(LegResult::Failed)),
            ];
            word(entry, "answer", &words).unwrap_or(Answer::No)
        }
    }
}

fn expectations(table: &Reader, expect: &mut Vec<Expected>) {
    let mut add = |key: &str, what: Option<Expectation>| {
        expect.extend(what.map(|what| Expected { line: line_of(table, table.span_of(key)), what }));
    };
    let text = |key| table.string(key).map(|text| text.value);
    let outcomes: Vec<_> = Outcome::ALL.into_iter().map(|outcome| (outcome.as_str(), outcome)).collect();
    add("ended", word(table, "ended", &outcomes).map(Expectation::Ended));
    add("language", table.parsed("language").map(|language| Expectation::Language(language.value)));
    add("category", text("category").map(Expectation::Category));
    add("priority", table.parsed("priority").map(|priority| Expectation::Priority(priority.value)));
    add("verified", table.boolean("verified").map(|flag| Expectation::Verified(flag.value)));
    add("contract", text("contract").map(Expectation::Contract));
    add("contact", text("contact").map(Expectation::Contact));
    add("step", text("step").map(Expectation::Step));
    add("voicemail", table.boolean("voicemail").map(|flag| Expectation::Voicemail(flag.value)));
    let sms = match table.item("sms").and_then(toml_edit::Item::as_bool) {
        Some(false) => Some(Expectation::NoSms),
        Some(true) | None => text("sms").map(Expectation::Sms),
    };
    add("sms", sms);
    let callback = match table.item("callback").and_then(toml_edit::Item::as_bool) {
        Some(false) => Some(Expectation::NoCallback),
        Some(true) | None => table.parsed("callback").map(|number| Expectation::Callback(number.value)),
    };
    add("callback", callback);
    add("told", table.strings("told").map(|matters| told(table, &matters)));
    if let Some(vars) = table.table("vars", "`vars`") {
        for name in vars.keys() {
            let value = vars.string(name.value);
            add("vars", value.map(|value| Expectation::Var { name: name.value.to_owned(), value: value.value }));
        }
    }
    match table.item("alert").and_then(toml_edit::Item::as_bool) {
        Some(false) => add("alert", Some(Expectation::NoAlert)),
        Some(true) => add("alert", Some(Expectation::SomeAlert)),
        None => of_alert(table, expect),
    }
}

fn told(table: &Reader, given: &[At<String>]) -> Expectation {
    let known = Matter::ALL.map(Matter::as_str);
    for matter in given.iter().filter(|matter| !known.contains(&matter.value.as_str())) {
        no_such_word(table, "told", matter, known.into_iter());
    }
    Expectation::Told(given.iter().map(|matter| matter.value.clone()).collect())
}

fn of_alert(table: &Reader, expect: &mut Vec<Expected>) {
    let Some(alert) = table.table("alert", "`alert`") else { return };
    if alert.is_empty() {
        let line = line_of(table, table.span_of("alert"));
        expect.push(Expected { line, what: Expectation::SomeAlert });
    }
    let mut add = |key: &str, what: Option<AlertExpectation>| {
        let line = line_of(&alert, alert.span_of(key));
        expect.extend(what.map(|what| Expected { line, what: Expectation::Alert(what) }));
    };
    let text = |key| alert.string(key).map(|text| text.value);
    let states = ["triggered", "acknowledged", "resolved"].map(|state| (state, state));
    add("title", text("title").map(AlertExpectation::Title));
    add("priority", alert.parsed("priority").map(|priority| AlertExpectation::Priority(priority.value)));
    add("category", text("category").map(AlertExpectation::Category));
    add("state", word(&alert, "state", &states).map(|state| AlertExpectation::State(state.to_owned())));
    add("by", text("by").map(AlertExpectation::By));
    add("policy", text("policy").map(AlertExpectation::Policy));
    add("contract", text("contract").map(AlertExpectation::Contract));
    add("contact", text("contact").map(AlertExpectation::Contact));
    add("unverified", alert.boolean("unverified").map(|flag| AlertExpectation::Unverified(flag.value)));
    add("missed", alert.boolean("missed").map(|flag| AlertExpectation::Missed(flag.value)));
    alert.finish();
}
