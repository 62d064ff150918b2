//! `pikett apply`: brings declared people, schedules, contracts, flows into the database.
//!
//! Finds the files, lets `declare::plan` work out what changes, and commits that in one unit of
//! work. When somebody else applied in between, it is worked out anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;

use super::{
    Common, Failure, Verdict, acting, declared,
    files::{fault, text, unreadable},
    flow::calls::come_to,
    say, say_json,
    versions::{as_json, tell},
};
use crate::{
    clock::{Clock, Ids},
    config::{Config, secrets},
    declare::{self, File, Flows, Outside, Plan, directory::default_org, pins},
    model::{alert::Actor, fault::Fault, phone::Phone},
    store::{
        Store, StoreError,
        declarations::{self, Declared},
        flows::{self, Given},
    },
    work::{flows::TestCalls, marks},
};

/// Folders may link to each other.
pub const DEPTH_MAX: usize = 16;
/// Folders of declarations for test calls, and of what Pikett says in other languages.
const PASSED_OVER: [&str; 2] = ["fixtures", "languages"];
/// Each time somebody else was faster; more means that something applies without end.
const TRIES: usize = 20;

/// Bring declared people, schedules, policies, customers, contracts, hotlines and flows into the database
#[derive(Debug, Args)]
#[command(after_help = "\
A file with [steps] is a flow, others are declarations. Folders are searched for *.toml; *.test.toml, folders \
named fixtures or languages, and pikett.toml are passed over. What the files do not mention stays as it is. All or nothing.

Example:
  pikett apply -c /etc/pikett/pikett.toml --dry-run msp.toml ivr-flows")]
pub struct Arguments {
    /// Files, or folders that hold them
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Keep flows as new versions, and put none into force: `pikett flow activate` does that
    #[arg(long)]
    stage: bool,
    /// Print what changed as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let files = files(&arguments.paths)?;
    let (config, store) = common.open().await?;
    let flows = if arguments.stage { Flows::Stage } else { Flows::PutIntoForce };
    let without_flow = config.numbers_without_flow();
    let outcome = apply(&store, &files, flows, arguments.dry_run, &common.clock(), &Ids::random(), &without_flow).await;
    let unmarked = match &outcome {
        Ok(_) if !arguments.dry_run => unmark(common, &config, &store).await,
        _ => Ok(()),
    };
    store.close().await;
    let (revision, plan) = outcome?;
    unmarked.map_err(in_store)?;
    if arguments.json {
        let revision = (!plan.is_empty() && !arguments.dry_run).then_some(revision);
        let hotlines: Vec<_> = plan.previews.iter().flat_map(|(flow, previews)| as_json(flow, previews)).collect();
        say_json(&json!({
            "dry_run": arguments.dry_run, "changes": plan.differences, "hotlines": hotlines, "revision": revision,
        }));
        return Ok(Verdict::Sound);
    }
    for difference in &plan.differences {
        say(difference);
    }
    for (flow, previews) in &plan.previews {
        tell(flow, previews);
    }
    match (plan.differences.len(), arguments.dry_run) {
        (0, _) => say("nothing to change"),
        (count, true) => say(format_args!("{} would be made", changes(count))),
        (count, false) => say(format_args!("{} applied as revision {revision}", changes(count))),
    }
    Ok(Verdict::Sound)
}

/// What is declared with another address is used again; so is what is declared again after it was gone.
async fn unmark(common: &Common, config: &Config, store: &Store) -> Result<(), StoreError> {
    let context = acting::context(common, config, store).await?;
    let (acting, by) = (context.acting(), Actor::Operator("pikett apply".to_owned()));
    context.change(async move |db| marks::declared_anew(db, &acting, &by).await).await
}

fn changes(count: usize) -> String {
    if count == 1 { "1 change".to_owned() } else { format!("{count} changes") }
}

/// The revision that holds afterwards, and what changed.
pub async fn apply(
    store: &Store,
    files: &[File],
    flows: Flows,
    dry_run: bool,
    clock: &Clock,
    ids: &Ids,
    numbers_without_flow: &BTreeSet<Phone>,
) -> Result<(i64, Plan), Failure> {
    for _ in 0..TRIES {
        let declared = declared::load(store).await.map_err(in_store)?;
        let plan = plan(&declared, files, flows, ids, numbers_without_flow)?;
        let calls = test_calls(&plan, files, flows)?;
        if plan.is_empty() || dry_run {
            return Ok((declared.revision, plan));
        }
        if let Some(revision) = commit(store, &declared, &plan, &calls, flows, clock).await.map_err(in_store)? {
            return Ok((revision, plan));
        }
    }
    Err(Failure::Refused("somebody else applies all the time; nothing was changed, try again".to_owned()))
}

