//! The clock's rules: gaps, folds, month ends, leap days; handoffs by weekday; rotations of one, of
//! nobody, not begun, and changed in the middle.

use chrono_tz::{America, Australia, Europe, Pacific};

use super::*;

#[test]
fn a_week_hands_over_at_the_same_civil_time_in_summer_and_winter() {
    let primary =
        schedule(Europe::Berlin, vec![every(&["anna", "ben", "cem"], "2026-01-05T09:00:00", Every::Weeks(1))]);
    check(
        &primary,
        &[
            ("2026-01-05T07:59:59Z", "-"),
            ("2026-01-05T08:00:00Z", "anna"),
            ("2026-01-12T07:59:59Z", "anna"),
            ("2026-01-12T08:00:00Z", "ben"),
            ("2026-07-06T06:59:59Z", "ben"),
            ("2026-07-06T07:00:00Z", "cem"),
        ],
    );
    assert_eq!(ask(&primary, "2026-03-25T12:00:00Z").until, Some(at("2026-03-30T07:00:00Z")));
    assert_eq!(ask(&primary, "2025-12-01T00:00:00Z").until, Some(at("2026-01-05T08:00:00Z")));
}

#[test]
fn a_handoff_in_a_gap_happens_after_it_and_one_in_a_fold_at_the_first() {
    let daily = schedule(Europe::Berlin, vec![every(&["anna", "ben"], "2026-03-27T02:30:00", Every::Days(1))]);
    check(
        &daily,
        &[
            ("2026-03-29T00:59:59Z", "ben"),
            ("2026-03-29T01:00:00Z", "anna"),
            ("2026-03-30T00:29:59Z", "anna"),
            ("2026-03-30T00:30:00Z", "ben"),
            ("2026-10-25T00:29:59Z", "ben"),
            ("2026-10-25T00:30:00Z", "anna"),
            ("2026-10-25T01:15:00Z", "anna"),
            ("2026-10-25T01:30:00Z", "anna"),
            ("2026-10-26T01:30:00Z", "ben"),
        ],
    );
    assert_eq!(ask(&daily, "2026-03-29T00:30:00Z").until, Some(at("2026-03-29T01:00:00Z")));
    assert_eq!(ask(&daily, "2026-10-25T01:15:00Z").until, Some(at("2026-10-26T01:30:00Z")));
}

#[test]
fn hours_are_elapsed_time() {
    let primary = schedule(Europe::Berlin, vec![every(&["anna", "ben"], "2026-03-28T20:00:00", Every::Hours(12))]);
    check(
        &primary,
        &[("2026-03-29T06:59:59Z", "anna"), ("2026-03-29T07:00:00Z", "ben"), ("2026-03-29T19:00:00Z", "anna")],
    );
}

#[test]
fn a_month_from_the_31st_ends_on_the_last_day_and_does_not_drift() {
    let monthly =
        schedule(Europe::Berlin, vec![every(&["anna", "ben", "cem"], "2027-12-31T12:00:00", Every::Months(1))]);
    check(
        &monthly,
        &[
            ("2028-01-31T10:59:59Z", "anna"),
            ("2028-01-31T11:00:00Z", "ben"),
            // 2028 is a leap year.
            ("2028-02-29T10:59:59Z", "ben"),
            ("2028-02-29T11:00:00Z", "cem"),
            ("2028-03-31T09:59:59Z", "cem"),
            ("2028-03-31T10:00:00Z", "anna"),
            ("2028-04-30T09:59:59Z", "anna"),
            ("2028-04-30T10:00:00Z", "ben"),
            ("2028-05-31T09:59:59Z", "ben"),
            ("2028-05-31T10:00:00Z", "cem"),
        ],
    );
    let yearly = schedule(Europe::Berlin, vec![every(&["anna", "ben"], "2024-02-29T00:00:00", Every::Months(12))]);
    check(
        &yearly,
        &[
            ("2025-02-27T22:59:59Z", "anna"),
            ("2025-02-27T23:00:00Z", "ben"),
            ("2028-02-28T22:59:59Z", "ben"),
            ("2028-02-28T23:00:00Z", "anna"),
        ],
    );
}

