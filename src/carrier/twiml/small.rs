//! The small verbs: Play, Pause, Redirect, Reject, Refer, Sms, Message.

use super::{
    Method, Sip, TwimlError,
    attribute::{Reading, SCHEMA, URL, any, content, element, label, range, url, words},
    xml::Element,
};

/// "Play: Invalid DTMF String".
pub(super) const DIGITS: u32 = 13430;
/// Messages of the carrier are at most this long (Twilio's Message resource, `Body`).
pub const MAX_MESSAGE_CHARS: usize = 1_600;

element! {
    /// Plays an audio file, which the carrier fetches by GET and keeps.
    pub struct Play = "Play" {
        /// 0 is until hang-up.
        times: u32 = "loop", SCHEMA, range(0..=1_000);
    } {
        url: String,
    }
}

impl Play {
    pub fn url(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let element = self.start()?.with_text(&self.url);
        content(&element, url_fault(&self.url))?;
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let url = reading.text(element);
        reading.content("Play", url_fault(&url));
        Self { url, ..begun }
    }
}

fn url_fault(text: &String) -> Option<(u32, &'static str)> {
    if url(text) { None } else { Some((URL, "not a URL")) }
}

element! {
    /// As first verb it delays the pick-up: the caller hears ringing.
    pub struct Pause = "Pause" {
        length_s: u32 = "length", 13910, range(1..=86_400);
    } {}
}

impl Pause {
    pub fn seconds(length_s: u32) -> Self {
        Self { length_s: Some(length_s) }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        self.start()
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let read = Self::begin(&mut element, reading);
        let _ = reading.text(element);
        read
    }
}

element! {
    /// Goes on with another document; nothing after it is reached.
    pub struct Redirect = "Redirect" {
        method: Method = "method", 13710, any;
    } {
        url: String,
    }
}

impl Redirect {
    pub fn to(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let element = self.start()?.with_text(&self.url);
        content(&element, url_fault(&self.url))?;
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let url = reading.text(element);
        reading.content("Redirect", url_fault(&url));
        Self { url, ..begun }
    }
}

words! {
    pub enum RejectReason {
        /// The tone of a number that is not in service; the default.
        Rejected = "rejected",
        Busy = "busy",
    }
}

element! {
    /// Refuses the call unanswered and unbilled, when it is the first verb; later it is a hang-up.
    pub struct Reject = "Reject" {
        reason: RejectReason = "reason", 13810, any;
    } {}
}

impl Reject {
    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        self.start()
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let read = Self::begin(&mut element, reading);
        let _ = reading.text(element);
        read
    }
}

element! {
    /// Hands a SIP leg over to another SIP address and leaves the call.
    pub struct Refer = "Refer" {
        action: String = "action", URL, url;
        method: Method = "method", SCHEMA, any;
    } {
        to: Sip,
    }
}

impl Refer {
    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let mut element = self.start()?;
        element.push(self.to.element()?);
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let mut refer = Self::begin(&mut element, reading);
        let mut found = false;
        for child in reading.children(element) {
            if child.name == "Sip" && !found {
                refer.to = Sip::read(child, reading);
                found = true;
            } else {
                reading.unknown("Refer", &child);
            }
        }
        if !found {
            reading.warn(SCHEMA, "Refer", "no `Sip` to refer to");
        }
        refer
    }
}

element! {
    /// An SMS from within a voice document; Twilio calls it old and points to its REST API.
    pub struct Sms = "Sms" {
        to: String = "to", SCHEMA, label(64);
        from: String = "from", SCHEMA, label(64);
        action: String = "action", URL, url;
        method: Method = "method", SCHEMA, any;
        status_callback: String = "statusCallback", URL, url;
    } {
        body: String,
    }
}

impl Sms {
    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let element = self.start()?.with_text(&self.body);
        content(&element, body_fault(&self.body, true))?;
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let body = reading.spoken(element);
        reading.content("Sms", body_fault(&body, true));
        Self { body, ..begun }
    }
}

fn body_fault(body: &str, needed: bool) -> Option<(u32, &'static str)> {
    match body.chars().count() {
        0 if needed => Some((21602, "no text")),
        count if count > MAX_MESSAGE_CHARS => Some((21617, "the text is too long")),
        _ => None,
    }
}

element! {
    /// The answer to an incoming message; a `Response` without one stays silent.
    pub struct Message = "Message" {
        to: String = "to", SCHEMA, label(64);
        from: String = "from", SCHEMA, label(64);
        action: String = "action", URL, url;
        method: Method = "method", SCHEMA, any;
        status_callback: String = "statusCallback", URL, url;
    } {
        body: String,
        /// URLs of pictures and the like.
        media: Vec<String>,
    }
}

impl Message {
    pub fn text(body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let mut element = self.start()?;
        content(&element, body_fault(&self.body, self.media.is_empty()))?;
        if !self.body.is_empty() {
            element.push(Element::new("Body").with_text(&self.body));
        }
        for url in &self.media {
            content(&element, url_fault(url))?;
            element.push(Element::new("Media").with_text(url));
        }
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let mut message = Self::begin(&mut element, reading);
        let has_children = element.nodes.iter().any(|node| matches!(node, super::xml::Node::Element(_)));
        if has_children {
            for child in reading.children(element) {
                match child.name.as_str() {
                    "Body" => message.body = reading.spoken(child),
                    "Media" => message.media.push(reading.text(child)),
                    _ => reading.unknown("Message", &child),
                }
            }
        } else {
            message.body = reading.spoken(element);
        }
        reading.content("Message", body_fault(&message.body, message.media.is_empty()));
        message
    }
}
