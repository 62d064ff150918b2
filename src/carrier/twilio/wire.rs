//! One request to the carrier: credentials, time limits, and what a failure means for the page.
//!
//! Owns the difference between "was not sent" and "may have been done". Never repeats anything.
//! Start with `Wire::ask`.

use std::{error::Error, fmt, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder, Response, Url, header};
use serde_json::Value;

use super::{
    super::{CarrierError, Class, Sid, http::patience},
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
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const HOPS_MAX: usize = 3;

pub(in crate::carrier) struct Wire {
    pub(in crate::carrier) id: CarrierId,
    /// Where the account's things stand, without a slash at the end.
    pub(in crate::carrier) root: String,
    pub(in crate::carrier) credentials: Credentials,
    pub(in crate::carrier) base_url: String,
    /// What to do about an error: numbers mean other things at other carriers.
    pub(in crate::carrier) class_of: fn(Option<u32>, Option<u16>) -> Class,
    pub(in crate::carrier) http: Client,
    pub(in crate::carrier) clock: Clock,
}

pub(in crate::carrier) enum Credentials {
    Basic { user: String, password: Secret },
    Bearer(Secret),
}

impl Credentials {
    fn secret(&self) -> &Secret {
        match self {
            Self::Basic { password: secret, .. } | Self::Bearer(secret) => secret,
        }
    }
}

pub(in crate::carrier) enum Body {
    Nothing,
    Form(Vec<(&'static str, String)>),
    Json(Value),
}

/// Whether a request whose answer is lost may have changed something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::carrier) enum Effect {
    /// It may simply be made again.
    None,
    Change,
}

pub(in crate::carrier) struct Ask {
    /// For the log: `place a call`.
    pub(in crate::carrier) what: &'static str,
    /// For the log: a masked number or a SID.
    pub(in crate::carrier) about: String,
    pub(in crate::carrier) method: Method,
    pub(in crate::carrier) url: String,
    pub(in crate::carrier) body: Body,
    pub(in crate::carrier) effect: Effect,
    pub(in crate::carrier) patience: Duration,
    pub(in crate::carrier) is_file: bool,
}

impl Ask {
    /// Whatever changes nothing.
    pub(in crate::carrier) fn get(
        what: &'static str,
        about: impl fmt::Display,
        url: String,
        patience: Duration,
    ) -> Self {
        Self {
            what,
            about: about.to_string(),
            method: Method::GET,
            url,
            body: Body::Nothing,
            effect: Effect::None,
            patience,
            is_file: false,
        }
    }
}

pub(in crate::carrier) fn in_path(sid: &Sid) -> impl fmt::Display {
    utf8_percent_encode(sid.as_str(), PATH)
}

impl Wire {
    /// The address of something of this account.
    pub(in crate::carrier) fn url(&self, rest: &str) -> String {
        format!("{}{rest}", self.root)
    }

    /// The next page of a list, if it stands at the carrier's own address: credentials go nowhere
    /// else.
    pub(in crate::carrier) fn next_page(&self, answer: &Value) -> Option<String> {
        let next = answer["next_page_uri"].as_str().filter(|uri| !uri.is_empty())?;
        if next.starts_with("/2010-04-01/") {
            return Some(format!("{}{next}", self.base_url));
        }
        let next = Url::parse(&self.base_url).ok()?.join(next).ok()?;
        self.is_at_home(&next).then(|| next.into())
    }

    pub(in crate::carrier) async fn json(&self, ask: &Ask) -> Result<Value, CarrierError> {
        let body = self.ask(ask).await?;
        serde_json::from_slice(&body).map_err(|_| ask.effect.lost("the carrier's answer is no JSON"))
    }

    /// Asks once. The answer is a success's body.
    pub(in crate::carrier) async fn ask(&self, ask: &Ask) -> Result<Vec<u8>, CarrierError> {
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
    pub(in crate::carrier) fn count_paced(&self) {
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
            request = match &self.credentials {
                Credentials::Basic { user, password } => request.basic_auth(user, Some(password.expose())),
                Credentials::Bearer(key) => request.bearer_auth(key.expose()),
            };
        }
        match &ask.body {
            Body::Nothing => request,
            Body::Form(form) => request.form(form),
            Body::Json(json) => request.json(json),
        }
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
        let mut error = refusal::read(status.as_u16(), &body, self.class_of);
        error.retry_after = retry_after.and_then(|given| refusal::retry_after(&given, self.clock.now()));
        error.message = error.message.replace(self.credentials.secret().expose(), "…");
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
    pub(in crate::carrier) fn lost(self, message: impl Into<String>) -> CarrierError {
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