#[test]
fn one_person_stays_on_call_for_ever_and_an_empty_layer_has_nobody() {
    let alone = schedule(America::New_York, vec![every(&["anna"], "2026-01-05T09:00:00", Every::Weeks(1))]);
    check(&alone, &[("2036-01-05T14:00:00Z", "anna")]);
    assert_eq!(ask(&alone, "2036-01-05T14:00:00Z").until, None);
    let empty = schedule(America::New_York, vec![every(&[], "2026-01-05T09:00:00", Every::Weeks(1))]);
    assert_eq!(ask(&empty, "2036-01-05T14:00:00Z"), OnCall::nobody());
}

#[test]
fn the_reason_names_the_layer_and_the_turn() {
    let primary = schedule(Europe::Berlin, vec![every(&["anna", "ben"], "2026-01-05T09:00:00", Every::Days(2))]);
    let why = &ask(&primary, "2026-01-08T12:00:00Z").people[0].why;
    assert_eq!(why.to_string(), "layer 1 of schedule primary, turn 2 of 2");
}

#[test]
fn absurd_rotations_are_answered_too() {
    for absurd in
        [Every::Hours(u32::MAX), Every::Days(u32::MAX), Every::Weeks(u32::MAX), Every::Months(u32::MAX), Every::Days(0)]
    {
        let primary = schedule(Europe::Berlin, vec![every(&["anna", "ben"], "2026-01-05T09:00:00", absurd)]);
        assert_eq!(ask(&primary, "2026-01-05T12:00:00Z").people.len(), 1, "{absurd:?}");
    }
}

fn weekly(times: &[(&str, u16)]) -> Handoffs {
    Handoffs::Weekly(WeekTimes::new(times.iter().map(|(days, hour)| (Days::parse(days).unwrap(), hour * 60))))
}

#[test]
fn weekday_handoffs_come_on_their_days_and_the_start_is_the_first() {
    // The start is a Tuesday: Anna has the short stretch until Thursday.
    let primary = schedule(
        Europe::Berlin,
        vec![layer(&["anna", "ben", "cem"], "2026-01-06T12:00:00", weekly(&[("Mon,Thu", 9)]))],
    );
    check(
        &primary,
        &[
            ("2026-01-06T10:59:59Z", "-"),
            ("2026-01-06T11:00:00Z", "anna"),
            ("2026-01-08T07:59:59Z", "anna"),
            ("2026-01-08T08:00:00Z", "ben"),
            ("2026-01-12T07:59:59Z", "ben"),
            ("2026-01-12T08:00:00Z", "cem"),
            ("2026-01-15T08:00:00Z", "anna"),
            // Ten years later, at nine in summer as well: the 1,103rd handoff after the start.
            ("2036-07-31T06:59:59Z", "ben"),
            ("2036-07-31T07:00:00Z", "cem"),
        ],
    );
    assert_eq!(ask(&primary, "2026-01-13T00:00:00Z").until, Some(at("2026-01-15T08:00:00Z")));
    // A start that is one of the handoffs is not counted twice.
    let on_time = schedule(Europe::Berlin, vec![layer(&["anna", "ben"], "2026-01-05T09:00:00", weekly(&[("Mon", 9)]))]);
    check(&on_time, &[("2026-01-05T08:00:00Z", "anna"), ("2026-01-12T08:00:00Z", "ben")]);
}

#[test]
fn weekday_handoffs_keep_to_the_rules_of_gaps_and_folds() {
    let times = Handoffs::Weekly(WeekTimes::new([(Days::EVERY, 150)]));
    let daily = schedule(Europe::Berlin, vec![layer(&["anna", "ben"], "2026-03-27T02:30:00", times)]);
    check(
        &daily,
        &[
            ("2026-03-29T00:59:59Z", "ben"),
            ("2026-03-29T01:00:00Z", "anna"),
            ("2026-10-25T00:29:59Z", "ben"),
            ("2026-10-25T00:30:00Z", "anna"),
            ("2026-10-25T01:30:00Z", "anna"),
            ("2026-10-26T01:30:00Z", "ben"),
        ],
    );
}

