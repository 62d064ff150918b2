//! What cannot be tested here is said, and once more at the end of `make test`.

use std::{fs::OpenOptions, io::Write};

pub fn tell(what: &str) {
    eprintln!("left out: {what}");
    let Ok(list) = std::env::var("PIKETT_TEST_LEFT_OUT") else { return };
    let mut list = OpenOptions::new().create(true).append(true).open(list).expect("the list can be written");
    writeln!(list, "{what}").expect("the list can be written");
}
