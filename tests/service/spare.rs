//! A second place: `pikett serve --spare`, the real binary without any database. What it was told is on its disk
//! before it answers, and an ordinary service takes it up.

use std::fs;

use pikett::{
    carrier::signature,
    clock::{Clock, Ids},
    model::{id::CallId, secret::Secret},
};
use reqwest::Method;
use serde_json::Value;

use crate::{
    database::Scratch,
    house::House,
    running::{Serving, soon},
};

const PUBLIC_URL: &str = "https://hotline.example";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const CALLER: [(&str, &str); 3] = [("CallSid", "CA0001"), ("From", "+4930555010"), ("To", "+4930901820")];
const HOTLINES: &str = r#"
[[people]]
id = "cem"
name = "Cem Kaya"
zone = "Europe/Berlin"
language = "de"
contact = [ { id = "mail", kind = "email", to = "cem@msp.example" }, { id = "mobile", kind = "voice", to = "+4915110000003" } ]
rules.high = [ { via = "mail" } ]
rules.low = [ { via = "mail" } ]
[[customers]]
id = "acme"
name = "ACME GmbH"
contacts = [ { name = "Petra Klein", phones = ["+4930555010"] } ]
[[contracts]]
id = "acme-gold"
customer = "acme"
coverage = "always"
priorities.P1 = { response = "15m", resolution = "4h", policy = "gold" }
[[hotlines]]
number = "+4930901820"
contract = "acme-gold"
flow = "voicemail-only"
spare = ["+4915110000003"]
"#;

fn carrier() -> String {
    format!(
        "public_url = \"{PUBLIC_URL}\"\n[[carriers]]\nid = \"twilio\"\nkind = \"twilio\"\naccount_sid = \"AC0\"\n\
         auth_token = \"{TOKEN}\"\nfrom = \"+4930901820\"\nbase_url = \"http://127.0.0.1:1\""
    )
}

