//! A tool says that its alert was taken, or is over.

use serde_json::json;
use sqlx::AnyConnection;

use crate::{
    model::{
        Instant,
        alert::Actor,
        id::{EntryId, IntegrationId, OrgId},
    },
    store::{
        StoreError, alerts, attempts, notifications,
        raise::{Dedup, ESCALATE},
        timeline, timers,
    },
};

pub(super) struct Settle {
    pub org: OrgId,
    pub integration: IntegrationId,
    pub dedup: Dedup,
    /// Otherwise acknowledge.
    pub resolve: bool,
    /// The id of the timeline's entry.
    pub entry: EntryId,
    pub now: Instant,
}

/// A unit of work. `false`: nothing open has this key, or it was acknowledged already.
pub(super) async fn settle(db: &mut AnyConnection, how: &Settle) -> Result<bool, StoreError> {
    let org = &how.org;
    let Some(open) = alerts::open_with_key(db, org, &how.dedup).await? else { return Ok(false) };
    let (id, by) = (&open.alert.id, Actor::Integration(how.integration.clone()));
    let (changed, done) = if how.resolve {
        (alerts::resolve(db, org, id, &by, how.now).await?, "resolved")
    } else {
        (alerts::acknowledge(db, org, id, &by, how.now).await?, "acknowledged")
    };
    if changed.is_none() {
        return Ok(false);
    }
    timers::clear(db, org, ESCALATE, id.as_str()).await?;
    let why = format!("{done} by integration {}", how.integration);
    attempts::drop_pages(db, org, id, &why, how.now).await?;
    notifications::close_all(db, org, id).await?;
    let entry = timeline::Entry {
        id: how.entry.clone(),
        alert: Some(id.clone()),
        call: None,
        at: how.now,
        kind: done.to_owned(),
        text: format!("The integration {} {done} it, so nobody is paged any more.", how.integration),
        detail: json!({ "by": by.to_string() }),
    };
    timeline::write(db, org, &entry).await?;
    Ok(true)
}
