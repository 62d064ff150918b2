//! Who sent a webhook. Here Twilio's signature, made for the simulator and checked for every webhook; SignalWire
//! differs from it in little, Telnyx (`ed25519`) and sipgate (`rsa`) in all.
//!
//! Pure. A checked request is a `Verified`, which only `check` can make. Algorithm and port rules
//! are those of Twilio's page "Webhooks security"; repeated names follow its Python and Node
//! libraries, shared keys its page "Webhook shared keys" (public beta). Start with `Signer::check`.

pub mod ed25519; // Telnyx
pub mod rsa; // sipgate
mod signer; // which of them a carrier uses

use std::{collections::BTreeMap, ops::Deref};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;

use crate::{carrier::status::DialStatus, model::secret::Secret};

pub use signer::{Received, Signer};

pub const HEADER: &str = "X-Twilio-Signature";
/// Names the shared key, where one signs instead of the account's token.
pub const SETTINGS_HEADER: &str = "X-Twilio-Webhooks-Signature-Settings";

/// What may have signed a request.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// The account's token; several while it is being changed.
    pub tokens: Vec<Secret>,
    /// Shared keys by name.
    pub shared: BTreeMap<String, Secret>,
    /// Where the signature stands, the first that is there; empty: `HEADER`.
    pub headers: Vec<String>,
    pub repeated: Repeated,
}

/// What is signed of a name that stands in a form more than once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeated {
    /// Its values in byte order, without doubles: Twilio.
    #[default]
    InOrder,
    /// Its values as they came: SignalWire, by its library.
    AsTheyCame,
}

impl Keys {
    pub fn token(token: Secret) -> Self {
        Self::tokens([token])
    }

    /// The one in use and the one to come.
    pub fn tokens(tokens: impl IntoIterator<Item = Secret>) -> Self {
        Self { tokens: tokens.into_iter().collect(), ..Self::default() }
    }
}

/// A request as it arrived.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The public URL with path and query byte for byte as they were requested.
    pub url: &'a str,
    pub content_type: Option<&'a str>,
    /// Empty for GET.
    pub body: &'a [u8],
    pub signature: Option<&'a str>,
    pub settings: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("the request carries no signature")]
    Missing,
    #[error("the signature does not match")]
    Mismatch,
    #[error("the body does not match its hash in the URL")]
    Body,
    #[error("neither the signature nor a hash in the URL covers the body")]
    Uncovered,
    #[error("the request is signed with an unknown key or algorithm")]
    UnknownKey,
    #[error("the request was signed too long ago, or one of the two clocks is wrong")]
    Stale,
}

/// Something that came with a valid signature. Only `check` makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The parameters of a webhook, decoded, in arrival order: those of the body, or of the query when
/// there is no body. It has no `Debug`: it holds PINs and texts.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// The first value of that name; an empty value is a value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether two people talked in a Dial; `None`: there was none. Twilio says so, others only how it ended and
    /// how long it lasted.
    pub fn bridged(&self) -> Option<bool> {
        if let Some(said) = self.get("DialBridged") {
            return Some(said == "true");
        }
        let status = DialStatus::parse(self.get("DialCallStatus")?);
        let lasted = self.get("DialCallDuration").and_then(|given| given.parse::<u32>().ok()).unwrap_or(0);
        Some(lasted > 0 && matches!(status, DialStatus::Completed | DialStatus::Answered))
    }

    pub(in crate::carrier) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    #[cfg(test)]
    pub(in crate::carrier) fn decoded(encoded: &str) -> Self {
        Self::decode(encoded.as_bytes())
    }

    fn decode(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }
}

