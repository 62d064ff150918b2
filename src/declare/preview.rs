//! What another version of a flow changes for each hotline that runs it: the same template with each
//! hotline's own vars in it, before and after.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{Item, TableLike, Value};

use super::fit::{self, Misfit};
use crate::{
    ivr::Flow,
    model::{contract::Hotline, phone::Phone},
};

/// Longer values are cut in the middle of a sentence of ours.
const SHOWN_MAX: usize = 90;

/// One hotline, and what its callers would notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    pub number: Phone,
    /// `+ step notice`, `- step pin`, `~ step hello: say.de "…" → "…"`; empty: nothing.
    pub changes: Vec<String>,
    /// Its vars do not fit: with these the version cannot be put into force.
    pub misfits: Vec<Misfit>,
}

/// `before` is the text of the version in force, `after` that of `flow`.
pub fn preview<'a>(
    before: Option<&str>,
    after: &str,
    flow: &Flow,
    hotlines: impl IntoIterator<Item = &'a Hotline>,
) -> Vec<Preview> {
    let (before, after) = (Template::read(before.unwrap_or_default()), Template::read(after));
    let of_flow = hotlines.into_iter().filter(|hotline| hotline.flow == flow.id);
    of_flow
        .map(|hotline| Preview {
            number: hotline.number.clone(),
            changes: changes(&before.filled(&hotline.vars), &after.filled(&hotline.vars)),
            misfits: fit::misfits(&hotline.vars, flow),
        })
        .collect()
}

/// A flow's text, taken apart.
#[derive(Default)]
struct Template {
    /// Defaults.
    vars: BTreeMap<String, String>,
    /// Step, or `""` for the flow's own keys → key → value.
    parts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Template {
    fn read(text: &str) -> Self {
        let Ok(document) = text.parse::<toml_edit::DocumentMut>() else { return Self::default() };
        let mut template = Self::default();
        for (key, item) in document.iter() {
            match (key, item.as_table_like()) {
                ("steps", Some(steps)) => {
                    for (step, item) in steps.iter() {
                        template.add(step, "", item);
                    }
                }
                ("vars", Some(vars)) => template.vars = defaults(vars),
                _ => template.add("", key, item),
            }
        }
        template
    }

    fn add(&mut self, part: &str, key: &str, item: &Item) {
        let inside = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
        if let Some(table) = item.as_table_like() {
            for (name, item) in table.iter() {
                self.add(part, &inside(name), item);
            }
        } else if let Some(value) = item.as_value() {
            self.parts.entry(part.to_owned()).or_default().insert(key.to_owned(), shown(value));
        }
    }

    /// As this hotline's callers get it.
    fn filled(&self, given: &BTreeMap<String, String>) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut vars = self.vars.clone();
        vars.extend(given.iter().filter(|(name, _)| self.vars.contains_key(*name)).map(owned));
        let fill = |values: &BTreeMap<String, String>| {
            values.iter().map(|(key, value)| (key.clone(), filled(value, &vars))).collect()
        };
        self.parts.iter().map(|(part, values)| (part.clone(), fill(values))).collect()
    }
}

