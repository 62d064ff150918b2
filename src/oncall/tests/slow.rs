//! A second calculator for tests only: it goes through the minutes, watches the wall clocks, and
//! steps every rotation from its start, handoff by handoff and day by day. Obvious and slow; the
//! real one must agree with it.

use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::*;

/// Who is on call at one minute after the other.
pub struct Slow<'a> {
    schedule: &'a Schedule,
    world: &'a World,
    /// Of each roster's layers.
    rotations: Vec<Vec<Steps<'a>>>,
}

impl<'a> Slow<'a> {
    pub fn new(schedule: &'a Schedule, world: &'a World) -> Self {
        let of_roster = |roster: &'a Roster| {
            roster.layers.iter().map(|layer| Steps::new(layer, layer.zone.unwrap_or(schedule.zone), world)).collect()
        };
        Self { schedule, world, rotations: schedule.rosters().map(of_roster).collect() }
    }

    /// The minutes must come in order.
    pub fn people(&mut self, at: Instant) -> Vec<PersonId> {
        let here = shown(self.schedule.zone, at);
        let holds = |from: NaiveDateTime, until: NaiveDateTime| from <= here && here < until;
        let temporary = self.schedule.temporary.iter().rposition(|temporary| holds(temporary.from, temporary.until));
        let place = temporary.map_or(0, |index| index + 1);
        let roster = self.schedule.rosters().nth(place).unwrap();
        let changes: Vec<&Change> =
            roster.overrides.iter().filter(|given| holds(given.from, given.until)).map(|given| &given.change).collect();
        // What was said before somebody replaces everybody is forgotten.
        let replaces = changes.iter().rposition(|change| matches!(change, Change::Replace(_)));
        let later = changes[replaces.map_or(0, |index| index + 1)..].to_vec();
        let asked = Asked { schedule: self.schedule, world: self.world, changes: later, at };
        let mut people = Vec::new();
        if let Some(Change::Replace(person)) = replaces.map(|index| changes[index]) {
            people.extend(asked.comes(person).ok());
        }
        if people.is_empty() {
            for rotation in self.rotations[place].iter_mut().rev() {
                rotation.step(at);
                let comes = rotation.people(at, self.world, &asked);
                if roster.combine == Combine::Add || people.is_empty() {
                    people.extend(comes);
                }
            }
        }
        for (index, change) in asked.changes.iter().enumerate() {
            let Change::Add(person) = change else { continue };
            let taken_off = |later: &&Change| matches!(later, Change::Remove(removed) if removed == person);
            if !asked.changes[index..].iter().any(taken_off) {
                people.extend(asked.comes(person).ok());
            }
        }
        let mut once = Vec::new();
        people
            .into_iter()
            .filter(|person| {
                !once.contains(person) && {
                    once.push(person.clone());
                    true
                }
            })
            .collect()
    }
}

/// The latest time that the wall clock has shown, in whole minutes: it may have been put back.
pub fn shown(zone: Tz, at: Instant) -> NaiveDateTime {
    let show = |at: Instant| at.with_timezone(&zone).naive_local();
    let offset = |at: Instant| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    // No clock of these zones is put back by more than an hour.
    let back = TimeDelta::hours(2);
    if offset(at - back) <= offset(at) {
        return show(at);
    }
    (0..=back.num_minutes()).map(|minutes| show(at - TimeDelta::minutes(minutes))).max().unwrap()
}

enum Missing {
    Absent,
    TakenOff,
}

struct Asked<'a> {
    schedule: &'a Schedule,
    world: &'a World,
    /// Without a `Replace`.
    changes: Vec<&'a Change>,
    at: Instant,
}

