//! Email over SMTP, with TLS where it is offered (`smtp://`) or from the start (`smtps://`).

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};
use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::Url;

use super::{Provider, Taken, Trouble};
use crate::{
    carrier::Class,
    clock::Clock,
    model::{person::Address, secret::Secret},
    notify::said::Said,
    store::attempts::Attempt,
};

/// For connecting and for each command.
const TIMEOUT: Duration = Duration::from_secs(10);
/// For the whole dialogue: a lease lasts 30 seconds.
const PATIENCE: Duration = Duration::from_secs(20);
const SMTP_PORT: u16 = 587;
const SMTPS_PORT: u16 = 465;

/// Where mail goes out. Cheap to clone; holds a pool of connections.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Arc<Mailbox>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum MailerError {
    #[error("the mail server's address cannot be used: write smtp://USER@HOST:587 or smtps://USER@HOST:465")]
    Address,
    #[error("`{0}` is no sender: write name@domain")]
    From(String),
    #[error("the mail server's name or certificate cannot be used for TLS: {0}")]
    Tls(String),
}

impl Mailer {
    /// `smtp` as in `[email]`; `password` when it does not stand in there.
    pub fn new(smtp: &Secret, password: Option<&Secret>, from: &str) -> Result<Self, MailerError> {
        Self::build(smtp, password, from, None)
    }

    /// For a mail server whose certificate comes from an authority of its own (PEM).
    pub fn trusting(
        smtp: &Secret,
        password: Option<&Secret>,
        from: &str,
        authority: &[u8],
    ) -> Result<Self, MailerError> {
        let authority = Certificate::from_pem(authority).map_err(|error| MailerError::Tls(error.to_string()))?;
        Self::build(smtp, password, from, Some(authority))
    }

    fn build(
        smtp: &Secret,
        password: Option<&Secret>,
        from: &str,
        authority: Option<Certificate>,
    ) -> Result<Self, MailerError> {
        let url = Url::parse(smtp.expose()).map_err(|_| MailerError::Address)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(MailerError::Address)?;
        // An IPv6 address stands in brackets only in URLs.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let from = from.parse().map_err(|_| MailerError::From(from.to_owned()))?;
        let tls = tls(&host, authority)?;
        let (tls, port) = match url.scheme() {
            "smtp" => (Tls::Opportunistic(tls), SMTP_PORT),
            "smtps" => (Tls::Wrapper(tls), SMTPS_PORT),
            _ => return Err(MailerError::Address),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(url.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some(credentials) = credentials(&url, password) {
            builder = builder.credentials(credentials);
        }
        Ok(Self { transport: builder.build(), from: Arc::new(from) })
    }

    /// Whether the server answers and takes the credentials.
    pub async fn check(&self) -> Result<(), Trouble> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Trouble::of(Class::Retry, "the mail server closed the connection")),
            Err(error) => Err(trouble(&error)),
        }
    }

    async fn send(&self, attempt: &Attempt, to: &str, said: &Said, patience: Duration) -> Result<String, Trouble> {
        let to: Mailbox = to.parse().map_err(|_| Trouble::of(Class::Destination, "this is no email address"))?;
        let id = format!("<{}@{}>", attempt.id, self.from.email.domain());
        let message = self
            .message(attempt, to, said, &id)
            .map_err(|error| Trouble::of(Class::Content, format!("the email could not be written: {error}")))?;
        // A task of its own: a dialogue that is given up half way must not go back into the pool.
        let transport = self.transport.clone();
        let sending = tokio::spawn(async move { transport.send(message).await });
        match tokio::time::timeout(patience, sending).await {
            Ok(Ok(Ok(_))) => Ok(id),
            Ok(Ok(Err(error))) => Err(trouble(&error)),
            Ok(Err(_)) => Err(Trouble::of(Class::Unsure, "the dialogue with the mail server broke off")),
            Err(_) => Err(Trouble::of(Class::Unsure, "the mail server did not answer in time")),
        }
    }

    fn message(&self, attempt: &Attempt, to: Mailbox, said: &Said, id: &str) -> Result<Message, lettre::error::Error> {
        let mut builder = Message::builder()
            .from((*self.from).clone())
            .to(to)
            .subject(said.title.as_str())
            .message_id(Some(id.to_owned()));
        if let Some(alert) = &attempt.alert {
            // A message that never was: what mail programs gather the alert's messages under.
            let thread = format!("<{alert}@{}>", self.from.email.domain());
            builder = builder.in_reply_to(thread.clone()).references(thread);
        }
        let mut message = if said.html.is_empty() {
            builder.singlepart(lettre::message::SinglePart::plain(said.text.clone()))?
        } else {
            builder.multipart(MultiPart::alternative_plain_html(said.text.clone(), said.html.clone()))?
        };
        // RFC 3834: nobody's absence note shall answer. Exchange listens to the other one (MS-OXCMAIL).
        for (name, value) in [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")] {
            let name = HeaderName::new_from_ascii_str(name);
            message.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
        }
        Ok(message)
    }
}