/// Whether this request came from the carrier.
pub fn check(keys: &Keys, request: &Request<'_>) -> Result<Verified<Form>, Refusal> {
    let signature = request.signature.ok_or(Refusal::Missing)?;
    let is_form = request.content_type.is_some_and(|given| {
        given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    let hash = query(request.url).and_then(body_hash);
    let form = if is_form { Form::decode(request.body) } else { Form::default() };
    if !is_form && !request.body.is_empty() && hash.is_none() {
        return Err(Refusal::Uncovered);
    }
    // Libraries decide by the presence of `bodySHA256`: then the URL alone is signed.
    let signed = if hash.is_some() { String::new() } else { signed_pairs(&form, keys.repeated) };
    let (algorithm, secrets) = signers(keys, request.settings)?;
    let mut matches = Choice::from(0);
    for url in url_variants(request.url) {
        for secret in &secrets {
            let expected = mac(algorithm, secret.expose(), &[&url, &signed]);
            matches |= expected.as_bytes().ct_eq(signature.as_bytes());
        }
    }
    if !bool::from(matches) {
        return Err(Refusal::Mismatch);
    }
    if let Some(hash) = hash {
        let actual = hex::encode(Sha256::digest(request.body));
        if !bool::from(actual.as_bytes().ct_eq(hash.to_ascii_lowercase().as_bytes())) {
            return Err(Refusal::Body);
        }
    }
    if request.body.is_empty() {
        return Ok(Verified(Form::decode(query(request.url).unwrap_or_default().as_bytes())));
    }
    Ok(Verified(form))
}

/// The signature that Twilio gives a form POST to this URL; with no pairs, a GET.
pub fn sign<N: AsRef<str>, V: AsRef<str>>(url: &str, form: &[(N, V)], token: &Secret) -> String {
    let pairs = form.iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned()));
    mac(
        Algorithm::Sha1,
        token.expose(),
        &[requested(url).as_str(), &signed_pairs(&Form(pairs.collect()), Repeated::InOrder)],
    )
}

/// Twilio signs https URLs of voice without their port.
pub fn without_port(url: &str) -> String {
    let (scheme, host, _, rest) = split(url);
    format!("{scheme}://{host}{rest}")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Sha1,
    Sha256,
}

fn mac(algorithm: Algorithm, key: &str, parts: &[&str]) -> String {
    fn run<M: Mac + hmac::digest::KeyInit>(key: &str, parts: &[&str]) -> String {
        let mut mac = <M as Mac>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(part.as_bytes());
        }
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }
    match algorithm {
        Algorithm::Sha1 => run::<Hmac<Sha1>>(key, parts),
        Algorithm::Sha256 => run::<Hmac<Sha256>>(key, parts),
    }
}

/// `key=webhooks_sharedkey_…,algorithm=HMAC_SHA256` names the one key that counts.
fn signers<'a>(keys: &'a Keys, settings: Option<&str>) -> Result<(Algorithm, Vec<&'a Secret>), Refusal> {
    let Some(settings) = settings else {
        // Anybody can sign with an empty key.
        let tokens = keys.tokens.iter().filter(|token| !token.expose().is_empty());
        return Ok((Algorithm::Sha1, tokens.collect()));
    };
    let value = |wanted: &str| {
        settings
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(name, value)| (name.trim() == wanted).then(|| value.trim()))
    };
    let algorithm = match value("algorithm") {
        Some("HMAC_SHA1") => Algorithm::Sha1,
        Some("HMAC_SHA256") => Algorithm::Sha256,
        Some(_) | None => return Err(Refusal::UnknownKey),
    };
    let secret = value("key").and_then(|key| keys.shared.get(key)).ok_or(Refusal::UnknownKey)?;
    Ok((algorithm, vec![secret]))
}

/// Names in byte order, before each value its name.
fn signed_pairs(form: &Form, repeated: Repeated) -> String {
    let mut pairs: Vec<(&str, &str)> = form.iter().collect();
    match repeated {
        Repeated::InOrder => {
            pairs.sort_unstable();
            pairs.dedup();
        }
        Repeated::AsTheyCame => pairs.sort_by_key(|(name, _)| *name),
    }
    pairs.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

fn query(url: &str) -> Option<&str> {
    url.split('#').next().unwrap_or_default().split_once('?').map(|(_, query)| query)
}

fn body_hash(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("bodySHA256="))
}

/// Scheme, host, port and the rest, byte for byte, without user info and fragment: neither is ever
/// requested. IPv6 hosts keep their brackets.
fn split(url: &str) -> (&str, &str, Option<&str>, &str) {
    let url = url.split('#').next().unwrap_or_default();
    let (scheme, after) = url.split_once("://").unwrap_or(("", url));
    let (authority, rest) = after.split_at(after.find(['/', '?']).unwrap_or(after.len()));
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (scheme, host, Some(port), rest),
        Some(_) | None => (scheme, authority, None, rest),
    }
}

