//! Both calculators agree; shifts and holes tile; pieces are the whole; overrides stay where they are.
//!
//! Over a few days every minute is compared. Over two years both are compared at every instant at
//! which either of them may change, the minute before it, and minutes by chance: between those
//! instants neither changes. `make schedules` does that for 10,000 schedules; here it is a few.

use std::{collections::BTreeSet, env};

use chrono::{NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;
use proptest::{prelude::*, test_runner::TestRunner};

use super::{
    random::{Case, some_case},
    slow::Slow,
    *,
};

const MINUTE: TimeDelta = TimeDelta::minutes(1);

fn people(answer: &OnCall) -> Vec<PersonId> {
    answer.people.iter().map(|on_duty| on_duty.person.clone()).collect()
}

/// Everybody in the shifts that hold the instant, by name.
fn of_shifts(shifts: &[Shift], at: Instant) -> BTreeSet<&PersonId> {
    shifts.iter().filter(|shift| shift.from <= at && at < shift.to).map(|shift| &shift.person).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_calculators_agree_in_every_minute(case in some_case()) {
        let Case { schedule, world, day } = &case;
        let (from, to) = (day.and_utc() - TimeDelta::days(4), day.and_utc() + TimeDelta::days(4));
        let told = shifts(schedule, world.around(), from, to);
        let mut slow = Slow::new(schedule, world);
        let mut minute = from;
        while minute < to {
            let expected = slow.people(minute);
            prop_assert_eq!(&people(&who(schedule, world.around(), minute)), &expected, "at {}", minute);
            prop_assert_eq!(of_shifts(&told, minute), expected.iter().collect(), "shifts at {}", minute);
            minute += MINUTE;
        }
    }

    #[test]
    fn shifts_and_holes_tile_the_range(case in some_case(), days in 1i64..60) {
        let Case { schedule, world, day } = &case;
        let (from, to) = (day.and_utc() - TimeDelta::days(days), day.and_utc() + TimeDelta::days(days));
        let shifts = shifts(schedule, world.around(), from, to);
        let holes = holes(schedule, world.around(), from, to);
        let mut edges: BTreeSet<Instant> = holes.iter().flat_map(|hole| [hole.from, hole.to]).collect();
        edges.extend(shifts.iter().flat_map(|shift| [shift.from, shift.to]));
        prop_assert_eq!((edges.first(), edges.last()), (Some(&from), Some(&to)));
        for edge in edges.into_iter().filter(|edge| *edge < to) {
            let here: Vec<&PersonId> =
                shifts.iter().filter(|shift| shift.from <= edge && edge < shift.to).map(|shift| &shift.person).collect();
            let in_holes = holes.iter().filter(|hole| hole.from <= edge && edge < hole.to).count();
            prop_assert_eq!(in_holes, usize::from(here.is_empty()), "at {}", edge);
            prop_assert_eq!(here.iter().collect::<BTreeSet<_>>().len(), here.len(), "twice at {}", edge);
        }
        prop_assert!(shifts.iter().all(|shift| shift.from < shift.to));
        prop_assert!(shifts.windows(2).all(|pair| pair[0].from <= pair[1].from));
    }

    #[test]
    fn asked_in_pieces_the_shifts_are_the_same(case in some_case(), cuts in prop::collection::btree_set(1i64..11_519, 1..5)) {
        let Case { schedule, world, day } = &case;
        let (from, to) = (day.and_utc() - TimeDelta::days(4), day.and_utc() + TimeDelta::days(4));
        let whole = shifts(schedule, world.around(), from, to);
        let mut joined: Vec<Shift> = Vec::new();
        let mut begin = from;
        for end in cuts.into_iter().map(|minutes| from + TimeDelta::minutes(minutes)).chain([to]) {
            for piece in shifts(schedule, world.around(), begin, end) {
                let goes_on = |shift: &&mut Shift| {
                    shift.to == begin && piece.from == begin && shift.person == piece.person && shift.why.same_source(&piece.why)
                };
                match joined.iter_mut().find(goes_on) {
                    Some(shift) => shift.to = piece.to,
                    None => joined.push(piece),
                }
            }
            begin = end;
        }
        prop_assert_eq!(joined, whole);
    }

    #[test]
    fn the_answer_stays_until_it_says_it_may_change(case in some_case(), minutes in 0i64..11_520) {
        let Case { schedule, world, day } = &case;
        let at = day.and_utc() - TimeDelta::days(4) + TimeDelta::minutes(minutes);
        let answer = who(schedule, world.around(), at);
        let until = answer.until.unwrap_or(at + TimeDelta::days(400));
        prop_assert!(until > at);
        for part in 0..20 {
            let between = at + (until - at) / 20 * part;
            prop_assert_eq!(&who(schedule, world.around(), between).people, &answer.people, "at {}", between);
        }
    }

    #[test]
    fn overrides_never_leak(case in some_case(), minutes in 0i64..11_520) {
        let Case { schedule, world, day } = &case;
        let at = day.and_utc() - TimeDelta::days(4) + TimeDelta::minutes(minutes);
        let mut without = schedule.clone();
        let in_force = |given: &Override| {
            civil::instant(schedule.zone, given.from) <= at && at < civil::instant(schedule.zone, given.until)
        };
        without.roster.overrides.retain(in_force);
        for temporary in &mut without.temporary {
            temporary.roster.overrides.retain(in_force);
        }
        let (all, only_those) = (who(schedule, world.around(), at), who(&without, world.around(), at));
        prop_assert_eq!(people(&all), people(&only_those));
        for on_duty in all.people {
            if let Source::Replaced(stretch) | Source::Added(stretch) = on_duty.why.source {
                let (from, until) = (civil::instant(schedule.zone, stretch.from), civil::instant(schedule.zone, stretch.until));
                prop_assert!(from <= at && at < until, "{stretch} at {at}");
            }
        }
    }

    #[test]
    fn handoffs_are_where_neighbouring_shifts_differ(case in some_case()) {
        let Case { schedule, world, day } = &case;
        let (from, to) = (day.and_utc() - TimeDelta::days(4), day.and_utc() + TimeDelta::days(4));
        let told = shifts(schedule, world.around(), from, to);
        let edges: BTreeSet<Instant> = told.iter().flat_map(|shift| [shift.from, shift.to]).collect();
        let differs = |at: &Instant| from < *at && *at < to && of_shifts(&told, *at) != of_shifts(&told, *at - MINUTE);
        let expected: Vec<Instant> = edges.into_iter().filter(differs).collect();
        let handoffs: Vec<Instant> = handoffs(schedule, world.around(), from, to).map(|handoff| handoff.at).collect();
        prop_assert_eq!(handoffs, expected);
    }
}

/// How many random schedules are compared over two years.
fn schedules() -> u32 {
    env::var("PIKETT_SCHEDULES").ok().and_then(|count| count.parse().ok()).unwrap_or(8)
}

#[test]
fn both_calculators_agree_over_two_years() {
    let mut runner = TestRunner::new(ProptestConfig { cases: schedules(), ..ProptestConfig::default() });
    let chance = prop::collection::vec(0i64..2 * 365 * 1_440, 200);
    let outcome = runner.run(&(some_case(), chance), |(case, chance)| {
        let Case { schedule, world, day } = &case;
        let (from, to) = (day.and_utc() - TimeDelta::days(365), day.and_utc() + TimeDelta::days(365));
        let mut minutes = may_change(&case, from, to);
        minutes.extend(chance.into_iter().map(|minutes| from + TimeDelta::minutes(minutes)));
        let mut at = from;
        let mut answers = Vec::new();
        while at < to {
            let answer = who(schedule, world.around(), at);
            let until = answer.until.map_or(to, |until| until.min(to));
            minutes.extend([at, until - MINUTE]);
            answers.push((until, people(&answer)));
            at = until;
        }
        let mut slow = Slow::new(schedule, world);
        let mut answers = answers.into_iter();
        let mut answer = answers.next().unwrap();
        for minute in minutes.range(from..to) {
            while answer.0 <= *minute {
                answer = answers.next().unwrap();
            }
            prop_assert_eq!(&answer.1, &slow.people(*minute), "at {}", minute);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Every instant at which anything in the case could change, and the minute before: each time of day
/// of a layer and a calendar, on each day of its clock; each begin and end; each handoff by hours; all
/// of the days around a change of a clock, in steps of five minutes.
fn may_change(case: &Case, from: Instant, to: Instant) -> BTreeSet<Instant> {
    let mut found = BTreeSet::new();
    let mut note = |at: Instant| found.extend([at - MINUTE, at]);
    for (zone, time) in begins_and_ends(case) {
        around(zone, time).into_iter().for_each(&mut note);
    }
    for (zone, times) in times_of_day(case) {
        let mut day = (from - TimeDelta::days(2)).date_naive();
        while day <= to.date_naive() + TimeDelta::days(2) {
            let midnight = civil::midnight(day);
            for minute in &times {
                around(zone, midnight + TimeDelta::minutes(i64::from(*minute))).into_iter().for_each(&mut note);
            }
            if around(zone, midnight).len() > 1 {
                (0..288).map(|part| midnight.and_utc() + TimeDelta::minutes(5 * part)).for_each(&mut note);
            }
            day += TimeDelta::days(1);
        }
    }
    for layer in case.schedule.rosters().flat_map(|roster| &roster.layers) {
        let Handoffs::Every(Every::Hours(hours)) = layer.handoffs else { continue };
        let mut handoff = civil::instant(layer.zone.unwrap_or(case.schedule.zone), layer.start);
        while handoff < to {
            note(handoff);
            handoff += TimeDelta::hours(i64::from(hours));
        }
    }
    found
}

/// The instants that a civil time can be, by the offsets of the days before and after.
fn around(zone: Tz, time: NaiveDateTime) -> BTreeSet<Instant> {
    let at = time.and_utc();
    let offset = |at: Instant| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    let offsets = [at - TimeDelta::days(2), at + TimeDelta::days(2)].map(offset);
    offsets.map(|offset| at - TimeDelta::seconds(i64::from(offset))).into()
}

/// In minutes, by zone; midnight is always among them.
fn times_of_day(case: &Case) -> Vec<(Tz, BTreeSet<u16>)> {
    let of_hours = |hours: &WeeklyHours| [hours.from_minute % 1_440, hours.to_minute % 1_440];
    let mut found = Vec::new();
    for layer in case.schedule.rosters().flat_map(|roster| &roster.layers) {
        let windows = layer.only.iter().chain(&layer.except).filter_map(|window| window.hours.as_ref());
        let mut times: BTreeSet<u16> = windows.flat_map(of_hours).collect();
        times.extend([0, u16::try_from(layer.start.num_seconds_from_midnight() / 60).unwrap()]);
        if let Handoffs::Weekly(weekly) = &layer.handoffs {
            times.extend(weekly.times().iter().map(|(_, minute)| minute));
        }
        found.push((layer.zone.unwrap_or(case.schedule.zone), times));
    }
    for calendar in case.world.calendars.values() {
        found.push((calendar.zone, calendar.open.iter().flat_map(of_hours).chain([0]).collect()));
    }
    found
}

/// Of overrides, temporary schedules and absences.
fn begins_and_ends(case: &Case) -> Vec<(Tz, NaiveDateTime)> {
    let Case { schedule, world, .. } = case;
    let overrides = schedule.rosters().flat_map(|roster| &roster.overrides).flat_map(|given| [given.from, given.until]);
    let temporary = schedule.temporary.iter().flat_map(|temporary| [temporary.from, temporary.until]);
    let absences = schedule.absences.iter().flat_map(|(_, absence)| [absence.from, absence.until]);
    let here = overrides.chain(temporary).chain(absences).map(|time| (schedule.zone, time));
    let of_people = world.people.values().flat_map(|person| {
        person.absences.iter().flat_map(|absence| [absence.from, absence.until].map(|time| (person.zone, time)))
    });
    here.chain(of_people).collect()
}