pub(super) struct Email {
    pub mailer: Mailer,
    pub clock: Clock,
}

impl Provider for Email {
    fn send<'a>(&'a self, attempt: &'a Attempt, said: &'a Said) -> BoxFuture<'a, Result<Taken, Trouble>> {
        Box::pin(async move {
            let Address::Email(to) = &attempt.address else { return Err(super::misdirected()) };
            let id = self.mailer.send(attempt, to, said, super::socket_limit(&self.clock, PATIENCE)).await?;
            Ok(Taken::for_good(Some(id)))
        })
    }

    fn name(&self) -> &'static str {
        "smtp"
    }
}

/// Certificates are those of the system, or, on a machine that has none, those compiled in.
fn tls(host: &str, authority: Option<Certificate>) -> Result<TlsParameters, MailerError> {
    let with = |store, roots: Vec<Certificate>| {
        let builder = TlsParameters::builder(host.to_owned()).certificate_store(store);
        roots.into_iter().fold(builder, |builder, root| builder.add_root_certificate(root)).build()
    };
    let own: Vec<Certificate> = authority.into_iter().collect();
    with(CertificateStore::Default, own.clone())
        .or_else(|_| {
            let compiled_in = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
            let compiled_in = compiled_in.iter().filter_map(|der| Certificate::from_der(der.to_vec()).ok());
            with(CertificateStore::None, compiled_in.chain(own).collect())
        })
        .map_err(|error| MailerError::Tls(error.to_string()))
}

fn credentials(url: &Url, password: Option<&Secret>) -> Option<Credentials> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    if url.username().is_empty() {
        return None;
    }
    let password = match (password, url.password()) {
        (Some(password), _) => password.expose().to_owned(),
        (None, Some(password)) => decode(password),
        // A user without a password is a name only.
        (None, None) => return None,
    };
    Some(Credentials::new(decode(url.username()), password))
}

fn trouble(error: &smtp::Error) -> Trouble {
    let code = error.status().map(|code| code.to_string());
    let class = match code.as_deref() {
        Some(code) => class_of(code),
        // Between the end of the data and the server's word for it, the mail may have got through.
        None if error.is_timeout() => Class::Unsure,
        None if error.is_tls() || error.is_client() => Class::Account,
        None => Class::Retry,
    };
    let message = match std::error::Error::source(error) {
        Some(cause) => format!("the mail server did not take it: {error}: {cause}"),
        None => format!("the mail server did not take it: {error}"),
    };
    Trouble { class, code, message, retry_after: None }
}

/// RFC 5321, section 4.2, and RFC 4954, section 6.
fn class_of(code: &str) -> Class {
    match code {
        code if code.starts_with('4') => Class::Retry,
        "500" | "501" | "502" | "503" | "504" => Class::Bug,
        "530" | "534" | "535" | "538" => Class::Account,
        "552" | "554" | "555" => Class::Content,
        _ => Class::Destination,
    }
}

#[cfg(test)]
mod tests;
