//! The client against a real web server that answers as it is told.

use serde_json::Value;

use super::*;
use crate::carrier::{http_client, stand::Stand, status::MessageStatus};

fn now() -> Instant {
    "2026-03-01T02:30:00Z".parse().unwrap()
}

pub fn settings(base_url: String) -> Settings {
    Settings {
        id: "sipgate".parse().unwrap(),
        token_id: "token-ABC123".to_owned(),
        token: Secret::new("t0ken"),
        sms_id: "s0".to_owned(),
        from: "+492111234567".parse().unwrap(),
        hands_on: HandsOn { numbers: vec!["+492111234567".parse().unwrap()], to: Some("+4930901820".parse().unwrap()) },
        base_url,
        calls_per_second: 1_000.0,
        messages_per_second: 1_000.0,
        patience: Duration::from_secs(5),
    }
}

async fn carrier() -> (Stand, Sipgate) {
    let stand = Stand::start().await;
    let clock = Clock::faster(now(), 1.0);
    let settings = settings(stand.base_url.clone());
    (stand, Sipgate::new(settings, http_client(&clock), clock))
}

fn sms() -> NewSms {
    NewSms {
        to: "+4915110000001".parse().unwrap(),
        from: None,
        body: "1 K7: Störung & mehr".to_owned(),
        status_callback: Some("https://h.example/carriers/sipgate/sms/status?attempt=a".to_owned()),
        validity_s: 600,
    }
}

#[tokio::test]
async fn a_message_is_sent_by_its_extension_and_has_no_name() {
    let (stand, sipgate) = carrier().await;
    stand.tell(204, "");
    assert_eq!(sipgate.send_sms(&sms()).await, Ok(None));
    let asked = stand.one();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/sessions/sms"));
    let sent: Value = serde_json::from_slice(&asked.body).unwrap();
    let expected = json!({"smsId": "s0", "recipient": "+4915110000001", "message": "1 K7: Störung & mehr"});
    assert_eq!(sent, expected);
    assert_eq!(asked.header("content-type"), Some("application/json"));
    // `token-ABC123:t0ken`
    assert_eq!(asked.header("authorization"), Some("Basic dG9rZW4tQUJDMTIzOnQwa2Vu"));
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let (stand, sipgate) = carrier().await;
    for (status, class) in [
        (400, Class::Bug),
        (401, Class::Account),
        (402, Class::Account),
        (403, Class::Account),
        (404, Class::Account),
        (405, Class::Bug),
        (415, Class::Bug),
        (429, Class::Retry),
        (500, Class::Unsure),
        (503, Class::Retry),
        (504, Class::Unsure),
    ] {
        // A number of its own means nothing elsewhere: 21610 is STOP at Twilio.
        stand.tell(status, json!({"code": 21_610, "message": "no"}).to_string());
        let error = sipgate.send_sms(&sms()).await.unwrap_err();
        assert_eq!((error.class, error.code, error.status), (class, None, Some(status)), "{status}");
        assert!(!error.to_string().contains("t0ken"));
    }
    stand.tell_with(429, &[("retry-after", "17")], "");
    let error = sipgate.send_sms(&sms()).await.unwrap_err();
    assert_eq!((error.class, error.retry_after), (Class::Retry, Some(Duration::from_secs(17))));
}

