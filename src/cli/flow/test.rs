//! `pikett flow test`: plays the scripted calls of flows on the real engine, in virtual time.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{
    calls::{Stage, Tested, flow_of, test_of},
    check,
};
use crate::cli::{
    Common, Failure, Verdict,
    apply::{DEPTH_MAX, is_passed_over, search},
    files::{fault, text},
    say, say_json,
};

/// Run the scripted calls of flows
#[derive(Debug, Args)]
#[command(after_help = "\
The calls of name.toml stand in name.test.toml beside it. They run on the real engine in virtual time, \
without network and without a database. The exit code is 1 when one of them goes otherwise than expected.

Example:
  pikett flow test ivr-flows
  pikett flow test ivr-flows/sla-hotline.toml")]
pub struct Arguments {
    /// Flows, files of test calls, or folders that hold them [default: this folder]
    #[arg(value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
    /// Print what came of each call as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    common.speak()?;
    let clock = common.clock();
    let began = clock.now();
    let here = [PathBuf::from(".")];
    let tests = tests(if arguments.paths.is_empty() { &here } else { &arguments.paths })?;
    let flows: Vec<PathBuf> = tests.iter().map(|test| flow_of(test)).collect();
    let mut stage = Stage::with(&flows);
    let tested: Vec<Tested> = tests.iter().map(|test| stage.play(test)).collect();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
    let seconds = (clock.now() - began).num_milliseconds() as f64 / 1_000.0;
    let calls: usize = tested.iter().map(|tested| tested.calls.len()).sum();
    let failed = tested.iter().flat_map(|tested| &tested.calls).filter(|(_, played)| !played.failures.is_empty());
    let failed = failed.count();
    let faults: usize = tested.iter().map(|tested| tested.faults.len()).sum();
    if arguments.json {
        let files: Vec<Value> = tested.iter().map(as_json).collect();
        say_json(&json!({ "calls": calls, "failed": failed, "faults": faults, "seconds": seconds, "files": files }));
    } else {
        tested.iter().for_each(tell);
        say(summary(calls, failed, faults, seconds));
    }
    Ok(if failed + faults == 0 { Verdict::Sound } else { Verdict::Wrong })
}

fn summary(calls: usize, failed: usize, faults: usize, seconds: f64) -> String {
    let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let outcome = match (failed, faults) {
        (0, 0) => "all as expected".to_owned(),
        (0, _) => counted(faults, "fault"),
        (_, 0) => format!("{failed} not as expected"),
        (_, _) => format!("{failed} not as expected, {}", counted(faults, "fault")),
    };
    format!("{}, {outcome}, in {seconds:.2} s", counted(calls, "call"))
}

/// The files of test calls that are named, or lie in the named folders.
fn tests(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut faults = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            search(path, &is_passed_over, DEPTH_MAX, &mut found, &mut faults);
            if found.len() == before && faults.is_empty() {
                faults.push(fault(path, "there is no *.test.toml in this folder", "write one beside a flow"));
            }
            continue;
        }
        let test = if is_passed_over(path) { path.clone() } else { test_of(path) };
        if !test.exists() {
            // A file that is not there either is the nearer reason.
            let mend = format!("write its test calls into {}", test.display());
            let none = || fault(path, "there are no test calls beside this flow", mend);
            faults.push(text(path).err().unwrap_or_else(none));
        } else if !found.contains(&test) {
            found.push(test);
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(Failure::Faults(faults)) }
}

fn tell(tested: &Tested) {
    let sound = tested.calls.iter().filter(|(_, played)| played.failures.is_empty()).count();
    say(format_args!("{}: {sound} of {} calls as expected", tested.file, tested.calls.len()));
    if !tested.untested.is_empty() && tested.faults.is_empty() {
        say(format_args!("  no call takes {}", tested.untested.join(", ")));
    }
    tested.faults.iter().for_each(say);
    for (call, played) in tested.calls.iter().filter(|(_, played)| !played.failures.is_empty()) {
        for failure in &played.failures {
            say(format_args!(
                "{}:{}: {}: expected {}; {}",
                tested.file, failure.line, call.name, failure.expected, failure.got
            ));
        }
        say("  up to there:");
        played.transcript.iter().for_each(|line| say(format_args!("    {line}")));
    }
}

fn as_json(tested: &Tested) -> Value {
    let calls = tested.calls.iter().map(|(call, played)| {
        let failures = played.failures.iter();
        let failures: Vec<_> = failures
            .map(|failure| json!({ "line": failure.line, "expected": failure.expected, "got": failure.got }))
            .collect();
        json!({
            "name": call.name,
            "line": call.line,
            "as_expected": failures.is_empty(),
            "failures": failures,
            "transcript": played.transcript,
        })
    });
    let faults: Vec<Value> = tested.faults.iter().map(check::fault).collect();
    json!({ "file": tested.file, "calls": calls.collect::<Vec<_>>(), "untested": tested.untested, "faults": faults })
}
