//! Which kinds of steps there are, and who reads each. A new kind is a line in `KINDS`, an arm in
//! `read`, a variant of `Kind`, and what it does in `run`.

mod ask;
mod calling;
mod collect;
mod decide;
mod reach;
mod talk;
mod tell;

pub use tell::WITHIN_MAX_S;
use toml_edit::{Item, Value};

use super::step::StepReader;
use crate::{ivr::flow::Kind, model::fault::did_you_mean};

/// What a step may do.
pub const KINDS: [&str; 19] = [
    "say",
    "pause",
    "language",
    "hours",
    "caller",
    "pin",
    "menu",
    "collect",
    "when",
    "set",
    "alert",
    "connect",
    "voicemail",
    "notice",
    "callback",
    "sms",
    "forward",
    "flow",
    "hangup",
];

/// Part of the language, but not of this version.
const NOT_YET: [&str; 2] = ["intake", "lookup"];

pub fn read(step: StepReader<'_, '_>) -> Option<Kind> {
    let Some(word) = step.reader.need_string("do") else {
        unreadable(&step);
        return None;
    };
    {
        let mut graph = step.book.graph.borrow_mut();
        match word.value.as_str() {
            "language" | "menu" | "pin" | "collect" => graph.asks(step.id),
            "connect" | "forward" | "hangup" => graph.ends(step.id),
            "voicemail" => {
                graph.asks(step.id);
                graph.ends(step.id);
            }
            _ => {}
        }
    }
    let kind = match word.value.as_str() {
        "say" => talk::say(&step),
        "pause" => talk::pause(&step),
        "hangup" => talk::hangup(&step),
        "language" => ask::language(&step),
        "menu" => ask::menu(&step),
        "pin" => ask::pin(&step),
        "caller" => ask::caller(&step),
        "collect" => collect::collect(&step),
        "hours" => decide::hours(&step),
        "when" => decide::when(&step),
        "set" => decide::set(&step),
        "alert" => reach::alert(&step),
        "connect" => reach::connect(&step),
        "voicemail" => reach::voicemail(&step),
        "notice" => tell::notice(&step),
        "callback" => tell::callback(&step),
        "sms" => reach::sms(&step),
        "forward" => reach::forward(&step),
        "flow" => calling::flow(&step),
        other => {
            if NOT_YET.contains(&other) {
                let mend = format!("use another step for now: there are {}", KINDS.join(", "));
                step.fault(word.span, format!("the step `{other}` is known, but not there yet"), mend);
            } else {
                let mend = did_you_mean(other, KINDS.into_iter().chain(NOT_YET))
                    .unwrap_or_else(|| format!("steps are {}", KINDS.join(", ")));
                step.fault(word.span, format!("there is no step `{other}`"), mend);
            }
            unreadable(&step);
            return None;
        }
    };
    step.reader.finish();
    kind
}

/// Whatever it names as a step may be where it leads: so its faults do not spread to other steps.
fn unreadable(step: &StepReader<'_, '_>) {
    let mut graph = step.book.graph.borrow_mut();
    graph.asks(step.id);
    graph.ends(step.id);
    let mut words = Vec::new();
    for key in step.reader.keys() {
        if let Some(item) = step.reader.item(key.value) {
            collect_words(item, &mut words);
        }
    }
    for to in words.iter().filter_map(|word| step.book.names.get(word)) {
        graph.exit(step.id, *to);
        graph.write(step.id, Some(*to), "", None);
    }
}

fn collect_words(item: &Item, words: &mut Vec<String>) {
    if let Some(word) = item.as_str() {
        words.push(word.to_owned());
    } else if let Some(table) = item.as_table_like() {
        table.iter().for_each(|(_, item)| collect_words(item, words));
    } else if let Some(Value::Array(list)) = item.as_value() {
        list.iter().for_each(|value| collect_words(&Item::Value(value.clone()), words));
    }
}
