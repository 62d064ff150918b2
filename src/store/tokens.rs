//! API tokens. Only their SHA-256 is kept; the token itself is shown once, when it is made.

use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    codec::{self, instant, opt_instant, parsed},
    error::StoreError,
};
use crate::model::{
    Instant,
    id::{OrgId, TokenId},
};

/// Longer ones are none of ours, and are not hashed.
const TOKEN_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub scope: String,
    pub created_at: Instant,
    pub revoked_at: Option<Instant>,
}

pub async fn insert(db: &mut AnyConnection, org: &OrgId, token: &Token, sha256_hex: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO tokens (org_id, id, name, scope, sha256, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(org.as_str())
        .bind(token.id.as_str())
        .bind(token.name.as_str())
        .bind(token.scope.as_str())
        .bind(sha256_hex)
        .bind(codec::millis(token.created_at))
        .execute(db)
        .await?;
    Ok(())
}

/// A token that is still good.
pub async fn with_sha256(db: &mut AnyConnection, org: &OrgId, sha256_hex: &str) -> Result<Option<Token>, StoreError> {
    let row = sqlx::query(
        "SELECT id, name, scope, created_at, revoked_at FROM tokens \
         WHERE org_id = $1 AND sha256 = $2 AND revoked_at IS NULL",
    )
    .bind(org.as_str())
    .bind(sha256_hex)
    .fetch_optional(db)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Whose token this is, while it is good.
pub async fn good(db: &mut AnyConnection, org: &OrgId, token: &str) -> Result<Option<Token>, StoreError> {
    if token.len() > TOKEN_MAX {
        return Ok(None);
    }
    with_sha256(db, org, &hex::encode(Sha256::digest(token))).await
}

/// Whether a token that was good once still is.
pub async fn is_good(db: &mut AnyConnection, org: &OrgId, id: &TokenId) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT id FROM tokens WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL")
        .bind(org.as_str())
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    Ok(row.is_some())
}

/// Revoked ones too, the oldest first.
pub async fn list(db: &mut AnyConnection, org: &OrgId) -> Result<Vec<Token>, StoreError> {
    let rows = sqlx::query("SELECT id, name, scope, created_at, revoked_at FROM tokens WHERE org_id = $1 ORDER BY id")
        .bind(org.as_str())
        .fetch_all(db)
        .await?;
    rows.iter().map(read).collect()
}

/// `false`: there is none, or it was revoked already.
pub async fn revoke(db: &mut AnyConnection, org: &OrgId, id: &TokenId, at: Instant) -> Result<bool, StoreError> {
    let revoked = sqlx::query("UPDATE tokens SET revoked_at = $3 WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL")
        .bind(org.as_str())
        .bind(id.as_str())
        .bind(codec::millis(at))
        .execute(db)
        .await?;
    Ok(revoked.rows_affected() == 1)
}

fn read(row: &AnyRow) -> Result<Token, StoreError> {
    Ok(Token {
        id: parsed(row, "id")?,
        name: row.try_get("name")?,
        scope: row.try_get("scope")?,
        created_at: instant(row, "created_at")?,
        revoked_at: opt_instant(row, "revoked_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Ids,
        store::testing::{at, on_both, org},
    };

    on_both! {
        async fn a_revoked_token_opens_nothing(store: Store) {
            let token = Token {
                id: Ids::seeded(1).id(at(0)),
                name: "ci".to_owned(),
                scope: "read".to_owned(),
                created_at: at(0),
                revoked_at: None,
            };
            let given = token.clone();
            store.write(async move |db| insert(db, &org(), &given, "abc").await).await.unwrap();
            let mut db = store.read().await.unwrap();
            assert_eq!(with_sha256(&mut db, &org(), "abc").await.unwrap(), Some(token.clone()));
            assert!(is_good(&mut db, &org(), &token.id).await.unwrap());
            assert_eq!(good(&mut db, &org(), "abc").await.unwrap(), None, "the digest is no token");
            for expect in [true, false] {
                let id = token.id.clone();
                let revoked = store.write(async move |db| revoke(db, &org(), &id, at(1)).await).await.unwrap();
                assert_eq!(revoked, expect);
            }
            assert_eq!(with_sha256(&mut db, &org(), "abc").await.unwrap(), None);
            assert!(!is_good(&mut db, &org(), &token.id).await.unwrap());
            assert_eq!(list(&mut db, &org()).await.unwrap()[0].revoked_at, Some(at(1)));
        }
    }
}
