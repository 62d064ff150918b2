//! The client against a real web server that answers as it is told.

use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpListener};

use super::*;
use crate::carrier::{
    http_client,
    stand::Stand,
    status::{CallStatus, MessageStatus},
};

const ACCOUNT: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001";
const TOKEN: &str = "a-secret-token";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn now() -> Instant {
    at("2026-03-01T02:30:00Z")
}

fn twilio_with(base_url: &str, clock: &Clock) -> Twilio {
    let settings = Settings {
        id: "twilio".parse().unwrap(),
        account_sid: "AC00000000000000000000000000000001".to_owned(),
        auth_token: Secret::new(TOKEN),
        from: "+4930901820".parse().unwrap(),
        base_url: base_url.to_owned(),
        calls_per_second: 1_000.0,
        messages_per_second: 1_000.0,
        patience: PATIENCE,
    };
    Twilio::new(settings, http_client(clock), clock.clone())
}

async fn carrier() -> (Stand, Twilio) {
    let stand = Stand::start().await;
    let twilio = twilio_with(&stand.base_url, &Clock::faster(now(), 1.0));
    (stand, twilio)
}

fn call() -> NewCall {
    NewCall {
        to: "+4930555010".parse().unwrap(),
        from: None,
        url: "https://h.example/carriers/twilio/page?a=1".to_owned(),
        status_callback: "https://h.example/carriers/twilio/page/status".to_owned(),
        ring_s: 25,
    }
}

fn sms() -> NewSms {
    NewSms {
        to: "+4930555010".parse().unwrap(),
        from: Some("+4930901821".parse().unwrap()),
        body: "1 K7: Störung & mehr".to_owned(),
        status_callback: Some("https://h.example/carriers/twilio/sms/status".to_owned()),
        validity_s: 100_000,
    }
}

fn sid() -> Sid {
    Sid::new("CA1")
}

fn refusal(code: u32, status: u16) -> String {
    json!({"code": code, "message": "no", "more_info": "…", "status": status}).to_string()
}

#[tokio::test]
async fn a_call_is_placed_with_all_its_events() {
    let (stand, twilio) = carrier().await;
    stand.tell(201, json!({"sid": "CA1", "status": "queued"}).to_string());
    assert_eq!(twilio.place_call(&call()).await, Ok(sid()));
    let asked = stand.one();
    assert_eq!((asked.method.as_str(), asked.path), ("POST", format!("{ACCOUNT}/Calls.json")));
    let expected = [
        ("To", "+4930555010"),
        ("From", "+4930901820"),
        ("Url", "https://h.example/carriers/twilio/page?a=1"),
        ("Method", "POST"),
        ("StatusCallback", "https://h.example/carriers/twilio/page/status"),
        ("StatusCallbackMethod", "POST"),
        ("Timeout", "25"),
        ("StatusCallbackEvent", "initiated"),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "answered"),
        ("StatusCallbackEvent", "completed"),
    ];
    assert_eq!(asked.form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let credentials = "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTphLXNlY3JldC10b2tlbg==";
    assert_eq!(asked.headers["authorization"], credentials);
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
}

#[tokio::test]
async fn a_message_is_sent_with_its_time_to_live() {
    let (stand, twilio) = carrier().await;
    stand.tell(201, json!({"sid": "SM1", "status": "queued"}).to_string());
    assert_eq!(twilio.send_sms(&sms()).await, Ok(Some(Sid::new("SM1"))));
    let asked = stand.one();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", &*format!("{ACCOUNT}/Messages.json")));
    assert_eq!(asked.all("Body"), ["1 K7: Störung & mehr"]);
    assert_eq!(asked.all("From"), ["+4930901821"]);
    assert_eq!(asked.all("ValidityPeriod"), ["36000"]);
    assert_eq!(asked.all("StatusCallback"), ["https://h.example/carriers/twilio/sms/status"]);
}

#[tokio::test]
async fn a_call_is_ended_or_redirected_unless_the_caller_has_gone() {
    let (stand, twilio) = carrier().await;
    stand.tell(200, json!({"sid": "CA1", "status": "completed"}).to_string());
    assert_eq!(twilio.end_call(&sid()).await, Ok(()));
    let asked = stand.one();
    assert_eq!(
        (asked.path, asked.form),
        (format!("{ACCOUNT}/Calls/CA1.json"), vec![("Status".into(), "completed".into())])
    );

    stand.tell(200, "<html>");
    assert_eq!(twilio.redirect_call(&sid(), "https://h.example/next").await, Ok(Moved::Moved));
    let asked = stand.one();
    assert_eq!((asked.all("Url"), asked.all("Method")), (vec!["https://h.example/next"], vec!["POST"]));

    for (code, status) in [(21220, 400), (20404, 404)] {
        stand.tell(status, refusal(code, status)).tell(status, refusal(code, status));
        assert_eq!(twilio.end_call(&sid()).await, Ok(()));
        assert_eq!(twilio.redirect_call(&sid(), "https://h.example/next").await, Ok(Moved::Gone));
    }
    stand.tell(401, refusal(20003, 401));
    assert_eq!(twilio.end_call(&sid()).await.unwrap_err().class, Class::Account);
}

