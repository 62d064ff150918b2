//! What can be drawn of a flow's file, be it sound or not: steps with what is heard there, and exits as they
//! are written, missing ones and those that lead nowhere among them.

use toml_edit::{Item, TableLike, Value};

use super::{Book, graph::Graph};
use crate::{
    ivr::{
        draw::{Drawn, DrawnExit, Sketch},
        flow::Step,
    },
    model::source::Reader,
};

/// Where the words stand that are shown of a step.
const WORDS: [&str; 6] = ["prompt", "say", "title", "text", "questions", "number"];

/// An exit as the parser met it.
#[derive(Debug, Clone)]
pub struct Written {
    pub from: usize,
    /// `None`: it is not there, or leads to no step.
    pub to: Option<usize>,
    pub name: String,
    pub at: Option<usize>,
}

/// `read` are the steps in the order of the file, as far as they could be read.
pub(super) fn sketch(
    title: String,
    start: Option<usize>,
    steps: &Reader,
    book: &Book,
    read: &[Option<Step>],
) -> Sketch {
    let graph = book.graph.borrow();
    let drawn = steps.keys().into_iter().enumerate().map(|(index, key)| {
        let name = key.value;
        let table = steps.item(name).and_then(Item::as_table_like);
        let word = |key: &str| table.and_then(|table| table.get(key)).and_then(Item::as_str).unwrap_or_default();
        Drawn {
            name: name.to_owned(),
            kind: word("do").to_owned(),
            words: table.map_or_else(String::new, words),
            exits: exits(&graph, index, table),
            faulty: read.get(index).is_none_or(Option::is_none),
        }
    });
    Sketch { title, start, steps: drawn.collect() }
}

fn exits(graph: &Graph, step: usize, table: Option<&dyn TableLike>) -> Vec<DrawnExit> {
    let mut labels = Vec::new();
    if let Some(table) = table {
        label(table, "", &mut labels);
    }
    let drawn = |written: &Written| {
        let label = labels.iter().find(|(at, _)| written.at == Some(*at)).map(|(_, label)| label.clone());
        DrawnExit { label: label.unwrap_or_else(|| written.name.clone()), to: written.to, written_at: written.at }
    };
    let mut exits: Vec<DrawnExit> = graph.written().filter(|written| written.from == step).map(drawn).collect();
    // Options stand in the order of the telephone's keys, and before what happens without one.
    exits.sort_by_key(|exit| exit.written_at.unwrap_or(usize::MAX));
    exits.sort_by_key(|exit| ["invalid", "else", "failed", "locked"].contains(&exit.label.as_str()));
    exits
}

/// What stands beside each string that may name a step: the key itself, or what makes an entry's `to`
/// different from another's.
fn label(table: &dyn TableLike, entry: &str, labels: &mut Vec<(usize, String)>) {
    for (key, item) in table.iter() {
        let at = item.span().map(|span| span.start);
        match item {
            Item::Value(Value::String(_)) if key == "to" && !entry.is_empty() => {
                let beside = ["label", "if"].iter().find_map(|beside| table.get(beside).and_then(Item::as_str));
                let parts = [Some(entry).filter(|entry| *entry != "·"), beside];
                let text = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
                labels.extend(at.map(|at| (at, text)));
            }
            Item::Value(Value::String(_)) => labels.extend(at.map(|at| (at, key.to_owned()))),
            Item::Value(Value::Array(list)) => {
                list.iter().filter_map(Value::as_inline_table).for_each(|table| label(table, "·", labels));
            }
            Item::ArrayOfTables(tables) => tables.iter().for_each(|table| label(table, "·", labels)),
            Item::Table(_) | Item::Value(_) => {
                if let Some(table) = item.as_table_like() {
                    label(table, key, labels);
                }
            }
            Item::None => {}
        }
    }
}

/// The first words that are heard, in whatever language stands first.
fn words(table: &dyn TableLike) -> String {
    let first = |item: &Item| match item.as_table_like() {
        Some(texts) => texts.iter().find_map(|(_, item)| item.as_str().map(str::to_owned)),
        None => item.as_str().map(str::to_owned),
    };
    let found = WORDS.iter().filter_map(|key| table.get(key)).find_map(first);
    let text = found.unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("{{ ", "{").replace(" }}", "}").chars().take(160).collect()
}
