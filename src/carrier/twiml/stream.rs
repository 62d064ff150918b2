//! What runs beside a call or takes it over: Start, Stop and Connect with their nouns.
//!
//! Start does not hold the call up and Stop ends what it began, by name; Connect holds the call
//! until the far end of its socket is done. Siprec, Transcription and the products behind Connect
//! are no part of a hotline: they read as unknown.

use super::{
    ConversationRelay, Method, RecordingEvent, RecordingTrack, Trim, TwimlError,
    attribute::{Reading, SCHEMA, URL, any, content, element, label, some, url, words},
    xml::Element,
};

/// Twilio's Stream page: name and value of a parameter together.
const MAX_PARAMETER: usize = 500;

words! {
    pub enum StreamTrack {
        Inbound = "inbound_track",
        Outbound = "outbound_track",
        Both = "both_tracks",
    }
    pub enum RecordingChannels {
        Mono = "mono",
        Dual = "dual",
    }
}

element! {
    /// The call's sound, over a WebSocket.
    pub struct Stream = "Stream" {
        /// `wss://…` without a query; left out only to stop a stream by its name.
        url: String = "url", URL, socket;
        name: String = "name", SCHEMA, label(128);
        track: StreamTrack = "track", SCHEMA, any;
        status_callback: String = "statusCallback", URL, url;
        status_callback_method: Method = "statusCallbackMethod", SCHEMA, any;
    } {
        /// Handed to the far end when the stream begins.
        parameters: Vec<(String, String)>,
    }
}

element! {
    /// Records the whole call from here on, unlike the verb Record.
    pub struct LiveRecording = "Recording" {
        recording_status_callback: String = "recordingStatusCallback", URL, url;
        recording_status_callback_method: Method = "recordingStatusCallbackMethod", SCHEMA, any;
        recording_status_callback_events: Vec<RecordingEvent> = "recordingStatusCallbackEvent", SCHEMA, some;
        channels: RecordingChannels = "channels", SCHEMA, any;
        track: RecordingTrack = "track", SCHEMA, any;
        trim: Trim = "trim", SCHEMA, any;
    } {}
}

/// What Start begins and Stop ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    Stream(Stream),
    Recording(LiveRecording),
}

element! {
    pub struct Start = "Start" {
        action: String = "action", URL, url;
        method: Method = "method", SCHEMA, any;
    } {
        what: Option<Beside>,
    }
}

