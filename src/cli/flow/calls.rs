//! The test calls of flows, from their files to what became of them: `name.test.toml` beside `name.toml`,
//! and the declarations that it names.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cli::{apply::text_beside, files},
    config::secrets,
    declare::{Directory, File},
    flowtest::{self, Pins, Played, TestCall},
    ivr::{self, Flow},
    model::{fault::Fault, id::FlowId},
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
    /// Flows of other folders that may be called as well.
    given: Vec<PathBuf>,
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

/// What the test calls beside this flow come to; nothing where there are none. `given` are files of other flows.
pub fn come_to(flow: &Path, given: &[PathBuf]) -> TestCalls {
    let test = test_of(flow);
    if !test.exists() {
        return TestCalls::default();
    }
    let tested = Stage::with(given).play(&test);
    let failed = tested.calls.iter().flat_map(|(call, played)| played.faults(&tested.file, call));
    let failed = failed.chain(tested.faults.iter().cloned()).collect();
    TestCalls { played: tested.calls.len(), failed }
}

impl Stage {
    /// For flows that call others, which need not stand beside them.
    pub fn with(given: &[PathBuf]) -> Self {
        Self { given: given.to_vec(), worlds: BTreeMap::new() }
    }

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
        let given = &self.given;
        let world = self.worlds.entry(key).or_insert_with(|| world(&org, flow_path, given));
        let world = world.as_mut().map_err(|faults| faults.clone())?;
        let fault = |what: String, mend: &str| {
            let (file, line) = (test.display().to_string(), call.line);
            vec![Fault { file, line, column: 1, what, mend: mend.to_owned() }]
        };
        let hotline = flowtest::hotline_of(&world.directory, flow, call);
        let hotline = hotline.map_err(|(what, mend)| fault(what, mend))?.clone();
        let Some(in_use) = world.directory.flows.get(&flow.id).map(|in_use| in_use.flow.clone()) else {
            let mend = "give each flow an id of its own";
            return Err(fault(format!("flow `{}` is not among the declarations", flow.id), mend));
        };
        Ok(flowtest::play(&world.directory, &hotline, &in_use, call, &mut world.pins))
    }
}

/// The declarations with the flow under test, and with those of its neighbours and of `given` that the
/// declarations or the flow itself name. Hotlines of other flows are passed over.
fn world(org: &Path, flow: &Path, given: &[PathBuf]) -> Result<World, Vec<Fault>> {
    let read = |path: &Path| text(path).map(|text| File { name: path.display().to_string(), text });
    let mut files = vec![read(org)?, read(flow)?];
    let own = flow_id(&files[1].text);
    let mut others: Vec<(String, File)> = Vec::new();
    for path in neighbours(flow).iter().chain(given) {
        let Ok(file) = read(path) else { continue };
        let Some(id) = flow_id(&file.text).filter(|id| Some(id) != own.as_ref()) else { continue };
        // Beside the flow comes first.
        if others.iter().all(|(other, _)| *other != id) {
            others.push((id, file));
        }
    }
    // What is named by one that is named is needed as well.
    while let Some(place) = others.iter().position(|(id, _)| files.iter().any(|file| names(&file.text, id))) {
        files.push(others.remove(place).1);
    }
    let secret = |file: &str, reference: &str| secrets::resolve(&secrets::beside(file, reference));
    let directory = flowtest::directory_of(files, &secret, &text_beside)?;
    Ok(World { directory, pins: Pins::default() })
}

/// The declarations with a flow among them; or what is wrong with it there.
pub fn among(org: &Path, flow: &Path, given: &[PathBuf]) -> Result<Directory, Vec<Fault>> {
    world(org, flow, given).map(|world| world.directory)
}

/// The flows of the same folder, and of `given`, that a flow calls, and those that they call.
pub fn called_by(path: &Path, flow: &Flow, given: &[PathBuf]) -> BTreeMap<FlowId, Flow> {
    let beside = |path: &Path| text(path).and_then(|text| ivr::parse(&path.display().to_string(), &text)).ok();
    let mut others: Vec<Flow> = match flow.calls().next() {
        Some(_) => neighbours(path).iter().chain(given).filter_map(|path| beside(path)).collect(),
        None => Vec::new(),
    };
    let mut found: BTreeMap<FlowId, Flow> = BTreeMap::new();
    let mut wanted: Vec<FlowId> = flow.calls().cloned().collect();
    while let Some(id) = wanted.pop() {
        if let Some(place) = others.iter().position(|other| other.id == id) {
            let called = others.swap_remove(place);
            wanted.extend(called.calls().cloned());
            found.insert(id, called);
        }
    }
    found
}

/// Other TOML files of its folder.
fn neighbours(flow: &Path) -> Vec<PathBuf> {
    let folder = flow.parent().filter(|it| it.is_dir()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_other = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "toml") && path.file_name() != flow.file_name()
    };
    let mut neighbours: Vec<PathBuf> = entries.filter(is_other).collect();
    neighbours.sort();
    neighbours
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
    files::text(path).map_err(|fault| vec![fault])
}
