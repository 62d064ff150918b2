//! Chance and ids of the simulator: the same seed gives the same run.
//!
//! A draw depends on the seed and on what it is for, not on the order of draws, so that tasks which
//! run side by side cannot change each other's luck.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use super::Sid;
use crate::clock::Ids;

pub(super) struct Chance {
    seed: String,
    counts: Mutex<BTreeMap<String, u64>>,
}

impl Chance {
    pub fn new(ids: &Ids) -> Self {
        Self { seed: ids.nonce(), counts: Mutex::default() }
    }

    /// From 0 up to, not with, 1.
    pub fn fraction(&self, purpose: &[&str]) -> f64 {
        let digest = self.digest(purpose);
        let bits = u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
        // 53 bits are what a double holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let fraction = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        fraction
    }

    pub fn happens(&self, share: f64, purpose: &[&str]) -> bool {
        share > 0.0 && self.fraction(purpose) < share
    }

    /// The next id of that prefix for that owner: a number, a leg.
    pub fn sid(&self, prefix: &str, owner: &str) -> Sid {
        let count = self.next(&format!("{prefix} {owner}"));
        Sid::new(format!("{prefix}{}", &hex::encode(self.digest(&[prefix, owner, &count]))[..32]))
    }

    /// How often that has been asked for before.
    pub fn next(&self, what: &str) -> String {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(what.to_owned()).or_default();
        *count += 1;
        count.to_string()
    }

    pub fn bytes(&self, purpose: &[&str]) -> [u8; 32] {
        self.digest(purpose).into()
    }

    fn digest(&self, purpose: &[&str]) -> sha2::digest::Output<Sha256> {
        let mut hash = Sha256::new_with_prefix(&self.seed);
        for part in purpose {
            hash.update([0]);
            hash.update(part);
        }
        hash.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_has_the_same_luck_in_any_order() {
        let (one, two) = (Chance::new(&Ids::seeded(7)), Chance::new(&Ids::seeded(7)));
        let first = [one.sid("CA", "+491"), one.sid("CA", "+492"), one.sid("CA", "+491")];
        let second = [two.sid("CA", "+492"), two.sid("CA", "+491"), two.sid("CA", "+491")];
        assert_eq!((&first[0], &first[1], &first[2]), (&second[1], &second[0], &second[2]));
        assert_ne!(first[0], first[2]);
        assert_eq!(one.fraction(&["drop", "a"]).to_bits(), two.fraction(&["drop", "a"]).to_bits());
        assert_ne!(first[0], Chance::new(&Ids::seeded(8)).sid("CA", "+491"));
        assert_eq!(first[0].as_str().len(), 34);
    }
}
