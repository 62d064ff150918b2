//! The form of flow files as JSON Schema (2020-12), from which editors complete and check them: every field
//! of every step with what it means, its words and its default. Whether this and the parser say the same is
//! tested both ways.

mod fields;
mod handbook;

use serde_json::{Map, Value, json};

use fields::{Field, Form, KINDS, QUESTIONS};
pub use handbook::handbook;

/// An exit that a kind of step has; `options` and `cases` stand for each of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeclaredExit {
    pub kind: &'static str,
    pub name: &'static str,
    /// One that may be left out has a default.
    pub required: bool,
}

/// The schema as a document.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://pikett.example/flow.schema.json",
        "title": "A flow of Pikett",
        "description": "The script of a hotline: what a caller hears, may press or say, and where each answer leads.",
        "type": "object",
        "additionalProperties": false,
        "required": ["id", "languages", "start", "steps"],
        "properties": {
            "id": { "type": "string", "pattern": "^[a-z0-9._-]{1,64}$", "description": "How hotlines name the flow." },
            "title": { "type": "string", "description": "How people call it." },
            "languages": {
                "type": "array", "minItems": 1, "uniqueItems": true, "items": { "type": "string" },
                "description": "Such as de, en, de-CH. The first is the default."
            },
            "start": exit("The step at which calls begin."),
            "abandoned": {
                "type": "object", "additionalProperties": false,
                "description": "Who hangs up past the step `after` leaves a missed-call alert.",
                "properties": { "after": exit("Without it everybody does."), "priority": priority("P3 unless said.") }
            },
            "max_seconds_to_human": {
                "type": "integer", "minimum": 1, "maximum": 3600,
                "description": "How long a caller may listen and answer, at the most, until somebody is rung."
            },
            "voices": {
                "type": "object", "additionalProperties": { "type": "string" },
                "description": "Language → voice of the carrier."
            },
            "vars": {
                "type": "object",
                "description": "What a hotline may set; a var without default must be set.",
                "additionalProperties": {
                    "type": "object", "additionalProperties": false,
                    "properties": {
                        "default": { "type": ["string", "integer"] },
                        "type": { "enum": ["text", "duration", "number", "phone"], "default": "text" }
                    }
                }
            },
            "steps": {
                "type": "object", "maxProperties": 500,
                "description": "Name → step.",
                "additionalProperties": { "$ref": "#/$defs/step" }
            }
        },
        "$defs": { "step": step() }
    })
}

/// Every exit of every kind of step.
pub fn exits() -> impl Iterator<Item = DeclaredExit> {
    KINDS.iter().flat_map(|(kind, _, fields, _)| {
        let leads_on = |field: &&Field| matches!(field.form, Form::Exit | Form::MenuOptions | Form::Cases);
        fields.iter().filter(leads_on).map(|field| DeclaredExit { kind, name: field.name, required: field.required })
    })
}

/// Each kind of step with its own fields, so that an editor offers those and no others.
fn step() -> Value {
    let kinds: Vec<&str> = KINDS.iter().map(|(kind, ..)| *kind).collect();
    let branches = KINDS.iter().map(|(kind, says, own, waits)| {
        let mut properties = Map::new();
        properties.insert("do".to_owned(), json!({ "const": kind, "description": says }));
        for field in own.iter().chain(waits.fields()) {
            properties.insert(field.name.to_owned(), of_field(field));
        }
        let needed = own.iter().filter(|field| field.required).map(|field| field.name);
        let required: Vec<&str> = ["do"].into_iter().chain(needed).collect();
        json!({
            "if": { "properties": { "do": { "const": kind } }, "required": ["do"] },
            "then": { "additionalProperties": false, "properties": properties, "required": required }
        })
    });
    json!({
        "type": "object",
        "required": ["do"],
        "properties": { "do": { "enum": kinds, "description": "What the step does." } },
        "allOf": branches.collect::<Vec<_>>()
    })
}

fn of_field(field: &Field) -> Value {
    let mut value = of_form(field.form, field.says);
    if let (Some(default), Some(object)) = (field.default, value.as_object_mut()) {
        let default = serde_json::from_str(default).expect("defaults are written as JSON");
        object.insert("default".to_owned(), default);
    }
    value
}

