//! One layer at a moment: whose turn it is, and who comes.

use chrono_tz::Tz;

use super::{
    Advance, Around, Cover, Covered, Every, Handoffs, Layer, OnDuty, Source, Stretch, Why,
    absent::{Attendance, Comes},
    duty_days::DutyDays,
    moment::Moment,
    rotation::{Rotation, by_hours},
    window,
};
use crate::model::civil;

/// Whoever the layer has on call joins `people`, unless they are there already.
pub fn on_call(
    layer: &Layer,
    (index, temporary): (usize, Option<Stretch>),
    attendance: &Attendance,
    now: &mut Moment,
    people: &mut Vec<OnDuty>,
) {
    let zone = layer.zone.unwrap_or(attendance.schedule.zone);
    let Some(turn) = turn(layer, zone, attendance.around, now) else { return };
    let turns = layer.people.len();
    let mut missing = None;
    for ahead in 0..turns {
        let mut comes_somebody = false;
        let mut absent = None;
        for person in &layer.people[(turn + ahead) % turns] {
            match attendance.comes(person, now) {
                Comes::Person(person, cover) => {
                    comes_somebody = true;
                    let source = Source::Layer { layer: index, turn, turns };
                    let cover = missing.clone().or(cover);
                    let why = Why { schedule: attendance.schedule.id.clone(), temporary, source, cover };
                    join(people, OnDuty { person: person.clone(), why });
                }
                Comes::Absent(reason) => absent = absent.or(Some((person, reason))),
                Comes::Removed => {}
            }
        }
        if comes_somebody {
            return;
        }
        let next = |(absent, reason)| Cover { absent: Clone::clone(absent), how: Covered::Next { reason } };
        missing = missing.or_else(|| absent.map(next));
        // Whoever an override takes off has no cover.
        if missing.is_none() {
            return;
        }
    }
}

pub fn join(people: &mut Vec<OnDuty>, on_duty: OnDuty) {
    if people.iter().all(|known| known.person != on_duty.person) {
        people.push(on_duty);
    }
}

/// The index into `people` of whoever's turn it is, while the layer speaks; notes when that may change.
fn turn(layer: &Layer, zone: Tz, around: Around, now: &mut Moment) -> Option<usize> {
    if layer.people.is_empty() {
        return None;
    }
    let civil = now.civil(zone);
    if civil < layer.start {
        now.change_at(zone, [layer.start]);
        return None;
    }
    if !window::is_open(layer, zone, around, now) {
        return None;
    }
    if layer.people.len() == 1 {
        return Some(0);
    }
    let number = match (Rotation::of(layer), &layer.handoffs) {
        (Some(rotation), _) => {
            let latest = rotation.number(civil);
            now.change_at(zone, rotation.handoff(latest + 1));
            match layer.advance {
                Advance::Always => latest,
                Advance::OnDuty => DutyDays::new(layer, around).handed_over(rotation, latest),
            }
        }
        (None, Handoffs::Every(Every::Hours(hours))) => {
            let (number, next) = by_hours(civil::instant(zone, layer.start), *hours, now.at);
            now.change_at_instant(next);
            number
        }
        (None, Handoffs::Every(Every::Days(_) | Every::Weeks(_) | Every::Months(_)) | Handoffs::Weekly(_)) => 0,
    };
    let place = number.rem_euclid(i64::try_from(layer.people.len()).unwrap_or(i64::MAX));
    usize::try_from(place).ok()
}
