//! Many rows in one statement: what a statement costs is mostly its way to the database and back.

use std::{
    fmt::Write as _,
    sync::{Arc, OnceLock},
};

/// One statement in a few sizes, so that each is prepared once: 50 rows go as 48 and 2.
pub(super) struct Statements {
    head: &'static str,
    /// `?` stands for the next parameter.
    row: &'static str,
    tail: &'static str,
    made: [OnceLock<Arc<str>>; SIZES.len()],
}

const SIZES: [usize; 15] = [64, 56, 48, 40, 32, 24, 16, 8, 7, 6, 5, 4, 3, 2, 1];

impl Statements {
    pub const fn new(head: &'static str, row: &'static str, tail: &'static str) -> Self {
        Self { head, row, tail, made: [const { OnceLock::new() }; SIZES.len()] }
    }

    /// The largest statement that these rows can fill, and how many it takes.
    pub fn for_rows(&self, rows: usize) -> Option<(Arc<str>, usize)> {
        let place = SIZES.iter().position(|size| *size <= rows)?;
        let statement = self.made[place].get_or_init(|| self.make(SIZES[place]).into());
        Some((Arc::clone(statement), SIZES[place]))
    }

    fn make(&self, rows: usize) -> String {
        let mut statement = self.head.to_owned();
        let mut parameter = 0;
        for row in 0..rows {
            if row > 0 {
                statement.push_str(", ");
            }
            for (place, part) in self.row.split('?').enumerate() {
                if place > 0 {
                    parameter += 1;
                    // Writing to a string cannot fail.
                    let _ = write!(statement, "${parameter}");
                }
                statement.push_str(part);
            }
        }
        statement.push_str(self.tail);
        statement
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_through_all_rows() {
        let statements = Statements::new("INSERT INTO a (b, c) VALUES ", "(?, 'x', ?)", " RETURNING b");
        assert_eq!(statements.make(2), "INSERT INTO a (b, c) VALUES ($1, 'x', $2), ($3, 'x', $4) RETURNING b");
        let sizes: Vec<usize> =
            std::iter::successors(Some(50), |rest| statements.for_rows(*rest).map(|(_, rows)| rest - rows)).collect();
        assert_eq!(sizes, [50, 2, 0]);
    }
}
