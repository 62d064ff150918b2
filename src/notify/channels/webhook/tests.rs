//! Signatures against the standard's own example, and receivers' answers over real HTTP.

use super::*;
use crate::{
    notify::{
        channels::{Sent, stand},
        testing::{NIGHT, alert, channels_with, page_of, sent_to},
    },
    store::outbox::Outcome,
};

/// From the reference libraries of Standard Webhooks.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn key() -> SigningKey {
    SigningKey::new(&Secret::new(SECRET)).unwrap()
}

async fn send(url: &str, allow_private: bool) -> Sent {
    let channels = |clock: &Clock| {
        let webhook = Webhook::new(key(), allow_private, clock.clone());
        channels_with(crate::model::person::Channel::Webhook, std::sync::Arc::new(webhook), clock)
    };
    sent_to(Address::Webhook(Secret::new(url)), &page_of("webhook", "Disk full"), channels).await
}

#[test]
fn the_standards_example_is_signed_as_it_says() {
    let signature = key().sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    for bad in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!!"] {
        assert!(SigningKey::new(&Secret::new(bad)).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_receiver_can_tell_that_it_is_ours_and_new() {
    let stand = stand::Provider::start().await;
    let sent = send(&format!("{}/hook?key=s3cret", stand.url), true).await;
    assert_eq!(sent.outcome, Outcome::Sent { ended: true, deadline_at: None }, "{sent:?}");
    let came = stand.one();
    let (id, timestamp) = (came.header("webhook-id"), came.header("webhook-timestamp"));
    assert!(id.starts_with("att_"));
    assert_eq!(timestamp, NIGHT.parse::<crate::model::Instant>().unwrap().timestamp().to_string());
    assert_eq!(came.header("webhook-signature"), key().sign(id, timestamp.parse().unwrap(), &came.raw));
    assert_eq!((&came.body["type"], &came.body["timestamp"]), (&"alert.page".into(), &NIGHT.into()));
    let data = &came.body["data"];
    assert_eq!((data["alert"].as_str(), data["person"].as_str()), (Some(alert("").id.as_str()), Some("anna")));
    assert!(data["text"].as_str().unwrap().contains("Disk full"));
    assert_eq!(data["actions"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn whatever_is_not_2xx_is_a_failure() {
    let stand = stand::Provider::start().await;
    for (status, class) in [
        (301, Class::Destination),
        (400, Class::Content),
        (401, Class::Destination),
        (404, Class::Destination),
        (410, Class::Destination),
        (422, Class::Content),
        (429, Class::Retry),
        (500, Class::Retry),
        (503, Class::Retry),
        (504, Class::Unsure),
    ] {
        stand.tell(status, &[("location", "https://elsewhere.example/")], "no");
        let sent = send(&format!("{}/hook?key=s3cret", stand.url), true).await;
        assert_eq!((sent.class, sent.answer.code), (Some(class), Some(status.to_string())));
        assert!(!sent.answer.message.unwrap().contains("s3cret"));
    }
    stand.tell(204, &[], "");
    assert_eq!(send(&stand.url, true).await.class, None);
}

#[tokio::test]
async fn nothing_goes_into_the_house_or_without_tls_unless_it_is_allowed() {
    let stand = stand::Provider::start().await;
    let port = stand.url.rsplit(':').next().unwrap();
    for url in [
        stand.url.clone(),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://[::ffff:10.0.0.1]/".to_owned(),
    ] {
        let sent = send(&url, false).await;
        assert_eq!((sent.class, &sent.outcome), (Some(Class::Destination), &Outcome::Failed), "{url}: {sent:?}");
    }
    assert!(stand.came().is_empty());
}
