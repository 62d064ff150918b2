//! Attributes: how a value is written and read, and the macro that states each of them once.
//!
//! `element!` makes a struct with one optional field per attribute; an attribute left out takes
//! the carrier's default. Its line names the attribute, the carrier's error code and what fits.

#![expect(clippy::ptr_arg, reason = "a predicate is given the attribute's own type")]

use std::ops::RangeInclusive;

use super::{
    TwimlError, Warning,
    xml::{Element, Node},
};

/// Twilio's schema warning, for what has no code of its own.
pub(super) const SCHEMA: u32 = 12200;
/// "Invalid URL format".
pub(super) const URL: u32 = 11100;

pub(super) trait Value: Sized {
    fn to_text(&self) -> String;
    fn from_text(text: &str) -> Option<Self>;
}

impl Value for String {
    fn to_text(&self) -> String {
        self.clone()
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Value for u32 {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
}

impl Value for bool {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.trim().to_ascii_lowercase().parse().ok()
    }
}

/// A list of words is separated by blanks.
impl<T: Value> Value for Vec<T> {
    fn to_text(&self) -> String {
        self.iter().map(Value::to_text).collect::<Vec<_>>().join(" ")
    }

    fn from_text(text: &str) -> Option<Self> {
        text.split_whitespace().map(T::from_text).collect()
    }
}

/// Enums whose variants are the carrier's words.
macro_rules! words {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal $(| $alias:literal)*,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            #[cfg(test)]
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }

        impl $crate::carrier::twiml::attribute::Value for $name {
            fn to_text(&self) -> String {
                self.as_str().to_owned()
            }

            fn from_text(text: &str) -> Option<Self> {
                match text.trim() { $($word $(| $alias)* => Some(Self::$variant),)+ _ => None }
            }
        }
    )+};
}

