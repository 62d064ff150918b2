//! A flow as a picture for people: an SVG with a box for each step and an arrow for each exit.
//!
//! A `Sketch` is what can be drawn of a flow, be it sound or not; `parse::sketch` makes it. `layout` gives
//! everything its place, `paint` writes the SVG. Decides nothing about the flow.

mod layout;
mod paint;

use std::collections::{BTreeMap, BTreeSet};

pub use paint::svg;

/// What can be drawn of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    pub title: String,
    pub start: Option<usize>,
    pub steps: Vec<Drawn>,
}

/// A step, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    pub name: String,
    /// What it does; empty when the file does not say.
    pub kind: String,
    /// The beginning of what is heard there.
    pub words: String,
    pub exits: Vec<DrawnExit>,
    /// Something is wrong with the step itself.
    pub faulty: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnExit {
    pub label: String,
    /// `None`: the exit is missing, or leads to no step.
    pub to: Option<usize>,
    /// Where it is written, in bytes.
    pub written_at: Option<usize>,
}

/// What is known of a flow beside what its file says.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// What stands beside a step, by its name: the longest wait to a human.
    pub notes: BTreeMap<String, String>,
    /// The exits that test calls took, by where they are written; `None`: there are no test calls.
    pub taken: Option<BTreeSet<usize>>,
}

impl Sketch {
    /// The steps to which a way leads from the start.
    fn reached(&self) -> BTreeSet<usize> {
        let mut reached: BTreeSet<usize> = self.start.into_iter().collect();
        let mut open: Vec<usize> = reached.iter().copied().collect();
        while let Some(step) = open.pop() {
            let next = self.steps[step].exits.iter().filter_map(|exit| exit.to);
            open.extend(next.filter(|step| reached.insert(*step)));
        }
        reached
    }
}

#[cfg(test)]
mod tests;
