//! `pikett flow check|test` on flows of several files: paths, places, and flows without their neighbours.

use std::fs;

use serde_json::Value;

use super::{FLOW, call, desk_with_flow};

#[test]
fn every_path_to_a_human_is_printed_with_its_seconds() {
    let desk = desk_with_flow();
    let told = desk.sound(&["flow", "check", "flows/f.toml"]);
    assert_eq!(told, "flows/f.toml: flow f is sound, 3 steps\n    18 s  menu → talk\n");
    let topic = |n: usize| format!("[steps.t{n}]\ndo = \"pause\"\nfor = \"{n}s\"\nnext = \"talk\"\n");
    let options: Vec<String> = (1..10).map(|n| format!("{n} = {{ to = \"t{n}\" }}")).collect();
    let many = FLOW.replace(
        "options = { 1 = { to = \"talk\" } }",
        &format!(
            "options = {{ {}, 0 = {{ to = \"talk\" }}, \"*\" = {{ to = \"t10\" }}, \"#\" = {{ to = \"t11\" }} }}",
            options.join(", ")
        ),
    );
    let topics: String = (1..12).map(topic).collect();
    desk.write("many.toml", &(many.clone() + &topics));
    let told = desk.sound(&["flow", "check", "many.toml"]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 12, "{told}");
    assert_eq!(lines[1], "    29 s  menu → t11 → talk");
    assert_eq!(lines[11], "  and 2 more to a human, none longer than 19 s: --longest shows them all");
    let told = desk.json(&["flow", "check", "--json", "many.toml"]);
    assert_eq!(told[0]["paths"].as_array().map(Vec::len), Some(12));
    assert_eq!(desk.sound(&["flow", "check", "--longest", "1m", "many.toml"]).lines().count(), 13);
}

#[test]
fn what_is_wrong_with_a_flow_always_has_a_place_and_a_mend() {
    let desk = desk_with_flow();
    desk.write("empty.toml", "[steps.a]\ndo = \"hangup\"\n");
    let told = desk.pikett(&["flow", "check", "--json", "empty.toml", "gone.toml", "flows"]);
    let told: Value = serde_json::from_str(&told.out).expect("it prints JSON");
    let faults: Vec<&Value> =
        told.as_array().expect("a list").iter().flat_map(|it| it["faults"].as_array().expect("faults")).collect();
    assert!(faults.len() >= 5, "{faults:#?}");
    for fault in faults {
        assert!(fault["line"].as_i64() >= Some(1) && fault["column"].as_i64() >= Some(1), "{fault}");
        assert!(fault["mend"].as_str().is_some_and(|mend| !mend.is_empty()), "{fault}");
    }
    let told = desk.pikett(&["flow", "graph", "gone.toml"]);
    assert!(told.code == 1 && told.err.starts_with("gone.toml:1:1: the file could not be read"), "{}", told.err);
    let told = desk.pikett(&["flow", "test", "gone.toml"]);
    assert!(told.code == 1 && told.err.starts_with("gone.toml:1:1: the file could not be read"), "{}", told.err);
    desk.write(
        "twice.toml",
        &FLOW.replace(
            "options = { 1 = { to = \"talk\" } }",
            "options = { 1 = { to = \"talk\" }, 1 = { to = \"bye\" } }",
        ),
    );
    let told = desk.pikett(&["flow", "check", "twice.toml"]);
    let expected = "twice.toml:8:34: step `menu` (line 4): a menu key stands twice: `1`; line 8 has it already: take one of the two \
        out, or let callers press another key\n";
    assert_eq!((told.code, told.out.as_str()), (1, expected));
}

#[test]
fn a_flow_is_tested_without_its_neighbours() {
    let desk = desk_with_flow();
    let msp = fs::read_to_string(desk.path().join("flows/fixtures/msp.toml")).expect("it is there");
    let other = "[[hotlines]]\nnumber = \"+4930901821\"\ncontract = \"acme-gold\"\nflow = \"elsewhere\"\n";
    desk.write("flows/fixtures/msp.toml", &(msp.clone() + other));
    assert!(desk.sound(&["flow", "test", "flows/f.toml"]).contains("1 call, all as expected"));
    desk.sound(&["flow", "check", "--org", "flows/fixtures/msp.toml", "flows/f.toml"]);
    // A flow that no hotline there runs is not held against anything, and that is said.
    desk.write("flows/g.toml", &FLOW.replace("\"f\"", "\"g\""));
    let told = desk.sound(&["flow", "check", "--org", "flows/fixtures/msp.toml", "flows/g.toml"]);
    assert!(told.contains("hint: flows/fixtures/msp.toml has no hotline that runs flow `g`"), "{told}");
    // What is called may lie in another folder, when it is named as well.
    let main = "id = \"main\"\nlanguages = [\"en\"]\nstart = \"help\"\n[steps.help]\ndo = \"flow\"\n\
        flow = \"f\"\nnext = \"bye\"\n[steps.bye]\ndo = \"hangup\"\n";
    desk.write("main/main.toml", main);
    desk.write("main/fixtures/msp.toml", &msp.replace("flow = \"f\"", "flow = \"main\""));
    desk.write("main/main.test.toml", &call("{ ring = \"lead\", answer = true, press = \"1\" }"));
    let told = desk.pikett(&["flow", "test", "main/main.toml"]);
    assert!(told.code == 1 && told.out.contains("there is no flow `f`"), "{}", told.out);
    desk.sound(&["flow", "test", "main/main.toml", "flows/f.toml"]);
    let told = desk.pikett(&["flow", "check", "--org", "main/fixtures/msp.toml", "main/main.toml"]);
    assert!(told.code == 1 && told.out.contains("there is no flow `f`"), "{}", told.out);
    desk.sound(&["flow", "check", "--org", "main/fixtures/msp.toml", "main/main.toml", "flows/f.toml"]);
    desk.sound(&["apply", "flows/f.toml", "main", "main/fixtures/msp.toml"]);
}
