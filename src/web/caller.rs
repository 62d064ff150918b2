//! Who asks, and what they may: the guard of a face (a token of the API, a session of the console) puts
//! a `Caller` into the request, and what lies behind the guard asks only for that.

use std::str::FromStr;

use axum::http::StatusCode;

use super::problem::Problem;

/// Whoever a guard has let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// For timelines: the name of the token, or of whoever sits at the console.
    pub name: String,
    /// What a repeated request is recognised by, beside its `Idempotency-Key`.
    pub key: String,
    pub scope: Scope,
    /// Ends a sentence: `over the API`.
    pub how: &'static str,
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Read,
    /// Also what `Read` may.
    Write,
}

impl Caller {
    pub fn may_write(&self) -> Result<(), Problem> {
        match self.scope {
            Scope::Write => Ok(()),
            Scope::Read => Err(Problem::new(StatusCode::FORBIDDEN, "this token may only read")
                .detail("make one with `pikett token create --scope write`")),
        }
    }
}

impl Scope {
    pub const ALL: [Self; 2] = [Self::Read, Self::Write];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == given)
            .ok_or_else(|| format!("`{}` is no scope: use read or write", given.chars().take(20).collect::<String>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_may_not_write() {
        let caller = |scope| Caller { name: "ci".to_owned(), key: "tok".to_owned(), scope, how: "over the API" };
        assert!(caller(Scope::Write).may_write().is_ok());
        assert_eq!(caller(Scope::Read).may_write().unwrap_err().status, StatusCode::FORBIDDEN);
        assert!("admin".parse::<Scope>().is_err());
    }
}
