//! What the declarations mean for a call at an instant: its contracts as the flow sees them, whom a
//! `connect` rings, who hears of the MSP's own matters. Pure: the hotline asks for callers of flesh and
//! blood, the test calls of a flow for scripted ones.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::Directory;
use crate::{
    escalation::{
        Level, Policy, Target,
        connect::{Candidate, End, GaveUp, Plan},
    },
    ivr::{self, Attestation, ConnectEnd, ConnectTo, ContractFacts, Facts, Money, SlaFacts},
    model::{
        Instant,
        contract::{self, Contract, Coverage, Hotline},
        id::{ContractId, PersonId, PolicyId},
        language::Language,
        phone::Phone,
        priority::Priority,
    },
    sla::coverage,
};

/// How long the fallback of a contract's policy has before it is told again.
const ACK_WITHIN: TimeDelta = TimeDelta::minutes(10);
/// A phone that rings for less is answered by nobody.
const RING_MIN_S: u32 = 5;

/// Who phones which hotline.
#[derive(Debug, Clone)]
pub struct Line {
    pub hotline: Hotline,
    pub caller: Option<Phone>,
    pub attestation: Attestation,
    /// Reserved, should the turn raise the call's alert.
    pub next_alert: i64,
}

/// The country codes that may be phoned and texted.
pub fn countries(directory: &Directory) -> BTreeSet<String> {
    directory.countries().into_iter().map(str::to_owned).collect()
}

/// All that a turn may know, but for open incidents. `language` is what this number chose on an earlier call.
pub fn facts(directory: &Directory, line: &Line, language: Option<Language>, money: Money, now: Instant) -> Facts {
    let known = |id: &ContractId| directory.contracts.get(id);
    let contracts = line.hotline.contracts.iter().filter_map(known);
    let calendars = directory.calendars.iter();
    Facts {
        now,
        org_name: directory.org_name.clone(),
        hotline: line.hotline.number.clone(),
        vars: line.hotline.vars.clone(),
        contracts: contracts.map(|contract| contract_facts(directory, line, contract, now)).collect(),
        calendars: calendars.map(|(id, calendar)| (id.clone(), coverage::state_of(calendar, now))).collect(),
        caller: line.caller.clone(),
        attestation: line.attestation,
        language,
        pin: None,
        lookup: None,
        next_alert: line.next_alert,
        queue_position: None,
        money,
        incidents: Vec::new(),
    }
}

fn contract_facts(directory: &Directory, line: &Line, contract: &Contract, now: Instant) -> ContractFacts {
    let customer = directory.customers.get(&contract.customer);
    let zone = match &contract.coverage {
        Coverage::Calendar(id) => directory.calendars.get(id).map(|calendar| calendar.zone),
        Coverage::Always => None,
    };
    let any_zone = || directory.schedules.values().next().map(|schedule| schedule.zone);
    let sla = |target: &contract::Target| SlaFacts { response: target.response, resolution: target.resolution };
    ContractFacts {
        id: contract.id.clone(),
        customer: contract.customer.clone(),
        customer_name: customer.map_or_else(|| contract.customer.to_string(), |customer| customer.name.clone()),
        customer_number: customer.and_then(|customer| customer.number.clone()),
        zone: zone.or_else(any_zone).unwrap_or(chrono_tz::UTC),
        coverage: coverage::state(&contract.coverage, &directory.calendars, now),
        priorities: contract.priorities.iter().map(|(priority, target)| (*priority, sla(target))).collect(),
        contacts: customer.map_or_else(BTreeMap::new, |customer| {
            customer.contacts.iter().map(|contact| (contact.id.clone(), contact.name.clone())).collect()
        }),
        known: line
            .caller
            .as_ref()
            .and_then(|caller| directory.contact_with_phone(&contract.id, caller))
            .map(|contact| contact.id.clone()),
    }
}

/// The contract's policy for this priority.
pub fn policy_of(directory: &Directory, contract: Option<&ContractId>, priority: Priority) -> Option<PolicyId> {
    let contract = directory.contracts.get(contract?)?;
    contract.target(priority).map(|target| target.policy.clone())
}

