//! The scripted night of `pikett demo`, as a user plays it: the real binary, its service as a process of
//! its own that is killed in the middle, the carrier over real HTTP.

use std::process::Command;

#[test]
fn every_promise_holds_through_the_scripted_night() {
    let folder = tempfile::tempdir().unwrap();
    let night = Command::new(env!("CARGO_BIN_EXE_pikett"))
        .args(["demo", "--script", "--keep"])
        .arg(folder.path())
        .output()
        .unwrap();
    let (said, log) = (String::from_utf8_lossy(&night.stdout), folder.path().join("service.log"));
    let log = std::fs::read_to_string(log).unwrap_or_default();
    assert!(night.status.success(), "{said}\n{}\n{log}", String::from_utf8_lossy(&night.stderr));
    assert_eq!(said.matches("  kept\n").count(), 8, "{said}");
    assert!(!log.contains("730164") && !log.contains("+4930555010"), "the log shows a PIN or a whole number");
}
