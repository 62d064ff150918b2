//! A template that many hotlines run: looked at before it is put into force, put into force, and taken
//! back; whoever is on the phone stays where they are.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{House, answered};

const HOTLINES: &str = r#"
[[customers]]
id = "acme"
[[contracts]]
id = "acme-gold"
customer = "acme"
priorities.P1 = { policy = "gold" }
[[hotlines]]
number = "+4930901820"
contract = "acme-gold"
flow = "hello"
vars = { company = "ACME" }
[[hotlines]]
number = "+4930901821"
contract = "acme-gold"
flow = "hello"
"#;

const FLOW: &str = r#"
id = "hello"
languages = ["de"]
start = "hello"
[vars]
company = { default = "uns" }
[steps.hello]
do = "say"
say = "Willkommen bei {{ company }}."
next = "mail"
[steps.mail]
do = "voicemail"
prompt = "Bitte sprechen Sie."
next = "bye"
[steps.bye]
do = "hangup"
"#;

async fn house() -> House {
    let house = House::open().await;
    std::fs::write(house.path("hotlines.toml"), HOTLINES).unwrap();
    std::fs::write(house.path("hello.toml"), FLOW).unwrap();
    house.pikett(&["apply", "hotlines.toml", "hello.toml"]);
    std::fs::write(house.path("hello.toml"), FLOW.replace("Willkommen bei", "Hier ist")).unwrap();
    house
}

fn active(house: &House) -> Vec<(i64, bool)> {
    let listed = house.json(&["flow", "versions", "hello", "--json"]);
    let version = |version: &Value| (version["version"].as_i64().unwrap(), !version["active_since"].is_null());
    listed.as_array().unwrap().iter().map(version).collect()
}

#[tokio::test]
async fn a_template_is_staged_looked_at_put_into_force_and_taken_back() {
    let house = house().await;
    house.pikett(&["apply", "--stage", "hello.toml"]);
    assert_eq!(active(&house), [(2, false), (1, true)]);
    let looked = house.json(&["flow", "activate", "hello", "2", "--dry-run", "--json"]);
    let change =
        |company: &str| json!([format!("~ step hello: say \"Willkommen bei {company}.\" → \"Hier ist {company}.\"")]);
    assert_eq!(looked["hotlines"][0], json!({ "hotline": "+4930901820", "flow": "hello", "changes": change("ACME") }));
    assert_eq!(looked["hotlines"][1]["changes"], change("uns"));
    assert_eq!(active(&house), [(2, false), (1, true)], "a look changes nothing");
    assert_eq!(house.json(&["flow", "preview", "hello", "2", "--json"]), looked, "the same by its own name");
    let newest = house.pikett(&["flow", "preview", "hello"]);
    assert!(newest.contains("hotline +4930901820: 1 change by flow hello"), "{newest}");
    assert!(newest.contains("version 2 of flow hello would be put into force"), "{newest}");
    assert_eq!(active(&house), [(2, false), (1, true)], "neither does a preview");
    let done = house.pikett(&["flow", "activate", "hello", "2"]);
    assert!(done.contains("version 2 of flow hello is in force"), "{done}");
    assert_eq!(active(&house), [(2, true), (1, false)]);
    assert!(house.pikett(&["flow", "rollback", "hello"]).contains("version 1 of flow hello is in force"));
    assert_eq!(active(&house), [(2, false), (1, true)]);
    // The same text is the version that there is.
    house.pikett(&["apply", "hello.toml"]);
    assert_eq!(active(&house), [(2, true), (1, false)]);
    house.close().await;
}

#[tokio::test]
async fn apply_shows_which_hotlines_another_version_changes() {
    let house = house().await;
    let shown = house.pikett(&["apply", "--dry-run", "hello.toml"]);
    assert!(shown.contains("~ flow hello\n"), "{shown}");
    assert!(shown.contains("  hotline +4930901820: 1 change by flow hello\n"), "{shown}");
    assert!(shown.contains("\"Willkommen bei ACME.\" → \"Hier ist ACME.\""), "{shown}");
    house.close().await;
}

#[tokio::test]
async fn what_does_not_fit_a_hotline_is_not_put_into_force() {
    let house = house().await;
    std::fs::write(house.path("hello.toml"), FLOW.replace("[vars]", "[vars]\nroom = {}")).unwrap();
    house.pikett(&["apply", "--stage", "hello.toml"]);
    let refused = house.command(&["flow", "activate", "hello", "2"]).output().unwrap();
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && words.contains("needs the var `room`"), "{words}");
    let unknown = house.command(&["flow", "activate", "hello", "7"]).output().unwrap();
    let words = String::from_utf8(unknown.stderr).unwrap();
    assert!(words.contains("flow `hello` has no version 7; its newest is 2"), "{words}");
    let back = house.command(&["flow", "rollback", "hello"]).output().unwrap();
    assert!(String::from_utf8(back.stderr).unwrap().contains("no other version of flow `hello` was in force before"));
    let typo = house.command(&["flow", "versions", "helo"]).output().unwrap();
    assert!(String::from_utf8(typo.stderr).unwrap().contains("did you mean `hello`?"));
    house.close().await;
}

