//! What an MSP declares: files ⇄ documents ⇄ the typed, immutable `Directory` that the service
//! works from. Pure: files, secrets and stored documents are handed in.

mod assemble; // stored documents → Directory
mod calls; // flows that call flows
mod check; // what shows only when everything is known
mod contacts; // callers whom a shared hotline could not tell apart
pub mod countries; // +49, 49, DE
pub mod directory; // everything declared, as the core's types
pub mod document; // the normalised documents that are kept
mod fit; // whether a hotline's vars fit its flow
mod forms; // how single values are written
mod holidays; // from iCalendar files
pub mod of_alert; // what declarations mean for an alert
pub mod of_call; // what declarations mean for a call
pub mod org; // [org] and [limits]
pub mod pins; // hashing PINs, and finding whose PIN was keyed
mod places; // where things stand in the files
mod plan; // what an apply would change
mod preview; // what another version of a flow changes, hotline by hotline
mod reach; // whether a connect could ring anybody
mod read; // files → what they declare
mod spare; // whom a hotline dials when its flow cannot be served

pub use assemble::{Assembled, FlowSource, directory_from};
pub use directory::{Directory, FlowInUse, Limits};
pub use document::Documents;
pub use fit::misfits;
pub use forms::{address, channel, shift_notice};
pub use plan::{Flows, NewFlow, Plan, plan, stored_faults};
pub use preview::{Preview, comes_to, preview};
pub use read::{File, Outside};
pub use spare::{dialled, warnings as spare_warnings};

#[cfg(test)]
mod tests;
