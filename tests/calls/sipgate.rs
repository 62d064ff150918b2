//! sipgate beside Twilio: pages go out through it while Twilio is out, and calls that come in there are handed on to
//! the hotline. sipgate itself is a web server that answers as it is told, and a key that signs as its own does.

#[expect(dead_code, reason = "what is asked here is told by its path and body")]
#[path = "../support/carrier.rs"]
mod stand;

use std::{fmt::Write as _, fs::OpenOptions, io::Write as _, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use pikett::{
    declare::directory::default_org,
    demo::stage::GOLD,
    sim::{Faults, RestFaults},
    store::attempts::{self, Attempt, AttemptState},
};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};

use self::stand::Stand;
use super::{
    database::Scratch,
    people::{ANNA, PETRA},
    story::Story,
};

/// As `tests/data/sipgate/test_key.pub.pem` is the public half of.
const KEY: &[u8] = include_bytes!("../data/sipgate/test_key.pk8");
const PUBLIC_KEY: &str = include_str!("../data/sipgate/test_key.pub.pem");
const OURS: &str = "+492111234567";
const PUSH: &str = "/carriers/sipgate/push";

fn section(base_url: &str) -> String {
    format!(
        "[[carriers]]\nid = \"sipgate\"\nkind = \"sipgate\"\naccount_sid = \"token-1\"\nauth_token = \"t0ken\"\n\
         sms_id = \"s0\"\nfrom = \"{OURS}\"\nforward_to = \"{GOLD}\"\nbase_url = \"{base_url}\"\n\
         public_key = \"\"\"\n{PUBLIC_KEY}\"\"\"\nmessages_per_second = 100\n"
    )
}

/// sipgate is the second carrier of this story.
async fn begin(scratch: Scratch) -> (Story, Stand) {
    let sipgate = Stand::start().await;
    let section = section(&sipgate.base_url);
    let add = move |folder: &Path| {
        let mut config = OpenOptions::new().append(true).open(folder.join("pikett.toml")).unwrap();
        config.write_all(section.as_bytes()).unwrap();
    };
    (Story::begin(scratch, add).await, sipgate)
}

macro_rules! beside_sipgate {
    ($(async fn $name:ident($story:ident: Story, $stand:ident: Stand) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn told($story: &mut Story, $stand: &Stand) $body

            #[tokio::test]
            async fn sqlite() {
                let (mut story, stand) = begin(Scratch::sqlite()).await;
                told(&mut story, &stand).await;
                story.close().await;
            }

            #[tokio::test]
            async fn postgres() {
                let (mut story, stand) = begin(Scratch::postgres().await).await;
                told(&mut story, &stand).await;
                story.close().await;
            }
        }
    )*};
}

struct Answered {
    status: u16,
    content_type: String,
    text: String,
}

fn signed(body: &str) -> String {
    let key = RsaKeyPair::from_pkcs8(KEY).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body.as_bytes(), &mut signature).unwrap();
    BASE64_STANDARD.encode(signature)
}

/// As sipgate writes it: numbers without their plus.
fn event(kind: &str, call: &str, from: &str, to: &str, more: &[(&str, &str)]) -> String {
    let bare = |number: &str| number.trim_start_matches('+').to_owned();
    let mut body = format!("event={kind}&callId={call}&from={}&to={}", bare(from), bare(to));
    for (name, value) in more {
        write!(body, "&{name}={value}").unwrap();
    }
    body
}

fn comes_in(call: &str, from: &str, to: &str) -> String {
    event("newCall", call, from, to, &[("direction", "in"), ("user%5B%5D", "Alice"), ("xcid", "x")])
}

fn ends(call: &str, from: &str, cause: &str) -> String {
    event("hangup", call, from, OURS, &[("direction", "in"), ("cause", cause)])
}

