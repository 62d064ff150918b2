//! Who comes: groups, overrides, absences, temporary schedules, and the reasons that are given.

use chrono_tz::{America, Europe};

use super::*;

fn replaced(person: &str, from: &str, until: &str) -> Override {
    changed(Change::Replace(person.parse().unwrap()), from, until)
}

#[test]
fn overrides_beat_layers_and_the_last_declared_wins() {
    let mut primary = schedule(Europe::Berlin, vec![every(&["anna"], "2026-01-05T09:00:00", Every::Weeks(1))]);
    primary.roster.overrides = vec![
        replaced("ben", "2026-03-28T18:00:00", "2026-03-30T09:00:00"),
        replaced("cem", "2026-03-29T00:00:00", "2026-03-29T12:00:00"),
        replaced("dora", "2026-03-29T11:00:00", "2026-03-29T11:00:00"),
    ];
    check(
        &primary,
        &[
            ("2026-03-28T16:59:59Z", "anna"),
            ("2026-03-28T17:00:00Z", "ben"),
            ("2026-03-28T23:00:00Z", "cem"),
            ("2026-03-29T09:00:00Z", "cem"),
            ("2026-03-29T10:00:00Z", "ben"),
            ("2026-03-30T07:00:00Z", "anna"),
        ],
    );
    assert_eq!(ask(&primary, "2026-03-28T18:00:00Z").until, Some(at("2026-03-28T23:00:00Z")));
    assert_eq!(
        ask(&primary, "2026-03-29T05:00:00Z").people[0].why.to_string(),
        "an override of schedule primary from 2026-03-29 00:00 until 2026-03-29 12:00"
    );
}

#[test]
fn a_group_is_on_call_together() {
    let primary = schedule(Europe::Berlin, vec![every(&["anna+ben", "cem"], "2026-01-05T09:00:00", Every::Weeks(1))]);
    check(&primary, &[("2026-01-06T12:00:00Z", "anna+ben"), ("2026-01-13T12:00:00Z", "cem")]);
    let why: Vec<String> =
        ask(&primary, "2026-01-06T12:00:00Z").people.iter().map(|duty| duty.why.to_string()).collect();
    assert_eq!(why, ["layer 1 of schedule primary, turn 1 of 2"; 2]);
}

#[test]
fn layers_that_add_up_have_everybody_once() {
    let mut primary = schedule(
        Europe::Berlin,
        vec![
            every(&["anna", "ben"], "2026-01-05T09:00:00", Every::Weeks(1)),
            every(&["ben", "cem"], "2026-01-05T09:00:00", Every::Days(1)),
        ],
    );
    primary.roster.combine = Combine::Add;
    check(
        &primary,
        &[
            ("2026-01-05T12:00:00Z", "ben+anna"),
            ("2026-01-06T12:00:00Z", "cem+anna"),
            ("2026-01-12T12:00:00Z", "cem+ben"),
            ("2026-01-13T12:00:00Z", "ben"),
        ],
    );
}

#[test]
fn overrides_add_and_take_off() {
    let mut primary = schedule(
        Europe::Berlin,
        vec![
            every(&["night"], "2026-01-05T09:00:00", Every::Weeks(1)),
            every(&["anna", "ben"], "2026-01-05T09:00:00", Every::Weeks(1)),
        ],
    );
    primary.roster.overrides = vec![
        changed(Change::Add(person("cem")), "2026-01-06T00:00:00", "2026-01-08T00:00:00"),
        // The layer below has somebody.
        changed(Change::Remove(person("anna")), "2026-01-07T00:00:00", "2026-01-09T00:00:00"),
        changed(Change::Add(person("anna")), "2026-01-08T00:00:00", "2026-01-08T12:00:00"),
        changed(
            Change::StandIn { person: person("dora"), absent: person("ben") },
            "2026-01-05T00:00:00",
            "2026-01-20T00:00:00",
        ),
        changed(
            Change::StandIn { person: person("ben"), absent: person("dora") },
            "2026-01-14T00:00:00",
            "2026-01-20T00:00:00",
        ),
    ];
    check(
        &primary,
        &[
            ("2026-01-05T12:00:00Z", "anna"),
            ("2026-01-06T12:00:00Z", "anna+cem"),
            ("2026-01-07T12:00:00Z", "night+cem"),
            // Adding her again is the later word.
            ("2026-01-08T10:00:00Z", "anna"),
            ("2026-01-08T12:00:00Z", "night"),
            ("2026-01-09T12:00:00Z", "anna"),
            // Dora for Ben, who never comes; and both swapped are each moved once.
            ("2026-01-13T12:00:00Z", "dora"),
            ("2026-01-15T12:00:00Z", "dora"),
        ],
    );
    let why = |when: &str| ask(&primary, when).people.last().unwrap().why.to_string();
    assert_eq!(why("2026-01-13T12:00:00Z"), "layer 2 of schedule primary, turn 2 of 2, in place of ben by override 4");
    assert_eq!(
        why("2026-01-06T12:00:00Z"),
        "an override that adds to schedule primary from 2026-01-06 00:00 until 2026-01-08 00:00"
    );
}

