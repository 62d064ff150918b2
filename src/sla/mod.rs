//! What a contract promises in time. Pure. Start with `coverage.rs`: when its hours are open.

pub mod coverage;
