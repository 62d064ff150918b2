//! Every request that the client makes, held against Twilio's own OpenAPI document, and every answer
//! that the document publishes, read by the client.
//!
//! The document (1.9 MB) is not part of this repository: where it is missing the test says so.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use pikett::{
    carrier::{
        Carrier, CarrierError, NewCall, NewSms, Sid, http_client,
        status::{CallStatus, MessageStatus},
        twilio::{PATIENCE, Settings, Twilio},
    },
    clock::Clock,
    model::secret::Secret,
};
use serde_json::Value;

#[path = "support/left_out.rs"]
mod left_out;
#[path = "support/carrier.rs"]
mod stand;
use stand::{Asked, Stand};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const CALL: &str = "CA0123456789abcdef0123456789abcdef";
const MESSAGE: &str = "SM0123456789abcdef0123456789abcdef";
const RECORDING: &str = "RE0123456789abcdef0123456789abcdef";

/// `PIKETT_TWILIO_OAI`, or the place beside this repository.
fn document() -> Option<Value> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/twilio-oai/twilio_api_v2010.json");
    let path = std::env::var_os("PIKETT_TWILIO_OAI").map_or(beside, PathBuf::from);
    let Ok(text) = fs::read(&path) else {
        left_out::tell(&format!(
            "requests to Twilio against its OpenAPI document (tests/carrier_contract.rs): it is not at {}",
            path.display()
        ));
        return None;
    };
    Some(serde_json::from_slice(&text).unwrap())
}

async fn carrier() -> (Stand, Twilio) {
    let stand = Stand::start().await;
    let clock = Clock::system();
    let settings = Settings {
        id: "twilio".parse().unwrap(),
        account_sid: ACCOUNT.to_owned(),
        auth_token: Secret::new("token"),
        from: "+4930901820".parse().unwrap(),
        base_url: stand.base_url.clone(),
        calls_per_second: 1_000.0,
        messages_per_second: 1_000.0,
        patience: PATIENCE,
    };
    (stand, Twilio::new(settings, http_client(&clock), clock))
}

/// The trait's methods by the document's names of the operations.
const OPERATIONS: [&str; 10] = [
    "CreateCall",
    "UpdateCall",
    "FetchCall",
    "ListCall",
    "CreateMessage",
    "FetchMessage",
    "ListMessage",
    "DeleteRecording",
    "FetchAccount",
    "UpdateCall by another document",
];

async fn ask(twilio: &Twilio, operation: &str) -> Result<String, CarrierError> {
    let to = "+4930555010".parse().unwrap();
    let since = "2008-01-01T00:00:00Z".parse().unwrap();
    let (call, message) = (Sid::new(CALL), Sid::new(MESSAGE));
    match operation {
        "CreateCall" => {
            let call = NewCall {
                to,
                from: None,
                url: "https://h.example/carriers/twilio/page".to_owned(),
                status_callback: "https://h.example/carriers/twilio/page/status".to_owned(),
                ring_s: 25,
            };
            twilio.place_call(&call).await.map(|sid| sid.to_string())
        }
        "UpdateCall" => twilio.end_call(&call).await.map(|()| String::new()),
        "UpdateCall by another document" => {
            twilio.redirect_call(&call, "https://h.example/next").await.map(|moved| format!("{moved:?}"))
        }
        "FetchCall" => twilio.call_status(&call).await.map(|seen| format!("{} {}", seen.sid, seen.status.as_str())),
        "ListCall" => twilio.find_calls(&to, since).await.map(|seen| seen.len().to_string()),
        "CreateMessage" => {
            let sms = NewSms {
                to,
                from: None,
                body: "1 K7".to_owned(),
                status_callback: Some("https://h.example/carriers/twilio/sms/status".to_owned()),
                validity_s: 600,
            };
            twilio.send_sms(&sms).await.map(|sid| sid.unwrap().to_string())
        }
        "FetchMessage" => {
            twilio.sms_status(&message).await.map(|seen| format!("{} {}", seen.sid, seen.status.as_str()))
        }
        "ListMessage" => twilio.find_sms(&to, "1 K7", since).await.map(|seen| seen.len().to_string()),
        "DeleteRecording" => twilio.delete_recording(&Sid::new(RECORDING)).await.map(|()| String::new()),
        "FetchAccount" => twilio.check().await.map(|()| String::new()),
        other => panic!("no method for {other}"),
    }
}

