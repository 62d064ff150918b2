//! What another version of a flow changes for each hotline whose callers come to it: the same template with
//! each hotline's own vars in it, before and after; with what its callers give where other flows call it.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{Item, TableLike, Value};

use super::{
    Directory,
    fit::{self, Misfit},
};
use crate::{
    ivr::{Flow, Kind},
    model::{contract::Hotline, id::FlowId, phone::Phone},
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

/// `before` is the text of the version in force, `after` that of `flow`; `whole` what there is with it.
pub fn preview(before: Option<&str>, after: &str, flow: &Flow, whole: &Directory) -> Vec<Preview> {
    let (before, after) = (Template::read(before.unwrap_or_default()), Template::read(after));
    let of_hotline = |hotline: &Hotline| {
        let (changes, misfits) = if hotline.flow == flow.id {
            let given = Given::ByHotline(&hotline.vars);
            (changes(&before.filled(&given), &after.filled(&given)), fit::misfits(&hotline.vars, flow))
        } else {
            // What its callers give it is judged at their steps.
            let given = Given::ByCalls(calls(&hotline.flow, &flow.id, whole)?);
            (changes(&before.filled(&given), &after.filled(&given)), Vec::new())
        };
        Some(Preview { number: hotline.number.clone(), changes, misfits })
    };
    whole.hotlines.values().filter_map(of_hotline).collect()
}

/// Whether callers of this hotline may come to the flow.
pub fn comes_to(hotline: &Hotline, flow: &FlowId, whole: &Directory) -> bool {
    hotline.flow == *flow || calls(&hotline.flow, flow, whole).is_some()
}

/// Where the values of a flow's vars come from.
enum Given<'a> {
    ByHotline(&'a BTreeMap<String, String>),
    /// The vars of each step that calls it.
    ByCalls(Vec<&'a BTreeMap<String, String>>),
}

impl Given<'_> {
    /// `None`: that shows only in a call, or differs from one calling step to the other.
    fn value(&self, name: &str, default: &str) -> Option<String> {
        let values: BTreeSet<&str> = match self {
            Self::ByHotline(vars) => BTreeSet::from([vars.get(name).map_or(default, String::as_str)]),
            Self::ByCalls(calls) => calls.iter().map(|vars| vars.get(name).map_or(default, String::as_str)).collect(),
        };
        let mut values = values.into_iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        let is_worked_out = matches!(self, Self::ByCalls(_)) && value.contains("{{");
        (!is_worked_out).then(|| value.to_owned())
    }
}

/// The vars of every step that calls `wanted` in calls that begin in `main`; `None`: none does.
fn calls<'a>(main: &FlowId, wanted: &FlowId, whole: &'a Directory) -> Option<Vec<&'a BTreeMap<String, String>>> {
    let mut calls = Vec::new();
    let (mut seen, mut due) = (BTreeSet::from([main]), vec![main]);
    while let Some(in_use) = due.pop().and_then(|id| whole.flows.get(id)) {
        for (_, step) in in_use.flow.steps() {
            let Kind::Flow { flow: called, vars, .. } = &step.kind else { continue };
            if called == wanted {
                calls.push(vars);
            }
            if seen.insert(called) {
                due.push(called);
            }
        }
    }
    (!calls.is_empty()).then_some(calls)
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
    fn filled(&self, given: &Given) -> BTreeMap<String, BTreeMap<String, String>> {
        let value = |(name, default): (&String, &String)| Some((name.clone(), given.value(name, default)?));
        let vars = self.vars.iter().filter_map(value).collect();
        let fill = |values: &BTreeMap<String, String>| {
            values.iter().map(|(key, value)| (key.clone(), filled(value, &vars))).collect()
        };
        self.parts.iter().map(|(part, values)| (part.clone(), fill(values))).collect()
    }
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
    use std::sync::Arc;

    use super::*;
    use crate::{declare::directory::FlowInUse, ivr};

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

    fn with(hotlines: Vec<Hotline>, flows: &[&str]) -> Directory {
        let mut whole = Directory::empty();
        whole.hotlines.extend(hotlines.into_iter().map(|hotline| (hotline.number.clone(), hotline)));
        for text in flows {
            let flow = ivr::parse("f.toml", text).unwrap_or_else(|faults| panic!("{faults:?}"));
            whole.flows.insert(flow.id.clone(), FlowInUse { version: 1, flow: Arc::new(flow) });
        }
        whole
    }

    fn preview_of(after: &str) -> Vec<Preview> {
        let whole = with(vec![hotline("+4930901820", &[("company", "ACME")]), hotline("+4930901821", &[])], &[after]);
        preview(Some(BEFORE), after, &whole.flows.values().next().unwrap().flow, &whole)
    }

    #[test]
    fn whoever_calls_the_flow_is_listed_also_through_two_flows() {
        let calling = |id: &str, called: &str, vars: &str| {
            format!(
                "id = '{id}'\nlanguages = ['de']\nstart = 'a'\n[steps.a]\ndo = 'flow'\nflow = '{called}'\nvars = {{ {vars} }}\n\
                 next = 'return'\n"
            )
        };
        let after = BEFORE.replace("Willkommen bei", "Hier ist");
        let flows = [
            calling("top", "middle", ""),
            calling("middle", "f", "company = 'der Zentrale'"),
            calling("asking", "f", "company = '{{ org.name }}'"),
            calling("other", "elsewhere", ""),
        ];
        let flows: Vec<&str> = flows.iter().map(String::as_str).chain([after.as_str()]).collect();
        let runs = |number: &str, flow: &str| Hotline { flow: flow.parse().unwrap(), ..hotline(number, &[]) };
        let hotlines = vec![
            runs("+4930901821", "top"),
            runs("+4930901822", "middle"),
            runs("+4930901823", "asking"),
            runs("+4930901824", "other"),
        ];
        let whole = with(hotlines, &flows);
        let previews = preview(Some(BEFORE), &after, &whole.flows[&"f".parse().unwrap()].flow, &whole);
        let told: Vec<_> = previews.iter().map(|preview| format!("{} {:?}", preview.number, preview.changes)).collect();
        let by_middle = "[\"~ step hello: say \\\"Willkommen bei der Zentrale.\\\" → \\\"Hier ist der Zentrale.\\\"\"]";
        let worked_out =
            "[\"~ step hello: say \\\"Willkommen bei {{ company }}.\\\" → \\\"Hier ist {{ company }}.\\\"\"]";
        assert_eq!(
            told,
            [
                format!("+4930901821 {by_middle}"),
                format!("+4930901822 {by_middle}"),
                format!("+4930901823 {worked_out}"),
            ]
        );
        assert!(previews.iter().all(|preview| preview.misfits.is_empty()));
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
