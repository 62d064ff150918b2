//! sipgate's request signature: RSA-SHA256 over the body, byte for byte.
//!
//! Pure. Neither the URL nor a time is signed, and the key is one for all its customers (sipgate.io's library for Node,
//! `lib/webhook/signatureVerifier.ts`): whoever has a number there can have an event signed and sent here. So an event
//! is believed for a number of ours alone, at one path, however often it comes. Start with `check`.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::{Form, Refusal, Verified, signer::Received};
use crate::{carrier::sipgate::words, model::public_key::RsaPublicKey};

pub const HEADER: &str = "X-Sipgate-Signature";

/// Published there.
const SIPGATE: &str = include_str!("sipgate.pem");

pub fn key_of_sipgate() -> RsaPublicKey {
    SIPGATE.parse().expect("the key that is compiled in is sound")
}

/// Whether this request came from sipgate.
pub fn check(key: &RsaPublicKey, signature: Option<&str>, received: &Received<'_>) -> Result<Verified<Form>, Refusal> {
    let signature = BASE64_STANDARD.decode(signature.ok_or(Refusal::Missing)?.trim()).map_err(|_| Refusal::Mismatch)?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.as_der())
        .verify(received.body, &signature)
        .map_err(|_| Refusal::Mismatch)?;
    Ok(Verified(words::of_event(&Form::decode(received.body))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed with sipgate's own key: from the tests of its library (`lib/webhook/webhook.test.node.ts`).
    const BODY: &str = "callId=&direction=in&event=newCall&from=4912354678&fullUserId%5B%5D%5B0%5D=123456789\
                        &originalCallId=&to=49999999&user%5B%5D%5B0%5D=TestUser&userId%5B%5D%5B0%5D=123456789&xcid=";
    const SIGNATURE: &str = "hlY7r9Vad0NP/7xJxf+vcDqjWaGWHOcIrj+rcP5aqQQcHtbSLsElp2kRNRPBL5unWbq6bExVPZB49HHM+Y/fWSVL\
                             19q7KSJhYPHfikcME0r0mCYB4S/VnJwnIvpiqz6s7Dpnk3wDCy65B3WQLwBVWA9oh6ojNM/g+87YnoMTKRx1KoFq\
                             osKNfBp1c1I8XjXusGOW/VlGnMb6wHhUVdwi9K7FfUgxj2pnV+M1Xv9rYs6RAi4V1OcUPqdT5geHsxWa09sk+AEH\
                             SUm1EFnAvx7PhIkugpNwST7yPKHf0+iyei4qUQCBZtfQVOI4mLZTRfQuyVo3YuJfvHaNPYY34/1ZCZGCKeu+HS6W\
                             Hs1vGUyKxSi8v4JJqog2VOlWruf8pMGg+syuAFwuxiCnWsSXgaaUfe9JrBAFjBxUmNP9DzR1bbkwxkJnthacu7jA\
                             LXjGsubjSSSl955QgenV/ZpODHgWDPg0fe6qGILtk+kXLjyfSsoR/qgzE5W5OAyZq8W64h01KAt9Q283N7/2nogy\
                             6keiIWL3qjPolWnrchSP7iJUatM2YiTcpkNKnJ70UE05cdw3swuNe7zqD51MdOX3rAioEOFgOIFMSrxMVX+V4XK7\
                             sa5o43smN8lHoa+0AogQMuIrC7k2axdRbulSSNfyqVAZIT4qS0cItiv3aPXsdDKkkA0=";
    const OTHER: &str = include_str!("../../../tests/data/sipgate/test_key.pub.pem");

    fn refusal(key: &RsaPublicKey, body: &str, signature: Option<&str>) -> Option<Refusal> {
        let received = Received { url: "https://h.example/a", content_type: None, body: body.as_bytes() };
        check(key, signature, &received).err()
    }

    #[test]
    fn what_sipgate_itself_has_signed_is_believed() {
        let received = Received { url: "https://h.example/a", content_type: None, body: BODY.as_bytes() };
        let form = check(&key_of_sipgate(), Some(SIGNATURE), &received).ok().unwrap();
        assert_eq!((form.get("From"), form.get("To")), (Some("+4912354678"), Some("+49999999")));
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        let key = key_of_sipgate();
        let changed = BODY.replace("4912354678", "4912354679");
        let half = &SIGNATURE[..SIGNATURE.len() / 2];
        for (key, body, signature, expect) in [
            (&key, BODY, None, Refusal::Missing),
            (&key, changed.as_str(), Some(SIGNATURE), Refusal::Mismatch),
            (&key, "", Some(SIGNATURE), Refusal::Mismatch),
            (&key, BODY, Some(""), Refusal::Mismatch),
            (&key, BODY, Some(half), Refusal::Mismatch),
            (&key, BODY, Some("no base64!"), Refusal::Mismatch),
            (&OTHER.parse().unwrap(), BODY, Some(SIGNATURE), Refusal::Mismatch),
        ] {
            assert_eq!(refusal(key, body, signature), Some(expect), "{body} {signature:?}");
        }
    }
}
