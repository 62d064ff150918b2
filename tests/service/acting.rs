//! Lists, single alerts, and acting on them.

use reqwest::Method;
use serde_json::json;

use crate::house::{House, answered};

#[tokio::test]
async fn pages_of_alerts_follow_one_another() {
    let house = House::open().await;
    for n in 1..=5 {
        house.event(&format!("disk-{n}"), "trigger").await;
    }
    let first = house.get("/api/v1/alerts?limit=2").await;
    let next = first["next"].as_str().unwrap();
    let second = house.get(&format!("/api/v1/alerts?limit=2&cursor={next}")).await;
    let last = house.get(&format!("/api/v1/alerts?limit=2&cursor={}", second["next"].as_str().unwrap())).await;
    let titles: Vec<&str> = [&first, &second, &last]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|alert| alert["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, [5, 4, 3, 2, 1].map(|n| format!("disk-{n} is full")));
    assert!(last["next"].is_null());
    house.event("disk-3", "resolve").await;
    assert_eq!(house.get("/api/v1/alerts?open=true").await["items"].as_array().unwrap().len(), 4);
    house.close().await;
}

#[tokio::test]
async fn an_alert_is_acknowledged_escalated_noted_and_resolved() {
    let house = House::open().await;
    house.event("disk", "trigger").await;
    let act = async |deed: &str, body: serde_json::Value| {
        answered(house.posted(&format!("/api/v1/alerts/1/{deed}"), &body).send().await.unwrap(), 200).await
    };
    let taken = act("acknowledge", json!({ "by": "anna" })).await;
    assert_eq!((&taken["changed"], &taken["alert"]["acknowledged_by"]), (&json!(true), &json!("anna")));
    let again = act("acknowledge", json!({})).await;
    assert_eq!((&again["changed"], &again["alert"]["acknowledged_by"]), (&json!(false), &json!("anna")));
    assert_eq!(act("escalate", json!({})).await["alert"]["state"], "triggered");
    act("note", json!({ "text": "the disk\u{0}\nis on its way", "by": "Petra" })).await;
    let bare = house.request(Method::POST, "/api/v1/alerts/1/resolve").bearer_auth(&house.write).send().await.unwrap();
    let over = answered(bare, 200).await;
    assert_eq!(over["alert"]["resolved_by"], "writeer");
    let story = house.get(&format!("/api/v1/alerts/{}/timeline", over["alert"]["id"].as_str().unwrap())).await;
    let texts: Vec<&str> =
        story["timeline"].as_array().unwrap().iter().map(|entry| entry["text"].as_str().unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains("Petra noted: the disk is on its way")), "{texts:?}");
    let late = house.posted("/api/v1/alerts/1/escalate", &json!({})).send().await.unwrap();
    assert_eq!(answered(late, 409).await["title"], "the alert is resolved");
    house.close().await;
}

#[tokio::test]
async fn an_alert_goes_from_hand_to_hand() {
    let house = House::open().await;
    house.event("disk", "trigger").await;
    let act = async |deed: &str, body: serde_json::Value, status: u16| {
        answered(house.posted(&format!("/api/v1/alerts/1/{deed}"), &body).send().await.unwrap(), status).await
    };
    let refused = act("reassign", json!({ "to": "ana" }), 422).await;
    assert!(refused.to_string().contains("`anna`"), "{refused}");
    assert_eq!(act("snooze", json!({ "for": "2d" }), 422).await["errors"][0]["field"], "/for");
    let quiet = act("snooze", json!({ "for": "1h", "by": "Petra" }), 200).await;
    assert_eq!((&quiet["changed"], &quiet["alert"]["acknowledged_by"]), (&json!(true), &json!("Petra")));
    assert_eq!(act("snooze", json!({ "by": "Paul" }), 200).await["changed"], false, "it is hers");
    assert_eq!(act("take-over", json!({ "by": "Paul" }), 200).await["alert"]["acknowledged_by"], "Paul");
    assert_eq!(act("reassign", json!({ "to": "anna", "by": "Paul" }), 200).await["alert"]["state"], "triggered");
    house.email("anna@msp.example", "disk is full").await;
    assert!(house.pikett(&["alert", "take-over", "1", "--by", "anna"]).contains("taken over"));
    assert!(house.pikett(&["alert", "snooze", "1", "--for", "2h", "--by", "anna"]).contains("comes back"));
    assert_eq!(house.command(&["alert", "reassign", "1", "--to", "nobody"]).output().unwrap().status.code(), Some(1));
    assert!(house.pikett(&["alert", "reassign", "1", "--to", "anna"]).contains("passed on"));
    act("resolve", json!({}), 200).await;
    act("reassign", json!({ "to": "anna" }), 409).await;
    let told = house.pikett(&["explain", "1"]);
    assert!(told.contains("Paul took it over from Petra over the API."), "{told}");
    house.close().await;
}

