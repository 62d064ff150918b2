//! Slack's answers, and what is said to it, over real HTTP.

use serde_json::json;

use super::*;
use crate::{
    notify::{
        channels::{Channels, How, Sent, stand},
        testing::{alert, channels_with, claimed, page_of, sent_to},
    },
    store::{attempts::AttemptKind, outbox::Outcome, testing::on_sqlite},
};

fn channels(stand: &stand::Provider, clock: &Clock) -> Channels {
    let http = crate::carrier::http_client(&Clock::system());
    let slack = Slack::new(Secret::new("xoxb-s3cret"), stand.url.clone(), http, clock.clone());
    channels_with(crate::model::person::Channel::Slack, std::sync::Arc::new(slack), clock)
}

fn anna() -> Address {
    Address::Slack("U2CERLKJA".to_owned())
}

async fn send(stand: &stand::Provider, said: &Said) -> Sent {
    sent_to(anna(), said, |clock| channels(stand, clock)).await
}

#[tokio::test]
async fn a_page_is_a_message_with_buttons_and_keeps_where_it_stands() {
    let stand = stand::Provider::start().await;
    let sent = send(&stand, &page_of("slack", "<!channel> & <b>")).await;
    assert_eq!(sent.answer.provider_id.as_deref(), Some("D2CERLKJA:1772332200.000001"), "{sent:?}");
    let came = stand.one();
    assert_eq!((came.method.as_str(), came.header("authorization")), ("chat.postMessage", "Bearer xoxb-s3cret"));
    assert_eq!(came.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(came.body["channel"], "U2CERLKJA");
    let text = came.body["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(text.contains("&lt;!channel&gt; &amp; &lt;b&gt;") && !text.contains("<!"), "{text}");
    let buttons = came.body["blocks"][1]["elements"].as_array().unwrap();
    let values: Vec<_> = buttons.iter().map(|button| button["value"].as_str().unwrap().to_owned()).collect();
    let id = alert("").id;
    let expect = ["acknowledge", "escalate", "resolve", "snooze", "open"].map(|action| format!("{action} {id}"));
    assert_eq!(values, expect);
    assert!(
        buttons[4]["url"].as_str().unwrap().starts_with("https://hotline.example/a/"),
        "the last one opens the page"
    );
}

#[tokio::test]
async fn a_long_text_stays_within_slacks_limits() {
    let stand = stand::Provider::start().await;
    let said = Said { text: "<&>".repeat(5_000), ..page_of("slack", "x") };
    send(&stand, &said).await;
    let text = stand.one().body["blocks"][0]["text"]["text"].as_str().unwrap().to_owned();
    assert!(text.len() <= 3_000 && text.ends_with('…'));
}

#[tokio::test]
async fn an_earlier_message_is_changed_and_answered() {
    let stand = stand::Provider::start().await;
    for (how, expect) in [
        (How::Change, vec!["chat.update"]),
        (How::ChangeAndReply, vec!["chat.update", "chat.postMessage"]),
        (How::Reply, vec!["chat.postMessage"]),
    ] {
        let earlier = Some(Earlier { message: "D1:17.5".to_owned(), how });
        let sent = send(&stand, &Said { earlier, ..Said::plain("Ben took it") }).await;
        assert_eq!(sent.class, None, "{sent:?}");
        let came = stand.came();
        assert_eq!(came.iter().map(|came| came.method.as_str()).collect::<Vec<_>>(), expect);
        for came in came {
            assert_eq!(came.body["channel"], "D1");
            let ts = if came.method == "chat.update" { &came.body["ts"] } else { &came.body["thread_ts"] };
            assert_eq!((ts, came.body["blocks"].as_array().unwrap().len()), (&json!("17.5"), 1), "no buttons are left");
        }
    }
    // The message is gone: whoever read it learns it all the same.
    stand.tell(200, &[], json!({ "ok": false, "error": "message_not_found" }));
    let earlier = Some(Earlier { message: "D1:17.5".to_owned(), how: How::ChangeAndReply });
    assert_eq!(send(&stand, &Said { earlier, ..Said::plain("Ben took it") }).await.class, None);
    assert_eq!(stand.came().len(), 2);
}

#[tokio::test]
async fn slacks_words_decide_what_follows() {
    let stand = stand::Provider::start().await;
    for (error, class) in [
        ("invalid_auth", Class::Account),
        ("missing_scope", Class::Account),
        ("channel_not_found", Class::Destination),
        ("is_archived", Class::Destination),
        ("msg_blocks_too_long", Class::Content),
        ("ratelimited", Class::Retry),
        ("service_unavailable", Class::Retry),
        ("internal_error", Class::Unsure),
        ("never_heard_of", Class::Bug),
    ] {
        stand.tell(200, &[], json!({ "ok": false, "error": error }));
        let sent = send(&stand, &page_of("slack", "Disk full")).await;
        assert_eq!((sent.class, sent.answer.code.as_deref()), (Some(class), Some(error)));
        assert_eq!(matches!(sent.outcome, Outcome::Again { .. }), class.may_be_repeated(), "{error}");
        assert!(!sent.answer.message.unwrap().contains("s3cret"));
    }
    stand.tell(200, &[], "<html>");
    assert_eq!(send(&stand, &page_of("slack", "x")).await.class, Some(Class::Unsure));
}

#[tokio::test]
async fn slack_says_when_to_come_again() {
    let stand = stand::Provider::start().await;
    stand.tell(429, &[("retry-after", "40")], json!({ "ok": false, "error": "ratelimited" }));
    let sent = send(&stand, &page_of("slack", "Disk full")).await;
    let Outcome::Again { at, unsure: false } = sent.outcome else { panic!("{sent:?}") };
    let waits = (at - crate::notify::testing::NIGHT.parse::<crate::model::Instant>().unwrap()).num_seconds();
    assert!((40..=60).contains(&waits), "{waits}");
}

#[tokio::test]
async fn what_cannot_be_reached_or_is_not_configured_is_told_apart() {
    let nobody = stand::Provider::start().await.gone();
    assert_eq!(send(&nobody, &page_of("slack", "x")).await.class, Some(Class::Retry));
    on_sqlite(async |store| {
        let clock = Clock::manual(crate::notify::testing::NIGHT.parse().unwrap());
        let bare = crate::notify::testing::bare_channels(&clock);
        let attempt = claimed(&store, anna(), &page_of("slack", "x")).await;
        assert_eq!(attempt.kind, AttemptKind::Page);
        let sent = bare.send(&attempt).await;
        assert_eq!(sent.class, Some(Class::Account));
        assert_eq!(sent.answer.message.as_deref(), Some("the configuration has no [slack]"));
    })
    .await;
}
