//! ntfy's answers, and what is said to it, over real HTTP.

use serde_json::json;

use super::*;
use crate::{
    notify::{
        channels::{Sent, stand},
        testing::{channels_with, page_of, sent_to},
    },
    store::outbox::Outcome,
};

async fn send(stand: &stand::Provider, said: &Said) -> Sent {
    let channels = |clock: &Clock| {
        let http = crate::carrier::http_client(&Clock::system());
        let ntfy = Ntfy::new(stand.url.clone(), Some(Secret::new("tk_s3cret")), http, clock.clone());
        channels_with(crate::model::person::Channel::Ntfy, std::sync::Arc::new(ntfy), clock)
    };
    sent_to(Address::Ntfy(Secret::new("anna-7f3a")), said, channels).await
}

#[tokio::test]
async fn a_page_is_loud_and_its_buttons_post_signed_links() {
    let stand = stand::Provider::start().await;
    let sent = send(&stand, &page_of("ntfy", "Disk full")).await;
    assert_eq!(sent.outcome, Outcome::Sent { ended: true, deadline_at: None }, "{sent:?}");
    let came = stand.one();
    assert_eq!((came.path.as_str(), came.header("authorization")), ("/", "Bearer tk_s3cret"));
    assert_eq!((&came.body["topic"], &came.body["priority"]), (&json!("anna-7f3a"), &json!(5)));
    let actions = came.body["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 3);
    for action in actions {
        assert_eq!((&action["action"], &action["method"]), (&json!("http"), &json!("POST")));
        assert!(action["url"].as_str().unwrap().starts_with("https://hotline.example/a/"));
    }
    assert_eq!(came.body["click"], actions[0]["url"]);
}

#[tokio::test]
async fn a_long_message_stays_a_message() {
    let stand = stand::Provider::start().await;
    send(&stand, &Said { text: "Größe ".repeat(2_000), ..page_of("ntfy", "x") }).await;
    assert!(stand.one().body["message"].as_str().unwrap().len() <= 4_096);
}

#[tokio::test]
async fn ntfys_answers_decide_what_follows() {
    let stand = stand::Provider::start().await;
    for (status, code, class) in [
        (401, 40_101, Class::Account),
        (403, 40_301, Class::Account),
        (413, 41_301, Class::Content),
        (400, 40_009, Class::Bug),
        (429, 42_901, Class::Retry),
        (429, 42_908, Class::RetryLater),
        (507, 50_701, Class::Retry),
    ] {
        stand.tell(status, &[], json!({ "code": code, "http": status, "error": "words" }));
        let sent = send(&stand, &page_of("ntfy", "x")).await;
        assert_eq!((sent.class, sent.answer.code), (Some(class), Some(code.to_string())));
        assert!(!sent.answer.message.unwrap().contains("7f3a"), "a topic is a secret");
    }
}
