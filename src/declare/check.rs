//! What shows only when everything is known: names of things that there are not, numbers and keys
//! twice, hotlines that do not fit their flow. Judges the whole, stored and new together.

mod schedules;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use super::{
    Directory, calls, contacts,
    document::Kind,
    fit,
    reach::nobody_to_ring,
    read::{Gathered, STAND_IN},
    spare,
};
use crate::{
    escalation::Target,
    ivr::{self, reaches::Reached},
    model::{
        contract::{Coverage, Hotline, IntegrationTarget},
        fault::{Fault, did_you_mean},
        person::Person,
        phone::Phone,
    },
};

/// `whole` is what there would be after the apply; `files` what is being applied, for its places.
pub fn check(whole: &Directory, files: &Gathered) -> Vec<Fault> {
    let mut check = Check { whole, files, faults: Vec::new() };
    check.schedules();
    check.absences();
    check.policies();
    check.contracts();
    check.hotlines();
    check.integrations();
    check.org();
    check.flows();
    check.people_share_no_number();
    check.customers_share_no_number();
    check.faults
}

/// Hotlines whose calls come in where no flow can answer them.
pub fn hotlines_without_flow(whole: &Directory, files: &Gathered, numbers: &BTreeSet<Phone>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for hotline in whole.hotlines.values() {
        for (place, number) in std::iter::once(&hotline.number).chain(&hotline.also).enumerate() {
            if numbers.contains(number) {
                let path = if hotline.also.is_empty() { "number".to_owned() } else { format!("numbers.{place}") };
                let what = format!("{number} is a number at sipgate, which can run no flow");
                let mend =
                    "give the hotline a number at another carrier, and name that as `forward_to` of [[carriers]]";
                faults.push(files.places.fault(Kind::Hotline, hotline.number.as_str(), &path, what, mend));
            }
        }
    }
    faults
}

