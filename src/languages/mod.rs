//! What Pikett itself says: one data file for each language. `de.toml` and `en.toml` are built in; an MSP
//! adds others, or its own wording for these, as files. Never decides anything, and opens no file.
//!
//! A process reads its languages once, when it starts (`speak`); until then, and where nobody adds any, it
//! speaks those that are built in. Start at `Languages::with`.

mod callers;
mod clock;
mod messages;
mod read; // a file, sentence by sentence
mod technicians;

#[cfg(test)]
mod tests;

use std::sync::{LazyLock, OnceLock};

use self::read::{Entry, Said};
pub use self::{
    callers::Callers,
    messages::{Each, Messages, Ways},
    technicians::Technicians,
};
use crate::model::{
    fault::Fault,
    language::Language,
    source::{Reader, Source},
};

const ENGLISH: &str = include_str!("en.toml");
const GERMAN: &str = include_str!("de.toml");

/// Everything that is said in one language.
#[derive(Debug)]
pub struct Sentences {
    /// `de` also serves `de-CH`, where that has no file of its own.
    pub language: Language,
    /// What callers call it, in whatever language.
    pub names: Said,
    pub callers: Callers,
    pub technicians: Technicians,
    pub messages: Messages,
}

/// The languages of a process. English is always among them.
#[derive(Debug)]
pub struct Languages(Vec<Sentences>);

/// A file that adds a language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub text: String,
}

static BUILT_IN: LazyLock<Languages> = LazyLock::new(Languages::built_in);
static SPOKEN: OnceLock<Languages> = OnceLock::new();

/// The files that come along, by their tags. English explains what each sentence is for.
pub fn shipped() -> [(&'static str, &'static str); 2] {
    [("en", ENGLISH), ("de", GERMAN)]
}

/// From here on this process speaks these. What was said first holds: a second set changes nothing.
pub fn speak(languages: Languages) {
    let _ = SPOKEN.set(languages);
}

pub fn spoken() -> &'static Languages {
    SPOKEN.get().unwrap_or(&BUILT_IN)
}

impl Languages {
    pub fn built_in() -> Self {
        Self::with(&[]).expect("the files that come along are sound: the tests read them")
    }

    /// Those that are built in, and those of these files beside or instead of them.
    pub fn with(files: &[File]) -> Result<Self, Vec<Fault>> {
        let english = sentences("en.toml", ENGLISH, None, &[])?;
        let german = sentences("de.toml", GERMAN, Some(&english), &[])?;
        let (mut added, mut taken, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            match sentences(&file.name, &file.text, Some(&english), &taken) {
                Ok(sentences) => {
                    taken.push((sentences.language.clone(), file.name.clone()));
                    added.push(sentences);
                }
                Err(wrong) => faults.extend(wrong),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        for built_in in [german, english] {
            if added.iter().all(|sentences| sentences.language != built_in.language) {
                added.push(built_in);
            }
        }
        added.sort_by(|a, b| a.language.cmp(&b.language));
        Ok(Self(added))
    }

    /// Those of the language, or of its primary subtag (`de` for `de-CH`).
    pub fn find(&self, tag: &str) -> Option<&Sentences> {
        let primary = tag.split('-').next().unwrap_or(tag);
        let of = |tag: &str| self.0.iter().find(|sentences| sentences.language.as_str() == tag);
        of(tag).or_else(|| of(primary))
    }

    pub fn find_or_english(&self, tag: &str) -> &Sentences {
        self.find(tag).or_else(|| self.find("en")).expect("English is always there")
    }

    pub fn all(&self) -> impl Iterator<Item = &Sentences> {
        self.0.iter()
    }
}

/// A whole file. `taken`: tags that other files have, with these files' names.
fn sentences(
    name: &str,
    text: &str,
    english: Option<&Sentences>,
    taken: &[(Language, String)],
) -> Result<Sentences, Vec<Fault>> {
    let source = Source::new(name, text);
    let read = source.parse().and_then(|document| of(source.root(document.as_table()), english, taken));
    match read {
        Some(sentences) if source.is_sound() => Ok(sentences),
        _ => Err(source.into_faults()),
    }
}

fn of(root: Reader<'_>, english: Option<&Sentences>, taken: &[(Language, String)]) -> Option<Sentences> {
    let language = root.need_parsed::<Language>("language").map(|language| language.value);
    if let Some((tag, file)) = taken.iter().find(|(tag, _)| Some(tag) == language.as_ref()) {
        root.fault_at("language", format!("`{tag}` is the language of {file} too"), "take one of the files away");
    }
    let names = Said::read(&root, "names", english.map(|english| &english.names));
    let callers = Callers::read(&root, "callers", english.map(|english| &english.callers));
    let technicians = Technicians::read(&root, "technicians", english.map(|english| &english.technicians));
    let messages = Messages::read(&root, "messages", english.map(|english| &english.messages));
    if let (Some(callers), Some(table)) = (&callers, root.table("callers", "[callers]")) {
        callers.check(&table);
    }
    if let (Some(messages), Some(table)) = (&messages, root.table("messages", "[messages]")) {
        messages.check(&table);
    }
    root.finish();
    Some(Sentences {
        language: language?,
        names: names?,
        callers: callers?,
        technicians: technicians?,
        messages: messages?,
    })
}

/// Fills `{name}`s in. Values are data: a brace in one is never filled again.
pub fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = values
            .iter()
            .find_map(|(name, value)| Some((rest.strip_prefix('{')?.strip_prefix(name)?.strip_prefix('}')?, value)));
        match found {
            Some((after, value)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}
