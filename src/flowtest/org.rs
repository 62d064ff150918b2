//! The world of a test call: the fixture's declarations with the flow under test, read and checked by the
//! same code as `pikett apply`.

use std::collections::BTreeSet;

use super::TestCall;
use crate::{
    declare::{Directory, Documents, File, FlowSource, Flows, Outside, directory_from, org::Defaults, pins, plan},
    ivr::Flow,
    model::{contract::Hotline, fault::Fault},
};

/// Everything that these files declare, or all that is wrong with them. Hotlines that run none of these flows are
/// passed over, so that a flow can be tested without its neighbours. PINs get one fixed salt: they are
/// kept nowhere.
pub fn directory_of(
    files: Vec<File>,
    secret: &dyn Fn(&str, &str) -> Result<String, String>,
    file: &dyn Fn(&str, &str) -> Result<String, String>,
) -> Result<Directory, Vec<Fault>> {
    // Scripts are played over no carrier.
    let numbers_without_flow = &BTreeSet::new();
    let outside = Outside { secret, file, salt: &|| pins::salt(b"of scripted call"), numbers_without_flow };
    let plan = plan(&Documents::default(), &[], files, &outside, Flows::Rehearse)?;
    let flows =
        plan.flows.iter().map(|flow| FlowSource { id: &flow.id, version: 1, file: &flow.file, source: &flow.source });
    let assembled = directory_from(&plan.documents, flows, &Defaults::default(), 1);
    if assembled.faults.is_empty() { Ok(assembled.directory) } else { Err(assembled.faults) }
}

/// The hotline that the call names, or the only one that runs this flow; else what is wrong, and the mend.
pub fn hotline_of<'a>(
    directory: &'a Directory,
    flow: &Flow,
    call: &TestCall,
) -> Result<&'a Hotline, (String, &'static str)> {
    let of_flow = |hotline: &&Hotline| hotline.flow == flow.id;
    let org = &call.org.value;
    let Some(to) = &call.to else {
        let mut hotlines = directory.hotlines.values().filter(of_flow);
        return match (hotlines.next(), hotlines.next()) {
            (Some(hotline), None) => Ok(hotline),
            (None, _) => Err((format!("{org} has no hotline that runs flow `{}`", flow.id), "declare one there")),
            (Some(_), Some(_)) => {
                Err((format!("{org} has several hotlines that run flow `{}`", flow.id), "say which: add `to = \"…\"`"))
            }
        };
    };
    match directory.hotline(&to.value) {
        Some(hotline) if of_flow(&hotline) => Ok(hotline),
        Some(hotline) => Err((
            format!("hotline {} runs flow `{}`, not `{}`", to.value, hotline.flow, flow.id),
            "phone one that runs the flow beside this test",
        )),
        None => Err((
            format!("{org} has no hotline {} that runs flow `{}`", to.value, flow.id),
            "declare it there, or phone one that there is",
        )),
    }
}
