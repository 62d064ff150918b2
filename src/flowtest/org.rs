//! The world of a test call: the fixture's declarations with the flow under test, read and checked by the
//! same code as `pikett apply`.

use crate::{
    declare::{Directory, Documents, File, FlowSource, Flows, Outside, directory_from, org::Defaults, pins, plan},
    model::fault::Fault,
};

/// Everything that these files declare, or all that is wrong with them. PINs get one fixed salt: they are
/// kept nowhere.
pub fn directory_of(
    files: Vec<File>,
    secret: &dyn Fn(&str, &str) -> Result<String, String>,
    file: &dyn Fn(&str, &str) -> Result<String, String>,
) -> Result<Directory, Vec<Fault>> {
    let outside = Outside { secret, file, salt: &|| pins::salt(b"of scripted call") };
    let plan = plan(&Documents::default(), &[], files, &outside, Flows::PutIntoForce)?;
    let flows =
        plan.flows.iter().map(|flow| FlowSource { id: &flow.id, version: 1, file: &flow.file, source: &flow.source });
    let assembled = directory_from(&plan.documents, flows, &Defaults::default(), 1);
    if assembled.faults.is_empty() { Ok(assembled.directory) } else { Err(assembled.faults) }
}
