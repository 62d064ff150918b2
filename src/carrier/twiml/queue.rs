//! Enqueue: the caller waits, with the wait document in a loop.

use super::{
    Method, TwimlError,
    attribute::{Reading, SCHEMA, any, content, element, label, range, url, url_or_silence},
    xml::Element,
};

/// Twilio's Enqueue page: queue names have at most 64 characters.
const MAX_NAME: usize = 64;

element! {
    /// The queue itself sets no limit to the waiting: the wait document must answer `Leave`.
    pub struct Enqueue = "Enqueue" {
        /// Asked when the caller leaves the queue, in whatever way. Without it the call ends when
        /// the technician's line breaks.
        action: String = "action", 14203, url;
        method: Method = "method", 14201, any;
        /// Left out: the carrier's music; empty: silence.
        wait_url: String = "waitUrl", 14202, url_or_silence;
        wait_method: Method = "waitUrlMethod", 14201, any;
        max_size: u32 = "maxQueueSize", SCHEMA, range(1..=5_000);
        /// TaskRouter's workflow, instead of a name.
        workflow: String = "workflowSid", SCHEMA, label(64);
    } {
        name: String,
    }
}

impl Enqueue {
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let mut element = self.start()?;
        content(&element, self.fault())?;
        if !self.name.is_empty() {
            element.push_text(&self.name);
        }
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let enqueue = Self { name: reading.text(element), ..begun };
        reading.content("Enqueue", enqueue.fault());
        enqueue
    }

    fn fault(&self) -> Option<(u32, &'static str)> {
        if self.name.is_empty() && self.workflow.is_some() { None } else { name_fault(&self.name) }
    }
}

pub(super) fn name_fault(name: &str) -> Option<(u32, &'static str)> {
    match name.chars().count() {
        0 => Some((14204, "the queue has no name")),
        1..=MAX_NAME if name.trim() == name && !name.chars().any(char::is_control) => None,
        1..=MAX_NAME => Some((SCHEMA, "the queue's name begins or ends with a blank")),
        _ => Some((14205, "the queue's name is too long")),
    }
}
