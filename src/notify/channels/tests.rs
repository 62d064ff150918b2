//! SMS and calls through Twilio's client, against a web server that speaks Twilio's answers; what
//! comes of a try is recorded in a real database.

use serde_json::json;

use super::*;
use crate::{
    carrier::{
        carriers::Line,
        choose::Serves,
        http_client,
        signature::Keys,
        stand::Stand,
        status::{CallStatus, MessageStatus},
        twilio::{PATIENCE, Settings, Twilio},
    },
    model::secret::Secret,
    notify::testing::{NIGHT, claimed, claimed_after_crash, recorded},
    store::{
        Store,
        testing::{at, on_sqlite},
    },
};

const ACCOUNT: &str = "/2010-04-01/Accounts/AC1";
const BODY: &str = "P1 #7: Disk full\n1 F4";

/// A store, a carrier's web server and the channels in between.
async fn with(test: impl AsyncFnOnce(Store, Stand, Channels)) {
    on_sqlite(async |store| {
        let stand = Stand::start().await;
        // The carrier's pace needs a clock that runs.
        let clock = Clock::faster(night(), 1.0);
        let settings = Settings {
            id: "twilio".parse().unwrap(),
            account_sid: "AC1".to_owned(),
            auth_token: Secret::new("token"),
            from: "+4930901820".parse().unwrap(),
            base_url: stand.base_url.clone(),
            calls_per_second: 1_000.0,
            messages_per_second: 1_000.0,
            patience: PATIENCE,
        };
        let twilio = Twilio::new(settings, http_client(&clock), clock.clone());
        let signer = Keys::token(Secret::new("token")).into();
        let line = Line { carrier: Arc::new(twilio), serves: Serves::default(), signer, account_sid: "AC1".to_owned() };
        let channels = channels(Carriers::new(vec![line]), &clock);
        test(store, stand, channels).await;
    })
    .await;
}

fn night() -> Instant {
    NIGHT.parse().unwrap()
}

/// Within the seconds that a test may take.
fn is_after_night(when: Instant, seconds: i64) -> bool {
    (seconds..seconds + 20).contains(&(when - night()).num_seconds())
}

fn channels(carriers: Carriers, clock: &Clock) -> Channels {
    let pusher = Pusher::new(&push::fresh_key().unwrap(), None, http_client(clock)).unwrap();
    let public_url = "https://hotline.example".to_owned();
    Channels::new(carriers, None, pusher, public_url, clock.clone(), Ids::seeded(3))
}

fn sms() -> Address {
    Address::Sms("+4915110000001".parse().unwrap())
}

fn voice() -> Address {
    Address::Voice("+4915110000001".parse().unwrap())
}

fn said() -> Said {
    Said::plain(BODY)
}

fn refusal(code: u32, status: u16) -> String {
    json!({"code": code, "message": "no", "status": status}).to_string()
}

/// As Twilio lists messages and calls.
fn listed(items: &[(&str, &str)]) -> String {
    let item = |(sid, status): &(&str, &str)| {
        json!({
            "sid": sid, "status": status, "body": BODY, "direction": "outbound-api", "to": "+4915110000001",
            "date_created": "Sun, 01 Mar 2026 02:00:20 +0000", "date_sent": "Sun, 01 Mar 2026 02:00:20 +0000",
            "start_time": "Sun, 01 Mar 2026 02:00:20 +0000",
        })
    };
    let items: Vec<_> = items.iter().map(item).collect();
    json!({"messages": items, "calls": items, "next_page_uri": null}).to_string()
}

