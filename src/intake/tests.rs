//! What a monitoring tool sees of `/v2/enqueue`, on both databases.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
    routing::post,
};
use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};
use tower::ServiceExt;

use tokio::sync::watch;

use super::*;
use crate::{
    clock::{Clock, Ids},
    escalation::{Level, Policy, Target},
    model::{
        alert::{Actor, AlertState},
        contract::{Contract, Coverage},
        secret::Secret,
    },
    notify::links::Links,
    store::{
        Store,
        alerts::{self, AlertRow, Which},
        testing::{at, on_both, org},
        timeline, timers,
    },
};

const KEY: &str = "e93facc04764012d7bfb002500d5d1a6";

fn directory() -> Directory {
    let policy = |id: &str| Policy {
        id: id.parse().unwrap(),
        levels: vec![Level {
            notify: vec![Target::Person("anna".parse().unwrap())],
            ack_within: TimeDelta::minutes(5),
        }],
        repeat: 1,
        fallback: vec![Target::Person("lead".parse().unwrap())],
    };
    let target = |id: &str| crate::model::contract::Target {
        response: None,
        resolution: None,
        policy: id.parse().unwrap(),
        outside: None,
    };
    let contract = Contract {
        id: "acme-gold".parse().unwrap(),
        customer: "acme".parse().unwrap(),
        coverage: Coverage::Always,
        recordings: None,
        priorities: [(Priority::P1, target("gold")), (Priority::P3, target("silver"))].into(),
    };
    let integration = |id: &str, key: &str, target| Integration {
        id: id.parse().unwrap(),
        key_sha256: hex::encode(Sha256::digest(key)),
        target,
    };
    let mut directory = Directory::empty();
    directory.policies = ["gold", "silver"].map(|id| (id.parse().unwrap(), policy(id))).into();
    directory.integrations = [
        integration("acme-monitoring", KEY, IntegrationTarget::Contract(contract.id.clone())),
        integration("own-monitoring", "another-key", IntegrationTarget::Policy("silver".parse().unwrap())),
    ]
    .map(|integration| (integration.id.clone(), integration))
    .into();
    directory.contracts = [(contract.id.clone(), contract)].into();
    directory
}

/// The service as a tool sees it.
struct Service {
    router: Router,
    store: Store,
}

impl Service {
    fn on(store: &Store) -> Self {
        let (_, directory) = watch::channel(Arc::new(directory()));
        let context = Context {
            store: store.clone(),
            clock: Clock::manual(at(0)),
            ids: Ids::seeded(1),
            directory,
            links: Links::new("https://hotline.example", Secret::new("key")),
        };
        let intake = Intake::start(context);
        let router = Router::new().route("/v2/enqueue", post(pagerduty::enqueue)).with_state(intake);
        Self { router, store: store.clone() }
    }

    async fn send(&self, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::post("/v2/enqueue").body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            assert!(response.headers().contains_key("retry-after"));
        }
        let body = to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn accepted(&self, body: &Value) -> String {
        let (status, answer) = self.send(body.to_string()).await;
        assert_eq!((status.as_u16(), &answer["status"]), (202, &json!("success")), "{answer}");
        assert_eq!(answer["message"], "Event processed");
        answer["dedup_key"].as_str().unwrap().to_owned()
    }

    /// The newest first.
    async fn alerts(&self) -> Vec<AlertRow> {
        let mut db = self.store.read().await.unwrap();
        alerts::list(&mut db, &org(), Which::All, None, 1_000).await.unwrap()
    }
}

fn event(key: &str, action: &str) -> Value {
    json!({
        "routing_key": KEY,
        "event_action": action,
        "dedup_key": key,
        "payload": { "summary": "Disk full", "source": "db1", "severity": "error" },
    })
}

