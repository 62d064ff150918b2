//! The console's doors: who may come in, and what a foreign page cannot do.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::{
    database::Scratch,
    house::{House, answered},
};

/// A service with a public address has a proxy before it, so this machine is no special place.
async fn public() -> House {
    House::on(Scratch::sqlite(), "public_url = \"https://hotline.example.com\"").await
}

/// What stands between `before` and the next quotation mark.
fn quoted(text: &str, before: &str) -> Vec<String> {
    text.split(before).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn on_a_machine_of_ones_own_the_console_is_open() {
    let house = House::open().await;
    house.event("disk", "trigger").await;
    let page = house.request(Method::GET, "/console").send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let html = page.text().await.unwrap();
    assert!(html.contains("id=\"alerts\""));
    assert!(!html.contains("//"), "the page names something foreign");
    let mut names = quoted(&html, "\"/console/assets/");
    let mut seen = BTreeSet::new();
    while let Some(name) = names.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let asset = house.request(Method::GET, &format!("/console/assets/{name}")).send().await.unwrap();
        assert_eq!(asset.status(), 200, "{name}");
        let text = asset.text().await.unwrap();
        assert!(!text.contains("innerHTML") && !text.contains("insertAdjacentHTML"), "{name} inserts markup");
        names.extend(quoted(&text, "from \"./"));
    }
    let session = answered(house.request(Method::GET, "/console/session").send().await.unwrap(), 200).await;
    assert_eq!((&session["scope"], &session["phones"]), (&json!("write"), &json!(null)));
    let act = || house.request(Method::POST, "/console/api/alerts/1/acknowledge").json(&json!({ "by": "anna" }));
    answered(act().send().await.unwrap(), 403).await;
    answered(act().header("x-pikett", "console").header("sec-fetch-site", "cross-site").send().await.unwrap(), 403)
        .await;
    let taken = answered(act().header("x-pikett", "console").send().await.unwrap(), 200).await;
    assert_eq!(taken["alert"]["acknowledged_by"], "anna");
    for foreign in [("host", "evil.example"), ("x-forwarded-for", "203.0.113.7")] {
        let asked =
            house.request(Method::GET, "/console/api/alerts").header(foreign.0, foreign.1).send().await.unwrap();
        answered(asked, 401).await;
    }
    house.close().await;
}

#[tokio::test]
async fn elsewhere_a_token_opens_it_for_a_while() {
    let house = public().await;
    let page = house.request(Method::GET, "/console").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Sign in with a token"));
    answered(house.request(Method::GET, "/console/api/alerts").send().await.unwrap(), 401).await;
    let login = |token: &str| house.request(Method::POST, "/console/login").form(&[("token", token)]);
    assert_eq!(login("nonsense").send().await.unwrap().status(), 401);
    assert_eq!(login(&house.read).header("origin", "https://evil.example").send().await.unwrap().status(), 403);
    let entered = login(&house.read).send().await.unwrap();
    assert_eq!((entered.status().as_u16(), entered.headers()["location"].to_str().unwrap()), (303, "/console"));
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().to_owned();
    for word in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/console"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains(&house.read), "the token itself stays out of the browser");
    let cookie = cookie.split(';').next().unwrap();
    let asked = || house.request(Method::GET, "/console/api/alerts").header("cookie", cookie).send();
    answered(asked().await.unwrap(), 200).await;
    house.event("disk", "trigger").await;
    let act = house.request(Method::POST, "/console/api/alerts/1/resolve").header("cookie", cookie);
    answered(act.header("x-pikett", "console").send().await.unwrap(), 403).await;
    let tokens = house.json(&["token", "list", "--json"]);
    for token in tokens.as_array().unwrap() {
        house.pikett(&["token", "revoke", token["id"].as_str().unwrap()]);
    }
    answered(asked().await.unwrap(), 401).await;
    house.close().await;
}
