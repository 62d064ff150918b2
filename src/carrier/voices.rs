//! In which voice the carrier reads a language out, and under which name it knows it. Pure.

use super::twiml::Say;
use crate::model::language::Language;

/// Named voices imply their language; where we know none, the carrier chooses one of the language.
pub fn voiced(language: &Language, voice: Option<&str>) -> Say {
    let known = match language.primary() {
        "de" => Some("Polly.Vicki-Neural"),
        "en" => Some("Polly.Joanna-Neural"),
        "fr" => Some("Polly.Lea-Neural"),
        "it" => Some("Polly.Bianca-Neural"),
        "es" => Some("Polly.Lucia-Neural"),
        "nl" => Some("Polly.Laura-Neural"),
        _ => None,
    };
    match voice.or(known) {
        Some(voice) => Say::default().voice(voice),
        None => Say::default().language(recognised(language)),
    }
}

/// The carrier knows no `de` and no `de-CH`: regions that it has.
pub fn recognised(language: &Language) -> String {
    match language.primary() {
        "de" => "de-DE".to_owned(),
        "fr" => "fr-FR".to_owned(),
        "it" => "it-IT".to_owned(),
        "es" => "es-ES".to_owned(),
        "nl" => "nl-NL".to_owned(),
        "en" if language.as_str() == "en" => "en-US".to_owned(),
        _ => language.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_a_voice_of_ours_or_one_that_the_carrier_chooses() {
        let voiced = |tag: &str, voice| {
            let say = voiced(&tag.parse().unwrap(), voice);
            (say.voice, say.language)
        };
        assert_eq!(voiced("fr-CH", None), (Some("Polly.Lea-Neural".to_owned()), None));
        assert_eq!(voiced("pl-PL", None), (None, Some("pl-PL".to_owned())));
        assert_eq!(voiced("pl-PL", Some("Polly.Ola-Neural")), (Some("Polly.Ola-Neural".to_owned()), None));
    }
}
