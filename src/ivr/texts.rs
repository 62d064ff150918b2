//! Texts with `{{ … }}`: what they may name, how they are rendered, how conditions are decided.
//!
//! Values come from outside (names, numbers, a hotline's vars) and are data: they are never compiled,
//! and what could pass for our own marks is taken out of them. Rendering is bounded by fuel. The
//! places in a flow where a text may stand are read in `parse`; what is heard is cut up in `speech`.

mod compiled;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use minijinja::{
    Error,
    value::{Enumerator, Object, Value, ValueKind},
};

pub use self::compiled::{Compiled, environment};
use self::compiled::{Here, context};
use super::{
    facts::{ContractFacts, Facts},
    flow::{Flow, VarKind},
    speech::{DIGITS_FROM, DIGITS_TO, is_mark, plain},
    state::State,
    words::{Words, words},
};
use crate::model::{language::Language, priority::Priority};

/// A template may take this many steps: a thousand times what a greeting needs.
const FUEL: u64 = 50_000;
/// A name or a var may have this many characters.
const VALUE_MAX: usize = 500;
/// A text may come to this many characters: seven minutes of speech.
const TEXT_MAX: usize = 6_000;

/// What a text may name, and the parts of it. Beside these stand the vars.
pub const FACTS: [(&str, &[&str]); 14] = [
    ("alert", &["number"]),
    ("caller", &[]),
    ("category", &[]),
    ("contact", &["id", "name"]),
    ("contract", &["id"]),
    ("customer", &["id", "name", "number"]),
    ("hotline", &["number"]),
    ("language", &[]),
    ("now", &[]),
    ("org", &["name"]),
    ("priority", &[]),
    ("queue", &["position"]),
    ("sla", &["resolution", "response"]),
    ("verified", &[]),
];

/// The state of a call as texts see it, in one language.
pub struct Texts<'a> {
    pub flow: &'a Flow,
    pub state: &'a State,
    pub facts: &'a Facts,
    pub language: &'a Language,
}

impl Texts<'_> {
    /// The text with marks around what is spoken digit by digit.
    pub fn render(&self, source: &str) -> Result<String, Error> {
        if !source.contains('{') {
            return Ok(source.to_owned());
        }
        let mut text = self.flow.texts.render(source, self.here(), |names| self.values(names))?;
        if let Some((at, _)) = text.char_indices().nth(TEXT_MAX) {
            text.truncate(at);
        }
        Ok(text)
    }

    /// The text as an address: what an expression gives is encoded, so that it cannot become another path,
    /// query or host.
    pub fn render_url(&self, source: &str) -> Result<String, Error> {
        let mut environment = environment();
        environment.set_formatter(|out, _, value| {
            let text = clean(&value.to_string());
            // Dots alone would be a way up.
            let text = if text.chars().all(|sign| sign == '.') { "" } else { text.as_str() };
            Ok(out.write_str(&encoded(text))?)
        });
        let template = environment.template_from_str(source)?;
        let names = template.undeclared_variables(false).into_iter().collect();
        template.render(context(self.here(), self.values(&names)))
    }

    /// What one expression gives, with its type; of anything more the text.
    pub fn typed(&self, source: &str) -> Result<serde_json::Value, Error> {
        let inside = source.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        let Some(expression) = inside.filter(|inside| !inside.contains("{{") && !inside.contains("}}")) else {
            return Ok(plain(&self.render(source)?).into());
        };
        let environment = environment();
        let expression = environment.compile_expression(expression.trim())?;
        let names = expression.undeclared_variables(false).into_iter().collect();
        let value = expression.eval(context(self.here(), self.values(&names)))?;
        Ok(match value.kind() {
            ValueKind::Bool => value.is_true().into(),
            ValueKind::Number => serde_json::to_value(&value).unwrap_or_default(),
            _ => plain(&value.to_string()).into(),
        })
    }

    pub fn holds(&self, condition: &str) -> Result<bool, Error> {
        self.flow.texts.holds(condition, self.here(), |names| self.values(names))
    }

    fn here(&self) -> Here {
        Here { words: self.words(), zone: self.zone(), now: self.facts.now }
    }

    fn words(&self) -> &'static Words {
        words(self.language, self.flow.default_language()).0
    }

    /// The contract of the call, or the hotline's only one.
    fn contract(&self) -> Option<&ContractFacts> {
        self.state.contract.as_ref().and_then(|id| self.facts.contract(id))
    }

    pub fn zone(&self) -> chrono_tz::Tz {
        self.contract().or(self.facts.contracts.first()).map_or(chrono_tz::UTC, |contract| contract.zone)
    }

    /// What these names stand for; of a name that means nothing there is nothing.
    fn values(&self, names: &BTreeSet<String>) -> BTreeMap<String, Value> {
        let value = |name: &String| Some((name.clone(), self.value(name)?));
        names.iter().filter_map(value).collect()
    }

    /// Facts outrank vars of the same name.
    fn value(&self, name: &str) -> Option<Value> {
        self.fact(name).or_else(|| {
            let kind = self.flow.vars.get(name).map_or(VarKind::Text, |var| var.kind);
            var(name, self.flow, self.state, self.facts).map(|value| var_value(kind, value))
        })
    }

    fn fact(&self, name: &str) -> Option<Value> {
        let (state, facts) = (self.state, self.facts);
        let text = |given: Option<&str>| Value::from(clean(given.unwrap_or_default()));
        Some(match name {
            "alert" => Named::numbered("number", state.alert),
            "caller" => Value::from(facts.caller.as_ref().map_or("anonymous", |caller| caller.as_str())),
            "category" => text(state.category.as_deref()),
            "contact" => self.contact(),
            "contract" => {
                let id = self.contract().map(|contract| contract.id.as_str());
                id.map_or_else(nothing, |id| Named::value(id, &[("id", id)]))
            }
            "customer" => self.customer(),
            "hotline" => Named::value(facts.hotline.as_str(), &[("number", facts.hotline.as_str())]),
            "language" => Value::from(state.language.as_str()),
            "now" => Value::from(facts.now.to_rfc3339()),
            "org" => Named::value(&facts.org_name, &[("name", &facts.org_name)]),
            "priority" => text(state.priority.map(Priority::as_str)),
            "queue" => Named::numbered("position", facts.queue_position.map(i64::from)),
            "sla" => self.sla(),
            "verified" => Value::from(state.verified),
            _ => return None,
        })
    }

    fn contact(&self) -> Value {
        let Some(id) = &self.state.contact else { return nothing() };
        let name = self.contract().and_then(|contract| contract.contacts.get(id)).map_or("", String::as_str);
        Named::value(name, &[("id", id.as_str()), ("name", name)])
    }

    fn customer(&self) -> Value {
        let Some(contract) = self.contract() else { return nothing() };
        let number = contract.customer_number.as_deref().unwrap_or_default();
        let name = contract.customer_name.as_str();
        Named::value(name, &[("id", contract.customer.as_str()), ("name", name), ("number", number)])
    }

    fn sla(&self) -> Value {
        let sla = self.contract().and_then(|contract| sla(contract, self.state.priority));
        let spoken = |target: Option<chrono::TimeDelta>| {
            target.map(|target| self.words().duration(target.num_seconds())).unwrap_or_default()
        };
        let resolution = spoken(sla.and_then(|sla| sla.resolution));
        let response = spoken(sla.and_then(|sla| sla.response));
        Named::value("", &[("resolution", &resolution), ("response", &response)])
    }
}

