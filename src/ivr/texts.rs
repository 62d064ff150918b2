//! Texts with `{{ … }}`: what they may name, how they are rendered, how conditions are decided.
//!
//! Values come from outside (names, numbers, a hotline's vars) and are data: they are never compiled,
//! and what could pass for our own marks is taken out of them. Rendering is bounded by fuel. The
//! places in a flow where a text may stand are read in `parse`; what is heard is cut up in `speech`.

use std::{collections::BTreeMap, fmt, sync::Arc};

use minijinja::{
    Environment, Error, UndefinedBehavior,
    value::{Enumerator, Object, Value, ValueKind},
};

use super::{
    facts::{ContractFacts, Facts},
    flow::{Flow, VarKind},
    speech::{DIGITS_FROM, DIGITS_TO, is_mark, plain},
    state::State,
    words::{Words, words},
};
use crate::model::{Instant, language::Language, priority::Priority};

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
        let environment = environment(self.words(), self.zone(), self.facts.now);
        let mut text = environment.render_str(source, Value::from(self.context()))?;
        if let Some((at, _)) = text.char_indices().nth(TEXT_MAX) {
            text.truncate(at);
        }
        Ok(text)
    }

    /// The text as an address: what an expression gives is encoded, so that it cannot become another path,
    /// query or host.
    pub fn render_url(&self, source: &str) -> Result<String, Error> {
        let mut environment = environment(self.words(), self.zone(), self.facts.now);
        environment.set_formatter(|out, _, value| {
            let text = clean(&value.to_string());
            // Dots alone would be a way up.
            let text = if text.chars().all(|sign| sign == '.') { "" } else { text.as_str() };
            Ok(out.write_str(&encoded(text))?)
        });
        environment.render_str(source, Value::from(self.context()))
    }

    /// What one expression gives, with its type; of anything more the text.
    pub fn value(&self, source: &str) -> Result<serde_json::Value, Error> {
        let inside = source.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        let Some(expression) = inside.filter(|inside| !inside.contains("{{") && !inside.contains("}}")) else {
            return Ok(plain(&self.render(source)?).into());
        };
        let environment = environment(self.words(), self.zone(), self.facts.now);
        let value = environment.compile_expression(expression.trim())?.eval(Value::from(self.context()))?;
        Ok(match value.kind() {
            ValueKind::Bool => value.is_true().into(),
            ValueKind::Number => serde_json::to_value(&value).unwrap_or_default(),
            _ => plain(&value.to_string()).into(),
        })
    }

    pub fn holds(&self, condition: &str) -> Result<bool, Error> {
        let environment = environment(self.words(), self.zone(), self.facts.now);
        Ok(environment.compile_expression(condition)?.eval(Value::from(self.context()))?.is_true())
    }

    fn words(&self) -> &'static Words {
        words(self.language, self.flow.default_language()).0
    }

    /// The contract of the call, or the hotline's only one.
    fn contract(&self) -> Option<&ContractFacts> {
        self.state.contract.as_ref().and_then(|id| self.facts.contract(id))
    }

    fn zone(&self) -> chrono_tz::Tz {
        self.contract().or(self.facts.contracts.first()).map_or(chrono_tz::UTC, |contract| contract.zone)
    }

    fn context(&self) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for (name, value) in vars(self.flow, self.state, self.facts) {
            let kind = self.flow.vars.get(name).map_or(VarKind::Text, |var| var.kind);
            values.insert(name.to_owned(), var_value(kind, value));
        }
        let contract = self.contract();
        let contact = self.state.contact.as_ref().map(|id| {
            let name = contract.and_then(|contract| contract.contacts.get(id)).map_or("", |name| name.as_str());
            Named::value(name, &[("id", id.as_str()), ("name", name)])
        });
        let customer = contract.map(|contract| {
            let number = contract.customer_number.as_deref().unwrap_or_default();
            let name = contract.customer_name.as_str();
            Named::value(name, &[("id", contract.customer.as_str()), ("name", name), ("number", number)])
        });
        let text = |given: Option<&str>| Value::from(clean(given.unwrap_or_default()));
        let hotline = self.facts.hotline.as_str();
        let sla = contract.and_then(|contract| sla(contract, self.state.priority));
        let spoken = |target: Option<chrono::TimeDelta>| {
            target.map(|target| self.words().duration(target.num_seconds())).unwrap_or_default()
        };
        let alert = Named::numbered("number", self.state.alert);
        let queue = Named::numbered("position", self.facts.queue_position.map(i64::from));
        values.extend(
            [
                ("alert", alert),
                ("caller", Value::from(self.facts.caller.as_ref().map_or("anonymous", |caller| caller.as_str()))),
                ("category", text(self.state.category.as_deref())),
                ("contact", contact.unwrap_or_else(|| Named::value("", &[]))),
                (
                    "contract",
                    contract
                        .map_or(Named::value("", &[]), |it| Named::value(it.id.as_str(), &[("id", it.id.as_str())])),
                ),
                ("customer", customer.unwrap_or_else(|| Named::value("", &[]))),
                ("hotline", Named::value(hotline, &[("number", hotline)])),
                ("language", Value::from(self.state.language.as_str())),
                ("now", Value::from(self.facts.now.to_rfc3339())),
                ("org", Named::value(&self.facts.org_name, &[("name", &self.facts.org_name)])),
                ("priority", text(self.state.priority.map(Priority::as_str))),
                ("queue", queue),
                (
                    "sla",
                    Named::value(
                        "",
                        &[
                            ("resolution", &spoken(sla.and_then(|sla| sla.resolution))),
                            ("response", &spoken(sla.and_then(|sla| sla.response))),
                        ],
                    ),
                ),
                ("verified", Value::from(self.state.verified)),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        values
    }
}

/// Every var with its value: what a `set` step said, else the hotline, else the flow's default.
fn vars<'a>(flow: &'a Flow, state: &'a State, facts: &'a Facts) -> BTreeMap<&'a str, &'a str> {
    let defaults = flow.vars.iter().filter_map(|(name, var)| Some((name.as_str(), var.default.as_deref()?)));
    // The hotline's are for its own flow; a called one is given what it needs.
    let declared = facts.vars.iter().filter(|(name, _)| state.calls.is_empty() && flow.vars.contains_key(*name));
    let said = declared.chain(&state.vars).map(|(name, value)| (name.as_str(), value.as_str()));
    defaults.chain(said).collect()
}

/// The value of one var, as `vars` finds it.
pub fn var<'a>(name: &str, flow: &'a Flow, state: &'a State, facts: &'a Facts) -> Option<&'a str> {
    vars(flow, state, facts).get(name).copied()
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
    given
        .chars()
        .filter(|sign| !is_mark(*sign))
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .take(VALUE_MAX)
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

/// Filters are `digits` and `time`, beside those of Jinja.
fn environment(words: &'static Words, zone: chrono_tz::Tz, now: Instant) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_recursion_limit(50);
    environment.add_filter("digits", |value: Value| {
        let text = value.to_string();
        match text.contains(|sign: char| sign.is_ascii_digit()) {
            true => format!("{DIGITS_FROM}{text}{DIGITS_TO}"),
            false => text,
        }
    });
    environment.add_filter("time", move |value: Value| {
        let text = value.to_string();
        match text.parse::<Instant>() {
            Ok(at) => {
                let civil = at.with_timezone(&zone).naive_local();
                (words.time)(civil, civil.date() != now.with_timezone(&zone).date_naive())
            }
            Err(_) => text,
        }
    });
    environment
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
        let zero = Instant::default();
        let environment = environment(words(&Language::english(), &Language::english()).0, chrono_tz::UTC, zero);
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
