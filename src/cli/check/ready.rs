//! `pikett check --ready`: asks the service that listens here. For a container that has no curl.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::Client;
use serde_json::Value;

use super::{super::Verdict, say, wrong};

/// The container's health check gives up after three seconds.
const PATIENCE: Duration = Duration::from_millis(2_500);

pub(super) async fn ask(listen: SocketAddr) -> Verdict {
    let url = format!("http://{}/readyz", reachable(listen));
    match answer(&url).await {
        Ok((200, _)) => {
            say("ready");
            Verdict::Sound
        }
        Ok((status, answer)) => match answer["why"].as_str() {
            Some(why) => wrong(format_args!("not ready: {why}")),
            None => wrong(format_args!("{url} answers status {status}; does another program listen there?")),
        },
        Err(error) => {
            let why = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
            wrong(format_args!("{url} {why}; does the service run, and with this configuration?"))
        }
    }
}

/// Nothing of what carriers are asked by: no proxy stands before one's own machine.
async fn answer(url: &str) -> reqwest::Result<(u16, Value)> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let response = client.get(url).send().await?;
    let status = response.status().as_u16();
    Ok((status, response.json().await.unwrap_or_default()))
}

/// Who listens on all addresses is reached on this machine's own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_on_all_addresses_is_asked_on_this_machine() {
        for (listen, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("192.0.2.7:80", "192.0.2.7:80"),
            ("127.0.0.1:9", "127.0.0.1:9"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