fn nothing() -> Value {
    Named::value("", &[])
}

/// The value of one var: what a `set` step said, else the hotline, else the flow's default.
pub fn var<'a>(name: &str, flow: &'a Flow, state: &'a State, facts: &'a Facts) -> Option<&'a str> {
    // The hotline's are for its own flow; a called one is given what it needs.
    let given = || facts.vars.get(name).filter(|_| state.calls.is_empty());
    let declared = || Some((flow.vars.get(name)?, given()));
    let said = state.vars.get(name).map(String::as_str);
    said.or_else(|| declared().and_then(|(var, given)| given.map(String::as_str).or(var.default.as_deref())))
}

fn var_value(kind: VarKind, value: &str) -> Value {
    match kind {
        VarKind::Number => match (value.parse::<i64>(), value.parse::<f64>()) {
            (Ok(number), _) => Value::from(number),
            (_, Ok(number)) => Value::from(number),
            _ => Value::from(clean(value)),
        },
        VarKind::Text | VarKind::Duration | VarKind::Phone => Value::from(clean(value)),
    }
}

/// The targets for a call's priority; without one it counts as P3, and a priority that the contract
/// lacks takes the next more urgent one, as `Contract::target` does.
fn sla(contract: &ContractFacts, priority: Option<Priority>) -> Option<&super::facts::SlaFacts> {
    let wanted = priority.unwrap_or(Priority::P3);
    let more_urgent = contract.priorities.range(..=wanted).next_back();
    more_urgent.or_else(|| contract.priorities.iter().next()).map(|(_, sla)| sla)
}

/// Text from outside without what could pass for a mark of ours, for markup of the document's writer
/// or for a line of a log.
pub fn clean(given: &str) -> String {
    clean_up_to(given, VALUE_MAX)
}

pub fn clean_up_to(given: &str, chars_max: usize) -> String {
    given
        .chars()
        .filter(|sign| !is_mark(*sign))
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .take(chars_max)
        .collect()
}

/// Everything but letters, digits and `-._~` as `%` and two hexadecimal digits.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// What is left of a text when its expressions cannot be rendered: better than silence.
pub fn without_expressions(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).chain(rest.find("{#")).min() {
        out.push_str(&rest[..at]);
        let close = match &rest[at..at + 2] {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        rest = rest[at..].find(close).map_or("", |end| &rest[at + end + 2..]);
    }
    out.push_str(rest);
    out
}

