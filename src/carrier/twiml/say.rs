//! Say: spoken text, with the SSML that shapes it as typed parts.

use super::{
    TwimlError,
    attribute::{Reading, SCHEMA, Value, any, content, element, label, language, put, range, words},
    xml::{Element, Node},
};

/// Twilio's Say page: 4096 characters for the basic voices, 3000 for Polly's and Google's (SSML
/// not counted), and 4500 for any once URL-encoded.
const MAX_BASIC: usize = 4_096;
const MAX_NAMED: usize = 3_000;
const MAX_ENCODED: usize = 4_500;

element! {
    pub struct Say = "Say" {
        /// `man`, `woman`, `alice`, `Polly.Vicki-Neural`, `Google.de-DE-Neural2-A`, …
        voice: String = "voice", 13511, is_voice;
        /// Only for the basic voices: the others imply it.
        language: String = "language", SCHEMA, language;
        /// 0 is until hang-up.
        times: u32 = "loop", SCHEMA, range(0..=1_000);
    } {
        parts: Vec<SayPart>,
    }
}

fn is_voice(text: &String) -> bool {
    label(100)(text) && !text.contains(char::is_whitespace)
}

impl Say {
    pub fn text(text: impl Into<String>) -> Self {
        Self { parts: vec![SayPart::Text(text.into())], ..Self::default() }
    }

    #[must_use]
    pub fn voice(mut self, voice: impl Into<String>) -> Self {
        self.voice = Some(voice.into());
        self
    }

    #[must_use]
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    #[must_use]
    pub fn then(mut self, part: impl Into<SayPart>) -> Self {
        self.parts.push(part.into());
        self
    }

    /// What is heard, without markup.
    pub fn heard(&self) -> String {
        let mut heard = String::new();
        hear(&self.parts, &mut heard);
        heard
    }

    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let mut element = self.start()?;
        content(&element, self.fault())?;
        write_parts(&mut element, &self.parts)?;
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let begun = Self::begin(&mut element, reading);
        let say = Self { parts: read_parts(element, reading), ..begun };
        reading.content("Say", say.fault());
        say
    }

    fn fault(&self) -> Option<(u32, &'static str)> {
        let heard = self.heard();
        let named = self.voice.as_ref().is_some_and(|voice| voice.contains('.'));
        let max = if named { MAX_NAMED } else { MAX_BASIC };
        let encoded: usize = form_urlencoded::byte_serialize(heard.as_bytes()).map(str::len).sum();
        if heard.trim().is_empty() {
            Some((13520, "nothing to say"))
        } else if heard.chars().count() > max || encoded > MAX_ENCODED {
            Some((13521, "the text is too long"))
        } else {
            None
        }
    }
}

/// A stretch of a Say: plain text or an SSML element. Not every voice honours each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SayPart {
    Text(String),
    Break(Break),
    Emphasis(Emphasis),
    Lang(Lang),
    Paragraph(Paragraph),
    Sentence(Sentence),
    Phoneme(Phoneme),
    Prosody(Prosody),
    SayAs(SayAs),
    Sub(Sub),
    Word(Word),
}

