//! What `deploy/` names is there: keys, files, flags, secrets.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use pikett::{config::Config, model::source::Source};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn deploy(name: &str) -> String {
    fs::read_to_string(root().join("deploy").join(name)).unwrap()
}

/// With every secret that it asks for, which are answered.
fn config(variables: BTreeMap<String, String>) -> (Config, BTreeSet<String>) {
    let asked = std::sync::Mutex::new(BTreeSet::new());
    let secret = |given: &str| {
        let Some(name) = given.strip_prefix("env:") else { return Ok(given.to_owned()) };
        asked.lock().unwrap().insert(name.to_owned());
        Ok(format!("the value of {name}"))
    };
    let source = Source::new("deploy/pikett.toml", deploy("pikett.toml"));
    let config = Config::read(Some(source), variables, &secret);
    let config = config.unwrap_or_else(|faults| panic!("{}", lines(&faults)));
    (config, asked.into_inner().unwrap())
}

fn lines(faults: &[impl ToString]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Whether the command line takes these words. Nothing is done: `--help` ends it.
fn is_taken(words: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_pikett")).args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// `["a", "b"]`, as containers write commands.
fn words(list: &str) -> Vec<String> {
    serde_json::from_str(list.trim()).unwrap()
}

/// `KEY: VALUE` of the lines below `environment:` of one service.
fn environment(compose: &str, service: &str) -> BTreeMap<String, String> {
    let of_service = compose.split_once(&format!("\n  {service}:\n")).unwrap().1;
    let below = of_service.split_once("    environment:\n").unwrap().1;
    let entries = below.lines().map_while(|line| line.strip_prefix("      "));
    entries.map(|line| line.split_once(": ").unwrap()).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn the_example_configuration_is_accepted_and_warns_of_nothing() {
    let (config, secrets) = config(BTreeMap::new());
    assert_eq!(config.warnings(), Vec::<String>::new());
    assert_eq!(secrets, ["MAIL_PASSWORD", "TWILIO_AUTH_TOKEN"].map(str::to_owned).into());
    assert_eq!(config.carriers[0].auth_token.expose(), "the value of TWILIO_AUTH_TOKEN");
}

#[test]
fn compose_gives_what_the_configuration_asks_for() {
    let compose = deploy("compose.yaml");
    let environment = environment(&compose, "pikett");
    let ours = environment.iter().filter(|(key, _)| key.starts_with("PIKETT_"));
    let ours: BTreeMap<_, _> = ours
        .map(|(key, value)| {
            (key.clone(), value.replace("${HOTLINE_HOST:?the name that the carrier calls}", "h.example"))
        })
        .collect();
    let (config, secrets) = config(ours);
    assert_eq!(config.server.public_url, "https://h.example");
    assert!(config.database.url.expose().starts_with("postgres://"));
    for secret in secrets {
        assert!(environment.contains_key(&secret), "compose.yaml does not hand on {secret}");
    }
    let named =
        |key: &str| compose.lines().filter_map(|line| line.split_once(key)).map(|(_, rest)| rest).collect::<Vec<_>>();
    for file in named("dockerfile: ") {
        let file = file.trim_end_matches([' ', '}']);
        assert!(root().join(file).is_file(), "compose.yaml names {file}");
    }
    for mounted in named("- ./") {
        let file = mounted.split(':').next().unwrap();
        assert!(root().join("deploy").join(file).is_file(), "compose.yaml mounts {file}");
    }
}

#[test]
fn the_container_is_built_of_what_is_there_and_checks_itself() {
    let file = deploy("Containerfile");
    let copied: Vec<PathBuf> = file
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|rest| !rest.starts_with("--from"))
        .flat_map(|rest| rest.split_whitespace().rev().skip(1).map(PathBuf::from))
        .collect();
    for path in &copied {
        assert!(root().join(path).exists(), "the Containerfile copies {}", path.display());
    }
    // What the source includes must be in the container, too.
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for (section, folder) in [("[[bench]]", "benches"), ("build = ", "build.rs")] {
        let is_needed = manifest.lines().any(|line| line.starts_with(section));
        assert_eq!(copied.contains(&folder.into()), is_needed, "{folder} in the Containerfile");
    }
    let health = file.lines().find_map(|line| line.strip_prefix("HEALTHCHECK")?.split_once("CMD ")).unwrap().1;
    let health = words(health);
    assert_eq!(health[0], "/usr/local/bin/pikett");
    is_taken(&health[1..].iter().map(String::as_str).collect::<Vec<_>>());
    let command = words(file.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap());
    is_taken(&command.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn the_unit_starts_what_there_is() {
    let unit = deploy("pikett.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/pikett ")).unwrap();
    is_taken(&start.split_whitespace().collect::<Vec<_>>());
    let (config, _) = config(BTreeMap::new());
    let state = unit.lines().find_map(|line| line.strip_prefix("WorkingDirectory=")).unwrap();
    assert!(config.database.url.expose().contains(state), "the unit may write only below {state}");
}

/// Everything in the text that looks like a metric of ours, without what Prometheus appends.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|sign: char| !(sign.is_ascii_lowercase() || sign == '_'));
    let names = words.filter(|word| word.len() > "pikett_".len() && word.starts_with("pikett_"));
    names.map(|name| name.trim_end_matches("_bucket").to_owned()).collect()
}

#[test]
fn rules_and_handbook_speak_of_the_metrics_that_there_are() {
    let metrics = metrics_in(include_str!("../src/telemetry.rs"));
    let handbook = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    assert_eq!(metrics_in(&handbook), metrics, "docs/operations.md explains each metric");
    let rules = deploy("alert-rules.yml");
    assert!(metrics_in(&rules).is_subset(&metrics), "{:?}", metrics_in(&rules));
    for rule in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(handbook.contains(&format!("| `{rule}` |")), "docs/operations.md does not say what {rule} means");
    }
}

#[test]
fn the_health_check_survives_podmans_own_format() {
    let file = deploy("Containerfile");
    assert!(file.contains("podman build --format docker"), "podman drops HEALTHCHECK from its own format");
    let of_image = file.lines().find_map(|line| line.strip_prefix("HEALTHCHECK")?.split_once("CMD ")).unwrap().1;
    let compose = deploy("compose.yaml");
    let service = compose.split_once("\n  pikett:\n").unwrap().1.split_once("\n  postgres:\n").unwrap().0;
    let test = service.lines().find_map(|line| line.trim().strip_prefix("test: ")).unwrap();
    assert_eq!(words(test)[1..], words(of_image), "compose.yaml asks as the image does");
}
