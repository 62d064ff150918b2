#![no_main]

#[path = "../bodies/webhook.rs"]
mod webhook;

libfuzzer_sys::fuzz_target!(|data: &[u8]| webhook::take(data));