/// By the flow's file. A flow whose calls go otherwise than expected may be kept, and is not put into force.
fn test_calls(plan: &Plan, files: &[File], flows: Flows) -> Result<BTreeMap<String, TestCalls>, Failure> {
    let given: Vec<PathBuf> = files.iter().map(|file| PathBuf::from(&file.name)).collect();
    let calls = plan.flows.iter().map(|flow| (flow.file.clone(), come_to(Path::new(&flow.file), &given)));
    let calls: BTreeMap<String, TestCalls> = calls.collect();
    let failed: Vec<String> = calls.values().flat_map(|calls| &calls.failed).map(ToString::to_string).collect();
    if flows == Flows::Stage || failed.is_empty() {
        return Ok(calls);
    }
    let mend = "nothing was applied; `pikett flow test` shows each call, and `--stage` keeps the flow all the same";
    Err(Failure::Refused(format!("test calls went otherwise than expected:\n{}\n{mend}", failed.join("\n"))))
}

fn in_store(error: StoreError) -> Failure {
    Failure::of("apply the declarations", error)
}

fn plan(
    declared: &Declared,
    files: &[File],
    flows: Flows,
    ids: &Ids,
    numbers_without_flow: &BTreeSet<Phone>,
) -> Result<Plan, Failure> {
    let outside = Outside {
        secret: &|file, reference| secrets::resolve(&secrets::beside(file, reference)),
        file: &|file, reference| text_beside(file, reference),
        salt: &|| pins::salt(&hex::decode(ids.nonce()).expect("a nonce is written in hex")),
        numbers_without_flow,
    };
    let stored_flows = declared::flow_sources(declared);
    declare::plan(&declared.documents, &stored_flows, files.to_vec(), &outside, flows).map_err(Failure::Faults)
}

pub fn text_beside(file: &str, reference: &str) -> Result<String, String> {
    let reference = secrets::beside(file, reference);
    let path = reference.strip_prefix("file:").unwrap_or(&reference);
    fs::read_to_string(path).map_err(|error| format!("{path} could not be read, {error}: name a file that is there"))
}

/// `None`: somebody applied something since this was worked out.
async fn commit(
    store: &Store,
    declared: &Declared,
    plan: &Plan,
    calls: &BTreeMap<String, TestCalls>,
    into: Flows,
    clock: &Clock,
) -> Result<Option<i64>, StoreError> {
    let (before, plan, now) = (declared.revision, plan.clone(), clock.now());
    let tests: BTreeMap<String, String> = calls.iter().map(|(file, calls)| (file.clone(), calls.to_text())).collect();
    let unit = store.write(async move |db| {
        let org = default_org();
        let Some(revision) = declarations::next_revision(db, &org, before).await? else { return Ok(None) };
        for ((kind, id), document) in &plan.documents {
            declarations::put(db, &org, kind, id, document).await?;
        }
        for flow in &plan.flows {
            let given = Given {
                flow: &flow.id,
                file: &flow.file,
                source: &flow.source,
                tests: tests.get(&flow.file).map_or("", String::as_str),
            };
            let version = flows::put(db, &org, given, now).await?;
            if into == Flows::PutIntoForce {
                flows::activate(db, &org, &flow.id, version, now).await?;
            }
        }
        Ok(Some(revision))
    });
    unit.await
}

/// The texts of the named files and of those in the named folders, in the order of their names.
pub fn files(paths: &[PathBuf]) -> Result<Vec<File>, Failure> {
    let mut found = Vec::new();
    let mut faults = Vec::new();
    for path in paths {
        let before = found.len();
        if path.is_dir() {
            search(path, &is_declaration, DEPTH_MAX, &mut found, &mut faults);
            if found.len() == before && faults.is_empty() {
                faults.push(fault(path, "there is no *.toml in this folder", "name a folder that holds declarations"));
            }
        } else if !is_passed_over(path) {
            found.push(path.clone());
        }
    }
    // The same file may be named twice, by itself and by its folder.
    let mut seen = Vec::new();
    let mut files = Vec::new();
    for path in found {
        let place = path.canonicalize().unwrap_or_else(|_| path.clone());
        if seen.contains(&place) {
            continue;
        }
        seen.push(place);
        match text(&path) {
            Ok(text) => files.push(File { name: path.display().to_string(), text }),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(files) } else { Err(Failure::Faults(faults)) }
}

/// The files of a folder and those below it that are wanted, in the order of their names. What lies in
/// `fixtures` belongs to the test calls of flows.
pub fn search(
    folder: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    depth: usize,
    found: &mut Vec<PathBuf>,
    faults: &mut Vec<Fault>,
) {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries: Vec<PathBuf> = match entries {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
        Err(error) => return faults.push(unreadable(folder, "folder", &error)),
    };
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // Hidden ones belong to tools: `.git`, and the `..data` of a mounted ConfigMap.
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if depth > 0 && !PASSED_OVER.contains(&name.as_str()) {
                search(&path, wanted, depth - 1, found, faults);
            }
        } else if wanted(&path) {
            found.push(path);
        }
    }
}

