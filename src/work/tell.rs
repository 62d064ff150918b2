//! Begins to tell one person about an alert: the notification, an attempt per rule, the timeline.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::AnyConnection;

use super::{Acting, marks, quiet, record::entry};
use crate::{
    model::{Instant, duration, person::Person, priority::Urgency},
    notify::plan::{self, Page},
    store::{
        StoreError,
        alerts::AlertRow,
        attempts::{self, NewAttempt},
        notifications::{self, Notification},
        timeline::Entry,
    },
};

/// From when on this person has the time that their level has: now, or when their quiet hours end. `None`: there is
/// no way to reach them. `earlier` are the alert's notifications so far: what is left of one about the same person gives
/// way to this one, which begins at once. What is to be said of it comes to the `entries`, which the caller writes.
pub(super) async fn tell(
    db: &mut AnyConnection,
    acting: &Acting,
    row: &AlertRow,
    notification: &Notification,
    earlier: &[Notification],
    entries: &mut Vec<Entry>,
) -> Result<Option<Instant>, StoreError> {
    let (alert, id) = (&row.alert, &notification.person);
    let Some(person) = &marks::usable(db, acting, id).await? else {
        let text = format!("{id} ({}) is not declared any more and cannot be told.", notification.reason);
        entries.push(entry(acting, &alert.id, "unreachable", text, json!({ "person": id.as_str() })));
        return Ok(None);
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
        return Ok(None);
    }
    for old in earlier.iter().filter(|old| old.person == *id && !old.done) {
        attempts::drop_rest(db, acting.org(), &alert.id, &old.id, "told anew", acting.now).await?;
        notifications::close(db, acting.org(), &old.id).await?;
    }
    notifications::insert(db, acting.org(), notification).await?;
    for attempt in &planned {
        attempts::insert(db, acting.org(), attempt).await?;
    }
    let ways: Vec<String> = planned.iter().map(|attempt| way(attempt, person, notification)).collect();
    let text = format!("{} is told, {}: {}.", person.name, notification.reason, ways.join(", "));
    let detail = json!({
        "person": id.as_str(), "reason": notification.reason, "notification": notification.id.as_str(),
        "attempts": planned.iter().map(|attempt| attempt.id.as_str()).collect::<Vec<_>>(),
    });
    entries.push(entry(acting, &alert.id, "told", text, detail));
    let from = quiet::allowed_at(person, alert, acting.now);
    if from > acting.now {
        let time = quiet::time(person, from);
        let text = format!("{} has quiet hours: what is of low urgency waits until {time}.", person.name);
        let detail = json!({ "person": id.as_str(), "until": from, "why": "quiet hours" });
        entries.push(entry(acting, &alert.id, "held-back", text, detail));
    }
    let held = planned.iter().filter(|attempt| is_held(attempt, person, notification));
    // Units of work that are done again count again, which is rare enough for a graph.
    quiet::count(&held.map(|attempt| attempt.address.channel()).collect::<Vec<_>>());
    Ok(Some(from))
}

/// `sms to +49…01 at once`, `voice to +49…01 after 1m`.
fn way(attempt: &NewAttempt, person: &Person, notification: &Notification) -> String {
    let after = attempt.due_at - notification.started_at;
    let when = match (attempt.held, after) {
        (true, _) => "as soon as the call has ended".to_owned(),
        (false, _) if is_held(attempt, person, notification) => {
            format!("at {}, after quiet hours", quiet::time(person, attempt.due_at))
        }
        (false, after) if after <= TimeDelta::zero() => "at once".to_owned(),
        (false, after) => format!("after {}", duration::write(after)),
    };
    format!("{} to {} {when}", attempt.address.channel(), attempt.address.masked())
}

/// Whether quiet hours have put it off.
fn is_held(attempt: &NewAttempt, person: &Person, notification: &Notification) -> bool {
    let start = notification.started_at;
    notification.urgency == Urgency::Low && person.awake_after(start, attempt.due_at - start) > attempt.due_at
}
