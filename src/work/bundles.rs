//! One page for many: whatever waits for a place on somebody's phone is told together, by contract and
//! policy. The bundle is an alert with a code of its own, so every face can act on it; what is done to it is
//! done to each alert that it stands for, and those escalate as always.
//!
//! The timer `bundle` (`person/channel/lane`) comes when a place is free. Start with `Bundle::look`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use futures::future::BoxFuture;
use serde_json::json;
use sqlx::AnyConnection;

use super::{
    Acting, Context, Handler, WorkError, act, failure,
    failure::describe,
    record,
    storm::{pace, place},
};
use crate::{
    model::{
        Instant,
        alert::{AlertState, Source},
        id::{AlertId, ContractId, PersonId, PolicyId},
        person::{Channel, Person},
    },
    notify::{plan, texts},
    store::{
        StoreError,
        alerts::{self, AlertRow},
        attempts::{self, Attempt, AttemptKind},
        bundles as rows, notifications,
        paces::{self, Lane, Whose},
        raise::{self, NewAlert},
        timers::{self, DueTimer},
    },
    telemetry::metric,
};

pub(super) const BUNDLE: &str = "bundle";
/// More contracts and policies than these are told by one page: nobody waits for the tenth place.
const APART_MAX: usize = 3;
/// More are told by the next page: a unit of work must have an end.
const MEMBERS_MAX: i64 = 1_000;
/// How soon to look again whether a call still holds the alerts.
const HELD_AGAIN: TimeDelta = TimeDelta::seconds(5);

/// Something waits there: it is looked at when there is a place.
pub(super) async fn expect(
    db: &mut AnyConnection,
    acting: &Acting,
    whose: Whose<'_>,
    at: Instant,
) -> Result<(), StoreError> {
    let subject = format!("{}/{}/{}", whose.person, whose.channel, whose.lane.as_str());
    if timers::due_at(db, acting.org(), BUNDLE, &subject).await?.is_none() {
        timers::set(db, acting.org(), BUNDLE, &subject, at, "").await?;
    }
    Ok(())
}

pub(super) struct Bundle {
    pub context: Context,
}

impl Handler for Bundle {
    fn kinds(&self) -> &[&'static str] {
        &[BUNDLE]
    }

    fn handle<'a>(&'a self, timer: &'a DueTimer) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(self.look(timer))
    }
}

/// What one look came to.
#[derive(Debug, Default)]
struct Looked {
    /// The bundle's channel and how many it stands for.
    bundled: Option<(Channel, usize)>,
}

impl Bundle {
    async fn look(&self, timer: &DueTimer) -> Result<(), WorkError> {
        let what = format!("the pages that wait for {}", timer.subject);
        let mut parts = timer.subject.split('/');
        let person = parts.next().and_then(|person| person.parse::<PersonId>().ok());
        let (channel, lane) = (parts.next().and_then(Channel::named), parts.next().and_then(Lane::named));
        let (Some(person), Some(channel), Some(lane)) = (person, channel, lane) else {
            return Err(WorkError::Broken { what, why: "this names nobody's phone".to_owned() });
        };
        let acting = self.context.acting();
        let org = acting.org().clone();
        let number = self.context.store.alert_number(&org).await.map_err(WorkError::on(&what))?;
        let due = timer.clone();
        let unit = async move |db: &mut AnyConnection| {
            if !timers::complete(db, &due).await? {
                return Ok(Looked::default());
            }
            let whose = Whose { org: acting.org(), person: &person, channel, lane };
            look(db, &acting, whose, number).await
        };
        let looked = self.context.change(unit).await.map_err(WorkError::on(&what))?;
        match looked.bundled {
            Some((channel, count)) => {
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                metrics::counter!(metric::BUNDLED, "channel" => channel.as_str()).increment(count);
            }
            None => self.context.store.return_alert_number(&org, number),
        }
        Ok(())
    }
}