#[tokio::test]
async fn whoever_is_on_call_gets_an_email_whose_link_acknowledges() {
    let house = House::open().await;
    house.event("disk", "trigger").await;
    let email = house.email("anna@msp.example", "disk is full").await;
    let link = email.split_whitespace().find(|word| word.starts_with(&house.url)).unwrap();
    let page = house.http.get(link).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(house.get("/api/v1/alerts/1").await["state"], "triggered", "opening the link changes nothing");
    assert_eq!(house.http.post(link).send().await.unwrap().status(), 200);
    assert_eq!(house.get("/api/v1/alerts/1").await["acknowledged_by"], "anna");
    house.close().await;
}

#[tokio::test]
async fn a_repeated_request_has_no_second_effect() {
    let house = House::open().await;
    house.event("disk", "trigger").await;
    let note = |text: &str| {
        house.posted("/api/v1/alerts/1/note", &json!({ "text": text })).header("idempotency-key", "n-1").send()
    };
    let answers = futures::future::join_all((0..10).map(|_| note("once"))).await;
    let mut bodies = Vec::new();
    for answer in answers {
        bodies.push(answered(answer.unwrap(), 200).await);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let story = house.get("/api/v1/alerts/1/timeline").await;
    let noted = story["timeline"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "noted").count();
    assert_eq!(noted, 1);
    let other = answered(note("something else").await.unwrap(), 422).await;
    assert_eq!(other["errors"][0]["field"], "Idempotency-Key");
    house.close().await;
}

#[tokio::test]
async fn the_command_line_acts_beside_the_service_and_prints_the_same() {
    let house = House::open().await;
    house.event("disk", "trigger").await;
    assert!(house.pikett(&["alert", "ack", "1", "on my way", "--by", "anna"]).contains("acknowledged"));
    let alert = house.get("/api/v1/alerts/1").await;
    assert_eq!(alert["acknowledged_by"], "anna");
    assert_eq!(alert["details"], json!([{ "name": "source", "value": "db1" }]));
    assert_eq!(house.json(&["alerts", "--open", "--json"])[0], alert);
    assert_eq!(house.json(&["explain", "1", "--json"])["alert"], alert);
    let told = house.pikett(&["explain", alert["id"].as_str().unwrap()]);
    assert!(told.contains("+00:00:00") && told.contains("Anna Berger"), "{told}");
    assert!(told.contains("\n  source: db1\n"), "{told}");
    assert!(house.pikett(&["alert", "ack", "1"]).contains("is acknowledged already, by anna"));
    assert!(house.pikett(&["alert", "resolve", "1"]).contains("resolved"));
    assert_eq!(house.json(&["alerts", "--open", "--json"]), json!([]));
    assert_eq!(house.command(&["alert", "escalate", "1"]).output().unwrap().status.code(), Some(1));
    assert_eq!(house.command(&["explain", "99"]).output().unwrap().status.code(), Some(1));
    assert_eq!(house.command(&["explain", "disk"]).output().unwrap().status.code(), Some(2));
    assert_eq!(house.json(&["calls", "--json"]), json!([]));
    house.close().await;
}

#[tokio::test]
async fn the_api_says_who_is_on_call_and_why() {
    let house = House::open().await;
    let now = house.get("/api/v1/oncall").await;
    assert_eq!(now["items"][0]["people"][0]["name"], "Anna Berger");
    let before = house.get("/api/v1/oncall?at=2025-12-01T00:00:00Z&schedule=primary").await;
    assert_eq!(before["items"][0]["people"], json!([]));
    assert_eq!(before["items"][0]["until"], "2026-01-05T08:00:00Z");
    let unknown = house.request(Method::GET, "/api/v1/oncall?schedule=night").bearer_auth(&house.read).send().await;
    assert_eq!(answered(unknown.unwrap(), 404).await["errors"][0]["field"], "schedule");
    house.close().await;
}
