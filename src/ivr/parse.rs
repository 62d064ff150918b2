//! Reads a flow file. All faults at once, each with its place and its mend.

use super::flow::Flow;
use crate::model::{fault::Fault, source::Source};

/// Reads and checks a flow.
pub fn parse(file: &str, text: &str) -> Result<Flow, Vec<Fault>> {
    let source = Source::new(file, text);
    if source.parse().is_some() {
        source.fault(None, "flows cannot be read yet", "");
    }
    Err(source.into_faults())
}