impl From<&str> for SayPart {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SayPart {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

macro_rules! from_parts {
    ($($part:ident)*) => {$(
        impl From<$part> for SayPart {
            fn from(part: $part) -> Self {
                Self::$part(part)
            }
        }
    )*};
}
from_parts! { Break Emphasis Lang Paragraph Sentence Phoneme Prosody SayAs Sub Word }

fn hear(parts: &[SayPart], heard: &mut String) {
    for part in parts {
        match part {
            SayPart::Text(text) => heard.push_str(text),
            SayPart::Break(_) => heard.push(' '),
            SayPart::Emphasis(Emphasis { parts, .. })
            | SayPart::Lang(Lang { parts, .. })
            | SayPart::Paragraph(Paragraph { parts })
            | SayPart::Sentence(Sentence { parts })
            | SayPart::Prosody(Prosody { parts, .. }) => hear(parts, heard),
            SayPart::Phoneme(Phoneme { text, .. })
            | SayPart::SayAs(SayAs { text, .. })
            | SayPart::Word(Word { text, .. }) => heard.push_str(text),
            SayPart::Sub(Sub { alias, .. }) => heard.push_str(alias),
        }
    }
}

words! {
    pub enum BreakStrength {
        None = "none",
        XWeak = "x-weak",
        Weak = "weak",
        Medium = "medium",
        Strong = "strong",
        XStrong = "x-strong",
    }
    pub enum EmphasisLevel {
        Strong = "strong",
        Moderate = "moderate",
        Reduced = "reduced",
    }
    pub enum PhonemeAlphabet {
        Ipa = "ipa",
        XSampa = "x-sampa",
    }
    pub enum InterpretAs {
        Characters = "characters",
        SpellOut = "spell-out",
        Cardinal = "cardinal",
        Number = "number",
        Ordinal = "ordinal",
        Digits = "digits",
        Fraction = "fraction",
        Unit = "unit",
        Date = "date",
        Time = "time",
        Address = "address",
        Expletive = "expletive",
        Telephone = "telephone",
    }
}

element! {
    pub struct Break = "break" {
        strength: BreakStrength = "strength", SCHEMA, any;
        /// `1s`, `250ms`.
        time: String = "time", SCHEMA, is_time;
    } {}
}

element! {
    pub struct Emphasis = "emphasis" {
        level: EmphasisLevel = "level", SCHEMA, any;
    } {
        parts: Vec<SayPart>,
    }
}

element! {
    pub struct Lang = "lang" {
        language: String = "xml:lang", SCHEMA, language;
    } {
        parts: Vec<SayPart>,
    }
}

element! {
    pub struct Paragraph = "p" {} { parts: Vec<SayPart>, }
}

element! {
    pub struct Sentence = "s" {} { parts: Vec<SayPart>, }
}

element! {
    pub struct Prosody = "prosody" {
        /// `+6dB`, `soft`, …
        volume: String = "volume", SCHEMA, label(20);
        /// `80%`, `slow`, …
        rate: String = "rate", SCHEMA, label(20);
        pitch: String = "pitch", SCHEMA, label(20);
    } {
        parts: Vec<SayPart>,
    }
}

element! {
    pub struct Word = "w" {
        role: String = "role", SCHEMA, label(40);
    } {
        text: String,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phoneme {
    pub text: String,
    pub ph: String,
    pub alphabet: Option<PhonemeAlphabet>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SayAs {
    pub text: String,
    pub interpret_as: InterpretAs,
    /// For dates: `dmy`, …
    pub format: Option<String>,
}

impl SayAs {
    pub fn new(interpret_as: InterpretAs, text: impl Into<String>) -> Self {
        Self { text: text.into(), interpret_as, format: None }
    }
}

/// Says `alias` where `text` is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sub {
    pub text: String,
    pub alias: String,
}

#[expect(clippy::ptr_arg, reason = "a predicate is given the attribute's own type")]
fn is_time(text: &String) -> bool {
    let number = text.strip_suffix("ms").or_else(|| text.strip_suffix('s')).unwrap_or_default();
    number.parse::<f64>().is_ok_and(|time| time.is_finite() && time >= 0.0)
}

fn write_parts(parent: &mut Element, parts: &[SayPart]) -> Result<(), TwimlError> {
    for part in parts {
        let child = match part {
            SayPart::Text(text) => {
                parent.push_text(text);
                continue;
            }
            SayPart::Break(part) => part.start()?,
            SayPart::Emphasis(part) => nested(part.start()?, &part.parts)?,
            SayPart::Lang(part) => nested(part.start()?, &part.parts)?,
            SayPart::Paragraph(part) => nested(part.start()?, &part.parts)?,
            SayPart::Sentence(part) => nested(part.start()?, &part.parts)?,
            SayPart::Prosody(part) => nested(part.start()?, &part.parts)?,
            SayPart::Word(part) => part.start()?.with_text(&part.text),
            SayPart::Phoneme(part) => {
                let element = Element::new("phoneme").with_text(&part.text);
                let element = put(element, "alphabet", part.alphabet.as_ref(), SCHEMA, any)?;
                put(element, "ph", Some(&part.ph), SCHEMA, label(200))?
            }
            SayPart::SayAs(part) => {
                let element = Element::new("say-as").with_text(&part.text);
                let element = put(element, "interpret-as", Some(&part.interpret_as), SCHEMA, any)?;
                put(element, "format", part.format.as_ref(), SCHEMA, label(20))?
            }
            SayPart::Sub(part) => {
                put(Element::new("sub").with_text(&part.text), "alias", Some(&part.alias), SCHEMA, any)?
            }
        };
        parent.push(child);
    }
    Ok(())
}

fn nested(mut element: Element, parts: &[SayPart]) -> Result<Element, TwimlError> {
    write_parts(&mut element, parts)?;
    Ok(element)
}

fn read_parts(element: Element, reading: &mut Reading) -> Vec<SayPart> {
    let mut parts = Vec::new();
    for node in element.nodes {
        match node {
            Node::Text(text) => parts.push(SayPart::Text(text)),
            Node::Element(child) => parts.extend(read_part(&element.name, child, reading)),
        }
    }
    parts
}

/// An element that is unknown or lacks what it needs is noted; its text is still spoken.
fn read_part(parent: &str, mut element: Element, reading: &mut Reading) -> Option<SayPart> {
    Some(match element.name.as_str() {
        "break" => SayPart::Break(Break::begin(&mut element, reading)),
        "emphasis" => {
            let begun = Emphasis::begin(&mut element, reading);
            SayPart::Emphasis(Emphasis { parts: read_parts(element, reading), ..begun })
        }
        "lang" => {
            let begun = Lang::begin(&mut element, reading);
            SayPart::Lang(Lang { parts: read_parts(element, reading), ..begun })
        }
        "p" => {
            Paragraph::begin(&mut element, reading);
            SayPart::Paragraph(Paragraph { parts: read_parts(element, reading) })
        }
        "s" => {
            Sentence::begin(&mut element, reading);
            SayPart::Sentence(Sentence { parts: read_parts(element, reading) })
        }
        "prosody" => {
            let begun = Prosody::begin(&mut element, reading);
            SayPart::Prosody(Prosody { parts: read_parts(element, reading), ..begun })
        }
        "w" => {
            let begun = Word::begin(&mut element, reading);
            SayPart::Word(Word { text: reading.spoken(element), ..begun })
        }
        "phoneme" => {
            let alphabet = reading.take(&mut element, "alphabet", SCHEMA, any);
            let ph = needed::<String>(&mut element, "ph", reading);
            reading.leftover(&element);
            let text = reading.spoken(element);
            match ph {
                Some(ph) => SayPart::Phoneme(Phoneme { text, ph, alphabet }),
                None => SayPart::Text(text),
            }
        }
        "say-as" => {
            let interpret_as = needed::<InterpretAs>(&mut element, "interpret-as", reading);
            let format = reading.take(&mut element, "format", SCHEMA, label(20));
            reading.leftover(&element);
            let text = reading.spoken(element);
            match interpret_as {
                Some(interpret_as) => SayPart::SayAs(SayAs { text, interpret_as, format }),
                None => SayPart::Text(text),
            }
        }
        "sub" => {
            let alias = needed::<String>(&mut element, "alias", reading);
            reading.leftover(&element);
            let text = reading.spoken(element);
            match alias {
                Some(alias) => SayPart::Sub(Sub { text, alias }),
                None => SayPart::Text(text),
            }
        }
        _ => {
            reading.unknown(parent, &element);
            return None;
        }
    })
}

fn needed<T: Value>(element: &mut Element, attribute: &str, reading: &mut Reading) -> Option<T> {
    if !element.attributes.iter().any(|(name, _)| name == attribute) {
        reading.warn(SCHEMA, &element.name, format!("`{attribute}` is missing"));
    }
    reading.take(element, attribute, SCHEMA, any)
}