#[tokio::test]
async fn a_flow_whose_test_calls_fail_is_kept_at_most() {
    let house = house().await;
    let world = std::fs::read_to_string(house.path("msp.toml")).unwrap() + HOTLINES;
    std::fs::create_dir(house.path("fixtures")).unwrap();
    std::fs::write(house.path("fixtures/world.toml"), world).unwrap();
    let call = "[[call]]\nname = \"hello\"\norg = \"fixtures/world.toml\"\nat = \"2026-12-24T02:30:00+01:00\"\n\
                to = \"+4930901820\"\nfrom = \"+4930555010\"\nscript = [ { hear = \"Willkommen bei ACME\", record = \"9s\" } ]\n";
    std::fs::write(house.path("hello.test.toml"), call).unwrap();
    let refused = house.command(&["apply", "hello.toml"]).output().unwrap();
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && words.contains("hello.test.toml:7:1: test call \"hello\""), "{words}");
    house.pikett(&["apply", "--stage", "hello.toml"]);
    let refused = house.command(&["flow", "activate", "hello", "2"]).output().unwrap();
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(
        words.contains("hello.test.toml:7:1: test call \"hello\": expected to hear \"Willkommen bei ACME\""),
        "{words}"
    );
    assert_eq!(words.matches("mend the flow").count(), 1, "{words}");
    assert_eq!(active(&house), [(2, false), (1, true)]);
    // The call is what was wrong: mended, the same version is put into force.
    std::fs::write(house.path("hello.test.toml"), call.replace("Willkommen bei", "Hier ist")).unwrap();
    house.pikett(&["apply", "hello.toml"]);
    assert_eq!(active(&house), [(2, true), (1, false)]);
    house.close().await;
}

#[tokio::test]
async fn programs_keep_and_activate_versions() {
    let house = house().await;
    let post = |path: &str| house.request(Method::POST, path).bearer_auth(&house.write);
    let broken = post("/api/v1/flows").body(FLOW.replace("\"mail\"", "\"mial\"")).send().await.unwrap();
    let problem = answered(broken, 422).await;
    assert!(problem["errors"][0]["message"].as_str().unwrap().contains("did you mean `mail`?"), "{problem}");
    let headless = post("/api/v1/flows").body("[steps.a]\ndo = \"hangup\"\n").send().await.unwrap();
    let problem = answered(headless, 422).await;
    let places: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(places, ["1:1"; 3], "what the whole file lacks stands at its head: {problem}");
    let kept = post("/api/v1/flows").body(FLOW.replace("bei", "beim Team von")).send().await.unwrap();
    assert_eq!(answered(kept, 200).await, json!({ "flow": "hello", "version": 2, "test_calls": null }));
    let one = house.get("/api/v1/flows/hello/versions/2").await;
    assert!(one["source"].as_str().unwrap().contains("beim Team von"));
    let activate = |body: Value| house.posted("/api/v1/flows/hello/activate", &body).send();
    let looked = answered(activate(json!({ "version": 2, "dry_run": true })).await.unwrap(), 200).await;
    assert_eq!(looked["hotlines"][0]["hotline"], "+4930901820");
    assert_eq!(active(&house), [(2, false), (1, true)]);
    for changed in [true, false] {
        let done = answered(activate(json!({ "version": 2 })).await.unwrap(), 200).await;
        assert_eq!(done["changed"], changed, "{done}");
    }
    let flow = house.get("/api/v1/flows/hello").await;
    assert_eq!((&flow["version"], &flow["newest"], &flow["rollback_to"]), (&json!(2), &json!(2), &json!(1)));
    assert!(flow["source"].as_str().unwrap().contains("beim Team von"), "{flow}");
    assert_eq!(flow["hotlines"], json!(["+4930901820", "+4930901821"]));
    answered(house.request(Method::GET, "/api/v1/flows/helo").bearer_auth(&house.read).send().await.unwrap(), 404)
        .await;
    let first = house.get("/api/v1/flows?limit=1").await;
    let next = first["next"].as_str().unwrap();
    let second = house.get(&format!("/api/v1/flows?limit=1&cursor={next}")).await;
    assert_eq!((&first["items"][0]["version"], &second["items"][0]["version"]), (&json!(2), &json!(1)));
    assert_eq!(second["next"], Value::Null);
    let wrong = house.request(Method::GET, "/api/v1/flows?cursor=2").bearer_auth(&house.read).send().await.unwrap();
    assert_eq!(answered(wrong, 400).await["errors"][0]["field"], "cursor");
    let list = house.get("/api/v1/flows?flow=hello").await;
    assert!(list["items"][0]["version"] == 2 && list["items"][0]["active_since"].is_string(), "{list}");
    answered(activate(json!({ "version": 9 })).await.unwrap(), 404).await;
    let back = async |flow: &str, body: Value, status: u16| {
        let request = house.posted(&format!("/api/v1/flows/{flow}/rollback"), &body);
        answered(request.send().await.unwrap(), status).await
    };
    let looked = back("hello", json!({ "dry_run": true }), 200).await;
    assert_eq!((&looked["version"], &looked["hotlines"][0]["hotline"]), (&json!(1), &json!("+4930901820")));
    assert_eq!(active(&house), [(2, true), (1, false)]);
    back("hello", json!({ "version": 1 }), 422).await;
    assert_eq!(back("hello", json!({}), 200).await["changed"], true);
    assert_eq!(active(&house), [(2, false), (1, true)]);
    assert_eq!(back("helo", json!({}), 404).await["title"], "there is no version to go back to");
    let reader = house.request(Method::POST, "/api/v1/flows/hello/rollback").bearer_auth(&house.read);
    assert_eq!(reader.send().await.unwrap().status(), 403);
    let wrong = answered(activate(json!({ "version": "two", "now": 1 })).await.unwrap(), 422).await;
    assert_eq!(wrong["errors"].as_array().unwrap().len(), 2, "{wrong}");
    let reader = house.request(Method::POST, "/api/v1/flows").bearer_auth(&house.read).body(FLOW);
    assert_eq!(reader.send().await.unwrap().status(), 403);
    house.close().await;
}

