//! Reads the sentences of a language from its file: every key is there, none is unknown, and each sentence
//! has the blanks that it has in English. Start at `sentences!`.

use toml_edit::Value;

use crate::model::{
    fault::did_you_mean,
    source::{At, Reader, Source, Span},
};

/// Longer ones nobody listens to.
const CHARS_MAX: usize = 600;

pub type Sentence = &'static str;

/// What may be said for one thing, in small letters.
pub type Said = &'static [&'static str];

/// What stands under a key, or is a table of keys. `english` is the same in English.
pub trait Entry: Sized + 'static {
    fn read(above: &Reader<'_>, key: &'static str, english: Option<&Self>) -> Option<Self>;
}

/// A value: a sentence, or a list of them. What is read stays until the process ends: there is one set of
/// languages, and it is read when the process starts.
pub trait Part: Sized + 'static {
    fn of(source: &Source, name: &str, given: At<&Value>, english: Option<&Self>) -> Option<Self>;

    /// As it stands in a file.
    fn shown(&self) -> String;
}

/// A table of a language's file: the struct, and how it is read. Its keys are the fields.
macro_rules! sentences {
    ($(#[$about:meta])* $name:ident { $($field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug)]
        pub struct $name { $(pub $field: $kind,)* }

        impl $crate::languages::read::Entry for $name {
            fn read(
                above: &$crate::model::source::Reader<'_>,
                key: &'static str,
                english: Option<&Self>,
            ) -> Option<Self> {
                let table = $crate::languages::read::table(above, key)?;
                $(
                    let $field: Option<$kind> = $crate::languages::read::Entry::read(
                        &table,
                        stringify!($field),
                        english.map(|english| &english.$field),
                    );
                )*
                table.finish();
                Some(Self { $($field: $field?,)* })
            }
        }
    };
}
pub(super) use sentences;

pub fn table<'a>(above: &Reader<'a>, key: &'static str) -> Option<Reader<'a>> {
    if !above.has(key) {
        above.missing(key, "add the table, with the keys that it has in en.toml");
    }
    above.table(key, format!("[{key}]"))
}

impl<T: Part> Entry for T {
    fn read(above: &Reader<'_>, key: &'static str, english: Option<&Self>) -> Option<Self> {
        let Some(item) = above.item(key) else {
            let english = english.map(|english| format!("; in English it is {}", english.shown()));
            above.missing(key, &format!("add it{}", english.unwrap_or_default()));
            return None;
        };
        let Some(value) = item.as_value() else {
            above.fault_at(key, format!("`{key}` is a table"), "write what en.toml has there, in this language");
            return None;
        };
        T::of(above.source(), key, At { value, span: value.span() }, english)
    }
}

impl Part for Sentence {
    fn of(source: &Source, name: &str, given: At<&Value>, english: Option<&Self>) -> Option<Self> {
        let Some(text) = given.value.as_str() else {
            source.fault(given.span, format!("`{name}` holds what is no text"), "write it in quotes");
            return None;
        };
        let trouble = if text.trim().is_empty() {
            Some((format!("`{name}` says nothing"), "write it in this language".to_owned()))
        } else if text.chars().any(char::is_control) {
            Some((format!("`{name}` has a line break or another control sign"), "write it on one line".to_owned()))
        } else if text.chars().count() > CHARS_MAX {
            let what = format!("`{name}` has {} characters", text.chars().count());
            Some((what, format!("{CHARS_MAX} are the most: say it shorter")))
        } else {
            None
        };
        if let Some((what, mend)) = trouble {
            source.fault(given.span, what, mend);
            return None;
        }
        let sound = english.is_none_or(|english| has_its_blanks(source, name, &given.span, text, english));
        sound.then(|| &*text.to_owned().leak())
    }

    fn shown(&self) -> String {
        format!("\"{self}\"")
    }
}

impl Part for Said {
    fn of(source: &Source, name: &str, given: At<&Value>, _: Option<&Self>) -> Option<Self> {
        let words: Vec<Sentence> = parts(source, name, given.clone(), |_| Some(&""))?;
        if words.is_empty() {
            source.fault(given.span, format!("`{name}` is empty"), "write one word at least");
            return None;
        }
        Some(words.into_iter().map(|word| &*word.to_lowercase().leak()).collect::<Vec<_>>().leak())
    }

    fn shown(&self) -> String {
        list(self)
    }
}

impl<T: Part, const N: usize> Part for [T; N] {
    fn of(source: &Source, name: &str, given: At<&Value>, english: Option<&Self>) -> Option<Self> {
        let entries: Vec<T> = parts(source, name, given.clone(), |index| english.and_then(|it| it.get(index)))?;
        let count = entries.len();
        let whole: Option<Self> = entries.try_into().ok();
        if whole.is_none() {
            let mend = "write as many as there are in en.toml, in the same order";
            source.fault(given.span, format!("`{name}` has {count} entries, not {N}"), mend);
        }
        whole
    }

    fn shown(&self) -> String {
        list(self)
    }
}

/// The entries of a list; `None` when one of them is wrong.
fn parts<'e, T: Part>(
    source: &Source,
    name: &str,
    given: At<&Value>,
    english: impl Fn(usize) -> Option<&'e T>,
) -> Option<Vec<T>> {
    let Some(array) = given.value.as_array() else {
        source.fault(given.span, format!("`{name}` is no list"), "write it in brackets, as in en.toml");
        return None;
    };
    let read = |(index, value): (usize, &Value)| T::of(source, name, At { value, span: value.span() }, english(index));
    let entries: Vec<Option<T>> = array.iter().enumerate().map(read).collect();
    entries.into_iter().collect()
}

fn list<T: Part>(entries: &[T]) -> String {
    format!("[{}]", entries.iter().map(Part::shown).collect::<Vec<_>>().join(", "))
}

/// The names of the `{blanks}` of a sentence.
pub fn blanks(sentence: &str) -> Vec<&str> {
    sentence.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or(rest)).collect()
}

fn has_its_blanks(source: &Source, name: &str, span: &Span, text: &str, english: &str) -> bool {
    let (given, known) = (blanks(text), blanks(english));
    let strange: Vec<_> = given.iter().filter(|blank| !known.contains(blank)).collect();
    for blank in &strange {
        no_such_blank(source, span.clone(), name, blank, &known);
    }
    // One that is misspelt is missing too, and said once.
    let missing: Vec<_> = known.iter().filter(|blank| strange.is_empty() && !given.contains(blank)).collect();
    for blank in &missing {
        let mend = format!("say it as well; in English it is \"{english}\"");
        source.fault(span.clone(), format!("`{name}` has no {{{blank}}}"), mend);
    }
    strange.is_empty() && missing.is_empty()
}

pub fn no_such_blank(source: &Source, span: Span, name: &str, blank: &str, known: &[&str]) {
    let mend = did_you_mean(blank, known.iter().copied()).unwrap_or_else(|| match known {
        [] => "nothing is filled in here: leave it out".to_owned(),
        _ => format!("use {}", known.iter().map(|known| format!("{{{known}}}")).collect::<Vec<_>>().join(", ")),
    });
    source.fault(span, format!("`{name}` has a blank {{{blank}}}, which there is not"), mend);
}
