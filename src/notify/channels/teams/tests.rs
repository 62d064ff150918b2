//! What a workflow gets and answers, over real HTTP.

use serde_json::json;

use super::*;
use crate::{
    model::secret::Secret,
    notify::{
        channels::{Sent, stand},
        testing::{channels_with, page_of, sent_to},
    },
};

async fn send(stand: &stand::Provider, said: &Said, allow_private: bool) -> Sent {
    let url = Secret::new(format!("{}/workflows/1/invoke?sig=s3cret", stand.url));
    let channels = |clock: &Clock| {
        let teams = Teams::new(allow_private, clock.clone());
        channels_with(crate::model::person::Channel::Teams, std::sync::Arc::new(teams), clock)
    };
    sent_to(Address::Teams(url), said, channels).await
}

#[tokio::test]
async fn a_page_is_a_card_whose_buttons_open_the_page_that_asks() {
    let stand = stand::Provider::start().await;
    stand.tell(202, &[], "");
    assert_eq!(send(&stand, &page_of("teams", "**[x](https://evil.example)**"), true).await.class, None);
    let body = stand.one().body;
    let attachment = &body["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    let card = &attachment["content"];
    assert_eq!((&card["type"], &card["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
    for block in card["body"].as_array().unwrap() {
        // Nothing that reads Markdown.
        assert_eq!((&block["type"], &block["inlines"][0]["type"]), (&json!("RichTextBlock"), &json!("TextRun")));
    }
    assert!(card["body"][1]["inlines"][0]["text"].as_str().unwrap().contains("**[x](https://evil.example)**"));
    for action in card["actions"].as_array().unwrap() {
        assert_eq!(action["type"], "Action.OpenUrl");
        assert!(action["url"].as_str().unwrap().starts_with("https://hotline.example/a/"));
    }
}

#[tokio::test]
async fn a_card_stays_within_what_a_workflow_takes() {
    let stand = stand::Provider::start().await;
    send(&stand, &Said { text: "\"ä".repeat(20_000), ..page_of("teams", "x") }, true).await;
    assert!(stand.one().raw.len() < 21_000);
}

#[tokio::test]
async fn a_workflows_answers_decide_what_follows() {
    let stand = stand::Provider::start().await;
    for (status, class) in [
        (400, Class::Destination),
        (401, Class::Destination),
        (404, Class::Destination),
        (413, Class::Content),
        (429, Class::Retry),
        (502, Class::Retry),
    ] {
        stand.tell(status, &[], "{}");
        let sent = send(&stand, &page_of("teams", "x"), true).await;
        assert_eq!(sent.class, Some(class), "{status}");
        assert!(!sent.answer.message.unwrap().contains("s3cret"));
    }
    assert_eq!(send(&stand, &page_of("teams", "x"), false).await.class, Some(Class::Destination), "not without TLS");
}
