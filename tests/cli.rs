//! The command line as people use it: the real binary, real files, a real database, exit codes.

#[path = "cli/flows.rs"]
mod flows;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

const PEOPLE: &str = include_str!("data/declarations/people.toml");
const CUSTOMERS: &str = include_str!("data/declarations/customers.toml");
const HOLIDAYS: &str = include_str!("data/declarations/holidays.ics");

/// An MSP's folder, with a configuration whose database stands beside it.
struct Desk(tempfile::TempDir);

struct Told {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        let url = format!("sqlite://{}", desk.path().join("pikett.db").display());
        desk.write("pikett.toml", &format!("[database]\nurl = \"{url}\"\n"));
        desk.write("msp/people.toml", PEOPLE);
        desk.write("msp/customers.toml", CUSTOMERS);
        desk.write("msp/holidays.ics", HOLIDAYS);
        desk.write("msp/pins/joerg", "281950\n");
        desk.write("msp/own-key", "b1e4a7700d6f4f1d\n");
        desk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("folders can be made");
        fs::write(path, text).expect("files can be written");
    }

    fn pikett(&self, arguments: &[&str]) -> Told {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_pikett"))
            .current_dir(self.path())
            .env("ACME_PIN_PETRA", "730164")
            .env("ACME_MONITORING_KEY", "e93facc04764012d7bfb002500d5d1a6")
            .args(arguments)
            .output()
            .expect("the binary runs");
        let text = |bytes| String::from_utf8(bytes).expect("it prints text");
        Told { code: status.code().expect("it ends by itself"), out: text(stdout), err: text(stderr) }
    }

    #[track_caller]
    fn sound(&self, arguments: &[&str]) -> String {
        let told = self.pikett(arguments);
        assert_eq!(told.code, 0, "{arguments:?}: {}{}", told.out, told.err);
        told.out
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.sound(arguments)).expect("it prints JSON")
    }
}

#[test]
fn declarations_are_applied_once_and_then_known() {
    let desk = Desk::new();
    let dry = desk.sound(&["apply", "--dry-run", "msp"]);
    assert!(dry.contains("+ person anna") && dry.ends_with("18 changes would be made\n"), "{dry}");
    assert!(desk.sound(&["apply", "msp"]).ends_with("18 changes applied as revision 1\n"));
    assert_eq!(desk.sound(&["apply", "msp"]), "nothing to change\n");
    desk.write("msp/pins/joerg", "281951\n");
    let changed = desk.json(&["apply", "--json", "msp/people.toml", "msp/customers.toml"]);
    assert_eq!(changed["changes"], serde_json::json!(["~ customer globex: contacts"]));
    assert_eq!(changed["revision"], 2);
    let check = desk.sound(&["check"]);
    assert!(check.contains("declarations at revision 2") && check.contains("4 people, 2 schedules"), "{check}");
}