#[tokio::test]
async fn a_page_by_sms_goes_out_with_its_text_and_where_to_report() {
    with(async |store, stand, channels| {
        let attempt = claimed(&store, sms(), &said()).await;
        stand.tell(201, json!({"sid": "SM1", "status": "queued"}).to_string());
        let sent = channels.send(&attempt).await;
        let asked = stand.one();
        assert_eq!(asked.path, format!("{ACCOUNT}/Messages.json"));
        assert_eq!((asked.all("To"), asked.all("Body")), (vec!["+4915110000001"], vec![BODY]));
        let report = format!("https://hotline.example/carriers/twilio/sms/status?attempt={}", attempt.id);
        assert_eq!((asked.all("StatusCallback"), asked.all("ValidityPeriod")), (vec![report.as_str()], vec!["900"]));
        assert_eq!(sent.class, None);
        let after = recorded(&store, &attempt, &sent.outcome, &sent.answer).await;
        assert_eq!((after.state, after.provider_id.as_deref()), (AttemptState::Sent, Some("SM1")));
        assert_eq!(after.carrier.unwrap().as_str(), "twilio");
        assert!(after.deadline_at.is_some() && after.ended_at.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_phone_rings_and_asks_us_what_to_say() {
    with(async |store, stand, channels| {
        let attempt = claimed(&store, voice(), &said()).await;
        stand.tell(201, json!({"sid": "CA1", "status": "queued"}).to_string());
        let sent = channels.send(&attempt).await;
        let asked = stand.one();
        let page = format!("https://hotline.example/carriers/twilio/pages/{}", attempt.id);
        assert_eq!(asked.path, format!("{ACCOUNT}/Calls.json"));
        assert_eq!((asked.all("Url"), asked.all("Timeout")), (vec![page.as_str()], vec!["28"]));
        assert_eq!(asked.all("StatusCallback"), [format!("{page}/status")]);
        let Outcome::Sent { ended: false, deadline_at: Some(deadline) } = sent.outcome else { panic!("{sent:?}") };
        assert!(is_after_night(deadline, 60), "{deadline}");
    })
    .await;
}

#[tokio::test]
async fn failures_are_sorted_by_what_to_do_about_them() {
    with(async |store, stand, channels| {
        let attempt = claimed(&store, sms(), &said()).await;
        let again = |unsure| move |sent: &Sent| matches!(sent.outcome, Outcome::Again { unsure: u, .. } if u == unsure);
        type Check = Box<dyn Fn(&Sent) -> bool>;
        let failed: fn(&Sent) -> bool = |sent| sent.outcome == Outcome::Failed;
        let cases: [(u16, u32, Class, Check); 6] = [
            (400, 21614, Class::Destination, Box::new(failed)),
            (401, 20003, Class::Account, Box::new(failed)),
            (400, 30007, Class::Content, Box::new(failed)),
            (429, 20429, Class::Retry, Box::new(again(false))),
            (503, 20503, Class::Retry, Box::new(again(false))),
            (500, 20500, Class::Unsure, Box::new(again(true))),
        ];
        for (status, code, class, check) in cases {
            stand.tell(status, refusal(code, status));
            let sent = channels.send(&attempt).await;
            assert!(sent.class == Some(class) && check(&sent), "{code}: {sent:?}");
            assert_eq!(sent.answer.code, Some(code.to_string()));
        }
    })
    .await;
}

#[tokio::test]
async fn the_carrier_says_when_to_come_again() {
    with(async |store, stand, channels| {
        let attempt = claimed(&store, sms(), &said()).await;
        stand.tell_with(429, &[("retry-after", "40")], refusal(20429, 429));
        let Outcome::Again { at: when, unsure: false } = channels.send(&attempt).await.outcome else { panic!() };
        assert!(is_after_night(when, 40), "{when}");
    })
    .await;
}

#[tokio::test]
async fn what_a_crashed_sender_may_have_sent_is_looked_up_first() {
    with(async |store, stand, channels| {
        claimed(&store, sms(), &said()).await;
        let attempt = claimed_after_crash(&store).await;
        assert!(attempt.unsure);
        stand.tell(200, listed(&[("SM2", "delivered"), ("SM1", "sent")]));
        let [Looked::Found { answer: other, .. }, own] = &channels.candidates(&attempt).await[..] else { panic!() };
        assert_eq!(other.provider_id.as_deref(), Some("SM2"));
        let sent = channels.send_after(&attempt, own.clone(), &Remembered::default()).await;
        assert_eq!(stand.asked().len(), 1, "nothing was sent again");
        assert_eq!(sent.answer.provider_id.as_deref(), Some("SM1"));
        assert!(matches!(sent.outcome, Outcome::Sent { ended: false, deadline_at: Some(_) }), "{sent:?}");
    })
    .await;
}

#[tokio::test]
async fn what_never_got_there_is_sent_again_and_so_is_what_nobody_can_tell() {
    for (status, answer) in [(200, listed(&[])), (500, refusal(20500, 500))] {
        with(async |store, stand, channels| {
            claimed(&store, voice(), &said()).await;
            let attempt = claimed_after_crash(&store).await;
            stand.tell(status, answer).tell(201, json!({"sid": "CA9", "status": "queued"}).to_string());
            let sent = channels.send(&attempt).await;
            assert_eq!(sent.answer.provider_id.as_deref(), Some("CA9"), "{sent:?}");
            let methods: Vec<String> = stand.asked().iter().map(|asked| asked.method.to_string()).collect();
            assert_eq!(methods, ["GET", "POST"]);
        })
        .await;
    }
}

#[tokio::test]
async fn the_carrier_is_asked_about_what_is_overdue() {
    with(async |store, stand, channels| {
        let attempt = claimed(&store, voice(), &said()).await;
        stand.tell(201, json!({"sid": "CA1", "status": "queued"}).to_string());
        let sent = channels.send(&attempt).await;
        let attempt = recorded(&store, &attempt, &sent.outcome, &sent.answer).await;
        stand.asked();
        stand.tell(200, json!({"sid": "CA1", "status": "no-answer", "direction": "outbound-api"}).to_string());
        let looked = channels.look(&attempt).await;
        assert_eq!(stand.one().path, format!("{ACCOUNT}/Calls/CA1.json"));
        let Looked::Found { rank, state, answer } = looked else { panic!("{looked:?}") };
        assert_eq!((rank, state), (5, AttemptState::Failed));
        assert_eq!(answer.message.as_deref(), Some("it rang until the time was over"));
        stand.tell(404, refusal(20404, 404));
        assert_eq!(channels.look(&attempt).await, Looked::Missing);
        stand.tell(503, refusal(20503, 503));
        assert_eq!(channels.look(&attempt).await, Looked::Unclear);
    })
    .await;
}

#[tokio::test]
async fn without_a_carrier_or_mail_server_the_next_rule_comes_at_once() {
    on_sqlite(async |store| {
        let channels = channels(Carriers::default(), &Clock::manual(at(0)));
        let mut attempt = claimed(&store, sms(), &said()).await;
        for address in [sms(), voice(), Address::Email("anna@msp.example".to_owned())] {
            attempt.address = address;
            let sent = channels.send(&attempt).await;
            assert_eq!((sent.outcome, sent.class), (Outcome::Failed, Some(Class::Account)));
        }
        attempt.text = "not JSON".to_owned();
        assert_eq!(channels.send(&attempt).await.class, Some(Class::Bug));
    })
    .await;
}

#[test]
fn every_word_of_a_carrier_has_a_rank_above_nothing_and_a_state() {
    for word in ["queued", "sending", "sent", "delivered", "undelivered", "failed", "read", "canceled"] {
        let status = MessageStatus::parse(word);
        let (rank, state) = sms::report_of(&status);
        assert!(rank > 0, "{word}");
        assert_eq!(state == AttemptState::Failed, status.is_failure(), "{word}");
        assert_eq!(state.is_end(), status.is_final(), "{word}");
    }
    for word in
        ["queued", "initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "failed", "canceled"]
    {
        let status = CallStatus::parse(word);
        let (rank, state) = voice::report_of(&status);
        assert!(rank > 0, "{word}");
        assert_eq!(state == AttemptState::Failed, status.is_unreached(), "{word}");
        assert_eq!(state.is_end(), status.is_final(), "{word}");
    }
    assert_eq!(sms::report_of(&MessageStatus::parse("levitating")).0, 0, "an unknown word is no news");
}
