//! Restrictions, layers in zones of their own, and rotations that wait for duty.

use chrono_tz::{America, Asia, Europe};

use super::*;

#[test]
fn the_topmost_layer_with_somebody_wins() {
    let mut day = every(&["day"], "2026-01-05T00:00:00", Every::Weeks(1));
    day.only = vec![during("Mon-Fri", 8, 18)];
    let night = every(&["anna", "ben"], "2026-01-05T09:00:00", Every::Weeks(1));
    let both = schedule(Europe::Berlin, vec![night, day]);
    check(
        &both,
        &[
            ("2026-01-05T07:30:00Z", "day"),
            ("2026-01-05T17:00:00Z", "anna"),
            ("2026-01-10T11:00:00Z", "anna"),
            ("2026-01-12T06:59:00Z", "anna"),
            ("2026-01-12T07:00:00Z", "day"),
            ("2026-01-12T17:00:00Z", "ben"),
        ],
    );
    // What is hidden below does not shorten the answer: the handoff at 09:00 is not seen.
    assert_eq!(ask(&both, "2026-01-12T07:30:00Z").until, Some(at("2026-01-12T17:00:00Z")));
}

#[test]
fn a_restriction_over_midnight_keeps_its_hours_on_the_night_of_the_change() {
    let mut nights = every(&["anna"], "2026-01-01T00:00:00", Every::Weeks(1));
    nights.only = vec![during("Sat", 22, 6)];
    check(
        &schedule(Europe::Berlin, vec![nights]),
        &[
            ("2026-03-28T20:59:59Z", "-"),
            ("2026-03-28T21:00:00Z", "anna"),
            ("2026-03-29T03:59:59Z", "anna"),
            ("2026-03-29T04:00:00Z", "-"),
            ("2026-10-24T20:00:00Z", "anna"),
            ("2026-10-25T04:59:59Z", "anna"),
            ("2026-10-25T05:00:00Z", "-"),
        ],
    );
}

#[test]
fn a_restriction_that_ends_in_a_fold_ends_once() {
    let mut early = every(&["anna"], "2026-01-01T00:00:00", Every::Weeks(1));
    early.only = vec![Window {
        hours: Some(WeeklyHours { days: Days::EVERY, from_minute: 0, to_minute: 150 }),
        ..Window::default()
    }];
    check(
        &schedule(Europe::Berlin, vec![early]),
        &[("2026-10-25T00:29:59Z", "anna"), ("2026-10-25T00:30:00Z", "-"), ("2026-10-25T01:15:00Z", "-")],
    );
}

fn between(first: &str, last: &str) -> Window {
    Window { first: first.parse().ok(), last: last.parse().ok(), ..Window::default() }
}

fn office() -> World {
    World::default().with_calendar(
        "office",
        Europe::Berlin,
        vec![hours("Mon-Fri", 8, 18)],
        &["2026-12-25", "2026-12-26", "2027-01-01", "2027-01-06"],
    )
}

#[test]
fn dates_hold_from_the_first_day_to_the_end_of_the_last() {
    let mut summer = every(&["anna"], "2026-01-01T00:00:00", Every::Weeks(1));
    summer.only = vec![between("2026-06-01", "2026-08-31")];
    let summer = schedule(Europe::Berlin, vec![summer]);
    check(
        &summer,
        &[
            ("2026-05-31T21:59:59Z", "-"),
            ("2026-05-31T22:00:00Z", "anna"),
            ("2026-08-31T21:59:59Z", "anna"),
            ("2026-08-31T22:00:00Z", "-"),
        ],
    );
    assert_eq!(ask(&summer, "2026-02-01T00:00:00Z").until, Some(at("2026-05-31T22:00:00Z")));
    assert_eq!(ask(&summer, "2026-09-01T00:00:00Z").until, None);
    // A night belongs to the day on which it begins, the last one as well.
    let mut nights = every(&["anna"], "2026-01-01T00:00:00", Every::Weeks(1));
    nights.only = vec![Window { hours: Some(hours("daily", 22, 6)), ..between("2026-06-01", "2026-06-02") }];
    check(
        &schedule(Europe::Berlin, vec![nights]),
        &[
            ("2026-06-01T03:00:00Z", "-"),
            ("2026-06-01T20:00:00Z", "anna"),
            ("2026-06-03T03:59:59Z", "anna"),
            ("2026-06-03T20:00:00Z", "-"),
        ],
    );
}

#[test]
fn calendars_restrict_by_hours_and_holidays() {
    let with = |only: Vec<Window>, except: Vec<Window>| {
        let layer = every(&["anna"], "2026-01-01T00:00:00", Every::Weeks(1));
        schedule(Europe::Berlin, vec![Layer { only, except, ..layer }])
    };
    // Christmas Day 2026 is a Friday.
    let by_day = with(vec![by_calendar("office", When::Open)], vec![]);
    check_in(
        &office(),
        &by_day,
        &[
            ("2026-12-24T07:00:00Z", "anna"),
            ("2026-12-24T17:00:00Z", "-"),
            ("2026-12-25T09:00:00Z", "-"),
            ("2026-12-28T07:00:00Z", "anna"),
        ],
    );
    let outside = with(vec![by_calendar("office", When::Closed)], vec![]);
    check_in(
        &office(),
        &outside,
        &[("2026-12-24T07:00:00Z", "-"), ("2026-12-24T17:00:00Z", "anna"), ("2026-12-25T09:00:00Z", "anna")],
    );
    let free_days = with(vec![during("Sat,Sun", 0, 24), by_calendar("office", When::Holiday)], vec![]);
    check_in(
        &office(),
        &free_days,
        &[
            ("2026-12-24T09:00:00Z", "-"),
            ("2026-12-24T23:00:00Z", "anna"),
            ("2026-12-27T22:59:59Z", "anna"),
            ("2026-12-27T23:00:00Z", "-"),
        ],
    );
    let working_days = with(vec![during("Mon-Fri", 0, 24)], vec![by_calendar("office", When::Holiday)]);
    check_in(
        &office(),
        &working_days,
        &[("2026-12-24T22:59:59Z", "anna"), ("2026-12-24T23:00:00Z", "-"), ("2026-12-27T23:00:00Z", "anna")],
    );
    // A calendar that is not there restricts nothing.
    check(&by_day, &[("2026-12-25T09:00:00Z", "anna")]);
    check(&working_days, &[("2026-12-25T09:00:00Z", "anna")]);
}

