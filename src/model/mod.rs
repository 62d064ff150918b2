//! The words of Pikett as types. Everything else speaks in them; they use nothing.

pub mod alert;
pub mod calendar;
pub mod call;
pub mod callback;
pub mod civil;
pub mod code;
pub mod contract;
pub mod details; // what an event says beyond its summary
pub mod duration;
pub mod fault;
pub mod id;
pub mod incident;
pub mod language;
pub mod person;
pub mod phone;
pub mod pin;
pub mod priority;
pub mod public_key;
pub mod quiet; // hours in which low urgency waits
pub mod secret;
pub mod source;
pub mod text; // text from outside

/// An instant: UTC always. Civil time exists only together with a `chrono_tz::Tz`.
pub type Instant = chrono::DateTime<chrono::Utc>;
