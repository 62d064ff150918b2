//! What an apply would change: the stored declarations and a set of files in, documents to put and
//! sentences out. What files do not mention stays; the whole must work afterwards, or nothing changes.

use std::{collections::BTreeMap, sync::Arc, thread};

use serde_json::{Map, Value};

use super::{
    Directory,
    assemble::{Assembled, FlowSource, directory_from},
    check::{check, hotlines_without_flow},
    directory::FlowInUse,
    document::{self, CustomerDocument, Documents, Kind},
    org::Defaults,
    pins,
    preview::{Preview, preview},
    read::{self, File, Gathered, Outside},
};
use crate::model::{
    fault::Fault,
    id::{CustomerId, FlowId},
    pin::Pin,
};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// By kind and id, only those that differ from what is stored.
    pub documents: Documents,
    /// To be kept as the next version.
    pub flows: Vec<NewFlow>,
    /// `+ person anna`, `~ policy gold: levels`; never with a secret.
    pub differences: Vec<String>,
    /// What another version of a flow changes, hotline by hotline.
    pub previews: BTreeMap<FlowId, Vec<Preview>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFlow {
    pub id: FlowId,
    pub file: String,
    pub source: String,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.flows.is_empty()
    }
}

/// What becomes of the flows of an apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flows {
    /// Calls that come in from then on begin with them.
    PutIntoForce,
    /// Kept as versions, for somebody who looks at them first.
    Stage,
    /// Looked at, or called in a test: whatever else the declarations' hotlines run is not there, and need not be.
    Rehearse,
}

/// Works out an apply, or all that is wrong with it.
pub fn plan(
    stored: &Documents,
    stored_flows: &[FlowSource],
    files: Vec<File>,
    outside: &Outside,
    flows: Flows,
) -> Result<Plan, Vec<Fault>> {
    let mut files = read::read(files, outside);
    let staged = match flows {
        Flows::PutIntoForce => BTreeMap::new(),
        Flows::Rehearse => {
            files.pass_over_hotlines_of_other_flows();
            BTreeMap::new()
        }
        // Nothing else of this apply may need them.
        Flows::Stage => std::mem::take(&mut files.flows),
    };
    let before = kept(stored, stored_flows, &files);
    let mut faults = std::mem::take(&mut files.faults);
    let whole = whole(before.directory, &files);
    faults.extend(check(&whole, &files));
    faults.extend(hotlines_without_flow(&whole, &files, outside.numbers_without_flow));
    faults.extend(before.faults);
    if !faults.is_empty() {
        faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        faults.dedup();
        return Err(faults);
    }
    hash_pins(&mut files, stored, outside);
    files.flows.extend(staged);
    let previews = previews(stored_flows, &files, &whole);
    Ok(Plan { previews, ..differences(stored, stored_flows, files) })
}

/// What does not fit in what is stored: what was applied under other rules, or changed by hand.
pub fn stored_faults(stored: &Documents, stored_flows: &[FlowSource]) -> Vec<Fault> {
    let no_files = Gathered::nothing();
    let Assembled { directory, mut faults } = kept(stored, stored_flows, &no_files);
    faults.extend(check(&directory, &no_files));
    faults
}

/// What stays as it is stored.
fn kept(stored: &Documents, flows: &[FlowSource], files: &Gathered) -> Assembled {
    let is_replaced = |(kind, id): &(String, String)| Kind::named(kind).is_some_and(|kind| files.places.has(kind, id));
    let documents = stored.iter().filter(|(key, _)| !is_replaced(key));
    let documents = documents.map(|(key, text)| (key.clone(), text.clone())).collect();
    let flows = flows.iter().filter(|flow| !files.flows.contains_key(flow.id) && !files.broken_flows.contains(flow.id));
    directory_from(&documents, flows.copied(), &Defaults::default(), 0)
}

/// What there would be afterwards.
fn whole(before: Directory, files: &Gathered) -> Directory {
    let mut whole = before;
    let new = files.directory.clone();
    whole.people.extend(new.people);
    whole.schedules.extend(new.schedules);
    whole.policies.extend(new.policies);
    whole.calendars.extend(new.calendars);
    whole.customers.extend(new.customers);
    whole.contracts.extend(new.contracts);
    whole.hotlines.extend(new.hotlines);
    whole.integrations.extend(new.integrations);
    if let Some(org) = &files.org {
        whole.org_policy = org.policy.as_deref().and_then(|policy| policy.parse().ok());
    }
    for (id, read) in &files.flows {
        whole.flows.insert(id.clone(), FlowInUse { version: 0, flow: Arc::new(read.flow.clone()) });
    }
    whole
}

