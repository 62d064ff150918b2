//! What an MSP declares: files ⇄ documents ⇄ the typed, immutable `Directory` that the service
//! works from. Pure: files, secrets and stored documents are handed in.

pub mod countries; // +49, 49, DE
pub mod directory; // everything declared, as the core's types
pub mod org; // [org] and [limits]
pub mod pins; // hashing PINs, and finding whose PIN was keyed

pub use directory::{Directory, FlowInUse, Limits};
