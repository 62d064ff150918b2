//! What the service refuses, so that its sender can use the answer.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{House, answered};

#[tokio::test]
async fn without_a_good_token_nothing_is_told() {
    let house = House::open().await;
    for header in [None, Some("Bearer nonsense"), Some("Basic dTpw"), Some("Bearer ")] {
        let mut request = house.request(Method::GET, "/api/v1/alerts");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"), "{header:?}");
        answered(answer, 401).await;
    }
    house.event("disk", "trigger").await;
    let reader = house.request(Method::POST, "/api/v1/alerts/1/resolve").bearer_auth(&house.read).send().await;
    answered(reader.unwrap(), 403).await;
    let tokens = house.json(&["token", "list", "--json"]);
    let id = tokens.as_array().unwrap().iter().find(|token| token["scope"] == "read").unwrap()["id"].clone();
    house.pikett(&["token", "revoke", id.as_str().unwrap()]);
    let revoked = house.request(Method::GET, "/api/v1/alerts").bearer_auth(&house.read).send().await.unwrap();
    answered(revoked, 401).await;
    house.close().await;
}

#[tokio::test]
async fn the_field_at_fault_is_named() {
    let house = House::open().await;
    house.event("disk", "trigger").await;
    let fields = |problem: &Value| -> Vec<String> {
        problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap().to_owned()).collect()
    };
    for (path, expected) in [
        ("/api/v1/alerts?opne=true&limit=0", &["opne"][..]),
        ("/api/v1/alerts?limit=0", &["limit"]),
        ("/api/v1/alerts?cursor=cll_00000000000000000000000000", &["cursor"]),
        ("/api/v1/oncall?at=noon", &["at"]),
        ("/api/v1/alerts/disk", &["alert"]),
    ] {
        let answer = house.request(Method::GET, path).bearer_auth(&house.read).send().await.unwrap();
        assert_eq!(fields(&answered(answer, 400).await), expected, "{path}");
    }
    let note = async |body: Value| house.posted("/api/v1/alerts/1/note", &body).send().await.unwrap();
    assert_eq!(fields(&answered(note(json!({})).await, 422).await), ["/text"]);
    assert_eq!(fields(&answered(note(json!({ "text": 7, "b": 1 })).await, 422).await), ["/text", "/b"]);
    assert_eq!(fields(&answered(note(json!({ "text": "x".repeat(3_000) })).await, 422).await), ["/text"]);
    answered(note(json!([1])).await, 400).await;
    answered(note(json!({ "text": "x".repeat(100_000) })).await, 413).await;
    house.close().await;
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let house = House::open().await;
    let status = async |method: Method, path: &str| house.request(method, path).send().await.unwrap();
    answered(status(Method::GET, "/nothing").await, 404).await;
    answered(status(Method::GET, "/api/v1/nothing").await, 404).await;
    let wrong = status(Method::DELETE, "/api/v1/alerts").await;
    assert_eq!(wrong.headers()["allow"], "GET,HEAD");
    answered(wrong, 405).await;
    answered(status(Method::GET, "/v2/enqueue").await, 405).await;
    answered(status(Method::POST, "/healthz").await, 405).await;
    for path in ["/carriers/twilio/voice", "/carriers/x", "/carriers/twilio/sms", "/carriers/x/y/z"] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = status(method, path).await;
            assert_eq!(answer.status(), 403, "{path}");
        }
    }
    let missing = house.request(Method::GET, "/api/v1/alerts/99").bearer_auth(&house.read).send().await.unwrap();
    answered(missing, 404).await;
    let root = status(Method::GET, "/").await;
    assert_eq!((root.status().as_u16(), root.headers()["location"].to_str().unwrap()), (307, "/console"));
    house.close().await;
}
