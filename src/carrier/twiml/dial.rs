//! Dial and its nouns. What ends the Dial decides the rest: `DialBridged` tells whether anyone talked.

use super::{
    Digits, Method, RecordingEvent, RecordingTrack, Trim, TwimlError,
    attribute::{
        Reading, SCHEMA, URL, any, are_keys, content, element, label, range, some, url, url_or_silence, words,
    },
    queue, stream,
    xml::{Element, Node},
};

/// Twilio's Dial page: at most ten parties ring together.
const MAX_PARTIES: usize = 10;
/// "Dial: Invalid phone number format".
const NUMBER: u32 = 13223;
/// "Dial->Conference: Invalid Conference Name".
const CONFERENCE_NAME: u32 = 13237;

words! {
    pub enum DialRecord {
        DoNotRecord = "do-not-record" | "false",
        FromAnswer = "record-from-answer" | "true",
        FromRinging = "record-from-ringing",
        FromAnswerDual = "record-from-answer-dual",
        FromRingingDual = "record-from-ringing-dual",
    }
    /// The events of a leg to which a status callback subscribes.
    pub enum CallEvent {
        Initiated = "initiated",
        Ringing = "ringing",
        Answered = "answered",
        Completed = "completed",
    }
    pub enum MachineDetection {
        Enable = "Enable",
        DetectMessageEnd = "DetectMessageEnd",
    }
    pub enum ConferenceBeep {
        Both = "true",
        Never = "false",
        OnEnter = "onEnter",
        OnExit = "onExit",
    }
    pub enum ConferenceRecord {
        DoNotRecord = "do-not-record",
        FromStart = "record-from-start",
    }
    pub enum ConferenceEvent {
        Start = "start",
        End = "end",
        Join = "join",
        Leave = "leave",
        Mute = "mute",
        Hold = "hold",
        Modify = "modify",
        Speaker = "speaker",
        Announcement = "announcement",
    }
}

element! {
    pub struct Dial = "Dial" {
        /// Left out: the next verb follows.
        action: String = "action", URL, url;
        method: Method = "method", SCHEMA, any;
        /// Seconds of ringing; the carrier adds up to five.
        timeout_s: u32 = "timeout", SCHEMA, range(5..=600);
        /// Seconds of conversation.
        time_limit_s: u32 = "timeLimit", SCHEMA, range(1..=86_400);
        /// Always say it: a withheld caller's number makes the leg fail.
        caller_id: String = "callerId", 13214, label(256);
        /// The caller is answered when the called party is; only as first verb, since a Say answers.
        answer_on_bridge: bool = "answerOnBridge", SCHEMA, any;
        hangup_on_star: bool = "hangupOnStar", SCHEMA, any;
        record: DialRecord = "record", SCHEMA, any;
        recording_status_callback: String = "recordingStatusCallback", URL, url;
        recording_status_callback_method: Method = "recordingStatusCallbackMethod", SCHEMA, any;
        recording_status_callback_events: Vec<RecordingEvent> = "recordingStatusCallbackEvent", SCHEMA, some;
        recording_track: RecordingTrack = "recordingTrack", SCHEMA, any;
        recording_configuration: String = "recordingConfigurationId", SCHEMA, label(64);
        trim: Trim = "trim", SCHEMA, any;
        /// A country whose ringing the caller hears.
        ring_tone: String = "ringTone", SCHEMA, label(10);
        /// One after the other instead of all at once.
        sequential: bool = "sequential", SCHEMA, any;
        refer_url: String = "referUrl", URL, url;
        refer_method: Method = "referMethod", SCHEMA, any;
        events: String = "events", SCHEMA, label(64);
    } {
        to: DialTarget,
    }
}

/// The nouns that may stand together in a Dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialTarget {
    /// One number as plain text.
    Plain(String),
    /// All ring; the first to answer is connected, after its whisper document.
    Parties(Vec<DialParty>),
    /// The front caller of a queue. While the queue is empty the dialling leg waits.
    Queue(DialQueue),
    Conference(Box<Conference>),
}

