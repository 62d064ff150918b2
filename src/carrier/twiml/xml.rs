//! XML as a small tree, on quick-xml: printing that escapes, parsing that is strict.
//!
//! Knows nothing of TwiML. quick-xml passes over some faults for which a strict parser (the
//! carrier's) refuses a document; those are checked here.

use std::borrow::Cow;

use quick_xml::{
    Reader, Writer,
    escape::{escape, partial_escape},
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event, attributes::Attribute},
    name::QName,
};

use super::TwimlError;

/// Nothing that a carrier understands nests deeper than a handful.
const MAX_DEPTH: usize = 32;

#[derive(Debug, PartialEq, Eq)]
pub(in crate::carrier) struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub nodes: Vec<Node>,
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::carrier) enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), attributes: Vec::new(), nodes: Vec::new() }
    }

    pub fn push(&mut self, child: Element) {
        self.nodes.push(Node::Element(child));
    }

    pub fn push_text(&mut self, text: &str) {
        self.nodes.push(Node::Text(text.to_owned()));
    }

    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.push_text(text);
        self
    }
}

/// XML 1.0 has no way at all to say these characters, not even escaped.
fn is_legal(sign: char) -> bool {
    matches!(sign, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// The text as XML can carry it.
pub(super) fn legal(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_legal) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().filter(|c| is_legal(*c)).collect())
    }
}

/// The declaration is the first byte: a blank before it is error 12100 at Twilio.
pub(in crate::carrier) fn print(root: &Element) -> String {
    let mut writer = Writer::new(Vec::new());
    write_event(&mut writer, Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    print_element(&mut writer, root);
    String::from_utf8(writer.into_inner()).expect("only strings were written")
}

fn print_element(writer: &mut Writer<Vec<u8>>, element: &Element) {
    let mut start = BytesStart::new(element.name.as_str());
    for (name, value) in &element.attributes {
        // A reader turns bare line ends and tabs within an attribute into blanks.
        let value = escape(legal(value)).replace('\n', "&#10;").replace('\t', "&#9;");
        start.push_attribute(Attribute { key: QName(name), value: Cow::Owned(value) });
    }
    if element.nodes.is_empty() {
        return write_event(writer, Event::Empty(start));
    }
    write_event(writer, Event::Start(start));
    for node in &element.nodes {
        match node {
            Node::Element(child) => print_element(writer, child),
            Node::Text(text) => {
                write_event(writer, Event::Text(BytesText::from_escaped(partial_escape(legal(text)))));
            }
        }
    }
    write_event(writer, Event::End(BytesEnd::new(element.name.as_str())));
}

fn write_event(writer: &mut Writer<Vec<u8>>, event: Event<'_>) {
    writer.write_event(event).expect("writing into memory does not fail");
}

pub(super) fn parse(document: &str) -> Result<Element, TwimlError> {
    let document = document.strip_prefix('\u{FEFF}').unwrap_or(document);
    if !document.chars().all(is_legal) {
        return Err(malformed("a character that XML does not allow"));
    }
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_comments = true;
    let mut parsing = Parsing::default();
    loop {
        let at_start = reader.buffer_position() == 0;
        let event = reader.read_event().map_err(|error| malformed(&error.to_string()))?;
        match event {
            Event::Decl(_) if at_start => {}
            Event::Decl(_) => return Err(malformed("something stands before the XML declaration")),
            Event::DocType(_) => return Err(malformed("a document type is not expected")),
            Event::Comment(_) | Event::PI(_) => {}
            Event::Start(start) => parsing.open(&start)?,
            Event::Empty(start) => {
                parsing.open(&start)?;
                parsing.close();
            }
            Event::End(_) => parsing.close(),
            Event::Text(text) => {
                if (*text).contains("]]>") {
                    return Err(malformed("`]]>` in a text"));
                }
                parsing.text(&text.xml10_content())?;
            }
            Event::CData(data) => parsing.text(&data.xml10_content())?,
            Event::GeneralRef(reference) => {
                let sign = match reference.resolve_char_ref().map_err(|error| malformed(&error.to_string()))? {
                    Some(sign) => Some(sign),
                    None => predefined(&reference.xml10_content()),
                };
                let sign = sign.filter(|sign| is_legal(*sign)).ok_or_else(|| malformed("an unknown entity"))?;
                parsing.text(sign.encode_utf8(&mut [0; 4]))?;
            }
            Event::Eof => return parsing.finish(),
        }
    }
}

fn malformed(what: &str) -> TwimlError {
    TwimlError::Malformed(what.chars().take(200).collect())
}

fn predefined(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    }
}

#[derive(Default)]
struct Parsing {
    open: Vec<Element>,
    root: Option<Element>,
}

impl Parsing {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), TwimlError> {
        if self.root.is_some() {
            return Err(malformed("more than one root element"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(malformed("elements nest too deeply"));
        }
        let mut element = Element::new(name(start.name())?);
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| malformed(&error.to_string()))?;
            if attribute.value.contains('<') {
                return Err(malformed("`<` in an attribute"));
            }
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Explicit1_0)
                .map_err(|error| malformed(&error.to_string()))?;
            if !value.chars().all(is_legal) {
                return Err(malformed("a character that XML does not allow"));
            }
            element.attributes.push((name(attribute.key)?.to_owned(), value.into_owned()));
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.push(element),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), TwimlError> {
        match self.open.last_mut() {
            Some(element) => {
                match element.nodes.last_mut() {
                    Some(Node::Text(before)) => before.push_str(text),
                    Some(Node::Element(_)) | None => element.push_text(text),
                }
                Ok(())
            }
            None if text.trim().is_empty() => Ok(()),
            None => Err(malformed("text outside the root element")),
        }
    }

    fn finish(self) -> Result<Element, TwimlError> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            Some(_) | None => Err(malformed("the root element is not closed")),
        }
    }
}

fn name(name: QName<'_>) -> Result<&str, TwimlError> {
    let name = name.into_inner();
    let starts = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let fits = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'));
    if starts && fits { Ok(name) } else { Err(malformed("a wrong name")) }
}