/// The operation's path template, method and description.
fn operation<'a>(document: &'a Value, id: &str) -> (&'a str, &'a str, &'a Value) {
    let id = id.split(' ').next().unwrap();
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, described)| (&**path, &**method, described))
        })
        .find(|(_, _, described)| described["operationId"] == id)
        .unwrap_or_else(|| panic!("the document has no operation {id}"))
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// What is wrong with a value, by the few rules that the document uses.
fn wrong(document: &Value, schema: &Value, value: &str) -> Option<String> {
    let schema = resolved(document, schema);
    let is_wrong = match schema["type"].as_str() {
        Some("integer") => value.parse::<i64>().map_or(true, |number| {
            schema["minimum"].as_i64().is_some_and(|least| number < least)
                || schema["maximum"].as_i64().is_some_and(|most| number > most)
        }),
        Some("boolean") => !["true", "false"].contains(&value),
        Some("array") => return wrong(document, &schema["items"], value),
        _ => false,
    };
    let is_unlisted = schema["enum"].as_array().is_some_and(|listed| !listed.iter().any(|known| known == value));
    let is_no_url = schema["format"] == "uri" && !value.starts_with("https://");
    let is_no_sid = schema["pattern"].as_str().is_some_and(|pattern| !looks_like(pattern, value));
    (is_wrong || is_unlisted || is_no_url || is_no_sid).then(|| format!("`{value}` is none of {schema}"))
}

/// The document's patterns are all `^AC[0-9a-fA-F]{32}$` or `^(SM|MM)[0-9a-fA-F]{32}$`.
fn looks_like(pattern: &str, value: &str) -> bool {
    let prefixes = pattern.trim_start_matches('^').split('[').next().unwrap().trim_matches(['(', ')']);
    value.len() == 34
        && prefixes.split('|').any(|prefix| value.starts_with(prefix))
        && value[2..].bytes().all(|b| b.is_ascii_hexdigit())
}

