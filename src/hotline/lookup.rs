//! Asks an endpoint of the MSP for a flow's `lookup`: JSON out, JSON in, within 3 s and 64 KiB, no redirects,
//! and no address inside the house unless `[lookup] allow_private` says so. What comes of it is a value:
//! the caller goes on in any case. Neither what was sent nor what came back stands in a log.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, Response, StatusCode, header};
use thiserror::Error;
use url::Url;

use crate::{
    carrier::guard,
    clock::Clock,
    ivr::{Lookup, LookupAnswer},
    model::secret::Secret,
    telemetry::metric,
};

/// A real time: the caller waits, and carriers know no other.
const WITHIN: Duration = Duration::from_secs(3);
const BODY_MAX: usize = 64 * 1024;

/// What the configuration says of lookups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// Endpoints in the MSP's own network may be asked.
    pub allow_private: bool,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<Secret>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Lookups {
    client: Client,
    settings: Arc<Settings>,
}

#[derive(Debug, Error)]
enum Failure {
    #[error("the address is none")]
    Address,
    #[error("the address is not a public one")]
    Private,
    #[error("there was no answer within {} seconds", WITHIN.as_secs())]
    TooSlow,
    #[error("the endpoint could not be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the endpoint answered {0}")]
    Status(StatusCode),
    #[error("the answer is longer than {} KiB", BODY_MAX / 1024)]
    TooLong,
    #[error("the answer is no JSON")]
    NoJson(#[source] serde_json::Error),
}

impl Lookups {
    pub fn new(clock: &Clock, settings: Settings) -> Self {
        Self { client: guard::client(clock, settings.allow_private), settings: Arc::new(settings) }
    }

    pub async fn ask(&self, lookup: &Lookup) -> LookupAnswer {
        let asked = tokio::time::timeout(WITHIN, self.exchange(lookup)).await;
        let answer = asked.unwrap_or(Err(Failure::TooSlow));
        let outcome = answer.as_ref().map_or_else(Failure::word, |_| "answered");
        metrics::counter!(metric::LOOKUPS, "outcome" => outcome).increment(1);
        match answer {
            Ok(json) => LookupAnswer::Answered(json),
            Err(failure) => {
                tracing::warn!(outcome, "a flow's lookup failed: {failure}");
                LookupAnswer::Failed(failure.to_string())
            }
        }
    }

    async fn exchange(&self, lookup: &Lookup) -> Result<serde_json::Value, Failure> {
        let url = Url::parse(&lookup.url).map_err(|_| Failure::Address)?;
        if url.host().is_none() {
            return Err(Failure::Address);
        }
        if !guard::may_ask(&url, self.settings.allow_private) {
            return Err(Failure::Private);
        }
        // A token in the clear only where the house is its own network.
        let may_show_token = url.scheme() == "https" || self.settings.allow_private;
        let request = match &lookup.body {
            Some(body) => self.client.post(url).header(header::CONTENT_TYPE, "application/json").body(body.clone()),
            None => self.client.get(url),
        };
        let request = request.header(header::ACCEPT, "application/json");
        let request = match self.settings.token.as_ref().filter(|_| may_show_token) {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        };
        let response = request.send().await.map_err(|error| {
            if guard::refused(&error) { Failure::Private } else { Failure::Unreachable(error.without_url()) }
        })?;
        if !response.status().is_success() {
            return Err(Failure::Status(response.status()));
        }
        serde_json::from_slice(&body(response).await?).map_err(Failure::NoJson)
    }
}

async fn body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::Unreachable(error.without_url()))? {
        if body.len() + chunk.len() > BODY_MAX {
            return Err(Failure::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Failure {
    /// For the metrics.
    fn word(&self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Private => "private",
            Self::TooSlow => "too_slow",
            Self::Unreachable(_) => "unreachable",
            Self::Status(_) => "status",
            Self::TooLong => "too_long",
            Self::NoJson(_) => "no_json",
        }
    }
}

#[cfg(test)]
mod tests;
