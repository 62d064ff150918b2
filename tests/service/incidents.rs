//! Incidents over the API and the command line: opened, updated, resolved, and what is refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    database::Scratch,
    house::{House, answered},
};

async fn tells(house: &House) {
    let open = json!({
        "title": "Mail is down", "text": { "de": "Die Mail ist gestört.", "en": "Mail is down." }, "by": "anna",
    });
    let post = || house.posted("/api/v1/incidents", &open).header("Idempotency-Key", "mail-1").send();
    let first = answered(post().await.unwrap(), 201).await;
    assert_eq!(answered(post().await.unwrap(), 201).await, first, "the same request opens nothing more");
    let incident = &first["incident"];
    assert_eq!((&incident["number"], &incident["state"]), (&json!(1), &json!("investigating")));
    let patch = async |path: &str, body: Value, status| {
        let request = house.request(Method::PATCH, path).bearer_auth(&house.write).json(&body);
        answered(request.send().await.unwrap(), status).await
    };
    let found = patch("/api/v1/incidents/1", json!({ "state": "identified", "rev": 0 }), 200).await;
    assert_eq!((&found["changed"], &found["incident"]["rev"]), (&json!(true), &json!(1)));
    assert_eq!(found["incident"]["texts"]["de"], "Die Mail ist gestört.", "what is left out stays");
    let stale = patch("/api/v1/incidents/1", json!({ "state": "monitoring", "rev": 0 }), 409).await;
    assert_eq!(stale["title"], "the incident has changed meanwhile");
    // What is answered may be sent back.
    let again = json!({ "texts": found["incident"]["texts"], "title": found["incident"]["title"] });
    assert_eq!(patch("/api/v1/incidents/1", again, 200).await["changed"], json!(false));
    let same = patch("/api/v1/incidents/1", json!({ "state": "identified" }), 200).await;
    assert_eq!(same["changed"], json!(false));
    let back = house.json(&["incident", "update", "1", "--state", "investigating", "--text", "en=Worse.", "--json"]);
    assert_eq!((&back["rev"], &back["texts"]), (&json!(2), &json!({ "en": "Worse." })), "told anew as one");
    house.pikett(&["incident", "close", "1", "--text", "en=Mail works again.", "--by", "anna"]);
    let over = patch("/api/v1/incidents/1", json!({ "state": "monitoring" }), 409).await;
    assert_eq!(over["title"], "the incident is resolved");
    let story = house.get("/api/v1/incidents/1").await;
    let told = story["updates"].as_array().unwrap().iter();
    let told: Vec<(&str, &str)> = told.map(|it| (it["state"].as_str().unwrap(), it["by"].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [("investigating", "anna"), ("identified", "writeer"), ("investigating", "operator"), ("resolved", "anna"),]
    );
    assert_eq!(house.get("/api/v1/incidents?open=true").await["items"], json!([]));
    assert_eq!(house.json(&["incident", "list", "--json"])[0]["state"], "resolved");
    assert!(house.pikett(&["incident", "show", "1"]).contains("en: Mail works again."));
}

#[tokio::test]
async fn the_story_of_an_outage_is_told_on_sqlite() {
    let house = House::open().await;
    tells(&house).await;
    house.close().await;
}

#[tokio::test]
async fn the_story_of_an_outage_is_told_on_postgres() {
    let house = House::on(Scratch::postgres().await, "").await;
    tells(&house).await;
    house.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_an_incident_is_told_by_field() {
    let house = House::open().await;
    let post = async |body: Value, status| {
        answered(house.posted("/api/v1/incidents", &body).send().await.unwrap(), status).await
    };
    let fields = |problem: &Value| {
        let errors = problem["errors"].as_array().unwrap().iter();
        errors.map(|error| error["field"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let wrong = json!({ "text": { "xx yy": "?" }, "state": "broken", "customers": "acme", "colour": "red" });
    assert_eq!(fields(&post(wrong, 422).await), ["/customers", "/state", "/text", "/colour"]);
    let wrong = json!({ "text": "x".repeat(1_001), "customers": ["acme"], "contracts": ["acme-gold"] });
    assert_eq!(fields(&post(wrong, 422).await), ["/title", "/text", "/customers", "/contracts"]);
    let wrong = json!({ "title": "x", "text": "y", "texts": { "en": "y" } });
    assert_eq!(fields(&post(wrong, 422).await), ["/texts"]);
    assert_eq!(fields(&post(json!({ "title": "x", "texts": "y" }), 422).await), ["/texts"]);
    let reader = house.request(Method::POST, "/api/v1/incidents").bearer_auth(&house.read);
    answered(reader.json(&json!({ "title": "x" })).send().await.unwrap(), 403).await;
    let request = house.request(Method::PATCH, "/api/v1/incidents/7").bearer_auth(&house.write);
    answered(request.json(&json!({ "state": "resolved" })).send().await.unwrap(), 404).await;
    let refused = house.command(&["incident", "update", "7"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "nothing to change");
    assert_eq!(house.command(&["incident", "show", "7"]).output().unwrap().status.code(), Some(1));
    assert_eq!(house.get("/api/v1/incidents").await["items"], json!([]));
    house.close().await;
}