impl Default for DialTarget {
    fn default() -> Self {
        Self::Parties(Vec::new())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialParty {
    Number(Number),
    Client(Client),
    Sip(Sip),
}

impl From<Number> for DialParty {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<Client> for DialParty {
    fn from(client: Client) -> Self {
        Self::Client(client)
    }
}

impl From<Sip> for DialParty {
    fn from(sip: Sip) -> Self {
        Self::Sip(sip)
    }
}

/// Attributes that Number, Client and Sip share.
macro_rules! party {
    ($(#[$meta:meta])* $name:ident = $word:literal { $($own:tt)* } { $($content:tt)* }) => {
        element! {
            $(#[$meta])*
            pub struct $name = $word {
                $($own)*
                /// A document that runs on the called leg before the bridge; its end bridges.
                url: String = "url", URL, url;
                method: Method = "method", SCHEMA, any;
                status_callback: String = "statusCallback", URL, url;
                status_callback_method: Method = "statusCallbackMethod", SCHEMA, any;
                status_callback_events: Vec<CallEvent> = "statusCallbackEvent", SCHEMA, some;
                machine_detection: MachineDetection = "machineDetection", SCHEMA, any;
                machine_detection_timeout_s: u32 = "machineDetectionTimeout", SCHEMA, range(3..=59);
                machine_detection_speech_ms: u32 = "machineDetectionSpeechThreshold", SCHEMA, range(1_000..=6_000);
                machine_detection_speech_end_ms: u32 = "machineDetectionSpeechEndThreshold", SCHEMA, range(500..=5_000);
                machine_detection_silence_ms: u32 = "machineDetectionSilenceTimeout", SCHEMA, range(2_000..=10_000);
                amd_status_callback: String = "amdStatusCallback", URL, url;
                amd_status_callback_method: Method = "amdStatusCallbackMethod", SCHEMA, any;
            } {
                $($content)*
            }
        }
    };
}

party! {
    Number = "Number" {
        /// Keys pressed after the answer, such as an extension.
        send_digits: Digits = "sendDigits", 13430, are_keys;
        byoc: String = "byoc", SCHEMA, label(64);
    } {
        number: String,
    }
}

party! {
    Sip = "Sip" {
        username: String = "username", SCHEMA, label(256);
        password: String = "password", SCHEMA, label(256);
    } {
        /// `sip:user@host;transport=tls?X-Name=value`
        uri: String,
    }
}

party! {
    Client = "Client" {} {
        identity: String,
        /// Handed to the client with the call.
        parameters: Vec<(String, String)>,
    }
}

element! {
    pub struct DialQueue = "Queue" {
        /// A document for the caller who is taken out of the queue, before the bridge.
        url: String = "url", URL, url;
        method: Method = "method", SCHEMA, any;
    } {
        name: String,
    }
}

element! {
    pub struct Conference = "Conference" {
        muted: bool = "muted", SCHEMA, any;
        beep: ConferenceBeep = "beep", SCHEMA, any;
        start_on_enter: bool = "startConferenceOnEnter", SCHEMA, any;
        end_on_exit: bool = "endConferenceOnExit", SCHEMA, any;
        /// Unique within the conference.
        participant_label: String = "participantLabel", 16025, label(128);
        jitter_buffer_size: String = "jitterBufferSize", SCHEMA, label(20);
        /// Left out: the carrier's music; empty: silence. Does not loop by itself.
        wait_url: String = "waitUrl", URL, url_or_silence;
        wait_method: Method = "waitMethod", SCHEMA, any;
        max_participants: u32 = "maxParticipants", SCHEMA, range(2..=250);
        record: ConferenceRecord = "record", SCHEMA, any;
        region: String = "region", SCHEMA, label(20);
        trim: Trim = "trim", SCHEMA, any;
        /// The call to whom this participant whispers.
        coach: String = "coach", SCHEMA, label(64);
        status_callback: String = "statusCallback", URL, url;
        status_callback_method: Method = "statusCallbackMethod", SCHEMA, any;
        status_callback_events: Vec<ConferenceEvent> = "statusCallbackEvent", SCHEMA, some;
        recording_status_callback: String = "recordingStatusCallback", URL, url;
        recording_status_callback_method: Method = "recordingStatusCallbackMethod", SCHEMA, any;
        recording_status_callback_events: Vec<RecordingEvent> = "recordingStatusCallbackEvent", SCHEMA, some;
        event_callback_url: String = "eventCallbackUrl", URL, url;
    } {
        name: String,
    }
}

impl Dial {
    pub fn parties(parties: impl IntoIterator<Item = impl Into<DialParty>>) -> Self {
        let to = DialTarget::Parties(parties.into_iter().map(Into::into).collect());
        Self { to, ..Self::default() }
    }

    pub fn queue(queue: DialQueue) -> Self {
        Self { to: DialTarget::Queue(queue), ..Self::default() }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let mut element = self.start()?;
        content(&element, self.fault())?;
        match &self.to {
            DialTarget::Plain(number) => element.push_text(number),
            DialTarget::Queue(queue) => element.push(queue.element()?),
            DialTarget::Conference(conference) => element.push(conference.element()?),
            DialTarget::Parties(parties) => {
                for party in parties {
                    element.push(match party {
                        DialParty::Number(number) => number.element()?,
                        DialParty::Client(client) => client.element()?,
                        DialParty::Sip(sip) => sip.element()?,
                    });
                }
            }
        }
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let dial = Self { to: read_target(element, reading), ..begun };
        reading.content("Dial", dial.fault());
        dial
    }

    fn fault(&self) -> Option<(u32, &'static str)> {
        match &self.to {
            DialTarget::Plain(number) => number_fault(number),
            DialTarget::Parties(parties) if parties.is_empty() => Some((NUMBER, "nobody to dial")),
            DialTarget::Parties(parties) if parties.len() > MAX_PARTIES => {
                Some((SCHEMA, "more than ten parties to dial"))
            }
            DialTarget::Parties(_) | DialTarget::Queue(_) | DialTarget::Conference(_) => None,
        }
    }
}

/// The first noun decides the kind; what cannot stand beside it is noted and left out.
fn read_target(element: Element, reading: &mut Reading) -> DialTarget {
    if !element.nodes.iter().any(|node| matches!(node, Node::Element(_))) {
        let number = reading.text(element);
        return if number.is_empty() { DialTarget::default() } else { DialTarget::Plain(number) };
    }
    let mut parties = Vec::new();
    let mut single = None;
    for child in reading.children(element) {
        let free = single.is_none() && parties.is_empty();
        match child.name.as_str() {
            "Number" if single.is_none() => parties.push(Number::read(child, reading).into()),
            "Client" if single.is_none() => parties.push(Client::read(child, reading).into()),
            "Sip" if single.is_none() => parties.push(Sip::read(child, reading).into()),
            "Queue" if free => single = Some(DialTarget::Queue(DialQueue::read(child, reading))),
            "Conference" if free => {
                single = Some(DialTarget::Conference(Box::new(Conference::read(child, reading))));
            }
            _ => reading.unknown("Dial", &child),
        }
    }
    single.unwrap_or(DialTarget::Parties(parties))
}

fn number_fault(number: &str) -> Option<(u32, &'static str)> {
    let fits = number.chars().any(|c| c.is_ascii_digit())
        && number.trim() == number
        && number.chars().count() <= 64
        && number.chars().all(|c| c.is_ascii_digit() || "+ ()-./".contains(c));
    if fits { None } else { Some((NUMBER, "not a phone number")) }
}

impl Number {
    pub fn new(number: impl Into<String>) -> Self {
        Self { number: number.into(), ..Self::default() }
    }

    fn element(&self) -> Result<Element, TwimlError> {
        let element = self.start()?.with_text(&self.number);
        content(&element, number_fault(&self.number))?;
        Ok(element)
    }

    fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let number = reading.text(element);
        reading.content("Number", number_fault(&number));
        Self { number, ..begun }
    }
}

impl Sip {
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into(), ..Self::default() }
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let element = self.start()?.with_text(&self.uri);
        content(&element, self.fault())?;
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let sip = Self { uri: reading.text(element), ..begun };
        reading.content("Sip", sip.fault());
        sip
    }

    fn fault(&self) -> Option<(u32, &'static str)> {
        let address = self.uri.strip_prefix("sip:").or_else(|| self.uri.strip_prefix("sips:"));
        let headers = self.uri.split_once('?').map_or("", |(_, headers)| headers);
        let plain = !self.uri.chars().any(|c| c.is_control() || c.is_whitespace());
        match address {
            Some(address) if !address.is_empty() && plain && headers.len() <= 1_024 => None,
            Some(_) | None => Some((SCHEMA, "not a SIP address")),
        }
    }
}

impl Client {
    pub fn new(identity: impl Into<String>) -> Self {
        Self { identity: identity.into(), ..Self::default() }
    }

    fn element(&self) -> Result<Element, TwimlError> {
        let mut element = self.start()?;
        content(&element, self.fault())?;
        if self.parameters.is_empty() {
            element.push_text(&self.identity);
            return Ok(element);
        }
        element.push(Element::new("Identity").with_text(&self.identity));
        stream::write_parameters(&mut element, &self.parameters);
        Ok(element)
    }

    fn read(mut element: Element, reading: &mut Reading) -> Self {
        let mut client = Self::begin(&mut element, reading);
        if element.nodes.iter().any(|node| matches!(node, Node::Element(_))) {
            for child in reading.children(element) {
                match child.name.as_str() {
                    "Identity" => client.identity = reading.text(child),
                    "Parameter" => client.parameters.push(stream::read_parameter(child, reading)),
                    _ => reading.unknown("Client", &child),
                }
            }
        } else {
            client.identity = reading.text(element);
        }
        reading.content("Client", client.fault());
        client
    }

    fn fault(&self) -> Option<(u32, &'static str)> {
        let trimmed = self.identity.trim() == self.identity;
        if trimmed && label(256)(&self.identity) { None } else { Some((SCHEMA, "not a client's name")) }
    }
}

impl DialQueue {
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    fn element(&self) -> Result<Element, TwimlError> {
        let element = self.start()?.with_text(&self.name);
        content(&element, queue::name_fault(&self.name))?;
        Ok(element)
    }

    fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let name = reading.text(element);
        reading.content("Queue", queue::name_fault(&name));
        Self { name, ..begun }
    }
}

impl Conference {
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    fn element(&self) -> Result<Element, TwimlError> {
        let element = self.start()?.with_text(&self.name);
        content(&element, self.fault())?;
        Ok(element)
    }

    fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let conference = Self { name: reading.text(element), ..begun };
        reading.content("Conference", conference.fault());
        conference
    }

    fn fault(&self) -> Option<(u32, &'static str)> {
        let trimmed = self.name.trim() == self.name;
        if trimmed && label(64)(&self.name) { None } else { Some((CONFERENCE_NAME, "not a conference's name")) }
    }
}
