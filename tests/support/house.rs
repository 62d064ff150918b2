//! A whole MSP for tests: a folder with its configuration and declarations, the service that runs in
//! this process on a database of its own, a mail server, and a client. There is no carrier.

use std::{fs, path::PathBuf, process::Command};

use chrono::TimeDelta;
use pikett::{
    app::Service,
    carrier::http_client,
    clock::{Clock, Ids},
    config::Config,
    sim::{Mailbox, Settings, Sim, What},
};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::database::Scratch;

pub const KEY: &str = "e93facc04764012d7bfb002500d5d1a6";

/// For what takes milliseconds, on a busy machine.
const PATIENCE: TimeDelta = TimeDelta::seconds(20);

const MSP: &str = r#"
[[people]]
id = "anna"
name = "Anna Berger"
zone = "Europe/Berlin"
language = "de"
contact = [ { id = "mail", kind = "email", to = "anna@msp.example" } ]
rules.high = [ { via = "mail" } ]
rules.low = [ { via = "mail" } ]
[[schedules]]
id = "primary"
zone = "Europe/Berlin"
[[schedules.layers]]
people = ["anna"]
start = "2026-01-05T09:00"
every = "1 week"
[[policies]]
id = "gold"
levels = [ { notify = ["schedule:primary"], ack_within = "1h" } ]
fallback = ["person:anna"]
[[integrations]]
id = "acme-monitoring"
key = "e93facc04764012d7bfb002500d5d1a6"
policy = "gold"
"#;

pub struct House {
    pub folder: tempfile::TempDir,
    scratch: Scratch,
    service: Option<Service>,
    /// Where the emails arrive.
    pub sim: Sim,
    pub http: Client,
    pub url: String,
    pub read: String,
    pub write: String,
}

impl House {
    pub async fn open() -> Self {
        Self::on(Scratch::sqlite(), "").await
    }

    /// `more` is added to the configuration.
    pub async fn on(scratch: Scratch, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sim = Sim::start(Settings::new(Clock::system(), Ids::random())).await.unwrap();
        let mailbox = Mailbox::start("127.0.0.1:0".parse().unwrap(), &sim).await.unwrap();
        let spare = folder.path().join("pikett-spare.json");
        let spare = spare.display();
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nspare_file = \"{spare}\"\n{more}\n[database]\nurl = \"{}\"\n\
             [email]\nsmtp = \"{}\"\nfrom = \"pikett@msp.example\"\n",
            scratch.url,
            mailbox.url(),
        );
        fs::write(folder.path().join("pikett.toml"), config).unwrap();
        fs::write(folder.path().join("msp.toml"), MSP).unwrap();
        let mut house = Self {
            folder,
            scratch,
            service: None,
            sim,
            http: http_client(&Clock::system()),
            url: String::new(),
            read: String::new(),
            write: String::new(),
        };
        house.pikett(&["apply", "msp.toml"]);
        house.read = house.token("read");
        house.write = house.token("write");
        let service = house.another().await;
        house.url = format!("http://{}", service.address());
        house.service = Some(service);
        house
    }

    /// The text of the first email to that address whose subject holds `subject`.
    pub async fn email(&self, address: &str, subject: &str) -> String {
        let is_it = |what: &What| match what {
            What::Mail { to, subject: given, .. } => to.iter().any(|to| to == address) && given.contains(subject),
            _ => false,
        };
        match self.sim.wait_for(is_it, PATIENCE).await.map(|event| event.what) {
            Some(What::Mail { text, .. }) => text,
            _ => panic!("no email to {address} came"),
        }
    }

    /// One more service on the same database.
    pub async fn another(&self) -> Service {
        let config = Config::load(Some(&self.path("pikett.toml"))).unwrap();
        Service::start(&config, Clock::system(), Ids::random()).await.unwrap()
    }

    pub async fn close(mut self) {
        self.service.take().unwrap().stop().await;
        self.sim.stop().await;
        self.scratch.remove().await;
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command line, beside the running service. Answers what it printed.
    pub fn pikett(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert!(output.status.success(), "{arguments:?}: {}{}", text(output.stdout), text(output.stderr));
        text(output.stdout)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pikett"));
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    /// The same where the command asks something that this process serves, so that it must not be
    /// waited for by a blocking call. Answers its exit code and what it said.
    pub async fn asks(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.pikett(arguments)).unwrap()
    }

    fn token(&self, scope: &str) -> String {
        let made = self.json(&["token", "create", "--name", &format!("{scope}er"), "--scope", scope, "--json"]);
        made["token"].as_str().unwrap().to_owned()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Value {
        answered(self.request(Method::GET, path).bearer_auth(&self.read).send().await.unwrap(), 200).await
    }

    pub fn posted(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).bearer_auth(&self.write).json(body)
    }

    /// A monitoring tool sends an event.
    pub async fn event(&self, key: &str, action: &str) {
        let body = json!({
            "routing_key": KEY, "event_action": action, "dedup_key": key,
            "payload": { "summary": format!("{key} is full"), "source": "db1", "severity": "critical" },
        });
        let answer = self.request(Method::POST, "/v2/enqueue").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 202);
    }
}

pub async fn answered(response: Response, status: u16) -> Value {
    let (got, kind) = (response.status().as_u16(), response.headers()["content-type"].clone());
    let text = response.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    assert_eq!(kind, if status < 400 { "application/json" } else { "application/problem+json" });
    serde_json::from_str(&text).unwrap()
}
