//! What a browser and its push service would do with what was sent: decrypt it, check its token.

use std::sync::Mutex;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Uri},
    response::IntoResponse,
};
use p256::{
    SecretKey,
    ecdsa::{VerifyingKey, signature::Verifier},
};
use serde_json::Value;

use super::*;
use crate::{
    carrier::{carriers::Carriers, http_client},
    clock::{Clock, Ids},
    model::person::Address,
    notify::{
        channels::{Channels, Looked, Sent},
        testing::{NIGHT, claimed},
    },
    store::{outbox::Outcome, testing::on_sqlite},
};

const PAYLOAD: &str = r#"{"title":"P1 #7","body":"Disk full"}"#;

fn decode(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A browser's side of a subscription.
struct Browser {
    key: SecretKey,
    secret: [u8; 16],
}

impl Browser {
    fn new() -> Self {
        Self { key: SecretKey::from_slice(&fresh_key().unwrap()).unwrap(), secret: *b"sixteen bytes ok" }
    }

    fn subscription(&self, endpoint: &str) -> PushSubscription {
        let public = VerifyingKey::from(self.key.public_key()).to_encoded_point(false);
        PushSubscription {
            endpoint: endpoint.to_owned(),
            p256dh: BASE64_URL_SAFE_NO_PAD.encode(public.as_bytes()),
            auth: BASE64_URL_SAFE_NO_PAD.encode(self.secret),
        }
    }

    fn decrypt(&self, message: Vec<u8>) -> String {
        let secret = web_push_native::Auth::clone_from_slice(&self.secret);
        String::from_utf8(web_push_native::decrypt(message, &self.key, &secret).unwrap()).unwrap()
    }
}

type Came = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A push service that answers with the status in its path.
async fn service() -> (String, Came) {
    async fn answer(State(came): State<Came>, uri: Uri, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
        came.lock().unwrap().push((headers, body));
        let status = uri.path().trim_start_matches('/').parse::<u16>().unwrap();
        (StatusCode::from_u16(status).unwrap(), [("retry-after", "30")])
    }
    let came = Came::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(came.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, came)
}

async fn send(to: PushSubscription) -> (Sent, Channels) {
    let clock = Clock::manual(NIGHT.parse().unwrap());
    let pusher = Pusher::new(&[7; 32], Some("mailto:ops@msp.example"), http_client(&clock)).unwrap();
    let channels =
        Channels::new(Carriers::default(), None, pusher, "https://h.example".to_owned(), clock, Ids::seeded(1));
    let mut sent = None;
    on_sqlite(async |store| {
        let said = Said { payload: PAYLOAD.to_owned(), ..Said::plain("Disk full") };
        let attempt = claimed(&store, Address::Push(to), &said).await;
        assert_eq!(channels.look(&attempt).await, Looked::Unclear);
        sent = Some(channels.send(&attempt).await);
    })
    .await;
    (sent.unwrap(), channels)
}

#[tokio::test]
async fn only_the_browser_can_read_what_is_sent() {
    let (url, came) = service().await;
    let browser = Browser::new();
    let (sent, _) = send(browser.subscription(&format!("{url}/201"))).await;
    assert_eq!(sent.outcome, Outcome::Sent { ended: true, deadline_at: None });
    let (headers, body) = came.lock().unwrap().remove(0);
    assert!(!String::from_utf8_lossy(&body).contains("Disk full"));
    assert_eq!(browser.decrypt(body.to_vec()), PAYLOAD);
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!((header("content-encoding"), header("ttl"), header("urgency")), ("aes128gcm", "900", "high"));
    let topic = header("topic");
    assert!((1..=32).contains(&topic.len()) && topic.bytes().all(|sign| sign.is_ascii_alphanumeric()), "{topic}");
}

#[tokio::test]
async fn the_service_can_check_who_sends() {
    let (url, came) = service().await;
    let (_, channels) = send(Browser::new().subscription(&format!("{url}/201"))).await;
    let authorization = came.lock().unwrap()[0].0["authorization"].to_str().unwrap().to_owned();
    let (token, key) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(key, channels.vapid_public_key());
    let key = VerifyingKey::from_sec1_bytes(&decode(key)).unwrap();
    let (said, signature) = token.rsplit_once('.').unwrap();
    key.verify(said.as_bytes(), &Signature::from_slice(&decode(signature)).unwrap()).unwrap();
    let parts: Vec<Value> = said.split('.').map(|part| serde_json::from_slice(&decode(part)).unwrap()).collect();
    assert_eq!(parts[0], serde_json::json!({"typ": "JWT", "alg": "ES256"}));
    let now = NIGHT.parse::<Instant>().unwrap().timestamp();
    let expires = parts[1]["exp"].as_i64().unwrap() - now;
    assert!(expires > 0 && expires <= 24 * 60 * 60, "{expires}");
    assert_eq!((&parts[1]["aud"], &parts[1]["sub"]), (&url.into(), &"mailto:ops@msp.example".into()));
}

#[tokio::test]
async fn what_the_service_answers_decides_what_follows() {
    let (url, _) = service().await;
    for (status, class) in [
        (404, Class::Destination),
        (410, Class::Destination),
        (413, Class::Content),
        (403, Class::Account),
        (400, Class::Bug),
        (301, Class::Bug),
        (429, Class::Retry),
        (500, Class::Retry),
        (503, Class::Retry),
    ] {
        let (sent, _) = send(Browser::new().subscription(&format!("{url}/{status}"))).await;
        assert_eq!((sent.class, sent.answer.code), (Some(class), Some(status.to_string())), "{status}");
        match sent.outcome {
            Outcome::Again { at, unsure: false } if class == Class::Retry => {
                assert_eq!((at - NIGHT.parse::<Instant>().unwrap()).num_seconds(), 30);
            }
            outcome => assert_eq!(outcome, Outcome::Failed, "{status}"),
        }
    }
    for status in [200, 202] {
        assert_eq!(send(Browser::new().subscription(&format!("{url}/{status}"))).await.0.class, None);
    }
    let (sent, _) = send(Browser::new().subscription("http://127.0.0.1:1/x")).await;
    assert_eq!(sent.class, Some(Class::Retry), "a service that is away comes back");
}

#[tokio::test]
async fn a_subscription_that_is_none_reaches_nobody() {
    let good = Browser::new().subscription("https://push.example/x");
    for endpoint in ["", "file:///etc/passwd", "http://push.example/x", "http://10.0.0.1/x", "ftp://push.example/"] {
        let (sent, _) = send(PushSubscription { endpoint: endpoint.to_owned(), ..good.clone() }).await;
        assert_eq!((sent.outcome, sent.class), (Outcome::Failed, Some(Class::Destination)), "{endpoint}");
    }
    for (p256dh, auth) in [("", good.auth.as_str()), ("AAAA", good.auth.as_str()), (good.p256dh.as_str(), "AAAA")] {
        let to = PushSubscription { p256dh: p256dh.to_owned(), auth: auth.to_owned(), ..good.clone() };
        assert_eq!(send(to).await.0.class, Some(Class::Destination));
    }
}

#[test]
fn the_rfcs_own_message_is_read() {
    let vector: Value = serde_json::from_str(include_str!("../../../../tests/data/rfc8291_appendix_a.json")).unwrap();
    let field = |name: &str| vector[name].as_str().unwrap();
    let browser = Browser {
        key: SecretKey::from_slice(&decode(field("receiver_private"))).unwrap(),
        secret: decode(field("auth_secret")).try_into().unwrap(),
    };
    assert_eq!(browser.subscription("").p256dh, field("receiver_public"));
    assert_eq!(browser.decrypt(decode(field("message"))), field("plaintext"));
}

#[test]
fn keys_are_checked_and_fresh_ones_differ() {
    let http = http_client(&Clock::system());
    assert_eq!(Pusher::new(&[0; 32], None, http.clone()).err(), Some(PusherError::Key));
    assert_eq!(Pusher::new(&[7; 31], None, http.clone()).err(), Some(PusherError::Key));
    let public = Pusher::new(&fresh_key().unwrap(), None, http).unwrap().vapid_public_key().to_owned();
    assert_eq!((decode(&public).len(), decode(&public)[0]), (65, 4));
    assert_ne!(fresh_key().unwrap(), fresh_key().unwrap());
}

#[test]
fn a_pause_is_in_seconds_or_until_a_date() {
    let now = "2026-03-01T02:30:00Z".parse().unwrap();
    let cases = [("120", Some(120)), ("Sun, 01 Mar 2026 02:31:00 GMT", Some(60)), ("soon", None), ("-1", None)];
    for (given, seconds) in cases {
        assert_eq!(retry_after(given, now), seconds.map(Duration::from_secs), "{given}");
    }
}
