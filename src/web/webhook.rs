//! A carrier's webhook: nothing reaches a handler that the carrier did not sign.
//!
//! Refuses in this order: no such carrier or no signature (403, before the body is read), a body over
//! the limit (413), a wrong signature (403). What is refused changes nothing, is counted, and is logged
//! without its parameters.

use std::{collections::BTreeMap, str::FromStr, sync::Arc};

use axum::{
    extract::{FromRef, FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    body::{self, BodyError},
    refusals::refused,
};
use crate::{
    carrier::{
        Answers,
        carriers::Carriers,
        signature::{Form, Received, Verified},
    },
    clock::Clock,
    model::id::CarrierId,
};

/// How the one path ends at which a carrier that runs no flow is heard, and nobody else.
const PUSH_ENDS_WITH: &str = "/push";
/// A carrier's largest webhook is a transcription of some kilobytes.
const BODY_BYTES_MAX: usize = 64 * 1_024;

/// Receives webhooks. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    carriers: Carriers,
    /// What signatures are computed on, without a slash at the end.
    public_url: Arc<str>,
    clock: Clock,
}

/// A request that a carrier has signed. As a handler's last argument it is the whole check.
pub struct Webhook {
    pub carrier: CarrierId,
    pub form: Verified<Form>,
    path: BTreeMap<String, String>,
    query: String,
}

impl Webhook {
    /// What the path names so, if it is one: an id of ours, a turn.
    pub fn named<T: FromStr>(&self, name: &str) -> Option<T> {
        self.path.get(name)?.parse().ok()
    }

    /// What the URL's own query names so (`?n=3`): a form's fields are the carrier's.
    pub fn queried<T: FromStr>(&self, name: &str) -> Option<T> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(known, _)| known == name)?.1.parse().ok()
    }
}

impl<S> FromRequest<S> for Webhook
where
    Webhooks: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let path = Path::<BTreeMap<String, String>>::from_request_parts(&mut parts, state).await;
        let Ok(Path(path)) = path else { return Err(refuse("unknown_carrier", StatusCode::FORBIDDEN)) };
        Webhooks::from_ref(state).receive(path, Request::from_parts(parts, body)).await
    }
}

impl Webhooks {
    pub fn new(carriers: Carriers, public_url: &str, clock: Clock) -> Self {
        Self { carriers, public_url: public_url.into(), clock }
    }

    pub fn carriers(&self) -> &Carriers {
        &self.carriers
    }

    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The checked form, or the answer to whoever sent something else.
    async fn receive(&self, path: BTreeMap<String, String>, request: Request) -> Result<Webhook, Response> {
        let carrier = path.get("carrier").map(String::as_str).unwrap_or_default();
        let line = carrier.parse().ok().and_then(|id: CarrierId| self.carriers.get(&id));
        let Some(line) = line else { return Err(refuse("unknown_carrier", StatusCode::FORBIDDEN)) };
        let runs_no_flow = matches!(line.carrier.answers(), Answers::HandsOn(_));
        if runs_no_flow != request.uri().path().ends_with(PUSH_ENDS_WITH) {
            return Err(refuse("wrong_path", StatusCode::FORBIDDEN));
        }
        let (parts, body) = request.into_parts();
        let header = |name: &str| text(&parts.headers, name);
        if !line.signer.is_claimed(header) {
            return Err(refuse("unsigned", StatusCode::FORBIDDEN));
        }
        let body = body::read(body, BODY_BYTES_MAX).await.map_err(|error| match error {
            BodyError::TooLong { .. } => refuse("body_too_long", StatusCode::PAYLOAD_TOO_LARGE),
            BodyError::Broken => refuse("broken_body", StatusCode::BAD_REQUEST),
        })?;
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let received = Received {
            url: &format!("{}{target}", self.public_url),
            content_type: text(&parts.headers, header::CONTENT_TYPE.as_str()),
            body: &body,
        };
        let form = line.signer.check(&received, header, self.clock.now()).map_err(|refusal| {
            tracing::debug!(%refusal, path = parts.uri.path(), "a webhook was refused");
            refuse("badly_signed", StatusCode::FORBIDDEN)
        })?;
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Ok(Webhook { carrier: line.carrier.id().clone(), form, path, query })
    }
}

/// The answer to whoever is no carrier, or knows no path below `/carriers/`.
pub fn refuse(reason: &'static str, status: StatusCode) -> Response {
    refused("carriers", reason);
    let words = if status == StatusCode::PAYLOAD_TOO_LARGE {
        "the body is too long\n"
    } else {
        "this request is not signed by a carrier\n"
    };
    (status, words).into_response()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