/// One salt per customer: the one that its stored PINs have, so that an unchanged PIN changes nothing.
fn hash_pins(files: &mut Gathered, stored: &Documents, outside: &Outside) {
    let mut salts = BTreeMap::new();
    let mut jobs = Vec::new();
    for ((customer, index), pin) in std::mem::take(&mut files.pins) {
        let salt: &String = salts.entry(customer.clone()).or_insert_with(|| {
            let known = stored.get(&document::key(Kind::Customer, customer.as_str()));
            let known = known.and_then(|text| document::read::<CustomerDocument>(customer.as_str(), text).ok());
            known.as_ref().and_then(pins::salt_in_use).unwrap_or_else(outside.salt)
        });
        jobs.push(PinToHash { salt: salt.clone(), customer, index, pin });
    }
    let hashes = on_every_core(&jobs, |job| pins::hash(&job.pin, &job.salt).expect("the salt was read or made by us"));
    for (job, hash) in jobs.iter().zip(hashes) {
        let customer = files.directory.customers.get_mut(&job.customer);
        if let Some(contact) = customer.and_then(|customer| customer.contacts.get_mut(job.index)) {
            contact.pin = Some(hash);
        }
    }
}

struct PinToHash {
    customer: CustomerId,
    index: usize,
    pin: Pin,
    salt: String,
}

/// A hash takes tens of milliseconds on purpose, and an MSP may have a thousand contacts.
fn on_every_core<T: Sync, R: Send>(jobs: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = jobs.len().div_ceil(cores).max(1);
    let work = &work;
    thread::scope(|scope| {
        let shares: Vec<_> =
            jobs.chunks(share).map(|share| scope.spawn(|| share.iter().map(work).collect::<Vec<R>>())).collect();
        let done = shares.into_iter().map(|share| share.join().expect("hashing does not panic"));
        done.flatten().collect()
    })
}

fn previews(stored_flows: &[FlowSource], files: &Gathered, whole: &Directory) -> BTreeMap<FlowId, Vec<Preview>> {
    let changed = stored_flows.iter().filter_map(|before| {
        let after = files.flows.get(before.id).filter(|after| after.file.text != before.source)?;
        Some((before.id.clone(), preview(Some(before.source), &after.file.text, &after.flow, whole)))
    });
    changed.collect()
}

fn differences(stored: &Documents, stored_flows: &[FlowSource], files: Gathered) -> Plan {
    let mut documents = document::of(&files.directory);
    if let Some(org) = &files.org {
        document::put_org(&mut documents, org);
    }
    if let Some(limits) = &files.limits {
        document::put_limits(&mut documents, limits);
    }
    let mut plan = Plan::default();
    for ((kind, id), text) in documents {
        let name = if id == document::ONLY && [Kind::Org, Kind::Limits].map(Kind::as_str).contains(&kind.as_str()) {
            format!("[{kind}]")
        } else {
            format!("{kind} {id}")
        };
        let key = (kind, id);
        match stored.get(&key) {
            None => plan.differences.push(format!("+ {name}")),
            Some(before) => match changed_fields(before, &text) {
                Some(fields) => plan.differences.push(format!("~ {name}: {fields}")),
                None => continue,
            },
        }
        plan.documents.insert(key, text);
    }
    for (id, read) in files.flows {
        let before = stored_flows.iter().find(|flow| *flow.id == id);
        match before {
            None => plan.differences.push(format!("+ flow {id}")),
            Some(before) if before.source != read.file.text => {
                plan.differences.push(format!("~ flow {id}"));
            }
            Some(_) => continue,
        }
        plan.flows.push(NewFlow { id, file: read.file.name, source: read.file.text });
    }
    plan
}

/// The names of the fields that differ; `None`: none does, in whatever order they stand.
fn changed_fields(before: &str, after: &str) -> Option<String> {
    let fields = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let (before, after) = (fields(before), fields(after));
    let mut names: Vec<&str> = after
        .keys()
        .chain(before.keys())
        .map(String::as_str)
        .filter(|name| before.get(*name) != after.get(*name))
        .collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}
