//! Whether a `connect` could ever ring anybody: a policy or schedule whose people have no number for voice
//! leaves every caller waiting in vain.

use super::Directory;
use crate::{
    escalation::Target,
    ivr::{
        ConnectTo, Flow,
        reaches::{Reached, connects},
    },
    model::{
        contract::Hotline,
        id::{FlowId, PersonId},
        phone::Phone,
    },
    oncall::Roster,
};

/// The steps that reach nobody: of the hotline's flow, or of one that it calls; the step, and what is wrong.
pub fn nobody_to_ring(directory: &Directory, hotline: &Hotline, flow: &Flow) -> Vec<(Reached, String)> {
    let given = |id: &FlowId| directory.flows.get(id).map(|in_use| in_use.flow.as_ref());
    let mut found = Vec::new();
    for reached in connects(flow, &given) {
        let what = match &reached.to {
            ConnectTo::Person(id) => (!can_ring(directory, id)).then(|| format!("{id} has no number that can be rung")),
            ConnectTo::Schedule(id) => {
                let target = Target::Schedule(id.clone());
                (!reaches(directory, &target))
                    .then(|| format!("nobody of schedule `{id}` has a number that can be rung"))
            }
            ConnectTo::Policy => of_contracts(directory, hotline, &reached),
        };
        found.extend(what.map(|what| (reached, what)));
    }
    found
}

/// A priority that nobody comes there with may well have a policy of emails.
fn of_contracts(directory: &Directory, hotline: &Hotline, reached: &Reached) -> Option<String> {
    let contracts = hotline.contracts.iter().filter_map(|id| directory.contracts.get(id));
    contracts.into_iter().find_map(|contract| {
        reached.priorities.iter().find_map(|priority| {
            let policy = directory.policies.get(&contract.target(*priority)?.policy)?;
            let mut targets = policy.levels.iter().flat_map(|level| &level.notify);
            (!targets.any(|target| reaches(directory, target))).then(|| {
                let (contract, policy) = (&contract.id, &policy.id);
                format!("nobody in policy `{policy}`, which contract `{contract}` has for {priority}, has a number that can be rung")
            })
        })
    })
}

fn reaches(directory: &Directory, target: &Target) -> bool {
    match target {
        Target::Person(person) => can_ring(directory, person),
        Target::Schedule(id) => directory.schedules.get(id).is_none_or(|schedule| {
            let mut people = schedule.rosters().flat_map(Roster::people);
            people.any(|person| can_ring(directory, person))
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
