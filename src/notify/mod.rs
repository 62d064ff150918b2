//! How people are told: `plan` turns a person's rules into attempts, `texts` says what is said, the
//! channels say it. Never decides whom to tell: that is escalation's answer.

pub mod channels; // one try at a provider, and what it means
pub mod links; // signed links in emails and pushes: pure
pub mod listen; // signed links to recordings: pure
pub mod pace; // how many messages a person gets: pure
pub mod plan; // rules → attempts: pure
pub mod proof; // whether a contact is somebody's: pure
mod rules; // what is tried when, for whom: pure
pub mod said; // what an attempt says, as its row keeps it
pub mod shift; // whoever goes on call is told: pure
#[cfg(test)]
mod testing; // an alert and people to tell about it
pub mod texts; // every sentence, in each language: pure
pub mod urls; // the paths that providers and links lead to: pure

pub use channels::Channels;
pub use said::Said;
