//! Requests to the service: signed form POSTs with an idempotency token, time limits and retries as
//! Twilio makes them (its pages "Webhooks security" and "Webhooks connection overrides").

use std::{collections::BTreeMap, time::Duration};

use reqwest::{StatusCode, header};
use url::Url;

use super::{
    Sid, Sim,
    event::{Purpose, What},
    times::seconds,
    world::Target,
};
use crate::{
    carrier::{
        signature,
        twiml::{MAX_BYTES, Method},
    },
    model::secret::Secret,
};

/// Twilio's limits: 5 s to connect, 15 s altogether.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(15);
/// However fast the clock runs, the service's machine does not: it gets so long, or what it would
/// get of a clock that runs at its own pace.
const REAL_MIN: Duration = Duration::from_secs(5);

/// "HTTP retrieval failure", "HTTP connection failure", "Got too many redirects", "Invalid URL format".
const RETRIEVAL: u32 = 11200;
const CONNECTION: u32 = 11205;
const REDIRECTS: u32 = 11215;
const URL_FORMAT: u32 = 11100;

#[derive(Clone)]
pub(super) struct Request {
    /// The call, message or recording.
    pub about: Sid,
    pub purpose: Purpose,
    pub target: Target,
    pub pairs: Vec<(String, String)>,
    pub account: String,
    /// Whose faults hold.
    pub between: (String, String),
    pub cookies: BTreeMap<String, String>,
}

pub(super) struct Answer {
    pub content_type: Option<String>,
    pub body: String,
    /// Where it came from in the end: what relative URLs stand beside.
    pub url: Url,
    pub cookies: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub code: u32,
    pub text: String,
}

/// `#rc=2&rp=ct,5xx,rt&rt=6000` at the end of a URL. The time to connect is always Twilio's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Overrides {
    retries: u32,
    retried: Vec<String>,
    read: Duration,
    total: Duration,
}

impl Overrides {
    fn parse(fragment: Option<&str>) -> Self {
        let mut overrides = Self { retries: 1, retried: vec!["ct".to_owned()], read: TOTAL, total: TOTAL };
        let limit =
            |value: &str| value.parse().ok().map(|millis: u64| Duration::from_millis(millis.clamp(100, 15_000)));
        for (name, value) in fragment.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "rc" => overrides.retries = value.parse().map_or(overrides.retries, |retries: u32| retries.min(5)),
                "rp" => overrides.retried = value.split(',').map(str::to_owned).collect(),
                "rt" => overrides.read = limit(value).unwrap_or(overrides.read),
                "tt" => overrides.total = limit(value).unwrap_or(overrides.total),
                _ => {}
            }
        }
        overrides
    }

    fn retries(&self, kind: &str) -> bool {
        self.retried.iter().any(|retried| retried == kind || retried == "all")
    }
}

/// A failed try, with the word by which `rp` names it.
struct Miss {
    kind: &'static str,
    status: Option<u16>,
    failure: Failure,
}

impl Sim {
    pub(super) async fn request(&self, request: Request) -> Result<Answer, Failure> {
        let faults = self.faults().between(&request.between.0, &request.between.1).webhooks;
        let is_document = matches!(request.purpose, Purpose::Document | Purpose::Sms);
        if is_document && faults.delay_s > 0.0 {
            self.0.clock.sleep(seconds(faults.delay_s)).await;
        }
        let wrong = |error: url::ParseError| Failure { code: URL_FORMAT, text: format!("wrong URL: {error}") };
        let mut url = Url::parse(&request.target.url).map_err(wrong)?;
        let overrides = Overrides::parse(url.fragment());
        url.set_fragment(None);
        let pairs = self.novelties(&request);
        if request.target.method == Method::Get {
            url.query_pairs_mut().extend_pairs(&pairs);
        }
        let mut headers = self.headers(&request, &url, &pairs);
        if faults.forged && is_document {
            headers.insert("X-Twilio-Signature", header::HeaderValue::from_static("Zm9yZ2VkIGZvcmdlZCBmb3JnZWQ="));
        }
        if faults.unsigned && is_document {
            headers.remove("X-Twilio-Signature");
        }
        let twice = is_document && self.0.chance.happens(faults.duplicate, &["twice", &self.once(&request)]);
        let total = self.patience(overrides.total);
        let tries = async {
            if twice {
                let _ = self.attempt(&request, &url, &pairs, &headers, overrides.read).await;
            }
            let mut left = overrides.retries;
            loop {
                match self.attempt(&request, &url, &pairs, &headers, overrides.read).await {
                    Ok(answer) => return Ok(answer),
                    Err(miss) if left > 0 && overrides.retries(miss.kind) => left -= 1,
                    Err(miss) => return Err(miss.failure),
                }
            }
        };
        let late = Failure { code: RETRIEVAL, text: "no answer within the time limit".to_owned() };
        tokio::time::timeout(total, tries).await.unwrap_or(Err(late))
    }

