//! A Web Push service with its browsers: takes messages at `POST /push/{id}`, checks who sends them
//! (RFC 8292, VAPID) and decrypts them (RFC 8291).

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use p256::{
    SecretKey,
    ecdsa::{Signature, VerifyingKey, signature::Verifier},
    elliptic_curve::sec1::ToEncodedPoint,
};
use serde_json::{Value, json};
use web_push_native::{Auth, decrypt};

use super::{Sim, event::What};
use crate::model::Instant;

/// RFC 8291 asks push services to take 4096 bytes at least; browsers' services take no more.
const BODY_MAX: usize = 4_096;
/// RFC 8292: `exp` at most a day ahead.
const LIFETIME_MAX_S: i64 = 24 * 3_600;

/// One browser's subscription, with what only the browser knows.
pub(super) struct Subscription {
    key: SecretKey,
    auth: Auth,
    /// Answered instead of taking a message: 404, 410, 429, 500, …
    answer: Option<u16>,
}

impl Sim {
    /// The subscription of that browser as JavaScript would show it, for a declaration. Made at the
    /// first call, the same from then on.
    pub fn push_subscription(&self, id: &str) -> String {
        let mut subscriptions = self.subscriptions();
        let subscription = subscriptions.entry(id.to_owned()).or_insert_with(|| self.new_subscription(id));
        let public = subscription.key.public_key().to_encoded_point(false);
        json!({
            "endpoint": format!("{}/push/{id}", self.base_url()),
            "expirationTime": null,
            "keys": {
                "p256dh": BASE64_URL_SAFE_NO_PAD.encode(public.as_bytes()),
                "auth": BASE64_URL_SAFE_NO_PAD.encode(subscription.auth),
            },
        })
        .to_string()
    }

    /// Answers that status to every message from here on; `None` takes them again.
    pub fn push_answers(&self, id: &str, status: Option<u16>) {
        if let Some(subscription) = self.subscriptions().get_mut(id) {
            subscription.answer = status;
        }
    }

    fn new_subscription(&self, id: &str) -> Subscription {
        // Nearly every 256 bits are a key; the first of a seeded row that is one is taken.
        let key = (0_u32..)
            .find_map(|n| SecretKey::from_slice(&self.0.chance.bytes(&["push key", id, &n.to_string()])).ok())
            .expect("one of four billion draws is a key");
        let auth = Auth::clone_from_slice(&self.0.chance.bytes(&["push auth", id])[..16]);
        Subscription { key, auth, answer: None }
    }

    fn subscriptions(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeMap<String, Subscription>> {
        self.0.subscriptions.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

pub(super) fn router(sim: Sim) -> Router {
    Router::new().route("/push/{id}", post(take)).with_state(sim)
}

async fn take(State(sim): State<Sim>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let outcome = received(&sim, &id, &headers, &body);
    let (status, json, refused) = match outcome {
        Ok(json) => (StatusCode::CREATED, json, None),
        Err((status, why)) => (status, Value::Null, Some(why)),
    };
    sim.note(What::Push { subscription: id.clone(), json, status: status.as_u16(), refused: refused.clone() });
    let mut response = (status, refused.unwrap_or_default()).into_response();
    let location = format!("{}/push/message/{}", sim.base_url(), sim.0.chance.next(&format!("push {id}")));
    match (status, location.parse()) {
        (StatusCode::CREATED, Ok(location)) => drop(response.headers_mut().insert(header::LOCATION, location)),
        (StatusCode::TOO_MANY_REQUESTS, _) => drop(response.headers_mut().insert(header::RETRY_AFTER, 30.into())),
        _ => {}
    }
    response
}

type Refused = (StatusCode, String);

fn received(sim: &Sim, id: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refused> {
    let refuse = |status: StatusCode, why: &str| (status, why.to_owned());
    let subscriptions = sim.subscriptions();
    let subscription = subscriptions.get(id).ok_or_else(|| refuse(StatusCode::NOT_FOUND, "no such subscription"))?;
    if let Some(status) = subscription.answer {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return Err(refuse(status, "refused by a switch"));
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("TTL").and_then(|ttl| ttl.parse::<u32>().ok()).is_none() {
        return Err(refuse(StatusCode::BAD_REQUEST, "no TTL"));
    }
    if text("Content-Encoding") != Some("aes128gcm") {
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not aes128gcm"));
    }
    if body.len() > BODY_MAX {
        return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "more than 4096 bytes"));
    }
    check_vapid(text("Authorization").unwrap_or_default(), &sim.base_url(), sim.0.clock.now())
        .map_err(|why| refuse(StatusCode::UNAUTHORIZED, why))?;
    let plain = decrypt(body.to_vec(), &subscription.key, &subscription.auth)
        .map_err(|_| refuse(StatusCode::BAD_REQUEST, "cannot be decrypted with the subscription's keys"))?;
    Ok(serde_json::from_slice(&plain).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&plain).into_owned())))
}

/// `vapid t=JWT, k=PUBLIC KEY`: ES256, for this push service, not expired, with a contact.
fn check_vapid(authorization: &str, origin: &str, now: Instant) -> Result<(), &'static str> {
    let parameters = authorization.strip_prefix("vapid ").ok_or("no VAPID authorization")?;
    let value = |name: &str| {
        parameters.split(',').filter_map(|part| part.trim().split_once('=')).find_map(|(n, v)| (n == name).then_some(v))
    };
    let (token, key) = (value("t").ok_or("no token")?, value("k").ok_or("no key")?);
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| "not base64url");
    let key = VerifyingKey::from_sec1_bytes(&decode(key)?).map_err(|_| "no P-256 key")?;
    let (signed, signature) = token.rsplit_once('.').ok_or("no JWT")?;
    let signature = Signature::from_slice(&decode(signature)?).map_err(|_| "no ES256 signature")?;
    key.verify(signed.as_bytes(), &signature).map_err(|_| "the token's signature is wrong")?;
    let (head, claims) = signed.split_once('.').ok_or("no JWT")?;
    let json = |part: &str| serde_json::from_slice::<Value>(&decode(part)?).map_err(|_| "no JSON in the token");
    let (head, claims) = (json(head)?, json(claims)?);
    if head["alg"] != "ES256" {
        return Err("not ES256");
    }
    if claims["aud"] != origin {
        return Err("the token is for another push service");
    }
    let left = claims["exp"].as_i64().ok_or("no expiry")? - now.timestamp();
    if left <= 0 || left > LIFETIME_MAX_S {
        return Err("expired, or valid for more than a day");
    }
    let contact = claims["sub"].as_str().unwrap_or_default();
    if contact.starts_with("mailto:") || contact.starts_with("https:") { Ok(()) } else { Err("no contact") }
}
