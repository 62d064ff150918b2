//! `/events`: what changes, as it changes, as server-sent events, woken by commits.
//!
//! States (`alert`, `call`, `attempt`, `incident`, `callback`) are sent whole: the newest one counts. Entries of timelines
//! (`entry`) are sent once each. Whoever comes back with `Last-Event-ID` gets every state again and the
//! entries since then, some perhaps twice: ids of several processes do not rise in the order of their
//! commits. Start at `stream`; what is looked at stands in `Feed::load`.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Api,
    alerts::{told, told_one},
    callbacks, calls, failed,
    wire::{Incident, TimelineEntry, Try},
};
use crate::{
    model::id::EntryId,
    store::{
        StoreError, Topic,
        alerts::{self, Which},
        attempts, incidents, timeline,
    },
    web::problem::Problem,
    work::Context,
};

/// Open alerts that a watcher is shown.
const OPEN_MAX: i64 = 200;
/// Incidents beside the open ones: a watcher learns that one was resolved.
const INCIDENTS_MAX: i64 = 20;
/// Callbacks beside the open ones: a watcher learns that one was kept.
const CALLBACKS_MAX: i64 = 20;
/// Timeline entries and attempts in one look; a watcher who missed more is told to look for itself.
const LATEST_MAX: i64 = 200;
/// Looks follow one another no faster, however much is committed.
const PAUSE: Duration = Duration::from_millis(50);
/// A look that failed is repeated.
const AGAIN: Duration = Duration::from_secs(1);
/// Proxies close what is silent; a comment keeps the line open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How far ids of several processes may be out of order.
const OVERLAP_MS: u64 = 10_000;

/// One look at everything that is watched, shared by all watchers.
pub struct Look {
    generation: u64,
    /// Kind and id → its JSON.
    items: BTreeMap<(Kind, String), Arc<str>>,
    /// The newest entry: where a watcher who comes back begins.
    newest: Option<EntryId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Call,
    Alert,
    Attempt,
    Incident,
    Callback,
    Entry,
}

/// Looks again after each commit that people can see, while somebody watches.
#[derive(Clone)]
pub struct Feed {
    context: Context,
    looks: Arc<watch::Sender<Option<Arc<Look>>>>,
    generation: Arc<AtomicU64>,
}

impl Feed {
    pub fn start(context: Context, stopping: CancellationToken) -> Self {
        let feed = Self { context, looks: Arc::new(watch::Sender::new(None)), generation: Arc::new(AtomicU64::new(0)) };
        let task = feed.clone();
        tokio::spawn(async move { stopping.run_until_cancelled(task.run()).await });
        feed
    }

    async fn run(&self) {
        let mut events = self.context.store.wake().watch(Topic::Events);
        let mut pace = tokio::time::interval(PAUSE);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut failed = false;
        loop {
            if failed {
                let _ = tokio::time::timeout(AGAIN, events.notified()).await;
            } else {
                events.notified().await;
            }
            pace.tick().await;
            // Whoever comes later looks for itself first.
            if self.looks.receiver_count() == 0 {
                failed = false;
                continue;
            }
            match self.load().await {
                Ok(look) => {
                    failed = false;
                    self.looks.send_replace(Some(Arc::new(look)));
                }
                Err(error) => {
                    failed = true;
                    tracing::debug!(%error, "whoever watches events waits for the database");
                }
            }
        }
    }

    async fn load(&self) -> Result<Look, StoreError> {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let directory = self.context.directory();
        let org = &directory.org;
        let mut db = self.context.store.read().await?;
        let entries = timeline::latest(&mut db, org, LATEST_MAX).await?;
        let open = alerts::list(&mut db, org, Which::Open, None, OPEN_MAX).await?;
        let mut items = BTreeMap::new();
        for alert in &told(&mut db, org, &open).await? {
            put(&mut items, Kind::Alert, &alert.id, alert);
        }
        for entry in &entries {
            put(&mut items, Kind::Entry, entry.id.as_str(), &TimelineEntry::from(entry));
            // An alert that is not open any more is named by what happened to it last.
            let Some(id) = &entry.alert else { continue };
            if !items.contains_key(&(Kind::Alert, id.to_string()))
                && let Some(row) = alerts::by_id(&mut db, org, id).await?
            {
                put(&mut items, Kind::Alert, id.as_str(), &told_one(&mut db, org, &row).await?);
            }
        }
        for attempt in &attempts::latest(&mut db, org, LATEST_MAX).await? {
            put(&mut items, Kind::Attempt, attempt.id.as_str(), &Try::from(attempt));
        }
        for call in &calls::latest(&mut db, &directory).await? {
            put(&mut items, Kind::Call, &call.id, call);
        }
        for incident in &incidents::list(&mut db, org, None, INCIDENTS_MAX).await? {
            put(&mut items, Kind::Incident, incident.id.as_str(), &Incident::from(incident));
        }
        for incident in &incidents::open(&mut db, org).await? {
            put(&mut items, Kind::Incident, incident.id.as_str(), &Incident::from(incident));
        }
        let latest = callbacks::page(&mut db, org, false, None, CALLBACKS_MAX).await?;
        for callback in latest.iter().chain(&callbacks::page(&mut db, org, true, None, OPEN_MAX).await?) {
            put(&mut items, Kind::Callback, &callback.id, callback);
        }
        let newest = entries.first().map(|entry| entry.id.clone());
        Ok(Look { generation, items, newest })
    }
}

