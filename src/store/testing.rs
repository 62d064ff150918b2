//! Every store test runs on both databases, and its name says which one failed.

#[path = "../../tests/support/database.rs"]
mod database;

pub use database::Scratch;

use super::Store;

/// Makes two tests of one: `name::sqlite` and `name::postgres`, each with a database of its own.
///
/// ```ignore
/// on_both! {
///     async fn an_alert_is_raised_once(store: Store) { … }
/// }
/// ```
macro_rules! on_both {
    ($(async fn $name:ident($store:ident: Store) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn test($store: crate::store::Store) $body

            #[tokio::test]
            async fn sqlite() {
                $crate::store::testing::on_sqlite(test).await;
            }

            #[tokio::test]
            async fn postgres() {
                $crate::store::testing::on_postgres(test).await;
            }
        }
    )*};
}
pub(crate) use on_both;

pub async fn on_sqlite(test: impl AsyncFnOnce(Store)) {
    on(Scratch::sqlite(), test).await;
}

pub async fn on_postgres(test: impl AsyncFnOnce(Store)) {
    on(Scratch::postgres().await, test).await;
}

async fn on(scratch: Scratch, test: impl AsyncFnOnce(Store)) {
    let store = Store::open(&scratch.url).await.expect("a fresh database opens");
    test(store.clone()).await;
    store.close().await;
    scratch.remove().await;
}
