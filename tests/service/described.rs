//! The OpenAPI document says what the API does: every route stands in it, and answers have its shapes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{House, answered};

/// What differs between an answer and its schema: the parts of JSON Schema that the document uses.
fn differences(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.strip_prefix('#').unwrap();
        let target = document.pointer(pointer).unwrap_or_else(|| panic!("{name} leads nowhere"));
        return differences(document, target, value, at, found);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match &schema["type"] {
        Value::Null => true,
        Value::String(only) => only == kind,
        several => several.as_array().unwrap().iter().any(|one| one == kind),
    };
    if !fits {
        found.push(format!("{at} is {kind}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at} is {value}"));
    }
    for item in value.as_array().into_iter().flatten() {
        differences(document, &schema["items"], item, &format!("{at}[]"), found);
    }
    let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object()) else { return };
    for required in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(required.as_str().unwrap()) {
            found.push(format!("{at}.{required} is missing"));
        }
    }
    for (name, field) in fields {
        match properties.get(name) {
            Some(schema) => differences(document, schema, field, &format!("{at}.{name}"), found),
            None => found.push(format!("{at}.{name} is not described")),
        }
    }
}

fn answer_schema<'a>(document: &'a Value, path: &str, method: &str) -> &'a Value {
    &document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
}

const FLOW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ivr-flows/voicemail-only.toml");

fn filled(path: &str) -> String {
    path.replace("{alert}", "1")
        .replace("{incident}", "1")
        .replace("{callback}", "1")
        .replace("{person}", "anna")
        .replace("{contact}", "desk")
        .replace("{method}", "mobile")
        .replace("{flow}", "voicemail-only")
        .replace("{version}", "1")
}

fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = |(path, operations): (&String, &Value)| {
        let methods = operations.as_object().unwrap().keys().filter(|key| *key != "parameters");
        methods.map(|method| (path.clone(), method.clone())).collect::<Vec<_>>()
    };
    let mut operations: Vec<_> = paths.iter().flat_map(operations).collect();
    // So that an alert is resolved last.
    operations.sort();
    operations
}

#[tokio::test]
async fn what_is_described_is_there_and_what_is_there_is_described() {
    let house = House::open().await;
    let document = house.get("/api/v1/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(house.json(&["openapi"]), document);
    house.event("disk", "trigger").await;
    house.pikett(&["apply", FLOW]);
    house.pikett(&["incident", "open", "Mail is down"]);
    for (path, method) in operations(&document) {
        let address = format!("/api/v1{}", filled(&path));
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let mut request = house.request(method.clone(), &address).bearer_auth(&house.write);
        if method == Method::POST || method == Method::PATCH {
            request = request.json(&json!({ "by": "anna" }));
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        // Promises are made by callers, and so are recordings: there is none here, and the resource says so itself.
        if let Some(kind) = ["callback", "voicemail"].into_iter().find(|kind| path.contains(&format!("{{{kind}}}"))) {
            assert_eq!(answered(answer, 404).await["title"], format!("there is no such {kind}"));
            continue;
        }
        let is_fitting = match path.contains("{contact}") {
            // Only what was added can be verified.
            true => matches!(status, 404 | 422),
            false => matches!(status, 200 | 422),
        };
        assert!(is_fitting, "{method} {path}: {status}");
    }
    // The routes stand in the source, one a line: each must be described.
    let source = include_str!("../../src/api/mod.rs");
    for line in source
        .lines()
        .filter_map(|line| line.trim().strip_prefix(".route(\"").or_else(|| line.split(".route(\"").nth(1)))
    {
        let (path, handler) = line.split_once('"').unwrap();
        let methods = ["post", "delete"].into_iter().find(|method| handler.contains(&format!("{method}(")));
        let method = methods.unwrap_or("get");
        assert!(document["paths"][path][method].is_object(), "{method} {path} is not described");
    }
    house.close().await;
}

#[tokio::test]
async fn answers_have_the_described_shapes() {
    let house = House::open().await;
    let document = house.get("/api/v1/openapi.json").await;
    house.event("disk", "trigger").await;
    house.pikett(&["apply", FLOW]);
    house.pikett(&["incident", "open", "Mail is down", "--text", "en=Mail is down."]);
    let taken = house.posted("/api/v1/alerts/1/acknowledge", &json!({ "by": "anna" })).send().await.unwrap();
    let mut found = Vec::new();
    let acknowledge = answer_schema(&document, "/alerts/{alert}/acknowledge", "post");
    differences(&document, acknowledge, &taken.json().await.unwrap(), "acknowledge", &mut found);
    for path in [
        "/alerts",
        "/alerts/{alert}",
        "/alerts/{alert}/timeline",
        "/calls",
        "/flows",
        "/flows/{flow}",
        "/flows/{flow}/versions/{version}",
        "/voicemails",
        "/people/{person}/contacts",
        "/oncall",
        "/callbacks",
        "/incidents",
        "/incidents/{incident}",
    ] {
        let address = filled(path);
        let answer = house.get(&format!("/api/v1{address}")).await;
        differences(&document, answer_schema(&document, path, "get"), &answer, path, &mut found);
    }
    let update = json!({ "state": "identified", "text": { "en": "A disk has failed." } });
    let update = house.request(Method::PATCH, "/api/v1/incidents/1").bearer_auth(&house.write).json(&update);
    let updated = update.send().await.unwrap().json().await.unwrap();
    differences(&document, answer_schema(&document, "/incidents/{incident}", "patch"), &updated, "update", &mut found);
    let problem = house.request(Method::GET, "/api/v1/alerts?limit=x").bearer_auth(&house.read).send().await.unwrap();
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    differences(&document, &schema, &problem.json().await.unwrap(), "problem", &mut found);
    assert!(found.is_empty(), "{found:#?}");
    house.close().await;
}