#[test]
fn the_duty_follows_the_sun_in_zones_of_its_own() {
    let shift = |people: &[&str], zone| {
        let layer = every(people, "2026-01-05T00:00:00", Every::Weeks(1));
        Layer { zone: Some(zone), only: vec![during("daily", 9, 17)], ..layer }
    };
    let sun = schedule(
        chrono_tz::UTC,
        vec![
            every(&["rest"], "2026-01-05T00:00:00", Every::Weeks(1)),
            shift(&["kiran"], Asia::Kathmandu),
            shift(&["anna", "ben"], Europe::Berlin),
            shift(&["nora"], America::New_York),
        ],
    );
    check(
        &sun,
        &[
            ("2026-03-03T03:15:00Z", "kiran"),
            ("2026-03-03T08:00:00Z", "anna"),
            ("2026-03-03T13:59:59Z", "anna"),
            ("2026-03-03T14:00:00Z", "nora"),
            ("2026-03-03T22:00:00Z", "rest"),
            // New York has changed its clocks, Berlin has not.
            ("2026-03-10T12:59:59Z", "ben"),
            ("2026-03-10T13:00:00Z", "nora"),
            ("2026-03-10T21:00:00Z", "rest"),
        ],
    );
}

#[test]
fn a_rotation_that_waits_for_duty_does_not_lose_turns_to_days_off() {
    let with = |advance| {
        let daily = every(&["anna", "ben", "cem", "dora"], "2026-12-21T08:00:00", Every::Days(1));
        let only = vec![during("Mon-Fri", 8, 18)];
        let except = vec![by_calendar("office", When::Holiday)];
        schedule(Europe::Berlin, vec![Layer { advance, only, except, ..daily }])
    };
    let noon = |advance| -> Vec<String> {
        let days = ["21", "22", "23", "24", "25", "26", "28", "29", "30", "31"];
        let (schedule, world) = (with(advance), office());
        days.iter().map(|day| names(&who(&schedule, world.around(), at(&format!("2026-12-{day}T11:00:00Z"))))).collect()
    };
    // The 25th is a holiday, and a weekend follows.
    assert_eq!(noon(Advance::Always), ["anna", "ben", "cem", "dora", "-", "-", "dora", "anna", "ben", "cem"]);
    assert_eq!(noon(Advance::OnDuty), ["anna", "ben", "cem", "dora", "-", "-", "anna", "ben", "cem", "dora"]);
}

#[test]
fn a_week_with_a_day_of_duty_is_a_turn_and_one_without_is_none() {
    let weekly = every(&["anna", "ben", "cem"], "2026-12-07T08:00:00", Every::Weeks(1));
    let closed = between("2026-12-14", "2026-12-27");
    let mut layer = Layer { advance: Advance::OnDuty, except: vec![closed], ..weekly };
    let schedule_of = |layer: &Layer| schedule(Europe::Berlin, vec![layer.clone()]);
    check(
        &schedule_of(&layer),
        &[("2026-12-08T12:00:00Z", "anna"), ("2026-12-15T12:00:00Z", "-"), ("2026-12-29T12:00:00Z", "ben")],
    );
    layer.advance = Advance::Always;
    check(&schedule_of(&layer), &[("2026-12-29T12:00:00Z", "anna")]);
    // The hours before the handoff on Monday still belong to whoever had the last day of duty.
    let mut early = every(&["anna", "ben", "cem"], "2026-12-07T08:00:00", Every::Days(1));
    early.only = vec![during("Mon-Fri", 0, 24)];
    early.advance = Advance::OnDuty;
    check(
        &schedule_of(&early),
        &[("2026-12-11T12:00:00Z", "ben"), ("2026-12-14T06:59:59Z", "ben"), ("2026-12-14T07:00:00Z", "cem")],
    );
}

#[test]
fn a_short_first_stretch_is_counted_by_its_own_days() {
    // From Friday, handed over on Saturdays and Sundays: Friday is no day of duty.
    let times = WeekTimes::new([(Days::parse("Sat,Sun").unwrap(), 0)]);
    let layer = layer(&["anna", "ben"], "2026-03-20T00:00:00", Handoffs::Weekly(times));
    let layer = Layer { only: vec![during("Sat,Sun", 0, 24)], advance: Advance::OnDuty, ..layer };
    check(
        &schedule(Europe::Berlin, vec![layer]),
        &[
            ("2026-03-20T12:00:00Z", "-"),
            ("2026-03-21T12:00:00Z", "anna"),
            ("2026-03-22T12:00:00Z", "ben"),
            ("2026-03-28T12:00:00Z", "anna"),
            ("2026-03-29T12:00:00Z", "ben"),
        ],
    );
}
