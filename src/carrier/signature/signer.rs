//! By what a carrier's requests are recognised: each dialect signs in its own way.
//!
//! Pure. Start with `Signer::check`.

use super::{Form, HEADER, Keys, Refusal, Request, SETTINGS_HEADER, Verified, check, ed25519, rsa};
use crate::model::{Instant, public_key::RsaPublicKey};

/// What the requests of one carrier are checked with.
#[derive(Debug, Clone)]
pub enum Signer {
    /// Twilio's algorithm, perhaps under another header and with another key.
    Hmac(Keys),
    /// Telnyx: its public key over the body.
    Ed25519(ed25519::PublicKey),
    /// sipgate: its public key over the body.
    Rsa(RsaPublicKey),
}

/// A request as it arrived, but for its headers.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    /// The public URL with path and query byte for byte as they were requested.
    pub url: &'a str,
    pub content_type: Option<&'a str>,
    /// Empty for GET.
    pub body: &'a [u8],
}

impl From<Keys> for Signer {
    fn from(keys: Keys) -> Self {
        Self::Hmac(keys)
    }
}

impl Signer {
    /// Whether a request says that it is signed. Of one that does not, no body need be read.
    pub fn is_claimed<'a>(&self, header: impl Fn(&str) -> Option<&'a str>) -> bool {
        match self {
            Self::Hmac(keys) => keys.signature(&header).is_some(),
            Self::Ed25519(_) => header(ed25519::HEADER).is_some(),
            Self::Rsa(_) => header(rsa::HEADER).is_some(),
        }
    }

    /// Whether this request came from the carrier; what it says, in Twilio's words.
    pub fn check<'a>(
        &self,
        received: &Received<'a>,
        header: impl Fn(&str) -> Option<&'a str>,
        now: Instant,
    ) -> Result<Verified<Form>, Refusal> {
        match self {
            Self::Hmac(keys) => {
                let request = Request {
                    url: received.url,
                    content_type: received.content_type,
                    body: received.body,
                    signature: keys.signature(&header),
                    settings: header(SETTINGS_HEADER),
                };
                check(keys, &request)
            }
            Self::Ed25519(key) => {
                let (signature, timestamp) = (header(ed25519::HEADER), header(ed25519::TIMESTAMP_HEADER));
                ed25519::check(key, signature, timestamp, received, now)
            }
            Self::Rsa(key) => rsa::check(key, header(rsa::HEADER), received),
        }
    }
}

impl Keys {
    /// The signature, from the first header that may carry it and is there.
    fn signature<'a>(&self, header: &impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
        if self.headers.is_empty() {
            return header(HEADER);
        }
        self.headers.iter().find_map(|name| header(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{carrier::signature::Repeated, model::secret::Secret};

    const URL: &str = "https://hotline.example.org/carriers/signalwire/voice";
    const BODY: &str = "CallSid=6f1d7a0e-8a3c-4a53-9b4e-2f0a8d1c7e55&Digits=2&Digits=1&Digits=2&From=%2B4930555010";

    /// Computed with Python's `hmac` as SignalWire's library does: HMAC-SHA1 with the key `PSK_test` over the URL
    /// and `CallSid6f1d…Digits2Digits1Digits2From+4930555010`.
    const SIGNATURE: &str = "HOqwTKXH0OkD8tNOrjQ6jPAIgEI=";

    fn signalwire() -> Signer {
        Signer::Hmac(Keys {
            headers: vec!["X-SignalWire-Signature".to_owned(), HEADER.to_owned()],
            repeated: Repeated::AsTheyCame,
            ..Keys::token(Secret::new("PSK_test"))
        })
    }

    fn received(body: &'static str) -> Received<'static> {
        Received { url: URL, content_type: Some("application/x-www-form-urlencoded"), body: body.as_bytes() }
    }

    fn under<'a>(name: &'a str, value: &'a str) -> impl Fn(&str) -> Option<&'a str> {
        move |asked| asked.eq_ignore_ascii_case(name).then_some(value)
    }

    #[test]
    fn signalwire_signs_under_its_own_header_and_takes_repeated_names_as_they_come() {
        let now = "2026-03-01T02:30:00Z".parse().unwrap();
        let signer = signalwire();
        for header in ["X-SignalWire-Signature", "X-Twilio-Signature"] {
            assert!(signer.is_claimed(under(header, SIGNATURE)));
            let form = signer.check(&received(BODY), under(header, SIGNATURE), now).ok().unwrap();
            assert_eq!(form.get("From"), Some("+4930555010"), "{header}");
        }
        let other = "CallSid=6f1d7a0e-8a3c-4a53-9b4e-2f0a8d1c7e55&Digits=1&Digits=2&Digits=2&From=%2B4930555010";
        let refusal = signer.check(&received(other), under("X-SignalWire-Signature", SIGNATURE), now).err();
        assert_eq!(refusal, Some(Refusal::Mismatch));
        assert!(!signer.is_claimed(under("X-Other-Signature", SIGNATURE)));
    }

    #[test]
    fn twilio_is_not_taken_for_signalwire() {
        let twilio = Signer::from(Keys::token(Secret::new("PSK_test")));
        assert!(!twilio.is_claimed(under("X-SignalWire-Signature", SIGNATURE)));
        let now = "2026-03-01T02:30:00Z".parse().unwrap();
        let refusal = twilio.check(&received(BODY), under("X-SignalWire-Signature", SIGNATURE), now).err();
        assert_eq!(refusal, Some(Refusal::Missing));
    }
}
