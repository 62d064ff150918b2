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
    insta::assert_snapshot!(told(&directory, "2026-01-08T20:00:00Z"), @"");
    insta::assert_snapshot!(told(&directory, "2026-05-01T10:00:00Z"), @"");
    insta::assert_snapshot!(told(&directory, "2026-12-25T20:00:00Z"), @"");
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
    insta::assert_snapshot!(faults(&whole(), BROKEN), @"");
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
    assert_eq!(
        differences,
        ["+ person dora", "+ person eve", "~ schedule primary: absences, layers, overrides, temporary"]
    );
}
