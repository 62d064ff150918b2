//! Why who was told when: an alert with its timeline, the duties to tell, and every try.

use std::collections::BTreeMap;

use sqlx::AnyConnection;

pub use super::alerts::Named;
use super::{
    alerts::told_one,
    wire::{Duty, Explanation, TimelineEntry, Try},
};
use crate::{
    model::id::OrgId,
    store::{StoreError, attempts, notifications, timeline},
};

/// `None`: there is no such alert.
pub async fn load(db: &mut AnyConnection, org: &OrgId, name: &Named) -> Result<Option<Explanation>, StoreError> {
    let Some(row) = name.find(db, org).await? else { return Ok(None) };
    let id = &row.alert.id;
    let entries = timeline::of_alert(db, org, id).await?;
    let notifications = notifications::of_alert(db, org, id).await?;
    let mut attempts: BTreeMap<Option<String>, Vec<Try>> = BTreeMap::new();
    for attempt in attempts::of_alert(db, org, id).await? {
        let duty = attempt.notification.as_ref().map(ToString::to_string);
        attempts.entry(duty).or_default().push(Try::from(&attempt));
    }
    let duties = notifications
        .iter()
        .map(|notification| {
            let tries = attempts.remove(&Some(notification.id.to_string())).unwrap_or_default();
            Duty::new(notification, tries)
        })
        .collect();
    Ok(Some(Explanation {
        alert: told_one(db, org, &row).await?,
        timeline: entries.iter().map(TimelineEntry::from).collect(),
        notifications: duties,
        attempts: attempts.into_values().flatten().collect(),
    }))
}
