//! Test calls are read and played, and faults are told where they stand.
