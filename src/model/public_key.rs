//! A public key of RSA, as PEM has it and as signatures are checked with it.

use base64::{Engine, prelude::BASE64_STANDARD};
use thiserror::Error;

/// `rsaEncryption` and no parameters (RFC 8017, A.1), as a `SEQUENCE`.
const RSA: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// `RSAPublicKey` in DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaPublicKey(Vec<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is no RSA public key: write it as PEM, with BEGIN PUBLIC KEY")]
pub struct NoRsaPublicKey;

impl RsaPublicKey {
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }
}

impl std::str::FromStr for RsaPublicKey {
    type Err = NoRsaPublicKey;

    fn from_str(given: &str) -> Result<Self, NoRsaPublicKey> {
        let text: String = given.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        let der = BASE64_STANDARD.decode(text).map_err(|_| NoRsaPublicKey)?;
        of_subject_public_key_info(&der).map(|key| Self(key.to_vec())).ok_or(NoRsaPublicKey)
    }
}

/// The key inside a `SubjectPublicKeyInfo` (RFC 5280, 4.1.2.7), where PEM has it and a check does not.
fn of_subject_public_key_info(der: &[u8]) -> Option<&[u8]> {
    let (info, rest) = element(der, SEQUENCE)?;
    let (bits, end) = element(info.strip_prefix(RSA)?, BIT_STRING)?;
    // No bit of the last byte is unused.
    let key = bits.strip_prefix(&[0])?;
    let (_, after) = element(key, SEQUENCE)?;
    (rest.is_empty() && end.is_empty() && after.is_empty()).then_some(key)
}

/// The content of the element that begins here, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = der else { return None };
    if *first != tag {
        return None;
    }
    if *length < 0x80 {
        return rest.split_at_checked(usize::from(*length));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(*length & 0x7f))?;
    if !(1..=2).contains(&digits.len()) {
        return None;
    }
    rest.split_at_checked(digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../../tests/data/sipgate/test_key.pub.pem");

    #[test]
    fn a_public_key_is_pem_or_its_base64_alone() {
        let lines: Vec<&str> = PEM.lines().filter(|line| !line.starts_with('-')).collect();
        let alone = lines.concat();
        assert_eq!(alone.parse::<RsaPublicKey>(), PEM.parse());
        let short = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
        let ed25519 = "MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
        for given in ["", "no key", short, ed25519, &alone[..64], "MA==", "MIA=", "MIL//w=="] {
            assert_eq!(given.parse::<RsaPublicKey>(), Err(NoRsaPublicKey), "{given}");
        }
    }
}
