//! `Idempotency-Key`: a request that was answered already gets the same answer and has no second
//! effect. The answer is kept in the same unit of work as the effect.

use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::web::{caller::Caller, problem::Problem};

const KEY_MAX: usize = 255;

/// Names a request that may come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeatable {
    /// Under which its answer is kept.
    pub key: String,
    /// Of what was asked, so that one key for two requests is noticed.
    asked: String,
}

/// What was answered, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    asked: String,
    answer: Value,
}

impl Repeatable {
    /// `None`: the sender did not name its request.
    pub fn read(headers: &HeaderMap, caller: &Caller, path: &str, body: &[u8]) -> Result<Option<Self>, Problem> {
        let Some(given) = headers.get("idempotency-key") else { return Ok(None) };
        let key = given.to_str().ok().map(str::trim).filter(|key| !key.is_empty() && key.len() <= KEY_MAX);
        let Some(key) = key else {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "the request's headers are wrong")
                .field("Idempotency-Key", format!("write 1 to {KEY_MAX} plain characters")));
        };
        let mut asked = Sha256::new();
        asked.update(path);
        asked.update([0]);
        asked.update(body);
        Ok(Some(Self { key: format!("api:{}:{key}", caller.key), asked: hex::encode(asked.finalize()) }))
    }

    pub fn keep(&self, answer: &Value) -> String {
        let kept = Kept { asked: self.asked.clone(), answer: answer.clone() };
        serde_json::to_string(&kept).expect("JSON can be written")
    }

    /// The answer that was kept; a problem when it belongs to another request.
    pub fn recall(&self, kept: &str) -> Result<Value, Problem> {
        match serde_json::from_str::<Kept>(kept) {
            Ok(kept) if kept.asked == self.asked => Ok(kept.answer),
            _ => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "this key belongs to another request")
                .field("Idempotency-Key", "take a new one for each request")),
        }
    }
}
