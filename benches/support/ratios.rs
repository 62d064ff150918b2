//! Ratios of neighbouring slices with their quartiles. The speed of a disk and of a shared processor changes
//! within seconds; ratios of neighbours do not.

use crate::figures::Spread;

/// Of each slice's figure to that of its neighbour.
pub fn of(ours: &[f64], theirs: &[f64]) -> Spread {
    Spread::of(&ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
}
