//! A document from anywhere is read or refused; what was read can be written again, and then says the same.

use pikett::carrier::twiml;

pub fn take(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(read) = twiml::read(text) else { return };
    // What Twilio reads with a warning may be more than it lets one write.
    let Ok(written) = twiml::write(&read.response) else { return };
    let again = twiml::read(&written).expect("what we write is well-formed");
    let twice = twiml::write(&again.response).expect("what was written once can be written");
    assert_eq!(written, twice, "from {text:?}");
}
