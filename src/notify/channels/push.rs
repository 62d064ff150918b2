//! Web Push (RFC 8030): encrypted for the browser (RFC 8291), signed for its push service (VAPID,
//! RFC 8292).

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use futures::future::BoxFuture;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use rand::TryRngCore;
use reqwest::{StatusCode, header};
use thiserror::Error;
use url::Url;

use super::{Provider, Taken, Trouble, http::retry_after};
use crate::{
    carrier::Class,
    clock::Clock,
    model::{
        Instant,
        person::{Address, PushSubscription},
    },
    notify::said::Said,
    store::attempts::{Attempt, AttemptKind},
};

const TIMEOUT: Duration = Duration::from_secs(10);
/// As with SMS: later it wakes the wrong person.
const PAGE_VALID_S: u32 = 15 * 60;
const OTHER_VALID_S: u32 = 4 * 60 * 60;
/// RFC 8292: at most 24 hours.
const TOKEN_VALID: TimeDelta = TimeDelta::hours(12);
/// RFC 8030, section 5.4: a topic has at most 32 signs.
const TOPIC_MAX: usize = 32;

/// Signs and sends. Cheap to clone.
#[derive(Clone)]
pub struct Pusher {
    key: Arc<SigningKey>,
    public: Arc<str>,
    subject: Option<Arc<str>>,
    http: reqwest::Client,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum PusherError {
    #[error("a VAPID private key is 32 bytes of a P-256 key")]
    Key,
    #[error("the system has no random numbers for a key")]
    Chance,
}

/// 32 bytes for `Pusher::new`, from the system's own chance: a key must not be made again.
pub fn fresh_key() -> Result<Vec<u8>, PusherError> {
    let mut bytes = [0; 32];
    loop {
        rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|_| PusherError::Chance)?;
        // All but one in 2³² are keys.
        if SigningKey::from_slice(&bytes).is_ok() {
            return Ok(bytes.to_vec());
        }
    }
}

impl Pusher {
    /// `subject` is whom a push service writes to: `mailto:` or `https:`. `http` is
    /// `carrier::http_client()`, which follows no redirects: a subscription's address comes from outside.
    pub fn new(private_key: &[u8], subject: Option<&str>, http: reqwest::Client) -> Result<Self, PusherError> {
        // The crate pads shorter ones.
        let key: [u8; 32] = private_key.try_into().map_err(|_| PusherError::Key)?;
        let key = SigningKey::from_slice(&key).map_err(|_| PusherError::Key)?;
        let point = key.verifying_key().to_encoded_point(false);
        let public = BASE64_URL_SAFE_NO_PAD.encode(point.as_bytes());
        Ok(Self { key: Arc::new(key), public: public.into(), subject: subject.map(Into::into), http })
    }

    /// Uncompressed, in base64url: what browsers take as `applicationServerKey`.
    pub fn vapid_public_key(&self) -> &str {
        &self.public
    }

    async fn send(&self, push: Outgoing<'_>, now: Instant, patience: Duration) -> Result<(), Trouble> {
        let endpoint = endpoint(&push.to.endpoint)?;
        let body = encrypt(push.to, push.payload)?;
        let mut request = self
            .http
            .post(endpoint.clone())
            .timeout(patience)
            .header("TTL", push.valid_s)
            .header("Urgency", push.urgency)
            .header(header::AUTHORIZATION, self.authorization(&endpoint, now))
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(body);
        if let Some(topic) = &push.topic {
            request = request.header("Topic", topic);
        }
        let response = request.send().await.map_err(|error| {
            let why = if error.is_timeout() { "did not answer in time" } else { "could not be reached" };
            // A message that came twice replaces the first: it has the same topic and tag.
            Trouble::of(Class::Retry, format!("the push service {why}"))
        })?;
        answer(&response, now)
    }

    /// A token for this service alone.
    fn authorization(&self, endpoint: &Url, now: Instant) -> String {
        let mut claims = serde_json::json!({
            "aud": endpoint.origin().ascii_serialization(),
            "exp": (now + TOKEN_VALID).timestamp(),
        });
        if let Some(subject) = &self.subject {
            claims["sub"] = serde_json::json!(&**subject);
        }
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let said = format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature: Signature = self.key.sign(said.as_bytes());
        format!("vapid t={said}.{}, k={}", BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes()), self.public)
    }
}

struct Outgoing<'a> {
    to: &'a PushSubscription,
    payload: &'a str,
    topic: Option<String>,
    urgency: &'static str,
    valid_s: u32,
}

pub(super) struct Push {
    pub pusher: Pusher,
    pub clock: Clock,
}

impl Provider for Push {
    fn send<'a>(&'a self, attempt: &'a Attempt, said: &'a Said) -> BoxFuture<'a, Result<Taken, Trouble>> {
        Box::pin(async move {
            let Address::Push(to) = &attempt.address else { return Err(super::misdirected()) };
            let payload = if said.payload.is_empty() { &said.text } else { &said.payload };
            // The newest about an alert replaces what the browser has not seen yet.
            let topic = attempt.alert.as_ref().and_then(|alert| alert.as_str().split('_').nth(1));
            let push = Outgoing {
                to,
                payload,
                topic: topic.map(|topic| topic.chars().take(TOPIC_MAX).collect()),
                urgency: if attempt.kind == AttemptKind::Page { "high" } else { "normal" },
                valid_s: if attempt.kind == AttemptKind::Page { PAGE_VALID_S } else { OTHER_VALID_S },
            };
            self.pusher.send(push, self.clock.now(), super::socket_limit(&self.clock, TIMEOUT)).await?;
            Ok(Taken::for_good(None))
        })
    }

    fn name(&self) -> &'static str {
        "push"
    }
}

/// Push services are reached by TLS; only a test or a simulator on this machine is not.
fn endpoint(given: &str) -> Result<Url, Trouble> {
    let refused = |why| Trouble::of(Class::Destination, format!("the push subscription's address {why}"));
    let url = Url::parse(given).map_err(|_| refused("is none"))?;
    let is_here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(refused("names no host")),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        _ => Err(refused("does not begin with https://")),
    }
}

fn encrypt(to: &PushSubscription, payload: &str) -> Result<Vec<u8>, Trouble> {
    let refused = || Trouble::of(Class::Destination, "the push subscription's keys are none");
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| refused());
    let public = p256::PublicKey::from_sec1_bytes(&decode(&to.p256dh)?).map_err(|_| refused())?;
    let secret = decode(&to.auth)?;
    if secret.len() != 16 {
        return Err(refused());
    }
    let secret = web_push_native::Auth::clone_from_slice(&secret);
    web_push_native::encrypt(payload.as_bytes().to_vec(), &public, &secret)
        .map_err(|error| Trouble::of(Class::Content, format!("the push message could not be encrypted: {error}")))
}

fn answer(response: &reqwest::Response, now: Instant) -> Result<(), Trouble> {
    let status = response.status();
    let class = match status {
        status if status.is_success() => return Ok(()),
        // The browser has unsubscribed.
        StatusCode::NOT_FOUND | StatusCode::GONE => Class::Destination,
        StatusCode::PAYLOAD_TOO_LARGE => Class::Content,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Class::Account,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Class::Retry,
        status if status.is_server_error() => Class::Retry,
        _ => Class::Bug,
    };
    let retry_after =
        response.headers().get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
    Err(Trouble {
        class,
        code: Some(status.as_u16().to_string()),
        message: format!("the push service answered {}", status.as_u16()),
        retry_after,
    })
}

#[cfg(test)]
mod tests;
