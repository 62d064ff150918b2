//! A monitoring tool: it sends events as PagerDuty's Events API v2 takes them, each with a key of its own.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::client::Client;

static EVENTS: AtomicU64 = AtomicU64::new(0);

pub struct Tool {
    client: Client,
    routing_key: &'static str,
}

impl Tool {
    pub fn new(client: Client, routing_key: &'static str) -> Self {
        Self { client, routing_key }
    }

    /// Answers the word by which the alert's messages are known, after the 202.
    pub async fn trigger(&mut self) -> String {
        let word = format!("disk-{:08}", EVENTS.fetch_add(1, Ordering::Relaxed));
        let body = format!(
            r#"{{"routing_key":"{}","event_action":"trigger","dedup_key":"{word}","payload":{{"summary":"{word} is full","source":"db1.acme.example","severity":"critical","component":"postgres","class":"disk"}}}}"#,
            self.routing_key
        );
        let answer = self.client.post("/v2/enqueue", "Content-Type: application/json\r\n", &body).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        word
    }
}
