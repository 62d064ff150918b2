//! The texts of a flow, compiled once: a turn only renders. What a text does not name is not looked up
//! for it either.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, LazyLock},
};

use minijinja::{
    Environment, Error, State, UndefinedBehavior,
    value::{Object, Value},
};

use super::{DIGITS_FROM, DIGITS_TO, FUEL, check::Sort};
use crate::{ivr::words::Words, model::Instant};

/// Under this name filters find `Here`: no text can name it.
const HERE: &str = " here";

/// For texts that no flow brought.
static BARE: LazyLock<Environment<'static>> = LazyLock::new(environment);

/// What filters know of the call.
#[derive(Debug)]
pub struct Here {
    pub words: &'static Words,
    pub zone: chrono_tz::Tz,
    pub now: Instant,
}

/// What a text or a condition names. They follow from the flow's steps, so two flows never differ in
/// them alone.
#[derive(Clone, Default)]
pub struct Compiled(Option<Arc<Texts>>);

struct Texts {
    environment: Environment<'static>,
    /// Source → the names in it.
    texts: BTreeMap<String, BTreeSet<String>>,
    conditions: BTreeMap<String, BTreeSet<String>>,
}

impl Compiled {
    /// What cannot be compiled is left out: the check says why.
    pub fn of<'a>(sources: impl IntoIterator<Item = (Sort, &'a str)>) -> Self {
        let mut compiled = Texts { environment: environment(), texts: BTreeMap::new(), conditions: BTreeMap::new() };
        for (sort, source) in sources {
            compiled.add(sort, source);
        }
        Self(Some(Arc::new(compiled)))
    }

    /// `values` answers the names that stand in the text.
    pub fn render(
        &self,
        source: &str,
        here: Here,
        values: impl FnOnce(&BTreeSet<String>) -> BTreeMap<String, Value>,
    ) -> Result<String, Error> {
        if let Some(compiled) = &self.0
            && let Some(names) = compiled.texts.get(source)
        {
            return compiled.environment.get_template(source)?.render(context(here, values(names)));
        }
        let template = BARE.template_from_str(source)?;
        let names = template.undeclared_variables(false).into_iter().collect();
        template.render(context(here, values(&names)))
    }

    pub fn holds(
        &self,
        condition: &str,
        here: Here,
        values: impl FnOnce(&BTreeSet<String>) -> BTreeMap<String, Value>,
    ) -> Result<bool, Error> {
        if let Some(compiled) = &self.0
            && let Some(names) = compiled.conditions.get(condition)
        {
            let template = compiled.environment.get_template(&name_of(condition))?;
            return template.render(context(here, values(names))).map(|answer| !answer.is_empty());
        }
        let expression = BARE.compile_expression(condition)?;
        let names = expression.undeclared_variables(false).into_iter().collect();
        Ok(expression.eval(context(here, values(&names)))?.is_true())
    }
}

impl Texts {
    fn add(&mut self, sort: Sort, source: &str) {
        let (name, template, list) = match sort {
            Sort::Text => (source.to_owned(), source.to_owned(), &mut self.texts),
            // Only what is one expression may stand inside a statement.
            Sort::Condition if BARE.compile_expression(source).is_err() => return,
            Sort::Condition => (name_of(source), format!("{{% if {source} %}}1{{% endif %}}"), &mut self.conditions),
        };
        if list.contains_key(source) || self.environment.add_template_owned(name.clone(), template).is_err() {
            return;
        }
        if let Ok(template) = self.environment.get_template(&name) {
            list.insert(source.to_owned(), template.undeclared_variables(false).into_iter().collect());
        }
    }
}

/// Apart from texts, which may be the same signs.
fn name_of(condition: &str) -> String {
    format!(" if {condition}")
}

pub fn context(here: Here, mut values: BTreeMap<String, Value>) -> Value {
    values.insert(HERE.to_owned(), Value::from_object(here));
    values.into()
}

/// Filters are `digits` and `time`, beside those of Jinja.
pub fn environment() -> Environment<'static> {
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
    environment.add_filter("time", |state: &State, value: Value| {
        let text = value.to_string();
        let here = state.lookup(HERE);
        match (text.parse::<Instant>(), here.as_ref().and_then(|here| here.downcast_object_ref::<Here>())) {
            (Ok(at), Some(here)) => here.time(at),
            _ => text,
        }
    });
    environment
}

impl Here {
    fn time(&self, at: Instant) -> String {
        let civil = at.with_timezone(&self.zone).naive_local();
        self.words.time(civil, civil.date() != self.now.with_timezone(&self.zone).date_naive())
    }
}

impl Object for Here {}

impl PartialEq for Compiled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compiled")
    }
}
