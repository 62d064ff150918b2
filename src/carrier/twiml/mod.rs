//! TwiML, the document by which a carrier is told what a call does: typed, written and read.
//!
//! Pure. What Twilio's TwiML reference forbids to nest does not compile; every limit stands once,
//! beside its attribute, and holds for writing (an error) as for reading (a warning with Twilio's
//! code, the attribute is ignored). Documents carry spoken text and numbers: never log them.
//! Start with `Response` and `Verb`, then `write` and `read`.

mod attribute;
mod dial;
mod gather;
mod place;
mod queue;
mod record;
mod relay;
mod say;
mod small;
mod stream;
mod verb;
pub(in crate::carrier) mod xml;

#[cfg(test)]
mod round_trip;

use thiserror::Error;

pub use attribute::{Digits, Hints, Method};
pub use dial::{
    CallEvent, Client, Conference, ConferenceBeep, ConferenceEvent, ConferenceRecord, Dial, DialParty, DialQueue,
    DialRecord, DialTarget, MachineDetection, Number, Sip,
};
pub use gather::{Gather, GatherInput, Prompt, SpeechTimeout};
pub use place::{Place, refused_in};
pub use queue::Enqueue;
pub use record::{Record, RecordingEvent, RecordingTrack, Trim};
pub use relay::{ConversationRelay, Interruptible, RelayLanguage, Sensitivity};
pub use say::{
    Break, BreakStrength, Emphasis, EmphasisLevel, InterpretAs, Lang, Paragraph, Phoneme, PhonemeAlphabet, Prosody,
    Say, SayAs, SayPart, Sentence, Sub, Word,
};
pub use small::{Message, Pause, Play, Redirect, Refer, Reject, RejectReason, Sms};
pub use stream::{Beside, Connect, LiveRecording, Partner, RecordingChannels, Start, Stop, Stream, StreamTrack};
pub use verb::Verb;

use xml::Element;

/// Twilio takes no larger document (error 11750).
pub const MAX_BYTES: usize = 64 * 1024;
/// What the REST parameter `Twiml` takes (error 32018).
pub const MAX_INLINE_CHARS: usize = 4_000;
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// A whole document. The verbs run in order; after the last one the carrier hangs up, except in a
/// queue's wait document, which loops.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    pub verbs: Vec<Verb>,
}

