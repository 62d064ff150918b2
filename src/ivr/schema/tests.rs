//! The schema and the parser say the same: what one takes, the other takes.

use std::collections::BTreeSet;

use super::*;
use crate::ivr::{STEP_KINDS, parse};

const SHIPPED: [&str; 7] = [
    include_str!("../../../ivr-flows/intake-five-w.toml"),
    include_str!("../../../ivr-flows/overflow-to-partner.toml"),
    include_str!("../../../ivr-flows/major-outage.toml"),
    include_str!("../../../ivr-flows/after-hours-only.toml"),
    include_str!("../../../ivr-flows/bilingual-triage.toml"),
    include_str!("../../../ivr-flows/sla-hotline.toml"),
    include_str!("../../../ivr-flows/voicemail-only.toml"),
];

/// What the parser takes in a step of this kind, from what it says to an unknown key.
fn taken_by_parser(kind: &str) -> BTreeSet<String> {
    let text = format!("id = 'f'\nlanguages = ['en']\nstart = 'a'\n[steps.a]\ndo = '{kind}'\nqqqqqqqqqqqq = 1\n");
    let faults = parse("test.toml", &text).unwrap_err();
    let unknown = faults.iter().find(|fault| fault.what.contains("`qqqqqqqqqqqq`")).unwrap();
    let taken = unknown.mend.strip_prefix("step `a` takes ").unwrap_or_else(|| panic!("{}", unknown.mend));
    taken.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn branch<'a>(schema: &'a Value, kind: &str) -> &'a Value {
    let branches = schema["$defs"]["step"]["allOf"].as_array().unwrap();
    let found = branches.iter().find(|branch| branch["if"]["properties"]["do"]["const"] == kind);
    &found.unwrap_or_else(|| panic!("the schema lacks {kind}"))["then"]
}

#[test]
fn every_field_that_the_parser_takes_stands_in_the_schema_and_no_other() {
    let schema = schema();
    for kind in STEP_KINDS {
        let known: BTreeSet<String> =
            branch(&schema, kind)["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(known, taken_by_parser(kind), "step {kind}");
    }
    assert_eq!(KINDS.len(), STEP_KINDS.len());
}

#[test]
fn what_the_schema_requires_the_parser_misses() {
    let schema = schema();
    for kind in STEP_KINDS {
        let text = format!("id = 'f'\nlanguages = ['en']\nstart = 'a'\n[steps.a]\ndo = '{kind}'\n");
        let missed: BTreeSet<String> = match parse("test.toml", &text) {
            Ok(_) => BTreeSet::new(),
            Err(faults) => {
                let missing = faults.iter().filter_map(|fault| fault.what.strip_prefix("step `a` has no `"));
                missing.map(|rest| rest.trim_end_matches('`').to_owned()).collect()
            }
        };
        for name in branch(&schema, kind)["required"].as_array().unwrap() {
            let name = name.as_str().unwrap();
            assert!(name == "do" || missed.contains(name), "{kind}: the parser does without `{name}`");
        }
    }
}

#[test]
fn the_shipped_flows_are_of_this_form() {
    let schema = schema();
    for text in SHIPPED {
        let document: toml_edit::DocumentMut = text.parse().unwrap();
        let value = as_json(document.as_item());
        let mut wrong = Vec::new();
        judge(&schema, &schema, &value, "", &mut wrong);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn what_is_of_another_form_is_seen() {
    let schema = schema();
    let flow = |step: Value| json!({ "id": "f", "languages": ["en"], "start": "a", "steps": { "a": step } });
    for step in [
        json!({ "do": "menu", "options": {}, "invalid": "a" }),
        json!({ "do": "connect", "connected": "a", "nobody": "a", "accept": "nod" }),
        json!({ "do": "connect", "connected": "a" }),
        json!({ "do": "hangup", "sya": "Goodbye." }),
        json!({ "do": "pause", "for": 5, "next": "a" }),
        json!({ "do": "dance" }),
    ] {
        let mut wrong = Vec::new();
        judge(&schema, &schema, &flow(step.clone()), "", &mut wrong);
        assert!(!wrong.is_empty(), "{step}");
    }
}

fn as_json(item: &toml_edit::Item) -> Value {
    if let Some(table) = item.as_table_like() {
        return table.iter().map(|(key, item)| (key.to_owned(), as_json(item))).collect::<Map<_, _>>().into();
    }
    match item.as_value() {
        Some(toml_edit::Value::String(text)) => text.value().as_str().into(),
        Some(toml_edit::Value::Integer(number)) => (*number.value()).into(),
        Some(toml_edit::Value::Boolean(flag)) => (*flag.value()).into(),
        Some(toml_edit::Value::Array(list)) => {
            list.iter().map(|value| as_json(&toml_edit::Item::Value(value.clone()))).collect::<Vec<_>>().into()
        }
        other => panic!("flows have no {other:?}"),
    }
}

/// The part of JSON Schema that we use.
fn judge(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return judge(root, root.pointer(reference.trim_start_matches('#')).unwrap(), value, at, wrong);
    }
    let fits = |schema: &Value| {
        let mut wrong = Vec::new();
        judge(root, schema, value, at, &mut wrong);
        wrong.is_empty()
    };
    let mut say = |what: String| wrong.push(format!("{at}: {what}"));
    let is_type = |word: &Value| match word.as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    };
    let types = &schema["type"];
    if !types.is_null() && !types.as_array().map_or_else(|| is_type(types), |types| types.iter().any(is_type)) {
        say(format!("{value} is not of type {types}"));
    }
    if schema["const"].is_string() && schema["const"] != *value {
        say(format!("{value} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        say(format!("{value} is none of {}", schema["enum"]));
    }
    if schema["anyOf"].as_array().is_some_and(|any| !any.iter().any(fits)) {
        say(format!("{value} is of no form that is taken"));
    }
    let Some(object) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            say(format!("{name} is missing"));
        }
    }
    if schema["minProperties"].as_u64().is_some_and(|least| (object.len() as u64) < least) {
        say("it is empty".to_owned());
    }
    for (name, value) in object {
        let at = format!("{at}/{name}");
        let by_pattern = schema["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
        let is_key = name.len() == 1 && name.chars().all(|key| key.is_ascii_digit() || "*#".contains(key));
        let rest = &schema["additionalProperties"];
        match (schema["properties"].get(name), by_pattern.filter(|_| is_key)) {
            (Some(own), _) | (None, Some(own)) => judge(root, own, value, &at, wrong),
            (None, None) if *rest == Value::Bool(false) => wrong.push(format!("{at} is unknown")),
            (None, None) if rest.is_object() => judge(root, rest, value, &at, wrong),
            (None, None) => {}
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        if fits(&part["if"]) {
            judge(root, &part["then"], value, at, wrong);
        }
    }
}