#[test]
fn what_cannot_work_is_refused_with_its_place_and_changes_nothing() {
    let desk = Desk::new();
    desk.write("msp/more.toml", "[[schedules]]\nid = \"third\"\nzone = \"Europe/Berlin\"\nlayers = [\n  { people = [\"ana\"], start = \"2026-01-05T09:00\" },\n]\n");
    let told = desk.pikett(&["apply", "msp"]);
    assert_eq!((told.code, told.out.as_str()), (1, ""));
    assert_eq!(told.err, "msp/more.toml:5:15: there is no person `ana`; did you mean `anna`?\n1 fault\n");
    assert!(desk.pikett(&["oncall"]).err.contains("there is no schedule; declare one"));
    for wrong in [
        &["apply"][..],
        &["appyl", "msp"],
        &["oncall", "--at", "noon"],
        &["token", "create", "--name", "x", "--scope", "all"],
    ] {
        assert_eq!(desk.pikett(wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn oncall_says_who_and_why_and_until_when() {
    let desk = Desk::new();
    desk.sound(&["apply", "msp"]);
    let told = desk.sound(&["oncall", "--at", "2026-01-13T09:00:00+01:00"]);
    assert_eq!(
        told,
        "backup: Cem Yılmaz (cem), by layer 1 of schedule backup; and it stays so\n\
         primary: ben (ben), by layer 1 of schedule primary, turn 2 of 3; until 2026-01-13 18:00 CET, then nobody\n"
    );
    let night = desk.sound(&["oncall", "--schedule", "primary", "--at", "2026-01-13T20:00"]);
    assert_eq!(night, "primary: nobody; until 2026-01-14 08:00 CET, then ben (ben)\n");
    let answer = desk.json(&["oncall", "--json", "--schedule", "primary", "--at", "2026-03-29T12:00:00Z"]);
    assert_eq!(answer[0]["people"][0]["id"], "ben");
    assert_eq!(
        answer[0]["people"][0]["why"],
        "an override of schedule primary from 2026-03-28 18:00 until 2026-03-30 09:00"
    );
    assert_eq!(answer[0]["until"], "2026-03-30T07:00:00Z");
    assert_eq!(answer[0]["next"]["at"], "2026-03-30T07:00:00Z");
    assert_eq!(answer[0]["next"]["people"][0]["id"], "anna");
    let told = desk.pikett(&["oncall", "--schedule", "primry"]);
    assert_eq!((told.code, told.err.as_str()), (1, "pikett: there is no schedule `primry`; did you mean `primary`?\n"));
}

#[test]
fn a_token_is_shown_once_and_can_be_revoked() {
    let desk = Desk::new();
    let made = desk.json(&["token", "create", "--name", "dashboard", "--scope", "read", "--json"]);
    let token = made["token"].as_str().unwrap();
    assert!(token.len() > 64 && made.as_object().unwrap().len() == 1);
    assert!(
        !fs::read(desk.path().join("pikett.db")).unwrap().windows(token.len()).any(|part| part == token.as_bytes())
    );
    let listed = desk.json(&["token", "list", "--json"]);
    assert_eq!((&listed[0]["name"], &listed[0]["scope"]), (&"dashboard".into(), &"read".into()));
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(desk.sound(&["token", "revoke", id]), format!("{id} is revoked\n"));
    assert_eq!(desk.pikett(&["token", "revoke", id]).code, 1);
    assert!(desk.sound(&["token", "list"]).contains(", revoked "));
}

#[test]
fn a_database_is_brought_up_to_date_and_copied() {
    let desk = Desk::new();
    assert!(desk.sound(&["db", "migrate"]).contains("up to date"));
    desk.sound(&["apply", "msp"]);
    desk.sound(&["db", "backup", "copy.db"]);
    assert_eq!(desk.pikett(&["db", "backup", "copy.db"]).code, 1, "a backup was overwritten");
    desk.write("copy.toml", "[database]\nurl = \"sqlite://copy.db\"\n");
    assert!(desk.sound(&["check", "-c", "copy.toml"]).contains("declarations at revision 1"));
}

#[test]
fn a_lock_is_lifted_where_there_is_a_contract() {
    let desk = Desk::new();
    desk.sound(&["apply", "msp"]);
    assert_eq!(desk.sound(&["pin", "unlock", "acme-gold"]), "the PINs of acme-gold were not locked\n");
    let unknown = desk.pikett(&["pin", "unlock", "acme-god"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("there is no contract `acme-god`; did you mean `acme-gold`?"), "{}", unknown.err);
}

const FLOW: &str = "id = \"f\"\nlanguages = [\"en\"]\nstart = \"menu\"\n[steps.menu]\ndo = \"menu\"\nprompt = \"For help press 1.\"\n\
    attempts = 2\noptions = { 1 = { to = \"talk\" } }\ninvalid = \"bye\"\n[steps.talk]\ndo = \"connect\"\nto = \"person:lead\"\n\
    connected = \"bye\"\nnobody = \"bye\"\n[steps.bye]\ndo = \"hangup\"\n";

/// The MSP's folder with a flow, a hotline for it, and a call that goes as expected.
fn desk_with_flow() -> Desk {
    let desk = Desk::new();
    desk.write("flows/f.toml", FLOW);
    desk.write(
        "flows/fixtures/msp.toml",
        "[[people]]\nid = \"lead\"\ncontact = [ { id = \"m\", kind = \"voice\", to = \"+4915110000009\" } ]\n\
         [[policies]]\nid = \"gold\"\nlevels = [ { notify = [\"person:lead\"], ack_within = \"5m\" } ]\n\
         [[customers]]\nid = \"acme\"\n[[contracts]]\nid = \"acme-gold\"\ncustomer = \"acme\"\ncoverage = \"always\"\n\
         priorities.P1 = { policy = \"gold\" }\n\
         [[hotlines]]\nnumber = \"+4930901820\"\ncontract = \"acme-gold\"\nflow = \"f\"\n",
    );
    desk.write("flows/f.test.toml", &call("{ ring = \"lead\", answer = true, press = \"1\" }"));
    desk
}

fn call(last: &str) -> String {
    format!(
        "[[call]]\nname = \"help\"\norg = \"fixtures/msp.toml\"\nat = \"2026-12-24T02:30:00+01:00\"\nfrom = \"+4930555010\"\n\
         script = [\n  {{ hear = \"For help\", press = \"1\" }},\n  {last},\n]\nexpect = {{ ended = \"connected\" }}\n"
    )
}

#[test]
fn test_calls_are_run_and_what_goes_otherwise_is_said_with_its_line() {
    let desk = desk_with_flow();
    let told = desk.sound(&["flow", "test", "flows"]);
    assert!(told.contains("flows/f.test.toml: 1 of 1 calls as expected\n  no call takes menu.invalid"), "{told}");
    assert!(told.contains("1 call, all as expected, in "), "{told}");
    desk.write("flows/f.test.toml", &call("{ ring = \"anna\", answer = true, press = \"1\" }"));
    let told = desk.pikett(&["flow", "test", "flows/f.toml"]);
    assert_eq!(told.code, 1);
    let expected = "flows/f.test.toml:8: help: expected the phone of anna to ring; lead is rung\n  up to there:\n    02:30:00  hears: For help press 1.";
    assert!(told.out.contains(expected), "{}", told.out);
    let json = desk.pikett(&["flow", "test", "--json", "flows/f.test.toml"]);
    let json: Value = serde_json::from_str(&json.out).expect("it prints JSON");
    assert_eq!((&json["failed"], &json["files"][0]["calls"][0]["failures"][0]["line"]), (&1.into(), &8.into()));
    desk.write("flows/f.test.toml", &call("{ ringg = \"lead\" }"));
    let told = desk.pikett(&["flow", "test", "flows"]);
    assert!(
        told.out.contains("flows/f.test.toml:8:5: script entry has an unknown key `ringg`; did you mean `ring`?"),
        "{}",
        told.out
    );
    desk.write("flows/g.toml", &FLOW.replace("\"f\"", "\"g\""));
    let told = desk.pikett(&["flow", "test", "flows/g.toml"]);
    assert!(told.code == 1 && told.err.contains("there are no test calls beside this flow"), "{}", told.err);
}

#[test]
fn what_belongs_to_test_calls_is_never_applied() {
    let desk = desk_with_flow();
    desk.write(
        "flows/msp.toml",
        "[[people]]\nid = \"lead\"\ncontact = [ { id = \"m\", kind = \"voice\", to = \"+4915110000009\" } ]\n",
    );
    let told = desk.sound(&["apply", "--dry-run", "flows"]);
    assert_eq!(told, "+ person lead\n+ flow f\n2 changes would be made\n");
}

#[test]
fn the_way_to_a_human_is_measured_and_must_reach_somebody() {
    let desk = desk_with_flow();
    let told = desk.pikett(&["flow", "check", "--longest", "10s", "flows/f.toml"]);
    assert_eq!(told.code, 1);
    assert!(
        told.out
            .starts_with("flows/f.toml:10:1: it may take 18 s until step `talk` rings a human: menu → talk; shorten"),
        "{}",
        told.out
    );
    assert!(told.out.ends_with("    18 s  menu → talk\n"), "{}", told.out);
    desk.sound(&["flow", "check", "--longest", "20s", "--org", "flows/fixtures/msp.toml", "flows/f.toml"]);
    desk.write("flows/limited.toml", &FLOW.replace("start =", "max_seconds_to_human = 5\nstart ="));
    let told = desk.pikett(&["flow", "check", "flows/limited.toml"]);
    assert!(
        told.out.starts_with("flows/limited.toml:3:24: it may take 18 s to the first human: menu → talk"),
        "{}",
        told.out
    );
    let mails = desk.pikett(&["flow", "check", "--org", "flows/mails.toml", "flows/f.toml"]);
    assert!(mails.code == 1 && mails.out.contains("flows/mails.toml:1:1: the file could not be read"), "{}", mails.out);
    let msp = fs::read_to_string(desk.path().join("flows/fixtures/msp.toml")).expect("it is there");
    desk.write(
        "mails.toml",
        &msp.replace("kind = \"voice\", to = \"+4915110000009\"", "kind = \"email\", to = \"lead@msp.example\""),
    );
    let mails = desk.pikett(&["flow", "check", "--org", "mails.toml", "flows/f.toml"]);
    let expected = "flows/f.toml:10:1: step `talk` of flow `f` reaches nobody: lead has no number that can be rung (hotline \
        +4930901820 at mails.toml:17:8); give one of them a contact of kind \"voice\"\n";
    assert!(mails.code == 1 && mails.out.starts_with(expected), "{}", mails.out);
    let told = desk.pikett(&["flow", "check", "--json", "--org", "mails.toml", "flows/f.toml"]);
    let told: Value = serde_json::from_str(&told.out).expect("it prints JSON");
    let fault = &told[0]["faults"][0];
    assert_eq!((&fault["file"], &fault["line"]), (&"flows/f.toml".into(), &10.into()));
    desk.write("mails.toml", &msp.replace("[[contracts]]", "[[contrakts]]"));
    let told = desk.pikett(&["flow", "check", "--json", "--org", "mails.toml", "flows/f.toml"]);
    let told: Value = serde_json::from_str(&told.out).expect("it prints JSON");
    assert_eq!(told[0]["faults"][0]["file"], "mails.toml", "a fault says which file it is in");
}

#[test]
fn what_a_called_flow_asks_is_counted_where_it_is_given_and_named_where_not() {
    let desk = desk_with_flow();
    let main = "id = \"main\"\nlanguages = [\"en\"]\nmax_seconds_to_human = 10\nstart = \"help\"\n[steps.help]\ndo = \"flow\"\n\
        flow = \"f\"\nnext = \"bye\"\n[steps.bye]\ndo = \"hangup\"\n";
    desk.write("main.toml", main);
    let told = desk.sound(&["flow", "check", "--longest", "10s", "main.toml"]);
    let unknown = "main.toml: how long flow `f` takes is not counted: name its file as well, or use --org\n";
    assert_eq!(told, format!("main.toml: flow main is sound, 2 steps\n{unknown}"));
    let told = desk.pikett(&["flow", "check", "main.toml", "flows/f.toml"]);
    let expected = "main.toml:3:24: it may take 18 s to the first human: help → f/menu → f/talk; shorten";
    assert!(told.code == 1 && told.out.starts_with(expected) && !told.out.contains("not counted"), "{}", told.out);
    let told = desk.pikett(&["flow", "check", "--longest", "17s", "main.toml", "flows/f.toml"]);
    let expected = "main.toml:5:1: it may take 18 s until step `f/talk` rings a human: help → f/menu → f/talk; shorten";
    assert!(told.out.contains(expected), "{}", told.out);
    desk.write("flows/main.toml", main);
    let msp = fs::read_to_string(desk.path().join("flows/fixtures/msp.toml")).expect("it is there");
    desk.write("flows/fixtures/main.toml", &msp.replace("flow = \"f\"", "flow = \"main\""));
    let told = desk.pikett(&["flow", "check", "--org", "flows/fixtures/main.toml", "flows/main.toml"]);
    let expected = "flows/main.toml:3:24: it may take 18 s to the first human: help → f/menu → f/talk; shorten";
    assert!(told.code == 1 && told.out.matches(expected).count() == 1, "{}", told.out);
    let told = desk.pikett(&["apply", "--dry-run", "flows", "flows/fixtures/main.toml"]);
    assert!(told.code == 1 && format!("{}{}", told.out, told.err).contains(expected), "{}{}", told.out, told.err);
    let picture = desk.sound(&["flow", "graph", "flows/main.toml"]);
    assert!(picture.contains("longest wait: 18 s"), "{picture}");
    assert!(desk.sound(&["flow", "graph", "main.toml"]).contains("f is not beside: not counted"));
}

#[test]
fn a_flow_is_drawn_even_with_faults_and_has_a_schema() {
    let desk = desk_with_flow();
    desk.sound(&["flow", "graph", "flows/f.toml", "-o", "f.svg"]);
    let picture = fs::read_to_string(desk.path().join("f.svg")).expect("it was written");
    assert!(picture.starts_with("<svg ") && picture.contains("longest wait: 18 s") && picture.contains("arrow taken"));
    desk.write("flows/g.toml", &FLOW.replace("\"f\"", "\"g\""));
    desk.sound(&["flow", "graph", "flows/f.toml", "flows/f.test.toml", "flows/g.toml"]);
    for name in ["f", "g"] {
        let drawn = fs::read_to_string(desk.path().join(format!("flows/{name}.svg"))).expect("it lies beside the flow");
        assert!(drawn.contains("longest wait: 18 s"), "{drawn}");
    }
    desk.sound(&["flow", "graph", "flows/f.toml", "flows/g.toml", "-o", "pictures/of-flows"]);
    assert_eq!(fs::read_to_string(desk.path().join("pictures/of-flows/f.svg")).expect("it was written"), picture);
    assert!(desk.path().join("pictures/of-flows/g.svg").exists());
    desk.write("other/f.toml", FLOW);
    let told = desk.pikett(&["flow", "graph", "flows/f.toml", "other/f.toml", "-o", "pictures"]);
    assert!(told.code == 1 && told.err.contains("would be written over that of flows/f.toml"), "{}", told.err);
    desk.write("broken.toml", &FLOW.replace("nobody = \"bye\"\n", ""));
    let told = desk.pikett(&["flow", "graph", "broken.toml", "gone.toml", "flows/f.toml", "-o", "drawn"]);
    assert!(told.code == 1 && told.err.contains("\ngone.toml:1:1: "), "{}", told.err);
    assert!(desk.path().join("drawn/broken.svg").exists() && desk.path().join("drawn/f.svg").exists());
    let told = desk.pikett(&["flow", "graph", "broken.toml"]);
    assert_eq!(told.code, 1);
    assert!(
        told.err.contains("step `talk` has no `nobody`") && told.out.contains("<g class=\"wrong\">"),
        "{}",
        told.err
    );
    let schema = desk.json(&["flow", "schema"]);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn faults_of_flows_are_said_file_by_file() {
    let desk = Desk::new();
    desk.write("a.toml", "id = \n");
    desk.write("a.test.toml", "nonsense");
    let told = desk.pikett(&["flow", "check", "a.toml", "a.test.toml", "gone.toml"]);
    assert_eq!(told.code, 1);
    assert!(
        told.out.starts_with("a.toml:1:6: not TOML") && told.out.contains("\ngone.toml:1:1: the file could"),
        "{}",
        told.out
    );
}

const FRENCH: &str = include_str!("data/languages/fr.toml");

#[test]
fn a_file_adds_a_language_and_a_faulty_one_is_refused_by_whatever_would_speak_it() {
    let desk = Desk::new();
    let settings = fs::read_to_string(desk.path().join("pikett.toml")).expect("it is there");
    desk.write("etc/pikett.toml", &format!("[server]\nlanguages = \"languages\"\n{settings}"));
    desk.write("etc/languages/README.md", "no language");
    desk.write("etc/languages/fr.toml", &FRENCH.replace("goodbye = \"Au revoir.\"\n", ""));
    let fault =
        "etc/languages/fr.toml:7:1: [callers] has no `goodbye`; add it; in English it is \"Goodbye.\"\n1 fault\n";
    for command in [&["check"][..], &["serve"], &["apply", "msp"], &["flow", "test", "msp"]] {
        let told = desk.pikett(&[command, &["-c", "etc/pikett.toml"]].concat());
        assert_eq!((told.code, told.err.as_str()), (1, fault), "{command:?}: {}", told.out);
    }
    assert_eq!(desk.pikett(&["language", "check", "etc/languages/fr.toml"]).err, fault);

    desk.write("etc/languages/fr.toml", FRENCH);
    assert_eq!(desk.sound(&["language", "check", "etc/languages/fr.toml"]), "etc/languages/fr.toml: sound\n");
    let check = desk.sound(&["check", "-c", "etc/pikett.toml"]);
    assert!(check.contains("\nlanguages      de, en, fr\n"), "{check}");
    assert!(desk.sound(&["check"]).contains("\nlanguages      de, en\n"));
    desk.write("etc/pikett.toml", "[server]\nlanguages = \"gone\"\n");
    let told = desk.pikett(&["check", "-c", "etc/pikett.toml"]);
    assert!(
        told.code == 1 && told.err.starts_with("etc/gone: the folder of languages could not be read"),
        "{}",
        told.err
    );
}

#[test]
fn whoever_adds_a_language_starts_from_one_that_comes_along() {
    let desk = Desk::new();
    let english = desk.sound(&["language", "show", "en"]);
    assert!(english.contains("# {position}: from 1.\nqueue_position = "), "{english}");
    desk.write("languages/own.toml", &english);
    desk.sound(&["language", "check", "languages/own.toml"]);
    let told = desk.pikett(&["language", "show", "fr"]);
    assert_eq!((told.code, told.err.as_str()), (1, "pikett: `fr` does not come along; use one of en, de\n"));
}

#[test]
fn a_flow_in_a_language_without_sentences_is_sound_and_hinted_at() {
    let desk = desk_with_flow();
    desk.write("flows/fr.toml", &FLOW.replace("languages = [\"en\"]", "languages = [\"fr\"]"));
    let told = desk.sound(&["flow", "check", "flows/f.toml", "flows/fr.toml"]);
    let hint =
        "flows/fr.toml: hint: Pikett has no sentences of its own in `fr`: what the flow leaves to it is said in `en`";
    assert!(told.lines().any(|line| line.starts_with(hint)) && told.matches("hint").count() == 1, "{told}");
    let told = desk.json(&["flow", "check", "--json", "flows/fr.toml"]);
    assert_eq!(
        (told[0]["faults"].as_array().map(Vec::len), told[0]["hints"].as_array().map(Vec::len)),
        (Some(0), Some(1))
    );
    desk.write("etc/pikett.toml", "[server]\nlanguages = \"languages\"\n");
    desk.write("etc/languages/fr.toml", FRENCH);
    let told = desk.sound(&["flow", "check", "-c", "etc/pikett.toml", "flows/fr.toml"]);
    assert!(!told.contains("hint"), "{told}");
    // The configuration of this folder counts as well, also where its secrets are not at hand.
    let settings = "[server]\nlanguages = \"etc/languages\"\npublic_url = \"https://hotline.example.com\"\n[[carriers]]\nid = \"twilio\"\n\
        kind = \"twilio\"\naccount_sid = \"AC1\"\nauth_token = \"env:PIKETT_TEST_NOWHERE\"\nfrom = \"+4930901820\"\n";
    desk.write("pikett.toml", settings);
    let told = desk.sound(&["flow", "check", "flows/fr.toml"]);
    assert!(!told.contains("hint"), "{told}");
}

#[test]
fn every_command_shows_an_example() {
    let desk = Desk::new();
    let mut commands: Vec<Vec<String>> = vec![Vec::new()];
    let mut shown = 0;
    while let Some(command) = commands.pop() {
        let asked: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = desk.sound(&asked);
        let has_example = ["Example:\n  pikett ", "Examples:\n  pikett "].iter().any(|example| help.contains(example));
        assert!(has_example, "{command:?}: {help}");
        shown += 1;
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let names = listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
        commands.extend(names.filter(|name| *name != "help").map(|name| [&command[..], &[name.to_owned()]].concat()));
    }
    assert!(shown > 40, "only {shown} commands were found");
}
