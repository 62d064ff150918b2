//! The documents for people: what they link to is there, and the flows that they show are sound.

use std::{
    fs,
    path::{Path, PathBuf},
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

#[test]
fn the_flows_that_are_shown_are_sound() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/flows.md");
    let text = text(&path);
    let shown: Vec<&str> = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!shown.is_empty());
    for flow in shown {
        if let Err(faults) = pikett::ivr::parse("docs/flows.md", flow) {
            panic!("{faults:#?}");
        }
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
