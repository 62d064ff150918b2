#![no_main]

#[path = "../bodies/twiml.rs"]
mod twiml;

libfuzzer_sys::fuzz_target!(|data: &[u8]| twiml::take(data));