#[test]
fn two_people_swap_a_night() {
    let mut primary = schedule(Europe::Berlin, vec![every(&["anna", "ben"], "2026-01-05T09:00:00", Every::Days(1))]);
    let swap = |person: &str, absent: &str| {
        let change = Change::StandIn { person: self::person(person), absent: self::person(absent) };
        changed(change, "2026-01-05T09:00:00", "2026-01-07T09:00:00")
    };
    primary.roster.overrides = vec![swap("ben", "anna"), swap("anna", "ben")];
    check(
        &primary,
        &[("2026-01-05T12:00:00Z", "ben"), ("2026-01-06T12:00:00Z", "anna"), ("2026-01-07T12:00:00Z", "anna")],
    );
}

#[test]
fn the_substitute_comes_or_else_the_next_in_the_rotation() {
    let primary =
        schedule(Europe::Berlin, vec![every(&["anna", "ben", "cem"], "2026-01-05T09:00:00", Every::Weeks(1))]);
    let world = World::default()
        .with_absences(
            "anna",
            America::New_York,
            vec![
                away("2026-01-06T00:00:00", "2026-01-08T00:00:00", AbsenceReason::Holiday, Some("dora")),
                away("2026-01-08T00:00:00", "2026-01-10T00:00:00", AbsenceReason::Sick, None),
            ],
        )
        .with_absences(
            "ben",
            Europe::Berlin,
            vec![away("2026-01-09T00:00:00", "2026-01-11T00:00:00", AbsenceReason::Other, None)],
        );
    check_in(
        &world,
        &primary,
        &[
            // Midnight in New York.
            ("2026-01-06T04:59:59Z", "anna"),
            ("2026-01-06T05:00:00Z", "dora"),
            ("2026-01-08T04:59:59Z", "dora"),
            ("2026-01-08T05:00:00Z", "ben"),
            // Ben is away as well: the one after him.
            ("2026-01-08T23:00:00Z", "cem"),
            ("2026-01-10T05:00:00Z", "anna"),
        ],
    );
    let why = |when: &str| who(&primary, world.around(), at(when)).people[0].why.to_string();
    let layer = "layer 1 of schedule primary, turn 1 of 3";
    assert_eq!(why("2026-01-07T00:00:00Z"), format!("{layer}, in place of anna, who is on holiday"));
    assert_eq!(why("2026-01-09T00:00:00Z"), format!("{layer}, as the next after anna, who is sick"));
}

#[test]
fn the_schedules_word_on_an_absence_counts_before_the_persons() {
    let mut primary = schedule(Europe::Berlin, vec![every(&["anna", "ben"], "2026-01-05T09:00:00", Every::Weeks(1))]);
    let day =
        |substitute: &str| away("2026-01-06T00:00:00", "2026-01-07T00:00:00", AbsenceReason::Holiday, Some(substitute));
    primary.absences = vec![(person("anna"), day("cem")), (person("anna"), day("dora"))];
    let world = World::default().with_absences("anna", Europe::Berlin, vec![day("eve")]);
    check_in(&world, &primary, &[("2026-01-06T12:00:00Z", "dora")]);
    primary.absences.clear();
    check_in(&world, &primary, &[("2026-01-06T12:00:00Z", "eve")]);
}

