//! What waits for a contract's hours, as users see it; and who goes on call, told by email. With an apply beside the
//! running service, which takes it over.

use std::fs;

use chrono::{Days, NaiveDate, TimeDelta};
use pikett::clock::Clock;
use reqwest::Method;
use serde_json::json;

use crate::{
    database::Scratch,
    house::{House, answered},
};

const KEY: &str = "b1e4a7700d6f4f1d5c33";

/// A contract whose office is closed yesterday, today and tomorrow, in whatever zone.
fn office(today: NaiveDate, coverage: &str) -> String {
    let around = (0..5).map(|ahead| format!("\"{}\"", today - Days::new(2) + Days::new(ahead)));
    let holidays = around.collect::<Vec<_>>().join(", ");
    format!(
        r#"
[[calendars]]
id = "office"
zone = "Europe/Berlin"
open = [ {{ from = "00:00", to = "24:00" }} ]
holidays = [ {holidays} ]
[[customers]]
id = "globex"
name = "Globex"
[[contracts]]
id = "globex-office"
customer = "globex"
coverage = "{coverage}"
priorities.P1 = {{ policy = "gold" }}
[[integrations]]
id = "globex-monitoring"
key = "{KEY}"
contract = "globex-office"
"#
    )
}

async fn event(house: &House, key: &str, severity: &str) {
    let body = json!({
        "routing_key": KEY, "event_action": "trigger", "dedup_key": key,
        "payload": { "summary": format!("{key} is slow"), "source": "db1", "severity": severity },
    });
    let answer = house.request(Method::POST, "/v2/enqueue").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 202);
}

async fn hours_and_shifts(house: House) {
    let now = Clock::system().now();
    fs::write(house.path("office.toml"), office(now.date_naive(), "office")).unwrap();
    house.pikett(&["apply", "office.toml"]);
    event(&house, "disk", "warning").await;
    event(&house, "mail", "critical").await;
    let page = house.email("anna@msp.example", "mail is slow").await;
    assert!(page.contains("P1"), "{page}");
    let waits = house.json(&["alerts", "--json"]);
    let alert = waits.as_array().unwrap().iter().find(|alert| alert["title"] == "disk is slow").unwrap().clone();
    assert!(alert["waits_until"].as_str().is_some_and(|until| until > now.to_rfc3339().as_str()), "{alert}");
    let number = alert["number"].to_string();
    let told = house.get(&format!("/api/v1/alerts/{number}")).await;
    assert_eq!(told["waits_until"], alert["waits_until"]);
    let explained = house.pikett(&["explain", &number]);
    for expect in ["waits until ", "when the hours of contract globex-office begin: P3 is of low urgency."] {
        assert!(explained.contains(expect), "{expect}\nis missing in\n{explained}");
    }
    let timeline = house.get(&format!("/api/v1/alerts/{number}/timeline")).await;
    let kinds: Vec<_> = timeline["timeline"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, ["opened", "held-back"], "{timeline}");
    assert!(house.pikett(&["alerts"]).contains("waits until"));

    // Other hours hold as soon as they are applied.
    fs::write(house.path("office.toml"), office(now.date_naive(), "always")).unwrap();
    house.pikett(&["apply", "office.toml"]);
    house.email("anna@msp.example", "disk is slow").await;
    assert_eq!(house.get(&format!("/api/v1/alerts/{number}")).await["waits_until"], json!(null));

    // So does a shift that begins soon.
    let civil = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M").to_string();
    let shift = format!(
        r#"
[org]
shift_notice = "2h"
[[people]]
id = "ben"
contact = [ {{ id = "mail", kind = "email", to = "ben@msp.example" }} ]
[[schedules]]
id = "primary"
zone = "UTC"
layers = [ {{ people = ["anna"], start = "2026-01-05T09:00", every = "1 week" }} ]
overrides = [ {{ person = "ben", from = "{}", until = "{}" }} ]
"#,
        civil(now + TimeDelta::hours(1)),
        civil(now + TimeDelta::hours(9)),
    );
    fs::write(house.path("shift.toml"), shift).unwrap();
    house.pikett(&["apply", "shift.toml"]);
    let notice = house.email("ben@msp.example", "You go on call for primary").await;
    assert!(notice.contains("Still open: 2") && notice.contains("Globex: mail is slow"), "{notice}");
    answered(house.posted(&format!("/api/v1/alerts/{number}/resolve"), &json!({})).send().await.unwrap(), 200).await;
    house.close().await;
}

#[tokio::test]
async fn hours_and_shifts_on_sqlite() {
    hours_and_shifts(House::open().await).await;
}

#[tokio::test]
async fn hours_and_shifts_on_postgres() {
    hours_and_shifts(House::on(Scratch::postgres().await, "").await).await;
}
