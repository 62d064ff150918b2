//! Keeps requests to addresses that others wrote down out of the house: this machine, its network, a
//! cloud's metadata. For flows' lookups and for people's webhooks alike. Start with `client`.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
};
use thiserror::Error;
use url::{Host, Url};

use super::http_client_with;
use crate::clock::Clock;

/// Follows no redirects, uses no proxy, and resolves only names that lead outside, unless
/// `allow_private`. An address that is written out goes past names: ask `may_ask` first.
pub fn client(clock: &Clock, allow_private: bool) -> Client {
    http_client_with(clock, |client| client.no_proxy().dns_resolver(Arc::new(Guarded { allow_private })))
}

/// Whether the host may be asked, as far as the URL itself shows.
pub fn may_ask(url: &Url, allow_private: bool) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => allow_private || is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => allow_private || is_public(IpAddr::V6(address)),
        Some(Host::Domain(_)) => true,
        None => false,
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

/// Whether a request failed because its name leads inside.
pub fn refused(error: &reqwest::Error) -> bool {
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
pub fn is_public(address: IpAddr) -> bool {
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
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_world_are_told_from_those_inside() {
        for public in ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2a00:1450::1", "64:ff9b::808:808", "2001:4860::8888"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "fe80::1",
            "fd12::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "fec0::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }
}