/// `struct Name = "Element" { field: Type = "attribute", code, what fits; … } { content: Type, … }`
macro_rules! element {
    (
        $(#[$meta:meta])* pub struct $name:ident = $word:literal {
            $($(#[$fmeta:meta])* $field:ident: $type:ty = $attribute:literal, $code:expr, $fits:expr;)*
        } {
            $($(#[$cmeta:meta])* $content:ident: $ctype:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name {
            $($(#[$cmeta])* pub $content: $ctype,)*
            $($(#[$fmeta])* pub $field: Option<$type>,)*
        }

        impl $name {
            /// The element with its attributes, without content.
            fn start(&self) -> Result<$crate::carrier::twiml::xml::Element, $crate::carrier::twiml::TwimlError> {
                let element = $crate::carrier::twiml::xml::Element::new($word);
                $(let element = $crate::carrier::twiml::attribute::put(
                    element, $attribute, self.$field.as_ref(), $code, $fits,
                )?;)*
                Ok(element)
            }

            /// Takes the attributes; the content is still to be read.
            fn begin(
                element: &mut $crate::carrier::twiml::xml::Element,
                reading: &mut $crate::carrier::twiml::attribute::Reading,
            ) -> Self {
                let read = Self {
                    $($field: reading.take::<$type>(element, $attribute, $code, $fits),)*
                    $($content: <$ctype>::default(),)*
                };
                reading.leftover(element);
                read
            }
        }
    };
}

pub(super) use {element, words};

pub(super) fn put<T: Value>(
    mut element: Element,
    attribute: &'static str,
    value: Option<&T>,
    code: u32,
    fits: impl Fn(&T) -> bool,
) -> Result<Element, TwimlError> {
    let Some(value) = value else { return Ok(element) };
    if !fits(value) {
        return Err(TwimlError::Attribute { code, element: element.name, attribute });
    }
    element.attributes.push((attribute.to_owned(), value.to_text()));
    Ok(element)
}

/// A content that does not fit is not written.
pub(super) fn content(element: &Element, fault: Option<(u32, &'static str)>) -> Result<(), TwimlError> {
    match fault {
        None => Ok(()),
        Some((code, what)) => Err(TwimlError::Content { code, element: element.name.clone(), what }),
    }
}

/// What has been noticed so far while a document is read.
#[derive(Default)]
pub(super) struct Reading {
    pub warnings: Vec<Warning>,
}

impl Reading {
    pub fn warn(&mut self, code: u32, element: &str, what: impl Into<String>) {
        self.warnings.push(Warning { code, element: element.to_owned(), what: what.into() });
    }

    pub fn take<T: Value>(
        &mut self,
        element: &mut Element,
        attribute: &str,
        code: u32,
        fits: impl Fn(&T) -> bool,
    ) -> Option<T> {
        let place = element.attributes.iter().position(|(name, _)| name == attribute)?;
        let (_, text) = element.attributes.remove(place);
        let value = T::from_text(&text).filter(|value| fits(value));
        if value.is_none() {
            self.warn(code, &element.name, format!("wrong `{attribute}`, ignored"));
        }
        value
    }

    /// Attributes that nobody took are unknown.
    pub fn leftover(&mut self, element: &Element) {
        for (attribute, _) in &element.attributes {
            self.warn(SCHEMA, &element.name, format!("unknown attribute `{attribute}`, ignored"));
        }
    }

    /// A content that does not fit is noted and kept: the carrier fails when it gets there.
    pub fn content(&mut self, element: &str, fault: Option<(u32, &'static str)>) {
        if let Some((code, what)) = fault {
            self.warn(code, element, what);
        }
    }

    pub fn children(&mut self, element: Element) -> Vec<Element> {
        let mut children = Vec::new();
        for node in element.nodes {
            match node {
                Node::Element(child) => children.push(child),
                Node::Text(text) if text.trim().is_empty() => {}
                Node::Text(_) => self.warn(SCHEMA, &element.name, "text between the elements, ignored"),
            }
        }
        children
    }

    /// The text of an element that holds nothing else, without the blanks around it.
    pub fn text(&mut self, element: Element) -> String {
        self.spoken(element).trim().to_owned()
    }

    /// The same with its blanks, which matter between spoken words.
    pub fn spoken(&mut self, element: Element) -> String {
        let mut whole = String::new();
        for node in element.nodes {
            match node {
                Node::Text(text) => whole.push_str(&text),
                Node::Element(child) => self.unknown(&element.name, &child),
            }
        }
        whole
    }

    pub fn unknown(&mut self, parent: &str, child: &Element) {
        self.warn(SCHEMA, parent, format!("`{}` is not expected here, ignored", child.name));
    }
}

words! {
    pub enum Method {
        Get = "GET" | "get",
        Post = "POST" | "post",
    }
}

/// Keys to be sent: digits, `A` to `D`, `#`, `*`, `w` (half a second) and `W` (a second).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits(pub String);

impl Value for Digits {
    fn to_text(&self) -> String {
        self.0.clone()
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

pub(super) fn are_keys(digits: &Digits) -> bool {
    !digits.0.is_empty() && digits.0.chars().all(|c| matches!(c, '0'..='9' | 'A'..='D' | '#' | '*' | 'w' | 'W'))
}

/// Words that speech recognition should expect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints(pub Vec<String>);

impl Value for Hints {
    fn to_text(&self) -> String {
        self.0.join(",")
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(Self(text.split(',').map(|hint| hint.trim().to_owned()).filter(|hint| !hint.is_empty()).collect()))
    }
}

/// At most 500 of at most 100 characters; a comma would make two of one.
pub(super) fn are_hints(hints: &Hints) -> bool {
    let fits = |hint: &String| {
        (1..=100).contains(&hint.chars().count()) && !hint.contains(',') && hint.trim().len() == hint.len()
    };
    (1..=500).contains(&hints.0.len()) && hints.0.iter().all(fits)
}

pub(super) fn any<T>(_: &T) -> bool {
    true
}

pub(super) fn range(range: RangeInclusive<u32>) -> impl Fn(&u32) -> bool {
    move |number| range.contains(number)
}

pub(super) fn some<T>(list: &Vec<T>) -> bool {
    !list.is_empty()
}

/// A name or label: not empty, on one line, not longer than `max` characters.
pub(super) fn label(max: usize) -> impl Fn(&String) -> bool {
    move |text| (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// An absolute or relative URL. Twilio refuses hosts with an underscore.
pub(super) fn url(text: &String) -> bool {
    let plain = !text.is_empty() && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    let host = text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    plain && host.is_none_or(|host| !host.is_empty() && !host.contains('_'))
}

/// An empty `waitUrl` means silence.
pub(super) fn url_or_silence(text: &String) -> bool {
    text.is_empty() || url(text)
}

/// Keys that end an input; empty means that none does.
pub(super) fn finish_keys(text: &String) -> bool {
    text.chars().all(|c| matches!(c, '0'..='9' | '#' | '*'))
}

pub(super) fn language(text: &String) -> bool {
    label(40)(text) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
