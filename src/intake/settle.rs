//! A tool says that its alert was taken, or is over.

use sqlx::AnyConnection;

use crate::{
    model::{alert::Actor, id::IntegrationId},
    store::{StoreError, alerts, raise::Dedup},
    work::{
        Acting,
        act::{self, Acted},
    },
};

pub(super) struct Settle {
    pub acting: Acting,
    pub integration: IntegrationId,
    pub dedup: Dedup,
    /// Otherwise acknowledge.
    pub resolve: bool,
}

/// A unit of work. `false`: nothing open has this key, or it was acknowledged already.
pub(super) async fn settle(db: &mut AnyConnection, how: &Settle) -> Result<bool, StoreError> {
    let acting = &how.acting;
    let Some(open) = alerts::open_with_key(db, acting.org(), &how.dedup).await? else { return Ok(false) };
    let (id, by) = (&open.alert.id, Actor::Integration(how.integration.clone()));
    let acted = if how.resolve {
        act::resolve(db, acting, id, &by, "by itself").await?
    } else {
        act::acknowledge(db, acting, id, &by, "by itself").await?
    };
    Ok(matches!(acted, Acted::Done(_)))
}