fn complaints(document: &Value, id: &str, asked: &Asked) -> Vec<String> {
    let (template, method, described) = operation(document, id);
    let mut found = Vec::new();
    if !asked.method.as_str().eq_ignore_ascii_case(method) {
        found.push(format!("{} instead of {method}", asked.method));
    }
    if method == "get" && !asked.body.is_empty() {
        found.push("a body that nobody asks for".to_owned());
    }
    let parameters = described["parameters"].as_array().unwrap();
    let named = |place: &str, name: &str| {
        parameters.iter().find(|parameter| parameter["in"] == place && parameter["name"] == name)
    };

    let (expected, actual): (Vec<_>, Vec<_>) = (template.split('/').collect(), asked.path.split('/').collect());
    if expected.len() != actual.len() {
        found.push(format!("{} is no {template}", asked.path));
    }
    for (expected, actual) in expected.iter().zip(&actual) {
        let Some(name) = expected.strip_prefix('{').and_then(|name| name.split('}').next()) else {
            if expected != actual {
                found.push(format!("{} is no {template}", asked.path));
            }
            continue;
        };
        let value = actual.strip_suffix(".json").unwrap_or(actual);
        found.extend(wrong(document, &named("path", name).unwrap()["schema"], value));
    }

    for (name, value) in &asked.query {
        match named("query", name) {
            Some(parameter) => found.extend(wrong(document, &parameter["schema"], value)),
            None => found.push(format!("the query has no `{name}`")),
        }
    }
    let schema = &described["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
    let mut seen = BTreeSet::new();
    for (name, value) in &asked.form {
        let property = resolved(document, &schema["properties"][name.as_str()]);
        if property.is_null() {
            found.push(format!("the form has no `{name}`"));
        } else if !seen.insert(name) && property["type"] != "array" {
            found.push(format!("`{name}` is no list"));
        }
        found.extend(wrong(document, property, value));
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if asked.all(required.as_str().unwrap()).is_empty() {
            found.push(format!("{required} is missing"));
        }
    }
    found
}

#[tokio::test]
async fn every_request_is_one_that_twilio_describes() {
    let Some(document) = document() else { return };
    let (stand, twilio) = carrier().await;
    for id in OPERATIONS {
        stand.tell(400, "");
        let _ = ask(&twilio, id).await;
        let asked = stand.one();
        assert_eq!(complaints(&document, id, &asked), [""; 0], "{id}: {asked:#?}");
        let credentials = asked.header("authorization").unwrap();
        assert!(credentials.starts_with("Basic "), "the document's security scheme is HTTP Basic");
    }
    // The document says only `array of string`; the words stand in a schema of their own.
    stand.tell(400, "");
    let _ = ask(&twilio, "CreateCall").await;
    let events = stand.one().all("StatusCallbackEvent").join(" ");
    let listed: Vec<_> =
        document["components"]["schemas"]["call_enum_event"]["enum"].as_array().unwrap().iter().collect();
    assert_eq!(
        events.split(' ').collect::<Vec<_>>(),
        listed.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_recordings_file_lies_beside_its_description() {
    let Some(document) = document() else { return };
    let (stand, twilio) = carrier().await;
    stand.tell(200, "RIFF");
    twilio.fetch_recording(&Sid::new(RECORDING)).await.unwrap();
    let mut asked = stand.one();
    // Twilio describes media on a page only: the same path with another ending.
    asked.path = asked.path.strip_suffix(".wav").unwrap().to_owned() + ".json";
    assert_eq!(complaints(&document, "FetchRecording", &asked), [""; 0]);
}

#[tokio::test]
async fn every_published_answer_is_read() {
    let Some(document) = document() else { return };
    let mut read = 0;
    for id in OPERATIONS {
        let (_, _, described) = operation(&document, id);
        for (status, answer) in described["responses"].as_object().unwrap() {
            let examples = answer["content"]["application/json"]["examples"].as_object();
            for (name, example) in examples.into_iter().flatten() {
                let example = &example["value"];
                let (stand, twilio) = carrier().await;
                stand.tell(status.parse().unwrap(), example.to_string());
                // Whatever a list points to next.
                for _ in 0..10 {
                    stand.tell(200, r#"{"calls": [], "messages": []}"#);
                }
                let answer = ask(&twilio, id).await.unwrap_or_else(|error| panic!("{id} {name}: {error}"));
                match id {
                    "CreateCall" | "CreateMessage" => assert_eq!(answer, example["sid"], "{id} {name}"),
                    "FetchCall" | "FetchMessage" => {
                        let status = example["status"].as_str().unwrap();
                        assert_eq!(answer, format!("{} {status}", example["sid"].as_str().unwrap()), "{id} {name}");
                    }
                    _ => {}
                }
                read += 1;
            }
        }
    }
    assert!(read > 30, "only {read} published answers were found");
}

#[test]
fn every_status_word_of_twilio_is_known() {
    let Some(document) = document() else { return };
    let words = |name: &str| -> Vec<String> {
        let listed = document["components"]["schemas"][name]["enum"].as_array().unwrap();
        listed.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    for word in words("call_enum_status") {
        assert!(!matches!(CallStatus::parse(&word), CallStatus::Other(_)), "{word}");
    }
    for word in words("message_enum_status") {
        assert!(!matches!(MessageStatus::parse(&word), MessageStatus::Other(_)), "{word}");
    }
}
