//! Whoever goes on call is told: some time before their shift begins, and when it does. Which notices are due at an
//! instant, and when to ask again. A shift that somebody has already begins nothing.

use chrono::TimeDelta;

use super::{Around, OnCall, Roster, Schedule, who};
use crate::model::{Instant, id::PersonId};

/// The longest time before a shift.
pub const LEAD_MAX: TimeDelta = TimeDelta::days(7);
/// A shift that began longer ago is no news.
const LATE_MAX: TimeDelta = TimeDelta::hours(1);
/// How far to look beyond the longest lead, and when to look again where nothing begins.
const AHEAD: TimeDelta = TimeDelta::days(1);
/// An end that lies behind more changes is not looked for.
const CHANGES_MAX: usize = 500;

/// Somebody goes on call who was not just before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    pub person: PersonId,
    pub at: Instant,
    /// `None`: nobody can say.
    pub until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Some time before.
    Ahead,
    /// The shift has begun.
    Handover,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub beginning: Beginning,
    pub moment: Moment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notices {
    /// What may have been said already.
    pub due: Vec<Notice>,
    /// `None`: nobody wants any.
    pub ask_again_at: Option<Instant>,
}

/// `lead`: how long before a shift the person wants to be told; `None`: not at all, and of no handover either.
pub fn notices(
    schedule: &Schedule,
    around: Around<'_>,
    lead: &dyn Fn(&PersonId) -> Option<TimeDelta>,
    now: Instant,
) -> Notices {
    if !people(schedule, around).any(|person| lead(person).is_some()) {
        return Notices { due: Vec::new(), ask_again_at: None };
    }
    let (mut due, mut next) = (Vec::new(), now + AHEAD);
    for beginning in beginnings(schedule, around, now - LATE_MAX, now + LEAD_MAX + AHEAD) {
        let Some(lead) = lead(&beginning.person) else { continue };
        let ahead = beginning.at - lead.min(LEAD_MAX);
        if beginning.at <= now {
            // Where they are not on call any more, there is nothing to tell.
            if beginning.until.is_none_or(|until| until > now) {
                due.push(Notice { beginning, moment: Moment::Handover });
            }
            continue;
        }
        next = next.min(if ahead > now { ahead } else { beginning.at });
        if ahead <= now {
            due.push(Notice { beginning, moment: Moment::Ahead });
        }
    }
    Notices { due, ask_again_at: Some(next) }
}

/// Everybody who could come, also in the place of whoever is absent.
fn people<'a>(schedule: &'a Schedule, around: Around<'a>) -> impl Iterator<Item = &'a PersonId> {
    let absences = schedule.absences.iter().map(|(_, absence)| absence);
    let absences = absences.chain(around.people.values().flat_map(|person| &person.absences));
    let substitutes = absences.filter_map(|absence| absence.substitute.as_ref());
    schedule.rosters().flat_map(Roster::people).chain(substitutes)
}

/// In order, from `from` to `to`, both included.
fn beginnings(schedule: &Schedule, around: Around<'_>, from: Instant, to: Instant) -> Vec<Beginning> {
    let mut beginnings = Vec::new();
    let mut before = who(schedule, around, from - TimeDelta::milliseconds(1));
    while let Some(at) = before.until.filter(|at| *at <= to) {
        let answer = who(schedule, around, at);
        for on_duty in answer.people.iter().filter(|on_duty| !has(&before, &on_duty.person)) {
            let (person, until) = (on_duty.person.clone(), end(schedule, around, &answer, &on_duty.person));
            beginnings.push(Beginning { person, at, until });
        }
        before = answer;
    }
    beginnings
}

fn has(answer: &OnCall, person: &PersonId) -> bool {
    answer.people.iter().any(|on_duty| on_duty.person == *person)
}