#[tokio::test]
async fn a_sid_of_another_carrier_is_kept_apart_from_the_path() {
    let (stand, twilio) = carrier().await;
    stand.tell(200, "{}");
    twilio.end_call(&Sid::new("v3:a/b?c")).await.unwrap();
    assert_eq!(stand.one().path, format!("{ACCOUNT}/Calls/v3%3Aa%2Fb%3Fc.json"));
}

#[tokio::test]
async fn the_carrier_tells_how_a_call_and_a_message_stand() {
    let (stand, twilio) = carrier().await;
    let created = "Sun, 01 Mar 2026 02:30:04 +0000";
    stand.tell(200, json!({"sid": "CA1", "status": "no-answer", "date_created": created, "duration": "0"}).to_string());
    let seen = twilio.call_status(&sid()).await.unwrap();
    assert_eq!((seen.status, seen.duration_s), (CallStatus::NoAnswer, Some(0)));
    assert_eq!(seen.created_at, Some(at("2026-03-01T02:30:04Z")));
    assert_eq!(stand.one().path, format!("{ACCOUNT}/Calls/CA1.json"));

    stand.tell(200, json!({"sid": "SM1", "status": "undelivered", "error_code": 30005}).to_string());
    let seen = twilio.sms_status(&Sid::new("SM1")).await.unwrap();
    assert_eq!((seen.status, seen.error_code, seen.created_at), (MessageStatus::Undelivered, Some(30005), None));
    assert_eq!(stand.one().path, format!("{ACCOUNT}/Messages/SM1.json"));

    stand.tell(404, refusal(20404, 404)).tell(200, "<html>");
    assert_eq!(twilio.call_status(&sid()).await.unwrap_err().class, Class::State);
    assert_eq!(twilio.call_status(&sid()).await.unwrap_err().class, Class::Retry);
}

fn listed(sid: &str, second: u32, more: serde_json::Value) -> serde_json::Value {
    let mut item = json!({
        "sid": sid, "status": "queued", "direction": "outbound-api",
        "date_created": format!("Sun, 01 Mar 2026 02:30:{second:02} +0000"),
    });
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    item
}

#[tokio::test]
async fn a_call_whose_answer_got_lost_is_found_over_several_pages() {
    let (stand, twilio) = carrier().await;
    let next = format!("{ACCOUNT}/Calls.json?To=%2B4930555010&Page=1&PageToken=x");
    let first = [
        listed("CA9", 30, json!({})),
        listed("CA8", 29, json!({"direction": "outbound-dial", "parent_call_sid": "CA0"})),
        listed("CA7", 28, json!({"direction": "inbound"})),
    ];
    stand.tell(200, json!({"calls": first, "next_page_uri": next}).to_string());
    let second = [listed("CA6", 10, json!({})), listed("CA5", 9, json!({})), listed("CA4", 8, json!({}))];
    stand.tell(200, json!({"calls": second, "next_page_uri": next}).to_string());
    let found = twilio.find_calls(&call().to, at("2026-03-01T02:30:09.500Z")).await.unwrap();
    assert_eq!(found.iter().map(|call| call.sid.as_str()).collect::<Vec<_>>(), ["CA9", "CA6", "CA5"]);
    // An older one ends the search.
    let asked = stand.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].query[0], ("To".to_owned(), "+4930555010".to_owned()));
    assert_eq!(asked[1].query[2], ("PageToken".to_owned(), "x".to_owned()));
    assert!(asked.iter().all(|asked| asked.headers.contains_key("authorization")));
}

#[tokio::test]
async fn a_list_without_end_is_left_and_strange_addresses_are_not_followed() {
    let (stand, twilio) = carrier().await;
    let endless = json!({"calls": [], "next_page_uri": "/2010-04-01/more"}).to_string();
    for _ in 0..20 {
        stand.tell(200, endless.clone());
    }
    assert_eq!(twilio.find_calls(&call().to, now()).await, Ok(vec![]));
    assert_eq!(stand.asked().len(), PAGES_MAX);

    let (stand, twilio) = carrier().await;
    for strange in ["https://elsewhere.example/2010-04-01/x", "//elsewhere.example/x", "http://127.0.0.1:1/x"] {
        stand.tell(200, json!({"calls": [], "next_page_uri": strange}).to_string());
        assert_eq!(twilio.find_calls(&call().to, now()).await, Ok(vec![]), "{strange}");
    }
    assert_eq!(stand.asked().len(), 3);
}

