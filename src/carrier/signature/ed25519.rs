//! Telnyx's request signature: Ed25519 over the time and the body, byte for byte.
//!
//! Pure. The URL is not signed, so nothing in it may be believed that the body does not say as well; a request is
//! good for five minutes (Telnyx: "Webhook fundamentals"). Start with `check`.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};
use thiserror::Error;

use super::{Form, Refusal, Verified, signer::Received};
use crate::{carrier::telnyx::words, model::Instant};

pub const HEADER: &str = "telnyx-signature-ed25519";
pub const TIMESTAMP_HEADER: &str = "telnyx-timestamp";
const TOLERANCE_S: u64 = 300;

/// As the portal shows it: 32 bytes in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a public key is 32 bytes in base64")]
pub struct NoPublicKey;

impl std::str::FromStr for PublicKey {
    type Err = NoPublicKey;

    fn from_str(given: &str) -> Result<Self, NoPublicKey> {
        let bytes = BASE64_STANDARD.decode(given.trim()).map_err(|_| NoPublicKey)?;
        bytes.try_into().map(Self).map_err(|_| NoPublicKey)
    }
}

/// Whether this request came from Telnyx, and not long ago.
pub fn check(
    key: &PublicKey,
    signature: Option<&str>,
    timestamp: Option<&str>,
    received: &Received<'_>,
    now: Instant,
) -> Result<Verified<Form>, Refusal> {
    let (signature, timestamp) = signature.zip(timestamp).ok_or(Refusal::Missing)?;
    let signature = BASE64_STANDARD.decode(signature.trim()).map_err(|_| Refusal::Mismatch)?;
    let message = [timestamp.as_bytes(), b"|", received.body].concat();
    UnparsedPublicKey::new(&ED25519, key.0).verify(&message, &signature).map_err(|_| Refusal::Mismatch)?;
    let at: i64 = timestamp.parse().map_err(|_| Refusal::Mismatch)?;
    if now.timestamp().abs_diff(at) > TOLERANCE_S {
        return Err(Refusal::Stale);
    }
    let said = match received.content_type.map(|given| given.split(';').next().unwrap_or_default().trim()) {
        Some(json) if json.eq_ignore_ascii_case("application/json") => words::of_event(received.body),
        _ => Form::decode(received.body),
    };
    Ok(Verified(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with Python's `cryptography`, with the private key 00 01 02 … 1f.
    const KEY: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
    const TIMESTAMP: &str = "1772332200";
    const FORM: &str = "AccountSid=61bf923e-5e4d-4595-a110-56190ea18a1b&CallSid=v3%3Aabc-DEF_1&CallStatus=ringing&From=%2B4930555010&To=%2B4930901820";
    const FORM_SIGNATURE: &str =
        "ycXJGp8IYyvhECS9q/Nsd5XGcd7KEMCvDUm3QyMmWuqy4IZmH4s48dWFCdvlQ8Coz2ICQpId3FHCVRZfBV/pDg==";
    const EVENT: &str = r#"{"data":{"event_type":"message.received","payload":{"id":"40385f64-5717-4562-b3fc-2c963f66afa6","from":{"phone_number":"+4915110000001"},"to":[{"phone_number":"+4930901820","status":"webhook_delivered"}],"text":"1 K7"}}}"#;
    const EVENT_SIGNATURE: &str =
        "uDcc2fHAFnlDS8OJoT8Jp24HmvM/GywmcIQZaarer32xG64BaWtvqZOTDpb+wOefzlYQNN+vPA2LlZ7IT7H+Aw==";

    fn answer(content_type: &str, body: &str, signature: &str, timestamp: &str, now: &str) -> Result<Form, Refusal> {
        let url = "https://hotline.example.org/carriers/telnyx/voice";
        let received = Received { url, content_type: Some(content_type), body: body.as_bytes() };
        let key: PublicKey = KEY.parse().unwrap();
        let verified = check(&key, Some(signature), Some(timestamp), &received, now.parse().unwrap());
        verified.map(Verified::into_inner)
    }

    const FORM_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";
    const NOW: &str = "2026-03-01T02:30:00Z";

    #[test]
    fn calls_come_as_forms_and_messages_as_json() {
        let call = answer(FORM_TYPE, FORM, FORM_SIGNATURE, TIMESTAMP, NOW).ok().unwrap();
        assert_eq!((call.get("CallSid"), call.get("From")), (Some("v3:abc-DEF_1"), Some("+4930555010")));
        let sms = answer("application/json", EVENT, EVENT_SIGNATURE, TIMESTAMP, NOW).ok().unwrap();
        assert_eq!((sms.get("Body"), sms.get("From")), (Some("1 K7"), Some("+4915110000001")));
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        let later = "1772332201";
        for (body, signature, timestamp) in [
            (FORM.replace("5010", "5011"), FORM_SIGNATURE, TIMESTAMP),
            (FORM.to_owned(), EVENT_SIGNATURE, TIMESTAMP),
            (FORM.to_owned(), FORM_SIGNATURE, later),
            (FORM.to_owned(), "", TIMESTAMP),
            (FORM.to_owned(), "no base64!", TIMESTAMP),
            (FORM.to_owned(), FORM_SIGNATURE, "soon"),
            (String::new(), FORM_SIGNATURE, TIMESTAMP),
        ] {
            let refusal = answer(FORM_TYPE, &body, signature, timestamp, NOW).err();
            assert_eq!(refusal, Some(Refusal::Mismatch), "{body} {signature} {timestamp}");
        }
    }

    #[test]
    fn an_old_request_is_refused_and_one_without_signature_too() {
        for (now, refusal) in [
            ("2026-03-01T02:35:00Z", None),
            ("2026-03-01T02:35:01Z", Some(Refusal::Stale)),
            ("2026-03-01T02:25:00Z", None),
            ("2026-03-01T02:24:59Z", Some(Refusal::Stale)),
        ] {
            assert_eq!(answer(FORM_TYPE, FORM, FORM_SIGNATURE, TIMESTAMP, now).err(), refusal, "{now}");
        }
        let key: PublicKey = KEY.parse().unwrap();
        let received = Received { url: "https://h.example/a", content_type: Some(FORM_TYPE), body: FORM.as_bytes() };
        for (signature, timestamp) in [(None, Some(TIMESTAMP)), (Some(FORM_SIGNATURE), None)] {
            let refusal = check(&key, signature, timestamp, &received, NOW.parse().unwrap()).err();
            assert_eq!(refusal, Some(Refusal::Missing));
        }
    }

    #[test]
    fn a_public_key_is_32_bytes() {
        for given in ["", "A6EH", "no key", &format!("{KEY}{KEY}")] {
            assert_eq!(given.parse::<PublicKey>(), Err(NoPublicKey), "{given}");
        }
    }
}
