//! `pikett flow graph`: the picture of a flow, with what its test calls have walked.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::calls::{Stage, called_beside, test_of};
use crate::{
    cli::{Common, Failure, Verdict, say},
    ivr::{
        self,
        draw::{Marks, svg},
        patience,
    },
    model::id::FlowId,
};

/// Draw a flow as SVG
#[derive(Debug, Args)]
#[command(after_help = "\
Steps that no path leads to and missing exits are red; exits that a test call takes are green. \
The exit code is 1 when the flow has faults, which stand on standard error; what can be drawn is drawn all the same.

Example:
  pikett flow graph ivr-flows/sla-hotline.toml -o sla-hotline.svg")]
pub struct Arguments {
    /// The flow
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write the picture [default: standard output]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

pub fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    common.speak()?;
    let name = arguments.file.display().to_string();
    let text = fs::read_to_string(&arguments.file).map_err(|error| Failure::of(format!("read {name}"), error))?;
    let (flow, sketch) = ivr::parse_and_sketch(&name, &text);
    let mut marks = Marks::default();
    if let Ok(flow) = &flow {
        marks.notes = notes(&arguments.file, flow);
        marks.taken = taken(&arguments.file);
    }
    let picture = svg(&sketch, &marks);
    match &arguments.output {
        Some(path) => {
            fs::write(path, picture).map_err(|error| Failure::of(format!("write {}", path.display()), error))?;
        }
        None => say(picture.trim_end()),
    }
    match flow {
        Ok(_) => Ok(Verdict::Sound),
        Err(faults) => Err(Failure::Faults(faults)),
    }
}

/// The longest wait, beside each step that reaches a human or calls a flow that does; and which called flow
/// is not beside this one, so that nobody knows how long it takes.
fn notes(path: &Path, flow: &ivr::Flow) -> BTreeMap<String, String> {
    let called = called_beside(path, flow);
    let given = |id: &FlowId| called.get(id);
    let ways = patience::ways(flow, &given);
    let longest = patience::longest(&ways).into_iter();
    let mut notes: BTreeMap<_, _> =
        longest.map(|(step, seconds)| (step, format!("longest wait: {seconds} s"))).collect();
    for (_, step) in flow.steps() {
        if let ivr::Kind::Flow { flow: id, .. } = &step.kind
            && ways.unknown.contains(id)
        {
            notes.insert(step.name.clone(), format!("{id} is not beside: not counted"));
        }
    }
    notes
}

/// `None`: the flow has no test calls, or they could not be played.
fn taken(flow: &Path) -> Option<BTreeSet<usize>> {
    let test = test_of(flow);
    let tested = test.exists().then(|| Stage::default().play(&test))?;
    let calls = !tested.calls.is_empty();
    calls.then(|| tested.calls.iter().flat_map(|(_, played)| played.taken.iter().copied()).collect())
}