fn requested(url: &str) -> String {
    match split(url) {
        (scheme, host, Some(port), rest) => format!("{scheme}://{host}:{port}{rest}"),
        (scheme, host, None, rest) => format!("{scheme}://{host}{rest}"),
    }
}

/// With and without a port, since Twilio drops it for voice over https and keeps it elsewhere; and
/// for a WebSocket with and without a slash at the end of its path.
fn url_variants(url: &str) -> Vec<String> {
    let (scheme, host, port, rest) = split(url);
    let default = if matches!(scheme, "https" | "wss") { "443" } else { "80" };
    let with_port = format!("{scheme}://{host}:{}{rest}", port.unwrap_or(default));
    let mut variants = vec![with_port, format!("{scheme}://{host}{rest}")];
    if matches!(scheme, "wss" | "ws") && !rest.contains('?') {
        for at in 0..variants.len() {
            let other = variants[at].strip_suffix('/').map_or_else(|| format!("{}/", variants[at]), str::to_owned);
            variants.push(other);
        }
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://hotline.example.org/carriers/twilio/voice";
    const FORM: &str = "application/x-www-form-urlencoded";

    fn keys() -> Keys {
        Keys::token(Secret::new("12345"))
    }

    fn form_request<'a>(url: &'a str, body: &'a str, signature: &'a str) -> Request<'a> {
        Request { url, content_type: Some(FORM), body: body.as_bytes(), signature: Some(signature), settings: None }
    }

    #[test]
    fn every_published_vector_is_answered_as_twilio_does() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/data/twilio_signature.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 22);
        for vector in vectors {
            let text = |name: &str| vector[name].as_str();
            let mut keys = Keys::default();
            let secret = Secret::new(text("auth_token").unwrap());
            let settings = text("signature_settings_header");
            match settings.and_then(|given| given.strip_prefix("key=")?.split(',').next()) {
                Some(name) => _ = keys.shared.insert(name.to_owned(), secret),
                None => keys.tokens.push(secret),
            }
            let request = Request {
                url: text("url").unwrap(),
                content_type: text("content_type").filter(|given| !given.is_empty()),
                body: text("raw_body").unwrap_or_default().as_bytes(),
                signature: text("signature"),
                settings,
            };
            let answer = check(&keys, &request);
            assert_eq!(answer.is_ok(), vector["expect_valid"].as_bool().unwrap(), "{}", vector["id"]);
            if let (Ok(form), Some(params)) = (answer, vector["params"].as_array().filter(|list| !list.is_empty())) {
                let expected: Vec<_> =
                    params.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect();
                assert_eq!(form.iter().collect::<Vec<_>>(), expected, "{}", vector["id"]);
            }
        }
    }

    #[test]
    fn what_is_signed_checks_until_anything_changes() {
        let signature = sign(URL, &[("CallSid", "CA1"), ("Body", "1 K7 ü+&")], &Secret::new("12345"));
        let body = "CallSid=CA1&Body=1+K7+%C3%BC%2B%26";
        let form = check(&keys(), &form_request(URL, body, &signature)).ok().unwrap();
        assert_eq!(form.get("Body"), Some("1 K7 ü+&"));
        for (url, body) in [
            (URL, "CallSid=CA2&Body=1+K7+%C3%BC%2B%26"),
            (URL, "CallSid=CA1"),
            (URL, "CallSid=CA1&Body=1+K7+%C3%BC%2B%26&Extra="),
            ("http://hotline.example.org/carriers/twilio/voice", body),
            ("https://hotline.example.org/carriers/twilio/voice?", body),
            ("https://hotline.example.org/carriers/twilio/sms", body),
        ] {
            let refusal = check(&keys(), &form_request(url, body, &signature)).err();
            assert_eq!(refusal, Some(Refusal::Mismatch), "{url} {body}");
        }
        let unsigned = Request { signature: None, ..form_request(URL, body, "") };
        assert_eq!(check(&keys(), &unsigned).err(), Some(Refusal::Missing));
        assert_eq!(check(&Keys::default(), &form_request(URL, body, &signature)).err(), Some(Refusal::Mismatch));
        let empty = Secret::new("");
        let signature = sign(URL, &[("CallSid", "CA1")], &empty);
        let forged = form_request(URL, "CallSid=CA1", &signature);
        assert_eq!(check(&Keys::token(empty), &forged).err(), Some(Refusal::Mismatch));
    }

    #[test]
    fn a_token_that_is_being_changed_counts_beside_the_new_one() {
        let mut keys = keys();
        keys.tokens.push(Secret::new("new"));
        for token in ["12345", "new"] {
            let signature = sign(URL, &[("a", "b")], &Secret::new(token));
            assert!(check(&keys, &form_request(URL, "a=b", &signature)).is_ok());
        }
    }

    #[test]
    fn port_user_and_fragment_do_not_matter() {
        for (signed, received) in [
            ("https://h.example/a", "https://h.example:443/a"),
            ("https://h.example/a", "https://h.example:8443/a"),
            ("https://h.example:443/a", "https://h.example/a"),
            ("http://h.example:80/a", "http://h.example/a"),
            ("http://h.example:8080/a", "http://h.example:8080/a"),
            ("https://u:p@h.example/a#rc=2", "https://h.example/a"),
            ("https://h.example/a", "https://u:p%40@h.example:8443/a#rc=2"),
            ("http://[::1]:8080/a", "http://[::1]:8080/a"),
            ("http://[::1]/a", "http://[::1]:8080/a"),
            ("wss://h.example/stream/", "wss://h.example/stream"),
            ("wss://h.example/stream", "wss://h.example/stream/"),
        ] {
            let signature = sign(signed, &[("a", "b")], &Secret::new("12345"));
            assert!(check(&keys(), &form_request(received, "a=b", &signature)).is_ok(), "{signed} {received}");
        }
        assert_eq!(without_port("https://u:p@h.example:8443/a?b=c:1"), "https://h.example/a?b=c:1");
    }

    #[test]
    fn a_body_that_nothing_covers_is_refused() {
        let nothing: [(&str, &str); 0] = [];
        let signature = sign(URL, &nothing, &Secret::new("12345"));
        for content_type in [Some("application/json"), Some("text/plain"), None] {
            let request = Request { content_type, ..form_request(URL, "{}", &signature) };
            assert_eq!(check(&keys(), &request).err(), Some(Refusal::Uncovered));
        }
    }

    #[test]
    fn a_shared_key_that_is_unknown_is_refused() {
        let signature = sign(URL, &[("a", "b")], &Secret::new("12345"));
        for settings in
            ["key=webhooks_sharedkey_x,algorithm=HMAC_SHA1", "algorithm=HMAC_SHA1", "", "key=k,algorithm=MD5"]
        {
            let request = Request { settings: Some(settings), ..form_request(URL, "a=b", &signature) };
            assert_eq!(check(&keys(), &request).err(), Some(Refusal::UnknownKey), "{settings}");
        }
    }

    #[test]
    fn a_get_has_its_parameters_in_the_query() {
        let url = "https://h.example/a?CallSid=CA1&From=%2B4930555010";
        let nothing: [(&str, &str); 0] = [];
        let signature = sign(url, &nothing, &Secret::new("12345"));
        let request = Request { content_type: None, ..form_request(url, "", &signature) };
        assert_eq!(check(&keys(), &request).ok().unwrap().get("From"), Some("+4930555010"));
    }

    #[test]
    fn whether_they_talked_is_said_or_follows_from_how_long_it_lasted() {
        for (form, bridged) in [
            ("DialBridged=true&DialCallStatus=completed", Some(true)),
            ("DialBridged=false&DialCallStatus=completed&DialCallDuration=7", Some(false)),
            ("DialCallStatus=completed&DialCallDuration=7", Some(true)),
            ("DialCallStatus=answered&DialCallDuration=7", Some(true)),
            ("DialCallStatus=completed&DialCallDuration=0", Some(false)),
            ("DialCallStatus=completed", Some(false)),
            ("DialCallStatus=no-answer&DialCallDuration=7", Some(false)),
            ("Digits=1", None),
        ] {
            assert_eq!(Form::decode(form.as_bytes()).bridged(), bridged, "{form}");
        }
    }

    #[test]
    fn a_secret_does_not_show() {
        assert!(!format!("{:?}", keys()).contains("12345"));
    }
}
