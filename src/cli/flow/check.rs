//! `pikett flow check`: all that is wrong with flows.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use chrono::TimeDelta;
use clap::Args;
use serde_json::{Value, json};

use super::calls;
use crate::{
    cli::{Common, Failure, Verdict, apply::is_passed_over, say, say_json},
    ivr::{self, patience},
    languages,
    model::{duration, fault::Fault, id::FlowId, language::Language},
};

/// Read flows and say all that is wrong with them
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  pikett flow check ivr-flows/*.toml\n  pikett flow check --longest 2m --org msp.toml ivr-flows/sla-hotline.toml"
)]
pub struct Arguments {
    /// Flow files; *.test.toml are passed over
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print every path to a human with its seconds, and refuse those that may take longer
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    longest: Option<TimeDelta>,
    /// Declarations with a hotline of each flow: check that the flows fit them, and that they reach somebody
    #[arg(long, value_name = "FILE")]
    org: Option<PathBuf>,
    /// Print the faults, and the paths to a human, as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    common.speak()?;
    let mut verdict = Verdict::Sound;
    let mut answers = Vec::new();
    let files = arguments.files.iter().filter(|path| !is_passed_over(path));
    let read: Vec<_> = files
        .map(|path| {
            let name = path.display().to_string();
            let flow = read(path).and_then(|text| ivr::parse(&name, &text));
            (name, path, flow)
        })
        .collect();
    let sound = read.iter().filter_map(|(.., flow)| flow.as_ref().ok());
    let given: BTreeMap<&FlowId, &ivr::Flow> = sound.map(|flow| (&flow.id, flow)).collect();
    for (name, path, flow) in &read {
        match flow {
            Ok(flow) => {
                let judged = judge(arguments, name, path, flow, &given);
                if !judged.faults.is_empty() {
                    verdict = Verdict::Wrong;
                }
                if arguments.json {
                    answers.push(as_json(name, flow, &judged));
                } else {
                    tell(arguments, name, flow, &judged);
                }
            }
            Err(faults) => {
                verdict = Verdict::Wrong;
                if arguments.json {
                    answers.push(json!({ "file": name, "faults": faults.iter().map(fault).collect::<Vec<_>>() }));
                } else {
                    faults.iter().for_each(say);
                }
            }
        }
    }
    if arguments.json {
        say_json(&answers.into());
    }
    Ok(verdict)
}

struct Judged {
    ways: patience::Ways,
    faults: Vec<Fault>,
}

/// Called flows are those among the files, else those that come with the declarations.
fn judge(
    arguments: &Arguments,
    name: &str,
    path: &Path,
    flow: &ivr::Flow,
    files: &BTreeMap<&FlowId, &ivr::Flow>,
) -> Judged {
    let among = arguments.org.as_ref().map(|org| calls::among(org, path));
    let (whole, of_org) = match among {
        Some(Ok(directory)) => (Some(directory), Vec::new()),
        Some(Err(faults)) => (None, faults),
        None => (None, Vec::new()),
    };
    let given = |id: &FlowId| {
        let declared = || whole.as_ref()?.flows.get(id).map(|in_use| in_use.flow.as_ref());
        files.get(id).copied().or_else(declared)
    };
    let ways = patience::ways(flow, &given);
    let mut faults = arguments.longest.map_or_else(Vec::new, |most| too_long(name, flow, &ways, most));
    faults.extend(of_org);
    if let (Some(what), Some(most)) = (patience::too_long(flow, &ways), &flow.max_seconds_to_human) {
        let (file, mend) = (name.to_owned(), patience::MEND.to_owned());
        let own = Fault { file, line: most.line, column: most.column, what, mend };
        if !faults.contains(&own) {
            faults.push(own);
        }
    }
    Judged { ways, faults }
}

fn read(path: &Path) -> Result<String, Vec<Fault>> {
    fs::read_to_string(path).map_err(|error| {
        let what = format!("the file could not be read: {error}");
        vec![Fault { file: path.display().to_string(), line: 0, column: 0, what, mend: String::new() }]
    })
}

fn tell(arguments: &Arguments, name: &str, flow: &ivr::Flow, judged: &Judged) {
    if judged.faults.is_empty() {
        say(format_args!("{name}: flow {} is sound, {} steps", flow.id, flow.steps().count()));
    }
    judged.faults.iter().for_each(say);
    hints(flow).iter().for_each(|hint| say(format_args!("{name}: hint: {hint}")));
    if arguments.longest.is_some() || flow.max_seconds_to_human.is_some() {
        for id in &judged.ways.unknown {
            say(format_args!("{name}: how long flow `{id}` takes is not counted: name its file as well, or use --org"));
        }
    }
    if arguments.longest.is_some() {
        let paths = judged.ways.paths.iter();
        paths.for_each(|way| say(format_args!("  {:>4} s  {}", way.seconds, way.steps.join(" → "))));
    }
}

fn as_json(name: &str, flow: &ivr::Flow, judged: &Judged) -> Value {
    json!({
        "file": name,
        "flow": flow.id.as_str(),
        "faults": judged.faults.iter().map(fault).collect::<Vec<_>>(),
        "hints": hints(flow),
        "paths": judged.ways.paths.iter().map(way).collect::<Vec<_>>(),
        "not_counted": judged.ways.unknown.iter().map(FlowId::as_str).collect::<Vec<_>>(),
    })
}

/// What works, and is probably not meant: a language of the flow in which Pikett itself has nothing to say.
pub fn hints(flow: &ivr::Flow) -> Vec<String> {
    let has_words = |language: &Language| languages::spoken().find(language.as_str()).is_some();
    let spare = Some(flow.default_language()).filter(|language| has_words(language)).map_or("en", Language::as_str);
    let silent = flow.languages.iter().filter(|language| !has_words(language));
    let hint = |language: &Language| {
        format!(
            "Pikett has no sentences of its own in `{language}`: what the flow leaves to it is said in `{spare}`; add a \
             file of them to the folder that [server] languages names, and name the configuration with -c"
        )
    };
    silent.map(hint).collect()
}

/// The longest way to each step that reaches a human, where that is too long.
fn too_long(file: &str, flow: &ivr::Flow, ways: &patience::Ways, most: TimeDelta) -> Vec<Fault> {
    let mut told = Vec::new();
    let mut faults = Vec::new();
    for way in ways.paths.iter().filter(|way| i64::from(way.seconds) > most.num_seconds()) {
        let Some(last) = way.steps.last().filter(|last| !told.contains(last)) else { continue };
        told.push(last);
        faults.push(Fault {
            file: file.to_owned(),
            line: flow.find(&way.own).map_or(0, |step| flow.step(step).line),
            column: 1,
            what: format!("it may take {} s until step `{last}` rings a human: {}", way.seconds, way.steps.join(" → ")),
            mend: patience::MEND.to_owned(),
        });
    }
    faults
}

fn way(way: &patience::Path) -> Value {
    json!({ "seconds": way.seconds, "steps": way.steps })
}

pub fn fault(fault: &Fault) -> serde_json::Value {
    json!({ "line": fault.line, "column": fault.column, "what": fault.what, "mend": fault.mend })
}
