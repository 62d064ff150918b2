//! Begins to tell one person about an alert: the notification, an attempt per rule, the timeline.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, marks, record::entry};
use crate::{
    model::duration,
    notify::plan::{self, Page},
    store::{
        StoreError,
        alerts::AlertRow,
        attempts::{self, NewAttempt},
        notifications::{self, Notification},
        timeline::Entry,
    },
};

/// `false`: there is no way to reach this person. `earlier` are the alert's notifications so far: what
/// is left of one about the same person gives way to this one, which begins at once. What is to be said of
/// it comes to the `entries`, which the caller writes.
pub(super) async fn tell(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &AlertRow,
    notification: &Notification,
    earlier: &[Notification],
    entries: &mut Vec<Entry>,
) -> Result<bool, StoreError> {
    let (alert, id) = (&row.alert, &notification.person);
    let Some(person) = &marks::usable(db, acting, id).await? else {
        let text = format!("{id} ({}) is not declared any more and cannot be told.", notification.reason);
        entries.push(entry(acting, &alert.id, "unreachable", text, json!({ "person": id.as_str() })));
        return Ok(false);
    };
    let said = row.said();
    let page = Page {
        person,
        alert,
        customer: acting.customer_of(row),
        said: &said,
        notification,
        links: &acting.links,
        held: row.held_by_call.is_some(),
        now: acting.now,
    };
    let planned = plan::plan(&page, &acting.ids);
    if planned.is_empty() {
        let text = format!("{} ({}) has no way to be reached that works.", person.name, notification.reason);
        entries.push(entry(acting, &alert.id, "unreachable", text, json!({ "person": id.as_str() })));
        return Ok(false);
    }
    for old in earlier.iter().filter(|old| old.person == *id && !old.done) {
        attempts::drop_rest(db, acting.org(), &alert.id, &old.id, "told anew", acting.now).await?;
        notifications::close(db, acting.org(), &old.id).await?;
    }
    notifications::insert(db, acting.org(), notification).await?;
    for attempt in &planned {
        attempts::insert(db, acting.org(), attempt).await?;
    }
    let ways: Vec<String> = planned.iter().map(|attempt| way(attempt, notification)).collect();
    let text = format!("{} is told, {}: {}.", person.name, notification.reason, ways.join(", "));
    let detail = json!({
        "person": id.as_str(), "reason": notification.reason, "notification": notification.id.as_str(),
        "attempts": planned.iter().map(|attempt| attempt.id.as_str()).collect::<Vec<_>>(),
    });
    entries.push(entry(acting, &alert.id, "told", text, detail));
    Ok(true)
}

/// `sms to +49…01 at once`, `voice to +49…01 after 1m`.
fn way(attempt: &NewAttempt, notification: &Notification) -> String {
    let after = attempt.due_at - notification.started_at;
    let when = match (attempt.held, after) {
        (true, _) => "as soon as the call has ended".to_owned(),
        (false, after) if after <= TimeDelta::zero() => "at once".to_owned(),
        (false, after) => format!("after {}", duration::write(after)),
    };
    format!("{} to {} {when}", attempt.address.channel(), attempt.address.masked())
}
