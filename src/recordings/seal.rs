//! Seals recordings with AES-256-GCM: whoever has the file alone hears nothing, and a changed or swapped
//! file does not open. Each recording has a key of its own, derived from the installation's. Pure.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use thiserror::Error;

use crate::model::{id::VoicemailId, secret::Secret};

/// Says what a file is, and by which rule it was sealed.
const MAGIC: &[u8] = b"pikett sealed v1\n";
const NONCE: usize = 12;
const PURPOSE: &[u8] = b"pikett recording key v1\n";

pub struct Sealer {
    key: Secret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    #[error("the file is no sealed recording")]
    Foreign,
    #[error("the file was changed, or sealed with another key")]
    Broken,
}

impl Sealer {
    pub fn new(key: &Secret) -> Self {
        Self { key: key.clone() }
    }

    /// `chance` are 32 random hex digits (`Ids::nonce`).
    pub fn seal(&self, id: &VoicemailId, audio: &[u8], chance: &str) -> Vec<u8> {
        let nonce: Vec<u8> = hex::decode(chance).expect("a nonce is hex").into_iter().take(NONCE).collect();
        let payload = Payload { msg: audio, aad: id.as_str().as_bytes() };
        let sealed = self.cipher(id).encrypt(nonce.as_slice().into(), payload);
        let sealed = sealed.expect("a recording is far below the cipher's limit of 64 GiB");
        [MAGIC, &nonce, &sealed].concat()
    }

    pub fn open(&self, id: &VoicemailId, file: &[u8]) -> Result<Vec<u8>, SealError> {
        let body = file.strip_prefix(MAGIC).ok_or(SealError::Foreign)?;
        let (nonce, sealed) = body.split_at_checked(NONCE).ok_or(SealError::Foreign)?;
        let payload = Payload { msg: sealed, aad: id.as_str().as_bytes() };
        self.cipher(id).decrypt(nonce.into(), payload).map_err(|_| SealError::Broken)
    }

    fn cipher(&self, id: &VoicemailId) -> Aes256Gcm {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(self.key.expose().as_bytes()).expect("HMAC takes keys of any length");
        mac.update(PURPOSE);
        mac.update(id.as_str().as_bytes());
        Aes256Gcm::new(&mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Ids, model::Instant};

    const AUDIO: &[u8] = b"RIFF: the server room is burning";

    fn id(seed: u64) -> VoicemailId {
        Ids::seeded(seed).id(Instant::UNIX_EPOCH + chrono::TimeDelta::days(1))
    }

    fn sealer(key: &str) -> Sealer {
        Sealer::new(&Secret::new(key))
    }

    #[test]
    fn what_is_sealed_opens_again_and_shows_nothing() {
        let ids = Ids::seeded(1);
        let file = sealer("key").seal(&id(1), AUDIO, &ids.nonce());
        assert_eq!(sealer("key").open(&id(1), &file).as_deref(), Ok(AUDIO));
        assert!(!file.windows(6).any(|six| AUDIO.windows(6).any(|own| own == six)));
        assert_ne!(file, sealer("key").seal(&id(1), AUDIO, &ids.nonce()), "the same words never look the same");
    }

    #[test]
    fn a_changed_swapped_or_foreign_file_does_not_open() {
        let file = sealer("key").seal(&id(1), AUDIO, &Ids::seeded(1).nonce());
        for at in [MAGIC.len(), MAGIC.len() + NONCE, file.len() - 1] {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert_eq!(sealer("key").open(&id(1), &changed), Err(SealError::Broken));
        }
        assert_eq!(sealer("other").open(&id(1), &file), Err(SealError::Broken));
        assert_eq!(sealer("key").open(&id(2), &file), Err(SealError::Broken));
        assert_eq!(sealer("key").open(&id(1), AUDIO), Err(SealError::Foreign));
        assert_eq!(sealer("key").open(&id(1), MAGIC), Err(SealError::Foreign));
    }
}