/// A fact with parts: `{{ customer }}` is its name, `{{ customer.number }}` a part of it.
#[derive(Debug)]
struct Named {
    text: String,
    parts: BTreeMap<String, Value>,
}

impl Named {
    fn value(text: &str, parts: &[(&str, &str)]) -> Value {
        let parts = parts.iter().map(|(name, value)| ((*name).to_owned(), Value::from(clean(value)))).collect();
        Value::from_object(Self { text: clean(text), parts })
    }

    fn numbered(part: &str, number: Option<i64>) -> Value {
        let text = number.map(|number| number.to_string()).unwrap_or_default();
        let parts = number.into_iter().map(|number| (part.to_owned(), Value::from(number))).collect();
        Value::from_object(Self { text, parts })
    }
}

impl Object for Named {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.parts.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.parts.keys().map(|name| Value::from(name.as_str())).collect())
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.text.is_empty()
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is wrong with a text or a condition, as far as it can be seen without a call.
pub mod check {
    use std::collections::BTreeSet;

    use minijinja::ErrorKind;

    use super::*;
    use crate::model::fault::did_you_mean;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Sort {
        Text,
        Condition,
    }

    /// What is wrong, and the mend.
    pub fn faults(sort: Sort, source: &str, vars: &BTreeSet<String>) -> Vec<(String, String)> {
        let environment = environment();
        let (named, tried) = match sort {
            Sort::Text => match environment.template_from_str(source) {
                Ok(template) => (
                    template.undeclared_variables(true),
                    [true, false].map(|full| template.render(sample(full, vars)).map(drop)),
                ),
                Err(error) => return vec![syntax(&error)],
            },
            Sort::Condition => match environment.compile_expression(source) {
                Ok(expression) => (
                    expression.undeclared_variables(true),
                    [true, false].map(|full| expression.eval(sample(full, vars)).map(drop)),
                ),
                Err(error) => return vec![syntax(&error)],
            },
        };
        let named: BTreeSet<_> = named.into_iter().collect();
        let mut faults: Vec<_> = named.iter().filter_map(|name| unknown(name, vars)).collect();
        let failed = tried.into_iter().filter_map(Result::err).find(|error| is_certain(error.kind()));
        faults.extend(
            failed.map(|error| {
                (format!("the text cannot be rendered: {}", said(&error)), "mend the expression".to_owned())
            }),
        );
        faults
    }

    /// Everything of Jinja that fails whatever the values are.
    fn is_certain(kind: ErrorKind) -> bool {
        matches!(
            kind,
            ErrorKind::UnknownFilter
                | ErrorKind::UnknownFunction
                | ErrorKind::UnknownTest
                | ErrorKind::TooManyArguments
                | ErrorKind::MissingArgument
                | ErrorKind::OutOfFuel
                | ErrorKind::TemplateNotFound
        )
    }

    fn said(error: &Error) -> String {
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        format!("{}{detail}", error.kind())
    }

    fn syntax(error: &Error) -> (String, String) {
        (
            format!("the expression is not readable: {}", said(error)),
            "write for example {{ customer.name }}, or priority == 'P1' in a condition".to_owned(),
        )
    }

    fn unknown(named: &str, vars: &BTreeSet<String>) -> Option<(String, String)> {
        let (name, part) = named.split_once('.').map_or((named, None), |(name, part)| (name, Some(part)));
        if vars.contains(name) || matches!(name, "range" | "dict" | "namespace" | "loop") {
            return None;
        }
        let Some((_, parts)) = FACTS.iter().find(|(fact, _)| *fact == name) else {
            let known = vars.iter().map(String::as_str).chain(FACTS.map(|(fact, _)| fact));
            let mend = did_you_mean(name, known).unwrap_or_else(|| {
                format!("declare it below [vars], or use one of {}", FACTS.map(|it| it.0).join(", "))
            });
            return Some((format!("the text names an unknown fact `{name}`"), mend));
        };
        let part = part?;
        if parts.contains(&part) {
            return None;
        }
        let mend = did_you_mean(part, parts.iter().copied()).unwrap_or_else(|| match parts.is_empty() {
            true => format!("write {{{{ {name} }}}}"),
            false => format!("it has {}", parts.join(", ")),
        });
        Some((format!("`{name}` has no `{part}`"), mend))
    }

    fn sample(full: bool, vars: &BTreeSet<String>) -> Value {
        let filled = |parts: &[&str]| match full {
            true => Named::value("x", &parts.iter().map(|part| (*part, "1")).collect::<Vec<_>>()),
            false => Named::value("", &[]),
        };
        let facts = FACTS.iter().map(|(name, parts)| match parts.is_empty() {
            true => ((*name).to_owned(), Value::from(if full { "x" } else { "" })),
            false => ((*name).to_owned(), filled(parts)),
        });
        let vars = vars.iter().map(|name| (name.clone(), Value::from(if full { "1" } else { "" })));
        facts.chain(vars).collect::<BTreeMap<_, _>>().into()
    }
}