async fn look(db: &mut AnyConnection, acting: &Acting, whose: Whose<'_>, number: i64) -> Result<Looked, StoreError> {
    let (ready, held) = still_wanted(db, acting, whose).await?;
    let Some(person) = acting.directory.people.get(whose.person) else {
        // Not declared any more: there is no phone to keep usable.
        for (attempt, _) in &ready {
            rows::let_go(db, attempt, acting.now).await?;
        }
        return Ok(Looked::default());
    };
    let mut groups = by_contract(ready);
    let Some(group) = (if groups.len() > APART_MAX {
        let all = groups.drain(..).flatten().collect::<Vec<_>>();
        Some(all)
    } else {
        (!groups.is_empty()).then(|| groups.remove(0))
    }) else {
        if held {
            expect(db, acting, whose, acting.now + HELD_AGAIN).await?;
        }
        return Ok(Looked::default());
    };
    if let Some(pace) = pace(&acting.directory.limits, whose.channel) {
        let (place, before) = place(db, pace, whose, acting.now).await?;
        if place.at > acting.now {
            expect(db, acting, whose, place.at).await?;
            return Ok(Looked::default());
        }
        paces::take(db, whose, before, place.full_at).await?;
    }
    let bundled = match group.as_slice() {
        [(attempt, _)] => {
            rows::let_go(db, attempt, acting.now).await?;
            None
        }
        _ => Some((whose.channel, fold(db, acting, (person, whose.channel), &group, number).await?)),
    };
    // What is left has its own look, with a number of its own; until there is a place.
    if !groups.is_empty() || held || rows::is_queue(db, whose).await? {
        expect(db, acting, whose, acting.now).await?;
    }
    Ok(Looked { bundled })
}

type Waiting = (Attempt, AlertRow);

/// What waits and is still wanted, the oldest first; and whether some waits for a call's end.
async fn still_wanted(
    db: &mut AnyConnection,
    acting: &Acting,
    whose: Whose<'_>,
) -> Result<(Vec<Waiting>, bool), StoreError> {
    let (mut ready, mut held) = (Vec::new(), false);
    for attempt in rows::waiting(db, whose, MEMBERS_MAX).await? {
        let Some(id) = &attempt.alert else {
            rows::let_go(db, &attempt, acting.now).await?;
            continue;
        };
        let row = match alerts::by_id(db, acting.org(), id).await {
            // One that cannot be read keeps the others from nothing.
            Ok(None) | Err(StoreError::Corrupt { .. }) => {
                rows::let_go(db, &attempt, acting.now).await?;
                continue;
            }
            row => row?,
        };
        let Some(row) = row else { continue };
        let told = match &attempt.notification {
            Some(told) => notifications::by_id(db, acting.org(), told).await?,
            None => None,
        };
        if row.alert.state != AlertState::Triggered || told.is_some_and(|told| told.done) {
            rows::drop_one(db, &attempt, "not needed any more", acting.now).await?;
        } else if whose.channel == Channel::Voice && row.held_by_call.is_some() {
            held = true;
        } else {
            ready.push((attempt, row));
        }
    }
    Ok((ready, held))
}

/// Those of one contract and policy together, whoever waits longest first.
fn by_contract(ready: Vec<Waiting>) -> Vec<Vec<Waiting>> {
    type Key = (Option<ContractId>, Option<PolicyId>);
    let mut order: Vec<Key> = Vec::new();
    let mut groups: BTreeMap<Key, Vec<Waiting>> = BTreeMap::new();
    for waiting in ready {
        let key = (waiting.1.alert.contract.clone(), waiting.1.alert.policy.clone());
        if !groups.contains_key(&key) {
            order.push(key.clone());
        }
        groups.entry(key).or_default().push(waiting);
    }
    order.into_iter().filter_map(|key| groups.remove(&key)).collect()
}

