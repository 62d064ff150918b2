//! Reads `lookup`: what an endpoint of the MSP is asked, and which vars its answer becomes.

use std::collections::BTreeMap;

use crate::{
    ivr::{
        flow::{Kind, LookupStep},
        parse::step::StepReader,
        texts::check::Sort,
    },
    model::source::At,
};

pub fn lookup(step: &StepReader<'_, '_>) -> Option<Kind> {
    let url = step.reader.need_string("url").and_then(|given| url(step, given));
    let send = send(step);
    let into = into(step);
    let next = step.exit("next");
    let failed = step.exit("failed");
    Some(Kind::Lookup(LookupStep { url: url?, send, into, next: next?, failed: failed? }))
}

/// Whom it asks is written out: no caller and no var can choose another host.
fn url(step: &StepReader<'_, '_>, given: At<String>) -> Option<String> {
    let rest = given.value.strip_prefix("https://").or_else(|| given.value.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let is_plain = |host: &str| !host.is_empty() && !host.contains(['{', '}', '@', ' ']);
    if !host.is_some_and(is_plain) {
        let mend = "write https://, the host, and only behind it {{ … }}: https://crm.example/callers/{{ caller }}";
        step.fault(given.span, format!("`url` is `{}`", given.value), mend);
        return None;
    }
    step.note_text(Sort::Text, given.clone());
    Some(given.value)
}

/// Names of facts, or a table of names and texts.
fn send(step: &StepReader<'_, '_>) -> Option<BTreeMap<String, String>> {
    if !step.reader.item("send")?.is_array() {
        return Some(step.values("send", |_| ()));
    }
    let names = step.reader.strings("send").unwrap_or_default();
    let sent = names
        .into_iter()
        .map(|name| {
            let source = format!("{{{{ {} }}}}", name.value);
            step.note_text(Sort::Text, At { value: source.clone(), span: name.span });
            (name.value, source)
        })
        .collect();
    Some(sent)
}

/// Vars and where each stands in the answer; one name or a list of them where both have the same name.
fn into(step: &StepReader<'_, '_>) -> BTreeMap<String, String> {
    let example = "add `into = { owner = \"ticket.owner\" }`: the var, and where it stands in the answer";
    let mut into = BTreeMap::new();
    let Some(item) = step.reader.item("into") else {
        step.reader.missing("into", example);
        return into;
    };
    if !item.is_table_like() {
        for name in step.reader.one_or_several("into") {
            step.sets(&name.value, name.span);
            into.insert(name.value.clone(), name.value);
        }
    } else if let Some(table) = step.reader.table("into", format!("`into` of step `{}`", step.name)) {
        for name in table.keys() {
            step.sets(name.value, name.span.clone());
            let Some(path) = table.string(name.value) else { continue };
            if path.value.split('.').any(str::is_empty) {
                step.fault(
                    path.span,
                    format!("`{}` is no place in an answer", path.value),
                    "write names with dots between",
                );
            }
            into.insert(name.value.to_owned(), path.value);
        }
    }
    if into.is_empty() && step.book.source.is_sound() {
        step.reader.fault_at("into", "the answer becomes no var", example);
    }
    into
}
