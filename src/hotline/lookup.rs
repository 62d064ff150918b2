//! Asks an endpoint of the MSP for a flow's `lookup`: JSON out, JSON in, within 3 s and 64 KiB, no redirects,
//! and no address inside the house unless `[lookup] allow_private` says so. What comes of it is a value:
//! the caller goes on in any case. Neither what was sent nor what came back stands in a log.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
};
use thiserror::Error;
use url::{Host, Url};

use crate::{
    carrier::http_client_with,
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
        let allow_private = settings.allow_private;
        let client =
            http_client_with(clock, |client| client.no_proxy().dns_resolver(Arc::new(Guarded { allow_private })));
        Self { client, settings: Arc::new(settings) }
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
        self.check_literal(&url)?;
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
            if is_private(&error) { Failure::Private } else { Failure::Unreachable(error.without_url()) }
        })?;
        if !response.status().is_success() {
            return Err(Failure::Status(response.status()));
        }
        serde_json::from_slice(&body(response).await?).map_err(Failure::NoJson)
    }

    /// An address that is written out is resolved by nobody.
    fn check_literal(&self, url: &Url) -> Result<(), Failure> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(Failure::Address),
        };
        if self.settings.allow_private || is_public(address) { Ok(()) } else { Err(Failure::Private) }
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

/// Resolves names, and refuses those that lead inside. What it hands out is what is connected to: there
/// is no second look that could answer something else.
struct Guarded {
    allow_private: bool,
}

#[derive(Debug, Error)]
#[error("the name leads to an address that is not public")]
struct PrivateAddress;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.is_empty() {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
            if !allow_private && !found.iter().all(|address| is_public(address.ip())) {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn is_private(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<PrivateAddress>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether an address belongs to the world outside: not to this machine, this network, a provider's
/// inside (100.64.0.0/10), a cloud's metadata (169.254.169.254), nor to documentation, tests or groups.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let inside = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (18..20).contains(&b));
    !inside && !address.is_documentation() && a < 224
}

/// Only what is given out for the internet, and what stands for an IPv4 address as that would.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, and what is assigned to protocols.
        [0x2001, second, ..] if second < 0x200 => false,
        [0x2001, 0x0db8, ..] | [0x3fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests;