/// Whom the MSP's own matters go to: the org's policy, else the fallback of the policy concerned, else
/// any policy's fallback, else any policy. `None`: no policy is declared.
pub fn msp_policy(directory: &Directory, hint: Option<&PolicyId>) -> Option<Policy> {
    let named = |id: &PolicyId| directory.policies.get(id);
    if let Some(own) = directory.org_policy.as_ref().and_then(named) {
        return Some(own.clone());
    }
    let mut candidates = hint.and_then(named).into_iter().chain(directory.policies.values());
    match candidates.find(|policy| !policy.fallback.is_empty()) {
        Some(policy) => Some(Policy {
            id: policy.id.clone(),
            levels: vec![Level { notify: policy.fallback.clone(), ack_within: ACK_WITHIN }],
            repeat: 0,
            fallback: policy.fallback.clone(),
        }),
        None => hint.and_then(named).or_else(|| directory.policies.values().next()).cloned(),
    }
}

/// What a `connect` sets out to do, begun at this instant.
pub fn connect_plan(directory: &Directory, connect: &ivr::Connect, now: Instant) -> Plan {
    Plan {
        levels: levels(directory, connect),
        first_level: 0,
        ring: TimeDelta::seconds(connect.ring_s.max(RING_MIN_S).into()),
        at_once: connect.at_once,
        prefer_language: connect.prefer_language.is_some(),
        max_wait: TimeDelta::seconds(connect.max_wait_s.max(1).into()),
        started_at: now,
    }
}

fn levels(directory: &Directory, connect: &ivr::Connect) -> Vec<Vec<Target>> {
    match &connect.to {
        ConnectTo::Schedule(id) => vec![vec![Target::Schedule(id.clone())]],
        ConnectTo::Person(id) => vec![vec![Target::Person(id.clone())]],
        ConnectTo::Policy => {
            let named = policy_of(directory, connect.contract.as_ref(), connect.priority)
                .and_then(|id| directory.policies.get(&id).cloned())
                .or_else(|| msp_policy(directory, None));
            named.map_or_else(Vec::new, |policy| policy.levels.into_iter().map(|level| level.notify).collect())
        }
    }
}

/// Who could be rung for a target at this instant, for a caller who speaks `language`.
pub fn candidates(
    directory: &Directory,
    target: &Target,
    busy: &BTreeSet<PersonId>,
    language: Option<&Language>,
    now: Instant,
) -> Vec<Candidate> {
    let named: Vec<(PersonId, String)> = match target {
        Target::Person(id) => vec![(id.clone(), "named by the policy".to_owned())],
        Target::Schedule(id) => {
            let on_call = directory.on_call(id, now).people.into_iter();
            on_call.map(|duty| (duty.person, format!("on call by {}", duty.why))).collect()
        }
    };
    let countries = directory.countries();
    let candidate = |(id, why): (PersonId, String)| {
        let person = directory.people.get(&id)?;
        let phone = person.voice().map(|(_, phone)| phone);
        Some(Candidate {
            phone: phone.filter(|phone| countries.contains(phone.country_code())).cloned(),
            speaks_language: language.is_some_and(|spoken| spoken.primary() == person.language.primary()),
            busy_elsewhere: busy.contains(&id),
            person: id,
            why,
        })
    };
    named.into_iter().filter_map(candidate).collect()
}

/// What the flow hears of a connect that ended without a talk and without the caller's `*`.
pub fn connect_end(end: Option<End>) -> ConnectEnd {
    match end {
        Some(End::GaveUp(GaveUp::NobodyOnCall | GaveUp::NobodyReachable)) => ConnectEnd::NobodyOnCall,
        Some(End::GaveUp(GaveUp::NobodyAnswered | GaveUp::WaitOver)) => ConnectEnd::Nobody,
        // Neither we nor the caller wanted to leave.
        Some(End::Connected) | None => ConnectEnd::Failed,
    }
}
