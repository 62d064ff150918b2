//! The HTTP client for carriers: TLS by rustls and ring, short waits, no redirects.
//!
//! Owns how a connection is made, never what is asked. Start with `http_client`.

use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, redirect};

use crate::clock::Clock;

const CONNECT: Duration = Duration::from_secs(3);

/// Carriers close idle connections after about a minute; one that we drop first cannot break under
/// a request.
const IDLE: Duration = Duration::from_secs(30);

/// However fast the clock runs, sockets need this much.
const LEAST: Duration = Duration::from_millis(500);

/// The client that carriers share. Certificates are those of the system, or, on a machine that has
/// none (a bare container), those that browsers trust, compiled in.
pub fn http_client(clock: &Clock) -> Client {
    http_client_with(clock, |client| client)
}

/// The same with settings of one's own.
pub fn http_client_with(clock: &Clock, own: impl Fn(ClientBuilder) -> ClientBuilder) -> Client {
    // A second time, or after another part of the process: the first one stays, and that is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    own(settings(clock)).build().unwrap_or_else(|error| {
        tracing::warn!(%error, "the system has no usable certificates, so the compiled-in ones are used");
        own(settings(clock))
            .tls_certs_only(compiled_in())
            .build()
            .expect("compiled-in certificates always make a client")
    })
}

/// A stretch of the clock's time as a time limit for sockets.
pub(super) fn patience(clock: &Clock, stretch: Duration) -> Duration {
    clock.real(stretch).max(LEAST.min(stretch))
}

fn settings(clock: &Clock) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("pikett/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(patience(clock, CONNECT))
        .pool_idle_timeout(IDLE)
        // A redirect would take the credentials and a page elsewhere.
        .redirect(redirect::Policy::none())
        // Whoever asks decides about a next try.
        .retry(reqwest::retry::never())
}

fn compiled_in() -> Vec<Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| Certificate::from_der(der).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_certificates_gets_a_client_all_the_same() {
        let clock = Clock::system();
        let _ = http_client(&clock);
        assert!(compiled_in().len() > 100);
        assert!(settings(&clock).tls_certs_only(compiled_in()).build().is_ok());
    }

    #[test]
    fn a_fast_clock_leaves_sockets_time_to_work() {
        let fast = Clock::faster("2026-03-01T02:30:00Z".parse().unwrap(), 600.0);
        assert_eq!(patience(&fast, Duration::from_secs(3)), LEAST);
        assert_eq!(patience(&Clock::system(), Duration::from_secs(3)), Duration::from_secs(3));
        assert_eq!(patience(&Clock::system(), Duration::from_millis(100)), Duration::from_millis(100));
    }
}
