//! Requests by hand: as the carrier would make them, and as nobody but an attacker does.

use pikett::{carrier::signature, model::secret::Secret};

use super::story::Story;

/// The simulated carrier's own.
const TOKEN: &str = "simulated-token";

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
