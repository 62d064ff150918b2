//! `pikett flow check`: all that is wrong with flows.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use chrono::TimeDelta;
use clap::Args;
use serde_json::{Value, json};

use super::calls;
use crate::{
    cli::{Common, Failure, Verdict, apply::is_passed_over, files, say, say_json},
    declare::{Directory, comes_to},
    ivr::{self, patience},
    languages,
    model::{duration, fault::Fault, id::FlowId, language::Language},
};

/// Ways to a human that are shown where nobody asked for all of them.
const PATHS_SHOWN: usize = 10;

/// Read flows and say all that is wrong with them
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  pikett flow check ivr-flows/*.toml\n  pikett flow check --longest 2m --org msp.toml ivr-flows/sla-hotline.toml"
)]
pub struct Arguments {
    /// Flow files; *.test.toml are passed over
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Refuse paths to a human that may take longer, and print every path, not only the ten longest
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
    let paths: Vec<PathBuf> = arguments.files.iter().filter(|path| !is_passed_over(path)).cloned().collect();
    let read: Vec<_> = paths
        .iter()
        .map(|path| {
            let name = path.display().to_string();
            let text = files::text(path).map_err(|fault| vec![fault]);
            let flow = text.and_then(|text| ivr::parse(&name, &text));
            (name, path, flow)
        })
        .collect();
    let sound = read.iter().filter_map(|(.., flow)| flow.as_ref().ok());
    let given = Given { flows: sound.map(|flow| (&flow.id, flow)).collect(), paths: &paths };
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

/// The files of the command line.
struct Given<'a> {
    flows: BTreeMap<&'a FlowId, &'a ivr::Flow>,
    paths: &'a [PathBuf],
}

struct Judged {
    ways: patience::Ways,
    faults: Vec<Fault>,
    hints: Vec<String>,
}

/// Called flows are those among the files, else those that come with the declarations.
fn judge(arguments: &Arguments, name: &str, path: &Path, flow: &ivr::Flow, given: &Given) -> Judged {
    let among = arguments.org.as_ref().map(|org| (org, calls::among(org, path, given.paths)));
    let mut hints = hints(flow);
    let (whole, of_org) = match among {
        Some((org, Ok(directory))) => {
            hints.extend(nothing_held_against(org, flow, &directory));
            (Some(directory), Vec::new())
        }
        Some((_, Err(faults))) => (None, faults),
        None => (None, Vec::new()),
    };
    let called = |id: &FlowId| {
        let declared = || whole.as_ref()?.flows.get(id).map(|in_use| in_use.flow.as_ref());
        given.flows.get(id).copied().or_else(declared)
    };
    let ways = patience::ways(flow, &called);
    let mut faults = arguments.longest.map_or_else(Vec::new, |most| too_long(name, flow, &ways, most));
    faults.extend(of_org);
    if let (Some(what), Some(most)) = (patience::too_long(flow, &ways), &flow.max_seconds_to_human) {
        let (file, mend) = (name.to_owned(), patience::MEND.to_owned());
        let own = Fault { file, line: most.line, column: most.column, what, mend };
        if !faults.contains(&own) {
            faults.push(own);
        }
    }
    Judged { ways, faults, hints }
}

/// Without a hotline that comes to the flow the declarations say nothing about it, which is easily overlooked.
fn nothing_held_against(org: &Path, flow: &ivr::Flow, directory: &Directory) -> Option<String> {
    (!directory.hotlines.values().any(|hotline| comes_to(hotline, &flow.id, directory))).then(|| {
        format!("{} has no hotline that runs flow `{}`: vars and phones were not looked at", org.display(), flow.id)
    })
}

fn tell(arguments: &Arguments, name: &str, flow: &ivr::Flow, judged: &Judged) {
    if judged.faults.is_empty() {
        say(format_args!("{name}: flow {} is sound, {} steps", flow.id, flow.steps().count()));
    }
    judged.faults.iter().for_each(say);
    judged.hints.iter().for_each(|hint| say(format_args!("{name}: hint: {hint}")));
    for id in &judged.ways.unknown {
        say(format_args!("{name}: how long flow `{id}` takes is not counted: name its file as well, or use --org"));
    }
    let paths = &judged.ways.paths;
    let shown = if arguments.longest.is_some() { paths.len() } else { PATHS_SHOWN.min(paths.len()) };
    for way in &paths[..shown] {
        say(format_args!("  {:>4} s  {}", way.seconds, way.steps.join(" → ")));
    }
    if let Some(next) = paths.get(shown) {
        let more = paths.len() - shown;
        say(format_args!(
            "  and {more} more to a human, none longer than {} s: --longest shows them all",
            next.seconds
        ));
    }
}

fn as_json(name: &str, flow: &ivr::Flow, judged: &Judged) -> Value {
    json!({
        "file": name,
        "flow": flow.id.as_str(),
        "faults": judged.faults.iter().map(fault).collect::<Vec<_>>(),
        "hints": judged.hints,
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
            line: flow.find(&way.own).map_or(1, |step| flow.step(step).line),
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
    json!({
        "file": fault.file, "line": fault.line, "column": fault.column, "what": fault.what, "mend": fault.mend,
    })
}