#[tokio::test]
async fn what_got_lost_is_looked_for_in_the_history() {
    let (stand, sipgate) = carrier().await;
    let page = json!({"items": [{
        "id": "h1", "type": "SMS", "target": "+4915110000001", "content": "1 K7", "created": "2026-03-01T02:30:01Z",
        "direction": "OUTGOING", "incoming": false,
    }], "totalCount": 1});
    stand.tell(200, page.to_string());
    let to = "+4915110000001".parse().unwrap();
    let found = sipgate.find_sms(&to, "1 K7", now()).await.unwrap();
    assert_eq!(found.iter().map(|seen| seen.sid.as_str()).collect::<Vec<_>>(), ["h1"]);
    let asked = stand.one();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/history"));
    let expected = [
        ("types", "SMS"),
        ("directions", "OUTGOING"),
        ("connectionIds", "s0"),
        ("phonenumber", "+4915110000001"),
        ("from", "2026-03-01T02:30:00Z"),
        ("limit", "50"),
    ];
    assert_eq!(asked.query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));

    stand.tell(200, json!({"items": []}).to_string());
    let error = sipgate.find_sms(&to, "1 K7", now()).await.unwrap_err();
    assert_eq!(error.class, Class::Retry, "it may be there a moment later: nobody can say");
    assert_eq!(stand.one().path, "/history");

    stand.tell(200, json!({"id": "h1", "created": "2026-03-01T02:30:01Z"}).to_string());
    assert_eq!(sipgate.sms_status(&Sid::new("h1")).await.unwrap().status, MessageStatus::Sent);
    assert_eq!(stand.one().path, "/history/h1");
}

#[tokio::test]
async fn it_places_no_calls_and_is_not_even_asked() {
    let (stand, sipgate) = carrier().await;
    let call = NewCall {
        to: "+4930555010".parse().unwrap(),
        from: None,
        url: "https://h.example/a".to_owned(),
        status_callback: "https://h.example/b".to_owned(),
        ring_s: 25,
    };
    assert_eq!(sipgate.place_call(&call).await.unwrap_err().class, Class::Account);
    assert_eq!(sipgate.redirect_call(&Sid::new("1"), "https://h.example/a").await.unwrap_err().class, Class::Account);
    assert_eq!(sipgate.find_calls(&call.to, now()).await, Ok(Vec::new()));
    assert!(stand.asked().is_empty());
}

#[tokio::test]
async fn a_call_that_came_in_is_seen_and_ended() {
    let (stand, sipgate) = carrier().await;
    let sid = Sid::new("12111955");
    let calls = json!({"data": [{"callId": "12111955", "muted": false, "participants": []}]}).to_string();
    stand.tell(200, calls.clone()).tell(200, calls).tell(200, "[]");
    assert_eq!(sipgate.call_status(&sid).await.unwrap().status, CallStatus::InProgress);
    assert_eq!(stand.one().path, "/calls");
    assert_eq!(sipgate.call_status(&Sid::new("2")).await.unwrap_err().class, Class::State);
    assert_eq!(sipgate.call_status(&sid).await.unwrap_err().class, Class::Retry);
    stand.asked();
    stand.tell(204, "").tell(404, "").tell(401, "");
    assert_eq!(sipgate.end_call(&sid).await, Ok(()));
    let asked = stand.one();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("DELETE", "/calls/12111955"));
    assert_eq!(sipgate.end_call(&sid).await, Ok(()), "it is over already");
    assert_eq!(sipgate.end_call(&sid).await.unwrap_err().class, Class::Account);
}

#[tokio::test]
async fn the_check_asks_whose_token_it_is_and_for_the_extension() {
    let (stand, sipgate) = carrier().await;
    let user = json!({"sub": "w0", "domain": "sipgate.de"}).to_string();
    stand.tell(200, user.clone()).tell(200, json!({"items": [{"id": "s0", "alias": "SMS"}]}).to_string());
    assert_eq!(sipgate.check().await, Ok(()));
    let paths: Vec<_> = stand.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/authorization/userinfo", "/w0/sms"]);

    stand.tell(200, user.clone()).tell(403, "");
    assert_eq!(sipgate.check().await, Ok(()), "a token that may only send is enough");
    stand.tell(200, user).tell(200, json!({"items": [{"id": "s1"}]}).to_string());
    let error = sipgate.check().await.unwrap_err();
    assert_eq!(
        (error.class, error.message.as_str()),
        (Class::Account, "the account has no SMS extension `s0` (it has: s1)")
    );
    stand.tell(401, "");
    assert_eq!(sipgate.check().await.unwrap_err().class, Class::Account);
}
