//! The same over Telnyx: what it reports comes as JSON with its own signature, and it reads no answers.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;
use crate::{
    carrier::{
        carriers::{Carriers, Line},
        choose::Serves,
        http_client,
        signature::Signer,
        stand::Stand,
        telnyx::{Telnyx, tests::settings},
    },
    clock::Clock,
};

struct Over {
    service: Service,
    key: Ed25519KeyPair,
    /// Telnyx's API.
    stand: Stand,
}

impl Over {
    async fn telnyx(store: &Store) -> Self {
        let stand = Stand::start().await;
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let clock = Clock::system();
        let line = Line {
            carrier: Arc::new(Telnyx::new(settings(stand.base_url.clone()), http_client(&clock), clock)),
            serves: Serves::default(),
            signer: Signer::Ed25519(BASE64_STANDARD.encode(key.public_key().as_ref()).parse().unwrap()),
            account_sid: "61bf923e".to_owned(),
        };
        let night = Night::on(store).await;
        let webhooks = Webhooks::new(Carriers::new(vec![line]), PUBLIC_URL, night.context.clock.clone());
        let router = routes(State::new(night.context.clone(), webhooks, Buttons::default()));
        Self { service: Service { night, router }, key, stand }
    }

    /// As Telnyx sends it, signed so many seconds ago.
    async fn reports(&self, path: &str, ago: i64, event: &Value) -> Answered {
        let body = event.to_string();
        let timestamp = (self.service.night.context.clock.now().timestamp() - ago).to_string();
        let signature = BASE64_STANDARD.encode(self.key.sign(format!("{timestamp}|{body}").as_bytes()));
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("telnyx-timestamp", timestamp)
            .header("telnyx-signature-ed25519", signature)
            .body(Body::from(body));
        self.service.send(request.unwrap()).await
    }

    fn sent(&self) -> Vec<String> {
        let text = |body: Vec<u8>| serde_json::from_slice::<Value>(&body).unwrap()["text"].as_str().unwrap().to_owned();
        self.stand.asked().into_iter().map(|asked| text(asked.body)).collect()
    }
}

fn event(kind: &str, sid: &str, from: &str, to: &str, more: &Value) -> Value {
    let mut payload = json!({"id": sid, "from": {"phone_number": from}, "to": [{"phone_number": to}]});
    payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"data": {"event_type": kind, "payload": payload}})
}

fn text(sid: &str, body: &str) -> Value {
    event("message.received", sid, ANNA, "+4930901820", &json!({"text": body}))
}

on_both! {
    async fn an_sms_over_telnyx_acknowledges_and_is_answered_by_another(store: Store) {
        let over = Over::telnyx(&store).await;
        let id = over.service.night.raise("Disk full").await;
        let code = over.service.code(&id).await;
        let answer = format!("1 {code}");
        over.stand.tell(200, r#"{"data": {"id": "m2"}}"#);
        let answered = over.reports("/carriers/telnyx/sms", 0, &text("m1", &answer)).await;
        assert_eq!((answered.status, answered.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert!(is_by(&over.service.state(&id).await, "anna"));
        let sent = over.sent();
        assert!(matches!(sent.as_slice(), [thanks] if thanks.contains(&code)), "{sent:?}");
        over.reports("/carriers/telnyx/sms", 5, &text("m1", &answer)).await;
        assert!(over.sent().is_empty(), "what comes twice is answered once");
        over.service.night.end().await;
    }

    async fn a_report_of_telnyx_tells_what_became_of_a_page(store: Store) {
        let over = Over::telnyx(&store).await;
        let id = over.service.night.raise("Disk full").await;
        let attempt = over.service.attempt(&id, Channel::Sms).await;
        let path = format!("/carriers/telnyx/sms/status?attempt={}", attempt.id);
        let report = |status: &str| {
            let to = json!({"to": [{"phone_number": ANNA, "status": status}]});
            event("message.finalized", attempt.provider_id.as_deref().unwrap(), "+4930901820", ANNA, &to)
        };
        assert_eq!(over.reports(&path, 301, &report("delivered")).await.status, StatusCode::FORBIDDEN, "too old");
        assert_ne!(over.service.attempt(&id, Channel::Sms).await.state, AttemptState::Delivered);
        assert_eq!(over.reports(&path, 0, &report("delivered")).await.status, StatusCode::NO_CONTENT);
        assert_eq!(over.service.attempt(&id, Channel::Sms).await.state, AttemptState::Delivered);
        over.service.night.end().await;
    }

    async fn whoever_signs_as_twilio_is_not_telnyx(store: Store) {
        let over = Over::telnyx(&store).await;
        let form = [("MessageSid", "m1"), ("From", ANNA), ("Body", "1")];
        assert_eq!(over.service.carrier("/carriers/telnyx/sms", &form).await.status, StatusCode::FORBIDDEN);
        over.service.night.end().await;
    }
}