on_both! {
    async fn an_event_opens_an_alert_that_will_be_told_about(store: Store) {
        let service = Service::on(&store);
        assert_eq!(service.accepted(&event("srv01/mysql", "trigger")).await, "srv01/mysql");
        let [row] = service.alerts().await.try_into().unwrap();
        let alert = &row.alert;
        assert_eq!((alert.title.as_str(), alert.priority, alert.number), ("Disk full", Priority::P2, 1));
        assert_eq!(alert.source, Source::Integration("acme-monitoring".parse().unwrap()));
        assert_eq!(alert.customer, Some("acme".parse().unwrap()));
        assert_eq!(alert.contract, Some("acme-gold".parse().unwrap()));
        assert_eq!(row.policy().unwrap(), directory().policies.remove(&"gold".parse().unwrap()), "the next more urgent");
        let mut db = store.read().await.unwrap();
        let due = timers::due_at(&mut db, &org(), crate::store::raise::ESCALATE, alert.id.as_str()).await.unwrap();
        assert_eq!(due, Some(at(0)));
    }

    async fn the_same_key_counts_and_without_a_key_every_event_is_an_alert(store: Store) {
        let service = Service::on(&store);
        for _ in 0..3 {
            service.accepted(&event("disk", "trigger")).await;
        }
        let mut other = event("disk", "trigger");
        other["routing_key"] = "another-key".into();
        service.accepted(&other).await;
        other.as_object_mut().unwrap().remove("dedup_key");
        let made = [service.accepted(&other).await, service.accepted(&other).await];
        assert_ne!(made[0], made[1]);
        let alerts = service.alerts().await;
        assert_eq!(alerts.iter().map(|row| row.alert.count).collect::<Vec<_>>(), [1, 1, 1, 3]);
        let silver = directory().policies.remove(&"silver".parse().unwrap());
        assert_eq!((alerts[0].policy().unwrap(), &alerts[0].alert.contract), (silver, &None));
        let mut resolve = event(&made[0], "resolve");
        resolve["routing_key"] = "another-key".into();
        service.accepted(&resolve).await;
        assert_eq!(service.alerts().await.iter().filter(|row| !row.alert.is_open()).count(), 1);
    }

    async fn a_warning_that_becomes_critical_is_critical_also_within_one_batch(store: Store) {
        let service = Service::on(&store);
        let of = |key: &str, severity: &str, summary: &str| {
            let mut event = event(key, "trigger");
            event["payload"]["severity"] = severity.into();
            event["payload"]["summary"] = summary.into();
            event
        };
        service.accepted(&of("later", "warning", "Disk at 90 %")).await;
        service.accepted(&of("later", "critical", "Disk full")).await;
        service.accepted(&of("later", "info", "Disk full, still")).await;
        let together = [
            of("together", "info", "calm"), of("together", "warning", "hm"), of("together", "critical", "Disk full"),
            of("together", "error", "bad"),
        ];
        join_all(together.iter().map(|event| service.accepted(event))).await;
        let alerts = service.alerts().await;
        assert_eq!(alerts.len(), 2);
        for row in &alerts {
            assert_eq!((row.alert.priority, row.alert.title.as_str()), (Priority::P1, "Disk full"));
        }
        let mut db = store.read().await.unwrap();
        let later = alerts.iter().find(|row| row.alert.dedup_key.as_deref() == Some("later")).unwrap();
        let story: Vec<String> =
            timeline::of_alert(&mut db, &org(), &later.alert.id).await.unwrap().into_iter().map(|entry| entry.text).collect();
        assert_eq!(story, ["It became more urgent, P1 instead of P3, and came 2 times by now: Disk full"]);
    }

    async fn a_storm_of_the_same_is_few_entries(store: Store) {
        let service = Service::on(&store);
        for _ in 0..12 {
            service.accepted(&event("disk", "trigger")).await;
        }
        let mut db = store.read().await.unwrap();
        let entries = timeline::of_alert(&mut db, &org(), &service.alerts().await[0].alert.id).await.unwrap();
        let story: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(story, ["It came 2 times by now: Disk full", "It came 10 times by now: Disk full"]);
    }

    async fn a_tool_acknowledges_and_resolves_its_own_alert_only(store: Store) {
        let service = Service::on(&store);
        service.accepted(&event("disk", "trigger")).await;
        let mut stranger = event("disk", "resolve");
        stranger["routing_key"] = "another-key".into();
        service.accepted(&stranger).await;
        assert_eq!(service.alerts().await[0].alert.state, AlertState::Triggered);
        let by = Actor::Integration("acme-monitoring".parse().unwrap());
        service.accepted(&event("disk", "acknowledge")).await;
        assert_eq!(service.alerts().await[0].alert.state, AlertState::Acknowledged { by: by.clone(), at: at(0) });
        service.accepted(&event("disk", "trigger")).await;
        let mut db = store.read().await.unwrap();
        assert_eq!(timers::next_due(&mut db, timers::Crowd::Others).await.unwrap(), None, "an acknowledged alert tells nobody again");
        service.accepted(&event("disk", "resolve")).await;
        service.accepted(&event("disk", "resolve")).await;
        service.accepted(&event("never seen", "acknowledge")).await;
        let [row] = service.alerts().await.try_into().unwrap();
        assert_eq!((row.alert.state, row.alert.count), (AlertState::Resolved { by, at: at(0) }, 2));
        let kinds: Vec<String> =
            timeline::of_alert(&mut db, &org(), &row.alert.id).await.unwrap().into_iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, ["acknowledged", "repeated", "resolved"]);
        service.accepted(&event("disk", "trigger")).await;
        assert!(service.alerts().await[0].alert.is_open(), "after a resolve the same key opens a new alert");
    }

    async fn every_sender_of_a_crowd_gets_its_answer(store: Store) {
        let service = Service::on(&store);
        let events: Vec<Value> = (0..300).map(|n| event(&format!("disk-{}", n % 100), "trigger")).collect();
        let answers = join_all(events.iter().map(|event| service.accepted(event))).await;
        for (event, answer) in events.iter().zip(answers) {
            assert_eq!(event["dedup_key"], answer);
        }
        let alerts = service.alerts().await;
        assert_eq!(alerts.len(), 100);
        assert_eq!(alerts.iter().map(|row| row.alert.count).sum::<i64>(), 300);
        let numbers: std::collections::BTreeSet<i64> = alerts.iter().map(|row| row.alert.number).collect();
        assert_eq!(numbers.len(), 100);
    }

    async fn what_is_wrong_is_answered_so_that_its_sender_can_use_it(store: Store) {
        let service = Service::on(&store);
        let (status, answer) = service.send("{").await;
        assert_eq!((status.as_u16(), &answer["errors"]), (400, &json!(["JSON parse error"])));
        assert_eq!(answer["status"], "Unrecognized object");
        let mut unknown = event("disk", "trigger");
        unknown["routing_key"] = "x".into();
        let (status, answer) = service.send(unknown.to_string()).await;
        assert_eq!((status.as_u16(), &answer["errors"]), (400, &json!(["Invalid routing key"])));
        assert_eq!(answer["status"], "invalid event");
        let (status, _) = service.send(vec![b' '; 512 * 1_024 + 1]).await;
        assert_eq!(status.as_u16(), 413);
        let (status, _) = service.send(vec![b' '; 512 * 1_024]).await;
        assert_eq!(status.as_u16(), 400);
        let mut odd = event("a\u{0}b", "trigger");
        odd["payload"]["custom_details"] = json!({ "\u{0}": "\u{0}\u{1b}" });
        assert_eq!(service.accepted(&odd).await, "a\u{0}b");
        service.accepted(&event("a\u{0}b", "resolve")).await;
        assert!(!service.alerts().await[0].alert.is_open());
        assert_eq!(service.alerts().await.len(), 1);
    }

    async fn without_a_database_the_sender_is_told_to_come_again(store: Store) {
        let service = Service::on(&store);
        service.accepted(&event("disk", "trigger")).await;
        store.close().await;
        for action in ["trigger", "resolve"] {
            let (status, answer) = service.send(event("disk", action).to_string()).await;
            assert_eq!(status.as_u16(), 503, "{answer}");
        }
    }
}