fn is_declaration(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
        && path.file_name().is_some_and(|name| name != crate::config::FILE)
        && !is_passed_over(path)
}

/// Scripted calls of a flow stand beside it.
pub fn is_passed_over(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".test.toml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        declare::{directory_from, org::Defaults},
        store::{Topic, testing::on_both},
    };

    fn file(text: &str) -> Vec<File> {
        vec![File { name: "msp.toml".to_owned(), text: text.to_owned() }]
    }

    fn clock() -> Clock {
        Clock::manual(crate::store::testing::at(0))
    }

    const ANNA: &str = r#"
[[people]]
id = "anna"
contact = [ { id = "mail", kind = "email", to = "anna@msp.example" } ]
[[customers]]
id = "acme"
contacts = [ { name = "Petra", pin = "730164" } ]
"#;

    on_both! {
        async fn what_was_applied_is_seen_by_whoever_watches(store: Store) {
            let mut watch = store.wake().watch(Topic::Directory);
            let (revision, plan) = apply(&store, &file(ANNA), Flows::PutIntoForce, false, &clock(), &Ids::seeded(1), &BTreeSet::new()).await.unwrap();
            assert_eq!((revision, plan.differences.len()), (1, 2));
            watch.notified().await;
            let declared = declared::load(&store).await.unwrap();
            let assembled = directory_from(&declared.documents, declared::flow_sources(&declared), &Defaults::default(), declared.revision);
            assert_eq!(assembled.faults, []);
            assert_eq!(assembled.directory.revision, 1);
            assert!(assembled.directory.people.contains_key(&"anna".parse().unwrap()));
        }

        async fn applied_twice_or_dry_it_changes_nothing(store: Store) {
            let (revision, plan) = apply(&store, &file(ANNA), Flows::PutIntoForce, true, &clock(), &Ids::seeded(1), &BTreeSet::new()).await.unwrap();
            assert_eq!((revision, plan.differences.len()), (0, 2));
            assert!(declared::load(&store).await.unwrap().documents.is_empty());
            apply(&store, &file(ANNA), Flows::PutIntoForce, false, &clock(), &Ids::seeded(1), &BTreeSet::new()).await.unwrap();
            let before = declared::load(&store).await.unwrap();
            let (revision, plan) = apply(&store, &file(ANNA), Flows::PutIntoForce, false, &clock(), &Ids::seeded(2), &BTreeSet::new()).await.unwrap();
            assert_eq!((revision, plan), (1, Plan::default()));
            assert_eq!(declared::load(&store).await.unwrap(), before);
        }

        async fn one_fault_and_nothing_is_applied(store: Store) {
            let files = [file(ANNA), vec![File { name: "b.toml".to_owned(), text: "[org]\npolicy = \"glod\"\n".to_owned() }]].concat();
            let refused = apply(&store, &files, Flows::PutIntoForce, false, &clock(), &Ids::seeded(1), &BTreeSet::new()).await.unwrap_err();
            let words = refused.in_words();
            assert!(words.starts_with("b.toml:2:10: there is no policy `glod`; declare it"), "{words}");
            assert_eq!(declared::load(&store).await.unwrap(), Declared::default());
        }

        async fn those_who_apply_at_once_all_get_through(store: Store) {
            let applies = (0..6).map(|n| {
                let store = store.clone();
                let text = format!("[[people]]\nid = \"p{n}\"\ncontact = [ {{ id = \"m\", kind = \"sms\", to = \"+49151100000{n}0\" }} ]\n");
                async move { apply(&store, &file(&text), Flows::PutIntoForce, false, &clock(), &Ids::seeded(n), &BTreeSet::new()).await }
            });
            for outcome in futures::future::join_all(applies).await {
                outcome.unwrap();
            }
            let declared = declared::load(&store).await.unwrap();
            assert_eq!((declared.revision, declared.documents.len()), (6, 6));
        }
    }

    #[test]
    fn folders_are_searched_for_what_is_meant_to_be_applied() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b/flow.toml",
            "b/flow.test.toml",
            "b/fixtures/msp.toml",
            "a.toml",
            "pikett.toml",
            ".git/c.toml",
            "holidays.ics",
            "b/c/d.toml",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let paths = [folder.path().join("a.toml"), folder.path().to_owned()];
        let found: Vec<String> = files(&paths).unwrap().into_iter().map(|file| file.text).collect();
        assert_eq!(found, ["a.toml", "b/c/d.toml", "b/flow.toml"]);
        let nothing = [folder.path().join(".git"), folder.path().join("gone.toml")];
        assert!(files(&nothing).unwrap_err().in_words().contains("could not be read"));
    }
}