#[tokio::test]
async fn a_message_is_found_by_its_text() {
    let (stand, twilio) = carrier().await;
    let text = sms().body;
    let messages = [
        listed("SM1", 1, json!({"body": text})),
        listed("SM2", 2, json!({"body": "2 K8: another"})),
        listed("SM3", 3, json!({"body": format!("Sent from a trial account - {text}"), "error_code": null})),
        listed("SM4", 4, json!({"body": text, "direction": "inbound"})),
    ];
    stand.tell(200, json!({"messages": messages, "next_page_uri": null}).to_string());
    let found = twilio.find_sms(&sms().to, &text, now()).await.unwrap();
    assert_eq!(found.iter().map(|message| message.sid.as_str()).collect::<Vec<_>>(), ["SM3", "SM1"]);
    assert_eq!(stand.one().path, format!("{ACCOUNT}/Messages.json"));
}

#[tokio::test]
async fn a_recording_is_fetched_when_it_is_ready() {
    let (stand, twilio) = carrier().await;
    let recording = Sid::new("RE1");
    stand.tell(404, refusal(20404, 404)).tell(200, "").tell(200, "RIFF\0");
    assert_eq!(twilio.fetch_recording(&recording).await.unwrap_err().class, Class::Retry);
    assert_eq!(twilio.fetch_recording(&recording).await.unwrap_err().class, Class::Retry);
    assert_eq!(twilio.fetch_recording(&recording).await.unwrap(), b"RIFF\0");
    assert!(stand.asked().iter().all(|asked| asked.path == format!("{ACCOUNT}/Recordings/RE1.wav")));
}

#[tokio::test]
async fn credentials_do_not_follow_a_recording_to_a_file_store() {
    let (stand, twilio) = carrier().await;
    let store = Stand::start().await;
    stand.tell_with(302, &[("location", &format!("{}/file", store.base_url))], "");
    store.tell(200, "RIFF");
    assert_eq!(twilio.fetch_recording(&Sid::new("RE1")).await.unwrap(), b"RIFF");
    assert!(store.one().header("authorization").is_none());

    // A page never follows: its address is wrong.
    stand.tell_with(307, &[("location", &format!("{}/file", store.base_url))], "");
    let error = twilio.place_call(&call()).await.unwrap_err();
    assert_eq!((error.class, error.status), (Class::Account, Some(307)));
    assert!(store.asked().is_empty());
}

#[tokio::test]
async fn a_recording_is_deleted_once_or_twice() {
    let (stand, twilio) = carrier().await;
    stand.tell(204, "").tell(404, refusal(20404, 404)).tell(500, "");
    assert_eq!(twilio.delete_recording(&Sid::new("RE1")).await, Ok(()));
    assert_eq!(twilio.delete_recording(&Sid::new("RE1")).await, Ok(()));
    assert_eq!(twilio.delete_recording(&Sid::new("RE1")).await.unwrap_err().class, Class::Retry);
    let asked = stand.asked();
    assert_eq!((asked[0].method.as_str(), &*asked[0].path), ("DELETE", &*format!("{ACCOUNT}/Recordings/RE1.json")));
}

#[tokio::test]
async fn the_account_is_checked() {
    let (stand, twilio) = carrier().await;
    stand.tell(200, json!({"status": "active"}).to_string()).tell(200, json!({"status": "suspended"}).to_string());
    stand.tell(401, refusal(20003, 401)).tell(404, "");
    assert_eq!(twilio.check().await, Ok(()));
    assert_eq!(stand.one().path, format!("{ACCOUNT}.json"));
    for _ in 0..3 {
        assert_eq!(twilio.check().await.unwrap_err().class, Class::Account);
    }
}

