//! The fields of a request's JSON object. Unknown ones and wrong values are refused by name, all at once.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::web::{body::BodyError, problem::Problem, text};

/// As long as a name, an id or a word may be.
const NAME_MAX: usize = 200;

/// The fields of a JSON object, taken one by one; what is left over is refused.
pub struct Fields {
    rest: Map<String, Value>,
    problem: Problem,
}

impl Fields {
    /// No body is an empty object.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the request's fields are wrong");
        if body.is_empty() {
            return Ok(Self { rest: Map::new(), problem });
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(rest)) => Ok(Self { rest, problem }),
            Ok(_) => Err(not_json("the body must be a JSON object")),
            Err(error) => Err(not_json(&format!("line {}, column {}: {error}", error.line(), error.column()))),
        }
    }

    pub fn text(&mut self, name: &str, max: usize) -> Option<String> {
        match self.rest.remove(name)? {
            Value::String(given) if given.chars().count() <= max => {
                Some(text::line(&given, max)).filter(|text| !text.is_empty())
            }
            Value::String(_) => {
                self.wrong(name, format!("is longer than {max} characters"));
                None
            }
            Value::Null => None,
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.wrong(name, "must be a text");
                None
            }
        }
    }

    /// A text of many lines, as it is; the body's size limits it.
    pub fn long_text(&mut self, name: &str) -> Option<String> {
        match self.rest.remove(name)? {
            Value::String(given) => Some(given),
            Value::Null => None,
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.wrong(name, "must be a text");
                None
            }
        }
    }

    pub fn required(&mut self, name: &str, max: usize) -> String {
        let before = self.problem.errors.len();
        self.text(name, max).unwrap_or_else(|| {
            if self.problem.errors.len() == before {
                self.wrong(name, "is missing");
            }
            String::new()
        })
    }

    /// 0 when it is missing or wrong, which `finish` tells.
    pub fn number(&mut self, name: &str) -> i64 {
        let given = self.rest.remove(name);
        given.as_ref().and_then(Value::as_i64).unwrap_or_else(|| {
            self.wrong(name, if given.is_some() { "must be a whole number" } else { "is missing" });
            0
        })
    }

    pub fn flag(&mut self, name: &str) -> bool {
        match self.rest.remove(name) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.wrong(name, "must be true or false");
                false
            }
        }
    }

    /// A field that the resource reads itself.
    pub fn taken(&mut self, name: &str) -> Option<Value> {
        self.rest.remove(name).filter(|value| !value.is_null())
    }

    /// A text that its type can read.
    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        let given = self.text(name, NAME_MAX)?;
        given.parse().map_err(|error: T::Err| self.wrong(name, error.to_string())).ok()
    }

    /// A text that was taken, as this form reads it. Of an empty one it was told that it is missing.
    pub fn read_as<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        given: &str,
        form: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if given.is_empty() {
            return None;
        }
        form(given).map_err(|error| self.wrong(name, error.to_string())).ok()
    }

    /// A list of such texts.
    pub fn all_parsed<T: std::str::FromStr + Ord>(&mut self, name: &str) -> Option<BTreeSet<T>>
    where
        T::Err: std::fmt::Display,
    {
        let Value::Array(items) = self.taken(name)? else {
            self.wrong(name, "must be a list of texts");
            return None;
        };
        let mut found = BTreeSet::new();
        for item in items {
            match item.as_str().map(str::parse::<T>) {
                Some(Ok(id)) => {
                    found.insert(id);
                }
                Some(Err(error)) => self.wrong(name, error.to_string()),
                None => self.wrong(name, "must be a list of texts"),
            }
        }
        Some(found)
    }

    pub fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.problem = self.problem.clone().field(format!("/{name}"), message);
    }

    /// Whether everything that was asked for so far could be read.
    pub fn is_sound(&self) -> bool {
        self.problem.errors.is_empty()
    }

    pub fn finish(mut self) -> Result<(), Problem> {
        let unknown: Vec<String> = self.rest.keys().map(|name| name.chars().take(40).collect()).collect();
        for name in unknown {
            self.wrong(&name, "is no field here");
        }
        if self.problem.errors.is_empty() { Ok(()) } else { Err(self.problem) }
    }
}

fn not_json(what: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the body is no JSON object").detail(what)
}

pub fn refused(error: &BodyError) -> Problem {
    match error {
        BodyError::TooLong { .. } => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"),
        BodyError::Broken => Problem::new(StatusCode::BAD_REQUEST, "the body broke off"),
    }
    .detail(error.to_string())
}