element! {
    pub struct Stop = "Stop" {} { what: Option<Beside>, }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partner {
    /// Sound in both directions.
    Stream(Stream),
    /// Text in both directions: the carrier listens and speaks.
    Relay(Box<ConversationRelay>),
}

element! {
    /// Holds the call until the socket closes.
    pub struct Connect = "Connect" {
        /// Left out: the next verb follows.
        action: String = "action", URL, url;
        method: Method = "method", SCHEMA, any;
    } {
        to: Option<Partner>,
    }
}

/// A WebSocket's address. Twilio passes no query on: parameters go as `Parameter`.
pub(super) fn socket(text: &String) -> bool {
    url(text) && text.starts_with("wss://") && !text.contains('?')
}

impl Stream {
    pub fn to(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }

    fn element(&self, is_begun: bool) -> Result<Element, TwimlError> {
        let mut element = self.start()?;
        content(&element, self.fault(is_begun))?;
        write_parameters(&mut element, &self.parameters);
        Ok(element)
    }

    fn read(mut element: Element, is_begun: bool, reading: &mut Reading) -> Self {
        let mut stream = Self::begin(&mut element, reading);
        for child in reading.children(element) {
            match child.name.as_str() {
                "Parameter" => stream.parameters.push(read_parameter(child, reading)),
                _ => reading.unknown("Stream", &child),
            }
        }
        reading.content("Stream", stream.fault(is_begun));
        stream
    }

    fn fault(&self, is_begun: bool) -> Option<(u32, &'static str)> {
        match (&self.url, &self.name) {
            (None, _) if is_begun => Some((SCHEMA, "a stream needs a `url`")),
            (None, None) => Some((SCHEMA, "a stream is stopped by its `name`")),
            _ => parameters_fault(&self.parameters),
        }
    }
}

impl Beside {
    fn element(&self, is_begun: bool) -> Result<Element, TwimlError> {
        match self {
            Self::Stream(stream) => stream.element(is_begun),
            Self::Recording(recording) => recording.start(),
        }
    }

    fn read(mut element: Element, is_begun: bool, reading: &mut Reading) -> Option<Self> {
        match element.name.as_str() {
            "Stream" => Some(Self::Stream(Stream::read(element, is_begun, reading))),
            "Recording" => {
                let recording = LiveRecording::begin(&mut element, reading);
                let _ = reading.text(element);
                Some(Self::Recording(recording))
            }
            _ => None,
        }
    }
}

/// The first child that is known; the others are noted.
fn only<T>(
    parent: &'static str,
    element: Element,
    reading: &mut Reading,
    read: impl Fn(Element, &mut Reading) -> Option<T>,
) -> Option<T> {
    let mut found = None;
    for child in reading.children(element) {
        let unread = Element::new(&child.name);
        match if found.is_none() { read(child, reading) } else { None } {
            Some(read) => found = Some(read),
            None => reading.unknown(parent, &unread),
        }
    }
    if found.is_none() {
        reading.warn(SCHEMA, parent, "nothing that is known stands within");
    }
    found
}

fn within(mut element: Element, child: Option<Result<Element, TwimlError>>) -> Result<Element, TwimlError> {
    content(&element, child.is_none().then_some((SCHEMA, "nothing stands within")))?;
    if let Some(child) = child {
        element.push(child?);
    }
    Ok(element)
}

impl Start {
    pub fn what(what: Beside) -> Self {
        Self { what: Some(what), ..Self::default() }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        within(self.start()?, self.what.as_ref().map(|what| what.element(true)))
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let what = only("Start", element, reading, |child, reading| Beside::read(child, true, reading));
        Self { what, ..begun }
    }
}

impl Stop {
    pub fn what(what: Beside) -> Self {
        Self { what: Some(what) }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        within(self.start()?, self.what.as_ref().map(|what| what.element(false)))
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        Self::begin(&mut element, reading);
        Self { what: only("Stop", element, reading, |child, reading| Beside::read(child, false, reading)) }
    }
}

impl Connect {
    pub fn to(partner: Partner) -> Self {
        Self { to: Some(partner), ..Self::default() }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let child = self.to.as_ref().map(|partner| match partner {
            Partner::Stream(stream) => stream.element(true),
            Partner::Relay(relay) => relay.element(),
        });
        within(self.start()?, child)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let to = only("Connect", element, reading, |child, reading| match child.name.as_str() {
            "Stream" => Some(Partner::Stream(Stream::read(child, true, reading))),
            "ConversationRelay" => Some(Partner::Relay(Box::new(ConversationRelay::read(child, reading)))),
            _ => None,
        });
        Self { to, ..begun }
    }
}

pub(super) fn write_parameters(element: &mut Element, parameters: &[(String, String)]) {
    for (name, value) in parameters {
        let mut parameter = Element::new("Parameter");
        parameter.attributes.push(("name".to_owned(), name.clone()));
        parameter.attributes.push(("value".to_owned(), value.clone()));
        element.push(parameter);
    }
}

pub(super) fn read_parameter(mut element: Element, reading: &mut Reading) -> (String, String) {
    let name = reading.take(&mut element, "name", SCHEMA, any).unwrap_or_default();
    let value = reading.take(&mut element, "value", SCHEMA, any).unwrap_or_default();
    reading.leftover(&element);
    (name, value)
}

pub(super) fn parameters_fault(parameters: &[(String, String)]) -> Option<(u32, &'static str)> {
    let fits = |(name, value): &(String, String)| {
        !name.is_empty() && name.chars().count() + value.chars().count() < MAX_PARAMETER
    };
    if parameters.iter().all(fits) { None } else { Some((SCHEMA, "a parameter is too long or has no name")) }
}

#[cfg(test)]
mod tests {
    use super::super::{Response, Verb, read, write};
    use super::*;

    fn code(verb: impl Into<Verb>) -> u32 {
        write(&Response::new().with(verb)).unwrap_err().code()
    }

    #[test]
    fn a_call_is_streamed_and_recorded_beside_its_verbs() {
        let stream = Stream {
            name: Some("ear".into()),
            track: Some(StreamTrack::Both),
            parameters: vec![("call".into(), "cll_1".into())],
            ..Stream::to("wss://h.example/ear")
        };
        let recording = LiveRecording { channels: Some(RecordingChannels::Dual), ..LiveRecording::default() };
        let stop = Stream { name: Some("ear".into()), ..Stream::default() };
        let document = write(
            &Response::new()
                .with(Start::what(Beside::Stream(stream)))
                .with(Start::what(Beside::Recording(recording)))
                .with(Stop::what(Beside::Stream(stop))),
        )
        .unwrap();
        insta::assert_snapshot!(document, @r#"<?xml version="1.0" encoding="UTF-8"?><Response><Start><Stream url="wss://h.example/ear" name="ear" track="both_tracks"><Parameter name="call" value="cll_1"/></Stream></Start><Start><Recording channels="dual"/></Start><Stop><Stream name="ear"/></Stop></Response>"#);
    }

    #[test]
    fn limits_hold_before_anything_is_written() {
        for url in ["https://h.example/ear", "wss://h.example/ear?call=1", "ear", ""] {
            assert_eq!(code(Connect::to(Partner::Stream(Stream::to(url)))), URL, "{url}");
        }
        assert_eq!(code(Start::what(Beside::Stream(Stream::default()))), SCHEMA);
        assert_eq!(code(Stop::what(Beside::Stream(Stream::default()))), SCHEMA);
        assert_eq!(code(Start::default()), SCHEMA);
        let long = Stream { parameters: vec![("a".into(), "x".repeat(499))], ..Stream::to("wss://h.example/ear") };
        assert_eq!(code(Start::what(Beside::Stream(long))), SCHEMA);
    }

    #[test]
    fn products_that_are_no_part_of_a_hotline_are_noted() {
        let read = read("<Response><Connect><Room>a</Room></Connect><Hangup/></Response>").unwrap();
        assert_eq!(read.response, Response::new().with(Connect::default()).with(Verb::Hangup));
        assert_eq!(read.warnings.len(), 2);
    }
}
