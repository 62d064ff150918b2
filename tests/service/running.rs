//! The service as an operator sees it: it starts, says that it is ready, follows what is declared, and
//! ends when it is told to.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    database::Scratch,
    house::{House, KEY, answered},
};

const CEM: &str = r#"
[[people]]
id = "cem"
name = "Cem Kaya"
zone = "Europe/Berlin"
language = "de"
contact = [ { id = "mail", kind = "email", to = "cem@msp.example" } ]
rules.high = [ { via = "mail" } ]
rules.low = [ { via = "mail" } ]
[[schedules]]
id = "backup"
zone = "Europe/Berlin"
[[schedules.layers]]
people = ["cem"]
start = "2026-01-05T09:00"
every = "1 week"
"#;

/// The real binary, serving.
pub struct Serving {
    child: Child,
    pub url: String,
}

impl Serving {
    fn start(house: &House) -> Self {
        Self::start_with(house, &["serve"], &[])
    }

    pub fn start_with(house: &House, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = house.command(arguments);
        command.envs(variables.iter().copied());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening on ") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it listened");
        }
        // Whoever writes to a pipe that nobody reads waits for ever.
        std::thread::spawn(move || log.read_to_string(&mut String::new()));
        let url = line.split("listening on ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        Self { child, url }
    }

    /// Sends a signal and waits for the end. Meanwhile this process takes the emails that are under way.
    pub async fn ends_by(mut self, signal: &str) -> Option<i32> {
        let sent = Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        tokio::task::spawn_blocking(move || self.child.wait().unwrap().code()).await.unwrap()
    }
}

/// Within a second, as promised to whoever applies; more patience only for a busy machine.
pub async fn soon(mut look: impl AsyncFnMut() -> bool) {
    for _ in 0..100 {
        if look().await {
            return;
        }
        let _ = tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await;
    }
    panic!("it did not come to pass");
}

