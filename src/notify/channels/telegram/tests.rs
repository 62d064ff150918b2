//! Telegram's answers, and what is said to it, over real HTTP.

use serde_json::json;

use super::*;
use crate::{
    notify::{
        channels::{Channels, How, Sent, stand},
        testing::{NIGHT, alert, channels_with, page_of, sent_to},
    },
    store::outbox::Outcome,
};

const GROUP: i64 = -163_056_465;

fn bot(stand: &stand::Provider, clock: &Clock) -> Telegram {
    let http = crate::carrier::http_client(&Clock::system());
    Telegram::new(Secret::new("1:s3cret"), stand.url.clone(), http, clock.clone())
}

async fn send(stand: &stand::Provider, said: &Said) -> Sent {
    let channels = |clock: &Clock| -> Channels {
        channels_with(crate::model::person::Channel::Telegram, std::sync::Arc::new(bot(stand, clock)), clock)
    };
    sent_to(Address::Telegram(GROUP), said, channels).await
}

#[tokio::test]
async fn a_page_is_a_message_with_a_keyboard_and_keeps_where_it_stands() {
    let stand = stand::Provider::start().await;
    let sent = send(&stand, &page_of("telegram", "<a href=x> & Co")).await;
    assert_eq!(sent.answer.provider_id, Some(format!("{GROUP}:1")), "{sent:?}");
    let came = stand.one();
    assert_eq!(came.path, "/bot1:s3cret/sendMessage");
    assert_eq!((&came.body["chat_id"], &came.body["parse_mode"]), (&json!(GROUP), &json!("HTML")));
    let text = came.body["text"].as_str().unwrap();
    assert!(text.starts_with("<b>P1 #7: ACME &amp; Söhne") && text.contains("&lt;a href=x&gt; &amp; Co"), "{text}");
    let keys = came.body["reply_markup"]["inline_keyboard"].as_array().unwrap();
    let data: Vec<_> = keys.iter().filter_map(|row| row[0]["callback_data"].as_str().map(str::to_owned)).collect();
    let id = alert("").id;
    assert_eq!(data, ["acknowledge", "escalate", "resolve", "snooze"].map(|action| format!("{action} {id}")));
    assert!(
        keys[4][0]["url"].as_str().unwrap().starts_with("https://hotline.example/a/"),
        "the last one opens the page"
    );
}

#[tokio::test]
async fn a_long_text_stays_within_telegrams_limits() {
    let stand = stand::Provider::start().await;
    send(&stand, &Said { text: "<😀>".repeat(5_000), ..page_of("telegram", "x") }).await;
    assert!(stand.one().body["text"].as_str().unwrap().encode_utf16().count() <= 4_096);
}

#[tokio::test]
async fn an_earlier_message_is_changed_and_answered() {
    let stand = stand::Provider::start().await;
    let earlier = |how| Said { earlier: Some(Earlier { message: format!("{GROUP}:37"), how }), ..Said::plain("Ben") };
    assert_eq!(send(&stand, &earlier(How::ChangeAndReply)).await.class, None);
    let [edit, answer] = stand.came().try_into().unwrap();
    assert_eq!((edit.method.as_str(), &edit.body["message_id"]), ("editMessageText", &json!(37)));
    assert_eq!(edit.body["reply_markup"]["inline_keyboard"], json!([]), "no button is left");
    assert_eq!(answer.body["reply_parameters"]["message_id"], 37);
    // An earlier try had got there.
    let same = "Bad Request: message is not modified: specified new message content is the same";
    stand.tell(400, &[], json!({ "ok": false, "error_code": 400, "description": same }));
    assert_eq!(send(&stand, &earlier(How::Change)).await.class, None);
}

#[tokio::test]
async fn a_group_that_has_moved_is_followed() {
    let stand = stand::Provider::start().await;
    let parameters = json!({ "migrate_to_chat_id": -1_002_163_056_465_i64 });
    let words = "Bad Request: group chat was upgraded to a supergroup chat";
    stand.tell(400, &[], json!({ "ok": false, "error_code": 400, "description": words, "parameters": parameters }));
    let clock = Clock::manual(NIGHT.parse().unwrap());
    let bot = std::sync::Arc::new(bot(&stand, &clock));
    let channels = |clock: &Clock| channels_with(crate::model::person::Channel::Telegram, bot.clone(), clock);
    for first in [true, false] {
        let sent = sent_to(Address::Telegram(GROUP), &page_of("telegram", "x"), channels).await;
        assert!(sent.answer.provider_id.unwrap().starts_with("-1002163056465:"));
        assert_eq!(stand.came().len(), if first { 2 } else { 1 }, "the new id is kept");
    }
}

#[tokio::test]
async fn telegrams_answers_decide_what_follows() {
    let stand = stand::Provider::start().await;
    for (code, words, class) in [
        (401, "Unauthorized", Class::Account),
        (404, "Not Found", Class::Account),
        (403, "Forbidden: bot was blocked by the user", Class::Destination),
        (400, "Bad Request: chat not found", Class::Destination),
        (400, "Bad Request: can't parse entities: unclosed tag", Class::Content),
        (500, "Internal Server Error", Class::Retry),
    ] {
        let status = u16::try_from(code).unwrap();
        stand.tell(status, &[], json!({ "ok": false, "error_code": code, "description": words }));
        let sent = send(&stand, &page_of("telegram", "x")).await;
        assert_eq!((sent.class, sent.answer.code), (Some(class), Some(code.to_string())), "{words}");
        assert!(!sent.answer.message.unwrap().contains("s3cret"));
    }
    let parameters = json!({ "retry_after": 35 });
    let words = "Too Many Requests: retry after 35";
    stand.tell(429, &[], json!({ "ok": false, "error_code": 429, "description": words, "parameters": parameters }));
    let Outcome::Again { at, unsure: false } = send(&stand, &page_of("telegram", "x")).await.outcome else { panic!() };
    assert!((at - NIGHT.parse::<crate::model::Instant>().unwrap()).num_seconds() >= 35);
    stand.tell(502, &[], "<html>");
    assert_eq!(send(&stand, &page_of("telegram", "x")).await.class, Some(Class::Retry));
    let nobody = stand.gone();
    let sent = send(&nobody, &page_of("telegram", "x")).await;
    assert_eq!(
        sent.answer.message.as_deref(),
        Some("Telegram could not be reached"),
        "no address, which has the token"
    );
}