impl Asked<'_> {
    fn comes(&self, person: &PersonId) -> Result<PersonId, Missing> {
        if let Some(comes) = self.stand_in(person) {
            return Ok(comes);
        }
        let comes = self.or_substitute(person, 0)?;
        let stand_in = if comes == *person { None } else { self.stand_in(&comes) };
        Ok(stand_in.unwrap_or(comes))
    }

    fn stand_in(&self, person: &PersonId) -> Option<PersonId> {
        match self.last_word(person) {
            Some(Change::StandIn { person: other, .. }) => self.or_substitute(other, 0).ok(),
            _ => None,
        }
    }

    fn or_substitute(&self, person: &PersonId, steps: usize) -> Result<PersonId, Missing> {
        if let Some(Change::Remove(_)) = self.last_word(person) {
            return Err(Missing::TakenOff);
        }
        match self.absence(person) {
            None => Ok(person.clone()),
            Some(Absence { substitute: Some(substitute), .. }) if steps < 7 => {
                self.or_substitute(substitute, steps + 1)
            }
            Some(_) => Err(Missing::Absent),
        }
    }

    fn last_word(&self, person: &PersonId) -> Option<&Change> {
        let about = |change: &&&Change| {
            change.takes() == Some(person) || matches!(change, Change::Add(added) if added == person)
        };
        self.changes.iter().rev().find(about).copied()
    }

    fn absence(&self, person: &PersonId) -> Option<&Absence> {
        let holds = |zone: Tz, absence: &Absence| {
            let shown = shown(zone, self.at);
            absence.from <= shown && shown < absence.until
        };
        let here = self.schedule.absences.iter().rev();
        let mut here = here.filter(|(absent, _)| absent == person).map(|(_, absence)| absence);
        here.find(|absence| holds(self.schedule.zone, absence)).or_else(|| {
            let person = self.world.people.get(person)?;
            person.absences.iter().rev().find(|absence| holds(person.zone, absence))
        })
    }
}

struct Steps<'a> {
    layer: &'a Layer,
    zone: Tz,
    world: &'a World,
    start: Instant,
    /// The next handoff, in the layer's civil time; hours are counted instead.
    next: Option<NaiveDateTime>,
    handoffs: u32,
    /// Stretches with duty that have begun.
    on_duty: usize,
}

impl<'a> Steps<'a> {
    fn new(layer: &'a Layer, zone: Tz, world: &'a World) -> Self {
        // The first minute in which the wall clock shows the start or something later.
        let mut start = layer.start.and_utc() - TimeDelta::hours(26);
        while start.with_timezone(&zone).naive_local() < layer.start {
            start += TimeDelta::minutes(1);
        }
        let mut steps = Self { layer, zone, world, start, next: None, handoffs: 0, on_duty: 0 };
        steps.next = steps.after(layer.start);
        steps.on_duty = usize::from(steps.has_duty(layer.start, steps.next));
        steps
    }

    fn step(&mut self, at: Instant) {
        if let Handoffs::Every(Every::Hours(every)) = self.layer.handoffs {
            while self.start + TimeDelta::hours(i64::from((self.handoffs + 1) * every)) <= at {
                self.handoffs += 1;
            }
            return;
        }
        let shown = shown(self.zone, at);
        while let Some(handoff) = self.next.filter(|next| *next <= shown) {
            self.handoffs += 1;
            self.next = self.after(handoff);
            self.on_duty += usize::from(self.has_duty(handoff, self.next));
        }
    }

    /// The handoff that follows this one, which is number `self.handoffs`.
    fn after(&self, handoff: NaiveDateTime) -> Option<NaiveDateTime> {
        match &self.layer.handoffs {
            Handoffs::Every(Every::Hours(_)) => None,
            Handoffs::Every(Every::Days(every)) => Some(handoff + TimeDelta::days(i64::from(*every))),
            Handoffs::Every(Every::Weeks(every)) => Some(handoff + TimeDelta::weeks(i64::from(*every))),
            Handoffs::Every(Every::Months(every)) => Some(self.layer.start + Months::new((self.handoffs + 1) * every)),
            Handoffs::Weekly(times) => {
                let entries = times.times();
                let days = (0..=7).map(|ahead| handoff.date() + TimeDelta::days(ahead));
                let times = days.flat_map(|day| {
                    let on_day = entries.iter().filter(move |(days, _)| days.contains(day.weekday()));
                    on_day.map(move |(_, minute)| midnight(day) + TimeDelta::minutes(i64::from(*minute)))
                });
                times.filter(|time| *time > handoff).min()
            }
        }
    }

    /// Whether a day of duty lies behind the handoff, before the next one.
    fn has_duty(&self, handoff: NaiveDateTime, next: Option<NaiveDateTime>) -> bool {
        let Some(next) = next else { return true };
        let mut day = handoff.date();
        loop {
            if self.is_duty(day) {
                return true;
            }
            day = day.succ_opt().unwrap();
            if day >= next.date() {
                return false;
            }
        }
    }

