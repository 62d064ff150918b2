//! Telephony: what Pikett says to a carrier and what a carrier says to Pikett.
//!
//! Owns the carriers' languages (TwiML, request signatures, REST). Never decides whom to call or
//! what to say: that comes in as values. Start with `twiml`.

pub mod twiml; // the document that answers a webhook: typed, pure
