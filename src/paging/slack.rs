//! Slack reports a pressed button: a form whose field `payload` is JSON, signed over its raw bytes. It is
//! answered after the commit, empty; what is to be said goes out by rows. A repeated report changes
//! nothing. Strangers learn that nothing was changed, once per message.

use axum::{
    extract::{Request, State as Extract},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::{
    State,
    buttons::{Press, presser, reply},
};
use crate::{
    model::{Instant, person::Address, secret::Secret},
    notify::{
        channels::{Earlier, How, read_pressed, slack::message_id},
        said::Said,
        texts,
    },
    store::{StoreError, attempts, seen},
    telemetry::metric,
    web::{body, problem::Problem},
};

/// A message with its blocks comes back with the press.
const BODY_BYTES_MAX: usize = 256 * 1_024;
/// Older ones may be somebody's recording, and newer ones cannot be.
const AGE_S_MAX: u64 = 300;
const HOW: &str = "by Slack button";

pub(super) async fn pressed(Extract(state): Extract<State>, request: Request) -> Response {
    let (parts, given) = request.into_parts();
    let Some(secret) = &state.buttons.slack else { return refuse("not_configured") };
    let Some(signed) = Signed::of(&parts.headers) else { return refuse("unsigned") };
    let Ok(raw) = body::read(given, BODY_BYTES_MAX).await else { return refuse("broken_body") };
    if !signed.is_genuine(secret, &raw, state.context.clock.now()) {
        return refuse("badly_signed");
    }
    let payload = form_urlencoded::parse(&raw).find(|(name, _)| name == "payload").map(|(_, json)| json.into_owned());
    let payload: Value = payload.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    // Whatever else Slack has to tell is none of our business, and no mistake.
    let Some(given) = Given::of(&payload) else { return StatusCode::OK.into_response() };
    match act(&state, given).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a Slack button could not be worked on");
            Problem::unavailable().into_response()
        }
    }
}

async fn act(state: &State, given: Given) -> Result<(), StoreError> {
    let acting = state.context.acting();
    let Some((action, alert)) = read_pressed(&given.value) else { return Ok(()) };
    let chat = Address::Slack(given.channel.clone());
    let message = message_id(&given.channel, &given.ts);
    let Some(person) = presser(&acting, &Address::Slack(given.user.clone())).cloned() else {
        return stranger(state, chat, message, given.user).await;
    };
    let key = format!("slack:{message}:{}:{}", given.user, given.action_ts);
    let press = Press { key, person, action, alert, how: HOW, chat, message, is_shown: false };
    press.act(&state.context).await.map(|_| ())
}

/// The message stays as it is.
async fn stranger(state: &State, chat: Address, message: String, user: String) -> Result<(), StoreError> {
    tracing::warn!(slack.user = %user, "somebody pressed a button in Slack who is no contact of any person");
    let acting = state.context.acting();
    state
        .context
        .change(async move |db| {
            let key = format!("slack-stranger:{message}:{user}");
            if !seen::remember(db, acting.org(), &key, "", acting.now).await? {
                return Ok(());
            }
            let earlier = Some(Earlier { message: message.clone(), how: How::Reply });
            let said = Said { earlier, ..Said::plain(texts::stranger("en", &user)) };
            attempts::insert(db, acting.org(), &reply(&acting, &chat, None, None, &said)).await
        })
        .await
}

/// What a press says, as far as it concerns us.
struct Given {
    user: String,
    channel: String,
    ts: String,
    value: String,
    action_ts: String,
}

impl Given {
    fn of(payload: &Value) -> Option<Self> {
        let text = |pointer: &str| {
            payload.pointer(pointer)?.as_str().filter(|text| (1..=200).contains(&text.len())).map(str::to_owned)
        };
        Some(Self {
            user: text("/user/id")?,
            channel: text("/container/channel_id").or_else(|| text("/channel/id"))?,
            ts: text("/container/message_ts").or_else(|| text("/message/ts"))?,
            value: text("/actions/0/value")?,
            action_ts: text("/actions/0/action_ts")?,
        })
    }
}

/// <https://api.slack.com/authentication/verifying-requests-from-slack>
struct Signed<'a> {
    timestamp: &'a str,
    signature: Vec<u8>,
}

impl<'a> Signed<'a> {
    fn of(headers: &'a HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let signature = hex::decode(text("x-slack-signature")?.strip_prefix("v0=")?).ok()?;
        Some(Self { timestamp: text("x-slack-request-timestamp")?, signature })
    }

    fn is_genuine(&self, secret: &Secret, body: &[u8], now: Instant) -> bool {
        let is_new = self.timestamp.parse::<i64>().is_ok_and(|at| at.abs_diff(now.timestamp()) <= AGE_S_MAX);
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes keys of any length");
        mac.update(format!("v0:{}:", self.timestamp).as_bytes());
        mac.update(body);
        // Compares in constant time.
        is_new && mac.verify_slice(&self.signature).is_ok()
    }
}

fn refuse(reason: &'static str) -> Response {
    metrics::counter!(metric::REFUSED, "face" => "slack", "reason" => reason).increment(1);
    tracing::warn!(reason, "a request to Slack's side was refused");
    (StatusCode::FORBIDDEN, "this request is not signed by Slack\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slack's own example.
    #[test]
    fn slacks_example_is_genuine_for_five_minutes() {
        let vector: Value = serde_json::from_str(include_str!("../../tests/data/slack/signature_vector.json")).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap();
        let secret = Secret::new(text("signing_secret"));
        let headers = |signature: &str| {
            let pairs = [("x-slack-signature", signature), ("x-slack-request-timestamp", text("timestamp"))];
            pairs
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .into_iter()
                .collect::<HeaderMap>()
        };
        let at = |seconds: i64| {
            let sent: i64 = text("timestamp").parse().unwrap();
            Instant::from_timestamp(sent + seconds, 0).unwrap()
        };
        let genuine = headers(text("signature"));
        let signed = Signed::of(&genuine).unwrap();
        let body = text("body").as_bytes();
        assert!(signed.is_genuine(&secret, body, at(0)) && signed.is_genuine(&secret, body, at(300)));
        assert!(!signed.is_genuine(&secret, body, at(301)) && !signed.is_genuine(&secret, body, at(-301)));
        assert!(!signed.is_genuine(&secret, b"payload={}", at(0)));
        assert!(!signed.is_genuine(&Secret::new("other"), body, at(0)));
        for forged in ["", "v0=", "v0=zz", "v1=a2114d57"] {
            let headers = headers(forged);
            assert!(Signed::of(&headers).is_none_or(|signed| !signed.is_genuine(&secret, body, at(0))), "{forged}");
        }
    }
}