#[test]
fn half_an_hour_and_a_whole_day_are_left_out_where_the_clock_leaves_them_out() {
    let at_two = schedule(Australia::Lord_Howe, vec![every(&["anna", "ben"], "2026-10-02T02:15:00", Every::Days(1))]);
    check(
        &at_two,
        &[
            // 02:00 becomes 02:30.
            ("2026-10-03T15:29:59Z", "ben"),
            ("2026-10-03T15:30:00Z", "anna"),
            ("2026-10-04T15:14:59Z", "anna"),
            ("2026-10-04T15:15:00Z", "ben"),
        ],
    );
    // Samoa had no 30 December 2011: whoever's day it was has lost it.
    let daily = schedule(Pacific::Apia, vec![every(&["anna", "ben", "cem"], "2011-12-28T00:00:00", Every::Days(1))]);
    check(
        &daily,
        &[
            ("2011-12-30T09:59:59Z", "ben"),
            ("2011-12-30T10:00:00Z", "anna"),
            ("2011-12-31T09:59:59Z", "anna"),
            ("2011-12-31T10:00:00Z", "ben"),
        ],
    );
}

#[test]
fn a_rotation_on_the_29th_of_february_counts_its_months_from_there() {
    let monthly = schedule(Europe::Berlin, vec![every(&["anna", "ben"], "2028-02-29T09:00:00", Every::Months(1))]);
    check(
        &monthly,
        &[
            ("2028-03-29T06:59:59Z", "anna"),
            ("2028-03-29T07:00:00Z", "ben"),
            ("2029-01-29T08:00:00Z", "ben"),
            // No leap year: the last day of February.
            ("2029-02-28T07:59:59Z", "ben"),
            ("2029-02-28T08:00:00Z", "anna"),
            ("2029-03-29T06:59:59Z", "anna"),
            ("2029-03-29T07:00:00Z", "ben"),
        ],
    );
}

#[test]
fn whoever_joins_or_leaves_in_the_middle_counts_from_the_start() {
    let with = |people: &[&str]| schedule(Europe::Berlin, vec![every(people, "2026-01-05T09:00:00", Every::Weeks(1))]);
    // The fifth week: its number is 4.
    let fifth = "2026-02-03T12:00:00Z";
    for (people, expected) in
        [(&["anna", "ben", "cem"][..], "ben"), (&["anna", "ben", "cem", "dora"], "anna"), (&["anna", "ben"], "anna")]
    {
        check(&with(people), &[(fifth, expected)]);
    }
}

#[test]
fn a_new_layer_on_top_takes_over_from_its_start_and_leaves_the_past_alone() {
    let before = every(&["anna", "ben", "cem"], "2026-01-05T09:00:00", Every::Weeks(1));
    let after = every(&["ben", "cem", "dora", "anna"], "2026-02-09T09:00:00", Every::Weeks(1));
    let then = schedule(Europe::Berlin, vec![before.clone(), after]);
    let instants = ["2026-01-06T12:00:00Z", "2026-02-03T12:00:00Z", "2026-02-09T07:59:59Z"];
    for when in instants {
        assert_eq!(ask(&then, when).people, ask(&schedule(Europe::Berlin, vec![before.clone()]), when).people);
    }
    check(&then, &[("2026-02-09T08:00:00Z", "ben"), ("2026-02-16T08:00:00Z", "cem"), ("2026-03-02T08:00:00Z", "anna")]);
}

#[test]
fn an_empty_list_of_weekdays_never_hands_over() {
    let never = schedule(Europe::Berlin, vec![layer(&["anna", "ben"], "2026-01-05T09:00:00", weekly(&[]))]);
    check(&never, &[("2036-01-05T12:00:00Z", "anna")]);
    assert_eq!(ask(&never, "2036-01-05T12:00:00Z").until, None);
}