#[tokio::test]
async fn a_started_service_is_alive_ready_and_measured() {
    let house = House::open().await;
    house.event("disk", "trigger").await;
    house.request(Method::POST, "/carriers/twilio/sms").send().await.unwrap();
    let alive = answered(house.request(Method::GET, "/healthz").send().await.unwrap(), 200).await;
    assert_eq!(alive["alive"], true);
    let ready = answered(house.request(Method::GET, "/readyz").send().await.unwrap(), 200).await;
    for part in ["database", "migrations", "workers", "directory"] {
        assert_eq!(ready[part]["ready"], true, "{ready}");
    }
    let metrics = house.request(Method::GET, "/metrics").send().await.unwrap();
    assert!(metrics.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let metrics = metrics.text().await.unwrap();
    for line in [
        "# TYPE pikett_events_total counter",
        "# HELP pikett_alerts_open Alerts that nobody has resolved, by state",
        "pikett_alerts_open{state=\"triggered\"} 1",
        "# TYPE pikett_due gauge",
        "pikett_webhook_seconds_count{path=\"sms\"}",
        "pikett_refused_total{face=\"carriers\"",
        "pikett_commit_seconds_bucket{le=",
        "# TYPE pikett_call_wait_seconds histogram",
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
    house.close().await;
}

#[tokio::test]
async fn an_apply_in_another_process_is_in_force_within_a_second() {
    let house = House::open().await;
    fs::write(house.path("cem.toml"), CEM).unwrap();
    house.pikett(&["apply", "msp.toml", "cem.toml"]);
    soon(async || house.get("/api/v1/oncall").await["items"].as_array().unwrap().len() == 2).await;
    house.close().await;
}

#[tokio::test]
async fn an_event_right_after_the_apply_of_its_key_is_taken() {
    for scratch in [Scratch::sqlite(), Scratch::postgres().await] {
        let house = House::on(scratch, "").await;
        let key = "0123456789abcdef0123456789abcdef";
        let integration = format!("[[integrations]]\nid = \"new\"\nkey = \"{key}\"\npolicy = \"gold\"\n");
        fs::write(house.path("new.toml"), integration).unwrap();
        house.pikett(&["apply", "msp.toml", "new.toml"]);
        let event = json!({
            "routing_key": key, "event_action": "trigger", "dedup_key": "fan",
            "payload": { "summary": "fan", "source": "db1", "severity": "info" },
        });
        let send = async |event: &Value| house.request(Method::POST, "/v2/enqueue").json(event).send().await.unwrap();
        assert_eq!(send(&event).await.status(), 202);
        let mut unknown = event;
        unknown["routing_key"] = json!("f".repeat(32));
        assert_eq!(send(&unknown).await.status(), 400);
        house.close().await;
    }
}

#[tokio::test]
async fn a_database_that_went_away_is_not_ready() {
    let house = House::open().await;
    let another = house.another().await;
    another.store().close().await;
    let url = format!("http://{}", another.address());
    let not_ready = house.http.get(format!("{url}/readyz")).send().await.unwrap();
    assert_eq!(not_ready.status(), 503);
    let not_ready: Value = not_ready.json().await.unwrap();
    assert_eq!((&not_ready["ready"], &not_ready["database"]["ready"]), (&json!(false), &json!(false)));
    assert_eq!(not_ready["why"], "the database does not work: the store is closed");
    assert_eq!(house.http.get(format!("{url}/healthz")).send().await.unwrap().status(), 200);
    assert_eq!(house.http.get(format!("{url}/metrics")).send().await.unwrap().status(), 200);
    let asked = house.http.get(format!("{url}/api/v1/alerts")).bearer_auth(&house.read).send().await.unwrap();
    assert_eq!(asked.headers()["retry-after"], "5");
    answered(asked, 503).await;
    another.stop().await;
    house.close().await;
}

#[tokio::test]
async fn a_terminated_service_ends_with_0_and_keeps_what_it_took() {
    let house = House::open().await;
    let serving = Serving::start(&house);
    let event = json!({
        "routing_key": KEY, "event_action": "trigger", "dedup_key": "fan",
        "payload": { "summary": "fan", "source": "db1", "severity": "info" },
    });
    let sent = house.http.post(format!("{}/v2/enqueue", serving.url)).json(&event).send().await.unwrap();
    assert_eq!(sent.status(), 202);
    assert_eq!(serving.ends_by("TERM").await, Some(0));
    assert_eq!(house.get("/api/v1/alerts").await["items"][0]["title"], "fan");
    assert_eq!(Serving::start(&house).ends_by("INT").await, Some(0));
    house.close().await;
}

#[tokio::test]
async fn two_services_share_one_postgresql() {
    let house = House::on(Scratch::postgres().await, "").await;
    let another = house.another().await;
    house.event("disk", "trigger").await;
    let url = format!("http://{}/api/v1/alerts", another.address());
    let ask =
        async || -> Value { house.http.get(&url).bearer_auth(&house.read).send().await.unwrap().json().await.unwrap() };
    assert_eq!(ask().await["items"][0]["title"], "disk is full");
    fs::write(house.path("cem.toml"), CEM).unwrap();
    house.pikett(&["apply", "msp.toml", "cem.toml"]);
    let on_call = format!("http://{}/api/v1/oncall", another.address());
    soon(async || {
        let answer = house.http.get(&on_call).bearer_auth(&house.read).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["items"].as_array().unwrap().len() == 2
    })
    .await;
    let taken = house.posted("/api/v1/alerts/1/acknowledge", &json!({ "by": "anna" })).send().await.unwrap();
    answered(taken, 200).await;
    assert_eq!(ask().await["items"][0]["state"], "acknowledged");
    another.stop().await;
    house.close().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() {
    let house = House::open().await;
    let port = house.url.rsplit(':').next().unwrap();
    let refused = house.command(&["serve"]).env("PIKETT_SERVER__LISTEN", format!("127.0.0.1:{port}")).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains(&format!("could not listen on 127.0.0.1:{port}")), "{said}");
    house.close().await;
}
