//! A webhook's body from anywhere: unsigned or with a wrong signature it is refused, signed it is the form
//! that the sender meant, whatever is in it. An event of a monitoring tool is read or refused in words.

use pikett::{
    carrier::signature::{Keys, Refusal, Request, check, sign},
    model::secret::Secret,
};

const URL: &str = "https://hotline.example.com/carriers/twilio/calls/x/turns/3?go=1";
const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

pub fn take(data: &[u8]) {
    let token = Secret::new("12345".to_owned());
    let keys = Keys::token(token.clone());
    let request = |signature| Request { url: URL, content_type: Some(FORM), body: data, signature, settings: None };
    assert_eq!(check(&keys, &request(None)).err(), Some(Refusal::Missing));
    // 28 signs, as a SHA-1 has.
    assert_eq!(check(&keys, &request(Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA="))).err(), Some(Refusal::Mismatch));
    let pairs: Vec<(String, String)> = form_urlencoded::parse(data).into_owned().collect();
    let signature = sign(URL, &pairs, &token);
    match check(&keys, &request(Some(&signature))) {
        Ok(form) => {
            let read: Vec<_> = form.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            // Without a body the fields are those of the URL.
            assert!(data.is_empty() || read == pairs, "{read:?} is not {pairs:?}");
        }
        Err(refusal) => panic!("{refusal} although it was signed: {pairs:?}"),
    }
    mangled(data, &keys, &signature);
}

/// One bit more, and the signature is another's.
fn mangled(data: &[u8], keys: &Keys, signature: &str) {
    let mut body = data.to_vec();
    body.extend_from_slice(b"&Digits=1");
    let request =
        Request { url: URL, content_type: Some(FORM), body: &body, signature: Some(signature), settings: None };
    // Twilio signs a field once however often it comes: the same field again is no other form.
    if !form_urlencoded::parse(data).any(|(name, value)| name == "Digits" && value == "1") {
        assert_eq!(check(keys, &request).err(), Some(Refusal::Mismatch));
    }
}