struct Check<'a> {
    whole: &'a Directory,
    files: &'a Gathered,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, kind: Kind, id: &str, path: &str, what: impl Into<String>, mend: impl Into<String>) {
        self.faults.push(self.files.places.fault(kind, id, path, what, mend));
    }

    /// Notes a name of a thing that there is not.
    fn names<K: Display + Ord, T>(
        &mut self,
        (kind, id, path): (Kind, &str, &str),
        word: &str,
        given: &K,
        known: &BTreeMap<K, T>,
    ) {
        let given_text = given.to_string();
        if known.contains_key(given) || given_text == STAND_IN {
            return;
        }
        let (what, mend) = unknown(word, &given_text, known.keys());
        self.fault(kind, id, path, what, mend);
    }

    fn policies(&mut self) {
        let whole = self.whole;
        for policy in whole.policies.values() {
            let levels = policy.levels.iter().enumerate();
            let told = levels.flat_map(|(level, of)| {
                of.notify
                    .iter()
                    .enumerate()
                    .map(move |(place, target)| (format!("levels.{level}.notify.{place}"), target))
            });
            let fallback = policy.fallback.iter().enumerate();
            let fallback = fallback.map(|(place, target)| (format!("fallback.{place}"), target));
            for (path, target) in told.chain(fallback) {
                let at = (Kind::Policy, policy.id.as_str(), path.as_str());
                match target {
                    Target::Person(person) => self.names(at, "person", person, &whole.people),
                    Target::Schedule(schedule) => self.names(at, "schedule", schedule, &whole.schedules),
                }
            }
        }
    }

    fn contracts(&mut self) {
        let whole = self.whole;
        for contract in whole.contracts.values() {
            let id = contract.id.as_str();
            self.names((Kind::Contract, id, "customer"), "customer", &contract.customer, &whole.customers);
            if let Coverage::Calendar(calendar) = &contract.coverage {
                self.names((Kind::Contract, id, "coverage"), "calendar", calendar, &whole.calendars);
            }
            for (priority, target) in &contract.priorities {
                let path = format!("priorities.{priority}.policy");
                self.names((Kind::Contract, id, &path), "policy", &target.policy, &whole.policies);
            }
        }
    }

    fn hotlines(&mut self) {
        let whole = self.whole;
        for hotline in whole.hotlines.values() {
            let id = hotline.number.as_str();
            for (place, contract) in hotline.contracts.iter().enumerate() {
                // One that was named alone stands under `contract`.
                let path =
                    if hotline.contracts.len() == 1 { "contract".to_owned() } else { format!("contracts.{place}") };
                self.names((Kind::Hotline, id, &path), "contract", contract, &whole.contracts);
            }
            self.numbers_of(hotline);
            if hotline.contracts.len() > 1 {
                self.shared(hotline);
            }
            self.flow_of(hotline);
            for (place, what, mend) in spare::faults(hotline, whole) {
                self.fault(Kind::Hotline, id, &format!("spare.{place}"), what, mend);
            }
        }
    }

    fn numbers_of(&mut self, hotline: &Hotline) {
        let (whole, id) = (self.whole, hotline.number.as_str());
        for (place, number) in std::iter::once(&hotline.number).chain(&hotline.also).enumerate() {
            let path = if hotline.also.is_empty() { "number".to_owned() } else { format!("numbers.{place}") };
            if let Some(person) = whole.person_with_phone(number) {
                let what = format!("the hotline's number is also a phone of {}", person.id);
                self.fault(Kind::Hotline, id, &path, what, "a hotline has a number of its own");
            }
            let others = whole.hotlines.values().filter(|other| other.number != hotline.number);
            if let Some(other) = others.into_iter().find(|other| place > 0 && other.answers(number)) {
                let what = format!("{number} is a number of hotline {} as well", other.number);
                self.fault(Kind::Hotline, id, &path, what, "a number belongs to one hotline");
            }
        }
    }

    /// A number that several contracts share asks for the customer number first.
    fn shared(&mut self, hotline: &Hotline) {
        let whole = self.whole;
        let id = hotline.number.as_str();
        let mut seen = BTreeSet::new();
        for (place, contract) in hotline.contracts.iter().enumerate() {
            let Some(customer) = whole.customer_of(contract) else { continue };
            let path = format!("contracts.{place}");
            if customer.number.is_none() {
                let what = format!(
                    "customer `{}` has no `number`, by which callers of a shared hotline say who they are",
                    customer.id
                );
                self.fault(
                    Kind::Hotline,
                    id,
                    &path,
                    what,
                    format!("add `number = \"…\"` to customer `{}`", customer.id),
                );
            }
            if !seen.insert(&customer.id) {
                let what = format!(
                    "two contracts of customer `{}` share this hotline: nobody could tell which is meant",
                    customer.id
                );
                self.fault(Kind::Hotline, id, &path, what, "give one of them a hotline of its own");
            }
        }
        for shared in contacts::twice(whole, hotline) {
            let other = self.files.places.told(Kind::Customer, shared.other.0.as_str(), &shared.other.1);
            let what = format!(
                "`{}` is also a number of a contact of customer `{}` ({other}), and both share hotline {id}: nobody \
                 could tell who calls",
                shared.phone, shared.other.0
            );
            let mend = "give one of them another number, or one of the contracts a hotline of its own";
            self.fault(Kind::Customer, shared.customer.as_str(), &shared.path, what, mend);
        }
    }

    fn flow_of(&mut self, hotline: &Hotline) {
        let whole = self.whole;
        let id = hotline.number.as_str();
        let Some(in_use) = whole.flows.get(&hotline.flow) else {
            if !self.files.broken_flows.contains(&hotline.flow) {
                self.names((Kind::Hotline, id, "flow"), "flow", &hotline.flow, &whole.flows);
            }
            return;
        };
        for (var, what, mend) in fit::misfits(&hotline.vars, &in_use.flow) {
            self.fault(Kind::Hotline, id, &format!("vars.{var}"), what, mend);
        }
        for (reached, what) in nobody_to_ring(whole, hotline, &in_use.flow) {
            let fault = self.reaches_nobody(hotline, &reached, &what);
            self.faults.push(fault);
        }
    }

    /// At the step, where the flow's file is at hand; else at the hotline.
    fn reaches_nobody(&self, hotline: &Hotline, reached: &Reached, what: &str) -> Fault {
        const MEND: &str = "give one of them a contact of kind \"voice\"";
        let what = format!("step `{}` of flow `{}` reaches nobody: {what}", reached.step, reached.flow);
        let at = self.files.places.fault(Kind::Hotline, hotline.number.as_str(), "flow", what.clone(), MEND);
        let Some(read) = self.files.flows.get(&reached.flow) else { return at };
        let Some(step) = read.flow.find(&reached.step).map(|step| read.flow.step(step)) else { return at };
        let declared = match at.line {
            0 => format!("hotline {}", hotline.number),
            line => format!("hotline {} at {}:{line}:{}", hotline.number, at.file, at.column),
        };
        let (file, what) = (read.file.name.clone(), format!("{what} ({declared})"));
        Fault { file, line: step.line, column: 1, what, mend: MEND.to_owned() }
    }

    fn integrations(&mut self) {
        let whole = self.whole;
        let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
        // What was there before comes first, so that the fault stands where something can be changed.
        let (new, old): (Vec<_>, Vec<_>) = whole
            .integrations
            .values()
            .partition(|integration| self.files.places.has(Kind::Integration, integration.id.as_str()));
        for integration in old.into_iter().chain(new) {
            let id = integration.id.as_str();
            match &integration.target {
                IntegrationTarget::Contract(contract) => {
                    self.names((Kind::Integration, id, "contract"), "contract", contract, &whole.contracts);
                }
                IntegrationTarget::Policy(policy) => {
                    self.names((Kind::Integration, id, "policy"), "policy", policy, &whole.policies);
                }
            }
            if integration.key_sha256.is_empty() {
                continue;
            }
            if let Some(other) = keys.insert(&integration.key_sha256, id) {
                let what = format!("integration `{other}` has the same key");
                self.fault(Kind::Integration, id, "key", what, "give each integration a key of its own");
            }
        }
    }

    fn org(&mut self) {
        let whole = self.whole;
        // A policy that the configuration names is looked for by `pikett check`.
        let declared = self.files.org.as_ref().and_then(|org| org.policy.as_ref());
        if let Some(policy) = declared.and(whole.org_policy.as_ref()) {
            self.names((Kind::Org, super::document::ONLY, "policy"), "policy", policy, &whole.policies);
        }
    }

    /// What steps name outside their flow.
    fn flows(&mut self) {
        for (id, in_use) in &self.whole.flows {
            let stored = "the database".to_owned();
            let file = self.files.flows.get(id).map_or(stored, |flow| flow.file.name.clone());
            for (_, step) in in_use.flow.steps() {
                let calls = calls::faults(&in_use.flow, &step.kind, self.whole, &self.files.broken_flows);
                for (what, mend) in strangers(&step.kind, self.whole).into_iter().chain(calls) {
                    let (line, what) = match self.files.flows.contains_key(id) {
                        true => (step.line, format!("step `{}`: {what}", step.name)),
                        false => (0, format!("flow `{id}`, step `{}`: {what}", step.name)),
                    };
                    self.faults.push(Fault { file: file.clone(), line, column: 1, what, mend });
                }
            }
            if let (Some(what), Some(most)) =
                (calls::too_long(&in_use.flow, self.whole), &in_use.flow.max_seconds_to_human)
            {
                let (line, column, what) = match self.files.flows.contains_key(id) {
                    true => (most.line, most.column, what),
                    false => (0, 0, format!("flow `{id}`: {what}")),
                };
                self.faults.push(Fault { file, line, column, what, mend: ivr::patience::MEND.to_owned() });
            }
        }
    }

    fn people_share_no_number(&mut self) {
        let whole = self.whole;
        let mut owners: BTreeMap<&Phone, &str> = BTreeMap::new();
        let (new, old): (Vec<_>, Vec<_>) =
            whole.people.values().partition(|person| self.files.places.has(Kind::Person, person.id.as_str()));
        for person in old.into_iter().chain(new) {
            let id = person.id.as_str();
            for phone in person.phones().collect::<BTreeSet<_>>() {
                if let Some(other) = owners.insert(phone, id) {
                    let path = place_of(person, phone);
                    let what = format!("`{phone}` is also a number of `{other}`: nobody could tell who answers");
                    self.fault(Kind::Person, id, &path, what, "give each person a number of their own");
                }
            }
        }
    }

    fn customers_share_no_number(&mut self) {
        let whole = self.whole;
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        let (new, old): (Vec<_>, Vec<_>) =
            whole.customers.values().partition(|customer| self.files.places.has(Kind::Customer, customer.id.as_str()));
        for customer in old.into_iter().chain(new) {
            let Some(number) = customer.number.as_deref() else { continue };
            if let Some(other) = owners.insert(number, customer.id.as_str()) {
                let what = format!("customer `{other}` has the number `{number}` too");
                self.fault(
                    Kind::Customer,
                    customer.id.as_str(),
                    "number",
                    what,
                    "give each customer a number of their own",
                );
            }
        }
    }
}

