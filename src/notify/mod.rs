//! How people are told: `plan` turns a person's rules into attempts, `texts` says what is said, the
//! channels say it. Never decides whom to tell: that is escalation's answer.

pub mod said; // what an attempt says, as its row keeps it

pub use said::Said;