fn put(items: &mut BTreeMap<(Kind, String), Arc<str>>, kind: Kind, id: &str, value: &impl Serialize) {
    let json = serde_json::to_string(value).expect("strings and numbers can be written");
    items.insert((kind, id.to_owned()), json.into());
}

pub async fn stream(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let since = last_event(&headers)?;
    let looks = api.feed.looks.subscribe();
    let look = api.feed.load().await.map_err(|error| failed(&error))?;
    let first = opening(&look, since.as_ref());
    let follow = follow(looks, Arc::new(look));
    let stopping = api.stopping.clone();
    let events = stream::iter(first).chain(follow).take_until(stopping.cancelled_owned()).map(Ok::<_, Infallible>);
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // nginx would keep events back until its buffer is full.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn last_event(headers: &HeaderMap) -> Result<Option<EntryId>, Problem> {
    let Some(given) = headers.get("last-event-id").filter(|given| !given.is_empty()) else { return Ok(None) };
    let parse = |text: &str| text.parse().map_err(|error: crate::model::id::IdError| error.to_string());
    let id = given.to_str().map_err(|error| error.to_string()).and_then(parse);
    id.map(Some).map_err(|message| {
        Problem::new(axum::http::StatusCode::BAD_REQUEST, "the request's headers are wrong")
            .field("Last-Event-ID", message)
    })
}

/// Every state; of the entries only what a watcher missed. Then `ready`.
fn opening(look: &Look, since: Option<&EntryId>) -> Vec<sse::Event> {
    let mut events = Vec::new();
    let mut oldest = None;
    for ((kind, id), json) in &look.items {
        if *kind == Kind::Entry {
            oldest = oldest.or(Some(id.as_str()));
            if since.is_none_or(|since| !is_since(id, since)) {
                continue;
            }
        }
        events.push(event(*kind, json, look));
    }
    if let (Some(since), Some(oldest)) = (since, oldest)
        && oldest > since.as_str()
        && i64::try_from(look.items.keys().filter(|(kind, _)| *kind == Kind::Entry).count()) == Ok(LATEST_MAX)
    {
        // More happened than is kept at hand: the watcher has to ask for the timelines it shows.
        events.push(sse::Event::default().event("missed").data("{}"));
    }
    events.push(with_id(sse::Event::default().event("ready").data("{}"), look));
    events
}

fn is_since(id: &str, since: &EntryId) -> bool {
    let millis = |id: &str| {
        let ulid = id.split_once('_').and_then(|(_, ulid)| ulid::Ulid::from_string(ulid).ok());
        ulid.map_or(0, |ulid| ulid.timestamp_ms())
    };
    id > since.as_str() || millis(id) + OVERLAP_MS > millis(since.as_str()) && id != since.as_str()
}

/// What differs from the look before, as long as somebody listens.
fn follow(
    looks: watch::Receiver<Option<Arc<Look>>>,
    first: Arc<Look>,
) -> impl Stream<Item = sse::Event> + Send + 'static {
    let changes = stream::unfold((looks, first), async |(mut looks, last)| {
        loop {
            looks.changed().await.ok()?;
            let Some(look) = looks.borrow_and_update().clone() else { continue };
            // One that was begun before ours is older.
            if look.generation <= last.generation {
                continue;
            }
            let events = differences(&last, &look);
            return Some((stream::iter(events), (looks, look)));
        }
    });
    changes.flatten()
}

fn differences(last: &Look, look: &Look) -> Vec<sse::Event> {
    let changed = look.items.iter().filter(|(key, json)| last.items.get(key) != Some(json));
    changed.map(|((kind, _), json)| event(*kind, json, look)).collect()
}

fn event(kind: Kind, json: &str, look: &Look) -> sse::Event {
    let name = match kind {
        Kind::Call => "call",
        Kind::Alert => "alert",
        Kind::Attempt => "attempt",
        Kind::Incident => "incident",
        Kind::Callback => "callback",
        Kind::Entry => "entry",
    };
    with_id(sse::Event::default().event(name).data(json), look)
}

fn with_id(event: sse::Event, look: &Look) -> sse::Event {
    match &look.newest {
        Some(id) => event.id(id.as_str()),
        None => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_back_gets_what_was_committed_out_of_order_as_well() {
        let id = |millis, low| format!("ent_{}", ulid::Ulid::from_parts(millis, low));
        let since: EntryId = id(100_000, 5).parse().unwrap();
        assert!(is_since(&id(100_000, 6), &since));
        assert!(is_since(&id(95_000, 1), &since), "another process may have committed it later");
        assert!(!is_since(&id(80_000, 1), &since));
        assert!(!is_since(since.as_str(), &since));
    }
}