/// The bundle, its page, and on each alert's timeline that this page says it. Answers how many it covers.
async fn fold(
    db: &mut AnyConnection,
    acting: &Acting,
    (person, channel): (&Person, Channel),
    group: &[Waiting],
    number: i64,
) -> Result<usize, StoreError> {
    let Some((first, about)) = group.first() else { return Ok(0) };
    let id: AlertId = acting.ids.id(acting.now);
    let mut covered: Vec<&Waiting> = Vec::new();
    for waiting in group {
        if rows::cover(db, &waiting.0, &id).await? {
            covered.push(waiting);
        }
    }
    let customer = about
        .alert
        .customer
        .clone()
        .filter(|one| group.iter().all(|(_, row)| row.alert.customer.as_ref() == Some(one)));
    let contract = about
        .alert
        .contract
        .clone()
        .filter(|one| group.iter().all(|(_, row)| row.alert.contract.as_ref() == Some(one)));
    let priority = group.iter().map(|(_, row)| row.alert.priority).min().unwrap_or(about.alert.priority);
    let numbers: Vec<i64> = covered.iter().map(|(_, row)| row.alert.number).collect();
    let bundle = NewAlert {
        id: id.clone(),
        number,
        title: texts::bundle(person.language.as_str(), covered.len(), &about.alert.title),
        priority,
        category: None,
        source: Source::Bundle,
        customer,
        contract,
        policy: None,
        dedup: None,
        count: 1,
        call: None,
        details: json!({ "alerts": numbers }).to_string(),
        opened_at: acting.now,
        escalate_at: None,
    };
    raise::raise(db, acting.org(), bundle).await?;
    let what = format!("Pikett bundled {} alerts for {} by {channel}.", covered.len(), person.name);
    record(db, acting, &id, "opened", what, json!({ "alerts": numbers })).await?;
    let Some(row) = alerts::by_id(db, acting.org(), &id).await? else {
        return Err(StoreError::corrupt("alerts", id.as_str()));
    };
    page(db, acting, (person, first), &row).await?;
    for (attempt, row) in &covered {
        let text = format!(
            "{} waited for a place; what it was to say is said by the page of bundle {number}, with {} others.",
            describe(acting, attempt),
            covered.len().saturating_sub(1)
        );
        let detail = json!({ "attempt": attempt.id.as_str(), "bundle": id.as_str(), "number": number });
        record(db, acting, &row.alert.id, "bundled", text, detail).await?;
    }
    Ok(covered.len())
}

/// To where the first of them was to go.
async fn page(
    db: &mut AnyConnection,
    acting: &Acting,
    (person, first): (&Person, &Attempt),
    row: &AlertRow,
) -> Result<(), StoreError> {
    let page = plan::Bundled {
        person,
        alert: &row.alert,
        customer: acting.customer_of(row),
        method: first.method.as_ref(),
        address: &first.address,
        links: &acting.links,
        now: acting.now,
    };
    let attempt = plan::bundle(&page, &acting.ids);
    attempts::insert(db, acting.org(), &attempt).await?;
    rows::has_place(db, acting.org(), &attempt.id).await
}

/// Whether this is the page of a bundle.
fn bundle_of(attempt: &Attempt) -> Option<&AlertId> {
    (attempt.kind == AttemptKind::Page && attempt.notification.is_none()).then_some(attempt.alert.as_ref()).flatten()
}

pub(super) async fn sent(db: &mut AnyConnection, acting: &Acting, attempt: &Attempt) -> Result<(), StoreError> {
    let Some(bundle) = bundle_of(attempt) else { return Ok(()) };
    rows::sent(db, acting.org(), bundle, acting.now).await
}

pub(super) async fn delivered(db: &mut AnyConnection, acting: &Acting, attempt: &Attempt) -> Result<(), StoreError> {
    let Some(bundle) = bundle_of(attempt) else { return Ok(()) };
    rows::delivered(db, acting.org(), bundle, acting.now).await
}

/// What the page was to say goes on by other ways, alert by alert.
pub(super) async fn failed(
    db: &mut AnyConnection,
    acting: &Acting,
    attempt: &Attempt,
    why: &str,
    code: Option<&str>,
) -> Result<(), StoreError> {
    let Some(bundle) = bundle_of(attempt) else { return Ok(()) };
    for covered in rows::failed(db, acting.org(), bundle, why, acting.now).await? {
        boxed(db, acting, &covered, why, code).await?;
    }
    Ok(())
}

/// `failure::failed` comes back here for a bundle's page, and never twice: a bundle stands for no bundle.
fn boxed<'a>(
    db: &'a mut AnyConnection,
    acting: &'a Acting,
    attempt: &'a Attempt,
    why: &'a str,
    code: Option<&'a str>,
) -> BoxFuture<'a, Result<(), StoreError>> {
    Box::pin(failure::failed(db, acting, attempt, why, code))
}

/// An alert was taken or resolved, with those that it stands for: each bundle stands as its alerts do.
pub(super) async fn follow(
    db: &mut AnyConnection,
    acting: &Acting,
    alert: &AlertId,
    members: &[AlertId],
) -> Result<(), StoreError> {
    let mut bundles = BTreeSet::new();
    for id in members.iter().chain([alert]) {
        bundles.extend(rows::of_alert(db, acting.org(), id).await?);
    }
    for bundle in bundles {
        let (waiting, open) = rows::standing(db, acting.org(), &bundle).await?;
        if waiting == 0 {
            act::close_bundle(db, acting, &bundle, open == 0).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
