//! A copy of an SQLite database in a file of its own.

use super::{db::Database, error::StoreError};

/// Copies the database as of one instant, also while others write. The file must not be there yet, and
/// is on the disk only when the caller has synced it. Only for SQLite.
pub async fn copy(url: &str, file: &str) -> Result<(), StoreError> {
    let mut db = Database::parse(url)?.connect().await?;
    sqlx::query("VACUUM INTO $1").bind(file).execute(&mut db).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        Store, secrets,
        testing::{Scratch, org},
    };

    #[tokio::test]
    async fn a_copy_holds_what_was_committed_and_opens_by_itself() {
        let scratch = Scratch::sqlite();
        let store = Store::open(&scratch.url).await.unwrap();
        store.write(async |db| secrets::get_or_keep(db, &org(), "vapid", "s3cret").await).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it's a copy.db");
        copy(&scratch.url, file.to_str().unwrap()).await.unwrap();
        assert!(copy(&scratch.url, file.to_str().unwrap()).await.is_err(), "a backup was overwritten");
        store.close().await;
        let copy = Store::open(&format!("sqlite://{}", file.display())).await.unwrap();
        let kept = secrets::get(&mut copy.read().await.unwrap(), &org(), "vapid").await.unwrap();
        assert_eq!(kept.as_deref(), Some("s3cret"));
        copy.close().await;
    }
}
