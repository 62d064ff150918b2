//! Secrets that Pikett makes for itself once and keeps in the database: two nodes share them, and they
//! survive a restart.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{
    clock::Ids,
    config::Push,
    declare::directory::default_org,
    model::secret::Secret,
    store::{Store, StoreError, secrets},
};

/// Signs links in emails and pushes.
pub const LINKS: &str = "links";
/// Signs sessions of the console.
pub const CONSOLE: &str = "console";
/// Seals recordings.
pub const RECORDINGS: &str = "recordings";
/// The private half of what browsers subscribe with.
pub const VAPID: &str = "vapid";

/// The key of this name, in hex; made when there is none yet.
pub async fn kept(store: &Store, ids: &Ids, name: &'static str) -> Result<Secret, StoreError> {
    let fresh = hex::encode(random(ids));
    let key = store.write(async move |db| secrets::get_or_keep(db, &default_org(), name, &fresh).await).await?;
    Ok(Secret::new(key))
}

/// The VAPID key: the configuration's, else the one that is kept. The configuration has checked its form.
pub async fn vapid(store: &Store, ids: &Ids, push: &Push) -> Result<Vec<u8>, StoreError> {
    if let Some(key) = push.vapid_private_key.as_ref().and_then(|key| decoded(key.expose())) {
        return Ok(key);
    }
    // Nearly every 32 bytes are a private key; those that are none are skipped.
    let fresh = std::iter::repeat_with(|| random(ids)).find(|key| p256::ecdsa::SigningKey::from_slice(key).is_ok());
    let fresh = BASE64_URL_SAFE_NO_PAD.encode(fresh.expect("it goes on until one is found"));
    let key = store.write(async move |db| secrets::get_or_keep(db, &default_org(), VAPID, &fresh).await).await?;
    decoded(&key).ok_or_else(|| StoreError::corrupt("secrets", VAPID))
}

fn decoded(key: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(key.trim_end_matches('=')).ok().filter(|key| key.len() == 32)
}

fn random(ids: &Ids) -> Vec<u8> {
    let nonces = [ids.nonce(), ids.nonce()].concat();
    hex::decode(nonces).expect("a nonce is hex")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::on_both;

    on_both! {
        async fn keys_are_made_once(store: Store) {
            let first = kept(&store, &Ids::random(), LINKS).await.unwrap();
            assert_eq!(first.expose().len(), 64);
            assert_eq!(kept(&store, &Ids::random(), LINKS).await.unwrap(), first);
            assert_ne!(kept(&store, &Ids::random(), CONSOLE).await.unwrap(), first);
            let made = vapid(&store, &Ids::random(), &Push::default()).await.unwrap();
            assert_eq!(vapid(&store, &Ids::random(), &Push::default()).await.unwrap(), made);
            let own = Push { vapid_private_key: Some(Secret::new("A".repeat(43))), subject: None };
            assert_eq!(vapid(&store, &Ids::random(), &own).await.unwrap(), [0; 32]);
        }
    }
}
