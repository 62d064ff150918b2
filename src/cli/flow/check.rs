//! `pikett flow check`: all that is wrong with flows.

use std::{
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
    model::{duration, fault::Fault, language::Language},
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
    for path in arguments.files.iter().filter(|path| !is_passed_over(path)) {
        let name = path.display().to_string();
        match read(path).and_then(|text| ivr::parse(&name, &text)) {
            Ok(flow) => {
                let ways = patience::paths(&flow);
                let mut faults = arguments.longest.map_or_else(Vec::new, |most| too_long(&name, &flow, &ways, most));
                faults.extend(arguments.org.iter().flat_map(|org| calls::faults_with(org, path)));
                if !faults.is_empty() {
                    verdict = Verdict::Wrong;
                }
                if arguments.json {
                    let faults: Vec<Value> = faults.iter().map(fault).collect();
                    let ways: Vec<Value> = ways.iter().map(way).collect();
                    answers.push(json!({
                        "file": name, "flow": flow.id.as_str(), "faults": faults, "hints": hints(&flow), "paths": ways,
                    }));
                } else {
                    tell(&name, &flow, &faults);
                    if arguments.longest.is_some() {
                        ways.iter()
                            .for_each(|way| say(format_args!("  {:>4} s  {}", way.seconds, way.steps.join(" → "))));
                    }
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

fn read(path: &Path) -> Result<String, Vec<Fault>> {
    fs::read_to_string(path).map_err(|error| {
        let what = format!("the file could not be read: {error}");
        vec![Fault { file: path.display().to_string(), line: 0, column: 0, what, mend: String::new() }]
    })
}

fn tell(name: &str, flow: &ivr::Flow, faults: &[Fault]) {
    if faults.is_empty() {
        say(format_args!("{name}: flow {} is sound, {} steps", flow.id, flow.steps().count()));
    }
    faults.iter().for_each(say);
    hints(flow).iter().for_each(|hint| say(format_args!("{name}: hint: {hint}")));
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
fn too_long(file: &str, flow: &ivr::Flow, ways: &[patience::Path], most: TimeDelta) -> Vec<Fault> {
    let mut told = Vec::new();
    let mut faults = Vec::new();
    for way in ways.iter().filter(|way| i64::from(way.seconds) > most.num_seconds()) {
        let Some(last) = way.steps.last().filter(|last| !told.contains(last)) else { continue };
        told.push(last);
        faults.push(Fault {
            file: file.to_owned(),
            line: flow.find(last).map_or(0, |step| flow.step(step).line),
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
