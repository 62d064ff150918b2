//! Parameters of a request's path and query. Unknown ones and wrong values are refused by name.

use std::collections::BTreeMap;

use axum::http::StatusCode;

use crate::web::problem::Problem;

/// How many items a page has when nothing else is asked for, and at most.
const LIMIT: i64 = 50;
const LIMIT_MAX: i64 = 200;

/// The parameters that a resource knows, each at most once.
pub struct Query(BTreeMap<String, String>);

impl Query {
    pub fn read(given: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut found = BTreeMap::new();
        let mut problem = bad();
        for (name, value) in form_urlencoded::parse(given.unwrap_or_default().as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let name: String = name.chars().take(40).collect();
                let message = match known {
                    [] => "this resource takes no parameters".to_owned(),
                    known => format!("is no parameter here: use {}", known.join(", ")),
                };
                problem = problem.field(name, message);
            } else if found.insert(name.to_string(), value.into_owned()).is_some() {
                problem = problem.field(name, "is given twice");
            }
        }
        if problem.errors.is_empty() { Ok(Self(found)) } else { Err(problem) }
    }

    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.0.get(name).map(String::as_str) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1" | "") => Ok(true),
            Some(_) => Err(bad().field(name, "write true or false")),
        }
    }

    pub fn limit(&self) -> Result<i64, Problem> {
        let Some(given) = self.0.get("limit") else { return Ok(LIMIT) };
        match given.parse() {
            Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
            _ => Err(bad().field("limit", format!("write a number from 1 to {LIMIT_MAX}"))),
        }
    }

    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        let parse = |given: &String| given.parse().map_err(|error: T::Err| bad().field(name, error.to_string()));
        self.0.get(name).map(parse).transpose()
    }
}

fn bad() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the request's parameters are wrong")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_or_wrong_is_named() {
        let read = |text| Query::read(Some(text), &["open", "limit"]);
        let query = read("open=true&limit=7").unwrap();
        assert_eq!((query.flag("open").unwrap(), query.limit().unwrap()), (true, 7));
        let error = read("opne=true&limit=1&limit=2").err().unwrap();
        let fields: Vec<&str> = error.errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["opne", "limit"]);
        assert!(read("limit=1000").unwrap().limit().is_err());
        assert!(read("open=maybe").unwrap().flag("open").is_err());
        assert_eq!(Query::read(None, &[]).unwrap().limit().unwrap(), LIMIT);
    }
}