fn owned((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

fn defaults(vars: &dyn TableLike) -> BTreeMap<String, String> {
    let default =
        |item: &Item| item.as_table_like().and_then(|table| table.get("default")).and_then(Item::as_value).map(shown);
    // A var without default is set by every hotline; a bare value is its own default.
    vars.iter()
        .map(|(name, item)| (name.to_owned(), default(item).or_else(|| item.as_value().map(shown)).unwrap_or_default()))
        .collect()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string().trim().to_owned(), str::to_owned)
}

/// `{{ company }}` with its value; whatever is more than a name stays as it stands.
fn filled(text: &str, vars: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, expression)) = rest.split_once("{{") {
        let Some((name, behind)) = expression.split_once("}}") else { break };
        out.push_str(before);
        match vars.get(name.trim()) {
            Some(value) => out.push_str(value),
            None => out.push_str(&format!("{{{{{name}}}}}")),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

type Parts = BTreeMap<String, BTreeMap<String, String>>;

fn changes(before: &Parts, after: &Parts) -> Vec<String> {
    let mut changes = Vec::new();
    for part in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let name = if part.is_empty() { "flow".to_owned() } else { format!("step {part}") };
        match (before.get(part), after.get(part)) {
            (None, Some(_)) => changes.push(format!("+ {name}")),
            (Some(_), None) => changes.push(format!("- {name}")),
            (Some(before), Some(after)) => {
                changes.extend(fields(before, after).into_iter().map(|field| format!("~ {name}: {field}")));
            }
            (None, None) => {}
        }
    }
    changes
}

fn fields(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let value = |values: &BTreeMap<String, String>, key: &String| {
        values.get(key).map_or_else(|| "nothing".to_owned(), |value| format!("\"{}\"", cut(value)))
    };
    differing.map(|key| format!("{key} {} → {}", value(before, key), value(after, key))).collect()
}

fn cut(value: &str) -> String {
    if value.chars().count() <= SHOWN_MAX {
        return value.to_owned();
    }
    value.chars().take(SHOWN_MAX).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ivr;

    const BEFORE: &str = r#"
id = "f"
languages = ["de"]
start = "hello"
[vars]
company = { default = "unserem Team" }
wait = { default = "5m", type = "duration" }
[steps.hello]
do = "say"
say = "Willkommen bei {{ company }}."
next = "old"
[steps.old]
do = "say"
say = "{{ wait }}"
next = "bye"
[steps.bye]
do = "hangup"
"#;

    fn hotline(number: &str, vars: &[(&str, &str)]) -> Hotline {
        Hotline {
            spare: Vec::new(),
            number: number.parse().unwrap(),
            also: Vec::new(),
            contracts: Vec::new(),
            flow: "f".parse().unwrap(),
            vars: vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    fn preview_of(after: &str) -> Vec<Preview> {
        let hotlines = [hotline("+4930901820", &[("company", "ACME")]), hotline("+4930901821", &[])];
        preview(Some(BEFORE), after, &ivr::parse("f.toml", after).unwrap(), &hotlines)
    }

    #[test]
    fn each_hotline_sees_the_change_with_its_own_vars() {
        let after = BEFORE.replace("Willkommen bei {{ company }}", "Hier ist {{ company }}");
        let [acme, other] = &preview_of(&after)[..] else { panic!() };
        assert_eq!(acme.changes, ["~ step hello: say \"Willkommen bei ACME.\" → \"Hier ist ACME.\""]);
        assert_eq!(other.changes, ["~ step hello: say \"Willkommen bei unserem Team.\" → \"Hier ist unserem Team.\""]);
    }

    #[test]
    fn another_default_changes_only_those_who_set_nothing() {
        let [acme, other] = &preview_of(&BEFORE.replace("unserem Team", "uns"))[..] else { panic!() };
        assert_eq!(acme.changes, [""; 0]);
        assert_eq!(other.changes, ["~ step hello: say \"Willkommen bei unserem Team.\" → \"Willkommen bei uns.\""]);
    }

    #[test]
    fn steps_come_and_go_and_a_var_that_is_missing_is_a_misfit() {
        let after = BEFORE
            .replace("steps.old", "steps.new")
            .replace("\"old\"", "\"new\"")
            .replace("wait = {", "room = {}\nwait = {")
            .replace("say = \"{{ wait }}\"", "say = \"Moment\"");
        let [acme, _] = &preview_of(&after)[..] else { panic!() };
        assert_eq!(acme.changes, ["~ step hello: next \"old\" → \"new\"", "+ step new", "- step old"]);
        assert_eq!(acme.misfits.len(), 1, "{:?}", acme.misfits);
        assert!(acme.misfits[0].1.contains("needs the var `room`"));
    }
}
