//! Keeps the house: which module may use which, what the pure core may not contain, how long a file
//! may be. Needs only the standard library, and speaks in sentences when something is wrong.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Module → what it may use of the others. `app`, `cli`, `main` and `lib` may use everything.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("languages", &["model"]),
    ("ivr", &["model", "languages"]),
    ("oncall", &["model"]),
    ("escalation", &["model", "oncall"]),
    ("sla", &["model"]),
    ("clock", &["model"]),
    ("backoff", &["clock"]),
    ("telemetry", &[]),
    ("config", &["model", "declare"]),
    ("declare", &["model", "ivr", "oncall", "escalation", "sla"]),
    ("flowtest", &["model", "ivr", "escalation", "declare"]),
    ("store", &["model", "ivr", "oncall", "escalation", "sla", "clock", "telemetry"]),
    ("carrier", &["model", "clock", "backoff", "telemetry"]),
    ("notify", &["model", "languages", "carrier", "clock", "store", "backoff", "telemetry"]),
    (
        "work",
        &[
            "model",
            "ivr",
            "oncall",
            "escalation",
            "sla",
            "store",
            "notify",
            "carrier",
            "declare",
            "clock",
            "backoff",
            "telemetry",
        ],
    ),
    ("web", &["model", "carrier", "clock", "telemetry"]),
    (
        "hotline",
        &[
            "model",
            "backoff",
            "languages",
            "ivr",
            "oncall",
            "escalation",
            "sla",
            "store",
            "carrier",
            "declare",
            "clock",
            "web",
            "work",
            "notify",
            "telemetry",
        ],
    ),
    ("paging", &["model", "store", "carrier", "declare", "notify", "work", "clock", "web", "telemetry"]),
    ("recordings", &["model", "store", "carrier", "declare", "notify", "work", "clock", "backoff", "web", "telemetry"]),
    ("intake", &["model", "store", "declare", "web", "work", "clock", "telemetry"]),
    (
        "api",
        &[
            "model",
            "ivr",
            "oncall",
            "escalation",
            "sla",
            "flowtest",
            "store",
            "declare",
            "notify",
            "work",
            "clock",
            "web",
            "telemetry",
        ],
    ),
    (
        "console",
        &["model", "ivr", "oncall", "escalation", "sla", "store", "declare", "work", "clock", "web", "telemetry"],
    ),
    ("sim", &["model", "carrier", "clock"]),
];

/// Modules (or folders and files below one) that decide and never do.
const PURE: &[&str] = &[
    "model",
    "languages",
    "ivr",
    "oncall",
    "escalation",
    "sla",
    "declare",
    "flowtest",
    "carrier/choose.rs",
    "carrier/health.rs",
    "carrier/twiml",
    "carrier/signature",
    "carrier/sipgate/document.rs",
    "carrier/sipgate/words.rs",
    "carrier/telnyx/errors.rs",
    "carrier/telnyx/words.rs",
    "carrier/voices.rs",
    "hotline/spare/document.rs",
    "hotline/spare/entry.rs",
    "hotline/spare/plan.rs",
    "hotline/spare/step.rs",
    "notify/channels/chat.rs",
    "notify/links.rs",
    "notify/listen.rs",
    "notify/pace.rs",
    "notify/plan.rs",
    "notify/proof.rs",
    "notify/rules.rs",
    "notify/shift.rs",
    "notify/texts",
    "notify/urls.rs",
    "recordings/seal.rs",
];

const IMPURE_WORDS: &[&str] = &["async fn", "tokio::", "sqlx::", "std::env", "reqwest::", "::now("];

const LINES_MAX: usize = 500;

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).unwrap().to_path_buf();
                let first = inside.iter().next().unwrap().to_str().unwrap();
                let module = first.trim_end_matches(".rs").to_owned();
                found.push(Source { text: fs::read_to_string(&path).unwrap(), path: inside, module });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Code without comments and without the tests at the end of the file.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules named by `crate::x` and `crate::{x::…, y::…}`.
fn used(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut expect = true;
                for (at, sign) in list.char_indices() {
                    match sign {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => expect = true,
                        c if expect && c.is_ascii_lowercase() => {
                            names.push(word(&list[at..]));
                            expect = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// Two people who add one at the same time find out here, and not in a database.
#[test]
fn migrations_are_numbered_from_1_without_gaps() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".sql"))
        .collect();
    names.sort();
    for (n, name) in names.iter().enumerate() {
        let number = format!("{:04}_", n + 1);
        assert!(name.starts_with(&number), "{name} stands where a migration {number}… is to be");
    }
    assert!(!names.is_empty());
}

#[test]
fn dependencies_point_down() {
    let mut wrong = Vec::new();
    for source in sources() {
        // Tests that need a file of their own may use everything, like those at the end of a file.
        if ["app", "cli", "main", "lib", "demo"].contains(&source.module.as_str()) || source.path.ends_with("tests.rs")
        {
            continue;
        }
        let Some((_, allowed)) = EDGES.iter().find(|(module, _)| *module == source.module) else {
            wrong.push(format!(
                "{}: module `{}` stands in no edge of this table",
                source.path.display(),
                source.module
            ));
            continue;
        };
        for used in used(&code(&source.text)) {
            if used != source.module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: `{}` may not use `{used}`", source.path.display(), source.module));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for source in sources() {
        if PURE.iter().any(|pure| source.path.starts_with(pure) || source.path == Path::new(&format!("{pure}.rs"))) {
            let code = code(&source.text);
            for word in IMPURE_WORDS.iter().filter(|word| code.contains(**word)) {
                wrong.push(format!("{}: the core may not contain `{word}`", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn sql_stands_in_the_store() {
    for source in sources() {
        if source.module != "store" {
            assert!(!code(&source.text).contains("sqlx::query"), "{}: SQL belongs into store/", source.path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_owns_and_stays_short() {
    let mut wrong = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if !source.text.starts_with("//!") {
            wrong.push(format!("{}: begins without `//!`", source.path.display()));
        }
        if lines > LINES_MAX {
            wrong
                .push(format!("{}: {lines} lines; more than {LINES_MAX} are usually two ideas", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