/// Where a person's number stands: methods are kept in the order of the file.
fn place_of(person: &Person, phone: &Phone) -> String {
    let index = person.methods.iter().position(|method| method.address.phone() == Some(phone));
    index.map_or_else(String::new, |index| format!("contact.{index}.to"))
}

/// "there is no policy `glod`", with the nearest that there is.
fn unknown<K: Display>(word: &str, given: &str, known: impl Iterator<Item = K>) -> (String, String) {
    let known: Vec<String> = known.map(|id| id.to_string()).collect();
    let mend = did_you_mean(given, known.iter().map(String::as_str))
        .unwrap_or_else(|| format!("declare it, or name a {word} that there is"));
    (format!("there is no {word} `{given}`"), mend)
}

/// What a step names that there is not: what, and the mend.
fn strangers(step: &ivr::Kind, whole: &Directory) -> Option<(String, String)> {
    fn missing<K: Display + Ord, T>(word: &str, given: &K, known: &BTreeMap<K, T>) -> Option<(String, String)> {
        (!known.contains_key(given)).then(|| unknown(word, &given.to_string(), known.keys()))
    }
    let policy = |alert: &ivr::AlertFields| alert.policy.as_ref().and_then(|id| missing("policy", id, &whole.policies));
    match step {
        ivr::Kind::Hours { calendar, .. } => calendar.as_ref().and_then(|id| missing("calendar", id, &whole.calendars)),
        ivr::Kind::Alert { alert, .. } => policy(alert),
        ivr::Kind::Voicemail(voicemail) => policy(&voicemail.alert),
        ivr::Kind::Connect(connect) => match &connect.to {
            ivr::ConnectTo::Policy => None,
            ivr::ConnectTo::Schedule(id) => missing("schedule", id, &whole.schedules),
            ivr::ConnectTo::Person(id) => missing("person", id, &whole.people),
        },
        ivr::Kind::Say { .. }
        | ivr::Kind::Pause { .. }
        | ivr::Kind::Language { .. }
        | ivr::Kind::Caller(_)
        | ivr::Kind::Pin(_)
        | ivr::Kind::Menu { .. }
        | ivr::Kind::Collect(_)
        | ivr::Kind::Lookup(_)
        | ivr::Kind::Intake(_)
        | ivr::Kind::When { .. }
        | ivr::Kind::Notice(_)
        | ivr::Kind::Callback(_)
        | ivr::Kind::Set { .. }
        | ivr::Kind::Sms { .. }
        | ivr::Kind::Forward(_)
        // What is called is looked at by `calls`.
        | ivr::Kind::Flow { .. }
        | ivr::Kind::Return
        | ivr::Kind::Hangup { .. } => None,
    }
}