#[test]
fn an_absent_person_is_never_on_call_by_whatever_word() {
    let gone = |substitute: Option<&str>| {
        vec![away("2026-01-01T00:00:00", "2026-02-01T00:00:00", AbsenceReason::Sick, substitute)]
    };
    let when = "2026-01-06T12:00:00Z";
    let with = |layers: &[&[&str]], changes: Vec<Change>| {
        let layer = |people: &&[&str]| every(people, "2026-01-05T09:00:00", Every::Weeks(1));
        let mut primary = schedule(Europe::Berlin, layers.iter().map(layer).collect());
        let always = |change| changed(change, "2026-01-01T00:00:00", "2026-02-01T00:00:00");
        primary.roster.overrides = changes.into_iter().map(always).collect();
        primary
    };
    let alone = World::default().with_absences("anna", Europe::Berlin, gone(None));
    for (schedule, expected) in [
        (with(&[&["anna"]], vec![]), "-"),
        (with(&[&["night"], &["anna"]], vec![]), "night"),
        (with(&[&["anna+ben", "cem"]], vec![]), "ben"),
        (with(&[&["ben"]], vec![Change::Replace(person("anna"))]), "ben"),
        (with(&[&["ben"]], vec![Change::Add(person("anna"))]), "ben"),
        (with(&[&["ben"]], vec![Change::StandIn { person: person("anna"), absent: person("ben") }]), "ben"),
        // Whoever stands in for her counts before her substitute.
        (with(&[&["anna", "ben"]], vec![Change::StandIn { person: person("cem"), absent: person("anna") }]), "cem"),
        // Taking somebody off brings nobody in.
        (with(&[&["ben", "cem"]], vec![Change::Remove(person("ben"))]), "-"),
    ] {
        check_in(&alone, &schedule, &[(when, expected)]);
    }
    let in_a_ring = World::default().with_absences("anna", Europe::Berlin, gone(Some("ben"))).with_absences(
        "ben",
        Europe::Berlin,
        gone(Some("anna")),
    );
    check_in(&in_a_ring, &with(&[&["night"], &["anna", "cem"]], vec![]), &[(when, "cem")]);
    let in_a_row = World::default().with_absences("anna", Europe::Berlin, gone(Some("ben"))).with_absences(
        "ben",
        Europe::Berlin,
        gone(Some("cem")),
    );
    check_in(&in_a_row, &with(&[&["anna"]], vec![]), &[(when, "cem")]);
}

#[test]
fn a_temporary_schedule_replaces_layers_and_overrides_for_a_while() {
    let mut primary = schedule(Europe::Berlin, vec![every(&["anna"], "2026-01-05T09:00:00", Every::Weeks(1))]);
    primary.roster.overrides = vec![replaced("ben", "2026-12-20T00:00:00", "2026-12-27T00:00:00")];
    let mut nights = every(&["cem", "dora"], "2026-12-24T00:00:00", Every::Days(1));
    nights.only = vec![during("daily", 18, 6)];
    let roster = Roster {
        layers: vec![nights],
        overrides: vec![replaced("eve", "2026-12-24T20:00:00", "2026-12-24T21:00:00")],
        ..Roster::default()
    };
    let (from, until) = ("2026-12-24T12:00:00".parse().unwrap(), "2026-12-26T12:00:00".parse().unwrap());
    primary.temporary = vec![Temporary { from, until, roster }];
    check(
        &primary,
        &[
            ("2026-12-24T10:59:59Z", "ben"),
            // It has nobody by day, and then there is nobody.
            ("2026-12-24T11:00:00Z", "-"),
            ("2026-12-24T17:00:00Z", "cem"),
            ("2026-12-24T19:00:00Z", "eve"),
            ("2026-12-24T23:00:00Z", "dora"),
            ("2026-12-26T11:00:00Z", "ben"),
            ("2026-12-26T23:00:00Z", "anna"),
        ],
    );
    assert_eq!(
        ask(&primary, "2026-12-24T17:00:00Z").people[0].why.to_string(),
        "layer 1 of the temporary schedule from 2026-12-24 12:00 until 2026-12-26 12:00 in schedule primary, turn 1 of 2"
    );
}

#[test]
fn handoffs_are_the_instants_at_which_others_come() {
    let mut primary =
        schedule(Europe::Berlin, vec![every(&["anna", "ben", "ben"], "2026-01-05T09:00:00", Every::Weeks(1))]);
    primary.roster.overrides =
        vec![changed(Change::Remove(person("ben")), "2026-01-14T00:00:00", "2026-01-15T00:00:00")];
    let (from, to) = (at("2026-01-05T12:00:00Z"), at("2027-01-05T12:00:00Z"));
    let next: Vec<String> = handoffs(&primary, Around::nothing(), from, to)
        .take(4)
        .map(|handoff| {
            let people = |people: Vec<OnDuty>| names(&OnCall { people, until: None });
            format!("{} {} {}", handoff.at.format("%m-%d %H:%M"), people(handoff.before), people(handoff.after))
        })
        .collect();
    assert_eq!(next, ["01-12 08:00 anna ben", "01-13 23:00 ben -", "01-14 23:00 - ben", "01-26 08:00 ben anna"]);
}