#[tokio::test]
async fn a_flow_comes_with_its_test_calls_and_is_not_activated_when_they_fail() {
    let house = house().await;
    let flow = FLOW.replace("Willkommen bei", "Guten Tag,");
    let tests = |hear: &str| {
        format!(
            "[[call]]\nname = \"hello\"\norg = \"whatever.toml\"\nat = \"2026-12-24T02:30:00+01:00\"\n\
             to = \"+4930901820\"\nfrom = \"+4930555010\"\nscript = [ {{ hear = \"{hear}\", record = \"9s\" }} ]\n"
        )
    };
    let add = async |body: Value, status: u16| {
        answered(house.posted("/api/v1/flows", &body).send().await.unwrap(), status).await
    };
    // On what is in force here.
    let kept = add(json!({ "flow": flow, "tests": tests("Willkommen bei ACME") }), 200).await;
    assert_eq!((&kept["version"], &kept["test_calls"]["played"]), (&json!(2), &json!(1)));
    let failed = kept["test_calls"]["failed"][0].as_str().unwrap();
    assert!(failed.contains("expected to hear \"Willkommen bei ACME\""), "{failed}");
    let activate = || house.posted("/api/v1/flows/hello/activate", &json!({ "version": 2 })).send();
    let refused = answered(activate().await.unwrap(), 422).await;
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("Willkommen bei ACME"), "{refused}");
    assert_eq!(active(&house), [(2, false), (1, true)]);
    // On what comes along.
    let world = std::fs::read_to_string(house.path("msp.toml")).unwrap() + &HOTLINES.replace("ACME", "Beta");
    let kept = add(json!({ "flow": flow, "tests": tests("Guten Tag, Beta"), "declarations": world }), 200).await;
    assert_eq!(kept, json!({ "flow": "hello", "version": 2, "test_calls": { "played": 1, "failed": [] } }));
    assert_eq!(answered(activate().await.unwrap(), 200).await["changed"], true);
    // Nothing is kept of what cannot be played.
    let typo = add(json!({ "flow": flow.replace("Tag", "Abend"), "tests": "[[call]]\nnam = \"x\"" }), 422).await;
    assert!(typo["errors"][0]["field"].as_str().unwrap().starts_with("flow.test.toml:"), "{typo}");
    let secret = world.replace(
        "[[people]]",
        "[[customers]]\nid = \"x\"\ncontacts = [ { name = \"X\", pin = \"env:HOME\" } ]\n[[people]]",
    );
    let asked = add(json!({ "flow": flow, "tests": tests("Guten Tag"), "declarations": secret }), 422).await;
    assert!(asked.to_string().contains("is not looked up here"), "{asked}");
    add(json!({ "tests": tests("x") }), 422).await;
    assert_eq!(active(&house), [(2, true), (1, false)]);
    house.close().await;
}

#[tokio::test]
async fn many_programs_keep_flows_at_once_and_none_is_told_that_something_broke() {
    let house = house().await;
    let adds = (0..8).map(|n| {
        let flow = FLOW.replace("Willkommen", &format!("Willkommen zum {n}. Mal"));
        house.posted("/api/v1/flows", &json!({ "flow": flow })).send()
    });
    let mut versions = Vec::new();
    for answer in futures::future::join_all(adds).await {
        versions.push(answered(answer.unwrap(), 200).await["version"].as_i64().unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..=9).collect::<Vec<_>>());
    house.close().await;
}