    async fn attempt(
        &self,
        request: &Request,
        url: &Url,
        pairs: &[(String, String)],
        headers: &header::HeaderMap,
        read: Duration,
    ) -> Result<Answer, Miss> {
        let limit = self.patience(read);
        let _under_way = self.one_more();
        let sending = match request.target.method {
            Method::Get => self.0.http.get(url.clone()),
            Method::Post => self.0.http.post(url.clone()).form(pairs),
        };
        let outcome = answer_of(sending.headers(headers.clone()).timeout(limit).send().await).await;
        let (status, error) = match &outcome {
            Ok((status, _)) => (Some(*status), None),
            Err(miss) => (miss.status, Some(miss.failure.code)),
        };
        self.note(What::Webhook {
            about: request.about.clone(),
            call: request.purpose,
            url: request.target.url.clone(),
            status,
            error,
        });
        outcome.map(|(_, answer)| answer)
    }

    fn patience(&self, limit: Duration) -> Duration {
        self.0.clock.real(limit).max(limit.min(REAL_MIN))
    }

    /// Something that happens once per logical request, for chance and tokens.
    fn once(&self, request: &Request) -> String {
        let about = request.about.as_str();
        format!("{about} {}", self.0.chance.next(&format!("request {about}")))
    }

    /// Now and then Twilio adds a parameter that nobody has heard of.
    fn novelties(&self, request: &Request) -> Vec<(String, String)> {
        let mut pairs = request.pairs.clone();
        if self.0.chance.happens(0.1, &["novelty", &self.once(request)]) {
            pairs.push(("SimulatedNovelty".to_owned(), "ä + %20".to_owned()));
        }
        pairs
    }

    fn headers(&self, request: &Request, url: &Url, pairs: &[(String, String)]) -> header::HeaderMap {
        let is_voice = !matches!(request.purpose, Purpose::Sms | Purpose::SmsStatus);
        let signed = if is_voice && url.scheme() == "https" {
            signature::without_port(url.as_str())
        } else {
            url.as_str().to_owned()
        };
        let signed_pairs: &[(String, String)] = if request.target.method == Method::Get { &[] } else { pairs };
        let token = || self.account(&request.account).map_or_else(|| Secret::new(""), |account| account.token.clone());
        let own = self.world().signature.clone();
        let (signature_header, key) = own.unwrap_or_else(|| (signature::HEADER.to_owned(), token()));
        let signature = signature::sign(&signed, signed_pairs, &key);
        let bytes = self.0.chance.bytes(&["token", &self.once(request)]);
        let mut headers = header::HeaderMap::new();
        let cookies: Vec<String> = request.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        for (name, value) in [
            (header::USER_AGENT, "TwilioProxy/1.1".to_owned()),
            (header::ACCEPT, "*/*".to_owned()),
            (header::HeaderName::from_static("i-twilio-idempotency-token"), hex::encode(&bytes[..16])),
            (header::COOKIE, cookies.join("; ")),
        ] {
            if let (false, Ok(value)) = (value.is_empty(), value.parse()) {
                headers.insert(name, value);
            }
        }
        if let (Ok(name), Ok(value)) = (signature_header.parse::<header::HeaderName>(), signature.parse()) {
            headers.insert(name, value);
        }
        headers
    }
}

async fn answer_of(sent: Result<reqwest::Response, reqwest::Error>) -> Result<(u16, Answer), Miss> {
    let mut response = sent.map_err(miss_of)?;
    let (status, url) = (response.status(), response.url().clone());
    let text = |name: header::HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    let content_type = text(header::CONTENT_TYPE).map(str::to_owned);
    let cookies = response.headers().get_all(header::SET_COOKIE).iter().filter_map(cookie).collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(miss_of)? {
        body.extend_from_slice(&chunk);
        // One byte more than is taken, so that the reader refuses it by its length.
        if body.len() > MAX_BYTES {
            break;
        }
    }
    if status.is_client_error() || status.is_server_error() {
        let kind = if status.is_client_error() { "4xx" } else { "5xx" };
        return Err(miss(kind, Some(status), RETRIEVAL, format!("the service answered {}", status.as_u16())));
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok((status.as_u16(), Answer { content_type, body, url, cookies }))
}

fn cookie(value: &header::HeaderValue) -> Option<(String, String)> {
    let (name, value) = value.to_str().ok()?.split(';').next()?.split_once('=')?;
    Some((name.trim().to_owned(), value.trim().to_owned()))
}

fn miss_of(error: reqwest::Error) -> Miss {
    let (kind, code, text) = if error.is_connect() {
        ("ct", CONNECTION, "the service could not be connected to")
    } else if error.is_timeout() {
        ("rt", RETRIEVAL, "the service did not answer in time")
    } else if error.is_redirect() {
        ("none", REDIRECTS, "too many redirects")
    } else {
        ("rt", RETRIEVAL, "the service's answer broke off")
    };
    miss(kind, None, code, text.to_owned())
}

fn miss(kind: &'static str, status: Option<StatusCode>, code: u32, text: String) -> Miss {
    Miss { kind, status: status.map(|status| status.as_u16()), failure: Failure { code, text } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_overrides_what_is_retried() {
        let plain = Overrides::parse(None);
        assert!(plain.retries("ct") && !plain.retries("5xx") && plain.retries == 1);
        let own = Overrides::parse(Some("rc=9&rp=ct,5xx,rt&rt=6000&tt=99999&sni=y"));
        assert!(own.retries("5xx") && own.retries("rt") && !own.retries("4xx"));
        assert_eq!((own.retries, own.read, own.total), (5, Duration::from_secs(6), TOTAL));
        assert!(Overrides::parse(Some("rp=all")).retries("4xx"));
    }
}
