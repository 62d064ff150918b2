//! The `pikett` binary: parses the command line, calls one function, turns its error into words.

fn main() {}