impl Response {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with(mut self, verb: impl Into<Verb>) -> Self {
        self.verbs.push(verb.into());
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub response: Response,
    pub warnings: Vec<Warning>,
}

/// Something that Twilio notes in its debugger and passes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub code: u32,
    pub element: String,
    pub what: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TwimlError {
    #[error("the document is not well-formed: {0}")]
    Malformed(String),
    #[error("the document is empty")]
    Empty,
    #[error("the root element is `{0}`, not `Response`")]
    Root(String),
    #[error("the document has {0} bytes, more than {MAX_BYTES}")]
    TooLarge(usize),
    #[error("the document has {0} characters, more than the {MAX_INLINE_CHARS} of an inline one")]
    TooLargeInline(usize),
    #[error("an inline document knows no base for the relative URL in `{0}`")]
    RelativeInline(String),
    #[error("content type `{0}` is no document")]
    ContentType(String),
    #[error("`{element}` has a wrong `{attribute}`")]
    Attribute { code: u32, element: String, attribute: &'static str },
    #[error("`{element}`: {what}")]
    Content { code: u32, element: String, what: &'static str },
}

impl TwimlError {
    /// Twilio's error code, as a fallback request would carry it.
    pub fn code(&self) -> u32 {
        match self {
            Self::Malformed(_) => 12100,
            Self::Empty => 11770,
            Self::Root(_) => 12102,
            Self::TooLarge(_) => 11750,
            Self::TooLargeInline(_) => 32018,
            Self::RelativeInline(_) => 15004,
            Self::ContentType(_) => 12300,
            Self::Attribute { code, .. } | Self::Content { code, .. } => *code,
        }
    }
}

/// The document as text. Text is escaped and loses what XML cannot carry; a limit that does not
/// hold is an error, since the carrier would ignore it or refuse the document.
pub fn write(response: &Response) -> Result<String, TwimlError> {
    let document = xml::print(&element(response)?);
    if document.len() > MAX_BYTES { Err(TwimlError::TooLarge(document.len())) } else { Ok(document) }
}

/// The document for the REST parameter `Twiml`, which is short and has no address of its own.
pub fn write_inline(response: &Response) -> Result<String, TwimlError> {
    let root = element(response)?;
    if let Some(relative) = place::relative_url(&root) {
        return Err(TwimlError::RelativeInline(relative));
    }
    let document = xml::print(&root);
    match document.chars().count() {
        chars if chars > MAX_INLINE_CHARS => Err(TwimlError::TooLargeInline(chars)),
        _ => Ok(document),
    }
}

fn element(response: &Response) -> Result<Element, TwimlError> {
    let mut root = Element::new("Response");
    for verb in &response.verbs {
        root.push(verb.element()?);
    }
    Ok(root)
}

/// Reads a document as Twilio does: unknown verbs and attributes are warnings, the rest runs.
pub fn read(document: &str) -> Result<Read, TwimlError> {
    if document.len() > MAX_BYTES {
        return Err(TwimlError::TooLarge(document.len()));
    }
    if document.trim().is_empty() {
        return Err(TwimlError::Empty);
    }
    let root = xml::parse(document)?;
    if root.name != "Response" {
        return Err(TwimlError::Root(root.name));
    }
    let mut reading = attribute::Reading::default();
    reading.leftover(&root);
    let verbs = reading.children(root).into_iter().filter_map(|element| Verb::read(element, &mut reading)).collect();
    Ok(Read { response: Response { verbs }, warnings: reading.warnings })
}

/// What an answer with this content type is to Twilio ("Twilio's response" in its TwiML reference).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    Document,
    /// Played, then the call ends.
    Audio,
    /// Executed when it is a document, read aloud otherwise.
    Text,
}

pub fn answer_kind(content_type: Option<&str>) -> Result<AnswerKind, TwimlError> {
    let given = content_type.unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/xml" | "application/xml" | "text/html" => Ok(AnswerKind::Document),
        "text/plain" => Ok(AnswerKind::Text),
        audio if audio.starts_with("audio/") => Ok(AnswerKind::Audio),
        _ => Err(TwimlError::ContentType(given.chars().take(80).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(document: &str) -> u32 {
        read(document).unwrap_err().code()
    }

    fn warnings(verbs: &str) -> Vec<u32> {
        read(&format!("<Response>{verbs}</Response>")).unwrap().warnings.iter().map(|warning| warning.code).collect()
    }

    #[test]
    fn a_menu_reads_as_the_reference_writes_it() {
        let menu = Gather {
            action: Some("/carriers/twilio/turn/cll_1/2?a=1&b=2".into()),
            num_digits: Some(1),
            prompts: vec![Say::text("Für einen Ausfall drücken Sie die 1.").voice("Polly.Vicki-Neural").into()],
            ..Gather::default()
        };
        let document = write(&Response::new().with(menu).with(Redirect::to("/again"))).unwrap();
        insta::assert_snapshot!(document, @r#"<?xml version="1.0" encoding="UTF-8"?><Response><Gather action="/carriers/twilio/turn/cll_1/2?a=1&amp;b=2" numDigits="1"><Say voice="Polly.Vicki-Neural">Für einen Ausfall drücken Sie die 1.</Say></Gather><Redirect>/again</Redirect></Response>"#);
    }

    #[test]
    fn a_broken_document_has_the_carriers_code() {
        assert_eq!(code("\n<?xml version=\"1.0\"?><Response/>"), 12100);
        for broken in [
            "<Response>",
            "<Response></Respons>",
            "<Response/><Response/>",
            "<Response>a & b</Response>",
            "<Response>&nbsp;</Response>",
            "<Response>\u{1}</Response>",
            "<Response>&#1;</Response>",
            "<Response><Say voice=a/></Response>",
            "<Response><Say voice=\"<\"/></Response>",
            "<Response><Say loop=\"1\" loop=\"2\"/></Response>",
            "text",
            "<Response/>text",
            "<!DOCTYPE r [<!ENTITY a \"b\">]><Response>&a;</Response>",
        ] {
            assert_eq!(code(broken), 12100, "{broken}");
        }
        assert_eq!(code("<html><body>502 Bad Gateway</body></html>"), 12102);
        assert_eq!(code("<response/>"), 12102);
        assert_eq!(code(&format!("<Response><Say>{}</Say></Response>", "x".repeat(MAX_BYTES))), 11750);
        assert_eq!(code(" "), 11770);
        assert_eq!(code(&format!("{}{}", "<Response>", "<a>".repeat(5_000))), 12100);
    }

    #[test]
    fn what_is_unknown_is_a_warning_and_the_rest_runs() {
        let read = read("<!-- c --><Response><Sing>la</Sing><say>x</say><Pause colour=\"red\"/></Response><!-- d -->");
        let read = read.unwrap();
        assert_eq!(read.response, Response::new().with(Pause::default()));
        assert_eq!(read.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), [12200, 12200, 12200]);
    }

    #[test]
    fn a_wrong_attribute_is_ignored_with_its_own_code() {
        for (verbs, expected) in [
            ("<Pause length=\"0\"/>", 13910),
            ("<Gather numDigits=\"x\"/>", 13314),
            ("<Gather timeout=\"-1\"/>", 13313),
            ("<Gather finishOnKey=\"##\"/>", 13310),
            ("<Gather method=\"PUT\"/>", 13312),
            ("<Gather input=\"speech\" speechTimeout=\"auto\"/>", 13335),
            ("<Gather><Dial>+4930901820</Dial></Gather>", 13320),
            ("<Say></Say>", 13520),
            ("<Reject reason=\"tired\"/>", 13810),
            ("<Redirect method=\"DELETE\">/a</Redirect>", 13710),
            ("<Play digits=\"12x\"/>", 13430),
            ("<Enqueue method=\"x\">q</Enqueue>", 14201),
            ("<Enqueue></Enqueue>", 14204),
            ("<Record maxLength=\"0\"/>", 13612),
        ] {
            assert_eq!(warnings(verbs), [expected], "{verbs}");
        }
        assert_eq!(warnings(&format!("<Enqueue>{}</Enqueue>", "q".repeat(65))), [14205]);
    }

    #[test]
    fn a_limit_that_does_not_hold_is_not_written() {
        let code = |verb: Verb| write(&Response::new().with(verb)).unwrap_err().code();
        assert_eq!(code(Say::text("  ").into()), 13520);
        assert_eq!(code(Say::text("x".repeat(4_097)).into()), 13521);
        assert_eq!(code(Say::text("x".repeat(3_001)).voice("Polly.Vicki-Neural").into()), 13521);
        assert_eq!(code(Gather { num_digits: Some(0), ..Gather::default() }.into()), 13314);
        assert_eq!(code(Enqueue::named("q".repeat(65)).into()), 14205);
        assert_eq!(code(Pause::seconds(0).into()), 13910);
        assert_eq!(code(Redirect::to("https://under_score.example/a").into()), 11100);
        let long = (0..20).fold(Response::new(), |response, _| response.with(Say::text("x".repeat(4_000))));
        assert_eq!(write(&long), Err(TwimlError::TooLarge(80_000 + 20 * "<Say></Say>".len() + 59)));
    }

    #[test]
    fn an_inline_document_is_short_and_has_only_whole_urls() {
        assert!(write_inline(&Response::new().with(Redirect::to("https://a.example/b"))).is_ok());
        assert_eq!(write_inline(&Response::new().with(Redirect::to("/b"))).unwrap_err().code(), 15004);
        let gather = Gather { action: Some("turn".into()), ..Gather::default() };
        assert_eq!(write_inline(&Response::new().with(gather)).unwrap_err().code(), 15004);
        assert_eq!(write_inline(&Response::new().with(Say::text("ä".repeat(3_990)))).unwrap_err().code(), 13521);
        let long = Response::new().with(Say::text("x".repeat(2_000))).with(Say::text("x".repeat(2_000)));
        assert_eq!(write_inline(&long).unwrap_err().code(), 32018);
    }

    #[test]
    fn the_content_type_decides_what_an_answer_is() {
        assert_eq!(answer_kind(Some("Text/XML; charset=utf-8")), Ok(AnswerKind::Document));
        assert_eq!(answer_kind(Some("audio/mpeg")), Ok(AnswerKind::Audio));
        assert_eq!(answer_kind(Some("text/plain")), Ok(AnswerKind::Text));
        assert_eq!(answer_kind(Some("application/json")).unwrap_err().code(), 12300);
        assert_eq!(answer_kind(None).unwrap_err().code(), 12300);
    }
}
