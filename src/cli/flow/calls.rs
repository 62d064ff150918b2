//! The test calls of flows, from their files to what became of them: `name.test.toml` beside `name.toml`,
//! and the declarations that it names.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cli::apply::text_beside,
    config::secrets,
    declare::{Directory, File},
    flowtest::{self, Pins, Played, TestCall},
    ivr::{self, Flow},
    model::fault::Fault,
    work::flows::TestCalls,
};

/// What a test file came to.
pub struct Tested {
    pub file: String,
    pub calls: Vec<(TestCall, Played)>,
    /// Exits of the flow that none of the calls took.
    pub untested: Vec<String>,
    /// What kept calls from being played.
    pub faults: Vec<Fault>,
}

/// Plays test files. Declarations that several tests share are read once for each flow.
#[derive(Default)]
pub struct Stage {
    worlds: BTreeMap<(PathBuf, PathBuf), Result<World, Vec<Fault>>>,
}

struct World {
    directory: Directory,
    pins: Pins,
}

/// The file of a flow's test calls.
pub fn test_of(flow: &Path) -> PathBuf {
    flow.with_extension("test.toml")
}

/// The flow that a file of test calls is about.
pub fn flow_of(test: &Path) -> PathBuf {
    test.with_extension("").with_extension("toml")
}

/// What the test calls beside this flow come to; nothing where there are none.
pub fn come_to(flow: &Path) -> TestCalls {
    let test = test_of(flow);
    if !test.exists() {
        return TestCalls::default();
    }
    let tested = Stage::default().play(&test);
    let failed = tested.calls.iter().flat_map(|(call, played)| played.told(&tested.file, call));
    let failed = failed.chain(tested.faults.iter().map(ToString::to_string)).collect();
    TestCalls { played: tested.calls.len(), failed }
}

impl Stage {
    pub fn play(&mut self, test: &Path) -> Tested {
        let file = test.display().to_string();
        let mut tested = Tested { file: file.clone(), calls: Vec::new(), untested: Vec::new(), faults: Vec::new() };
        let flow_path = flow_of(test);
        let calls = text(test).and_then(|text| flowtest::read(&file, &text));
        let flow = text(&flow_path).and_then(|text| ivr::parse(&flow_path.display().to_string(), &text));
        let (calls, flow) = match (calls, flow) {
            (Ok(calls), Ok(flow)) => (calls, flow),
            (calls, flow) => {
                tested.faults = calls.err().into_iter().chain(flow.err()).flatten().collect();
                return tested;
            }
        };
        for call in calls {
            match self.play_one(test, &flow_path, &flow, &call) {
                Ok(played) => tested.calls.push((call, played)),
                Err(faults) => tested.faults.extend(faults),
            }
        }
        let taken = tested.calls.iter().flat_map(|(_, played)| played.taken.iter().copied()).collect();
        tested.untested = flowtest::untested(&flow, &taken);
        // The same fixture is wrong for every call.
        let mut told = Vec::new();
        tested.faults.retain(|fault| {
            !told.contains(fault) && {
                told.push(fault.clone());
                true
            }
        });
        tested
    }

    fn play_one(&mut self, test: &Path, flow_path: &Path, flow: &Flow, call: &TestCall) -> Result<Played, Vec<Fault>> {
        let org = test.with_file_name(&call.org.value);
        let key = (org.clone(), flow_path.to_owned());
        let world = self.worlds.entry(key).or_insert_with(|| world(&org, flow_path));
        let world = world.as_mut().map_err(|faults| faults.clone())?;
        let fault = |what: String, mend: &str| {
            let (file, line) = (test.display().to_string(), call.line);
            vec![Fault { file, line, column: 1, what, mend: mend.to_owned() }]
        };
        let hotline = flowtest::hotline_of(&world.directory, flow, call);
        let hotline = hotline.map_err(|(what, mend)| fault(what, mend))?.clone();
        let Some(in_use) = world.directory.flows.get(&flow.id).map(|in_use| in_use.flow.clone()) else {
            return Err(fault(format!("flow `{}` is not among the declarations", flow.id), ""));
        };
        Ok(flowtest::play(&world.directory, &hotline, &in_use, call, &mut world.pins))
    }
}

/// The declarations with the flow under test, and with those of its neighbours that the declarations or
/// the flow itself name.
fn world(org: &Path, flow: &Path) -> Result<World, Vec<Fault>> {
    let read = |path: &Path| text(path).map(|text| File { name: path.display().to_string(), text });
    let mut files = vec![read(org)?, read(flow)?];
    let mut neighbours: Vec<PathBuf> =
        match fs::read_dir(flow.parent().filter(|it| it.is_dir()).unwrap_or(Path::new("."))) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => Vec::new(),
        };
    neighbours.sort();
    let own = flow_id(&files[1].text);
    for path in neighbours {
        let is_flow =
            path.extension().is_some_and(|extension| extension == "toml") && path.file_name() != flow.file_name();
        let Some(file) = is_flow.then(|| read(&path).ok()).flatten() else { continue };
        let id = flow_id(&file.text).filter(|id| Some(id) != own.as_ref());
        if id.is_some_and(|id| files.iter().any(|other| names(&other.text, &id))) {
            files.push(file);
        }
    }
    let secret = |file: &str, reference: &str| secrets::resolve(&secrets::beside(file, reference));
    let directory = flowtest::directory_of(files, &secret, &text_beside)?;
    Ok(World { directory, pins: Pins::default() })
}

/// What is wrong with a flow among these declarations.
pub fn faults_with(org: &Path, flow: &Path) -> Vec<Fault> {
    world(org, flow).err().unwrap_or_default()
}

/// The id of a file that is a flow, be it sound or not.
fn flow_id(text: &str) -> Option<String> {
    let document = toml_edit::Document::parse(text).ok()?;
    document.get("steps")?;
    Some(document.get("id")?.as_str()?.to_owned())
}

fn names(text: &str, id: &str) -> bool {
    text.contains(&format!("\"{id}\"")) || text.contains(&format!("'{id}'"))
}

fn text(path: &Path) -> Result<String, Vec<Fault>> {
    fs::read_to_string(path).map_err(|error| {
        let what = format!("the file could not be read: {error}");
        vec![Fault { file: path.display().to_string(), line: 0, column: 0, what, mend: String::new() }]
    })
}