fn end(schedule: &Schedule, around: Around<'_>, begun: &OnCall, person: &PersonId) -> Option<Instant> {
    let mut until = begun.until?;
    for _ in 0..CHANGES_MAX {
        let answer = who(schedule, around, until);
        if !has(&answer, person) {
            return Some(until);
        }
        until = answer.until?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::calendar::{Days, WeeklyHours},
        oncall::{Change, Layer, Override, Window},
    };

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    /// Weeks of Anna and Ben, from a Monday at 09:00 in Berlin.
    fn weeks() -> Schedule {
        Schedule {
            id: "primary".parse().unwrap(),
            zone: chrono_tz::Europe::Berlin,
            roster: Roster {
                layers: vec![Layer::weekly(
                    vec!["anna".parse().unwrap(), "ben".parse().unwrap()],
                    "2026-03-02T09:00:00".parse().unwrap(),
                )],
                ..Roster::default()
            },
            temporary: Vec::new(),
            absences: Vec::new(),
        }
    }

    fn hour(_: &PersonId) -> Option<TimeDelta> {
        Some(TimeDelta::hours(1))
    }

    /// `Ahead ben 09 08:00` for each that is due, and when to ask again.
    fn told(schedule: &Schedule, now: &str) -> (Vec<String>, String) {
        let Notices { due, ask_again_at } = notices(schedule, Around::nothing(), &hour, at(now));
        let one = |notice: &Notice| {
            let Beginning { person, at, .. } = &notice.beginning;
            format!("{:?} {person} {}", notice.moment, at.format("%d %H:%M"))
        };
        (due.iter().map(one).collect(), ask_again_at.unwrap().format("%d %H:%M").to_string())
    }

    #[track_caller]
    fn check(schedule: &Schedule, now: &str, due: &[&str], again: &str) {
        let (told, next) = told(schedule, now);
        assert_eq!(
            (told.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), next.as_str()),
            (due, again),
            "{now}"
        );
    }

    #[test]
    fn a_shift_is_told_before_it_begins_and_when_it_does() {
        let weeks = weeks();
        check(&weeks, "2026-03-05T08:00:00Z", &[], "06 08:00");
        check(&weeks, "2026-03-08T20:00:00Z", &[], "09 07:00");
        check(&weeks, "2026-03-09T07:00:00Z", &["Ahead ben 09 08:00"], "09 08:00");
        check(&weeks, "2026-03-09T08:00:00Z", &["Handover ben 09 08:00"], "10 08:00");
        let Notices { due, .. } = notices(&weeks, Around::nothing(), &hour, at("2026-03-09T08:00:00Z"));
        assert_eq!(due[0].beginning.until, Some(at("2026-03-16T08:00:00Z")));
    }

    #[test]
    fn who_was_away_for_long_tells_of_the_handover_alone_and_of_none_that_is_old() {
        let weeks = weeks();
        check(&weeks, "2026-03-09T08:59:00Z", &["Handover ben 09 08:00"], "10 08:59");
        check(&weeks, "2026-03-09T09:01:00Z", &[], "10 09:01");
    }

    #[test]
    fn whoever_stays_on_call_begins_nothing() {
        let mut weeks = weeks();
        // Ben replaces Anna in the night before his own week, and himself after it.
        let replaced = |from: &str, until: &str| Override {
            change: Change::Replace("ben".parse().unwrap()),
            from: from.parse().unwrap(),
            until: until.parse().unwrap(),
        };
        weeks.roster.overrides = vec![
            replaced("2026-03-08T20:00:00", "2026-03-09T09:00:00"),
            replaced("2026-03-16T09:00:00", "2026-03-16T12:00:00"),
        ];
        check(&weeks, "2026-03-08T19:00:00Z", &["Handover ben 08 19:00"], "09 19:00");
        check(&weeks, "2026-03-09T08:00:00Z", &[], "10 08:00");
        check(&weeks, "2026-03-16T08:00:00Z", &[], "16 10:00");
        check(&weeks, "2026-03-16T10:00:00Z", &["Ahead anna 16 11:00"], "16 11:00");
        let Notices { due, .. } = notices(&weeks, Around::nothing(), &hour, at("2026-03-08T19:00:00Z"));
        assert_eq!(due[0].beginning.until, Some(at("2026-03-16T11:00:00Z")));
    }

    #[test]
    fn each_morning_of_a_day_shift_begins_one() {
        let mut days = weeks();
        let hours = WeeklyHours { days: Days::parse("Mon-Fri").unwrap(), from_minute: 480, to_minute: 1_080 };
        days.roster.layers[0].only = vec![Window { hours: Some(hours), ..Window::default() }];
        check(&days, "2026-03-03T06:00:00Z", &["Ahead anna 03 07:00"], "03 07:00");
        check(&days, "2026-03-03T07:00:00Z", &["Handover anna 03 07:00"], "04 06:00");
        check(&days, "2026-03-03T17:30:00Z", &[], "04 06:00");
    }

    #[test]
    fn who_wants_no_notice_gets_none() {
        let weeks = weeks();
        let nobody = notices(&weeks, Around::nothing(), &|_| None, at("2026-03-09T07:00:00Z"));
        assert_eq!(nobody, Notices { due: Vec::new(), ask_again_at: None });
        let anna = |person: &PersonId| (person.as_str() == "anna").then(|| TimeDelta::hours(1));
        assert_eq!(notices(&weeks, Around::nothing(), &anna, at("2026-03-09T08:00:00Z")).due, []);
    }
}
