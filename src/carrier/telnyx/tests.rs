//! The client against a real web server that answers as it is told.

use super::*;
use crate::carrier::{
    error_codes, http_client,
    stand::Stand,
    status::{CallStatus, MessageStatus},
};

const CALLS: &str = "/texml/Accounts/61bf923e/Calls";

fn now() -> Instant {
    "2026-03-01T02:30:00Z".parse().unwrap()
}

pub fn settings(base_url: String) -> Settings {
    Settings {
        id: "telnyx".parse().unwrap(),
        account_sid: "61bf923e".to_owned(),
        application_sid: "1494404757140276705".to_owned(),
        api_key: Secret::new("KEY01"),
        from: "+4930901820".parse().unwrap(),
        base_url,
        calls_per_second: 1_000.0,
        messages_per_second: 1_000.0,
        patience: Duration::from_secs(5),
    }
}

async fn carrier() -> (Stand, Telnyx) {
    let stand = Stand::start().await;
    let clock = Clock::faster(now(), 1.0);
    let settings = settings(stand.base_url.clone());
    (stand, Telnyx::new(settings, http_client(&clock), clock))
}

fn call(ring_s: u32) -> NewCall {
    NewCall {
        to: "+4930555010".parse().unwrap(),
        from: None,
        url: "https://h.example/carriers/telnyx/page?a=1".to_owned(),
        status_callback: "https://h.example/carriers/telnyx/page/status".to_owned(),
        ring_s,
    }
}

fn sms() -> NewSms {
    NewSms {
        to: "+4930555010".parse().unwrap(),
        from: None,
        body: "1 K7: Störung & mehr".to_owned(),
        status_callback: Some("https://h.example/carriers/telnyx/sms/status?attempt=a".to_owned()),
        validity_s: 600,
    }
}

fn sid() -> Sid {
    Sid::new("v3:a/b")
}

fn refusal(code: u32) -> String {
    json!({"errors": [{"code": code.to_string(), "title": "No", "detail": "not so"}]}).to_string()
}

