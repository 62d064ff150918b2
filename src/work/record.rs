//! Entries of an alert's timeline. What happens and its entry are one unit of work.

use serde_json::Value;
use sqlx::AnyConnection;

use super::Acting;
use crate::{
    model::id::AlertId,
    store::{StoreError, timeline},
};

/// `kind` is a word for programs, `text` a whole sentence for people.
pub async fn record(
    db: &mut AnyConnection,
    acting: &Acting,
    alert: &AlertId,
    kind: &str,
    text: impl Into<String>,
    detail: Value,
) -> Result<(), StoreError> {
    timeline::write(db, acting.org(), &entry(acting, alert, kind, text, detail)).await
}

/// For several that are written as one: `timeline::write_all`.
pub fn entry(acting: &Acting, alert: &AlertId, kind: &str, text: impl Into<String>, detail: Value) -> timeline::Entry {
    timeline::Entry {
        id: acting.ids.id(acting.now),
        alert: Some(alert.clone()),
        call: None,
        at: acting.now,
        kind: kind.to_owned(),
        text: text.into(),
        detail,
    }
}
