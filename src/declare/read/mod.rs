//! Files → what they declare, each thing with its place. Here is judged what a thing's own table
//! shows; what needs the others (ids, numbers twice) is `check`'s business.
//!
//! A thing with faults is kept with stand-ins for what could not be read, so that its id is known
//! and nobody who names it is blamed as well. As any fault refuses the whole apply, a stand-in never
//! leaves.

mod absences;
mod calendars;
mod contracts;
mod customers;
mod hours;
mod layers;
mod org;
mod people;
mod policies;
mod schedules;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Directory,
    document::Kind,
    org::{LimitsDocument, OrgDocument},
    places::Places,
};
use crate::{
    ivr,
    model::{
        fault::Fault,
        id::{CustomerId, FlowId},
        phone::Phone,
        pin::Pin,
        source::{At, Reader, Source},
    },
};

/// A file's name and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub text: String,
}

/// What the shell lends: files and secrets that declarations name, and chance. The first argument of
/// both is the file that holds the reference; errors say `what: mend`.
pub struct Outside<'a> {
    /// The value of `env:NAME` or `file:PATH`.
    pub secret: &'a dyn Fn(&str, &str) -> Result<String, String>,
    /// The text of a file.
    pub file: &'a dyn Fn(&str, &str) -> Result<String, String>,
    /// A fresh salt, made by `pins::salt`.
    pub salt: &'a dyn Fn() -> String,
    /// Numbers at carriers that run no flow.
    pub numbers_without_flow: &'a BTreeSet<Phone>,
}

/// What a set of files declares.
pub struct Gathered {
    /// Only the things of the files; revision and flows' versions mean nothing here.
    pub directory: Directory,
    pub org: Option<OrgDocument>,
    pub limits: Option<LimitsDocument>,
    /// In the clear, by the contact's place: hashed when it is known which salt the customer has.
    pub pins: BTreeMap<(CustomerId, usize), Pin>,
    pub flows: BTreeMap<FlowId, ReadFlow>,
    /// Flows that have faults of their own: nobody is blamed for naming them.
    pub broken_flows: BTreeSet<FlowId>,
    pub places: Places,
    pub faults: Vec<Fault>,
}

pub struct ReadFlow {
    pub file: File,
    pub flow: ivr::Flow,
}

pub fn read(files: Vec<File>, outside: &Outside) -> Gathered {
    let mut gathered = Gathered::nothing();
    for file in files {
        gathered.file(file, outside);
    }
    gathered
}

impl Gathered {
    /// What no files at all declare.
    pub fn nothing() -> Self {
        Self {
            directory: Directory::empty(),
            org: None,
            limits: None,
            pins: BTreeMap::new(),
            flows: BTreeMap::new(),
            broken_flows: BTreeSet::new(),
            places: Places::default(),
            faults: Vec::new(),
        }
    }

    /// Hotlines are left that run one of these flows, or cannot say which.
    pub fn pass_over_hotlines_of_other_flows(&mut self) {
        let Self { directory, flows, broken_flows, .. } = self;
        directory.hotlines.retain(|_, hotline| {
            let flow = &hotline.flow;
            flows.contains_key(flow) || broken_flows.contains(flow) || flow.as_str() == STAND_IN
        });
    }

    fn file(&mut self, file: File, outside: &Outside) {
        let source = Source::new(&file.name, &file.text);
        // It may be a flow, of which that cannot be seen.
        if let Some(document) = source.parse_with(ivr::meaning_of_twice) {
            let root = source.root(document.as_table());
            if root.has("steps") {
                return self.flow(file, &document);
            }
            self.sections(&root, outside);
            root.finish();
        }
        self.faults.extend(source.into_faults());
    }

    fn flow(&mut self, file: File, document: &toml_edit::Document<String>) {
        match ivr::parse(&file.name, &file.text) {
            Ok(flow) => match self.flows.get(&flow.id) {
                Some(first) => self.faults.push(Fault {
                    what: format!("flow `{}` is there twice", flow.id),
                    mend: format!("give it an id of its own: {} has it already", first.file.name),
                    file: file.name,
                    line: 1,
                    column: 1,
                }),
                None => {
                    self.flows.insert(flow.id.clone(), ReadFlow { file, flow });
                }
            },
            Err(faults) => {
                self.faults.extend(faults);
                let id = document.get("id").and_then(toml_edit::Item::as_str).and_then(|id| id.parse().ok());
                self.broken_flows.extend(id);
            }
        }
    }

