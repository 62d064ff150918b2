//! Which exits of a flow no test call has taken.

use std::collections::BTreeSet;

use crate::ivr::Flow;

/// `connect.left`, in the order of the file. `taken` are the places in the file of exits that were taken.
pub fn untested(flow: &Flow, taken: &BTreeSet<usize>) -> Vec<String> {
    let steps = flow.steps().flat_map(|(_, step)| step.kind.exits().into_iter().map(move |exit| (step, exit)));
    let untested = steps.filter(|(_, exit)| exit.to.written_at().is_some_and(|place| !taken.contains(&place)));
    untested.map(|(step, exit)| format!("{}.{}", step.name, exit.label)).collect()
}
