//! The page for people about every field of every step: the same words, defaults and forms that editors show.

use super::{Field, Form, KINDS, alert, fields::Waits, of_form};
use serde_json::Value;

const HEAD: &str = "# The fields of each step\n\nThis page is written by `UPDATE_DOCS=1 cargo test --test docs`, from \
what `pikett flow schema` tells editors; change it there. What the steps are for stands in [Flows](flows.md#the-steps).\n\n\
Defaults are written as in TOML. A field without one may be left out, unless it is *needed*. Exits name the step that \
comes next. A duration is a number with `s`, `m`, `h` or `d`; texts are one string, or one for each language.\n";

/// Markdown: a table for each kind of step, in the order of the language.
pub fn handbook() -> String {
    let mut page = HEAD.to_owned();
    for (title, waits) in [(ASKS, Waits::Asking), (RECORDS, Waits::Recording)] {
        page += &format!("\n## {title}\n\n{}", table(waits.fields()));
    }
    for (kind, says, own, waits) in KINDS {
        let also = match waits {
            Waits::Not => String::new(),
            Waits::Asking => also(ASKS),
            Waits::Recording => also(RECORDS),
        };
        page += &format!("\n## `{kind}`\n\n{says}{also}\n\n{}", table(own));
    }
    page
}

const ASKS: &str = "Steps that ask the caller";
const RECORDS: &str = "Steps that record the caller";

fn also(title: &str) -> String {
    let anchor = title.to_lowercase().replace(' ', "-");
    format!(" It takes the fields of [{}](#{anchor}) as well.", title.to_lowercase())
}

/// What is set comes first, then where it leads.
fn table(fields: &[Field]) -> String {
    let (exits, others): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(|field| matches!(field.form, Form::Exit));
    let rows = others.into_iter().chain(exits).map(rows);
    format!("| field | default | meaning |\n| --- | --- | --- |\n{}", rows.collect::<String>())
}

/// The field, and those that stand in it.
fn rows(field: &Field) -> String {
    let default = match (field.default, field.required) {
        (Some(default), _) => format!("`{default}`"),
        (None, true) => "*needed*".to_owned(),
        (None, false) => String::new(),
    };
    let exit = if matches!(field.form, Form::Exit) { "Exit: " } else { "" };
    let says = if exit.is_empty() { field.says.to_owned() } else { begun_small(field.says) };
    let mut rows = row(&format!("`{}`", field.name), &default, &format!("{exit}{says}{}", taken(field.form)));
    let within = within(field.form);
    let required = |name: &str| within["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    for (name, within) in within["properties"].as_object().into_iter().flatten() {
        let default = match within.get("default") {
            Some(default) => format!("`{default}`"),
            None if required(name) => "*needed*".to_owned(),
            None => String::new(),
        };
        let says = within["description"].as_str().unwrap_or_default();
        rows += &row(&format!("`{}` → `{name}`", field.name), &default, says);
    }
    rows
}

fn row(field: &str, default: &str, meaning: &str) -> String {
    format!("| {field} | {default} | {} |\n", meaning.replace('|', "\\|"))
}

fn begun_small(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What else can be said of what a field takes.
fn taken(form: Form) -> String {
    match form {
        Form::Word(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            format!(" {}.", words.join(" or ").replacen(" or ", ", ", words.len().saturating_sub(2)))
        }
        Form::Count(least, most) => format!(" {least} to {most}."),
        Form::Wait => " Also `\"{{ a_var }}\"`, a var of type `duration`.".to_owned(),
        Form::Priority => " `\"P1\"` to `\"P4\"`.".to_owned(),
        Form::Text
        | Form::Exit
        | Form::Line
        | Form::Flag
        | Form::Duration
        | Form::Numbers
        | Form::MenuOptions
        | Form::LanguageOptions
        | Form::Cases
        | Form::Vars
        | Form::Questions
        | Form::Send
        | Form::Into
        | Form::Alert => String::new(),
    }
}

/// The fields within a field, as the schema has them.
fn within(form: Form) -> Value {
    match form {
        Form::MenuOptions => of_form(form, "")["patternProperties"]["^[0-9*#]$"].take(),
        Form::Cases => of_form(form, "")["items"].take(),
        Form::Alert => alert(""),
        Form::Text
        | Form::Exit
        | Form::Word(_)
        | Form::Line
        | Form::Flag
        | Form::Duration
        | Form::Wait
        | Form::Count(..)
        | Form::Priority
        | Form::Numbers
        | Form::LanguageOptions
        | Form::Vars
        | Form::Questions
        | Form::Send
        | Form::Into => Value::Null,
    }
}
