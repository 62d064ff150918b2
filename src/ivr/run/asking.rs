//! What all steps share that wait for the caller's keys or voice: the gather, asking again, and when
//! to give up.

use super::walk::Walk;
use crate::{
    ivr::{
        flow::Asking,
        turn::{Gather, Input, Listen, Record, Then},
        words::{Words, words},
    },
    model::{call::Question, language::Language},
};

pub fn gather(asking: &Asking, max_digits: Option<u32>, finish: Option<char>, speech: Option<Listen>) -> Then {
    Then::Gather(Gather { speech, max_digits, timeout_s: asking.timeout_s, finish, barge_in: asking.barge_in })
}

/// How long, and what becomes of it, is the step's own.
pub fn record(asking: &Asking, max_s: u32, transcribe: bool, language: Language, question: Option<Question>) -> Then {
    let (silence_s, finish) = (asking.timeout_s, asking.finish);
    Then::Record(Record { max_s, silence_s, finish, transcribe, language, question })
}

/// What came of a question.
pub enum Heard {
    Keys(String),
    Words(String),
    /// Also what no question leads to: the carrier's reports may come late and in any order.
    Nothing,
}

pub fn heard(input: &Input) -> Heard {
    match input {
        Input::Digits(keys) if !keys.trim().is_empty() => Heard::Keys(keys.trim().to_owned()),
        Input::Speech { text, .. } if !text.trim().is_empty() => Heard::Words(text.clone()),
        _ => Heard::Nothing,
    }
}

impl Walk<'_> {
    /// Counts an empty or wrong input. `false`: that was the last one.
    pub fn may_try_again(&mut self, asking: &Asking) -> bool {
        self.state.attempts = self.state.attempts.saturating_add(1);
        self.state.attempts < asking.attempts
    }

    /// What the engine listens for when it asks by itself: 1 and 2 are the same by key, and may be said.
    pub fn listen_for_yes_or_no(&self) -> Listen {
        let (words, language) = words(&self.state.language, self.flow.default_language());
        let named = words.yes.iter().chain(words.no).map(|word| (*word).to_owned());
        Listen { language, hints: named.chain(digit_names(words, ['1', '2'])).collect() }
    }

    /// The answer to such a question, and how it was given. Only a clear yes is one.
    pub fn yes_or_no(&self, input: &Input) -> Option<(bool, &'static str)> {
        match heard(input) {
            Heard::Keys(keys) if keys == "1" => Some((true, "pressed 1")),
            Heard::Keys(keys) if keys == "2" => Some((false, "pressed 2")),
            Heard::Keys(_) | Heard::Nothing => None,
            Heard::Words(text) => {
                let (words, _) = words(&self.state.language, self.flow.default_language());
                match spoken_digits(&text, words).as_deref() {
                    Some("1") => return Some((true, "said 1")),
                    Some("2") => return Some((false, "said 2")),
                    Some(_) | None => {}
                }
                let said = spoken_words(&text);
                let any = |list: &[&str]| list.iter().any(|word| says_phrase(&said, word) > 0);
                match (any(words.yes), any(words.no)) {
                    (true, false) => Some((true, "said yes")),
                    (_, true) => Some((false, "said no")),
                    (false, false) => None,
                }
            }
        }
    }

    /// Before asking again: the flow's own words when nothing came, else the engine's.
    pub fn say_before_again(&mut self, asking: &Asking, wrong: Option<fn(&Words) -> &'static str>) {
        match (wrong, &asking.no_input) {
            (Some(sentence), _) => self.say_built_in(sentence),
            (None, Some(text)) => {
                let language = self.state.language.clone();
                self.say(text, &language);
            }
            (None, None) => self.say_built_in(|words| words.no_input),
        }
    }
}

pub fn is_audio(url: &str) -> bool {
    let after = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = after.and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty() && !host.contains('_'))
        && !url.contains(|sign: char| sign.is_whitespace() || sign.is_control())
}

/// The words of what was said, in small letters: `Ja, bitte!` → `ja`, `bitte`.
pub fn spoken_words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The digits of what was said, if it is nothing else: `null 8 fünfzehn` is not, `4711` and `vier sieben
/// eins eins` are.
pub fn spoken_digits(text: &str, words: &Words) -> Option<String> {
    let mut digits = String::new();
    for said in spoken_words(text) {
        if said.bytes().all(|sign| sign.is_ascii_digit()) {
            digits.push_str(&said);
            continue;
        }
        let digit = words.digits.iter().position(|names| names.contains(&said.as_str()))?;
        digits.push_str(&digit.to_string());
    }
    (!digits.is_empty()).then_some(digits)
}

/// What these keys are called when they are spoken; those that are no digits have no such name.
pub fn digit_names(words: &Words, keys: impl IntoIterator<Item = char>) -> impl Iterator<Item = String> {
    let names = keys.into_iter().filter_map(|key| words.digits.get(key.to_digit(10)? as usize));
    names.copied().flatten().map(|name| (*name).to_owned())
}

/// How many words of `phrase` stand in a row in `said`; 0: they do not.
pub fn says_phrase(said: &[String], phrase: &str) -> usize {
    let phrase = spoken_words(phrase);
    let found = !phrase.is_empty() && said.windows(phrase.len()).any(|window| window == phrase.as_slice());
    if found { phrase.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_matched_whole_and_in_any_case() {
        let said = spoken_words("Alles STEHT, ein Ausfall!");
        assert_eq!(says_phrase(&said, "steht"), 1);
        assert_eq!(says_phrase(&said, "ein Ausfall"), 2);
        assert_eq!(says_phrase(&said, "fall"), 0);
        assert_eq!(says_phrase(&said, "Ausfall steht"), 0);
        assert_eq!(says_phrase(&said, " "), 0);
    }

    #[test]
    fn spoken_digits_are_digits_and_nothing_else() {
        let words = |tag: &str| words(&tag.parse().unwrap(), &tag.parse().unwrap()).0;
        let digits = |text, tag| spoken_digits(text, words(tag));
        assert_eq!(digits("Vier, sieben, zwo 1.", "de").as_deref(), Some("4721"));
        assert_eq!(digits("oh four 7 double", "en"), None);
        assert_eq!(digits("zero four 713", "en").as_deref(), Some("04713"));
        assert_eq!(digits("", "en"), None);
    }

    #[test]
    fn audio_has_a_web_address() {
        assert!(is_audio("https://example.com/a.mp3"));
        for bad in ["", "https://", "a.mp3", "javascript:x", "https://a b"] {
            assert!(!is_audio(bad), "{bad}");
        }
    }
}
