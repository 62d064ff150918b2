//! The test calls that come with a flow: `name.test.toml` as text, played in virtual time on declarations that
//! come with it, or on those that are in force here.

use axum::http::StatusCode;

use crate::{
    declare::{Directory, File, FlowSource, directory_from, org::Defaults},
    flowtest::{self, Pins},
    ivr::Flow,
    model::fault::Fault,
    store::declarations::Declared,
    web::problem::Problem,
    work::flows::TestCalls,
};

/// The test calls' own name in messages.
pub const TESTS: &str = "flow.test.toml";
/// The name of the declarations that came along.
const DECLARATIONS: &str = "declarations.toml";
/// A person waits for the answer, and others for the processor.
const CALLS_MAX: usize = 200;

/// What a flow comes with.
pub struct Given {
    pub file: &'static str,
    pub flow: String,
    pub tests: String,
    /// `None`: what is in force here.
    pub declarations: Option<String>,
}

/// What its test calls come to; or why they cannot be played. Takes its time: not for a thread that answers others.
pub fn come_to(given: &Given, flow: &Flow, here: &Declared) -> Result<TestCalls, Vec<Fault>> {
    let calls = flowtest::read(TESTS, &given.tests)?;
    if calls.len() > CALLS_MAX {
        let what = format!("{} test calls are more than are played here", calls.len());
        return Err(vec![fault(1, what, &format!("send at most {CALLS_MAX}, or use `pikett flow test`"))]);
    }
    let directory = match &given.declarations {
        Some(declarations) => brought(given, declarations)?,
        None => in_force(given, flow, here),
    };
    let Some(in_use) = directory.flows.get(&flow.id).map(|in_use| in_use.flow.clone()) else {
        let what = format!("flow `{}` is not among the declarations", flow.id);
        return Err(vec![fault(1, what, "let a hotline there run it")]);
    };
    let (mut pins, mut failed) = (Pins::default(), Vec::new());
    for call in &calls {
        let hotline = flowtest::hotline_of(&directory, flow, call);
        let hotline = hotline.map_err(|(what, mend)| vec![fault(call.line, what, mend)])?.clone();
        let played = flowtest::play(&directory, &hotline, &in_use, call, &mut pins);
        failed.extend(played.faults(TESTS, call));
    }
    Ok(TestCalls { played: calls.len(), failed })
}

/// References to the environment and to files are those of whoever sends them, not of this machine.
fn brought(given: &Given, declarations: &str) -> Result<Directory, Vec<Fault>> {
    let file = |name: &str, text: &str| File { name: name.to_owned(), text: text.to_owned() };
    let literal = |_: &str, secret: &str| match secret.split_once(':') {
        Some(("env" | "file", _)) => Err("is not looked up here: write the value itself".to_owned()),
        Some(_) | None => Ok(secret.to_owned()),
    };
    let no_files =
        |_: &str, name: &str| Err(format!("{name} is not read here: write what it says into the declarations"));
    let files = vec![file(DECLARATIONS, declarations), file(given.file, &given.flow)];
    flowtest::directory_of(files, &literal, &no_files)
}

/// As it would be with this flow in force.
fn in_force(given: &Given, flow: &Flow, here: &Declared) -> Directory {
    let others = here.flows.iter().filter(|active| active.flow != flow.id).map(|active| FlowSource {
        id: &active.flow,
        version: active.version,
        file: &active.file,
        source: &active.source,
    });
    let this = FlowSource { id: &flow.id, version: 0, file: given.file, source: &given.flow };
    let flows: Vec<FlowSource<'_>> = others.chain([this]).collect();
    directory_from(&here.documents, flows, &Defaults::default(), here.revision).directory
}

fn fault(line: usize, what: String, mend: &str) -> Fault {
    Fault { file: TESTS.to_owned(), line, column: 1, what, mend: mend.to_owned() }
}

pub fn broken_off(error: &tokio::task::JoinError) -> Problem {
    tracing::error!(%error, "test calls broke off");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the test calls broke off").detail("the log says where")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ivr;

    const FLOW: &str = "id = 'hello'\nlanguages = ['de']\nstart = 'bye'\n[steps.bye]\ndo = 'hangup'\nsay = 'Hallo'\n";
    const WORLD: &str = r#"
[[people]]
id = "anna"
contact = [ { id = "m", kind = "sms", to = "+4915110000001" } ]
rules.high = [ { via = "m" } ]
[[policies]]
id = "gold"
levels = [ { notify = ["person:anna"], ack_within = "5m" } ]
[[customers]]
id = "acme"
contacts = [ { name = "Petra", pin = "730164" } ]
[[contracts]]
id = "acme-gold"
customer = "acme"
priorities.P1 = { policy = "gold" }
[[hotlines]]
number = "+4930901820"
contract = "acme-gold"
flow = "hello"
"#;

    fn tests(hear: &str) -> String {
        format!(
            "[[call]]\nname = \"hello\"\norg = \"world.toml\"\nat = \"2026-12-24T02:30:00+01:00\"\n\
             from = \"+4930555010\"\nscript = [ {{ hear = \"{hear}\" }} ]\n"
        )
    }

    fn played(hear: &str, world: &str) -> Result<TestCalls, Vec<Fault>> {
        let (tests, declarations) = (tests(hear), Some(world.to_owned()));
        let given = Given { file: "flow.toml", flow: FLOW.to_owned(), tests, declarations };
        come_to(&given, &ivr::parse("flow.toml", FLOW).unwrap(), &Declared::default())
    }

    #[test]
    fn a_call_is_played_on_what_came_along() {
        assert_eq!(played("Hallo", WORLD), Ok(TestCalls { played: 1, failed: vec![] }));
        let failed = played("Guten Tag", WORLD).unwrap().failed;
        let told = failed[0].to_string();
        assert!(told.starts_with("flow.test.toml:6:1: test call \"hello\": expected to hear \"Guten Tag\""), "{told}");
    }

    #[test]
    fn what_this_machine_knows_cannot_be_asked_for() {
        for secret in ["env:HOME", "file:/etc/hostname"] {
            let faults = played("Hallo", &WORLD.replace("730164", secret)).unwrap_err();
            assert!(faults[0].what.contains("is not looked up here"), "{faults:?}");
        }
    }

    #[test]
    fn without_the_flow_or_a_hotline_that_is_said() {
        let faults = played("Hallo", &WORLD.replace("flow = \"hello\"", "flow = \"helo\"")).unwrap_err();
        assert!(!faults.is_empty());
    }
}
