//! What schedules and absences may say, what is refused, and what an apply says of a change.

use super::*;

const SCHEDULES: &str = include_str!("../../../tests/data/declarations/schedules.toml");
const BROKEN: &str = include_str!("../../../tests/data/declarations/broken-schedules.toml");

fn with_schedules(text: &str) -> Documents {
    let mut documents = whole();
    let plan = plan_with("0123456789abcdef", &documents, &[("schedules.toml", text)]);
    documents.extend(plan.unwrap_or_else(|faults| panic!("{faults:?}")).documents);
    documents
}

/// Who is on call by the schedule, with the end of the reason.
fn told(directory: &Directory, at: &str) -> String {
    let people = directory.on_call(&"everything".parse().unwrap(), at.parse().unwrap()).people;
    people.iter().map(|duty| format!("{}: {}", duty.person, duty.why)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_schedule_says_all_that_the_calculator_knows() {
    let directory = assembled(&with_schedules(SCHEDULES));
    insta::assert_snapshot!(told(&directory, "2026-01-08T20:00:00Z"), @r"
    ben: layer 1 of schedule everything, turn 2 of 2
    cem: layer 1 of schedule everything, turn 2 of 2
    ");
    insta::assert_snapshot!(told(&directory, "2026-05-01T10:00:00Z"), @"lead: layer 2 of schedule everything");
    insta::assert_snapshot!(told(&directory, "2026-12-25T20:00:00Z"), @"anna: layer 1 of the temporary schedule from 2026-12-24 12:00 until 2026-12-27 09:00 in schedule everything, turn 2 of 2");
}

#[test]
fn what_is_applied_twice_changes_nothing_and_a_change_is_told_by_its_field() {
    let stored = with_schedules(SCHEDULES);
    let apply = |text: &str| plan_with("x", &stored, &[("schedules.toml", text)]).unwrap().differences;
    assert_eq!(apply(SCHEDULES), Vec::<String>::new());
    for (from, to, told) in [
        ("combine = \"add\"\n", "", "~ schedule everything: combine"),
        ("advance = \"on-duty\"", "advance = \"always\"", "~ schedule everything: layers"),
        ("\"sick\"", "\"holiday\"", "~ schedule everything: absences"),
        ("every = \"1 day\"", "every = \"2 days\"", "~ schedule everything: temporary"),
        ("instead_of = \"ben\"\n", "", "~ schedule everything: overrides"),
        ("substitute = \"ben\"", "substitute = \"cem\"", "~ person dora: absences"),
    ] {
        assert!(SCHEDULES.contains(from));
        assert_eq!(apply(&SCHEDULES.replacen(from, to, 1)), [told]);
    }
    // `first` and `last` are whole days, and the same as midnight to midnight.
    let by_hours = SCHEDULES.replace(
        "first = \"2026-08-03\", last = \"2026-08-14\"",
        "from = \"2026-08-03T00:00\", until = \"2026-08-15T00:00\"",
    );
    assert_eq!(apply(&by_hours), Vec::<String>::new());
}

#[test]
fn schedules_that_were_stored_before_there_was_more_read_the_same() {
    let document = r#"{"zone":"Europe/Berlin","layers":[{"people":["anna","ben"],"start":"2026-01-05T09:00","every":"1 week","only":[{"days":"Mon,Tue","from":"08:00","to":"18:00"}]}],"overrides":[{"person":"ben","from":"2026-03-28T18:00","until":"2026-03-30T09:00"}]}"#;
    let key = document::key(document::Kind::Schedule, "primary");
    let directory = assembled(&Documents::from([(key.clone(), document.to_owned())]));
    assert_eq!(document::of(&directory)[&key], document);
}

#[test]
fn what_a_schedule_cannot_mean_is_refused_with_its_place_and_its_mend() {
    let told = faults(&whole(), BROKEN);
    let expected = [
        (4, "`stak` is no way to combine layers"),
        (6, "`ben` is there twice"),
        (6, "there is nobody in this group"),
        (6, "there is no person `cen`"),
        (7, "`Europe/Berln` is no time zone"),
        (10, "a rotation by hours cannot wait for days of duty"),
        (11, "this restricts nothing"),
        (11, "`when` belongs to a calendar"),
        (11, "only entry has no `to`"),
        (11, "the last day lies before the first"),
        (12, "there is no calendar `offise`"),
        (12, "`shut` is no state of a calendar"),
        (16, "there are both `every` and `handoffs`"),
        (17, "`Mo` names no weekdays"),
        (17, "`9:00` is no time of day"),
        (19, "`people` is no list"),
        (21, "this layer is never handed over"),
        (22, "`only` names nothing"),
        (25, "`anna` would stand in for themselves"),
        (30, "`instead_of` replaces one person by another"),
        (35, "there is no person `dara`"),
        (39, "there is nobody in this temporary schedule"),
        (41, "this temporary schedule ends before it begins"),
        (42, "absence has no `last`"),
        (44, "nobody can be their own substitute"),
        (47, "there is no person `bem`"),
        (48, "there are both days and `from`"),
        (51, "`sik` is no reason for an absence"),
        (55, "this absence ends before it begins"),
        (55, "there is no person `emil`"),
    ];
    for (line, what) in expected {
        let place = format!("new.toml:{line}:");
        // Each names its mend.
        let is_it = |fault: &str| fault.starts_with(&place) && fault.contains(what) && fault.contains("; ");
        assert!(told.lines().any(is_it), "{place} {what} is not among:\n{told}");
    }
    assert_eq!(told.lines().count(), expected.len(), "{told}");
}

#[test]
fn the_schedule_that_the_documentation_shows_can_be_applied() {
    let page = include_str!("../../../docs/schedules.md");
    let shown = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let people = ["dora", "eve"].map(|id| {
        format!(
            "[[people]]\nid = \"{id}\"\ncontact = [ {{ id = \"m\", kind = \"email\", to = \"{id}@msp.example\" }} ]\n"
        )
    });
    let plan = plan_with("x", &whole(), &[("schedules.md", shown), ("people.toml", &people.concat())]);
    let differences = plan.unwrap_or_else(|faults| panic!("{faults:?}")).differences;
    assert_eq!(differences, ["+ person dora", "+ person eve", "~ schedule primary: absences, layers, temporary"]);
}