#[tokio::test]
async fn refusals_are_sorted_by_what_to_do() {
    let (stand, twilio) = carrier().await;
    for (status, body, class, code) in [
        (400, refusal(21211, 400), Class::Destination, Some(21211)),
        (400, refusal(21610, 400), Class::Destination, Some(21610)),
        (400, refusal(21215, 400), Class::Account, Some(21215)),
        (401, refusal(20003, 401), Class::Account, Some(20003)),
        (404, refusal(20404, 404), Class::Account, Some(20404)),
        (429, refusal(20429, 429), Class::Retry, Some(20429)),
        (500, "<html><body>Oops</body></html>".to_owned(), Class::Unsure, None),
        (502, String::new(), Class::Unsure, None),
        (503, json!({"title": "down", "status": 503}).to_string(), Class::Retry, None),
        (400, refusal(21205, 400), Class::Bug, Some(21205)),
        (201, "<html>".to_owned(), Class::Unsure, None),
        (201, "{}".to_owned(), Class::Unsure, None),
    ] {
        stand.tell(status, body.clone()).tell(status, body.clone());
        for error in [twilio.place_call(&call()).await.unwrap_err(), twilio.send_sms(&sms()).await.unwrap_err()] {
            assert_eq!((error.class, error.code), (class, code), "{status} {body}");
        }
    }
    // What changes nothing may simply be asked again.
    stand.tell(500, "<html>");
    assert_eq!(twilio.call_status(&sid()).await.unwrap_err().class, Class::Retry);
}

#[tokio::test]
async fn the_carrier_says_when_to_come_again() {
    let stand = Stand::start().await;
    let twilio = twilio_with(&stand.base_url, &Clock::manual(now()));
    for (given, seconds) in [("3", Some(3)), ("Sun, 01 Mar 2026 02:31:00 GMT", Some(60)), ("later", None)] {
        stand.tell_with(429, &[("retry-after", given)], refusal(20429, 429));
        let error = twilio.call_status(&sid()).await.unwrap_err();
        assert_eq!((error.class, error.retry_after), (Class::Retry, seconds.map(Duration::from_secs)), "{given}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_leaves_us_unsure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let mut held = Vec::new();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    // Ten seconds pass in half of one.
    let twilio = twilio_with(&base_url, &Clock::faster(now(), 20.0));
    let error = twilio.place_call(&call()).await.unwrap_err();
    assert_eq!((error.class, &*error.message), (Class::Unsure, "the carrier did not answer in time"));
    assert_eq!(twilio.call_status(&sid()).await.unwrap_err().class, Class::Retry);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_us_unsure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut some = [0; 64];
            let _ = stream.read(&mut some).await;
        }
    });
    let twilio = twilio_with(&base_url, &Clock::system());
    let error = twilio.send_sms(&sms()).await.unwrap_err();
    assert_eq!(error.class, Class::Unsure, "{error}");
    assert!(error.message.starts_with("the connection to the carrier broke: "), "{error}");
    assert_eq!(twilio.sms_status(&sid()).await.unwrap_err().class, Class::Retry);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let stand = Stand::start().await;
    for base_url in [
        format!("http://{port}"),
        "http://no-such-host.invalid".to_owned(),
        stand.base_url.replace("http://", "https://"),
    ] {
        let error = twilio_with(&base_url, &Clock::system()).place_call(&call()).await.unwrap_err();
        assert_eq!(error.class, Class::Retry, "{base_url}: {error}");
        assert!(!error.message.contains("AC0000"), "{error}");
    }
}

#[tokio::test]
async fn calls_keep_the_pace_and_everything_else_does_not() {
    let stand = Stand::start().await;
    let clock = Clock::manual(now());
    let mut twilio = twilio_with(&stand.base_url, &clock);
    twilio.calls = Pace::new(0.2, clock.clone(), Ids::seeded(1));
    twilio.messages = Pace::new(0.2, clock.clone(), Ids::seeded(1));
    stand.tell(201, r#"{"sid": "CA1"}"#).tell(201, r#"{"sid": "SM1"}"#);
    twilio.place_call(&call()).await.unwrap();
    twilio.send_sms(&sms()).await.unwrap();
    for error in [twilio.place_call(&call()).await.unwrap_err(), twilio.send_sms(&sms()).await.unwrap_err()] {
        assert_eq!(error.class, Class::Paced);
        assert!(error.class.may_be_repeated() && error.retry_after >= Some(Duration::from_secs(5)));
    }
    stand.tell(200, "{}").tell(201, r#"{"sid": "CA2"}"#);
    twilio.end_call(&sid()).await.unwrap();
    assert_eq!(stand.asked().len(), 3, "a paced request is not sent");
    clock.advance(chrono::TimeDelta::seconds(5));
    assert_eq!(twilio.place_call(&call()).await, Ok(Sid::new("CA2")));
}

#[tokio::test]
async fn the_token_shows_nowhere() {
    let (stand, twilio) = carrier().await;
    stand.tell(401, json!({"code": 20003, "message": format!("{TOKEN} is wrong")}).to_string());
    let error = twilio.place_call(&call()).await.unwrap_err();
    assert_eq!(error.message, "… is wrong");
}