fn of_form(form: Form, says: &str) -> Value {
    match form {
        Form::Text => json!({
            "description": says,
            "anyOf": [ { "type": "string" }, { "type": "object", "additionalProperties": { "type": "string" } } ]
        }),
        Form::Exit => exit(says),
        Form::Word(words) => json!({ "description": says, "enum": words }),
        Form::Line => json!({ "description": says, "type": "string" }),
        Form::Flag => json!({ "description": says, "type": "boolean" }),
        Form::Duration => json!({ "description": says, "type": "string", "pattern": "^[0-9]{1,9}[smhd]$" }),
        Form::Wait => json!({
            "description": says, "type": "string", "pattern": "^([0-9]{1,9}[smhd]|\\{\\{ *[A-Za-z0-9_]+ *\\}\\})$"
        }),
        Form::Count(least, most) => {
            json!({ "description": says, "type": "integer", "minimum": least, "maximum": most })
        }
        Form::Priority => priority(says),
        Form::Numbers => json!({
            "description": says, "type": "array", "items": { "type": "string", "pattern": "^\\+[0-9]*\\*?$" }
        }),
        Form::MenuOptions => menu_options(says),
        Form::LanguageOptions => by_key(says, &json!({ "type": "string" })),
        Form::Cases => json!({
            "description": says, "type": "array", "minItems": 1,
            "items": {
                "type": "object", "additionalProperties": false, "required": ["if", "to"],
                "properties": {
                    "if": { "type": "string", "description": "Such as priority == 'P1'." },
                    "to": exit("Where it leads when it is true.")
                }
            }
        }),
        Form::Vars => json!({
            "description": says, "type": "object", "additionalProperties": { "type": ["string", "integer", "boolean"] }
        }),
        Form::Questions => json!({
            "description": says,
            "anyOf": [
                { "type": "array", "minItems": 1, "items": { "enum": QUESTIONS } },
                {
                    "type": "object", "minProperties": 1, "propertyNames": { "enum": QUESTIONS },
                    "additionalProperties": {
                        "anyOf": [ { "type": "string" }, { "type": "object", "additionalProperties": { "type": "string" } } ]
                    }
                }
            ]
        }),
        Form::Send | Form::Into => {
            let mut forms = vec![
                json!({ "type": "array", "items": { "type": "string" } }),
                json!({ "type": "object", "additionalProperties": { "type": ["string", "integer", "boolean"] } }),
            ];
            if matches!(form, Form::Into) {
                forms.push(json!({ "type": "string" }));
            }
            json!({ "description": says, "anyOf": forms })
        }
        Form::Alert => alert(says),
    }
}

fn exit(says: &str) -> Value {
    json!({ "description": says, "type": "string", "minLength": 1, "maxLength": 64 })
}

fn priority(says: &str) -> Value {
    json!({ "description": says, "enum": ["P1", "P2", "P3", "P4"] })
}

fn by_key(says: &str, choice: &Value) -> Value {
    json!({
        "description": says, "type": "object", "minProperties": 1, "additionalProperties": false,
        "patternProperties": { "^[0-9*#]$": choice }
    })
}

fn menu_options(says: &str) -> Value {
    let words = json!({ "type": "array", "items": { "type": "string" } });
    let choice = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "label": { "type": "string", "description": "How people call the choice." },
            "category": { "type": "string", "description": "Becomes the call's." },
            "priority": priority("Becomes the call's."),
            "speech": {
                "description": "Words that choose it, for all languages or for each.",
                "anyOf": [ words, { "type": "object", "additionalProperties": words } ]
            },
            "to": exit("Where it leads."),
            "repeat": { "type": "boolean", "description": "Says the prompt again, instead of leading on." }
        }
    });
    by_key(says, &choice)
}

/// The same fields as those of the step `alert`.
fn alert(says: &str) -> Value {
    let of_step = KINDS.iter().find(|(kind, ..)| *kind == "alert").map_or(&[][..], |(_, _, fields, _)| *fields);
    let fields = of_step.iter().filter(|field| !["next", "ack_on_connect"].contains(&field.name));
    let properties: Map<String, Value> = fields.map(|field| (field.name.to_owned(), of_field(field))).collect();
    json!({ "description": says, "type": "object", "additionalProperties": false, "properties": properties })
}

#[cfg(test)]
mod tests;