impl Story {
    async fn pushed_to(&self, path: &str, body: &str, signature: Option<&str>) -> Answered {
        let http = pikett::carrier::http_client(&pikett::clock::Clock::system());
        let mut request = http
            .post(format!("{}{path}", self.stage.url()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.to_owned());
        if let Some(signature) = signature {
            request = request.header("X-Sipgate-Signature", signature);
        }
        let answer = request.send().await.unwrap();
        let content_type = answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let (status, content_type) = (answer.status().as_u16(), content_type.unwrap_or_default());
        let answered = Answered { status, content_type, text: answer.text().await.unwrap() };
        self.settle().await;
        answered
    }

    async fn pushed(&self, body: &str) -> String {
        let answered = self.pushed_to(PUSH, body, Some(&signed(body))).await;
        assert_eq!((answered.status, answered.content_type.as_str()), (200, "application/xml; charset=utf-8"));
        answered.text.split_once("?>").unwrap().1.to_owned()
    }

    /// Titles of calls that were handed on to nobody.
    async fn lost(&self) -> Vec<String> {
        self.told_to_msp().await.into_iter().filter(|title| title.contains("reached nobody")).collect()
    }
}

fn out() -> Faults {
    Faults { rest: RestFaults { status: Some(503), ..RestFaults::default() }, ..Faults::default() }
}

beside_sipgate! {
    async fn while_twilio_is_out_people_are_texted_through_sipgate(story: Story, sipgate: Stand) {
        for _ in 0..20 {
            sipgate.tell(204, "");
        }
        story.sim().faults().set(out());
        story.event_comes("disk").await;
        story.pass(2).await;
        let to_anna = |asked: &stand::Asked| {
            let sent: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
            assert_eq!((asked.path.as_str(), &sent["smsId"]), ("/sessions/sms", &"s0".into()), "nothing else is asked");
            sent["recipient"] == ANNA && sent["message"].as_str().unwrap().contains("disk")
        };
        assert_eq!(sipgate.asked().iter().filter(|asked| to_anna(asked)).count(), 1);
        let tale = story.tale_of("disk").await;
        assert!(tale.iter().any(|entry| entry.contains("was handed to sipgate, since twilio refused it")), "{tale:#?}");
        // It reports nothing, and its word that it has taken the page holds.
        story.pass(300).await;
        let alerts = story.alerts().await;
        let id = &alerts.iter().find(|row| row.alert.title.contains("disk")).unwrap().alert.id;
        let attempts = attempts::of_alert(&mut story.store.read().await.unwrap(), &default_org(), id).await.unwrap();
        let is_sipgate = |attempt: &&Attempt| attempt.carrier.as_ref().is_some_and(|id| id.as_str() == "sipgate");
        let anna = attempts.iter().find(is_sipgate).unwrap();
        assert_eq!((anna.state, &anna.provider_id), (AttemptState::Sent, &None));
        assert!(anna.ended_at.is_some(), "nobody waits for a report");
        story.sim().faults().clear();
    }

    async fn a_call_that_comes_in_there_is_led_to_the_hotline(story: Story, _sipgate: Stand) {
        let answered = story.pushed(&comes_in("1", PETRA, OURS)).await;
        let number = GOLD.trim_start_matches('+');
        let hears = format!("{}{PUSH}", story.stage.url());
        assert_eq!(answered, format!("<Response onHangup=\"{hears}\"><Dial><Number>{number}</Number></Dial></Response>"));
        assert_eq!(story.pushed(&comes_in("1", "anonymous", OURS)).await, answered, "whoever calls, and however often");
        story.pushed(&ends("1", PETRA, "normalClearing")).await;
        assert_eq!(story.lost().await, [""; 0]);
    }

    async fn a_call_that_nobody_took_is_told_once_and_with_the_reason(story: Story, _sipgate: Stand) {
        for (call, cause) in [("1", "busy"), ("2", "cancel"), ("3", "congestion"), ("4", "normalClearing")] {
            story.pushed(&ends(call, PETRA, cause)).await;
            // Twice, and before the call itself was told of.
            story.pushed(&ends(call, PETRA, cause)).await;
            story.pushed(&comes_in(call, PETRA, OURS)).await;
        }
        let title = format!("A call of {PETRA} to {OURS} reached nobody");
        assert_eq!(story.lost().await, [title.as_str(); 3]);
        let told: Vec<String> = story.alerts().await.into_iter().map(|row| row.details).collect();
        let reasons = [
            "the line was busy or the call was declined",
            "they hung up before anybody answered",
            "it could not be reached",
        ];
        for reason in reasons {
            assert_eq!(told.iter().filter(|details| details.contains(reason)).count(), 1, "{reason}");
        }
    }

    async fn what_concerns_no_number_of_ours_goes_its_own_way(story: Story, _sipgate: Stand) {
        // Whoever has a number at sipgate can have an event signed and sent here.
        for body in [
            comes_in("1", PETRA, "+4940111222"),
            event("newCall", "2", OURS, PETRA, &[("direction", "out")]),
            event("hangup", "3", PETRA, "+4940111222", &[("direction", "in"), ("cause", "busy")]),
            event("somethingNew", "4", PETRA, OURS, &[]),
            String::new(),
        ] {
            assert_eq!(story.pushed(&body).await, "<Response/>", "{body}");
        }
        assert_eq!(story.lost().await, [""; 0]);
    }

    async fn what_sipgate_has_not_signed_changes_nothing(story: Story, _sipgate: Stand) {
        let body = ends("1", PETRA, "busy");
        let other = signed(&ends("1", PETRA, "cancel"));
        for signature in [None, Some(""), Some("no base64!"), Some(other.as_str())] {
            assert_eq!(story.pushed_to(PUSH, &body, signature).await.status, 403, "{signature:?}");
        }
        // Its events are heard at one path, and nobody else's there.
        let signature = signed(&body);
        for path in ["/carriers/sipgate/voice", "/carriers/sipgate/voice/status", "/carriers/twilio/push"] {
            assert_eq!(story.pushed_to(path, &body, Some(&signature)).await.status, 403, "{path}");
        }
        assert_eq!(story.lost().await, [""; 0]);
    }
}
