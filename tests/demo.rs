//! `pikett demo` as a user runs it: the scripted night, its service as a process of its own that is killed in
//! the middle, the carrier over real HTTP; and the live one, phoned as the console does.

#![expect(clippy::unwrap_used, reason = "the whole crate is tests")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use chrono::TimeDelta;
use pikett::{carrier::http_client, clock::Clock};
use serde_json::{Value, json};

#[test]
fn every_promise_holds_through_the_scripted_night() {
    let folder = tempfile::tempdir().unwrap();
    let night = Command::new(env!("CARGO_BIN_EXE_pikett"))
        .args(["demo", "--script", "--keep"])
        .arg(folder.path())
        .output()
        .unwrap();
    let (said, log) = (String::from_utf8_lossy(&night.stdout), folder.path().join("service.log"));
    let log = std::fs::read_to_string(log).unwrap_or_default();
    assert!(night.status.success(), "{said}\n{}\n{log}", String::from_utf8_lossy(&night.stderr));
    assert_eq!(said.matches("  kept\n").count(), 8, "{said}");
    assert!(!log.contains("730164") && !log.contains("+4930555010"), "the log shows a PIN or a whole number");
}

/// The live demo, and what its console asks of it.
struct Live {
    demo: Child,
    url: String,
    http: reqwest::Client,
}

impl Live {
    fn start(folder: &std::path::Path) -> Self {
        let mut demo = Command::new(env!("CARGO_BIN_EXE_pikett"))
            .args(["demo", "--keep"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(demo.stdout.take().unwrap()).lines();
        let first = said.next().unwrap().unwrap();
        // Whoever closes the pipe would break what the demo says at its end.
        std::thread::spawn(move || said.for_each(drop));
        let url = first.strip_prefix("Pikett's demo runs at ").and_then(|url| url.strip_suffix("/console"));
        Self { url: url.unwrap_or_else(|| panic!("{first}")).to_owned(), demo, http: http_client(&Clock::system()) }
    }

    async fn get(&self, path: &str) -> Value {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let asked = self.http.post(format!("{}/demo/phones{path}", self.url)).json(&body);
        asked.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// The first event that is so.
    async fn until(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
            let events = self.get("/demo/phones/log").await;
            if let Some(event) = events.as_array().unwrap().iter().find(|event| is_it(event)) {
                return event.clone();
            }
            Clock::system().sleep(TimeDelta::milliseconds(100)).await;
        }
        panic!("within a minute {what} has not happened: {:#}", self.get("/demo/phones/log").await);
    }

    /// As Ctrl-C or a supervisor ends it. Answers the exit code.
    async fn end(mut self) -> Option<i32> {
        let asked = Command::new("kill").args(["-s", "TERM", &self.demo.id().to_string()]).status().unwrap();
        assert!(asked.success());
        loop {
            if let Some(status) = self.demo.try_wait().unwrap() {
                return status.code();
            }
            Clock::system().sleep(TimeDelta::milliseconds(20)).await;
        }
    }
}

/// A failed test leaves no demo behind.
impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.demo.kill();
    }
}

#[tokio::test]
async fn the_live_demo_can_be_phoned_from_its_console() {
    let folder = tempfile::tempdir().unwrap();
    let live = Live::start(folder.path());
    let page = live.http.get(format!("{}/console", live.url)).send().await.unwrap();
    assert!(page.status().is_success() && page.text().await.unwrap().contains("<title>Pikett"));
    let session = live.get("/console/session").await;
    assert_eq!(session["phones"]["base"], "/demo/phones", "{session}");

    let leg = live.post("/calls", json!({ "from": "+4930555010", "to": "+4930901820" })).await["leg"].clone();
    let of = |event: &Value, kind: &str, leg: &Value| event["kind"] == kind && event["leg"] == *leg;
    live.until("the menu", |event| of(event, "listening", &leg)).await;
    live.post(&format!("/legs/{}/press", leg.as_str().unwrap()), json!({ "keys": "1" })).await;
    let rung =
        live.until("Anna's phone rings", |event| event["kind"] == "call-started" && event["to"] == "+4915110000001");
    let anna = rung.await["leg"].clone();
    live.until("it rings", |event| of(event, "ringing", &anna)).await;
    live.post(&format!("/legs/{}/answer", anna.as_str().unwrap()), json!({})).await;
    live.until("she is asked", |event| of(event, "listening", &anna)).await;
    live.post(&format!("/legs/{}/press", anna.as_str().unwrap()), json!({ "keys": "1" })).await;
    live.until("they talk", |event| event["kind"] == "bridged").await;
    assert_eq!(live.end().await, Some(0));
}
