//! The whole service over HTTP, as programs, browsers and operators see it: the JSON API, the console's
//! guard, starting, being ready, following what is declared, and ending.

#![expect(clippy::unwrap_used, reason = "the whole crate is tests")]

#[path = "service/acting.rs"]
mod acting;
#[path = "service/checked.rs"]
mod checked;
#[path = "service/console.rs"]
mod console;
#[path = "service/contacts.rs"]
mod contacts;
#[path = "support/database.rs"]
mod database;
#[path = "service/described.rs"]
mod described;
#[path = "service/events.rs"]
mod events;
#[path = "service/heartbeat.rs"]
mod heartbeat;
#[path = "support/house.rs"]
mod house;
#[path = "service/incidents.rs"]
mod incidents;
#[path = "service/refused.rs"]
mod refused;
#[path = "service/running.rs"]
mod running;
#[path = "service/spare.rs"]
mod spare;
#[path = "service/versions.rs"]
mod versions;
#[path = "service/waits.rs"]
mod waits;
