//! Requests by hand: as the carrier would make them, and as nobody but an attacker does.

use pikett::{
    carrier::signature, clock::Ids, declare::directory::default_org, model::secret::Secret, store::tokens,
    store::tokens::Token,
};
use reqwest::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::story::Story;

/// The simulated carrier's own.
const TOKEN: &str = "simulated-token";
const API_TOKEN: &str = "pk_of-this-story";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Story {
    /// A webhook that the carrier has signed.
    pub async fn signed(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let url = format!("{}{path}", self.stage.url());
        let signature = signature::sign(&url, form, &Secret::new(TOKEN));
        self.post(path, form, Some(&signature)).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)], signature: Option<&str>) -> Answer {
        let mut request = client().post(format!("{}{path}", self.stage.url())).form(form);
        if let Some(signature) = signature {
            request = request.header("X-Twilio-Signature", signature);
        }
        answer(request).await
    }

    pub async fn post_text(&self, path: &str, body: String) -> Answer {
        let request = client()
            .post(format!("{}{path}", self.stage.url()))
            .header("X-Twilio-Signature", "Zm9yZ2VkIGZvcmdlZCBmb3JnZWQ=")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body);
        answer(request).await
    }

    /// A request to the API, by somebody who may write.
    pub async fn api(&self, method: Method, path: &str, body: &Value) -> Value {
        let row = Token {
            id: Ids::random().id(self.clock.now()),
            name: "story".to_owned(),
            scope: "write".to_owned(),
            created_at: self.clock.now(),
            revoked_at: None,
        };
        let sha256 = hex::encode(Sha256::digest(API_TOKEN));
        // The second time it is there already.
        let _ = self.store.write(async move |db| tokens::insert(db, &default_org(), &row, &sha256).await).await;
        let url = format!("{}/api/v1{path}", self.stage.url());
        let mut request = client().request(method.clone(), url).bearer_auth(API_TOKEN);
        if method != Method::GET {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    /// The first event of that name that somebody is sent who begins to watch.
    pub async fn event(&self, name: &str) -> Value {
        // With the token of `api`.
        self.api(Method::GET, "/alerts", &Value::Null).await;
        let request = client().get(format!("{}/api/v1/events", self.stage.url())).bearer_auth(API_TOKEN);
        let mut response = request.send().await.unwrap();
        let (mut text, head) = (String::new(), format!("event: {name}"));
        loop {
            let chunk = response.chunk().await.unwrap().expect("the stream goes on");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
            let mut whole: Vec<&str> = text.split("\n\n").collect();
            whole.pop();
            if let Some(event) = whole.iter().find(|event| event.lines().any(|line| line == head)) {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                return serde_json::from_str(data).unwrap();
            }
            assert!(!whole.iter().any(|event| event.contains("event: ready")), "there is no {name}");
        }
    }

    /// The sum of a metric's series that have all these labels.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let answer = answer(client().get(format!("{}/metrics", self.stage.url()))).await;
        let series = answer.body.lines().filter(|line| line.starts_with(name));
        let wanted = series.filter(|line| labels.iter().all(|label| line.contains(label)));
        wanted.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer { status: response.status().as_u16(), body: response.text().await.unwrap() }
}
