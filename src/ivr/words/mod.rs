//! What the engine itself says: the sentences that a flow need not write, as data per language.
//! A new language is a new file beside `de` and `en`, and its line in `ALL`. Never decides anything.

mod de;
mod en;

use chrono::NaiveDateTime;

use crate::model::language::Language;

/// Everything the engine says in one language. `{…}` in a sentence is filled in by `fill`.
#[derive(Debug)]
pub struct Words {
    /// The primary subtag: `de` also serves `de-CH`.
    pub tag: &'static str,
    /// Said before the spare voicemail.
    pub sorry: &'static str,
    /// Said when a document comes too late, or when all is done.
    pub goodbye: &'static str,
    pub thanks: &'static str,
    /// Said when not even the spare voicemail worked.
    pub sorry_goodbye: &'static str,
    pub wrong_key: &'static str,
    pub no_input: &'static str,
    pub wrong_pin: &'static str,
    pub wrong_customer_number: &'static str,
    pub ask_customer_number: &'static str,
    pub ask_any_key: &'static str,
    pub ask_consent: &'static str,
    /// What counts as consent when it is spoken, and what as refusal.
    pub yes: &'static [&'static str],
    pub no: &'static [&'static str],
    /// What the digits are called when they are spoken one by one, from 0.
    pub digits: [&'static [&'static str]; 10],
    /// What callers call this language, in whatever language.
    pub names: &'static [&'static str],
    /// Repeats what was heard: `{heard}`; then asks whether it is right.
    pub confirm: &'static str,
    pub not_understood: &'static str,
    /// Who, what, where, when, why.
    pub questions: [&'static str; 5],
    /// While the caller waits for a human.
    pub hold: &'static str,
    pub still_holding: &'static str,
    /// `{position}`
    pub queue_position: &'static str,
    pub may_leave: &'static str,
    /// Before open incidents are told, and how to hear more of them.
    pub notice: &'static str,
    pub ask_follow: &'static str,
    pub followed: &'static str,
    /// `{number}`, `{within}`: at that number only, or also at another.
    pub offer_callback: &'static str,
    pub offer_callback_or_other: &'static str,
    /// What counts as wanting to be called back elsewhere.
    pub another_number: &'static [&'static str],
    pub ask_callback_number: &'static str,
    pub callback_number_wrong: &'static str,
    /// Its country is not allowed.
    pub callback_number_refused: &'static str,
    /// `{number}`, `{time}`
    pub callback_promised: &'static str,
    /// `{who}`, `{number}`, `{time}`
    pub title_callback: &'static str,
    /// Titles of alerts. `{who}`, `{step}`, `{hotline}`.
    pub title_call: &'static str,
    pub title_voicemail: &'static str,
    pub title_missed: &'static str,
    /// For the MSP's own alerts. `{who}`, `{step}`, `{hotline}`.
    pub nobody_on_call: &'static str,
    pub nobody_reached: &'static str,
    pub connect_failed: &'static str,
    pub refused_call: &'static str,
    pub refused_sms: &'static str,
    pub flow_failed: &'static str,
    pub anonymous: &'static str,
    /// One and many: seconds, minutes, hours, days.
    pub units: [(&'static str, &'static str); 4],
    pub and: &'static str,
    /// A time of day, with its date when that is not today.
    pub time: fn(NaiveDateTime, bool) -> String,
}

const ALL: [&Words; 2] = [&en::WORDS, &de::WORDS];

/// The words for a language, or for the spare one, or English, with the language they are in: what
/// is written in English must not be read by a French voice.
pub fn words(language: &Language, spare: &Language) -> (&'static Words, Language) {
    for wanted in [language, spare] {
        if let Some(words) = ALL.into_iter().find(|words| words.tag == wanted.primary()) {
            return (words, wanted.clone());
        }
    }
    (&en::WORDS, Language::english())
}

/// What callers call a language; nothing for one that has no words here.
pub fn names(language: &Language) -> &'static [&'static str] {
    ALL.into_iter().find(|words| words.tag == language.primary()).map_or(&[], |words| words.names)
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

impl Words {
    /// `90` is "1 minute and 30 seconds"; no more than the two greatest units.
    pub fn duration(&self, seconds: i64) -> String {
        let seconds = seconds.max(0);
        let counts = [seconds % 60, seconds / 60 % 60, seconds / 3_600 % 24, seconds / 86_400];
        let spoken: Vec<_> = counts
            .iter()
            .zip(self.units)
            .rev()
            .filter(|(count, _)| **count > 0)
            .take(2)
            .map(|(count, (one, many))| format!("{count} {}", if *count == 1 { one } else { many }))
            .collect();
        match spoken.is_empty() {
            true => format!("0 {}", self.units[0].1),
            false => spoken.join(&format!(" {} ", self.and)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_its_own_words() {
        for words in ALL {
            assert!(words.tag.parse::<Language>().is_ok());
            for sentence in [words.sorry, words.wrong_key, words.ask_customer_number, words.title_missed] {
                assert!(sentence.len() > 10, "{}: {sentence}", words.tag);
            }
            assert!(words.yes.iter().all(|word| !words.no.contains(word)));
            assert!(!words.another_number.is_empty());
            assert!(words.digits.iter().all(|names| !names.is_empty()) && !words.names.is_empty());
            assert!(words.confirm.contains("{heard}"));
            assert!(words.questions.iter().all(|question| question.len() > 30));
        }
    }

    #[test]
    fn what_has_no_words_is_said_in_the_spare_language_or_in_english() {
        let language = |tag: &str| tag.parse::<Language>().unwrap();
        let said = |wanted: &str, spare: &str| words(&language(wanted), &language(spare)).1.to_string();
        assert_eq!(said("de-CH", "en"), "de-CH");
        assert_eq!(said("fr", "de"), "de");
        assert_eq!(said("fr", "it"), "en");
    }

    #[test]
    fn durations_and_times_are_spoken() {
        assert_eq!(en::WORDS.duration(90), "1 minute and 30 seconds");
        assert_eq!(de::WORDS.duration(900), "15 Minuten");
        assert_eq!(de::WORDS.duration(2 * 86_400), "2 Tage");
        assert_eq!(en::WORDS.duration(-5), "0 seconds");
        let time = "2026-12-24T14:05:00".parse().unwrap();
        assert_eq!((de::WORDS.time)(time, false), "14:05 Uhr");
        assert_eq!((de::WORDS.time)(time, true), "am 24. Dezember um 14:05 Uhr");
        assert_eq!((en::WORDS.time)(time, false), "2:05 p.m.");
        assert_eq!((en::WORDS.time)(time, true), "on December 24 at 2:05 p.m.");
    }

    #[test]
    fn a_value_with_braces_is_not_filled_again() {
        assert_eq!(fill("{who} at {step} {", &[("who", "{step}"), ("step", "pin")]), "{step} at pin {");
    }
}
