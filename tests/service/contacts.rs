//! Anna adds her private address: a link goes there and nothing else, until she has opened it and agreed. On both
//! databases. And `pikett notify test` goes through what is in use for real.

use reqwest::Method;
use serde_json::json;

use crate::{
    database::Scratch,
    house::{House, answered},
    running::soon,
};

const PRIVATE: &str = "anna@home.example";

async fn an_address_is_proved_by_its_owner(scratch: Scratch) {
    let house = House::on(scratch, "").await;
    let path = "/api/v1/people/anna/contacts";
    let bad = json!({ "id": "private", "kind": "mail", "to": PRIVATE, "after_low": "soon" });
    let refused = answered(house.posted(path, &bad).send().await.unwrap(), 422).await;
    let fields: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["/kind", "/after_low"]);
    let wanted = json!({ "id": "private", "kind": "email", "to": PRIVATE });
    let added = answered(house.posted(path, &wanted).send().await.unwrap(), 200).await;
    assert_eq!(
        (&added["verified"], &added["after_high"], &added["to"]),
        (&json!(false), &json!("0s"), &json!("a…@home.example"))
    );
    answered(house.posted(path, &wanted).send().await.unwrap(), 409).await;
    let guessed = house.posted(&format!("{path}/private/verify"), &json!({ "code": "12" })).send().await.unwrap();
    assert_eq!(answered(guessed, 422).await["errors"][0]["field"], "/code");
    let read_only = house.request(Method::POST, path).bearer_auth(&house.read).json(&wanted).send().await.unwrap();
    answered(read_only, 403).await;

    let email = house.email(PRIVATE, "Pikett").await;
    let link = email.split_whitespace().find(|word| word.starts_with(&house.url)).unwrap().to_owned();
    let page = house.http.get(&link).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("<form"));
    let contacts = house.get(path).await;
    let states: Vec<_> =
        contacts["items"].as_array().unwrap().iter().map(|one| (&one["id"], &one["verified"])).collect();
    assert_eq!(
        states,
        [(&json!("mail"), &json!(true)), (&json!("private"), &json!(false))],
        "opening the link proves nothing"
    );
    for _ in 0..2 {
        assert_eq!(house.http.post(&link).send().await.unwrap().status(), 200, "pressed twice, it holds");
    }
    assert!(house.pikett(&["contact", "list", "anna"]).contains("verified"));
    // What was committed is in force within a second, and the command line reads it at once.
    let (code, said) = house.asks(&["notify", "test", "anna", "--contact", "private"], &[]).await;
    assert!(code == 0 && said.contains("a…@home.example"), "{said}");
    soon(async || house.get("/readyz").await["directory"]["revision"].as_i64() >= Some(2)).await;
    house.event("disk", "trigger").await;
    house.email(PRIVATE, "disk is full").await;
    house.email("anna@msp.example", "disk is full").await;

    house.pikett(&["contact", "remove", "anna", "private"]);
    soon(async || house.get(path).await["items"].as_array().unwrap().len() == 1).await;
    let gone = house.http.post(&link).send().await.unwrap();
    assert_eq!(gone.status(), 410);
    let forged = house.http.post(format!("{link}x")).send().await.unwrap();
    assert_eq!(forged.status(), 403);
    house.close().await;
}

#[tokio::test]
async fn an_address_is_proved_by_its_owner_on_sqlite() {
    an_address_is_proved_by_its_owner(Scratch::sqlite()).await;
}

#[tokio::test]
async fn an_address_is_proved_by_its_owner_on_postgres() {
    an_address_is_proved_by_its_owner(Scratch::postgres().await).await;
}

#[tokio::test]
async fn a_test_says_what_became_of_each_contact() {
    let house = House::open().await;
    let (code, said) = house.asks(&["notify", "test", "anna"], &[]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("mail") && said.contains("email") && said.contains("a…@msp.example"), "{said}");
    let email = house.email("anna@msp.example", "Pikett").await;
    assert!(email.contains("Test von Pikett"), "{email}");
    assert_eq!(house.asks(&["notify", "test", "nobody"], &[]).await.0, 1);
    let (code, said) = house.asks(&["contact", "verify", "anna", "mail", "123456"], &[]).await;
    assert!(code == 1 && said.contains("declared by file"), "{said}");
    let (code, said) =
        house.asks(&["contact", "add", "anna", "--id", "desk", "--kind", "voice", "--to", "+4930555020"], &[]).await;
    assert!(code == 1 && said.contains("leaves out +49"), "nobody declared has such a number: {said}");
    house.close().await;
}
