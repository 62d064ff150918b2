//! What sipgate is answered: its own small XML. Pure.
//!
//! One action and the address that hears of the end (github.com/sipgate/sipgate.io, README, "The XML response"). There
//! is no time limit to a Dial, and what comes after it is not asked for. Start with `hand_on`.

use crate::{
    carrier::twiml::xml::{Element, print},
    model::phone::Phone,
};

pub const CONTENT_TYPE: &str = "application/xml; charset=utf-8";

/// Leads the call to that number; its end is reported.
pub fn hand_on(to: &Phone, on_hangup: &str) -> String {
    let mut dial = Element::new("Dial");
    // E.164 without its plus, as in all its examples.
    dial.push(Element::new("Number").with_text(to.as_str().trim_start_matches('+')));
    let mut response = Element::new("Response");
    response.attributes.push(("onHangup".to_owned(), on_hangup.to_owned()));
    response.push(dial);
    print(&response)
}

/// The call goes its own way: to the phones, and then the mailbox, that are set at sipgate.
pub fn own_way() -> String {
    print(&Element::new("Response"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_led_to_a_number_or_goes_its_own_way() {
        let to = "+4930901820".parse().unwrap();
        insta::assert_snapshot!(hand_on(&to, "https://h.example/carriers/sipgate/push?a=1&b=\"2\""), @r#"<?xml version="1.0" encoding="UTF-8"?><Response onHangup="https://h.example/carriers/sipgate/push?a=1&amp;b=&quot;2&quot;"><Dial><Number>4930901820</Number></Dial></Response>"#);
        insta::assert_snapshot!(own_way(), @r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#);
    }
}
