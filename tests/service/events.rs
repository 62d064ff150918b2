//! What changes, as it changes.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::house::{House, answered};

struct Stream {
    response: Response,
    rest: String,
}

#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Stream {
    async fn open(house: &House, last: Option<&str>) -> Self {
        let mut request = house.request(Method::GET, "/api/v1/events").bearer_auth(&house.read);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, rest: String::new() }
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim_start_matches(": ").to_owned()).unwrap_or_default()
                };
                let (name, id, data) = (field("event"), field("id"), field("data"));
                self.rest = rest.to_owned();
                if name.is_empty() {
                    continue;
                }
                return Some(Event { name, id, data: serde_json::from_str(&data).unwrap() });
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.response.chunk()).await.expect("in time");
            self.rest.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    async fn until(&mut self, matches: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            seen.push(self.next().await.expect("the stream goes on"));
            if matches(seen.last().unwrap()) {
                return seen;
            }
        }
    }
}

fn entry_says<'a>(text: &'a str) -> impl Fn(&Event) -> bool + 'a {
    move |event| event.name == "entry" && event.data["text"].as_str().unwrap().contains(text)
}

#[tokio::test]
async fn a_watcher_sees_what_holds_and_then_what_changes() {
    let house = House::open().await;
    house.event("disk", "trigger").await;
    let mut stream = Stream::open(&house, None).await;
    let before = stream.until(|event| event.name == "ready").await;
    assert!(before.iter().any(|event| event.name == "alert" && event.data["title"] == "disk is full"));
    house.pikett(&["alert", "ack", "1", "--by", "anna"]);
    stream.until(|event| event.name == "alert" && event.data["state"] == "acknowledged").await;
    house.event("fan", "trigger").await;
    let seen = stream.until(|event| event.name == "alert" && event.data["title"] == "fan is full").await;
    assert!(!seen.is_empty());
    house.close().await;
}

#[tokio::test]
async fn whoever_comes_back_gets_what_was_missed() {
    let house = House::open().await;
    house.event("disk", "trigger").await;
    let note = async |text: &str| {
        answered(house.posted("/api/v1/alerts/1/note", &json!({ "text": text })).send().await.unwrap(), 200).await
    };
    let mut stream = Stream::open(&house, None).await;
    stream.until(|event| event.name == "ready").await;
    note("first").await;
    let last = stream.until(entry_says("first")).await.pop().unwrap().id;
    drop(stream);
    note("second").await;
    let mut again = Stream::open(&house, Some(&last)).await;
    let seen = again.until(|event| event.name == "ready").await;
    assert!(seen.iter().any(entry_says("second")));
    let wrong = house.request(Method::GET, "/api/v1/events").bearer_auth(&house.read).header("last-event-id", "7");
    assert_eq!(answered(wrong.send().await.unwrap(), 400).await["errors"][0]["field"], "Last-Event-ID");
    house.close().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_watchers() {
    let house = House::open().await;
    let mut stream = Stream::open(&house, None).await;
    stream.until(|event| event.name == "ready").await;
    tokio::time::timeout(Duration::from_secs(10), house.close()).await.expect("it stops");
    assert!(stream.next().await.is_none());
}
