//! A webhook of anybody's, signed as Standard Webhooks says (<https://www.standardwebhooks.com>): who gets
//! it can tell that it is ours, new, and not the same as one before. A reply other than 2xx is a failure.

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::future::BoxFuture;
use hmac::{Hmac, Mac};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;
use thiserror::Error;
use url::Url;

use super::{
    Provider, Taken, Trouble,
    http::{self, TIMEOUT},
};
use crate::{
    carrier::{Class, guard},
    clock::Clock,
    model::{person::Address, secret::Secret},
    notify::said::Said,
    store::attempts::{Attempt, AttemptKind},
};

const WHO: &str = "the webhook";
/// The form in which such secrets are handed around.
const PREFIX: &str = "whsec_";
/// The standard asks for 24 to 64.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Signs and sends.
pub struct Webhook {
    key: SigningKey,
    allow_private: bool,
    http: reqwest::Client,
    clock: Clock,
}

/// What receivers check signatures with.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "this is no signing secret: write `whsec_` and 24 to 64 random bytes in base64, such as by `openssl rand -base64 32`"
)]
pub struct SigningKeyError;

impl SigningKey {
    pub fn new(secret: &Secret) -> Result<Self, SigningKeyError> {
        let encoded = secret.expose().strip_prefix(PREFIX).ok_or(SigningKeyError)?;
        let key = BASE64_STANDARD.decode(encoded).map_err(|_| SigningKeyError)?;
        if KEY_BYTES.contains(&key.len()) { Ok(Self(key)) } else { Err(SigningKeyError) }
    }

    /// The header `webhook-signature`.
    fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl Webhook {
    pub fn new(key: SigningKey, allow_private: bool, clock: Clock) -> Self {
        Self { key, allow_private, http: guard::client(&clock, allow_private), clock }
    }
}

impl Provider for Webhook {
    fn send<'a>(&'a self, attempt: &'a Attempt, said: &'a Said) -> BoxFuture<'a, Result<Taken, Trouble>> {
        Box::pin(async move {
            let Address::Webhook(to) = &attempt.address else { return Err(super::misdirected()) };
            let url = outside(to, self.allow_private, WHO)?;
            let now = self.clock.now();
            let body = body(attempt, said, now.timestamp()).to_string();
            // The same for every try: whoever gets it twice knows.
            let id = attempt.id.as_str();
            let request = self
                .http
                .post(url)
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .header("webhook-id", id)
                .header("webhook-timestamp", now.timestamp())
                .header("webhook-signature", self.key.sign(id, now.timestamp(), &body))
                .body(body);
            let answered = http::exchange(request, WHO, super::socket_limit(&self.clock, TIMEOUT), now).await?;
            match answered.trouble(WHO, class_of) {
                Some(trouble) => Err(trouble),
                None => Ok(Taken::for_good(None)),
            }
        })
    }

    fn name(&self) -> &'static str {
        "webhook"
    }
}

/// An address that somebody declared: TLS, and out of the house, unless the configuration allows others.
pub(super) fn outside(to: &Secret, allow_private: bool, who: &str) -> Result<Url, Trouble> {
    let refused = |why: &str| Trouble::of(Class::Destination, format!("{who}'s address {why}"));
    let url = Url::parse(to.expose()).map_err(|_| refused("is none"))?;
    if url.scheme() != "https" && !(allow_private && url.scheme() == "http") {
        return Err(refused("does not begin with https://"));
    }
    if guard::may_ask(&url, allow_private) { Ok(url) } else { Err(refused("is not a public one")) }
}

fn body(attempt: &Attempt, said: &Said, now: i64) -> Value {
    let at = crate::model::Instant::from_timestamp(now, 0).map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    let actions: Vec<Value> = said
        .buttons
        .iter()
        .map(|button| json!({ "action": button.action, "label": button.label, "url": button.url }))
        .collect();
    json!({
        "type": match attempt.kind {
            AttemptKind::Check => "contact.check".to_owned(),
            kind @ (AttemptKind::Page | AttemptKind::Notice | AttemptKind::Reply) => format!("alert.{}", kind.as_str()),
        },
        "timestamp": at,
        "data": {
            "alert": attempt.alert.as_ref().map(|id| id.as_str()),
            "person": attempt.person.as_ref().map(|id| id.as_str()),
            "title": said.title,
            "text": said.text,
            "language": said.language,
            // Opening one asks; a POST to it acts, once.
            "actions": actions,
        },
    })
}

fn class_of(status: StatusCode) -> Class {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => Class::Content,
        // Whatever else it is, this address takes nothing: 401, 403, 404, 410, a redirect.
        _ => Class::Destination,
    }
}

#[cfg(test)]
mod tests;
