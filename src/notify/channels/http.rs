//! One exchange with a provider over HTTP, and what its status means where it says no more. What went
//! wrong is put into words of our own: an address may hold a token.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode, header};

use super::Trouble;
use crate::{
    carrier::{Class, guard},
    model::Instant,
};

/// A lease lasts 30 seconds; a provider that needs longer is down.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Answers are some hundred bytes.
const BODY_MAX: usize = 256 * 1_024;

pub struct Answered {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

/// `who` begins a sentence: "Slack", "the webhook".
pub async fn exchange(
    request: RequestBuilder,
    who: &str,
    patience: Duration,
    now: Instant,
) -> Result<Answered, Trouble> {
    let mut response = request.timeout(patience).send().await.map_err(|error| unanswered(&error, who))?;
    let status = response.status();
    let after = response.headers().get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= BODY_MAX => body.extend_from_slice(&chunk),
            // What is longer is no answer of a provider; its status says enough.
            Ok(Some(_) | None) => break,
            Err(error) => return Err(unanswered(&error, who)),
        }
    }
    Ok(Answered { status, retry_after: after, body })
}

fn unanswered(error: &reqwest::Error, who: &str) -> Trouble {
    if guard::refused(error) {
        return Trouble::of(Class::Destination, format!("{who} stands at an address that is not public"));
    }
    if error.is_connect() {
        return Trouble::of(Class::Retry, format!("{who} could not be reached"));
    }
    if error.is_builder() {
        return Trouble::of(Class::Bug, format!("the request to {who} could not be written"));
    }
    // The request was on its way: nobody knows how far it got.
    let why = if error.is_timeout() { "did not answer in time" } else { "broke off" };
    Trouble::of(Class::Unsure, format!("{who} {why}"))
}

impl Answered {
    /// What a status means that is no success; `None`: it is one.
    pub fn trouble(&self, who: &str, class_of: impl Fn(StatusCode) -> Class) -> Option<Trouble> {
        if self.status.is_success() {
            return None;
        }
        Some(Trouble {
            class: passing(self.status).unwrap_or_else(|| class_of(self.status)),
            code: Some(self.status.as_u16().to_string()),
            message: format!("{who} answered {}", self.status.as_u16()),
            retry_after: self.retry_after,
        })
    }
}

/// What passes by itself, for every provider alike. A gateway's time-out says nothing of what stands
/// behind it.
fn passing(status: StatusCode) -> Option<Class> {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => Some(Class::Retry),
        StatusCode::GATEWAY_TIMEOUT => Some(Class::Unsure),
        status if status.is_server_error() => Some(Class::Retry),
        _ => None,
    }
}

/// RFC 9110, section 10.2.3: seconds or a date.
pub fn retry_after(given: &str, now: Instant) -> Option<Duration> {
    if let Ok(seconds) = given.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = chrono::DateTime::parse_from_rfc2822(given.trim()).ok()?;
    (at.to_utc() - now).to_std().ok()
}