/// As the carrier sends it. Answers status and body.
async fn signed(house: &House, serving: &Serving, path: &str, more: &[(&str, &str)]) -> (u16, String) {
    let form = [&CALLER[..], more].concat();
    let signature = signature::sign(&format!("{PUBLIC_URL}{path}"), &form, &Secret::new(TOKEN));
    let request = house.http.post(format!("{}{path}", serving.url)).form(&form).header("X-Twilio-Signature", signature);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The path behind `what="` in a document.
fn led_to(document: &str, what: &str) -> String {
    let url = document.split(&format!("{what}=\"")).nth(1).and_then(|rest| rest.split('"').next());
    let url = url.unwrap_or_else(|| panic!("no {what} in {document}")).replace("&amp;", "&");
    url.strip_prefix(PUBLIC_URL).unwrap().to_owned()
}

async fn ready(house: &House, serving: &Serving) -> (u16, Value) {
    let answer = house.http.get(format!("{}/readyz", serving.url)).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn what_a_second_place_without_a_database_was_told_outlasts_its_death_and_is_taken_up() {
    for scratch in [Scratch::sqlite(), Scratch::postgres().await] {
        let house = House::on(scratch, &carrier()).await;
        fs::write(house.path("hotlines.toml"), HOTLINES).unwrap();
        fs::write(house.path("voicemail-only.toml"), include_str!("../../ivr-flows/voicemail-only.toml")).unwrap();
        house.pikett(&["apply", "msp.toml", "hotlines.toml", "voicemail-only.toml"]);
        let file = house.path("pikett-spare.json");
        soon(async || fs::read_to_string(&file).is_ok_and(|plan| plan.contains("+4915110000003"))).await;
        assert!(!fs::read_to_string(&file).unwrap().contains(TOKEN), "a secret is in the spare file");
        let away = house.path("away");
        fs::create_dir(&away).unwrap();
        fs::copy(&file, away.join("pikett-spare.json")).unwrap();
        let elsewhere = away.join("pikett-spare.json").display().to_string();
        let variables = [
            ("PIKETT_SERVER__SPARE_FILE", elsewhere.as_str()),
            ("PIKETT_DATABASE__URL", "postgres://127.0.0.1:1/none"),
        ];
        let place = Serving::start_with(&house, &["serve", "--spare"], &variables);
        let (status, why) = ready(&house, &place).await;
        assert_eq!((status, &why["mode"]), (200, &Value::from("spare")), "{why}");
        let unsigned =
            house.http.post(format!("{}/carriers/twilio/voice", place.url)).form(&CALLER).send().await.unwrap();
        assert_eq!(unsigned.status(), 403);
        for path in ["voice/fallback", "voice/message", "spare/next?hotline=4930901820&language=de", "voice/status"] {
            let request = house.http.post(format!("{}/carriers/twilio/{path}", place.url)).form(&CALLER);
            let forged = request.header("X-Twilio-Signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=").send().await.unwrap();
            assert_eq!(forged.status(), 403, "{path}");
        }
        assert!(!away.join("pikett-spare.journal").exists(), "nobody has told it anything");
        let (status, document) = signed(&house, &place, "/carriers/twilio/voice", &[("CallStatus", "ringing")]).await;
        assert!(status == 200 && document.contains("<Dial") && document.contains("+4915110000003"), "{document}");
        let (_, whisper) = signed(&house, &place, &led_to(&document, "url"), &[]).await;
        assert!(whisper.contains("drücken Sie die 1"), "{whisper}");
        let (_, nobody) = signed(
            &house,
            &place,
            &led_to(&document, "action"),
            &[("DialCallStatus", "no-answer"), ("DialBridged", "false")],
        )
        .await;
        assert!(nobody.contains("<Record"), "{nobody}");
        let recording = [
            ("RecordingUrl", "https://api.twilio.com/Recordings/RE1"),
            ("RecordingSid", "RE1"),
            ("RecordingDuration", "7"),
        ];
        for _ in 0..2 {
            let (_, thanks) = signed(&house, &place, &led_to(&nobody, "action"), &recording).await;
            assert!(thanks.contains("Wir haben Ihre Nachricht"), "{thanks}");
        }
        // Of a service that is gone, and of the same message.
        let report = [&recording[..], &[("RecordingStatus", "completed")]].concat();
        assert_eq!(signed(&house, &place, "/carriers/twilio/calls/cll_x/recording", &report).await.0, 204);
        assert_eq!(
            signed(&house, &place, "/carriers/twilio/voice/status", &[("CallStatus", "completed")]).await.0,
            204
        );
        let figures = house.http.get(format!("{}/metrics", place.url)).send().await.unwrap().text().await.unwrap();
        assert!(figures.contains("pikett_spare_total{what=\"dialled\"} 1"), "{figures}");
        place.ends_by("KILL").await;
        // As an operator brings it home.
        let journal = away.join("pikett-spare.journal");
        fs::rename(&journal, house.path("pikett-spare.journal.taken-away")).unwrap();
        soon(async || house.get("/api/v1/calls").await["items"][0]["outcome"] == "voicemail").await;
        let alerts = house.get("/api/v1/alerts").await;
        let titles: Vec<&str> =
            alerts["items"].as_array().unwrap().iter().filter_map(|alert| alert["title"].as_str()).collect();
        assert!(titles.contains(&"Calls to +4930901820 were answered by the spare document"), "{titles:?}");
        assert_eq!(titles.len(), 2, "{titles:?}");
        soon(async || !house.path("pikett-spare.journal.taken-away").exists()).await;
        let voicemails = house.get("/api/v1/voicemails").await;
        assert_eq!(voicemails["items"].as_array().unwrap().len(), 1, "{voicemails}");
        house.close().await;
    }
}

#[tokio::test]
async fn what_a_full_disk_did_not_take_is_on_it_as_soon_as_it_can_be() {
    let house = House::on(Scratch::sqlite(), &carrier()).await;
    let away = house.path("away");
    let file = away.join("pikett-spare.json").display().to_string();
    let place = Serving::start_with(&house, &["serve", "--spare"], &[("PIKETT_SERVER__SPARE_FILE", file.as_str())]);
    let message = |sid: &'static str| {
        [("RecordingUrl", "https://api.twilio.com/x"), ("RecordingSid", sid), ("RecordingDuration", "7")]
    };
    assert_eq!(signed(&house, &place, "/carriers/twilio/voice/message", &message("RE1")).await.0, 200);
    let (status, why) = ready(&house, &place).await;
    assert!(status == 503 && why["why"].as_str().unwrap().contains("1 lines are in memory only"), "{why}");
    fs::create_dir(&away).unwrap();
    let journal = away.join("pikett-spare.journal");
    let lines = || fs::read_to_string(&journal).unwrap_or_default();
    for _ in 0..3 {
        // The disk is asked every five seconds.
        if lines().is_empty() {
            let _ = tokio::time::timeout(std::time::Duration::from_secs(3), std::future::pending::<()>()).await;
        }
    }
    assert!(lines().contains("RE1"), "{}", lines());
    soon(async || !ready(&house, &place).await.1["why"].as_str().unwrap_or_default().contains("in memory")).await;
    // A recorded talk is kept as well, and a stop leaves nothing in memory.
    let full = house.path("full");
    fs::rename(&away, &full).unwrap();
    let call: CallId = Ids::seeded(1).id(Clock::system().now());
    let talk = [&message("RE2")[..], &[("RecordingStatus", "completed"), ("RecordingSource", "DialVerb")]].concat();
    let path = format!("/carriers/twilio/calls/{call}/recording");
    assert_eq!(signed(&house, &place, &path, &talk).await.0, 204);
    fs::rename(&full, &away).unwrap();
    assert_eq!(place.ends_by("TERM").await, Some(0));
    assert!(lines().contains("\"talk\"") && lines().contains("RE2"), "{}", lines());
    house.close().await;
}

#[tokio::test]
async fn without_a_readable_spare_file_callers_hear_an_apology_and_leave_a_message() {
    let house = House::on(Scratch::sqlite(), &carrier()).await;
    let broken = house.path("broken.json");
    fs::write(&broken, "{\"version\": 1").unwrap();
    let file = broken.display().to_string();
    let variables = [("PIKETT_SERVER__SPARE_FILE", file.as_str())];
    let place = Serving::start_with(&house, &["serve", "--spare"], &variables);
    let (status, why) = ready(&house, &place).await;
    assert_eq!(status, 503);
    assert!(why["why"].as_str().unwrap().contains("the spare file cannot be read: it is no JSON"), "{why}");
    for path in ["/carriers/twilio/voice", "/carriers/twilio/voice/fallback", "/carriers/twilio/calls/cll_x/turns/3"] {
        let (status, document) = signed(&house, &place, path, &[]).await;
        assert!(status == 200 && document.contains("Es tut uns leid") && document.contains("<Record"), "{document}");
    }
    let alive = house.http.request(Method::GET, format!("{}/healthz", place.url)).send().await.unwrap();
    assert_eq!(alive.status(), 200);
    assert_eq!(place.ends_by("TERM").await, Some(0));
    house.close().await;
}
