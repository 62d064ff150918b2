//! The language that a number chose on an earlier call.

use sqlx::AnyConnection;

use super::{codec::parsed, error::StoreError};
use crate::model::{id::OrgId, language::Language, phone::Phone};

pub async fn remember(
    db: &mut AnyConnection,
    org: &OrgId,
    phone: &Phone,
    language: &Language,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO languages (org_id, phone, language) VALUES ($1, $2, $3) \
         ON CONFLICT (org_id, phone) DO UPDATE SET language = excluded.language",
    )
    .bind(org.as_str())
    .bind(phone.as_str())
    .bind(language.as_str())
    .execute(db)
    .await?;
    Ok(())
}

pub async fn of(db: &mut AnyConnection, org: &OrgId, phone: &Phone) -> Result<Option<Language>, StoreError> {
    let row = sqlx::query("SELECT language FROM languages WHERE org_id = $1 AND phone = $2")
        .bind(org.as_str())
        .bind(phone.as_str())
        .fetch_optional(db)
        .await?;
    row.map(|row| parsed(&row, "language")).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{on_both, org};

    on_both! {
        async fn a_number_keeps_the_language_that_it_chose_last(store: Store) {
            let phone: Phone = "+4930555010".parse().unwrap();
            let caller = phone.clone();
            store
                .write(async move |db| {
                    for language in ["de", "en"] {
                        remember(db, &org(), &caller, &language.parse().expect("a language")).await?;
                    }
                    Ok(())
                })
                .await
                .unwrap();
            let mut db = store.read().await.unwrap();
            assert_eq!(of(&mut db, &org(), &phone).await.unwrap(), Some(Language::english()));
            assert_eq!(of(&mut db, &org(), &"+4930555011".parse().unwrap()).await.unwrap(), None);
        }
    }
}
