//! Whether a `connect` could ever ring anybody: a policy or schedule whose people have no number for voice
//! leaves every caller waiting in vain.

use super::Directory;
use crate::{
    escalation::Target,
    ivr::{ConnectTo, Flow, Kind},
    model::{contract::Hotline, id::PersonId, phone::Phone},
};

/// The steps of a flow that reach nobody: the step, and what is wrong.
pub fn nobody_to_ring(directory: &Directory, hotline: &Hotline, flow: &Flow) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (_, step) in flow.steps() {
        let Kind::Connect(connect) = &step.kind else { continue };
        let what = match &connect.to {
            ConnectTo::Person(id) => (!can_ring(directory, id)).then(|| format!("{id} has no number that can be rung")),
            ConnectTo::Schedule(id) => {
                let target = Target::Schedule(id.clone());
                (!reaches(directory, &target))
                    .then(|| format!("nobody of schedule `{id}` has a number that can be rung"))
            }
            ConnectTo::Policy => of_contracts(directory, hotline),
        };
        found.extend(what.map(|what| (step.name.clone(), what)));
    }
    found
}

/// A priority that nobody phones with may well have a policy of emails: one that rings is enough.
fn of_contracts(directory: &Directory, hotline: &Hotline) -> Option<String> {
    let contracts = hotline.contracts.iter().filter_map(|id| directory.contracts.get(id));
    let silent = contracts.into_iter().find(|contract| {
        let mut policies = contract.priorities.values().filter_map(|target| directory.policies.get(&target.policy));
        let known = policies.clone().next().is_some();
        known
            && !policies.any(|policy| {
                policy.levels.iter().flat_map(|level| &level.notify).any(|target| reaches(directory, target))
            })
    })?;
    Some(format!("nobody in the policies of contract `{}` has a number that can be rung", silent.id))
}

fn reaches(directory: &Directory, target: &Target) -> bool {
    match target {
        Target::Person(person) => can_ring(directory, person),
        Target::Schedule(id) => directory.schedules.get(id).is_none_or(|schedule| {
            let layers = schedule.layers.iter().flat_map(|layer| &layer.people);
            let overrides = schedule.overrides.iter().map(|replaced| &replaced.person);
            layers.chain(overrides).any(|person| can_ring(directory, person))
        }),
    }
}

fn can_ring(directory: &Directory, person: &PersonId) -> bool {
    let countries = directory.countries();
    let rings = |phone: &Phone| countries.contains(phone.country_code());
    // What there is not, and a person without any contact method, are told elsewhere.
    directory
        .people
        .get(person)
        .is_none_or(|person| person.methods.is_empty() || person.voice().is_some_and(|(_, phone)| rings(phone)))
}
