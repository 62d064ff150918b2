//! What the faces (carriers, intake, API, console) share. Knows none of them.

pub mod body; // reading a request's body, up to a limit
pub mod caller; // who asks, and what they may
pub mod peer; // who is at the other end
pub mod problem; // errors as problem+json
pub use crate::model::text;
pub mod refusals; // what was refused, counted and said
pub mod webhook; // a carrier's signed request
