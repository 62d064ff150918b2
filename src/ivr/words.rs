//! What the engine itself says: the sentences that a flow need not write, in the caller's language. They
//! stand in the files of `languages`. Never decides anything.

use crate::{
    languages::{Languages, spoken},
    model::language::Language,
};

pub use crate::languages::{Callers as Words, fill};

/// The words for a language, or for the spare one, or English, with the language they are in: what
/// is written in English must not be read by a French voice.
pub fn words(language: &Language, spare: &Language) -> (&'static Words, Language) {
    words_of(spoken(), language, spare)
}

fn words_of<'a>(languages: &'a Languages, language: &Language, spare: &Language) -> (&'a Words, Language) {
    for wanted in [language, spare] {
        if let Some(sentences) = languages.find(wanted.as_str()) {
            return (&sentences.callers, wanted.clone());
        }
    }
    (&languages.find_or_english("en").callers, Language::english())
}

/// What callers call a language; nothing for one that has no words here.
pub fn names(language: &Language) -> &'static [&'static str] {
    spoken().find(language.as_str()).map_or(&[], |sentences| sentences.names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_words_is_said_in_the_spare_language_or_in_english() {
        let built_in = Languages::built_in();
        let language = |tag: &str| tag.parse::<Language>().unwrap();
        let said = |wanted: &str, spare: &str| words_of(&built_in, &language(wanted), &language(spare)).1.to_string();
        assert_eq!(said("de-CH", "en"), "de-CH");
        assert_eq!(said("fr", "de"), "de");
        assert_eq!(said("fr", "it"), "en");
    }
}