    fn is_duty(&self, day: NaiveDate) -> bool {
        let round_the_clock = |hours: &&WeeklyHours| hours.from_minute == 0 && [0, 1_440].contains(&hours.to_minute);
        let on_day = |window: &Window| {
            window.first.is_none_or(|first| first <= day)
                && window.last.is_none_or(|last| day <= last)
                && window.hours.as_ref().is_none_or(|hours| hours.days.contains(day.weekday()))
        };
        let calendar = |window: &Window| {
            let (id, when) = window.calendar.as_ref()?;
            let calendar = self.world.calendars.get(id)?;
            let open: Vec<&WeeklyHours> =
                calendar.open.iter().filter(|hours| hours.days.contains(day.weekday())).collect();
            let holiday = calendar.holidays.contains(&day);
            let (opens, all_day) = (!open.is_empty() && !holiday, open.iter().any(round_the_clock) && !holiday);
            Some((*when, holiday, opens, all_day))
        };
        let begins = |window: &Window| {
            on_day(window)
                && calendar(window).is_none_or(|(when, holiday, opens, all_day)| match when {
                    When::Open => opens,
                    When::Closed => !all_day,
                    When::Holiday => holiday,
                })
        };
        let takes = |window: &Window| {
            on_day(window)
                && window.hours.as_ref().is_none_or(|hours| round_the_clock(&hours))
                && match (&window.calendar, calendar(window)) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(_), Some((When::Open, _, _, all_day))) => all_day,
                    (Some(_), Some((When::Closed, _, opens, _))) => !opens,
                    (Some(_), Some((When::Holiday, holiday, _, _))) => holiday,
                }
        };
        (self.layer.only.is_empty() || self.layer.only.iter().any(begins)) && !self.layer.except.iter().any(takes)
    }

    fn people(&self, at: Instant, world: &World, asked: &Asked) -> Vec<PersonId> {
        let shown = shown(self.zone, at);
        let layer = self.layer;
        let window = |window: &Window, unknown: bool| holds(window, shown, at, world, unknown);
        let open = layer.only.is_empty() || layer.only.iter().any(|only| window(only, true));
        if layer.people.is_empty() || shown < layer.start || !open || layer.except.iter().any(|not| window(not, false))
        {
            return Vec::new();
        }
        let turn = match (layer.advance, &layer.handoffs) {
            (Advance::Always, _) | (Advance::OnDuty, Handoffs::Every(Every::Hours(_))) => self.handoffs as usize,
            (Advance::OnDuty, _) => self.on_duty.saturating_sub(1),
        };
        for ahead in 0..layer.people.len() {
            let place = &layer.people[(turn + ahead) % layer.people.len()];
            let comes: Vec<_> = place.iter().map(|person| asked.comes(person)).collect();
            let nobody_is_absent = !comes.iter().any(|comes| matches!(comes, Err(Missing::Absent)));
            let people: Vec<PersonId> = comes.into_iter().flatten().collect();
            if !people.is_empty() || ahead == 0 && nobody_is_absent {
                return people;
            }
        }
        Vec::new()
    }
}

fn holds(window: &Window, shown: NaiveDateTime, at: Instant, world: &World, unknown: bool) -> bool {
    let on_day =
        |day: NaiveDate| window.first.is_none_or(|first| first <= day) && window.last.is_none_or(|last| day <= last);
    let in_time = match &window.hours {
        None => on_day(shown.date()),
        Some(hours) => [0, 1].into_iter().any(|days_ago| {
            let day = shown.date() - TimeDelta::days(days_ago);
            on_day(day) && within(hours, day, shown)
        }),
    };
    let Some((id, when)) = &window.calendar else { return in_time };
    let Some(calendar) = world.calendars.get(id) else { return in_time && unknown };
    let there = self::shown(calendar.zone, at);
    let holiday = calendar.holidays.contains(&there.date());
    let open = !holiday
        && [0, 1].into_iter().any(|days_ago| {
            let day = there.date() - TimeDelta::days(days_ago);
            !calendar.holidays.contains(&day) && calendar.open.iter().any(|hours| within(hours, day, there))
        });
    in_time
        && match when {
            When::Open => open,
            When::Closed => !open,
            When::Holiday => holiday,
        }
}

/// Whether the hours that begin on this day hold the time.
fn within(hours: &WeeklyHours, day: NaiveDate, time: NaiveDateTime) -> bool {
    let minute = (time - midnight(day)).num_minutes();
    let (from, to) = (i64::from(hours.from_minute), i64::from(hours.to_minute));
    let to = if to <= from { to + 1_440 } else { to };
    hours.days.contains(day.weekday()) && from <= minute && minute < to
}

fn midnight(day: NaiveDate) -> NaiveDateTime {
    day.and_hms_opt(0, 0, 0).unwrap()
}
