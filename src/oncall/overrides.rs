//! The overrides in force at a moment, in the order of their declaration: a later one stands on top
//! of those before it.

use super::{Change, Roster, moment::Moment};
use crate::model::id::PersonId;
use chrono_tz::Tz;

/// Indices are those of the roster's overrides.
#[derive(Default)]
pub struct InForce<'a> {
    /// Instead of everybody.
    pub replaces: Option<(usize, &'a PersonId)>,
    pub adds: Vec<(usize, &'a PersonId)>,
    moves: Vec<(usize, &'a PersonId, Move<'a>)>,
}

/// What becomes of somebody who would be on call.
#[derive(Clone, Copy)]
pub enum Move<'a> {
    Off,
    To(&'a PersonId),
}

impl<'a> InForce<'a> {
    pub fn at(roster: &'a Roster, zone: Tz, now: &mut Moment) -> Self {
        let mut in_force = Self::default();
        for (index, given) in roster.overrides.iter().enumerate() {
            if now.is_within(zone, given.from, given.until) {
                in_force.put(index, &given.change);
            }
        }
        in_force
    }

    fn put(&mut self, index: usize, change: &'a Change) {
        match change {
            Change::Replace(person) => *self = Self { replaces: Some((index, person)), ..Self::default() },
            Change::Add(person) => {
                self.moves.retain(|(_, moved, _)| *moved != person);
                self.adds.push((index, person));
            }
            Change::Remove(person) => {
                self.adds.retain(|(_, added)| *added != person);
                self.moves.push((index, person, Move::Off));
            }
            Change::StandIn { person, absent } => self.moves.push((index, absent, Move::To(person))),
        }
    }

    /// The last word on somebody.
    pub fn move_of(&self, person: &PersonId) -> Option<(usize, Move<'a>)> {
        let moved = self.moves.iter().rev().find(|(_, moved, _)| *moved == person);
        moved.map(|(index, _, to)| (*index, *to))
    }
}
