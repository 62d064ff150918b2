//! One request to the carrier: credentials, time limits, and what a failure means for the page.
//!
//! Owns the difference between "was not sent" and "may have been done". Never repeats anything.
//! Start with `Wire::ask`.

use std::{error::Error, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Response, Url, header};
use serde_json::Value;

use super::{
    super::{CarrierError, Class, http::patience},
    refusal,
};
use crate::{
    clock::Clock,
    model::{id::CarrierId, phone::Phone, secret::Secret},
    telemetry::metric,
};

const ANSWER_BYTES_MAX: usize = 8 << 20;
/// Four hours of 16 kB/s, which is as long as a call may last, with room.
const FILE_BYTES_MAX: usize = 256 << 20;
const HOPS_MAX: usize = 3;

pub(super) struct Wire {
    pub(super) id: CarrierId,
    pub(super) account_sid: String,
    pub(super) auth_token: Secret,
    pub(super) base_url: String,
    pub(super) http: Client,
    pub(super) clock: Clock,
}

/// Whether a request whose answer is lost may have changed something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It may simply be made again.
    None,
    Change,
}

pub(super) struct Ask {
    /// For the log: `place a call`.
    pub(super) what: &'static str,
    /// For the log: a masked number or a SID.
    pub(super) about: String,
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) form: Vec<(&'static str, String)>,
    pub(super) effect: Effect,
    pub(super) patience: Duration,
    pub(super) is_file: bool,
}

impl Wire {
    /// The address of something of this account.
    pub(super) fn url(&self, rest: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}{rest}", self.base_url, self.account_sid)
    }

    /// The next page of a list, if it stands at the carrier's own address: credentials go nowhere
    /// else.
    pub(super) fn next_page(&self, answer: &Value) -> Option<String> {
        let next = answer["next_page_uri"].as_str().filter(|uri| !uri.is_empty())?;
        if next.starts_with("/2010-04-01/") {
            return Some(format!("{}{next}", self.base_url));
        }
        let next = Url::parse(&self.base_url).ok()?.join(next).ok()?;
        self.is_at_home(&next).then(|| next.into())
    }

    pub(super) async fn json(&self, ask: &Ask) -> Result<Value, CarrierError> {
        let body = self.ask(ask).await?;
        serde_json::from_slice(&body).map_err(|_| ask.effect.lost("the carrier's answer is no JSON"))
    }

    /// Asks once. The answer is a success's body.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Vec<u8>, CarrierError> {
        let began = self.clock.now();
        let outcome = self.exchange(ask).await;
        let took = (self.clock.now() - began).to_std().unwrap_or_default();
        let class = outcome.as_ref().map_or_else(|error| error.class.as_str(), |_| "ok");
        metrics::counter!(metric::REQUESTS, "provider" => self.id.to_string(), "class" => class).increment(1);
        metrics::histogram!(metric::REQUEST_SECONDS, "provider" => self.id.to_string(), "class" => class)
            .record(took.as_secs_f64());
        let error = outcome.as_ref().err().map(|error| Phone::masked_in(&error.to_string()));
        tracing::debug!(
            carrier = %self.id, about = ask.about, class, error, took_ms = took.as_millis(),
            "asked the carrier to {}", ask.what
        );
        outcome
    }

    /// A request that was not made, because of our own pace.
    pub(super) fn count_paced(&self) {
        let class = Class::Paced.as_str();
        metrics::counter!(metric::REQUESTS, "provider" => self.id.to_string(), "class" => class).increment(1);
    }

    async fn exchange(&self, ask: &Ask) -> Result<Vec<u8>, CarrierError> {
        let mut url =
            Url::parse(&ask.url).map_err(|_| CarrierError::of(Class::Account, "`base_url` is no web address"))?;
        let mut hops = 0;
        loop {
            let response = self.request(ask, url.clone()).send().await.map_err(|error| failure(ask, &error))?;
            if let Some(next) = redirected(&response, &url).filter(|_| ask.is_file && hops < HOPS_MAX) {
                // Files may lie at a store of their own.
                url = next;
                hops += 1;
                continue;
            }
            return self.read(ask, response).await;
        }
    }

    fn request(&self, ask: &Ask, url: Url) -> RequestBuilder {
        let is_at_home = self.is_at_home(&url);
        let mut request = self.http.request(ask.method.clone(), url).timeout(patience(&self.clock, ask.patience));
        if is_at_home {
            request = request.basic_auth(&self.account_sid, Some(self.auth_token.expose()));
        }
        if ask.form.is_empty() { request } else { request.form(&ask.form) }
    }

    async fn read(&self, ask: &Ask, mut response: Response) -> Result<Vec<u8>, CarrierError> {
        let status = response.status();
        let header = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let retry_after = header(header::RETRY_AFTER);
        let bytes_max = if ask.is_file { FILE_BYTES_MAX } else { ANSWER_BYTES_MAX };
        let mut body = Vec::new();
        let end = loop {
            match response.chunk().await {
                Ok(Some(_)) if body.len() > bytes_max => break Err(ask.effect.lost("the carrier's answer has no end")),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break Ok(()),
                Err(error) => break Err(failure(ask, &error)),
            }
        };
        if status.is_success() {
            return end.map(|()| body);
        }
        // A refusal counts although its explanation broke off.
        let mut error = refusal::read(status.as_u16(), &body);
        error.retry_after = retry_after.and_then(|given| refusal::retry_after(&given, self.clock.now()));
        error.message = error.message.replace(self.auth_token.expose(), "…");
        if error.class == Class::Unsure && ask.effect == Effect::None {
            error.class = Class::Retry;
        }
        Err(error)
    }

    fn is_at_home(&self, url: &Url) -> bool {
        Url::parse(&self.base_url).is_ok_and(|base| base.origin() == url.origin())
    }
}

impl Effect {
    /// The answer to a request that has arrived is lost.
    pub(super) fn lost(self, message: impl Into<String>) -> CarrierError {
        let class = match self {
            Self::None => Class::Retry,
            Self::Change => Class::Unsure,
        };
        CarrierError::of(class, message)
    }
}

fn redirected(response: &Response, from: &Url) -> Option<Url> {
    let location = response.status().is_redirection().then(|| response.headers().get(header::LOCATION))??;
    let next = from.join(location.to_str().ok()?).ok()?;
    // Never from https to http.
    (next.scheme() == "https" || next.scheme() == from.scheme()).then_some(next)
}

/// Words without the address, which holds the account.
fn failure(ask: &Ask, error: &reqwest::Error) -> CarrierError {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_connect() {
        // DNS, refused, TLS: nothing of the request has left this machine.
        return CarrierError::of(Class::Retry, format!("no connection to the carrier: {cause}"));
    }
    if error.is_builder() {
        return CarrierError::of(Class::Bug, format!("the request could not be built: {cause}"));
    }
    if error.is_timeout() {
        return ask.effect.lost("the carrier did not answer in time");
    }
    ask.effect.lost(format!("the connection to the carrier broke: {cause}"))
}
