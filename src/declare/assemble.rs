//! Stored documents and flows → the `Directory`. What cannot be read is left out and named, so that
//! one broken row does not silence every other hotline.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::{
    Directory,
    directory::FlowInUse,
    document::{
        self, CalendarDocument, ContractDocument, CustomerDocument, Document, Documents, HotlineDocument,
        IntegrationDocument, Kind, ONLY, PersonDocument, PolicyDocument, ScheduleDocument,
    },
    forms,
    org::{Defaults, LimitsDocument, OrgDocument},
    places::stored_fault,
};
use crate::{
    ivr,
    model::{fault::Fault, id::FlowId},
};

/// The latest version of a flow, as the database has it.
#[derive(Debug, Clone, Copy)]
pub struct FlowSource<'a> {
    pub id: &'a FlowId,
    pub version: i64,
    pub file: &'a str,
    pub source: &'a str,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Assembled {
    pub directory: Directory,
    /// What was left out. An apply leaves nothing behind that cannot be read: such a row was written
    /// by another version of the program, or by hand.
    pub faults: Vec<Fault>,
}

/// Everything that was declared, from what the database keeps. `defaults` come from the configuration.
pub fn directory_from<'a>(
    documents: &Documents,
    flows: impl IntoIterator<Item = FlowSource<'a>>,
    defaults: &Defaults,
    revision: i64,
) -> Assembled {
    let mut stored = Stored { documents, faults: Vec::new() };
    let org: OrgDocument = stored.only(Kind::Org);
    let limits: LimitsDocument = stored.only(Kind::Limits);
    let org = org.or(&defaults.org);
    let mut directory = Directory {
        revision,
        org_policy: org.policy.as_deref().and_then(|policy| policy.parse().ok()),
        shift_notice: org.shift_notice.as_deref().and_then(|lead| forms::shift_notice(lead).ok()),
        limits: limits.or(&defaults.limits),
        people: stored.all::<PersonDocument, _>(),
        schedules: stored.all::<ScheduleDocument, _>(),
        policies: stored.all::<PolicyDocument, _>(),
        calendars: stored.all::<CalendarDocument, _>(),
        customers: stored.all::<CustomerDocument, _>(),
        contracts: stored.all::<ContractDocument, _>(),
        hotlines: stored.all::<HotlineDocument, _>(),
        integrations: stored.all::<IntegrationDocument, _>(),
        ..Directory::empty()
    };
    if let Some(name) = org.name {
        directory.org_name = name;
    }
    for (kind, id) in documents.keys().filter(|(kind, _)| Kind::named(kind).is_none()) {
        stored.faults.push(stored_fault(format!("there is a {kind} `{id}`, which means nothing here"), ""));
    }
    let mut faults = stored.faults;
    for FlowSource { id, version, file, source } in flows {
        match ivr::parse(file, source) {
            Ok(flow) => {
                directory.flows.insert(id.clone(), FlowInUse { version, flow: Arc::new(flow) });
            }
            Err(of_flow) => faults.extend(of_flow),
        }
    }
    Assembled { directory, faults }
}

struct Stored<'a> {
    documents: &'a Documents,
    faults: Vec<Fault>,
}

impl Stored<'_> {
    fn all<D: Document, I>(&mut self) -> BTreeMap<I, D::Thing>
    where
        I: std::str::FromStr<Err: fmt::Display> + Ord,
    {
        let mut things = BTreeMap::new();
        for ((kind, id), text) in self.documents.iter().filter(|((kind, _), _)| kind == D::KIND.as_str()) {
            let thing = document::read::<D>(id, text);
            let named = id.parse::<I>().map_err(|error| error.to_string());
            match named.and_then(|id| Ok((id, thing?))) {
                Ok((id, thing)) => {
                    things.insert(id, thing);
                }
                Err(error) => self.broken(kind, id, &error),
            }
        }
        things
    }

    fn only<T: Default + serde::de::DeserializeOwned>(&mut self, kind: Kind) -> T {
        let Some(text) = self.documents.get(&document::key(kind, ONLY)) else { return T::default() };
        document::from_json(text).unwrap_or_else(|error| {
            self.broken(kind.as_str(), ONLY, &error);
            T::default()
        })
    }

    fn broken(&mut self, kind: &str, id: &str, error: &str) {
        self.faults.push(stored_fault(format!("{kind} `{id}` cannot be read: {error}"), "apply it once more"));
    }
}
