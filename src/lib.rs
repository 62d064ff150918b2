//! Pikett: no call and no alert is ever lost, and somebody is always told.

// The core decides: pure, no clock, no I/O.
pub mod escalation; // whom to tell next
pub mod ivr; // the flow language: read, check, run
pub mod languages; // what is said, one data file for each language
pub mod model; // the words
pub mod oncall; // who is on call when, and why
pub mod sla; // what hours a contract covers

// Between them: what an MSP declares.
pub mod declare; // files ⇄ documents ⇄ the Directory
pub mod flowtest; // scripted calls of a flow, in virtual time

// The shell does.
pub mod api; // the JSON API
pub mod backoff; // how long to wait before trying again
pub mod carrier; // telephony: documents, signatures, REST
pub mod clock; // the only reader of time and chance
pub mod config; // pikett.toml and PIKETT_*
pub mod console; // the web console
pub mod hotline; // calls of customers: webhook → run → save → document
pub mod intake; // events from monitoring tools
pub mod notify; // how people are told
pub mod paging; // how technicians answer pages
pub mod recordings; // what callers said: fetched, sealed, put into words, handed out
pub mod store; // all SQL
pub mod telemetry; // logs and names of metrics
pub mod web; // what the faces share
pub mod work; // the one loop: timers, escalation, delivery

// A carrier for tests, demos and trying out.
pub mod sim; // a stand-in for Twilio and the phones behind it

// All of it together.
pub mod app; // configuration → running service, every path
pub mod demo; // a sample MSP on all of it

// The faces for people at a terminal.
pub mod cli; // one file per subcommand
