//! What an endpoint answers in a test call, to whatever a `lookup` asks it: the table `lookup` of the call, as
//! JSON. Without one no endpoint answers.

use serde_json::{Map, Value};
use toml_edit::Item;

use crate::ivr::LookupAnswer;

pub fn of(item: Option<&Item>) -> LookupAnswer {
    match item.filter(|item| item.as_bool() != Some(false)).and_then(json) {
        Some(answer) => LookupAnswer::Answered(answer),
        None => LookupAnswer::Failed("the test call has no answer for it".to_owned()),
    }
}

fn json(item: &Item) -> Option<Value> {
    if let Some(table) = item.as_table_like() {
        let field = |(name, item): (&str, &Item)| Some((name.to_owned(), json(item)?));
        return Some(Value::Object(table.iter().filter_map(field).collect::<Map<_, _>>()));
    }
    item.as_value().and_then(value)
}

fn value(given: &toml_edit::Value) -> Option<Value> {
    match given {
        toml_edit::Value::String(text) => Some(Value::from(text.value().as_str())),
        toml_edit::Value::Integer(number) => Some(Value::from(*number.value())),
        toml_edit::Value::Float(number) => Some(Value::from(*number.value())),
        toml_edit::Value::Boolean(flag) => Some(Value::from(*flag.value())),
        toml_edit::Value::Datetime(at) => Some(Value::from(at.value().to_string())),
        toml_edit::Value::Array(items) => Some(items.iter().filter_map(value).collect()),
        toml_edit::Value::InlineTable(table) => {
            let field = |(name, given): (&str, &toml_edit::Value)| Some((name.to_owned(), value(given)?));
            Some(Value::Object(table.iter().filter_map(field).collect()))
        }
    }
}
