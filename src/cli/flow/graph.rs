//! `pikett flow graph`: the picture of a flow, with what its test calls have walked.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::calls::{Stage, called_by, test_of};
use crate::{
    cli::{
        Common, Failure, Verdict,
        apply::is_passed_over,
        files::{fault, text},
        say,
    },
    ivr::{
        self,
        draw::{Marks, svg},
        patience,
    },
    model::{fault::Fault, id::FlowId},
};

/// Draw flows as SVG
#[derive(Debug, Args)]
#[command(after_help = "\
Steps that no path leads to and missing exits are red; exits that a test call takes are green. \
The exit code is 1 when a flow has faults, which stand on standard error; what can be drawn is drawn all the same.

Example:
  pikett flow graph ivr-flows/sla-hotline.toml -o sla-hotline.svg
  pikett flow graph ivr-flows/*.toml -o pictures")]
pub struct Arguments {
    /// The flows; *.test.toml are passed over
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to write the picture, or the folder for those of several flows [default: standard output; for several,
    /// NAME.svg beside NAME.toml]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

pub fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    common.speak()?;
    let files: Vec<PathBuf> = arguments.files.iter().filter(|path| !is_passed_over(path)).cloned().collect();
    let mut faults = Vec::new();
    for (file, into) in files.iter().zip(places(&files, arguments.output.as_deref())?) {
        let (picture, of_flow) = match draw(file, &files) {
            Ok(drawn) => drawn,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        faults.extend(of_flow);
        match into {
            Some(path) => {
                fs::write(&path, picture).map_err(|error| Failure::of(format!("write {}", path.display()), error))?;
            }
            None => say(picture.trim_end()),
        }
    }
    if faults.is_empty() { Ok(Verdict::Sound) } else { Err(Failure::Faults(faults)) }
}

/// Where each picture goes; `None`: to standard output.
fn places(files: &[PathBuf], output: Option<&Path>) -> Result<Vec<Option<PathBuf>>, Failure> {
    let folder = output.filter(|path| files.len() > 1 || path.is_dir());
    let Some(folder) = folder else {
        let beside = |file: &PathBuf| Some(file.with_extension("svg"));
        return Ok(match files.len() {
            0 | 1 => vec![output.map(Path::to_owned); files.len()],
            _ => files.iter().map(beside).collect(),
        });
    };
    fs::create_dir_all(folder).map_err(|error| Failure::of(format!("make the folder {}", folder.display()), error))?;
    let mut places: Vec<Option<PathBuf>> = Vec::new();
    for file in files {
        let place = Some(folder.join(file.with_extension("svg").file_name().unwrap_or_default()));
        if let Some(other) = places.iter().position(|taken| *taken == place) {
            let what = format!("the picture would be written over that of {}", files[other].display());
            return Err(Failure::Faults(vec![fault(file, what, "draw them into different folders")]));
        }
        places.push(place);
    }
    Ok(places)
}

/// The picture, and what is wrong with the flow.
fn draw(file: &Path, given: &[PathBuf]) -> Result<(String, Vec<Fault>), Fault> {
    let text = text(file)?;
    let (flow, sketch) = ivr::parse_and_sketch(&file.display().to_string(), &text);
    let mut marks = Marks::default();
    if let Ok(flow) = &flow {
        marks.notes = notes(file, flow, given);
        marks.taken = taken(file, given);
    }
    Ok((svg(&sketch, &marks), flow.err().unwrap_or_default()))
}

/// The longest wait, beside each step that reaches a human or calls a flow that does; and which called flow
/// is not beside this one, so that nobody knows how long it takes.
fn notes(path: &Path, flow: &ivr::Flow, others: &[PathBuf]) -> BTreeMap<String, String> {
    let called = called_by(path, flow, others);
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
fn taken(flow: &Path, given: &[PathBuf]) -> Option<BTreeSet<usize>> {
    let test = test_of(flow);
    let tested = test.exists().then(|| Stage::with(given).play(&test))?;
    let calls = !tested.calls.is_empty();
    calls.then(|| tested.calls.iter().flat_map(|(_, played)| played.taken.iter().copied()).collect())
}
