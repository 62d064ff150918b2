//! The documents for people: what they link to is there, and the flows that they show are sound.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Every Markdown file that a reader starts from.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [root.to_path_buf(), root.join("docs"), root.join("docs/decisions")];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("the folder is there"));
    let paths = files.map(|file| file.expect("it can be read").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("it can be read")
}

/// The heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|sign| sign.is_alphanumeric() || "-_".contains(*sign)).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for path in documents() {
        let text = text(&path);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { path.clone() } else { path.with_file_name("").join(file) };
            let has_heading = |heading: &str| {
                let text = fs::read_to_string(&target).unwrap_or_default();
                text.lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| anchor(line.trim_start_matches('#').trim()) == heading)
            };
            if !target.exists() || heading.is_some_and(|heading| !has_heading(heading)) {
                broken.push(format!("{} links to {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The flows that docs/flows.md shows, by id, in the order of the page.
fn shown() -> Vec<(String, String)> {
    let page = text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/flows.md"));
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .map(|block| match pikett::ivr::parse("docs/flows.md", block) {
            Ok(flow) => (flow.id.to_string(), block.to_owned()),
            Err(faults) => panic!("{faults:#?}"),
        })
        .collect()
}

#[test]
fn every_step_has_an_example_in_a_flow_that_is_shown() {
    let shown = shown();
    for kind in pikett::ivr::STEP_KINDS {
        let does = format!("do = \"{kind}\"");
        assert!(shown.iter().any(|(_, flow)| flow.lines().any(|line| line == does)), "no example has {does}");
    }
}

/// Their calls stand in tests/data/docs, under the flow's id.
#[test]
fn the_flows_that_are_shown_go_as_their_test_calls_expect() {
    let calls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/docs");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    fs::copy(calls.join("msp.toml"), folder.path().join("msp.toml")).expect("it can be copied");
    let shown = shown();
    for (id, flow) in &shown {
        fs::write(folder.path().join(format!("{id}.toml")), flow).expect("files can be written");
        let test = format!("{id}.test.toml");
        fs::copy(calls.join(&test), folder.path().join(&test)).unwrap_or_else(|error| panic!("{test}: {error}"));
    }
    let (sound, told) = pikett(folder.path(), &["flow", "test", ".", "--json"]);
    assert!(sound, "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).expect("it prints JSON");
    let files = told["files"].as_array().expect("a list");
    assert_eq!(files.len(), shown.len());
    assert!(files.iter().all(|file| file["calls"].as_array().is_some_and(|calls| !calls.is_empty())), "{told}");
}

fn pikett(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pikett")).current_dir(folder).args(arguments).output();
    let output = output.expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (output.status.success(), text(output.stdout) + &text(output.stderr))
}

/// The flows that come along, by name.
fn shipped() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-flows");
    let files = fs::read_dir(folder).expect("the folder is there").map(|file| file.expect("it can be read").path());
    let names = files.filter_map(|path| Some(path.file_name()?.to_str()?.strip_suffix(".toml")?.to_owned()));
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".test")).collect();
    names.sort();
    names
}

#[test]
fn the_pictures_of_the_shipped_flows_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = text(&root.join("docs/flows.md"));
    for name in shipped() {
        let (sound, drawn) = pikett(root, &["flow", "graph", &format!("ivr-flows/{name}.toml")]);
        assert!(sound, "{drawn}");
        let kept = fs::read_to_string(root.join(format!("docs/flows/{name}.svg"))).unwrap_or_default();
        let mend = format!("pikett flow graph ivr-flows/{name}.toml -o docs/flows/{name}.svg");
        assert!(kept == drawn, "docs/flows/{name}.svg is not what the flow is now: {mend}");
        assert!(page.contains(&format!("(flows/{name}.svg)")), "docs/flows.md does not show {name}");
    }
}

#[test]
fn the_shipped_flows_pass_their_test_calls_which_take_every_exit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (sound, told) = pikett(root, &["flow", "test", "ivr-flows", "--json"]);
    assert!(sound, "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).expect("it prints JSON");
    let files = told["files"].as_array().expect("a list");
    assert_eq!(files.len(), shipped().len(), "each flow has test calls");
    for file in files {
        assert_eq!(file["untested"], serde_json::json!([]), "{}", file["file"]);
    }
}

#[test]
fn the_test_call_that_is_shown_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = text(&root.join("docs/flows.md"));
    let shown = page.split("```").find(|block| block.trim_start().starts_with("[[call]]")).expect("it is shown");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let flows = shipped().into_iter().map(|name| format!("{name}.toml"));
    for name in flows.chain(["fixtures/msp.toml".to_owned()]) {
        let to = folder.path().join(&name);
        fs::create_dir_all(to.parent().expect("it is below the folder")).expect("folders can be made");
        fs::copy(root.join("ivr-flows").join(name), to).expect("it can be copied");
    }
    fs::write(folder.path().join("sla-hotline.test.toml"), shown).expect("files can be written");
    let (sound, told) = pikett(folder.path(), &["flow", "test", "sla-hotline.toml"]);
    assert!(sound && told.contains("1 call, all as expected"), "{told}");
}

/// `UPDATE_DOCS=1 cargo test --test docs` writes it.
#[test]
fn the_page_of_every_field_says_what_the_language_is_now() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/flow-fields.md");
    let page = pikett::ivr::schema::handbook();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("it can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/flow-fields.md is not what the fields are now: UPDATE_DOCS=1 cargo test --test docs");
    for kind in pikett::ivr::STEP_KINDS {
        assert!(page.contains(&format!("\n## `{kind}`\n")), "{kind}");
    }
}

#[test]
fn every_step_is_explained() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/flows.md");
    let text = text(&path);
    for step in pikett::ivr::STEP_KINDS {
        assert!(text.contains(&format!("\n| `{step}` |")), "{step}");
    }
}