    fn sections(&mut self, root: &Reader, outside: &Outside) {
        let directory = &mut self.directory;
        let places = &mut self.places;
        for entry in root.tables("people", "people entry") {
            if let Some(person) = people::read(&entry, outside)
                && places.claim(Kind::Person, person.id.as_str(), &entry)
            {
                directory.people.insert(person.id.clone(), person);
            }
            entry.finish();
        }
        for entry in root.tables("schedules", "schedules entry") {
            if let Some(schedule) = schedules::read(&entry)
                && places.claim(Kind::Schedule, schedule.id.as_str(), &entry)
            {
                directory.schedules.insert(schedule.id.clone(), schedule);
            }
            entry.finish();
        }
        for entry in root.tables("policies", "policies entry") {
            if let Some(policy) = policies::read(&entry)
                && places.claim(Kind::Policy, policy.id.as_str(), &entry)
            {
                directory.policies.insert(policy.id.clone(), policy);
            }
            entry.finish();
        }
        for entry in root.tables("calendars", "calendars entry") {
            if let Some(calendar) = calendars::read(&entry, outside)
                && places.claim(Kind::Calendar, calendar.id.as_str(), &entry)
            {
                directory.calendars.insert(calendar.id.clone(), calendar);
            }
            entry.finish();
        }
        self.customers(root, outside);
        self.contracts(root, outside);
        self.org(root);
    }

    fn customers(&mut self, root: &Reader, outside: &Outside) {
        for entry in root.tables("customers", "customers entry") {
            if let Some((customer, pins)) = customers::read(&entry, outside)
                && self.places.claim(Kind::Customer, customer.id.as_str(), &entry)
            {
                self.pins.extend(pins.into_iter().map(|(index, pin)| ((customer.id.clone(), index), pin)));
                self.directory.customers.insert(customer.id.clone(), customer);
            }
            entry.finish();
        }
    }

    fn contracts(&mut self, root: &Reader, outside: &Outside) {
        let directory = &mut self.directory;
        for entry in root.tables("contracts", "contracts entry") {
            if let Some(contract) = contracts::read(&entry)
                && self.places.claim(Kind::Contract, contract.id.as_str(), &entry)
            {
                directory.contracts.insert(contract.id.clone(), contract);
            }
            entry.finish();
        }
        for entry in root.tables("hotlines", "hotlines entry") {
            if let Some(hotline) = contracts::hotline(&entry)
                && self.places.claim(Kind::Hotline, hotline.number.as_str(), &entry)
            {
                directory.hotlines.insert(hotline.number.clone(), hotline);
            }
            entry.finish();
        }
        for entry in root.tables("integrations", "integrations entry") {
            if let Some(integration) = contracts::integration(&entry, outside)
                && self.places.claim(Kind::Integration, integration.id.as_str(), &entry)
            {
                directory.integrations.insert(integration.id.clone(), integration);
            }
            entry.finish();
        }
    }

    fn org(&mut self, root: &Reader) {
        if let Some(entry) = root.table("org", "[org]") {
            let org = org::org(&entry);
            if self.places.claim(Kind::Org, super::document::ONLY, &entry) {
                self.org = Some(org);
            }
            entry.finish();
        }
        if let Some(entry) = root.table("limits", "[limits]") {
            let limits = org::limits(&entry);
            if self.places.claim(Kind::Limits, super::document::ONLY, &entry) {
                self.limits = Some(limits);
            }
            entry.finish();
        }
    }
}

/// Stands where an id could not be read; nobody looks for it.
pub const STAND_IN: &str = "-";

/// Longer names help nobody who hears them.
const NAME_MAX: usize = 120;

/// A name that people hear and read: without it, the id speaks.
fn name(entry: &Reader, id: Option<&str>) -> String {
    match entry.string("name") {
        None => id.unwrap_or_default().to_owned(),
        Some(At { value, .. })
            if !value.trim().is_empty()
                && value.chars().count() <= NAME_MAX
                && !value.chars().any(char::is_control) =>
        {
            value
        }
        Some(At { value, span }) => {
            let mend = format!("write 1 to {NAME_MAX} characters on one line");
            entry.source().fault(span, "this is no name", mend);
            value
        }
    }
}

/// A list of words of one type, each with its place; what cannot be read is left out.
fn parsed_list<'a, T, E: std::fmt::Display>(
    entry: &Reader<'a>,
    key: &'a str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<Vec<At<T>>> {
    let texts = entry.strings(key)?;
    Some(texts.into_iter().filter_map(|text| entry.parse_at(text, &parse)).collect())
}

/// Notes what stands in a list twice.
fn no_twins<T: PartialEq + std::fmt::Display>(entry: &Reader, list: &[At<T>]) {
    for (index, item) in list.iter().enumerate() {
        if list[..index].iter().any(|earlier| earlier.value == item.value) {
            entry.source().fault(item.span.clone(), format!("`{}` is there twice", item.value), "name it once");
        }
    }
}
