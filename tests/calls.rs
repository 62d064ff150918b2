//! Calls from the first ringing to their outcome, as callers, technicians and the carrier live them: the
//! real service and the simulated carrier over real HTTP, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "the whole crate is tests")]

#[path = "calls/asked.rs"]
mod asked;
#[path = "calls/called.rs"]
mod called;
#[path = "calls/called_back.rs"]
mod called_back;
#[path = "calls/carriers.rs"]
mod carriers;
#[path = "calls/checks.rs"]
mod checks;
#[path = "calls/collected.rs"]
mod collected;
#[path = "calls/connected.rs"]
mod connected;
#[path = "calls/crowds.rs"]
mod crowds;
#[path = "support/database.rs"]
mod database;
#[path = "calls/dismissed.rs"]
mod dismissed;
#[path = "calls/doors.rs"]
mod doors;
#[path = "calls/exits.rs"]
mod exits;
#[path = "calls/french.rs"]
mod french;
#[path = "calls/generated.rs"]
mod generated;
#[path = "calls/hang_ups.rs"]
mod hang_ups;
#[path = "calls/hostile.rs"]
mod hostile;
#[path = "calls/limits.rs"]
mod limits;
#[path = "calls/looked_up.rs"]
mod looked_up;
#[path = "calls/nobody.rs"]
mod nobody;
#[path = "calls/outage.rs"]
mod outage;
#[path = "calls/outlasts.rs"]
mod outlasts;
#[path = "calls/people.rs"]
mod people;
#[path = "calls/pins.rs"]
mod pins;
#[path = "calls/races.rs"]
mod races;
#[path = "calls/recordings.rs"]
mod recordings;
#[path = "calls/requests.rs"]
mod requests;
#[path = "calls/seen.rs"]
mod seen;
#[path = "calls/sipgate.rs"]
mod sipgate;
#[path = "calls/spared.rs"]
mod spared;
#[path = "calls/story.rs"]
mod story;
#[path = "calls/strangers.rs"]
mod strangers;
#[path = "calls/three.rs"]
mod three;
#[path = "calls/told.rs"]
mod told;
#[path = "calls/troubles.rs"]
mod troubles;
#[path = "calls/waited.rs"]
mod waited;
#[path = "calls/ways.rs"]
mod ways;