#[tokio::test]
async fn a_call_is_placed_within_the_application_and_with_all_its_events() {
    let (stand, telnyx) = carrier().await;
    stand.tell(200, json!({"from": "+4930901820", "status": "queued", "call_sid": "v3:a/b"}).to_string());
    assert_eq!(telnyx.place_call(&call(25)).await, Ok(sid()));
    let asked = stand.one();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", CALLS));
    let expected = [
        ("ApplicationSid", "1494404757140276705"),
        ("To", "+4930555010"),
        ("From", "+4930901820"),
        ("Url", "https://h.example/carriers/telnyx/page?a=1"),
        ("UrlMethod", "POST"),
        ("StatusCallback", "https://h.example/carriers/telnyx/page/status"),
        ("StatusCallbackMethod", "POST"),
        ("StatusCallbackEvent", "initiated ringing answered completed"),
        ("Timeout", "25"),
    ];
    assert_eq!(asked.form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(asked.header("authorization"), Some("Bearer KEY01"));

    for (ring_s, timeout) in [(1, "5"), (600, "120")] {
        stand.tell(200, json!({"sid": "v3:a/b"}).to_string());
        telnyx.place_call(&call(ring_s)).await.unwrap();
        assert_eq!(stand.one().all("Timeout"), [timeout]);
    }
}

#[tokio::test]
async fn a_call_is_ended_or_redirected_unless_the_caller_has_gone() {
    let (stand, telnyx) = carrier().await;
    stand.tell(200, "{}").tell(200, "{}");
    assert_eq!(telnyx.end_call(&sid()).await, Ok(()));
    let asked = stand.one();
    assert_eq!((asked.path, asked.form), (format!("{CALLS}/v3%3Aa%2Fb"), vec![("Status".into(), "completed".into())]));
    assert_eq!(telnyx.redirect_call(&sid(), "https://h.example/next").await, Ok(Moved::Moved));
    let asked = stand.one();
    assert_eq!((asked.all("Url"), asked.all("Method")), (vec!["https://h.example/next"], vec!["POST"]));
    stand.tell(404, refusal(10_005)).tell(404, refusal(10_005)).tell(401, refusal(10_009));
    assert_eq!(telnyx.end_call(&sid()).await, Ok(()));
    assert_eq!(telnyx.redirect_call(&sid(), "https://h.example/next").await, Ok(Moved::Gone));
    assert_eq!(telnyx.end_call(&sid()).await.unwrap_err().class, Class::Account);
}

#[tokio::test]
async fn calls_are_looked_for_by_number_and_time() {
    let (stand, telnyx) = carrier().await;
    let item = |sid: &str, at: &str, direction: &str| json!({"sid": sid, "status": "ringing", "date_created": at, "direction": direction});
    let page = json!({"calls": [
        item("early", "2026-03-01T02:29:00Z", "outbound"),
        item("ours", "2026-03-01T02:30:01Z", "outbound"),
        item("theirs", "2026-03-01T02:30:01Z", "inbound"),
    ]});
    stand.tell(200, page.to_string());
    let found = telnyx.find_calls(&"+4930555010".parse().unwrap(), now()).await.unwrap();
    assert_eq!(found.iter().map(|call| call.sid.as_str()).collect::<Vec<_>>(), ["ours"]);
    let asked = stand.one();
    assert!(asked.query.contains(&("To".to_owned(), "+4930555010".to_owned())), "{asked:?}");

    stand.tell(200, json!({"sid": "v3:a/b", "status": "no-answer", "duration": "0"}).to_string());
    assert_eq!(telnyx.call_status(&sid()).await.unwrap().status, CallStatus::NoAnswer);
}

#[tokio::test]
async fn a_message_is_sent_and_asked_about() {
    let (stand, telnyx) = carrier().await;
    stand.tell(200, json!({"data": {"id": "m1", "to": [{"status": "queued"}]}}).to_string());
    assert_eq!(telnyx.send_sms(&sms()).await, Ok(Some(Sid::new("m1"))));
    let asked = stand.one();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/messages"));
    let sent: Value = serde_json::from_slice(&asked.body).unwrap();
    let expected = json!({
        "to": "+4930555010", "from": "+4930901820", "text": "1 K7: Störung & mehr",
        "webhook_url": "https://h.example/carriers/telnyx/sms/status?attempt=a", "use_profile_webhooks": false,
    });
    assert_eq!(sent, expected);

    stand.tell(200, json!({"data": {"id": "m1", "to": [{"status": "delivered"}]}}).to_string());
    assert_eq!(telnyx.sms_status(&Sid::new("m1")).await.unwrap().status, MessageStatus::Delivered);
    let looked = telnyx.find_sms(&"+4930555010".parse().unwrap(), "1 K7", now()).await;
    assert_eq!(looked.unwrap_err().class, Class::Retry, "nobody can say");
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let (stand, telnyx) = carrier().await;
    for (status, code, class, told) in [
        (409, 40_300, Class::Destination, error_codes::OPTED_OUT),
        (400, 40_001, Class::Destination, 40_001),
        (400, 40_305, Class::Account, 40_305),
        (403, 10_010, Class::Account, 10_010),
        (404, 10_005, Class::Account, 10_005),
        (429, 10_011, Class::Retry, 10_011),
        (500, 10_007, Class::Unsure, 10_007),
    ] {
        stand.tell(status, refusal(code));
        let error = telnyx.send_sms(&sms()).await.unwrap_err();
        assert_eq!((error.class, error.code), (class, Some(told)), "{code}");
        assert!(!error.to_string().contains("KEY01"));
    }
    stand.tell(200, "<html>");
    assert_eq!(telnyx.send_sms(&sms()).await.unwrap_err().class, Class::Unsure, "it may have been sent");
}

#[tokio::test]
async fn a_recording_is_fetched_from_where_its_description_says() {
    let (stand, telnyx) = carrier().await;
    let described = json!({"sid": "r1", "status": "completed", "media_url": format!("{}/media/r1", stand.base_url)});
    stand.tell(200, described.to_string()).tell(200, "ID3");
    assert_eq!(telnyx.fetch_recording(&Sid::new("r1")).await, Ok(b"ID3".to_vec()));
    let paths: Vec<_> = stand.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/texml/Accounts/61bf923e/Recordings/r1.json", "/media/r1"]);
    for (status, body) in [(404, refusal(10_005)), (200, json!({"media_url": null}).to_string())] {
        stand.tell(status, body);
        assert_eq!(telnyx.fetch_recording(&Sid::new("r1")).await.unwrap_err().class, Class::Retry);
    }
    stand.tell(404, refusal(10_005));
    assert_eq!(telnyx.delete_recording(&Sid::new("r1")).await, Ok(()));
}

#[tokio::test]
async fn the_check_asks_for_the_application() {
    let (stand, telnyx) = carrier().await;
    stand.tell(200, json!({"data": {"active": true}}).to_string());
    assert_eq!(telnyx.check().await, Ok(()));
    assert_eq!(stand.one().path, "/texml_applications/1494404757140276705");
    stand.tell(200, json!({"data": {"active": false}}).to_string()).tell(404, refusal(10_005));
    for _ in 0..2 {
        assert_eq!(telnyx.check().await.unwrap_err().class, Class::Account);
    }
}
